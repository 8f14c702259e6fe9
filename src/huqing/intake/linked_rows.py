"""Whom the rows of a file are about, for a million rows at a time."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

_NOBODY = -1
_GROWTH = 4096


@dataclass(frozen=True, slots=True)
class Linked:
    """A row's household and person, how they were found and how sure that is (1 for numbers and exact ID with name)."""

    household_id: int | None
    person_id: int | None
    region_code: str
    method: str
    score: float | None


class LinkedRows:
    """Row number → ``Linked``, kept in some thirty bytes a row; a dictionary of objects takes ten times as much.

    Row numbers are those of a sheet: not below 0, and nearly all of them occur.
    """

    def __init__(self) -> None:
        self._households, self._persons = array("q"), array("q")
        self._scores = array("d")
        # Which region and method: the place in ``_ways`` counted from 1, 0 for a row that is not linked.
        self._way = array("I")
        self._ways: list[tuple[str, str]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self._count = 0

    def __setitem__(self, row: int, linked: Linked) -> None:
        missing = row + 1 - len(self._way)
        if missing > 0:
            missing = max(missing, _GROWTH)
            self._households.extend([_NOBODY] * missing)
            self._persons.extend([_NOBODY] * missing)
            self._scores.extend([math.nan] * missing)
            self._way.extend([0] * missing)
        way = (linked.region_code, linked.method)
        if way not in self._numbers:
            self._ways.append(way)
            self._numbers[way] = len(self._ways)
        self._count += not self._way[row]
        self._way[row] = self._numbers[way]
        self._households[row] = _NOBODY if linked.household_id is None else linked.household_id
        self._persons[row] = _NOBODY if linked.person_id is None else linked.person_id
        self._scores[row] = math.nan if linked.score is None else linked.score

    def get(self, row: int) -> Linked | None:
        """Whom the row is about; None if it is not linked."""
        if row not in self:
            return None
        region, method = self._ways[self._way[row] - 1]
        household, person, score = self._households[row], self._persons[row], self._scores[row]
        return Linked(
            None if household == _NOBODY else household,
            None if person == _NOBODY else person,
            region,
            method,
            None if math.isnan(score) else score,
        )

    def __contains__(self, row: object) -> bool:
        return isinstance(row, int) and 0 <= row < len(self._way) and bool(self._way[row])

    def __len__(self) -> int:
        return self._count
