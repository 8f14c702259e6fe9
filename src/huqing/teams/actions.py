"""Changing staff and the ledger of duties: each checked, in one transaction, with one audit event.

``by`` None is the system or the person at the server's command line. ValidationError names the field and what to write;
Refused says why somebody may not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import CODE_LENGTH, covers, prefix_of, same_branch, sees
from huqing.registry.models import Grid, Household, Person, Region
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams import duty_checks, handing_over
from huqing.teams.importing_rows import LONGEST, PHONE, text_fault
from huqing.teams.models import Responsibility, Staff, Unit

PERMISSION = "manage_duties"


@transaction.atomic
def save_staff(
    *,
    by: User | None,
    name: str,
    kind: str,
    region_code: str,
    unit: str = "",
    position: str = "",
    user: User | None = None,
    staff: Staff | None = None,
    more: Mapping[str, str] | None = None,
) -> Staff:
    """Register somebody who works for households, or correct the entry ``staff``.

    ``kind`` is a code of staff_kind; ``region_code`` where the person works (its significant digits are enough);
    ``user`` the account the person signs in with. ``more`` are number, rank, languages and phone of the person and the
    kind of the unit (``unit_kind``); what it does not name stays.
    """
    _may(by)
    details = _details(more or {})
    name, position, unit = clean(name), clean(position), clean(unit)
    _texts(name=name, position=position, unit=unit)
    if not name:
        raise ValidationError({"name": "请写姓名。"})
    if kind not in codelist("staff_kind"):
        raise ValidationError({"kind": "请选择人员类别。"})
    code = _place(by, region_code, staff)
    row = staff or Staff()
    if user is not None:
        other = Staff.objects.filter(user=user).exclude(pk=row.pk).first()
        if other:
            raise ValidationError({"user": f"账号 {user.username} 已是{other.name}的，一个账号只属于一个人。"})
        if not same_branch(user.region_code, code):
            raise ValidationError({"user": f"账号 {user.username} 的管辖区划不在这里，请核对账号。"})
    row.name, row.kind, row.position, row.region_code = name, kind, position, code
    row.unit = Unit.objects.get_or_create(name=unit, region_code=code[:6])[0] if unit else None
    row.user = user
    kind_of_unit = details.pop("unit_kind", None)
    for column, value in details.items():
        setattr(row, column, value)
    row.validate_constraints()
    row.save()
    if row.unit is not None and kind_of_unit is not None and row.unit.kind != kind_of_unit:
        row.unit.kind = kind_of_unit
        row.unit.save(update_fields=["kind"])
    # Correcting an entry is no move: the open posting says the same as the entry.
    row.postings.filter(until=None).update(unit=row.unit, position=row.position, region_code=row.region_code)
    detail = {"name": name, "kind": codelist("staff_kind").label(kind), "account": user.username if user else ""}
    audit.record(by=by, action="staff_save", subject=row, region_code=code, detail=detail)
    return row


@transaction.atomic
def give_duty(
    *,
    by: User | None,
    staff: Staff,
    role: str,
    since: dt.date,
    until: dt.date | None = None,
    village: Region | None = None,
    grid: Grid | None = None,
    household: Household | None = None,
    person: Person | None = None,
) -> Responsibility:
    """Make somebody responsible in one role (a code of duty_role) for a village, a grid, a household or a person."""
    _may(by)
    if role not in codelist("duty_role"):
        raise ValidationError({"role": "请选择责任类别。"})
    if person is not None:
        if household is None:
            household = person.household
        if household is None or person.household_id != household.pk:
            raise ValidationError({"person": f"{person.name}不在这一户，请重新选择。"})
    chosen = [place for place in (village, grid, household) if place is not None]
    if len(chosen) != 1:
        raise ValidationError({"household": "请选择一个村、一个网格或一户，只选一个。"})
    if village is not None and (village.level != Region.Level.VILLAGE or village.valid_to is not None):
        raise ValidationError({"village": f"{village.name}不是现有的行政村，请重新选择。"})
    code = village.code if village is not None else chosen[0].region_code
    if by is not None and not sees(by, chosen[0]):
        raise Refused("不在您的管辖范围内，不能安排责任。")
    _able(staff, code, since)
    if until is not None and until < since:
        raise ValidationError({"until": "终止日期不能早于起始日期。"})
    same = Responsibility.objects.select_for_update().filter(
        staff=staff, role=role, village=village, grid=grid, household=household, person=person
    )
    if same.filter(Q(until=None) | Q(until__gte=since)).exists():
        raise ValidationError({"role": f"{staff.name}已有这项责任，不必再安排。"})
    line = Responsibility(
        staff=staff,
        role=role,
        region_code=code,
        village=village,
        grid=grid,
        household=household,
        person=person,
        since=since,
        until=until,
    )
    duty_checks.refuse([line])
    line.save()
    _record(by, "duty_give", line)
    return line


@transaction.atomic
def end_duty(*, by: User | None, duty: Responsibility, on: dt.date, reason: str = "") -> Responsibility:
    """End a line of the ledger; ``on`` is its last day. The line stays as history."""
    _may(by)
    duty = Responsibility.objects.select_for_update(of=("self",)).select_related("staff").get(pk=duty.pk)
    if by is not None and not sees(by, duty):
        raise Refused("不在您的管辖范围内，不能解除责任。")
    if duty.until is not None and duty.until <= on:
        raise ValidationError({"on": f"这项责任已于 {duty.until} 终止。"})
    if on < duty.since:
        raise ValidationError({"on": f"终止日期不能早于起始日期 {duty.since}。"})
    duty.until = on
    duty.save(update_fields=["until"])
    handing_over.end_stand_ins([duty.pk], on)
    _record(by, "duty_end", duty, reason)
    return duty


def _may(by: User | None) -> None:
    if by is not None:
        require(by, PERMISSION)


def _details(more: Mapping[str, str]) -> dict[str, str]:
    """The further values of an entry, checked; ValidationError names the wrong one."""
    found = {key: clean(value) for key, value in more.items()}
    for key, codes in (("rank", "cadre_rank"), ("unit_kind", "unit_kind")):
        if found.get(key) and found[key] not in codelist(codes):
            raise ValidationError({key: "请从列表中选。"})
    if found.get("phone") and not PHONE.fullmatch(found["phone"]):
        raise ValidationError({"phone": "请写 11 位手机号或带区号的座机号；没有就留空。"})
    _texts(number=found.get("number", ""), languages=found.get("languages", ""))
    return found


def _texts(**texts: str) -> None:
    for field, text in texts.items():
        fault = text_fault(text, LONGEST[field])
        if fault:
            raise ValidationError({field: fault})


def _place(by: User | None, region_code: str, staff: Staff | None) -> str:
    """The 12-digit code of where somebody works; Refused outside the region of ``by``."""
    try:
        prefix = prefix_of(region_code)
    except ValueError as error:
        raise ValidationError({"region_code": str(error)}) from error
    if len(prefix) < 6:
        raise ValidationError({"region_code": "请选择县、乡镇或村。"})
    if by is not None and not (covers(by.region_code, prefix) and (staff is None or sees(by, staff))):
        raise Refused("不在您的管辖范围内，不能登记人员。")
    return prefix.ljust(CODE_LENGTH, "0")


def _able(staff: Staff, code: str, since: dt.date) -> None:
    """Whether somebody can take a duty there: still in office, of this county, with an account that reaches there."""
    if staff.left_on is not None and staff.left_on < since:
        raise ValidationError({"staff": f"{staff.name}已于 {staff.left_on} 离任，请选择在任人员。"})
    if staff.region_code[:6] != code[:6]:
        raise ValidationError({"staff": f"{staff.name}不是本县登记的人员。"})
    if staff.user is not None and not covers(staff.user.region_code, code):
        raise ValidationError(
            {"staff": f"{staff.name}的账号 {staff.user.username} 管辖不到这里，请安全管理员先调整账号的管辖区划。"}
        )


def _record(by: User | None, action: str, line: Responsibility, reason: str = "") -> None:
    about = line.household or line.grid or line.village
    detail = {
        "staff": line.staff.name,
        "role": codelist("duty_role").label(line.role),
        "since": line.since.isoformat(),
        "until": line.until.isoformat() if line.until else "",
        "person": line.person_id,
        "reason": hide_numbers(clean(reason)),
    }
    told = {key: value for key, value in detail.items() if value not in (None, "")}
    audit.record(by=by, action=action, subject=about, region_code=line.region_code, detail=told)
