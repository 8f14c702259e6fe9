"""Leave, trips, training and outings: asked for by the member, decided by who may decide so many days, entered as days.

The first digit of an ``absence_kind`` is the kind of day it becomes in the calendar (``presence_kind``).
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import Role
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, may, require
from huqing.access.scope import sees, visible
from huqing.rules.library import library
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams.duty_checks import locked
from huqing.teams.ledger_queries import today
from huqing.teams.models import Absence, PresenceDay, RotaDay, Staff
from huqing.teams.presence import LEAVE, days_between, must_be_own, post_of, refuse_paid, stretch

if TYPE_CHECKING:
    from huqing.access.models import User

A, S = Absence.State, PresenceDay.State
# The parameters that say up to how many days each level decides, by the first digit of the kind; the county: any.
LIMITS: dict[str, dict[str, str]] = {
    "2": {Role.VILLAGE: "outing_village_days", Role.TOWN: "outing_town_days"},
    "3": {Role.TOWN: "leave_town_days"},
    "4": {Role.TOWN: "trip_town_days"},
}
LEVELS = {Role.VILLAGE: "村里", Role.TOWN: "乡镇", Role.COUNTY: "县里"}
MOST_WAITING = 300
WORDS = {"2": "外出", "3": "请假", "4": "出差或培训"}


def enters_as(kind: str) -> str:
    """The kind of day that an approved absence becomes."""
    return kind[0]


def last_away(absence: Absence) -> dt.date:
    """The last day away: the one before somebody came back early, else the last asked for."""
    return absence.back_on - dt.timedelta(days=1) if absence.back_on else absence.last


def days_of(absence: Absence) -> int:
    """How many days somebody asks for, or was away if they came back early."""
    return (last_away(absence) - absence.first).days + 1


def away_on(first: dt.date, last: dt.date) -> QuerySet[Absence]:
    """The requests that are open or approved for any of these days."""
    still = Q(back_on=None) | Q(back_on__gt=first)
    return Absence.objects.filter(still, state__in=(A.ASKED, A.APPROVED), first__lte=last, last__gte=first)


@transaction.atomic
def ask(*, staff: Staff, kind: str, first: dt.date, last: dt.date, reason: str, by: User) -> Absence:
    """Ask for leave, a trip, training or an outing; refused where it contradicts what stands in the calendar."""
    must_be_own(staff, by)
    if kind not in codelist("absence_kind"):
        raise ValidationError({"kind": "请选请假、出差、培训或外出的种类。"})
    stretch(first, last)
    reason = hide_numbers(clean(reason).strip())[:100]
    if not reason:
        raise ValidationError({"reason": "请写事由。"})
    locked([staff.pk])
    place = post_of(staff, first).region_code
    if post_of(staff, last).region_code != place:
        raise ValidationError({"last": "这段时间里您换了所驻的村，请按村分两次申请。"})
    other = away_on(first, last).select_for_update().filter(staff=staff).first()
    if other is not None:
        raise ValidationError({"first": f"与 {other.first} 至 {other.last} 的申请日期重叠，请改日期或先撤回那一份。"})
    _refuse_clash(staff, first, last)
    absence = Absence.objects.create(staff=staff, region_code=place, kind=kind, first=first, last=last, reason=reason)
    detail = {"staff": staff.name, "kind": codelist("absence_kind").label(kind), "first": first, "last": last}
    audit.record(by=by, action="absence_ask", subject=absence, detail=detail)
    return absence


def limits(absence: Absence) -> list[tuple[str, int]]:
    """Who may decide this kind up to how many days, the lowest level first; levels without a limit are left out."""
    found = []
    for role, key in LIMITS[enters_as(absence.kind)].items():
        dated = library().parameters[key].at(absence.first, absence.region_code)
        if dated is not None:
            found.append((role, int(dated.value)))  # type: ignore[arg-type]
    return found


def decided_at(absence: Absence) -> str:
    """The lowest level that may decide so many days, in words."""
    days = days_of(absence)
    role = next((role for role, most in limits(absence) if days <= most), Role.COUNTY)
    return LEVELS[Role(role)]


def decision_refusal(absence: Absence, by: User) -> str:
    """Why an account may not decide this; "" if it may."""
    if absence.state != A.ASKED:
        return f"这份申请{absence.get_state_display()}，不用再批。"
    if absence.staff.user_id == by.pk:
        return "不能批自己的申请，请别人批。"
    if by.role == Role.COUNTY:
        return ""
    most = dict(limits(absence)).get(by.role)
    days, what = days_of(absence), WORDS[enters_as(absence.kind)]
    level = LEVELS.get(Role(by.role), "您")
    if most is None:
        return f"{what}由{decided_at(absence)}批，{level}不批。"
    if days > most:
        return f"{days} 天超过{level}可批的 {most} 天，由{decided_at(absence)}批。"
    return ""


def waiting_for(user: User) -> int:
    """How many requests wait for this account to decide; counted up to a few hundred."""
    if not may(user, "approve_absence"):
        return 0
    asked = visible(Absence.objects.filter(state=A.ASKED).select_related("staff"), user)
    return sum(1 for absence in asked[:MOST_WAITING] if not decision_refusal(absence, user))


def leave_days(staff: Staff, year: int, region: str) -> tuple[int, int | None]:
    """The days of leave of a year that stand in the calendar, and the limit of the region if it has one."""
    taken = PresenceDay.objects.filter(staff=staff, kind=LEAVE, state=S.CONFIRMED, day__year=year).count()
    dated = library().parameters["leave_year_days"].at(dt.date(year, 12, 31), region)
    return taken, int(dated.value) if dated else None  # type: ignore[arg-type]


@transaction.atomic
def decide(*, absence: Absence, approve: bool, by: User, answer: str = "") -> Absence:
    """Approve or refuse; approved days stand in the calendar, confirmed. A refusal needs its reason."""
    require(by, "approve_absence")
    if not sees(by, absence):
        raise Refused("这份申请不在您的管辖范围内。")
    absence = _locked(absence)
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
    """Take back one's own request before it begins."""
    must_be_own(absence.staff, by)
    absence = _locked(absence)
    if absence.state not in (A.ASKED, A.APPROVED):
        raise ValidationError(f"这份申请{absence.get_state_display()}，不用撤回。")
    if absence.state == A.APPROVED and absence.first <= today():
        raise ValidationError("已经开始，不能撤回。提前回村的，请办“提前回村”。")
    absence.days.all().delete()
    absence.state = A.CANCELLED
    absence.save(update_fields=["state"])
    audit.record(by=by, action="absence_cancel", subject=absence, detail={"staff": absence.staff.name})
    return absence


