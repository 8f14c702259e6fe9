"""Reading cases: the board, what is overdue, what a person may do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet

from huqing.access.permissions import Refused
from huqing.cases import actions
from huqing.cases.calendar import workdays
from huqing.cases.errors import CaseError
from huqing.cases.models import Case
from huqing.cases.procedure import procedure_of
from huqing.packs.procedures import Move

if TYPE_CHECKING:
    from huqing.access.models import User

SOON = 2  # working days


def board(user: User, *, state: str = "", late: bool = False, region: str = "", day: dt.date) -> QuerySet[Case]:
    """The open cases the user sees, the most pressing first."""
    cases = Case.objects.visible_to(user).filter(closed_on=None).select_related("state", "household", "procedure")
    if region:
        cases = cases.in_region(region)
    if state:
        cases = cases.filter(state__key=state)
    if late:
        cases = cases.filter(Q(due_on__lt=day) | Q(total_due_on__lt=day))
    return cases


def counts(user: User, day: dt.date) -> Mapping[str, int]:
    """Open cases by state title, and under "" those that are late."""
    cases = Case.objects.visible_to(user).filter(closed_on=None)
    by_state = cases.values_list("state__key").annotate(n=Count("pk")).order_by()
    return {**dict(by_state), "": cases.filter(Q(due_on__lt=day) | Q(total_due_on__lt=day)).count()}


@dataclass(frozen=True)
class Next:
    """One step that may follow: who may take it and what it lacks. ``barred``: not by this person at all."""

    move: Move
    lacking: tuple[str, ...] = ()
    barred: str = ""

    @property
    def ready(self) -> bool:
        """Whether this person can take it now."""
        return not self.lacking and not self.barred


def next_steps(case: Case, user: User, day: dt.date) -> list[Next]:
    """What may follow, the ordinary way first."""
    found = []
    for move in procedure_of(case.procedure).moves_from(case.state.key):
        if move.auto:
            continue
        try:
            lacking = actions.obstacles(case, move, by=user, day=day)
        except (Refused, CaseError) as error:
            found.append(Next(move, barred=str(error)))
        else:
            found.append(Next(move, tuple(lacking)))
    return found


def left(due: dt.date | None, day: dt.date) -> str:
    """How much time is left, in words: 还有 3 个工作日, 今天截止, 已超期 2 个工作日; "" without a deadline."""
    if due is None:
        return ""
    if due == day:
        return "今天截止"
    days = workdays().between(day, due)
    if due < day:
        return f"已超期 {max(1, -days)} 个工作日"
    return f"还有 {days} 个工作日" if days else "非工作日后截止"


def pressing(due: dt.date | None, day: dt.date) -> str:
    """late, soon or ""."""
    if due is None:
        return ""
    if due < day:
        return "late"
    return "soon" if workdays().between(day, due) <= SOON else ""
