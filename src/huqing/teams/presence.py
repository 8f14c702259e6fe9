"""The presence calendar: declared by the member, confirmed by village or town; see ``absences`` for leave and trips.

No clock-in, no position: a member says where they were, a person who knows confirms it, inspections look.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import visible
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams.duty_checks import locked
from huqing.teams.ledger_queries import holding, today
from huqing.teams.models import Absence, AllowanceLine, AllowanceRun, PresenceDay, Responsibility, Staff

if TYPE_CHECKING:
    from huqing.access.models import User

RESIDENT = "resident"
HERE, OUTING, LEAVE, TRIP, OVERTIME = "1", "2", "3", "4", "5"
DECLARABLE = (HERE, OUTING, OVERTIME)
LONGEST = 92
ONE_DAY = dt.timedelta(days=1)
S = PresenceDay.State


def post_of(staff: Staff, day: dt.date) -> Responsibility:
    """The village where somebody is a resident on a day; ValidationError if nowhere."""
    line = holding(Responsibility.objects.filter(staff=staff, role=RESIDENT), day).order_by("-since").first()
    if line is None:
        raise ValidationError(f"{staff.name} {day} 不是驻村工作队员。请先在责任台账里登记所驻的村。")
    return line


def members(user: User, *, on: dt.date | None = None) -> QuerySet[Responsibility]:
    """The residents of the villages an account sees, by village."""
    lines = visible(Responsibility.objects.filter(role=RESIDENT).exclude(village=None), user)
    return holding(lines, on or today()).select_related("staff__unit", "village").order_by("region_code", "staff")


@transaction.atomic
def declare(*, staff: Staff, first: dt.date, last: dt.date, kind: str, by: User, note: str = "") -> int:
    """Say where one was on each day from ``first`` to ``last``; returns how many days are new or changed.

    A day can be declared again until it is confirmed. Leave and trips are asked for, not declared.
    """
    must_be_own(staff, by)
    stretch(first, last)
    return declare_days(staff=staff, days=days_between(first, last), kind=kind, by=by, note=note)


@transaction.atomic
def declare_days(*, staff: Staff, days: Iterable[dt.date], kind: str, by: User, note: str = "") -> int:
    """As ``declare``, for chosen days."""
    must_be_own(staff, by)
    if kind not in DECLARABLE:
        raise ValidationError({"kind": "请假和出差请在“请假外出”里申请，批准后自动记入日历。"})
    chosen = sorted(set(days))
    if not chosen:
        raise ValidationError("没有选日期。请在日历上勾选，或填从哪天到哪天。")
    if chosen[-1] > today():
        raise ValidationError({"last": f"{chosen[-1]} 还没有到，只能申报到今天。"})
    note = hide_numbers(clean(note).strip())[:100]
    locked([staff.pk])
    rows = PresenceDay.objects.select_for_update().filter(staff=staff, day__range=(chosen[0], chosen[-1]))
    known = {row.day: row for row in rows}
    asked = list(Absence.objects.filter(staff=staff, state=Absence.State.ASKED, first__lte=chosen[-1]))
    fresh, changed = [], []
    for day in chosen:
        place = post_of(staff, day).region_code
        row = known.get(day)
        waiting = next((one for one in asked if one.first <= day <= one.last), None)
        if waiting is not None:
            told = f"{day} 在您 {waiting.first} 至 {waiting.last} 的申请里，还没有批"
            raise ValidationError({"first": f"{told}。没有外出的，请先撤回申请。"})
        if row is None:
            fresh.append(PresenceDay(staff=staff, region_code=place, day=day, kind=kind, note=note))
        elif row.state == S.CONFIRMED or row.absence_id is not None:
            if row.kind != kind:
                told = codelist("presence_kind").label(row.kind)
                remedy = "提前回村的，请先办“提前回村”。" if row.absence_id else "确实有误的，请确认人先退回这一天。"
                raise ValidationError({"first": f"{day} 已确认为“{told}”，同一天不能在两处。{remedy}"})
        elif (row.kind, row.note, row.state) != (kind, note, S.DECLARED):
            row.kind, row.note, row.state, row.reason, row.region_code = kind, note, S.DECLARED, "", place
            changed.append(row)
    PresenceDay.objects.bulk_create(fresh)
    PresenceDay.objects.bulk_update(changed, ["kind", "note", "state", "reason", "region_code"])
    if fresh or changed:
        told = codelist("presence_kind").label(kind)
        detail = {"staff": staff.name, "first": chosen[0], "last": chosen[-1], "kind": told}
        audit.record(by=by, action="presence_declare", subject=staff, detail=detail)
    return len(fresh) + len(changed)


@transaction.atomic
def confirm(*, days: Iterable[PresenceDay], by: User) -> int:
    """Confirm declared days of others; returns how many."""
    rows = _judged(days, by)
    PresenceDay.objects.filter(pk__in=[row.pk for row in rows]).update(state=S.CONFIRMED, decided_by=by, reason="")
    _record(by, "presence_confirm", rows)
    return len(rows)


@transaction.atomic
def refuse(*, days: Iterable[PresenceDay], reason: str, by: User) -> int:
    """Not confirm days, with the reason; the member may declare them anew. Takes confirmed days back as well."""
    reason = hide_numbers(clean(reason).strip())[:100]
    if not reason:
        raise ValidationError({"reason": "请写不予确认的原因，例如“当天不在村”。"})
    rows = _judged(days, by, confirmed=True)
    refuse_paid(rows)
    PresenceDay.objects.filter(pk__in=[row.pk for row in rows]).update(state=S.REFUSED, decided_by=by, reason=reason)
    _record(by, "presence_refuse", rows, reason)
    return len(rows)


def must_be_own(staff: Staff, by: User) -> None:
    """Raise Refused unless the calendar is the account's own."""
    require(by, "declare_presence")
    if staff.user_id != by.pk:
        raise Refused("驻村日历由本人申报，不能代报。")


