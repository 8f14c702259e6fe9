"""Poverty measures of a county: what the rules know of households, shared by their living members."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
from tests.rules.build import snapshot, tables

from huqing.policies.poverty.county import CountyMeasures, measure
from huqing.policies.poverty.profile import ProfileError, read
from huqing.policies.poverty.samples import SampleError

DAY = datetime.date(2025, 6, 30)
REGION = "500236"
LINE = 900_000
PROFILE = """
title: 试验口径
status: L
source: 测试
cutoff: 1/2
dimensions:
  收入:
    - {key: income, title: 收入低, finding: income_below_line, weight: 1/2}
  生活:
    - {key: school, title: 失学, finding: dropout, weight: 1/4}
    - {key: toilet, title: 无卫生厕所, column: sanitary_toilet, values: [false], weight: 1/4}
"""


def household(number: int, town: str, wage: int | None, toilet: bool | None) -> dict[str, Any]:
    zero = dict.fromkeys(("business_income", "property_income", "transfer_income", "business_cost"), 0)
    place = {"region_code": f"{town}201", "town_code": town}
    return {"id": number, "number": f"H{number}", **place, **zero, "wage_income": wage, "sanitary_toilet": toilet}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two towns: 2 poor people with a toilet, 3 poor ones without, 1 well off and dead relative, 2 of unknown income.

    In the last household a child of school age is not at school.
    """
    west, east = "500236101", "500236102"
    households = [
        household(1, west, 1_000_000, True),
        household(2, west, 900_000, False),
        household(3, east, 5_000_000, False),
        household(4, east, None, None),
    ]
    people = [{"household_id": 1}] * 2 + [{"household_id": 2}] * 3
    people += [{"household_id": 3}, {"household_id": 3, "alive": False}]
    people += [{"household_id": 4, "birth_date": "1980-01-01"}, {"household_id": 4, "birth_date": "2015-01-01"}]
    people = [{"birth_date": "1970-01-01", **person} for person in people]
    enrolled = [{"household_id": 1, "person_id": 1, "term": "2024-2025-2", "enrolment_state": "在读", "grade": "L13"}]
    made = tables({"household": households, "person": people, "school_enrolment": enrolled})
    return snapshot(tmp_path_factory.mktemp("county") / "day", made)


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("profile") / "own.yaml"
    file.write_text(PROFILE, encoding="utf-8")
    return file


@pytest.fixture
def measured(county: Path, profile: Path, cache: Path) -> CountyMeasures:
    return measure(county, as_of=DAY, region=REGION, line=LINE, deprivations=profile, cache=cache)


def test_living_members_share_the_income_of_the_household_and_towns_are_listed(measured: CountyMeasures) -> None:
    assert (measured.households, measured.people) == (4, 8)
    west, east, whole = measured.incomes
    assert (west.group, west.people, west.unknown) == ("500236101", 5, 0)
    assert west.headcount.value == 1
    assert west.mean.value == pytest.approx((1_000_000 + 900_000) / 5)
    assert (east.people, east.unknown, east.headcount.value) == (1, 2, 0)
    assert (whole.group, whole.people, whole.unknown) == ("全县", 6, 2)
    assert whole.gap.value == pytest.approx((2 * (1 - 500_000 / LINE) + 3 * (1 - 300_000 / LINE)) / 6)
    assert whole.gap.error == 0


def test_deprivations_are_those_of_the_rules_and_an_unknown_one_leaves_the_person_out(
    measured: CountyMeasures,
) -> None:
    profile = measured.profile
    assert (profile.people, profile.unknown, profile.undecided) == (6, 2, 2)
    assert profile.missing == {"income": 2, "school": 0, "toilet": 2}
    assert profile.headcount.value == pytest.approx(5 / 6)
    assert profile.intensity.value == pytest.approx((2 * 0.5 + 3 * 0.75) / 5)
    assert profile.bounds == pytest.approx((5 / 8, 7 / 8))
    assert sum(group.contribution.value for group in profile.groups) == pytest.approx(1)


def test_a_member_out_of_school_deprives_the_whole_household(county: Path, cache: Path, tmp_path: Path) -> None:
    file = tmp_path / "school.yaml"
    entry = "{key: school, title: 失学, finding: dropout, weight: 1}"
    file.write_text(
        f"title: 失学\nstatus: L\nsource: 测试\ncutoff: 1\ndimensions:\n  教育:\n    - {entry}\n", encoding="utf-8"
    )
    found = measure(county, as_of=DAY, region=REGION, line=LINE, deprivations=file, cache=cache)
    assert found.profile.headcount.value == pytest.approx(2 / 8)


def test_what_no_file_tells_is_named_and_not_measured(county: Path, cache: Path) -> None:
    found = measure(county, as_of=DAY, region=REGION, line=LINE, cache=cache, missing="drop_indicator", tolerated=0.5)
    assert {"house", "water"} <= set(found.not_measured)
    assert "住房" in found.not_measured["house"]
    assert {row.indicator.key for row in found.profile.indicators}.isdisjoint(found.not_measured)


def test_a_sample_of_households_has_errors_and_the_household_is_the_cluster(
    county: Path, profile: Path, cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "抽样.csv"
    file.write_text("户编号,权数\nH1,10\nH2,20\nH3,10\n", encoding="utf-8-sig")
    found = measure(county, as_of=DAY, region=REGION, line=LINE, deprivations=profile, sample_file=file, cache=cache)
    whole = found.incomes[-1]
    assert whole.headcount.value == pytest.approx((2 * 10 + 3 * 20) / (2 * 10 + 3 * 20 + 10))
    share, total = whole.headcount.value, 2 * 10 + 3 * 20 + 10
    clusters = [20 * (1 - share) / total, 60 * (1 - share) / total, 10 * (0 - share) / total]
    assert whole.headcount.error == pytest.approx(math.sqrt(3 / 2 * sum(total**2 for total in clusters)))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("编号\nH1\n", "须有“户编号”"),
        ("户编号,权数\nH1,\n", "第 2 行的权数“”不是数"),
        ("户编号\nH1\nH1\n", "第 3 行的户编号“H1”重复"),
        ("户编号\nH9\n", "户编号 H9"),
        ("户编号\n", "没有一户"),
        ("户编号\nH1\n", "只有一个抽样单位"),
    ],
)
def test_a_sample_file_that_cannot_be_used_is_refused_with_its_line(
    text: str, word: str, county: Path, cache: Path, tmp_path: Path
) -> None:
    file = tmp_path / "抽样.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SampleError, match=word):
        measure(county, as_of=DAY, region=REGION, line=LINE, sample_file=file, cache=cache)


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("weight: 1/2", "weight: 1/3", "合计是 5/6"),
        ("weight: 1/2", "weight: 一半", "不是数"),
        ("cutoff: 1/2", "cutoff: 2", "不能超过 1"),
        ("key: school", "key: income", "写了两次"),
        ("column: sanitary_toilet", "column: toilet_kind", "没有的列 toilet_kind"),
        ("values: [false]", "values: []", "没有写哪些取值"),
        ("status: L", "state: L", "五项"),
        ("finding: dropout,", "", "写得不对"),
    ],
)
def test_a_profile_file_that_is_wrong_is_refused(old: str, new: str, word: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(PROFILE.replace(old, new), encoding="utf-8")
    with pytest.raises(ProfileError, match=word):
        read(file)


def test_the_shipped_profile_is_whole() -> None:
    shipped = read()
    assert sum(item.indicator.weight for item in shipped.items) == 1
    assert shipped.status == "L"
