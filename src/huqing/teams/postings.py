"""People who come, move to another post, and leave; the ledger never loses a duty on the way."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from huqing.access import audit
from huqing.access.permissions import Refused, require
from huqing.access.scope import CODE_LENGTH, covers, prefix_of, sees
from huqing.teams.duty_checks import locked
from huqing.teams.models import Posting, Responsibility, Staff, Unit

if TYPE_CHECKING:
    from huqing.access.models import User


@transaction.atomic
def move(*, staff: Staff, unit: Unit | None, position: str, region_code: str, on: dt.date, by: User | None) -> Posting:
    """Somebody works elsewhere from ``on``; their duties stay until they are handed over."""
    _may(by, staff)
    region = _region(region_code, by)
    if staff.left_on is not None:
        raise ValidationError(f"{staff.name} 已于 {staff.left_on} 离任，不能再调动。")
    last = _open_posting(staff, on)
    if last is not None:
        if on <= last.since:
            raise ValidationError({"on": f"现任职务从 {last.since} 开始，调动日期要在这之后。"})
        last.until = on - dt.timedelta(days=1)
        last.save(update_fields=["until"])
    posting = Posting.objects.create(staff=staff, unit=unit, position=position.strip(), region_code=region, since=on)
    staff.unit, staff.position, staff.region_code = unit, position.strip(), region
    staff.save(update_fields=["unit", "position", "region_code"])
    detail = {"name": staff.name, "unit": unit.name if unit else "", "position": position.strip(), "day": on}
    audit.record(by=by, action="staff_move", subject=staff, detail=detail)
    return posting


@transaction.atomic
def leave(*, staff: Staff, on: dt.date, reason: str, by: User | None) -> Staff:
    """Somebody's last day; refused while duties run past it, because those households would have nobody.

    What they only stand in for goes back to its holder.
    """
    _may(by, staff)
    if not reason.strip():
        raise ValidationError({"reason": "请写明离任原因，例如“退休”。"})
    staff = locked([staff.pk])[staff.pk]
    if staff.left_on is not None:
        raise ValidationError(f"{staff.name} 已于 {staff.left_on} 离任。")
    lines = Responsibility.objects.filter(staff=staff).filter(Q(until=None) | Q(until__gt=on))
    lines.filter(since__lte=on).exclude(stands_in_for=None).update(until=on)
    held = lines.count()
    if held:
        raise ValidationError(f"{staff.name} 在 {on} 之后还有 {held} 条责任。请先办理交接，再登记离任。")
    posting = Posting.objects.filter(staff=staff, until=None).first()
    if posting is not None:
        if on < posting.since:
            raise ValidationError({"on": f"现任职务从 {posting.since} 开始，离任日期不能在这之前。"})
        posting.until = on
        posting.save(update_fields=["until"])
    staff.left_on = on
    staff.save(update_fields=["left_on"])
    detail = {"name": staff.name, "day": on, "reason": reason.strip()}
    audit.record(by=by, action="staff_leave", subject=staff, detail=detail)
    return staff


def _open_posting(staff: Staff, on: dt.date) -> Posting | None:
    """The posting that runs; for somebody entered without any, the present one as far as it is known."""
    found = Posting.objects.select_for_update().filter(staff=staff, until=None).first()
    if found is None and not Posting.objects.filter(staff=staff).exists():
        first = Responsibility.objects.filter(staff=staff).order_by("since").values_list("since", flat=True).first()
        since = min(first or on - dt.timedelta(days=1), on - dt.timedelta(days=1))
        found = Posting.objects.create(
            staff=staff, unit=staff.unit, position=staff.position, region_code=staff.region_code, since=since
        )
    return found


def _may(by: User | None, staff: Staff) -> None:
    if by is not None:
        require(by, "manage_duties")
        if not sees(by, staff):
            raise Refused(f"{staff.name} 不在您的管辖范围内。")


def _region(code: str, by: User | None) -> str:
    try:
        prefix = prefix_of(code.strip())
    except ValueError as error:
        raise ValidationError({"region_code": str(error)}) from error
    if not prefix:
        raise ValidationError({"region_code": "请写明所在区划。"})
    if by is not None and not covers(by.region_code, prefix):
        raise Refused("新的所在区划不在您的管辖范围内，请由上级办理。")
    return prefix.ljust(CODE_LENGTH, "0")