def stretch(first: dt.date, last: dt.date) -> None:
    """Raise ValidationError for reversed days or too many."""
    if last < first:
        raise ValidationError({"last": "最后一天早于第一天，请改正日期。"})
    if (last - first).days >= LONGEST:
        raise ValidationError({"last": f"一次最多 {LONGEST} 天，请分几次填。"})


def days_between(first: dt.date, last: dt.date) -> Iterable[dt.date]:
    """Every day from the first to the last."""
    return (first + n * ONE_DAY for n in range((last - first).days + 1))


def refuse_paid(rows: list[PresenceDay]) -> None:
    """ValidationError if one of these confirmed days has been paid for: it stays as it is."""
    months = {row.day.replace(day=1) for row in rows if row.state == S.CONFIRMED}
    paid = AllowanceLine.objects.filter(
        staff__in={row.staff_id for row in rows}, run__month__in=months, run__state=AllowanceRun.State.APPROVED
    )
    line = paid.select_related("run", "staff").first()
    if line is not None:
        told = f"{line.staff.name} {line.run.month:%Y年%m月}的补助已经审核"
        raise ValidationError(f"{told}，已确认的日期不能再退回。确实有误的，由县里另行更正。")


def _judged(days: Iterable[PresenceDay], by: User, *, confirmed: bool = False) -> list[PresenceDay]:
    require(by, "confirm_presence")
    wanted = {day.pk for day in days}
    states = [S.DECLARED, S.CONFIRMED] if confirmed else [S.DECLARED]
    found = visible(PresenceDay.objects.filter(pk__in=wanted, state__in=states, absence=None), by)
    locked(found.order_by().values_list("staff", flat=True))
    rows = list(found.select_for_update(of=("self",)).select_related("staff"))
    if not rows:
        raise ValidationError("没有选中可以办理的日期。")
    if any(row.staff.user_id == by.pk for row in rows):
        raise Refused("不能确认自己的日历，请别人确认。")
    return rows


def _record(by: User, action: str, rows: list[PresenceDay], reason: str = "") -> None:
    detail = {"staff": sorted({row.staff.name for row in rows}), "days": len(rows), "reason": reason}
    audit.record(by=by, action=action, region_code=rows[0].region_code, detail=detail)
