"""The presence calendar: declared by the member, confirmed by village or town; leave and trips decided by the limit.

No clock-in, no position: a member says where they were, a person who knows confirms it, inspections look.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import Role
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees, visible
from huqing.rules.library import library
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams.ledger_queries import holding, today
from huqing.teams.models import Absence, PresenceDay, Responsibility, RotaDay, Staff

if TYPE_CHECKING:
    from huqing.access.models import User

RESIDENT = "resident"
HERE, OUTING, LEAVE, TRIP, OVERTIME = "1", "2", "3", "4", "5"
DECLARABLE = (HERE, OUTING, OVERTIME)
ASKABLE = (LEAVE, TRIP)
LONGEST = 92
ONE_DAY = dt.timedelta(days=1)
S, A = PresenceDay.State, Absence.State


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
    _own(staff, by)
    if kind not in DECLARABLE:
        raise ValidationError({"kind": "请假和出差请在“请假外出”里申请，批准后自动记入日历。"})
    _stretch(first, last)
    if last > today():
        raise ValidationError({"last": f"{last} 还没有到，只能申报到今天。"})
    note = hide_numbers(clean(note).strip())[:100]
    known = {
        row.day: row for row in PresenceDay.objects.select_for_update().filter(staff=staff, day__range=(first, last))
    }
    fresh, changed = [], []
    for day in _days(first, last):
        place = post_of(staff, day).region_code
        row = known.get(day)
        if row is None:
            fresh.append(PresenceDay(staff=staff, region_code=place, day=day, kind=kind, note=note))
        elif row.state == S.CONFIRMED or row.absence_id is not None:
            if row.kind != kind:
                told = codelist("presence_kind").label(row.kind)
                raise ValidationError({"first": f"{day} 已确认为“{told}”，不能改。确实有误的，请确认人先退回这一天。"})
        elif (row.kind, row.note, row.state) != (kind, note, S.DECLARED):
            row.kind, row.note, row.state, row.reason, row.region_code = kind, note, S.DECLARED, "", place
            changed.append(row)
    PresenceDay.objects.bulk_create(fresh)
    PresenceDay.objects.bulk_update(changed, ["kind", "note", "state", "reason", "region_code"])
    if fresh or changed:
        detail = {"staff": staff.name, "first": first, "last": last, "kind": codelist("presence_kind").label(kind)}
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
    PresenceDay.objects.filter(pk__in=[row.pk for row in rows]).update(state=S.REFUSED, decided_by=by, reason=reason)
    _record(by, "presence_refuse", rows, reason)
    return len(rows)


@transaction.atomic
def ask(*, staff: Staff, kind: str, first: dt.date, last: dt.date, reason: str, by: User) -> Absence:
    """Ask for leave or report a trip or training."""
    _own(staff, by)
    if kind not in ASKABLE:
        raise ValidationError({"kind": "请选请假，或经报备的出差或培训。"})
    _stretch(first, last)
    reason = hide_numbers(clean(reason).strip())[:100]
    if not reason:
        raise ValidationError({"reason": "请写事由。"})
    place = post_of(staff, first).region_code
    other = (
        Absence.objects.select_for_update()
        .filter(staff=staff, state__in=(A.ASKED, A.APPROVED), first__lte=last, last__gte=first)
        .first()
    )
    if other is not None:
        raise ValidationError({"first": f"与 {other.first} 至 {other.last} 的申请日期重叠，请改日期或先撤回那一份。"})
    absence = Absence.objects.create(staff=staff, region_code=place, kind=kind, first=first, last=last, reason=reason)
    detail = {"staff": staff.name, "kind": codelist("presence_kind").label(kind), "first": first, "last": last}
    audit.record(by=by, action="absence_ask", subject=absence, detail=detail)
    return absence


def days_of(absence: Absence) -> int:
    """How many days somebody asks for."""
    return (absence.last - absence.first).days + 1


def town_limit(region: str, on: dt.date) -> int:
    """Up to how many days the town may decide."""
    return int(library().parameters.require("leave_town_days", on, region).value)


def decision_refusal(absence: Absence, by: User) -> str:
    """Why an account may not decide this; "" if it may."""
    if absence.state != A.ASKED:
        return f"这份申请{absence.get_state_display()}，不用再批。"
    if absence.staff.user_id == by.pk:
        return "不能批自己的申请，请别人批。"
    limit = town_limit(absence.region_code, absence.first)
    if by.role != Role.COUNTY and days_of(absence) > limit:
        return f"{days_of(absence)} 天超过乡镇可批的 {limit} 天，由县里批。"
    return ""


@transaction.atomic
def decide(*, absence: Absence, approve: bool, by: User, answer: str = "") -> Absence:
    """Approve or refuse; approved days stand in the calendar, confirmed. A refusal needs its reason."""
    require(by, "approve_absence")
    if not sees(by, absence):
        raise Refused("这份申请不在您的管辖范围内。")
    absence = Absence.objects.select_for_update(of=("self",)).select_related("staff").get(pk=absence.pk)
    why_not = decision_refusal(absence, by)
    if why_not:
        raise ValidationError(why_not)
    answer = hide_numbers(clean(answer).strip())[:100]
    if not approve and not answer:
        raise ValidationError({"answer": "不批准请写明原因。"})
    absence.state = A.APPROVED if approve else A.REFUSED
    absence.decided_by, absence.decided_at, absence.answer = by, timezone.now(), answer
    absence.save()
    if approve:
        _enter(absence, by)
    detail = {"staff": absence.staff.name, "state": absence.get_state_display(), "days": days_of(absence)}
    audit.record(by=by, action="absence_decide", subject=absence, detail=detail)
    return absence


@transaction.atomic
def cancel(*, absence: Absence, by: User) -> Absence:
    """Take back one's own request; days that have already been taken stay."""
    _own(absence.staff, by)
    absence = Absence.objects.select_for_update(of=("self",)).select_related("staff").get(pk=absence.pk)
    if absence.state not in (A.ASKED, A.APPROVED):
        raise ValidationError(f"这份申请{absence.get_state_display()}，不用撤回。")
    if absence.state == A.APPROVED and absence.first <= today():
        raise ValidationError("假期已经开始，不能撤回。提前回村的，从回村那天起照常申报。")
    absence.days.all().delete()
    absence.state = A.CANCELLED
    absence.save(update_fields=["state"])
    audit.record(by=by, action="absence_cancel", subject=absence, detail={"staff": absence.staff.name})
    return absence


