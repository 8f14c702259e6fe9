"""Dividends: entries twice, counties that set no rate, sums, and presence and premiums registered twice."""

from __future__ import annotations

import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huqing.rules.benefits import compute_rows
from huqing.rules.library import library
from huqing.rules.schedules import Keyed
from huqing.standards.codelists import codelist
from huqing.standards.money import round_fen

DAY = datetime.date(2025, 6, 30)
DEMO, LEYE, MENGSHAN = "500236", "451028", "450423"
TWICE = "同一户同一产业同一方式同一年度重复登记"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def stake(number: int, household: int = 1, **other: Any) -> dict[str, Any]:
    base = {
        "mode": "1",
        "crop": "1",
        "joined_on": datetime.date(2020, 3, 1),
        "year_on": datetime.date(2024, 1, 1),
        "area": 200,
        "heads": 4,
        "profit_per_mu": 1_000_000,
        "base_share": 750_000,
        "own_money": 0,
        "management_fee": 0,
    }
    return {"id": number, "household_id": household, **base, **other}


def values(
    rows: dict[str, list[dict[str, Any]]], of: str, cache: Path, *names: str, region: str = DEMO
) -> list[tuple[Any, ...]]:
    done = compute_rows(rows, of=of, names=names, as_of=DAY, region=region, cache=cache).to_pylist()
    return [tuple(row[name] for name in names) for row in done]


def test_a_stake_entered_twice_counts_once_and_the_household_has_no_sum_until_it_is_put_right(cache: Path) -> None:
    rows = {
        "household": [{"id": 1}, {"id": 2}, {"id": 3}],
        "stake": [stake(1), stake(2), stake(3, 2), stake(4, 2, mode="5", base_share=0, area=100)],
    }
    assert values(rows, "stake", cache, "stake_refusal", "dividend") == [
        (None, 1_000_000),
        (TWICE, None),
        (None, 1_000_000),
        (None, 600_000),
    ]
    assert values(rows, "household", cache, "household_dividend") == [(None,), (1_600_000,), (0,)]


@settings(max_examples=25, deadline=None)
@given(area=st.integers(0, 3_000), profit=st.integers(-(10**7), 10**8), mode=st.sampled_from("12345"))
def test_household_and_company_share_the_whole_profit(
    tmp_path_factory: pytest.TempPathFactory, area: int, profit: int, mode: str
) -> None:
    rates = {"1": 500, "2": 700, "3": 750, "4": 942, "5": 600}
    paid = {"own_money": 1 if mode in "24" else 0, "management_fee": 1 if mode in "34" else 0}
    row = stake(1, mode=mode, area=area, profit_per_mu=profit, base_share=0 if mode == "5" else 750_000, **paid)
    names = ("stake_refusal", "area_profit", "dividend", "company_profit")
    cache = tmp_path_factory.getbasetemp() / "share-plans"
    [(refused, whole, own, company)] = values({"stake": [row]}, "stake", cache, *names)
    counted = area if mode == "5" else min(area, 200)
    assert refused is None
    assert whole == round_fen(Fraction(profit * counted, 100))
    assert own == (round_fen(Fraction(whole * rates[mode], 1000)) if whole > 0 else 0)
    assert own + company == whole


def test_the_county_of_the_source_has_rates_only_for_the_lowest_and_the_highest_way(cache: Path) -> None:
    rows = [
        stake(1),
        stake(2, 2, mode="4", own_money=1, management_fee=1),
        stake(3, 3, mode="2", own_money=1),
    ]
    found = values({"stake": rows}, "stake", cache, "stake_refusal", "dividend", region=LEYE)
    assert found == [(None, 1_000_000), (None, 1_884_000), (None, None)]


def test_rates_of_all_ways_lie_between_the_lowest_and_the_highest_of_the_source() -> None:
    for dated in library().parameters["sharing_rate"].values:
        assert isinstance(dated.value, Keyed)
        shares = [float(value) for _, value in dated.value.values if not isinstance(value, str)]
        assert min(shares) >= 0.5
        assert max(shares) <= 0.942


def test_every_way_crop_and_stage_of_the_demo_county_has_an_amount() -> None:
    parameters = library().parameters
    for key in ("sharing_rate", "sharing_area", "presence_phone", "education_stage_aid", "premium_rate"):
        dated = parameters[key].at(DAY, DEMO)
        assert dated is not None
        assert isinstance(dated.value, Keyed)
        for code, _ in codelist(parameters[key].keys).items:
            assert dated.value.of(code) is not None, (key, code)


def test_a_month_a_claim_and_a_premium_registered_twice_are_refused_the_second_time(cache: Path) -> None:
    month = {"worker": "甲", "month_on": datetime.date(2024, 5, 1), "rank": "1", "in_town": True}
    months = {"worker_month": [{"id": 1, **month}, {"id": 2, **month}]}
    assert values(months, "worker_month", cache, "month_refusal", "presence_allowance") == [
        (None, 0),
        ("同一队员同一月份重复申报", None),
    ]
    claim = {"person_id": 7, "term": "2024-2025-2", "term_on": datetime.date(2025, 2, 17), "stage": "7"}
    entitled = {"enrolled": True, "listed_now": True}
    claims = {"education_claim": [{"id": 1, **claim, **entitled}, {"id": 2, **claim, **entitled}]}
    assert values(claims, "education_claim", cache, "claim_refusal", "education_aid") == [
        (None, 300_000),
        ("同一人同一学期重复申请", None),
    ]
    paid = {"person_id": 7, "cover_on": datetime.date(2024, 1, 1), "insured_as": "1"}
    premiums = {"premium_claim": [{"id": 1, **paid}, {"id": 2, **paid}]}
    assert values(premiums, "premium_claim", cache, "premium_refusal", "premium_subsidy") == [
        (None, 40_000),
        ("同一人同一年度重复缴费", None),
    ]


def test_mengshan_pays_sixty_per_cent_of_the_premium_for_the_poor_and_says_nothing_of_others(cache: Path) -> None:
    day = datetime.date(2022, 1, 1)
    rows = [{"id": n, "person_id": n, "cover_on": day, "insured_as": code} for n, code in enumerate("78", 1)]
    found = values({"premium_claim": rows}, "premium_claim", cache, "premium_subsidy", "premium_own", region=MENGSHAN)
    assert found == [(21_000, 14_000), (None, None)]
