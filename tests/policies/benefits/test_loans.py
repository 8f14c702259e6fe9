"""Loans: interest against a day-by-day account, terms that overlap, groups and the pool."""

from __future__ import annotations

import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huqing.rules.benefits import compute_rows
from huqing.standards.money import round_fen

DAY = datetime.date(2025, 6, 30)
REGION = "500236"
OPENED, ENDS = datetime.date(2024, 1, 1), datetime.date(2026, 12, 31)
DRAW, REPAY, INTEREST = "1", "2", "3"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def loan(number: int, household: int = 1, group: int = 1, **other: Any) -> dict[str, Any]:
    base = {"granted": 5_000_000, "opened_on": OPENED, "ends_on": ENDS}
    return {"id": number, "household_id": household, "loan_group_id": group, **base, **other}


def values(rows: dict[str, list[dict[str, Any]]], of: str, cache: Path, *names: str) -> list[tuple[Any, ...]]:
    done = compute_rows(rows, of=of, names=names, as_of=DAY, region=REGION, cache=cache).to_pylist()
    return [tuple(row[name] for name in names) for row in done]


entries = st.lists(st.tuples(st.integers(0, 545), st.integers(-2_000_000, 2_000_000)), max_size=8)


@settings(max_examples=25, deadline=None)
@given(entries)
def test_interest_is_that_of_an_account_kept_day_by_day(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int]]
) -> None:
    balance, kept = 0, []
    for after, change in sorted(moves):
        if change and 0 <= balance + change <= 5_000_000:
            balance += change
            kept.append((OPENED + datetime.timedelta(days=after), change))
    rows = [
        {"id": n, "loan_id": 1, "moved_on": on, "movement_kind": DRAW if c > 0 else REPAY, "amount": abs(c)}
        for n, (on, c) in enumerate(kept)
    ]
    owed, products, today = 0, 0, OPENED
    while today < DAY:
        owed += sum(change for on, change in kept if on == today)
        products += owed
        today += datetime.timedelta(days=1)
    expected = round_fen(Fraction(products * 75, 1000 * 360))
    cache = tmp_path_factory.getbasetemp() / "loan-plans"
    found = values({"loan": [loan(1)], "movement": rows}, "loan", cache, "loan_refusal", "interest_accrued")
    assert found == [(None, expected)]


def test_terms_of_one_household_may_follow_each_other_but_not_overlap(cache: Path) -> None:
    first = loan(1, opened_on=day("2022-01-01"), ends_on=day("2023-06-01"))
    rows = [
        first,
        loan(2, opened_on=day("2023-06-01"), ends_on=day("2024-06-01")),
        loan(3, opened_on=day("2024-05-31"), ends_on=day("2025-06-01")),
        loan(4, household=2, opened_on=day("2022-05-01"), ends_on=day("2023-06-01")),
    ]
    overlap = "与本户另一笔借款的期限重叠"
    found = values({"loan": rows}, "loan", cache, "loan_refusal", "loan_balance")
    assert found == [(None, 0), (None, 0), (overlap, None), (None, 0)]


@pytest.fixture
def pool() -> dict[str, list[dict[str, Any]]]:
    """The village of the source: 1.3 million yuan behind 7 million of loans, here by one group of three in arrears."""
    ended = {"opened_on": day("2022-01-01"), "ends_on": day("2024-12-31")}
    return {
        "guarantee_pool": [{"id": 1, "deposit": 130_000_000}],
        "loan_group": [{"id": 1, "guarantee_pool_id": 1}, {"id": 2, "guarantee_pool_id": 1}],
        "loan": [
            loan(1, 1, **ended),
            loan(2, 2),
            loan(3, 3),
            *(loan(n, n, 2, granted=5_000_000) for n in range(4, 6)),
        ],
        "movement": [
            {"id": 1, "loan_id": 1, "moved_on": day("2024-07-05"), "movement_kind": DRAW, "amount": 3_600_000},
            {"id": 2, "loan_id": 2, "moved_on": day("2025-06-20"), "movement_kind": DRAW, "amount": 2_000_000},
            {"id": 3, "loan_id": 4, "moved_on": day("2025-06-20"), "movement_kind": DRAW, "amount": 1_000_000},
        ],
    }


def test_groups_carry_the_arrears_of_their_households(pool: dict[str, list[dict[str, Any]]], cache: Path) -> None:
    names = ("group_loans", "group_size_fits", "group_balance", "group_arrears", "group_loans_in_arrears")
    assert values(pool, "loan_group", cache, *names) == [
        (3, True, 5_600_000, 3_870_000, 1),
        (2, False, 1_000_000, 0, 0),
    ]


def test_the_pool_says_its_leverage_and_what_is_left_for_arrears(
    pool: dict[str, list[dict[str, Any]]], cache: Path
) -> None:
    names = ("pool_balance", "pool_arrears", "leverage", "pool_room", "pool_left")
    assert values(pool, "guarantee_pool", cache, *names) == [
        (6_600_000, 3_870_000, 5, 1_300_000_000 - 6_600_000, 130_000_000 - 3_870_000)
    ]


def test_the_leverage_of_the_source_is_five_times_and_more(cache: Path) -> None:
    draws = [
        {"id": n, "loan_id": n, "moved_on": day("2025-06-01"), "movement_kind": DRAW, "amount": 5_000_000}
        for n in range(1, 141)
    ]
    rows = {
        "guarantee_pool": [{"id": 1, "deposit": 130_000_000}],
        "loan_group": [{"id": 1, "guarantee_pool_id": 1}],
        "loan": [loan(n, n) for n in range(1, 141)],
        "movement": draws,
    }
    assert values(rows, "guarantee_pool", cache, "pool_balance", "leverage") == [(700_000_000, 538)]


def test_one_refused_loan_leaves_the_exposure_of_its_group_and_pool_unknown(
    pool: dict[str, list[dict[str, Any]]], cache: Path
) -> None:
    pool["movement"].append({"id": 9, "loan_id": 3, "moved_on": day("2025-06-01"), "movement_kind": REPAY, "amount": 1})
    assert values(pool, "loan_group", cache, "group_balance") == [(None,), (1_000_000,)]
    assert values(pool, "guarantee_pool", cache, "pool_balance", "leverage") == [(None, None)]


def test_interest_paid_ahead_is_a_credit_and_no_arrears(cache: Path) -> None:
    rows = [
        {"id": 1, "loan_id": 1, "moved_on": day("2025-06-20"), "movement_kind": DRAW, "amount": 2_000_000},
        {"id": 2, "loan_id": 1, "moved_on": day("2025-06-21"), "movement_kind": INTEREST, "amount": 10_000},
    ]
    found = values({"loan": [loan(1)], "movement": rows}, "loan", cache, "interest_due", "loan_arrears")
    assert found == [(4_167 - 10_000, 0)]
