"""Reading cases: the board, what is overdue, what a person may do next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, QuerySet

from huqing.access.permissions import Refused, may
from huqing.cases import needs, states, steps
from huqing.cases.calendar import workdays
from huqing.cases.evaluations import waiting as to_evaluate
from huqing.cases.models import (
    NEVER,
    Case,
    CaseState,
    CaseStep,
    Evaluation,
    Evidence,
    Objection,
    PublicPostingLine,
)
from huqing.cases.postings import posting_states
from huqing.cases.postings import waiting as to_post
from huqing.cases.procedure import procedure_of
from huqing.packs.procedures import Move
from huqing.registry.models import Household

if TYPE_CHECKING:
    from huqing.access.models import User

__all__ = ["NEVER"]
SOON = 2  # working days
# What a list shows of a case beside its state's title.
LISTED = ("number", "region_code", "state", "emergency", "due_on", "total_due_on", "press_on", "household")
NAMED = ("head_name", "group_name")
_STATE = -7_100_000_001  # stands for the state where SQL is worked out once for several


def board(
    user: User,
    *,
    state: str = "",
    late: bool = False,
    waiting: bool = False,
    region: str = "",
    day: dt.date,
    known: Sequence[CaseState] | None = None,
) -> QuerySet[Case]:
    """The open cases the user sees; ``waiting``: only those that wait for a step of the user's role.

    ``known`` are all states, if they have been read.
    """
    cases = Case.objects.visible_to(user, within=region).filter(closed_on=None)
    if state or waiting:
        known = states.every() if known is None else known
    if state:
        cases = cases.filter(state__in=[one.pk for one in known or () if one.key == state])
    if late:
        cases = cases.filter(press_on__lt=day)
    if waiting:
        cases = cases.filter(state__in=states.waiting_for(user.role, known or ()))
    return cases


def listed(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Cases with what a list shows of them and of their households."""
    return cases.select_related("household").only(*LISTED, *(f"household__{name}" for name in NAMED))


def by_state(cases: QuerySet[Case], day: dt.date) -> tuple[dict[int, int], dict[int, int]]:
    """How many of some cases stand in each state, and how many of these are late."""
    plain = cases.order_by().select_related(None)
    # Of the states, not of the keys: the index that finds the rows holds them, and nothing else need be read.
    counted = plain.values_list("state").annotate(n=Count("*"), late=Count("state", filter=Q(press_on__lt=day)))
    rows = list(counted)
    return {state: count for state, count, _ in rows}, {state: late for state, _, late in rows if late}


def first_of_each(cases: QuerySet[Case], standing: Sequence[int], most: int) -> dict[int, list[Case]]:
    """Of some cases in each of several states those whose deadline comes first, with their households.

    One statement with a branch per state: each reads its first rows off an index, where one for all states would read
    and sort every case.
    """
    if not standing:
        return {}
    first = cases.filter(state=_STATE).order_by("press_on", "pk").only(*LISTED)[:most]
    sql, params = first.query.sql_with_params()
    # Django's own SQL; every value is a parameter.
    branches = [f"SELECT * FROM ({sql}) AS s{number}" for number in range(len(standing))]  # noqa: S608
    values = [state if value == _STATE else value for state in standing for value in params]
    found: dict[int, list[Case]] = {state: [] for state in standing}
    rows = list(Case.objects.raw(" UNION ALL ".join(branches), values))
    households = Household.objects.only(*NAMED).in_bulk([case.household_id for case in rows])
    for case in sorted(rows, key=lambda case: (case.press_on, case.pk)):
        case.household = households[case.household_id]
        found[case.state_id].append(case)
    return found


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
    known = states.every()
    own = states.waiting_for(user.role, known)
    waiting = cases.filter(state__in=own)
    counts, late = by_state(waiting, day)
    told = cases.filter(told_to(user.role, day), press_on__lt=day).exclude(state__in=own)
    if not may_handle(user):
        return Mine(sum(counts.values()), sum(late.values()), told.count())
    ended = PublicPostingLine.objects.filter(turn=F("case__turn"), posting__stopped_on=None, posting__ends_on__lt=day)
    over = waiting.filter(state__in=posting_states(known), free_from__lte=day, pk__in=ended.values("case"))
    meetings = Evaluation.objects.visible_to(user).filter(closed_at=None, lines__turn=F("lines__case__turn"))
    return Mine(
        waiting=sum(counts.values()),
        late=sum(late.values()),
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


def next_steps(
    case: Case,
    user: User,
    day: dt.date,
    there: Mapping[str, Evidence] | None = None,
    taken: Sequence[CaseStep] | None = None,
) -> list[Next]:
    """What may follow, the ordinary way first; ``there`` are the papers of the step at hand and ``taken`` the steps so
    far, if they are known."""
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
            found.append(Next(move, tuple(steps.lacking(case, move, by=user, day=day, there=there, steps=taken))))
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
