"""What is written about a resident team: diary, care visits of the unit's leaders, problems and their solution."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import sees, visible
from huqing.rules.library import library
from huqing.standards.text import clean
from huqing.teams.ledger_queries import today
from huqing.teams.models import Staff, TeamNote
from huqing.teams.presence import post_of

if TYPE_CHECKING:
    from huqing.access.models import User

K = TeamNote.Kind
OWN = (K.DIARY, K.PROBLEM)
CARE = {K.CARE_MAIN: "care_main_visits", K.CARE_DEPUTY: "care_deputy_visits"}
TEXT = 500


@transaction.atomic
def note(*, staff: Staff, kind: str, on: dt.date, text: str, by: User) -> TeamNote:
    """Write in one's own diary or raise a problem; village, town and county may raise one for a member."""
    if kind not in OWN:
        raise ValidationError({"kind": "请选日志或困难。领导看望在“看望”里登记。"})
    own = staff.user_id == by.pk
    require(by, "declare_presence" if own else "confirm_presence")
    if not own and kind == K.DIARY:
        raise Refused("驻村日志由本人写。")
    return _write(staff, kind, on, text, by, own=own)


@transaction.atomic
def care_visit(*, staff: Iterable[Staff], kind: str, on: dt.date, who: str, text: str, by: User) -> list[TeamNote]:
    """One visit of a leader to one or several members at once."""
    require(by, "confirm_presence")
    if kind not in CARE:
        raise ValidationError({"kind": "请选主要领导或分管领导。"})
    who = hide_numbers(clean(who).strip())[:60]
    if not who:
        raise ValidationError({"who": "请写谁来看望，例如“县水利局局长 李某”。"})
    visited = list(staff)
    if not visited:
        raise ValidationError({"staff": "请选看望了哪几名队员。"})
    if TeamNote.objects.filter(staff__in=visited, kind=kind, on=on, who=who).exists():
        raise ValidationError({"on": f"{on} {who}的看望已经登记过。"})
    return [_write(one, kind, on, text, by, own=False, who=who) for one in visited]


def _write(staff: Staff, kind: str, on: dt.date, text: str, by: User, *, own: bool, who: str = "") -> TeamNote:
    if on > today():
        raise ValidationError({"on": "日期还没有到，请改正。"})
    line = post_of(staff, on)
    if not own and not sees(by, line):
        raise Refused("这名队员不在您的管辖范围内。")
    text = hide_numbers(clean(text).strip())
    if not text:
        raise ValidationError({"text": "请写内容。"})
    if len(text) > TEXT:
        raise ValidationError({"text": f"内容最多 {TEXT} 字，请缩短。"})
    row = TeamNote.objects.create(
        staff=staff, region_code=line.region_code, kind=kind, on=on, text=text, who=who, by=by
    )
    audit.record(by=by, action="team_note", subject=row, detail={"staff": staff.name, "kind": row.get_kind_display()})
    return row


@transaction.atomic
def assign(*, problem: TeamNote, responsible: str, due_on: dt.date, by: User) -> TeamNote:
    """Say who has to solve a problem, and by when."""
    problem = _open(problem, by)
    responsible = hide_numbers(clean(responsible).strip())[:60]
    if not responsible:
        raise ValidationError({"responsible": "请写由谁解决，例如“朱衣镇政府”。"})
    if due_on < problem.on:
        raise ValidationError({"due_on": f"解决期限不能早于反映的日期 {problem.on}。"})
    problem.responsible, problem.due_on = responsible, due_on
    problem.save(update_fields=["responsible", "due_on"])
    detail = {"staff": problem.staff.name, "responsible": responsible, "due": due_on}
    audit.record(by=by, action="team_assign", subject=problem, detail=detail)
    return problem


@transaction.atomic
def solve(*, problem: TeamNote, solution: str, on: dt.date, by: User) -> TeamNote:
    """Say how a problem was solved."""
    problem = _open(problem, by)
    solution = hide_numbers(clean(solution).strip())[:TEXT]
    if not solution:
        raise ValidationError({"solution": "请写怎样解决的。"})
    if not problem.on <= on <= today():
        raise ValidationError({"on": "解决日期要在反映之后、今天之前。"})
    problem.solution, problem.solved_on = solution, on
    problem.save(update_fields=["solution", "solved_on"])
    audit.record(by=by, action="team_solve", subject=problem, detail={"staff": problem.staff.name})
    return problem


def _open(problem: TeamNote, by: User) -> TeamNote:
    require(by, "confirm_presence")
    if not sees(by, problem):
        raise Refused("这名队员不在您的管辖范围内。")
    problem = TeamNote.objects.select_for_update(of=("self",)).select_related("staff").get(pk=problem.pk)
    if problem.kind != K.PROBLEM or problem.solved_on is not None:
        raise ValidationError("只有还没有解决的困难可以交办和登记解决情况。")
    return problem


def open_problems(user: User) -> QuerySet[TeamNote]:
    """The problems of members that wait for a solution, the nearest deadline first; those without one at the end."""
    rows = TeamNote.objects.filter(kind=K.PROBLEM, solved_on=None).select_related("staff")
    return visible(rows, user).order_by("due_on", "on", "pk") if may(user, "confirm_presence") else rows.none()


@dataclass(frozen=True)
class Care:
    """How often leaders of one rank came in a month, and how often they should; None where nothing is laid down."""

    kind: str
    title: str
    done: int
    least: int | None

    @property
    def lacking(self) -> bool:
        """Whether visits are missing."""
        return self.least is not None and self.done < self.least


def care_of(staff: Iterable[int], month: dt.date, region: str) -> dict[int, list[Care]]:
    """The care visits of one month to many members against their minimums, with one query."""
    wanted = list(staff)
    following = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    rows = TeamNote.objects.filter(staff__in=wanted, kind__in=list(CARE), on__gte=month, on__lt=following)
    done = Counter(rows.values_list("staff", "kind"))
    least = {kind: library().parameters[key].at(month, region) for kind, key in CARE.items()}
    return {
        pk: [
            Care(kind, str(K(kind).label), done[pk, kind], int(dated.value) if dated else None)  # type: ignore[arg-type]
            for kind, dated in least.items()
        ]
        for pk in wanted
    }


def care_in(staff: Staff, month: dt.date, region: str) -> list[Care]:
    """The care visits of one month against their minimums."""
    return care_of([staff.pk], month, region)[staff.pk]


def notes_of(staff: Staff, user: User) -> QuerySet[TeamNote]:
    """The notes about a member that an account may read; a diary is read by its writer and by those above."""
    rows = TeamNote.objects.filter(staff=staff).select_related("by", "staff").order_by("-on", "-id")
    if staff.user_id == user.pk:
        return rows
    return visible(rows, user) if may(user, "confirm_presence") else rows.none()
