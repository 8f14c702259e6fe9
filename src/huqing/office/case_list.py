"""The lists of cases: what the filters ask for, the board by state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from huqing.cases import queries
from huqing.cases import states as in_use
from huqing.cases.calendar import today
from huqing.cases.models import Case, CaseState
from huqing.office import places
from huqing.office.case_rows import cards_html, rows_of
from huqing.packs.procedures import Move

if TYPE_CHECKING:
    from huqing.access.models import User

CARDS = 8


@dataclass(frozen=True)
class ColumnOf:
    """One state of the board: how many cases stand in it, and those whose deadline comes first."""

    key: str
    title: str
    count: int
    late: int
    shown: int
    cards: SafeString


@dataclass(frozen=True)
class Overview:
    """How many open cases of an area stand in each state, and how many of these are late: counted once for a page.

    ``states`` are all there are. What the other filters leave is added up from these numbers.
    """

    states: Sequence[CaseState]
    counts: Mapping[int, int]
    late: Mapping[int, int]

    def narrowed(self, user: User, wanted: Mapping[str, str]) -> Overview:
        """The same of the cases that the filters of the list leave."""
        held = set(self.counts)
        if wanted["state"]:
            held &= {one.pk for one in self.states if one.key == wanted["state"]}
        if wanted["mine"]:
            held &= in_use.waiting_for(user.role, self.states)
        counts = self.late if wanted["late"] else self.counts
        return Overview(
            self.states,
            {pk: count for pk, count in counts.items() if pk in held},
            {pk: count for pk, count in self.late.items() if pk in held},
        )

    def titled(self) -> list[tuple[str, str, list[int]]]:
        """The states in which cases stand, as (key, title, keys), in the order of their procedures."""
        return in_use.in_order(self.states, self.counts)

    def moves(self, user: User) -> list[tuple[Move, int]]:
        """The steps the user's role may take for some of these cases, each with how many stand where it starts."""
        return in_use.offered(user.role, self.states, self.counts)


def overview(user: User, wanted: Mapping[str, str], day: dt.date) -> Overview:
    """The open cases the user sees, of the place the filters name."""
    counts, late = queries.by_state(queries.board(user, region=_place(wanted), day=day), day)
    return Overview(in_use.every(), counts, late)


def _place(wanted: Mapping[str, str]) -> str:
    return wanted["village"] or wanted["town"]


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


def found(
    user: User, wanted: Mapping[str, str], day: dt.date | None = None, states: Sequence[CaseState] | None = None
) -> QuerySet[Case]:
    """The open cases the filters leave; ``states`` are all there are, if they have been read."""
    return queries.board(
        user,
        state=wanted["state"],
        late=bool(wanted["late"]),
        waiting=bool(wanted["mine"]),
        region=_place(wanted),
        day=day or today(),
        known=states,
    )


def columns(user: User, wanted: Mapping[str, str], seen: Overview, day: dt.date) -> list[ColumnOf]:
    """The board: every state with open cases in the order of the procedure, a few cards each, the late ones first."""
    wanted = {**wanted, "state": ""}
    left = seen.narrowed(user, wanted)
    cards = queries.first_of_each(found(user, wanted, day, seen.states), sorted(left.counts), CARDS)
    result = []
    for key, title, held in left.titled():
        # A state of several versions of the procedure is one column.
        cases = sorted((case for pk in held for case in cards[pk]), key=lambda case: (case.press_on, case.pk))
        result.append(
            ColumnOf(
                key,
                title,
                sum(left.counts[pk] for pk in held),
                sum(left.late.get(pk, 0) for pk in held),
                len(cases[:CARDS]),
                cards_html(rows_of(cases[:CARDS], seen.states, day)),
            )
        )
    return result
