"""A thousand findings at once, in the rule language and by hand: bands and thresholds over what the policies compute.

A county with many rules of its own has mostly rules of this kind. Both sides say the same; ``bench_thousand.py`` compares
their rows before their times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import rules_by_hand
from huqing.rules.language import Column, Rule, finding

NUMBER = 1_000
SUBJECTS = {
    "household": "id AS household_id, NULL::BIGINT AS person_id",
    "person": "household_id, id AS person_id",
}
TABLES = {"household": "homes", "person": "people"}


class Family(NamedTuple):
    """Findings on one subject that differ in their bounds: a value (ours, by hand) within a band, another beside it."""

    of: str
    value: tuple[str, str]
    first: int
    step: int
    width: int
    beside: tuple[str, str]
    least: tuple[int, ...]


FAMILIES = (
    Family("household", ("net_income_per_head", "per_head"), 300_000, 9_000, 6_000, ("members", "members"), (1, 3)),
    Family("household", ("net_income", "income"), 1_000_000, 70_000, 40_000, ("members", "members"), (2, 4)),
    Family(
        "household", ("family_paid_in_year", "paid"), 200_000, 13_000, 9_000, ("net_income", "income"), (0, 3_000_000)
    ),
    Family("person", ("paid_in_year", "paid"), 40_000, 7_000, 5_000, ("age", "age"), (0, 16, 60)),
    Family("person", ("most_inpatient_paid", "inpatient"), 20_000, 4_000, 3_500, ("age", "age"), (0, 18)),
    Family("person", ("most_outpatient_paid", "outpatient"), 500, 350, 330, ("age", "age"), (6, 40)),
    Family("person", ("most_inpatient_paid", "inpatient"), 25_000, 3_000, 2_500, ("paid_in_year", "paid"), (0, 60_000)),
)


class Band(NamedTuple):
    """One finding: the value lies in [low, high) and what is beside it is at least ``least``."""

    key: str
    family: Family
    low: int
    high: int
    least: int


def bands() -> list[Band]:
    """The thousand, the families in turns."""
    made = []
    for number in range(NUMBER):
        family, turn = FAMILIES[number % len(FAMILIES)], number // len(FAMILIES)
        low = family.first + turn * family.step
        made.append(Band(f"band{number:04}", family, low, low + family.width, family.least[turn % len(family.least)]))
    return made


def rules() -> list[Rule]:
    """The thousand in the rule language."""
    return [_rule(band) for band in bands()]


def _rule(band: Band) -> Rule:
    value, beside = band.family.value[0], band.family.beside[0]
    function = _function(band, value, beside)
    function.__name__ = band.key
    function.__annotations__ = {value: Column, beside: Column, "return": Column}
    declare = finding(
        f"区间{band.key}",
        of=band.family.of,
        basis="演示",
        severity="notice",
        evidence=[value, beside],
        resolve="核实",
        sentence=f"{value} 在 {band.low} 与 {band.high} 之间",
    )
    return declare(function)


def _function(band: Band, value: str, beside: str) -> Callable[..., Any]:
    scope: dict[str, Any] = {"__name__": __name__}
    text = (
        f"def band({value}, {beside}):\n    'Whether the value lies in the band.'\n"
        f"    return ({value} >= {band.low}) & ({value} < {band.high}) & ({beside} >= {band.least})"
    )
    exec(text, scope)
    made: Callable[..., Any] = scope["band"]
    return made


def by_hand(*, in_lists: bool) -> str:
    """The thousand as one query: a SELECT for each, as one writes it, or all of a subject in a list, as an expert would."""
    branches: list[str] = []
    lists: dict[str, list[str]] = {}
    for band in bands():
        (value, by_value), (beside, by_beside) = band.family.value, band.family.beside
        condition = f"{by_value} >= {band.low} AND {by_value} < {band.high} AND {by_beside} >= {band.least}"
        evidence = (
            f"CASE WHEN {condition} THEN json_object('{value}', {by_value}, '{beside}', {by_beside})::VARCHAR END"
        )
        branches.append(
            f"SELECT '{band.key}' AS finding, {SUBJECTS[band.family.of]}, {condition} AS held, {evidence} AS evidence "
            f"FROM {TABLES[band.family.of]} WHERE ({condition}) IS NULL OR ({condition})"
        )
        lists.setdefault(band.family.of, []).append(
            f"CASE WHEN ({condition}) IS NULL OR ({condition}) THEN "
            f"{{'finding': '{band.key}', 'held': {condition}, 'evidence': {evidence}}} END"
        )
    told = [
        f"SELECT told.finding, household_id, person_id, told.held, told.evidence FROM (SELECT {SUBJECTS[subject]}, "
        f"unnest(list_filter([{', '.join(items)}], lambda one: one IS NOT NULL)) AS told FROM {TABLES[subject]})"
        for subject, items in lists.items()
    ]
    return rules_by_hand.whole(told if in_lists else branches)
