"""ID numbers: GB 11643 examples computed by hand, and the ways clerks mistype them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.standards import idnumbers
from huqing.standards.idnumbers import parse

# The example of GB 11643-1999, appendix A: 11010519491231002X.
STANDARD_EXAMPLE = "11010519491231002X"


def test_the_example_of_the_standard_is_valid() -> None:
    number = parse(STANDARD_EXAMPLE)
    assert number.state == "valid"
    assert (number.birth_date, number.sex, number.area) == (date(1949, 12, 31), "2", "110105")


@pytest.mark.parametrize(
    "written",
    [
        "11010519491231002x",
        " 110105 19491231 002X ",
        "１１０１０５１９４９１２３１００２Ｘ",
        "'11010519491231002X",
        "110105-19491231-002X",
        "\ufeff11010519491231002X\u200b",
        "11010519491231002Х",  # Cyrillic
    ],
)
def test_ways_of_writing_the_same_number_are_one_number(written: str) -> None:
    assert parse(written).number == STANDARD_EXAMPLE
    assert parse(written).valid


@pytest.mark.parametrize(
    ("written", "state"),
    [
        (None, "missing"),
        ("", "missing"),
        ("　", "missing"),
        ("无", "missing"),
        ("1101051949123100", "bad_length"),
        ("11010519491231002XX", "bad_length"),
        ("1101051949123100AX", "bad_length"),
        ("110105194912310021", "bad_check"),
        ("110105194902300020", "bad_date"),
        ("110105194913310020", "bad_date"),
        ("999999194912310020", "placeholder"),
        ("000000000000000000", "placeholder"),
        ("111111111111111", "placeholder"),
        ("123456789012345678", "placeholder"),
    ],
)
def test_what_is_wrong_with_a_number_is_named(written: str | None, state: str) -> None:
    assert parse(written).state == state


def test_numbers_of_an_area_that_does_not_exist_are_no_placeholders() -> None:
    first_17 = "99012319900101123"
    assert parse(first_17 + idnumbers.check_digit(first_17)).valid


def test_an_old_number_is_extended_by_century_and_check_digit() -> None:
    number = parse("110105491231002")
    assert number.number == STANDARD_EXAMPLE
    assert number.valid
    assert number.from_15


def test_old_numbers_of_centenarians_are_not_guessed() -> None:
    assert parse("110105491231996").state == "bad_length"


def test_somebody_born_after_the_day_of_the_data_has_a_wrong_date() -> None:
    first_17 = "11010520300101001"
    number = first_17 + idnumbers.check_digit(first_17)
    assert parse(number).valid
    assert parse(number, as_of=date(2026, 3, 31)).state == "bad_date"


@given(st.from_regex(r"[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])\d{3}", fullmatch=True), st.data())
def test_one_wrong_digit_never_passes(first_17: str, data: st.DataObject) -> None:
    number = first_17 + idnumbers.check_digit(first_17)
    place = data.draw(st.integers(0, 16))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert parse(number[:place] + other + number[place + 1 :]).state != "valid"


@given(st.from_regex(r"[1-9]\d{5}(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|1\d|2[0-8])\d{3}", fullmatch=True), st.data())
def test_two_swapped_neighbours_never_pass(first_17: str, data: st.DataObject) -> None:
    number = first_17 + idnumbers.check_digit(first_17)
    places = [place for place in range(16) if number[place] != number[place + 1]]
    if places:
        place = data.draw(st.sampled_from(places))
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        assert parse(swapped).state != "valid"


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    assert parse(text).state in idnumbers.STATE_LABELS


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("11010519491231002X41", ("4", "1", "")),
        ("11010519491231002X72B1", ("7", "2", "B1")),
        ("１１０１０５１９４９１２３１００２ｘ４１", ("4", "1", "")),
    ],
)
def test_a_disability_card_gives_kind_grade_and_reissue(written: str, parts: tuple[str, str, str]) -> None:
    card = idnumbers.parse_disability_card(written)
    assert card is not None
    assert card.id_number.valid
    assert (card.disability_type, card.disability_grade, card.reissue) == parts


@pytest.mark.parametrize(
    ("written", "state"),
    [
        ("11010519491231002X41", "valid_card"),
        ("11010519491231002X72B1", "valid_card"),
        ("11010519491231001X41", "bad_check"),
    ],
)
def test_a_card_number_is_judged_by_the_id_number_it_begins_with(written: str, state: str) -> None:
    parsed = parse(written)
    assert parsed.state == state
    assert parsed.number == written[:18]
    assert parsed.birth_date == date(1949, 12, 31)


@pytest.mark.parametrize("written", ["", "11010519491231002X", "11010519491231002X81", "11010519491231002X15"])
def test_other_numbers_are_no_disability_cards(written: str) -> None:
    assert idnumbers.parse_disability_card(written) is None


@pytest.mark.parametrize(
    ("written", "state"),
    [
        ("13812345678", "mobile"),
        ("+86 138-1234-5678", "mobile"),
        ("１３８１２３４５６７８", "mobile"),
        ("023-56512345", "landline"),
        ("(023)5651 2345", "landline"),
        ("56512345", "landline"),
        ("", "missing"),
        (None, "missing"),
        ("无", "missing"),
        ("1381234567", "bad"),
        ("13800000000", "bad"),
        ("12345678901", "bad"),
        ("138123456789", "bad"),
    ],
)
def test_phone_numbers_are_told_apart(written: str | None, state: str) -> None:
    assert idnumbers.phone_state(written) == state


@pytest.mark.parametrize(
    ("written", "valid"),
    [
        ("6217 0000 1111 2222 333", True),
        ("10-001234567890", True),
        ("12345", False),
        ("", False),
        ("000000000000", False),
    ],
)
def test_bank_accounts_have_twelve_to_twenty_one_digits(written: str, valid: bool) -> None:
    assert idnumbers.account_is_valid(written) is valid