@transaction.atomic
def come_back(*, absence: Absence, on: dt.date, by: User) -> Absence:
    """End one's own absence early (销假): from ``on`` the days are free to be declared as days in the village."""
    must_be_own(absence.staff, by)
    absence = _locked(absence)
    if absence.state != A.APPROVED:
        raise ValidationError(f"这份申请{absence.get_state_display()}，不用销假。")
    if not absence.first < on <= last_away(absence):
        within = f"{absence.first} 之后、{last_away(absence)} 之前（含当天）"
        raise ValidationError({"on": f"回村日期要在 {within}。还没有动身的，请撤回申请。"})
    if on > today():
        raise ValidationError({"on": f"{on} 还没有到，回村当天再办。"})
    freed = absence.days.filter(day__gte=on)
    refuse_paid(list(freed))
    freed.delete()
    absence.back_on = on
    absence.save(update_fields=["back_on"])
    audit.record(by=by, action="absence_back", subject=absence, detail={"staff": absence.staff.name, "on": on})
    return absence


def _locked(absence: Absence) -> Absence:
    """The request as it is now, locked together with the calendar it is about."""
    locked([absence.staff_id])
    return Absence.objects.select_for_update(of=("self",)).select_related("staff").get(pk=absence.pk)


def _refuse_clash(staff: Staff, first: dt.date, last: dt.date) -> None:
    """Nobody is in two places: not in the village by a confirmed day, nor on duty there."""
    within = (first, last)
    clash = PresenceDay.objects.filter(staff=staff, day__range=within, state=S.CONFIRMED).order_by("day").first()
    if clash is not None:
        told = codelist("presence_kind").label(clash.kind)
        raise ValidationError(f"{clash.day} 已确认为“{told}”，同一天不能在两处。确实有误的，请确认人先退回那一天。")
    duty = RotaDay.objects.filter(staff=staff, day__range=within).order_by("day").first()
    if duty is not None:
        raise ValidationError(f"{duty.day} 排了{staff.name}值班，同一天不能在两处。请先把值班换给别人。")


def _enter(absence: Absence, by: User) -> None:
    _refuse_clash(absence.staff, absence.first, absence.last)
    days = list(days_between(absence.first, absence.last))
    PresenceDay.objects.filter(staff=absence.staff, day__in=days).exclude(state=S.CONFIRMED).delete()
    PresenceDay.objects.bulk_create(
        PresenceDay(
            staff=absence.staff,
            region_code=absence.region_code,
            day=day,
            kind=enters_as(absence.kind),
            absence=absence,
            state=S.CONFIRMED,
            decided_by=by,
        )
        for day in days
    )


def asked_for(rows: QuerySet[Absence]) -> QuerySet[Absence]:
    """Requests as lists show them: the open ones first, the newest first."""
    return rows.select_related("staff", "decided_by").order_by(F("decided_at").desc(nulls_first=True), "-pk")
