"""Incidence, gap, FGT and Gini: published vectors, and what must hold for any incomes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.policies.poverty import grouped
from huqing.policies.poverty.income import fgt, gini, lorenz, measure
from huqing.policies.poverty.samples import SampleError, census, ratio, sample

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "poverty" / "lorenz.json").read_text(encoding="utf-8")
)
QUADRATIC = VECTORS["lorenz_quadratic"]
WELFARE = {
    "10..100": range(10, 101),
    "1..100": range(1, 101),
    "ten zeros": [0] * 10,
    "21..30": range(21, 31),
}
ALPHA = {"headcount": 0, "poverty_gap": 1}

incomes_of_people = st.lists(st.integers(0, 10**7), min_size=2, max_size=40).map(lambda found: np.array(found, float))


def curve() -> grouped.QuadraticLorenz:
    return grouped.QuadraticLorenz(QUADRATIC["mean"], QUADRATIC["A"], QUADRATIC["B"], QUADRATIC["C"])


def floats(values: list[float | None]) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in values], float)


@pytest.mark.parametrize("case", VECTORS["microdata_rules"], ids=lambda case: case["welfare"])
def test_incidence_and_gap_are_those_of_the_world_bank(case: dict[str, Any]) -> None:
    incomes = np.array(WELFARE[case["welfare"]], float)
    [(measure_name, expected)] = [(key, case[key]) for key in ALPHA if key in case]
    assert fgt(incomes, case["z"], ALPHA[measure_name], census(len(incomes))).value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("case", VECTORS["gini_rules"])
def test_gini_leaves_out_what_the_world_bank_leaves_out(case: dict[str, Any]) -> None:
    values = []
    for side in ("a", "equals"):
        incomes, weights = floats(case[side]["w"]), floats(case[side]["wt"])
        values.append(gini(incomes, sample(len(incomes), weights=weights, leave_out_bad_weights=True)).value)
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_the_quadratic_lorenz_curve_gives_the_world_banks_figures() -> None:
    line, expected, lorenz_curve = QUADRATIC["z"], QUADRATIC["expect"], curve()
    found = {
        "headcount": lorenz_curve.headcount(line),
        "poverty_gap": lorenz_curve.gap(line),
        "severity": lorenz_curve.severity(line),
        "watts": lorenz_curve.watts(line, on_world_bank_grid=True),
        "gini": lorenz_curve.gini(),
        "median": lorenz_curve.median(),
        "mld": lorenz_curve.mld(on_world_bank_grid=True),
        "polarization": lorenz_curve.polarization(),
    }
    for name, value in found.items():
        assert value == pytest.approx(expected[name], abs=1e-6), name
    assert lorenz_curve.deciles() == pytest.approx(expected["deciles"], abs=1e-6)


def test_a_curve_is_fitted_to_a_grouped_table() -> None:
    fitted = grouped.fit(QUADRATIC["grouped_population"], QUADRATIC["grouped_welfare"], QUADRATIC["mean"])
    assert (fitted.a, fitted.b, fitted.c) == pytest.approx((QUADRATIC["A"], QUADRATIC["B"], QUADRATIC["C"]), abs=1e-6)


def test_mean_logarithms_of_the_curve_agree_with_a_fine_sum() -> None:
    lorenz_curve, steps = curve(), 2_000_000
    ranks = (np.arange(steps) + 0.5) / steps
    logs = np.log(lorenz_curve.incomes(ranks))
    assert lorenz_curve.mld() == pytest.approx(-logs.mean(), abs=1e-5)
    line = QUADRATIC["z"]
    short = np.log(line / lorenz_curve.mean) - logs
    assert lorenz_curve.watts(line) == pytest.approx(np.clip(short, 0, None).mean(), abs=1e-5)


@pytest.mark.parametrize(
    ("people", "income", "word"),
    [
        ([0.5, 1.0], [0.2, 1.0], "至少要有 5 组"),
        ([0.2, 0.4, 0.6, 0.8, 0.9], [0.1, 0.2, 0.4, 0.6, 0.9], "须为 1"),
        ([0.2, 0.4, 0.6, 0.8, 1.0], [0.4, 0.6, 0.7, 0.8, 1.0], "从低到高"),
    ],
)
def test_a_table_that_is_no_lorenz_curve_is_refused(people: list[float], income: list[float], word: str) -> None:
    with pytest.raises(SampleError, match=word):
        grouped.fit(people, income, 100)


@given(incomes_of_people, st.integers(1, 10**7))
def test_fgt_0_is_the_share_of_people_below_the_line(incomes: np.ndarray, line: int) -> None:
    assert fgt(incomes, line, 0, census(len(incomes))).value == pytest.approx((incomes < line).mean(), abs=1e-12)


@given(incomes_of_people, st.integers(1, 10**7), st.sampled_from([0, 1, 1.5, 2]), st.data())
def test_a_weighted_mean_of_the_groups_is_the_whole(
    incomes: np.ndarray, line: int, alpha: float, data: st.DataObject
) -> None:
    people = len(incomes)
    groups = np.array(data.draw(st.lists(st.integers(0, 3), min_size=people, max_size=people)))
    weights = np.array(data.draw(st.lists(st.integers(1, 50), min_size=people, max_size=people)), float)
    design = sample(people, weights=weights)
    parts = [
        (fgt(incomes, line, alpha, design, within=groups == g).value, weights[groups == g].sum()) for g in set(groups)
    ]
    whole = fgt(incomes, line, alpha, design).value
    assert sum(value * weight for value, weight in parts) / weights.sum() == pytest.approx(whole, abs=1e-9)


@given(incomes_of_people, st.integers(2, 1000))
def test_gini_does_not_depend_on_the_unit_of_money_nor_on_copies_of_people(incomes: np.ndarray, factor: int) -> None:
    before = gini(incomes, census(len(incomes))).value
    if math.isnan(before):
        assert incomes.sum() == 0
        return
    assert 0 <= before + 1e-12 < 1
    assert gini(incomes * factor, census(len(incomes))).value == pytest.approx(before, abs=1e-9)
    assert gini(np.repeat(incomes, 3), census(3 * len(incomes))).value == pytest.approx(before, abs=1e-9)
    weighted = sample(len(incomes), weights=np.full(len(incomes), 3.0))
    assert gini(incomes, weighted).value == pytest.approx(before, abs=1e-9)


@given(incomes_of_people)
def test_gini_is_the_mean_difference_between_people(incomes: np.ndarray) -> None:
    if incomes.sum() == 0:
        return
    differences = np.abs(incomes[:, None] - incomes[None, :]).mean() / (2 * incomes.mean())
    assert gini(incomes, census(len(incomes))).value == pytest.approx(differences, abs=1e-9)


@given(incomes_of_people)
def test_the_lorenz_curve_rises_from_zero_to_one_below_the_diagonal(incomes: np.ndarray) -> None:
    people, income = lorenz(incomes, census(len(incomes)))
    if incomes.sum() == 0:
        assert len(people) == 0
        return
    assert (people[0], income[0], people[-1], income[-1]) == (0, 0, 1, 1)
    assert np.all(income <= people + 1e-12)
    area = float(np.sum(np.diff(people) * (income[1:] + income[:-1]) / 2))
    assert 1 - 2 * area == pytest.approx(gini(incomes, census(len(incomes))).value, abs=1e-9)


def test_a_missing_income_is_counted_apart_and_a_negative_one_is_wholly_short() -> None:
    incomes = np.array([math.nan, -500.0, 500.0, 2000.0])
    [row] = measure(incomes, 1000, census(4))
    assert (row.people, row.unknown, row.negative) == (3, 1, 1)
    assert row.headcount.value == pytest.approx(2 / 3)
    assert row.gap.value == pytest.approx((1 + 0.5) / 3)
    assert row.gini.value == pytest.approx(gini(np.array([500.0, 2000.0]), census(2)).value)


def test_groups_are_measured_alike_in_a_census_and_in_a_sample_of_everybody() -> None:
    incomes, groups = np.array([100.0, 900.0, 1500.0, 400.0, math.nan]), ["甲", "甲", "乙", "乙", "乙"]
    one = measure(incomes, 1000, census(5), groups=groups)
    other = measure(incomes, 1000, sample(5), groups=groups)
    assert [row.group for row in one] == ["乙", "甲", "全部"]
    for left, right in zip(one, other, strict=True):
        assert (left.people, left.unknown) == (right.people, right.unknown)
        assert left.gap.value == pytest.approx(right.gap.value)
        assert left.gini.value == pytest.approx(right.gini.value)
        assert left.gap.error == 0


def test_simple_random_sampling_has_the_textbook_error() -> None:
    incomes = np.array([3.0, 8, 1, 7, 12, 5])
    estimate = ratio(incomes, np.ones(6), sample(6))
    assert estimate.error == pytest.approx(np.std(incomes, ddof=1) / math.sqrt(6))
    corrected = ratio(incomes, np.ones(6), sample(6, population=[24] * 6))
    assert corrected.error == pytest.approx(estimate.error * math.sqrt(1 - 6 / 24))


def test_strata_and_clusters_give_the_error_worked_by_hand() -> None:
    values = np.array([2.0, 4, 6, 1, 3, 5])  # mean 3.5, z = (y - 3.5)/6
    design = sample(6, strata=["A", "A", "A", "B", "B", "B"], clusters=[1, 1, 2, 1, 2, 2])
    # A: cluster totals -1/6 and 2.5/6, each 1.75/6 from their mean; B: -2.5/6 and 1/6, the same
    within_stratum = 2 / 1 * 2 * (1.75 / 6) ** 2
    assert ratio(values, np.ones(6), design).error == pytest.approx(math.sqrt(2 * within_stratum))
    finite = sample(
        6, strata=["A", "A", "A", "B", "B", "B"], clusters=[1, 1, 2, 1, 2, 2], population=[4, 4, 4, 8, 8, 8]
    )
    expected = math.sqrt((1 - 2 / 4) * within_stratum + (1 - 2 / 8) * within_stratum)
    assert ratio(values, np.ones(6), finite).error == pytest.approx(expected)


def test_the_error_of_gini_agrees_with_leaving_out_one_person_at_a_time() -> None:
    incomes = np.random.default_rng(7).lognormal(9, 0.6, 400)
    left_out = np.array([gini(np.delete(incomes, i), sample(399)).value for i in range(400)])
    jackknife = math.sqrt(399 / 400 * np.sum((left_out - left_out.mean()) ** 2))
    assert gini(incomes, sample(400)).error == pytest.approx(jackknife, rel=0.01)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    everybody = rng.lognormal(9, 0.5, 20_000)
    truth = fgt(everybody, 8000, 1, census(20_000)).value
    covered = 0
    for _ in range(400):
        drawn = rng.choice(everybody, 200)
        low, high = fgt(drawn, 8000, 1, sample(200)).interval()
        covered += low <= truth <= high
    assert 0.91 <= covered / 400 <= 0.98


@pytest.mark.parametrize(
    ("given_design", "word"),
    [
        ({"weights": [1, math.nan, 1]}, "第 2 人的权数"),
        ({"weights": [1, 1, -2]}, "第 3 人的权数"),
        ({"weights": [0, 0, 0]}, "权数大于零"),
        ({"weights": [1, 1]}, "一一对应"),
        ({"strata": ["一", "一", "二"]}, "层“二”只有一个"),
        ({"population": [2, 2, 2]}, "总体单位数"),
    ],
)
def test_a_sample_that_cannot_be_used_is_refused_with_the_remedy(given_design: dict[str, Any], word: str) -> None:
    with pytest.raises(SampleError, match=word):
        sample(3, **given_design)


@pytest.mark.parametrize("line", [0, -5, math.nan, math.inf])
def test_a_line_that_is_none_is_refused(line: float) -> None:
    with pytest.raises(SampleError, match="收入线"):
        fgt(np.array([1.0, 2.0]), line, 0, census(2))
