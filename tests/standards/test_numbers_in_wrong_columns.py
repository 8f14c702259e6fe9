"""A number of somebody in a column that is not meant for it is neither stored nor repeated, and the clerk is told."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.standards import personal_numbers
from huqing.standards.fields import Field, record_kinds
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value

DAY = dt.date(2026, 6, 30)
NUMBERS = ["990236197912230465", "13812345678", "138 1234 5678", "6228480012345678901", "99023619791223046541"]
IDENTIFIERS = {"number", "household_number", "bill_number"}


def _declared() -> list[tuple[str, Field]]:
    return [(kind.key, field) for kind in record_kinds().values() for field in kind.by_key.values() if not field.sealed]


@pytest.mark.parametrize("number", NUMBERS)
def test_no_column_keeps_or_repeats_a_number_it_is_not_meant_for(number):
    leaking = []
    for kind, field in _declared():
        for written in (number, f"张三{number}", f"住一组，电话{number}。", f"是{number}"):
            outcome = check_value(field, written, as_of=DAY)
            told = f"{outcome} {outcome.value}" if isinstance(outcome, Problem) else str(outcome)
            if number in told and field.key not in IDENTIFIERS:
                leaking.append(f"{kind}.{field.key}: {told}")
    assert not leaking


def test_an_address_with_a_phone_is_kept_without_the_phone():
    outcome = check_value(record_kinds()["household"]["address"], "4组82号 13812345678", as_of=DAY)
    assert isinstance(outcome, Problem)
    assert outcome.warning
    assert outcome.value == "4组82号 〔号码已隐去〕"
    assert "联系电话" in outcome.remedy


def test_of_a_name_with_a_phone_the_name_is_kept():
    outcome = check_value(record_kinds()["household"]["helper_name"], "王五 13812345678", as_of=DAY)
    assert isinstance(outcome, Problem)
    assert outcome.warning
    assert outcome.value == "王五"


def test_an_id_number_in_place_of_a_household_number_is_refused_without_repeating_it():
    outcome = check_value(record_kinds()["household"]["number"], "990236197912230465", as_of=DAY)
    assert isinstance(outcome, Problem)
    assert not outcome.warning
    assert "990236" not in str(outcome)


def test_long_numbers_of_households_and_bills_are_numbers_of_nobody():
    assert check_value(record_kinds()["household"]["number"], "5002361170010001", as_of=DAY) == "5002361170010001"
    bill = record_kinds()["medical_bill"]["bill_number"]
    assert check_value(bill, "202505040000113202505", as_of=DAY) == "202505040000113202505"


def _with_card_digit(first: str) -> str:
    return next(f"{first}{digit}" for digit in range(10) if personal_numbers.has_number(f"{first}{digit}"))


def test_a_household_number_in_a_note_is_kept_and_a_bank_card_is_hidden():
    note = "与 5002361332120091 户合并，见５００２３６１３３２１２００９２"
    assert personal_numbers.hide_numbers(note) == note
    card = _with_card_digit("690000123456789")
    assert personal_numbers.hide_numbers(f"卡号{card}") == f"卡号{personal_numbers.HIDDEN}"


def test_what_could_be_a_bank_card_stays_hidden():
    # With a card's check digit; a mistyped UnionPay card; a beginning that no region has; groups of four as on a card.
    for number in (_with_card_digit("500236133212009"), "6212260000000001", "9902361332120091", "5002 3613 3212 0091"):
        assert personal_numbers.has_number(number), number
