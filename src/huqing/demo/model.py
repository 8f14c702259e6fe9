"""The true state of the demo county while it is being made: places, households, people, their department rows.

``fields`` and the rows in ``records`` hold values in the product's own types (money in fen, dates, codes, booleans)
under the declared keys; a missing value is an absent key. Nothing here knows how a file looks.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

Fields = dict[str, Any]
MOVER_AREA = "991102"  # ID numbers of the people who are in two households


@dataclass(frozen=True, slots=True)
class Village:
    """A village with its official 12-digit code; ``name`` is the short name that files write."""

    code: str
    name: str
    town_code: str
    town: str


class Person:
    """One row of a member roster, and what the departments know of this person."""

    __slots__ = ("fields", "household", "order", "records", "true_id")

    def __init__(self, household: Household, order: int, fields: Fields) -> None:
        self.household = household
        self.order = order
        self.fields = fields
        self.records: dict[str, list[Fields]] = defaultdict(list)
        self.true_id = ""  # the number on the ID card where the roster has it wrong

    @property
    def alive(self) -> bool:
        """Whether the file counts this person as living (missing counts as living)."""
        return self.fields.get("alive") is not False

    @property
    def moved(self) -> bool:
        """Whether this person is listed in a household of another town as well."""
        return bool(self.fields["id_number"].startswith(MOVER_AREA))


class Household:
    """One household: its file, its members in roster order (the first is the head), its department rows."""

    __slots__ = ("fields", "members", "number", "records", "village")

    def __init__(self, number: str, village: Village) -> None:
        self.number = number
        self.village = village
        self.fields: Fields = {}
        self.members: list[Person] = []
        self.records: dict[str, list[Fields]] = defaultdict(list)

    @property
    def head(self) -> Person:
        return self.members[0]

    def living(self) -> list[Person]:
        """The members the file counts as living."""
        return [p for p in self.members if p.alive]


def add_months(day: date, months: int) -> date:
    """``day`` plus ``months`` (may be negative), clipped to the end of the month."""
    month = day.year * 12 + day.month - 1 + months
    year, month = divmod(month, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def age_on(birth: date, day: date) -> int:
    """Full years lived on ``day``."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def income_of(fields: Fields) -> int | None:
    """The household's net income in fen, or None when one of its five parts is missing."""
    try:
        return int(
            fields["wage_income"]
            + fields["business_income"]
            + fields["property_income"]
            + fields["transfer_income"]
            - fields["business_cost"]
        )
    except KeyError:
        return None


def per_head_of(fields: Fields, people: int) -> int | None:
    """Net income per living member in fen, rounded half up; None when unknown or nobody lives here."""
    income = income_of(fields)
    if income is None or people == 0:
        return None
    return (2 * income + people) // (2 * people)
