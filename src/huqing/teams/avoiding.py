"""Who must not be paired with whom (回避): written down, taken in from a table, lifted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from huqing.access import audit
from huqing.access.numbers import has_number
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.registry.models import Household, Person
from huqing.standards.text import clean
from huqing.teams.models import Avoidance, Staff

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.teams.pair_rows import Named

LONGEST = 60


@transaction.atomic
def avoid(*, staff: Staff, household: Household, reason: str, by: User) -> Avoidance:
    """Write down that two must not be paired."""
    require(by, "manage_duties")
    if not sees(by, staff) or not sees(by, household):
        raise Refused("人员或农户不在您的管辖范围内。")
    row = Avoidance(
        staff=staff, household=household, region_code=household.region_code, reason=_reason(reason), created_by=by
    )
    row.full_clean()
    row.save()
    audit.record(by=by, action="pairing_avoid", subject=household, detail={"staff": staff.name, "reason": row.reason})
    return row


@transaction.atomic
def avoid_many(*, named: Sequence[Named], by: User) -> int:
    """Write down many that must not be paired; those known already stay as they are. Returns how many are new."""
    require(by, "manage_duties")
    fresh = {}
    for one in named:
        home = one.goal.household if isinstance(one.goal, Person) else one.goal
        if not isinstance(home, Household):
            raise ValidationError(f"第 {one.row.number} 行：回避只登记人和农户，请写户编号。")
        fresh[one.staff.pk, home.pk] = Avoidance(
            staff=one.staff,
            household=home,
            region_code=home.region_code,
            reason=_reason(one.row.reason or "亲属", one.row.number),
            created_by=by,
        )
    known = set(
        Avoidance.objects.filter(staff__in={staff for staff, _ in fresh}).values_list("staff", "household")
    ) & set(fresh)
    made = [row for key, row in fresh.items() if key not in known]
    Avoidance.objects.bulk_create(made, batch_size=500)
    audit.record(by=by, action="pairing_avoid", detail={"rows": len(made), "known": len(known)})
    return len(made)


@transaction.atomic
def lift(*, avoidance: Avoidance, by: User) -> None:
    """The two may be paired again; the log keeps that they might not."""
    require(by, "manage_duties")
    if not sees(by, avoidance):
        raise Refused("这一回避关系不在您的管辖范围内。")
    detail = {"staff": avoidance.staff.name, "reason": avoidance.reason}
    audit.record(by=by, action="pairing_lift", subject=avoidance.household, detail=detail)
    avoidance.delete()


def _reason(text: str, number: int = 0) -> str:
    where = f"第 {number} 行：" if number else ""
    reason = clean(text).strip()
    if not reason:
        raise ValidationError({"reason": f"{where}请写回避的原因，例如“亲属”。"})
    if has_number(reason):
        raise ValidationError({"reason": f"{where}原因里不要写证件号码、电话或账号。"})
    if len(reason) > LONGEST:
        raise ValidationError({"reason": f"{where}原因最多 {LONGEST} 个字，请缩短。"})
    return reason
