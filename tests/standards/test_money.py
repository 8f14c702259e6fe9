"""Money: yuan in files, fen inside, nothing lost in between."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.standards import money


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("1234.5", 123450),
        ("1,234.50", 123450),
        ("12,345,678.9", 1234567890),
        ("￥12", 1200),
        ("¥ 12.30", 1230),
        ("12元", 1200),
        ("3.2万元", 3200000),
        ("3.2万", 3200000),
        ("-5", -500),
        ("－５．５", -550),
        ("−5", -500),
        ("+5", 500),
        (".5", 50),
        ("0", 0),
        ("0.01", 1),
        ("１２３４", 123400),
    ],
)
def test_amounts_as_people_write_them(written: str, fen: int) -> None:
    assert money.fen_of(written) == fen


@pytest.mark.parametrize(
    "written",
    ["", "abc", "12,34", "1,2345", ",5", "1.2.3", "--5", "5-", "12角", "1e5", "九百", "=1+1", "nan", "inf", "1,234,56"],
)
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(money.MoneyError):
        money.fen_of(written)


def test_parts_of_a_fen_are_refused_not_rounded() -> None:
    with pytest.raises(money.MoneyError, match="小数超过两位"):
        money.fen_of("12.345")


def test_absurd_amounts_are_refused() -> None:
    with pytest.raises(money.MoneyError, match="金额过大"):
        money.fen_of("1" + "0" * 30)


@given(st.integers(-(10**15), 10**15))
def test_fen_survive_the_way_to_yuan_and_back(fen: int) -> None:
    assert money.fen_of(money.yuan_text(fen)) == fen
    assert money.fen_of(money.yuan_text(fen, grouped=True)) == fen


@pytest.mark.parametrize(
    ("amount", "fen"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("0.4999", 0), ("-2.5", -3)],
)
def test_halves_are_rounded_away_from_zero(amount: str, fen: int) -> None:
    assert money.round_fen(Decimal(amount)) == fen
    assert money.round_fen(Fraction(amount)) == fen


def test_a_share_leaves_no_fen_over() -> None:
    assert money.share_equally(10000, 3) == [3334, 3333, 3333]
    assert money.share(10001, [1, 1, 2]) == [2500, 2500, 5001]
    assert money.share(-10000, [1, 1, 1]) == [-3334, -3333, -3333]


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_shares_add_up_and_stay_within_a_fen(fen: int, weights: list[int]) -> None:
    parts = money.share(fen, weights)
    assert sum(parts) == fen
    assert all(
        abs(part - Fraction(fen * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )


def test_nothing_can_be_shared_among_nobody() -> None:
    with pytest.raises(ValueError, match="weights"):
        money.share(100, [0, 0])
    with pytest.raises(ValueError, match="people"):
        money.per_head(100, 0)


def test_income_per_head_is_rounded_once() -> None:
    assert money.per_head(1000000, 3) == 333333
    assert money.per_head(-1000000, 3) == -333333
