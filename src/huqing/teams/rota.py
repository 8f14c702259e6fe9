"""The duty rota of a village's team: day by day, by turns, nobody who is away, gaps to be seen."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from huqing.access import audit
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers, sees
from huqing.standards.codelists import codelist
from huqing.teams.absences import away_on, last_away
from huqing.teams.duty_checks import locked
from huqing.teams.ledger_queries import holding, today
from huqing.teams.models import Absence, PresenceDay, Responsibility, RotaDay, Staff
from huqing.teams.presence import RESIDENT, days_between, post_of, stretch

if TYPE_CHECKING:
    from huqing.access.models import User

AWAY = ("2", "3", "4")


@transaction.atomic
def set_rota(*, staff: Staff, day: dt.date, by: User) -> RotaDay:
    """Put a member on the duty rota of their village for a day; refused while they are away."""
    require(by, "confirm_presence")
    line = post_of(staff, day)
    if not sees(by, line):
        raise Refused("这个村不在您的管辖范围内。")
    locked([staff.pk])
    away = away_on(day, day).filter(staff=staff, state=Absence.State.APPROVED).first()
    if away is not None:
        raise ValidationError({"day": f"{staff.name} {away.first} 至 {last_away(away)} 已批准外出，请换一个人或一天。"})
    gone = PresenceDay.objects.filter(staff=staff, day=day, kind__in=AWAY, state=PresenceDay.State.CONFIRMED).first()
    if gone is not None:
        told = codelist("presence_kind").label(gone.kind)
        raise ValidationError({"day": f"{staff.name} {day} 已确认为“{told}”，请换一个人或一天。"})
    row = RotaDay(staff=staff, region_code=line.region_code, day=day)
    row.validate_constraints()
    row.save()
    audit.record(by=by, action="rota_set", subject=row, detail={"staff": staff.name, "day": day})
    return row


@transaction.atomic
def drop_rota(*, row: RotaDay, by: User) -> None:
    """Take somebody off the rota of a day that has not passed."""
    require(by, "confirm_presence")
    if not sees(by, row):
        raise Refused("这个村不在您的管辖范围内。")
    if row.day < today():
        raise ValidationError("已经过去的值班不能删，它是记录。")
    audit.record(by=by, action="rota_drop", subject=row, detail={"staff": row.staff.name, "day": row.day})
    row.delete()


@transaction.atomic
def take_turns(*, village: str, first: dt.date, last: dt.date, by: User) -> tuple[int, list[dt.date]]:
    """Fill the days without anybody by turns, whoever had the fewest and the longest rest first.

    Returns how many days were filled and the days on which everybody is away.
    """
    require(by, "confirm_presence")
    if not covers(by.region_code, village):
        raise Refused("这个村不在您的管辖范围内。")
    stretch(first, last)
    if first < today():
        raise ValidationError({"first": "只能排今天和以后的值班。"})
    team = _team(village, first, last)
    if not team:
        raise ValidationError("这个村这段时间没有驻村工作队员，请先在责任台账里登记。")
    locked(line.staff_id for line in team)
    taken = {
        (row.staff_id, row.day)
        for row in RotaDay.objects.filter(staff__in=[line.staff_id for line in team], day__range=(first, last))
    }
    within = RotaDay.objects.filter(day__range=(first, last))
    filled = set(within.filter(region_code=village).values_list("day", flat=True))
    away = list(away_on(first, last).filter(staff__in=[line.staff_id for line in team], state=Absence.State.APPROVED))
    turns = {line.staff_id: sum(1 for who, _ in taken if who == line.staff_id) for line in team}
    latest: dict[int, dt.date] = {}
    made, nobody = [], []
    for day in days_between(first, last):
        if day in filled:
            continue
        able = [
            line.staff_id
            for line in team
            if line.since <= day
            and (line.until is None or line.until >= day)
            and (line.staff_id, day) not in taken
            and not any(one.staff_id == line.staff_id and one.first <= day <= last_away(one) for one in away)
        ]
        if not able:
            nobody.append(day)
            continue
        chosen = min(able, key=lambda pk: (turns[pk], latest.get(pk, dt.date.min), pk))
        turns[chosen] += 1
        latest[chosen] = day
        made.append(RotaDay(staff_id=chosen, region_code=village, day=day))
    RotaDay.objects.bulk_create(made)
    detail = {"village": village, "first": first, "last": last, "days": len(made)}
    audit.record(by=by, action="rota_turns", region_code=village, detail=detail)
    return len(made), nobody


def _team(village: str, first: dt.date, last: dt.date) -> list[Responsibility]:
    lines = Responsibility.objects.filter(role=RESIDENT, village__code=village, since__lte=last).exclude(
        until__lt=first
    )
    return list(lines.select_related("staff").order_by("staff", "since"))


def team_of(village: str, day: dt.date) -> list[Staff]:
    """The members of a village's team on a day."""
    lines = holding(Responsibility.objects.filter(role=RESIDENT, village__code=village), day)
    return [line.staff for line in lines.select_related("staff__unit").order_by("staff")]
