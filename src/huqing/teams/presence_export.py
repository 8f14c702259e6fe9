"""The calendar of a month as a workbook: a row a member, a column a day, what counts at the end."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import require
from huqing.papers.sheets import Cell, Column, Marking, Sheet, write_workbook
from huqing.registry.models import Region
from huqing.standards.codelists import codelist
from huqing.standards.regioncodes import spoken_name
from huqing.teams.models import PresenceDay
from huqing.teams.presence import days_between
from huqing.teams.residency_queries import last_of, month_lines

if TYPE_CHECKING:
    from huqing.access.models import User

S = PresenceDay.State
MARKS = {S.DECLARED: "（待确认）", S.REFUSED: "（退回）", S.CONFIRMED: ""}


@transaction.atomic
def month_workbook(*, month: dt.date, by: User) -> bytes:
    """Everybody's month in the area of an account; that it was taken out is in the log."""
    require(by, "export")
    lines = list(month_lines(by, month))
    days = list(days_between(month, last_of(month)))
    kinds = codelist("presence_kind")
    shown: dict[tuple[int, dt.date], str] = {}
    found = PresenceDay.objects.filter(staff__in=[line.staff_id for line in lines], day__range=(days[0], days[-1]))
    for pk, day, kind, state in found.values_list("staff", "day", "kind", "state").iterator():
        shown[pk, day] = kinds.label(kind) + MARKS[S(state)]
    places = {
        one.code: f"{one.parent.name if one.parent else ''}{spoken_name(one.name)}"
        for one in Region.objects.filter(pk__in={line.village_id for line in lines}).select_related("parent")
    }
    columns = [Column("姓名"), Column("单位"), Column("所驻村")]
    columns += [Column(f"{day.day}日", width=10) for day in days]
    columns += [Column("计入天数", "integer"), Column("待确认天数", "integer")]
    rows: list[list[Cell]] = [
        [
            line.staff.name,
            line.staff.unit.name if line.staff.unit else "",
            places.get(line.region_code, line.region_code),
            *(shown.get((line.staff_id, day), "") for day in days),
            line.counted,
            line.waiting,
        ]
        for line in lines
    ]
    title = f"{month:%Y年%m月}驻村日历"
    out = io.BytesIO()
    marking = Marking(by=by.display_name, at=timezone.localtime(), note=title)
    write_workbook(out, [Sheet(title, columns, rows)], marking=marking)
    detail = {"month": month, "rows": len(rows)}
    audit.record(by=by, action="presence_export", region_code=by.region_code, detail=detail)
    return out.getvalue()
