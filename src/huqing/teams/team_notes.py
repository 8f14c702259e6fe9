"""What is written about a resident team: diary, care visits and their minimum, problems, check-up, insurance."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import sees, visible
from huqing.rules.errors import ParameterError
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
def note(*, staff: Staff, kind: str, on: dt.date, text: str, by: User, until: dt.date | None = None) -> TeamNote:
    """Write a note. Diary and problems are the member's own; the rest is written by village, town or county."""
    if kind not in K.values:
        raise ValidationError({"kind": "请选择记录的类别。"})
    own = staff.user_id == by.pk
    require(by, "declare_presence" if own and kind in OWN else "confirm_presence")
    if not own and kind == K.DIARY:
        raise Refused("驻村日志由本人写。")
    line = post_of(staff, min(on, today()))
    if not own and not sees(by, line):
        raise Refused("这名队员不在您的管辖范围内。")
    if on > today():
        raise ValidationError({"on": "日期还没有到，请改正。"})
    if until is not None and until < on:
        raise ValidationError({"until": "有效期早于登记日期，请改正。"})
    text = hide_numbers(clean(text).strip())
    if not text:
        raise ValidationError({"text": "请写内容。"})
    if len(text) > TEXT:
        raise ValidationError({"text": f"内容最多 {TEXT} 字，请缩短。"})
    row = TeamNote.objects.create(
        staff=staff, region_code=line.region_code, kind=kind, on=on, until=until, text=text, by=by
    )
    audit.record(by=by, action="team_note", subject=row, detail={"staff": staff.name, "kind": row.get_kind_display()})
    return row


@transaction.atomic
def solve(*, problem: TeamNote, solution: str, on: dt.date, by: User) -> TeamNote:
    """Say how a problem was solved."""
    require(by, "confirm_presence")
    if not sees(by, problem):
        raise Refused("这名队员不在您的管辖范围内。")
    if problem.kind != K.PROBLEM or problem.solved_on is not None:
        raise ValidationError("只有还没有解决的困难可以登记解决情况。")
    solution = hide_numbers(clean(solution).strip())[:TEXT]
    if not solution:
        raise ValidationError({"solution": "请写怎样解决的。"})
    if not problem.on <= on <= today():
        raise ValidationError({"on": "解决日期要在反映之后、今天之前。"})
    problem.solution, problem.solved_on = solution, on
    problem.save(update_fields=["solution", "solved_on"])
    audit.record(by=by, action="team_solve", subject=problem, detail={"staff": problem.staff.name})
    return problem


@dataclass(frozen=True)
class Care:
    """How often leaders of one rank came in a month, and how often they should; None where nothing is laid down."""

    title: str
    done: int
    least: int | None

    @property
    def lacking(self) -> bool:
        """Whether visits are missing."""
        return self.least is not None and self.done < self.least


def care_in(staff: Staff, month: dt.date, region: str) -> list[Care]:
    """The care visits of one month against their minimums."""
    following = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
    found = []
    for kind, parameter in CARE.items():
        done = TeamNote.objects.filter(staff=staff, kind=kind, on__gte=month, on__lt=following).count()
        try:
            least: int | None = int(library().parameters.require(parameter, month, region).value)
        except ParameterError:
            least = None
        found.append(Care(str(K(kind).label), done, least))
    return found


def notes_of(staff: Staff, user: User) -> list[TeamNote]:
    """The newest notes about a member that an account may read; a diary is read by its writer and by those above."""
    rows = TeamNote.objects.filter(staff=staff).select_related("by")
    if staff.user_id != user.pk:
        rows = visible(rows, user) if may(user, "confirm_presence") else rows.none()
    return list(rows[:100])
