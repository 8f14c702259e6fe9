"""Taking a step of a procedure: for one case or for many that a person decides together.

Many cases go through the same judgement as one, each for itself; only the reading and writing is done once for all.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.audit import Happened
from huqing.access.models import Role, User
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.cases import needs, states
from huqing.cases.calendar import today, workdays
from huqing.cases.errors import CaseError, Moved
from huqing.cases.filing import Files, locked_files, written_down
from huqing.cases.models import NEVER, Case, CaseState, CaseStep, Evidence
from huqing.cases.procedure import procedure_of
from huqing.cases.texts import written
from huqing.packs.procedures import Move
from huqing.registry.models import Household

TEXT_LENGTH = 500
OUT_OF_SIGHT = "这一户不在您的管辖范围内。"
# What a step changes of a case, beside its turn.
MOVING = (
    "state", "entered_on", "free_from", "due_on", "total_due_on", "press_on", "late_role", "later_role", "later_on",
    "closed_on", "emergency",
)  # fmt: skip


@dataclass
class Taken:
    """What became of the cases a step was asked for, by key: the step, or why it was not taken."""

    steps: dict[int, CaseStep] = field(default_factory=dict)
    refused: dict[int, CaseError | Refused] = field(default_factory=dict)


def step_of(*, case: Case, move: str, by: User | None, turn: int, reason: str = "") -> CaseStep:
    """Take a step within the caller's transaction; ``case`` itself is left as it is.

    Moved: somebody was faster. CaseError: it may not be taken now, with every reason. Refused: not by this person.
    """
    taken = steps_of(turns={case.pk: turn}, move=move, by=by, reason=reason)
    if taken.refused:
        raise taken.refused[case.pk]
    return taken.steps[case.pk]


def steps_of(*, turns: Mapping[int, int], move: str, by: User | None, reason: str = "") -> Taken:
    """Take a step of many cases within the caller's transaction; ``turns`` are the ones the person saw, by case.

    Each case is judged for itself: what is refused leaves the others alone.
    """
    # Locked by themselves and read afterwards: PostgreSQL, having waited for somebody's step, would look for the row
    # joined to the state it was in before, and find none. In the order of their keys, so that two never cross; the
    # households after the cases and the audit log last, for the same reason.
    list(Case.objects.select_for_update().filter(pk__in=turns).order_by("pk").values_list("pk"))
    cases = list(Case.objects.select_related("household").filter(pk__in=turns).order_by("pk"))
    standing = {state.pk: state for state in states.every()}
    for case in cases:
        case.state = standing[case.state_id]
        case.procedure = case.state.procedure
    reached = {(state.procedure_id, state.key): state for state in standing.values()}
    day, known, found = today(), _Known(cases, by), Taken()
    moved, decided = [], []
    for case in cases:
        try:
            step, text = _judged(case, move, turns[case.pk], by=by, day=day, reason=reason, known=known)
            if step.does:
                decided.append(known.files.decided(case, step, day))
        except (CaseError, Refused) as error:
            found.refused[case.pk] = error
            continue
        found.steps[case.pk] = CaseStep(
            case=case,
            turn=case.turn + 1,
            move=step.key,
            title=step.title,
            before=case.state.key,
            after=step.to,
            by=by,
            on=day,
            at=timezone.now(),
            reason=text,
            late_by=_late(case, day),
        )
        case.turn += 1
        enter(case, reached[case.procedure_id, step.to], day)
        moved.append(case)
    CaseStep.objects.bulk_create(found.steps.values())
    _save(moved)
    filed = written_down(decided, known.files, by=by, day=day) if decided else []
    audit.record_all(filed + [_happened(step, by) for step in found.steps.values()])
    return found


class _Known:
    """What the judgement of many cases looks at, read once for all of them and only if a step needs it."""

    def __init__(self, cases: Sequence[Case], by: User | None) -> None:
        self._cases, self._by = {case.pk: case for case in cases}, by

    @cached_property
    def seen(self) -> set[int]:
        """Those of their households that the person sees."""
        households = Household.objects.filter(pk__in=[case.household_id for case in self._cases.values()])
        return set(households.visible_to(self._by).values_list("pk", flat=True))

    @cached_property
    def papers(self) -> dict[int, list[Evidence]]:
        """The papers of each case, the oldest first."""
        return self._of_cases(Evidence.objects.filter(withdrawn_at=None).order_by("pk"))

    @cached_property
    def steps(self) -> dict[int, list[CaseStep]]:
        """The steps each case has taken."""
        return self._of_cases(CaseStep.objects.select_related("by").order_by("turn"))

    @cached_property
    def files(self) -> Files:
        """The files of their households, locked."""
        return locked_files(self._cases.values())

    def _of_cases(self, rows: QuerySet[Any]) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {pk: [] for pk in self._cases}
        for row in rows.filter(case__in=self._cases):
            found[row.case_id].append(row)
        return found


def _judged(
    case: Case, key: str, turn: int, *, by: User | None, day: dt.date, reason: str, known: _Known
) -> tuple[Move, str]:
    """The step and its reason as it will be kept; CaseError or Refused says why it is not taken."""
    if case.turn != turn:
        last = known.steps[case.pk][-1:]
        who = "事项已有变化"
        if last:
            who = f"{last[0].by.display_name if last[0].by else '系统'}已办理“{last[0].title}”"
        raise Moved(f"{who}，现在是“{case.state.title}”。请刷新页面后再办。")
    try:
        step = procedure_of(case.procedure).move(key)
    except KeyError:
        raise CaseError("没有这一步，请刷新页面后重新选择。") from None
    stopped = _obstacles(case, step, by=by, day=day, known=known)
    if stopped:
        raise CaseError(" ".join(stopped))
    return step, written(reason, "理由", most=TEXT_LENGTH) if step.reason or reason.strip() else ""


def _obstacles(case: Case, step: Move, *, by: User | None, day: dt.date, known: _Known) -> list[str]:
    """Why a step cannot be taken now; empty when it can. Refused if the person may not take it at all."""
    if case.state.key not in step.start:
        raise CaseError(f"现在是“{case.state.title}”，不能办理“{step.title}”。")
    if by is None:
        if not step.auto:
            raise Refused("这一步须由人办理。")
    else:
        require(by, "handle_cases")
        if case.household_id not in known.seen:
            raise Refused(OUT_OF_SIGHT)
        told = barred(step, by)
        if told:
            raise Refused(told)
    there = needs.counting(known.papers[case.pk], case) if step.needs else {}
    return lacking(case, step, by=by, day=day, there=there, steps=known.steps[case.pk] if step.second else ())


def barred(step: Move, by: User) -> str:
    """Why somebody of this role never takes the step; "" if the role may."""
    if by.role in step.by:
        return ""
    able = "、".join(Role(role).label for role in step.by) or "系统"
    return f"“{step.title}”由{able}办理。"


def lacking(
    case: Case,
    step: Move,
    *,
    by: User | None,
    day: dt.date,
    there: Mapping[str, Evidence] | None = None,
    steps: Sequence[CaseStep] | None = None,
) -> list[str]:
    """What a step that the person may take still lacks, in words.

    ``there`` are the papers ``needs.present`` finds and ``steps`` those taken so far, if they are known.
    """
    told = []
    if day < case.entered_on:
        told.append(f"今天（{day:%Y-%m-%d}）早于进入本环节的日期（{case.entered_on:%Y-%m-%d}），请检查服务器时间。")
    ends = procedure_of(case.procedure).state(step.to).kind == "end"
    if case.household.status != Household.Status.ACTIVE and not ends:
        told.append("这一户已注销，只能办结（例如“自然减少”）。")
    if "posting" in step.needs and day < case.free_from:
        told.append(f"期限未满，{case.free_from:%Y-%m-%d} 起才能办理。")
    if step.second and by is not None:
        taken = case.steps.order_by("turn") if steps is None else steps
        if [one.by_id for one in taken][-1:] == [by.pk]:
            told.append("上一步由您办理，这一步须换一个人办理。")
    return told + needs.missing(case, step.needs, day, there)


def enter(case: Case, state: CaseState, day: dt.date) -> None:
    """Put the case into a state (not saved): its deadline, the first day it may be left, the deadline of the whole."""
    made, calendar = procedure_of(case.procedure), workdays()
    declared, before = made.state(state.key), made.state(case.state.key)
    case.state = state
    case.entered_on = day
    case.free_from = made.free_from(state.key, day, calendar)
    case.due_on = made.due(state.key, day, calendar)
    case.late_role = declared.late
    case.later_role, case.later_on = made.told_later(state.key, case.due_on, calendar)
    # A risk that comes back is recognised again in the same time as one that is new.
    back = made.total is not None and declared.part == made.state(made.total.start).part != before.part
    if back:
        case.emergency = False  # whether help must come first is said anew
    if made.total and (state.key == made.total.start or back) and case.total_due_on is None:
        case.total_due_on = made.due_in_all(day, calendar)
    elif made.total and (state.key == made.total.end or declared.kind == "end"):
        case.total_due_on = None
    case.closed_on = day if declared.kind == "end" else None
    case.press_on = min(case.due_on or NEVER, case.total_due_on or NEVER)


def may_handle(by: User, household: Household, permission: str = "handle_cases") -> None:
    """Refused unless the person handles cases and sees the household."""
    require(by, permission)
    if not sees(by, household):
        raise Refused(OUT_OF_SIGHT)


def _late(case: Case, day: dt.date) -> int:
    if case.due_on is None or day <= case.due_on:
        return 0
    return workdays().between(case.due_on, day)


def _save(cases: Iterable[Case]) -> None:
    """Cases that came to stand alike are written in one statement: usually all of a decision."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for case in cases:
        alike[tuple(getattr(case, name) for name in MOVING)].append(case.pk)
    for values, pks in alike.items():
        Case.objects.filter(pk__in=pks).update(turn=F("turn") + 1, **dict(zip(MOVING, values, strict=True)))


def _happened(step: CaseStep, by: User | None) -> Happened:
    detail = {"move": step.move, "from": step.before, "to": step.after, "turn": step.turn}
    return Happened(by, "case_move", step.case, detail=detail)
