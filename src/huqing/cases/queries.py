"""Reading cases: the board, what is overdue, what a person may do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet

from huqing.access.permissions import Refused, may
from huqing.cases import actions
from huqing.cases.calendar import workdays
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Objection, ProcedureVersion
from huqing.cases.procedure import procedure_of
from huqing.packs.procedures import Move

if TYPE_CHECKING:
    from huqing.access.models import User

SOON = 2  # working days


def board(
    user: User, *, state: str = "", late: bool = False, waiting: bool = False, region: str = "", day: dt.date
) -> QuerySet[Case]:
    """The open cases the user sees; ``waiting``: only those that wait for a step of the user's role."""
    cases = Case.objects.visible_to(user).filter(closed_on=None).select_related("state", "household", "procedure")
    if region:
        cases = cases.in_region(region)
    if state:
        cases = cases.filter(state__key=state)
    if late:
        cases = cases.filter(Q(due_on__lt=day) | Q(total_due_on__lt=day))
    if waiting:
        cases = cases.filter(state__in=states_of(user.role))
    return cases


def counts(user: User, day: dt.date) -> Mapping[str, int]:
    """Open cases by state title, and under "" those that are late."""
    cases = Case.objects.visible_to(user).filter(closed_on=None)
    by_state = cases.values_list("state__key").annotate(n=Count("pk")).order_by()
    return {**dict(by_state), "": cases.filter(Q(due_on__lt=day) | Q(total_due_on__lt=day)).count()}


@dataclass(frozen=True)
class Mine:
    """What of the open cases concerns one person: waiting for the own role, late, told to the role, objections."""

    waiting: int
    late: int
    told: int
    objections: int


def mine(user: User, day: dt.date) -> Mine:
    """How many open cases wait for a step of the user's role; how many are late, of these or told to the role."""
    cases = Case.objects.visible_to(user).filter(closed_on=None)
    own = states_of(user.role)
    late = cases.filter(Q(due_on__lt=day) | Q(total_due_on__lt=day))
    waiting = cases.filter(state__in=own)
    objections = Objection.objects.visible_to(user).filter(state=Objection.State.OPEN) if may_handle(user) else None
    return Mine(
        waiting=waiting.count(),
        late=late.filter(state__in=own).count(),
        told=late.filter(late_role=user.role).exclude(state__in=own).count(),
        objections=objections.count() if objections is not None else 0,
    )


def states_of(role: str) -> list[int]:
    """The states in which the ordinary next step, or the one after a decision, is this role's; standing ones wait for
    nobody."""
    found = []
    for version in ProcedureVersion.objects.prefetch_related("states"):
        made = procedure_of(version)
        for state in version.states.all():
            first = made.moves_from(state.key)[:1]
            if state.kind != "standing" and first and role in first[0].by:
                found.append(state.pk)
    return found


def may_handle(user: User) -> bool:
    """Whether the user's role handles cases."""
    return may(user, "handle_cases")


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
