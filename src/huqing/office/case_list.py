"""The lists of cases: what the filters ask for, the board by state."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpRequest

from huqing.cases import queries
from huqing.cases.calendar import today
from huqing.cases.models import Case
from huqing.office import places

if TYPE_CHECKING:
    from huqing.access.models import User

CARDS = 8
Counts = tuple[dict[int, int], dict[int, int]]


@dataclass(frozen=True)
class Row:
    """A case as lists show it, with its time left in words."""

    case: Case
    left: str
    pressing: str
    total_left: str

    @classmethod
    def of(cls, case: Case, day: dt.date) -> Row:
        """The row of a case on a day."""
        due = None if case.press_on.year == queries.NEVER.year else case.press_on
        return cls(
            case, queries.left(case.due_on, day), queries.pressing(due, day), queries.left(case.total_due_on, day)
        )


@dataclass(frozen=True)
class ColumnOf:
    """One state of the board: how many cases stand in it, and those whose deadline comes first."""

    key: str
    title: str
    count: int
    late: int
    rows: list[Row]


def wanted_of(request: HttpRequest) -> dict[str, str]:
    """The filters of the list as the address asks for them; what the user may not choose is left out."""
    query, prefix = request.GET, request.user.region_code
    known = places.below(prefix)
    town, village = query.get("town", ""), query.get("village", "")
    if town not in known or not town.startswith(prefix[: len(town)]):
        town = ""
    if village not in known or not village.startswith(town or prefix):
        village = ""
    return {
        "state": query.get("state", "")[:40],
        "late": "1" if query.get("late") == "1" else "",
        "mine": "1" if query.get("mine") == "1" else "",
        "town": town,
        "village": village,
    }


def found(user: User, wanted: dict[str, str]) -> QuerySet[Case]:
    """The open cases the filters leave."""
    return queries.board(
        user,
        state=wanted["state"],
        late=bool(wanted["late"]),
        waiting=bool(wanted["mine"]),
        region=wanted["village"] or wanted["town"],
        day=today(),
    )


def columns(user: User, wanted: dict[str, str], known: Counts | None = None) -> list[ColumnOf]:
    """The board: every state with open cases in the order of the procedure, a few cards each, the late ones first.

    ``known`` are the counts by state of these cases, if they have been counted.
    """
    day = today()
    rows = found(user, {**wanted, "state": ""})
    counts, late = queries.by_state(rows, day) if known is None else known
    result = []
    for key, title, states in queries.states_in_order(counts):
        cards = rows.filter(state__in=states).order_by("press_on", "pk")[:CARDS]
        result.append(
            ColumnOf(
                key,
                title,
                sum(counts.get(pk, 0) for pk in states),
                sum(late.get(pk, 0) for pk in states),
                [Row.of(case, day) for case in cards],
            )
        )
    return result
