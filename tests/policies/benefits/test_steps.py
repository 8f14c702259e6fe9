"""Statements: every step in order, refusals with their reason, what is missing by name."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from huqing.policies.benefits_steps import LAYOUTS, statement
from huqing.rules.errors import TableError

DAY = datetime.date(2025, 6, 30)
REGION = "500236"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


LOAN = {
    "loan": [
        {"id": 1, "household_id": 1, "loan_group_id": 1, "granted": 5_000_000, "opened_on": day("2024-01-01"),
         "ends_on": day("2026-12-31")},
        {"id": 2, "household_id": 2, "loan_group_id": 1, "granted": 100, "opened_on": day("2024-01-01"),
         "ends_on": day("2026-12-31")},
    ],
    "movement": [
        {"id": 1, "loan_id": 1, "moved_on": day("2025-06-01"), "movement_kind": "1", "amount": 2_000_000},
        {"id": 2, "loan_id": 1, "moved_on": day("2025-06-11"), "movement_kind": "2", "amount": 500_000},
        {"id": 3, "loan_id": 2, "moved_on": day("2025-06-11"), "movement_kind": "1", "amount": 100},
    ],
}  # fmt: skip


def test_a_loan_is_told_entry_by_entry_and_step_by_step_with_its_sources(cache: Path) -> None:
    text = statement("loan", 1, LOAN, as_of=DAY, region=REGION, cache=cache).text()
    assert "2025-06-01　提款　20,000.00 元　29 天　580,000.00 元·天" in text
    assert "2025-06-11　还本　5,000.00 元　19 天　-95,000.00 元·天" in text
    assert "485,000.00 元·天 × 7.5% ÷ 一年的计息天数，取到分，得 101.04 元" in text
    assert "依据：一年按多少天计息 360 天（《中国人民银行关于人民币存贷款计结息问题的通知》" in text
    assert "100.00" not in text.split("\n")[2]


def test_what_is_refused_tells_the_reason_and_no_amount(cache: Path) -> None:
    told = statement("loan", 2, LOAN, as_of=DAY, region=REGION, cache=cache)
    assert (told.result, told.steps, told.refused) == (None, (), "授信额度不在规定范围内")
    assert told.text().endswith("不予计算：授信额度不在规定范围内。请改正后重新计算。")


def test_what_is_missing_is_named(cache: Path) -> None:
    claim = {"id": 1, "person_id": 1, "term": "2024-2025-2", "term_on": day("2025-02-17"), "stage": "7"}
    told = statement("education_claim", 1, {"education_claim": [claim]}, as_of=DAY, region=REGION, cache=cache)
    assert told.result is None
    assert "本学期在籍" in told.missing
    assert "无法算出结果，缺：" in told.text()


COMPLETE: dict[str, dict[str, Any]] = {
    "stake": {"household_id": 1, "mode": "4", "crop": "1", "joined_on": day("2020-01-01"), "area": 150, "heads": 4,
              "year_on": day("2024-01-01"), "profit_per_mu": 1_000_000, "base_share": 750_000, "own_money": 1,
              "management_fee": 1},
    "worker_month": {"worker": "甲", "month_on": day("2024-05-01"), "rank": "1", "in_town": True},
    "loan": LOAN["loan"][0],
    "education_claim": {"person_id": 1, "term": "2024-2025-2", "term_on": day("2025-02-17"), "stage": "7",
                        "enrolled": True, "listed_now": True, "listed_at_start": True},
    "premium_claim": {"person_id": 1, "cover_on": day("2024-01-01"), "insured_as": "2"},
}  # fmt: skip


@pytest.mark.parametrize("table", LAYOUTS)
def test_every_benefit_ends_in_an_amount_and_names_the_parameters_it_used(table: str, cache: Path) -> None:
    told = statement(table, 1, {table: [{"id": 1, **COMPLETE[table]}]}, as_of=DAY, region=REGION, cache=cache)
    assert told.result is not None
    assert len(told.steps) == len(LAYOUTS[table].lines)
    assert told.sources
    text = told.text()
    assert "不明" not in text
    assert "{" not in text


def test_a_row_that_is_not_there_is_an_error_with_its_number(cache: Path) -> None:
    with pytest.raises(TableError, match="编号为 9"):
        statement("loan", 9, LOAN, as_of=DAY, region=REGION, cache=cache)
