"""Alkire–Foster: the paper's worked example, and what must hold for any deprivations."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.policies.poverty.deprivation import Indicator, adjusted_gap, deprived, gaps, profile
from huqing.policies.poverty.samples import SampleError, census, sample

WORKED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "poverty" / "alkire_foster.json").read_text(encoding="utf-8")
)
ACHIEVEMENTS = np.array(WORKED["achievements"])


def equal(count: int, *, dimensions: int = 2) -> list[Indicator]:
    return [Indicator(f"i{n}", f"指标{n}", f"维度{n % dimensions}", Fraction(1, count)) for n in range(count)]


@st.composite
def tables(draw: st.DrawFn, *, missing: bool = False) -> tuple[np.ndarray, list[Indicator]]:
    """People × indicators with unequal weights."""
    people, count = draw(st.integers(1, 25)), draw(st.integers(1, 5))
    cells = st.sampled_from([0.0, 1.0, math.nan] if missing else [0.0, 1.0])
    rows = draw(st.lists(st.lists(cells, min_size=count, max_size=count), min_size=people, max_size=people))
    parts = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    weights = [Fraction(part, sum(parts)) for part in parts]
    return np.array(rows), [Indicator(f"i{n}", "", f"d{n % 2}", w) for n, w in enumerate(weights)]


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_worked_example_of_the_paper(k: int) -> None:
    cutoff, everybody = Fraction(k, 4), census(4)
    found = profile(deprived(ACHIEVEMENTS, WORKED["cutoffs"]), equal(4), cutoff, everybody)
    depths = gaps(ACHIEVEMENTS, WORKED["cutoffs"])
    weights = [Fraction(1, 4)] * 4
    expected = WORKED[f"k={k}"]
    assert found.headcount.value == pytest.approx(expected["H"], abs=1e-6)
    assert found.intensity.value == pytest.approx(expected["A"], abs=1e-6)
    assert found.adjusted.value == pytest.approx(expected["M0"], abs=1e-6)
    for alpha, name in ((0, "M0"), (1, "M1"), (2, "M2")):
        value = adjusted_gap(depths, weights, cutoff, alpha, everybody).value
        assert value == pytest.approx(expected[name], abs=1e-6)


def test_the_lacks_of_the_worked_example_are_those_of_the_paper() -> None:
    assert deprived(ACHIEVEMENTS, WORKED["cutoffs"]).sum(axis=1).tolist() == WORKED["deprivation_counts"]


@given(tables())
def test_union_counts_whoever_lacks_anything_and_intersection_whoever_lacks_all(
    case: tuple[np.ndarray, list[Indicator]],
) -> None:
    lacks, indicators = case
    everybody = census(len(lacks))
    smallest = min(indicator.weight for indicator in indicators)
    assert profile(lacks, indicators, smallest, everybody).headcount.value == pytest.approx(lacks.any(axis=1).mean())
    assert profile(lacks, indicators, Fraction(1), everybody).headcount.value == pytest.approx(lacks.all(axis=1).mean())


@given(tables(), st.fractions(Fraction(1, 100), 1), st.data())
def test_parts_add_up_to_the_whole(
    case: tuple[np.ndarray, list[Indicator]], cutoff: Fraction, data: st.DataObject
) -> None:
    lacks, indicators = case
    people = len(lacks)
    groups = data.draw(st.lists(st.sampled_from(["东", "西"]), min_size=people, max_size=people))
    weights = data.draw(st.lists(st.integers(1, 9), min_size=people, max_size=people))
    design = sample(people, weights=weights) if people > 1 else census(1)
    found = profile(lacks, indicators, cutoff, design, groups=groups)
    poor, adjusted = found.headcount.value, found.adjusted.value
    assert adjusted == pytest.approx(poor * found.intensity.value if poor else 0.0, abs=1e-9)
    censored = [float(row.indicator.weight) * row.censored.value for row in found.indicators]
    assert sum(censored) == pytest.approx(adjusted, abs=1e-9)
    assert sum(group.share * group.adjusted.value for group in found.groups) == pytest.approx(adjusted, abs=1e-9)
    if poor:
        assert sum(row.contribution.value for row in found.indicators) == pytest.approx(1)
        assert sum(part.value for part in found.dimensions.values()) == pytest.approx(1)
        assert sum(group.contribution.value for group in found.groups) == pytest.approx(1)
    assert all(row.censored.value <= row.headcount.value + 1e-12 for row in found.indicators)


@given(tables(missing=True), st.fractions(Fraction(1, 100), 1))
def test_whatever_the_missing_answers_are_the_incidence_lies_within_its_bounds(
    case: tuple[np.ndarray, list[Indicator]], cutoff: Fraction
) -> None:
    lacks, indicators = case
    everybody, without = census(len(lacks)), np.isnan(lacks)
    if without.any(axis=1).all():
        with pytest.raises(SampleError, match="没有一个人"):
            profile(lacks, indicators, cutoff, everybody)
        return
    found = profile(lacks, indicators, cutoff, everybody)
    assert (found.people, found.unknown) == ((~without.any(axis=1)).sum(), without.any(axis=1).sum())
    filled = [
        profile(np.where(without, value, lacks), indicators, cutoff, everybody).headcount.value for value in (0, 1)
    ]
    assert found.bounds == pytest.approx(tuple(filled))
    assert found.undecided == pytest.approx((filled[1] - filled[0]) * len(lacks))


def test_a_missing_answer_is_never_taken_for_a_no() -> None:
    lacks = np.array([[1.0, math.nan], [0.0, 0.0], [1.0, 1.0]])
    found = profile(lacks, equal(2), Fraction(1), census(3))
    assert (found.people, found.unknown, found.undecided) == (2, 1, 1)
    assert found.headcount.value == pytest.approx(1 / 2)
    assert found.missing == {"i0": 0, "i1": 1}


def test_indicators_missing_of_too_many_people_are_left_out_and_the_weights_stretched() -> None:
    lacks = np.array([[1.0, math.nan, 1.0], [0.0, math.nan, 1.0], [0.0, 0.0, math.nan], [0.0, 0.0, 0.0]])
    found = profile(lacks, equal(3), Fraction(1, 2), census(4), missing="drop_indicator", tolerated=0.3)
    assert found.dropped == ("i1",)
    assert [row.indicator.weight for row in found.indicators] == [Fraction(1, 2), Fraction(1, 2)]
    assert (found.people, found.unknown) == (3, 1)
    assert found.headcount.value == pytest.approx(2 / 3)


def test_weights_that_add_up_to_a_cutoff_of_one_third_reach_it_exactly() -> None:
    indicators = [Indicator(str(n), "", "", Fraction(1, 9)) for n in range(9)]
    lacks = np.array([[1.0] * 3 + [0.0] * 6, [1.0] * 2 + [0.0] * 7])
    assert profile(lacks, indicators, Fraction(1, 3), census(2)).headcount.value == pytest.approx(1 / 2)


def test_the_incidence_of_a_simple_random_sample_has_the_error_of_a_share() -> None:
    rng = np.random.default_rng(5)
    lacks = (rng.random((300, 4)) < 0.4).astype(float)
    found = profile(lacks, equal(4), Fraction(1, 2), sample(300), groups=["北"] * 150 + ["南"] * 150)
    share = found.headcount.value
    assert found.headcount.error == pytest.approx(math.sqrt(share * (1 - share) / 299))
    assert all(group.adjusted.error > 0 for group in found.groups)
    low, high = found.adjusted.interval()
    assert low < found.adjusted.value < high


@pytest.mark.parametrize(
    ("indicators", "cutoff", "lacks", "word"),
    [
        (
            [Indicator("a", "", "", Fraction(1, 10**16)), Indicator("b", "", "", 1 - Fraction(1, 10**16))],
            Fraction(1, 2),
            [[1.0, 0.0]],
            "分母太大",
        ),
        (equal(2)[:1], Fraction(1, 2), [[1.0]], "合计须为 1"),
        (equal(2), Fraction(0), [[1.0, 0.0]], "临界值 k"),
        (equal(2), Fraction(3, 2), [[1.0, 0.0]], "临界值 k"),
        (equal(2), Fraction(1, 2), [[1.0, 2.0]], "只能是 1"),
        (equal(2), Fraction(1, 2), [[1.0, 0.0, 1.0]], "项指标"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_the_remedy(
    indicators: list[Indicator], cutoff: Fraction, lacks: list[list[float]], word: str
) -> None:
    with pytest.raises(SampleError, match=word):
        profile(np.array(lacks), indicators, cutoff, census(1))