@transaction.atomic
def set_rota(*, staff: Staff, day: dt.date, by: User) -> RotaDay:
    """Put a member on the duty rota of their village for a day."""
    require(by, "confirm_presence")
    line = post_of(staff, day)
    if not sees(by, line):
        raise Refused("这个村不在您的管辖范围内。")
    away = Absence.objects.filter(staff=staff, state=A.APPROVED, first__lte=day, last__gte=day).first()
    if away is not None:
        raise ValidationError({"day": f"{staff.name} {away.first} 至 {away.last} 已批准外出，请换一个人或一天。"})
    row = RotaDay(staff=staff, region_code=line.region_code, day=day)
    row.validate_constraints()
    row.save()
    audit.record(by=by, action="rota_set", subject=row, detail={"staff": staff.name, "day": day})
    return row


def _enter(absence: Absence, by: User) -> None:
    days = list(_days(absence.first, absence.last))
    clash = PresenceDay.objects.filter(staff=absence.staff, day__in=days, state=S.CONFIRMED).first()
    if clash is not None:
        told = codelist("presence_kind").label(clash.kind)
        raise ValidationError(f"{clash.day} 已确认为“{told}”，与申请矛盾。请先退回那一天，再批准。")
    PresenceDay.objects.filter(staff=absence.staff, day__in=days).delete()
    PresenceDay.objects.bulk_create(
        PresenceDay(
            staff=absence.staff,
            region_code=absence.region_code,
            day=day,
            kind=absence.kind,
            absence=absence,
            state=S.CONFIRMED,
            decided_by=by,
        )
        for day in days
    )


def _own(staff: Staff, by: User) -> None:
    require(by, "declare_presence")
    if staff.user_id != by.pk:
        raise Refused("驻村日历由本人申报，不能代报。")


def _stretch(first: dt.date, last: dt.date) -> None:
    if last < first:
        raise ValidationError({"last": "最后一天早于第一天，请改正日期。"})
    if (last - first).days >= LONGEST:
        raise ValidationError({"last": f"一次最多 {LONGEST} 天，请分几次填。"})


def _days(first: dt.date, last: dt.date) -> Iterable[dt.date]:
    return (first + n * ONE_DAY for n in range((last - first).days + 1))


def _judged(days: Iterable[PresenceDay], by: User, *, confirmed: bool = False) -> list[PresenceDay]:
    require(by, "confirm_presence")
    wanted = {day.pk for day in days}
    states = [S.DECLARED, S.CONFIRMED] if confirmed else [S.DECLARED]
    found = visible(PresenceDay.objects.filter(pk__in=wanted, state__in=states, absence=None), by)
    rows = list(found.select_for_update(of=("self",)).select_related("staff"))
    if not rows:
        raise ValidationError("没有选中可以办理的日期。")
    if any(row.staff.user_id == by.pk for row in rows):
        raise Refused("不能确认自己的日历，请别人确认。")
    return rows


def _record(by: User, action: str, rows: list[PresenceDay], reason: str = "") -> None:
    detail = {"staff": sorted({row.staff.name for row in rows}), "days": len(rows), "reason": reason}
    audit.record(by=by, action=action, region_code=rows[0].region_code, detail=detail)
