"""Reading cases: the board, what is overdue, what a person may do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, QuerySet

from huqing.access.permissions import Refused, may
from huqing.cases import needs, steps
from huqing.cases.calendar import workdays
from huqing.cases.evaluations import waiting as to_evaluate
from huqing.cases.models import (
    NEVER,
    Case,
    CaseState,
    Evaluation,
    Evidence,
    Objection,
    ProcedureVersion,
    PublicPostingLine,
)
from huqing.cases.postings import posting_states
from huqing.cases.postings import waiting as to_post
from huqing.cases.procedure import procedure_of
from huqing.packs.procedures import Move

if TYPE_CHECKING:
    from huqing.access.models import User

__all__ = ["NEVER"]
SOON = 2  # working days


def board(
    user: User, *, state: str = "", late: bool = False, waiting: bool = False, region: str = "", day: dt.date
) -> QuerySet[Case]:
    """The open cases the user sees; ``waiting``: only those that wait for a step of the user's role."""
    cases = Case.objects.visible_to(user, within=region).filter(closed_on=None)
    cases = cases.select_related("state", "household", "procedure")
    if state:
        cases = cases.filter(state__in=_named(state))
    if late:
        cases = cases.filter(press_on__lt=day)
    if waiting:
        cases = cases.filter(state__in=states_of(user.role))
    return cases


def _named(key: str) -> list[int]:
    return list(CaseState.objects.filter(key=key).values_list("pk", flat=True))


def by_state(cases: QuerySet[Case], day: dt.date) -> tuple[dict[int, int], dict[int, int]]:
    """How many of some cases stand in each state, and how many of these are late."""
    plain = cases.order_by().select_related(None)
    counted = plain.values_list("state").annotate(n=Count("pk"), late=Count("pk", filter=Q(press_on__lt=day)))
    rows = list(counted)
    return {state: count for state, count, _ in rows}, {state: late for state, _, late in rows if late}


def states_in_order(states: Iterable[int]) -> list[tuple[str, str, list[int]]]:
    """States as (key, title, ids), in the order of their procedures; one of several versions stands once."""
    rows = CaseState.objects.filter(pk__in=list(states)).order_by("-procedure", "pk")
    found: dict[str, tuple[str, list[int]]] = {}
    for row in rows:
        found.setdefault(row.key, (row.title, []))[1].append(row.pk)
    return [(key, title, ids) for key, (title, ids) in found.items()]


@dataclass(frozen=True)
class Mine:
    """What of the open cases concerns one person: waiting for the own role, late, told to the role, postings that are
    over and due to be made, evaluations to call and to hold, objections."""

    waiting: int
    late: int
    told: int
    over: int = 0
    to_post: int = 0
    to_evaluate: int = 0
    meetings: int = 0
    objections: int = 0


def mine(user: User, day: dt.date) -> Mine:
    """How many open cases wait for a step of the user's role; how many are late, of these or told to the role."""
    cases = Case.objects.visible_to(user).filter(closed_on=None)
    own = states_of(user.role)
    late = cases.filter(press_on__lt=day)
    waiting = cases.filter(state__in=own)
    told = late.filter(told_to(user.role, day)).exclude(state__in=own)
    if not may_handle(user):
        return Mine(waiting.count(), late.filter(state__in=own).count(), told.count())
    ended = PublicPostingLine.objects.filter(turn=F("case__turn"), posting__stopped_on=None, posting__ends_on__lt=day)
    over = waiting.filter(state__in=posting_states(), free_from__lte=day, pk__in=ended.values("case"))
    meetings = Evaluation.objects.visible_to(user).filter(closed_at=None, lines__turn=F("lines__case__turn"))
    return Mine(
        waiting=waiting.count(),
        late=late.filter(state__in=own).count(),
        told=told.count(),
        over=over.count(),
        to_post=to_post(user).filter(state__in=own).count(),
        to_evaluate=to_evaluate(user).filter(state__in=own).count(),
        meetings=meetings.distinct().count(),
        objections=Objection.objects.visible_to(user).filter(state=Objection.State.OPEN).count(),
    )


def told_to(role: str, day: dt.date) -> Q:
    """The late cases that are told to a role: at once by the state's declaration, later by the procedure's."""
    return Q(late_role=role, press_on__lt=day) | Q(later_role=role, later_on__lt=day)


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


def next_steps(case: Case, user: User, day: dt.date, there: Mapping[str, Evidence] | None = None) -> list[Next]:
    """What may follow, the ordinary way first; ``there`` are the papers of the step at hand, if they are known."""
    try:
        steps.may_handle(user, case.household)
    except Refused as error:
        refused = str(error)
    else:
        refused = ""
    found, there = [], needs.present(case) if there is None else there
    for move in procedure_of(case.procedure).moves_from(case.state.key):
        if move.auto:
            continue
        barred = refused or steps.barred(move, user)
        if barred:
            found.append(Next(move, barred=barred))
        else:
            found.append(Next(move, tuple(steps.lacking(case, move, by=user, day=day, there=there))))
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
