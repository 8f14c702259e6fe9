"""Units and what they as such are responsible for: named, put in a kind, given a village to back, relieved of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from huqing.access import audit
from huqing.access.numbers import has_number
from huqing.access.permissions import Refused, require
from huqing.access.scope import CODE_LENGTH, covers, sees, visible
from huqing.registry.models import Grid, Household, Region
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams.ledger_queries import today
from huqing.teams.models import Staff, Unit, UnitDuty

if TYPE_CHECKING:
    from huqing.access.models import User

COUNTY_DIGITS = 6
LONGEST = 100


def units_seen(user: User, *, text: str = "", kind: str = "") -> QuerySet[Unit]:
    """The units of the account's county with how many people they have in office."""
    county = user.region_code[:COUNTY_DIGITS]
    rows = Unit.objects.filter(region_code__startswith=county) if county else Unit.objects.none()
    if text:
        rows = rows.filter(name__contains=text)
    if kind:
        rows = rows.filter(kind=kind)
    return rows.annotate(people=Count("staff", filter=Q(staff__left_on=None))).order_by("name", "pk")


def duties_of(unit: Unit, user: User) -> QuerySet[UnitDuty]:
    """What a unit is and was responsible for within what the account sees, newest first."""
    rows = visible(UnitDuty.objects.filter(unit=unit), user)
    return rows.select_related("village", "grid", "household").order_by("-since", "-pk")


def of_village(village: Region, user: User) -> QuerySet[UnitDuty]:
    """The units responsible for a village now."""
    rows = visible(holding_units(UnitDuty.objects.filter(village=village), today()), user)
    return rows.select_related("unit").order_by("role", "unit__name")


def of_household(household: Household, user: User) -> QuerySet[UnitDuty]:
    """The units that are or were responsible for a household, its grid or its village, newest first."""
    about = Q(household=household) | Q(village=household.village_id)
    if household.grid_id is not None:
        about |= Q(grid=household.grid_id)
    rows = visible(UnitDuty.objects.filter(about), user)
    return rows.select_related("unit", "village", "grid", "household").order_by("-since", "-pk")


def holding_units(rows: QuerySet[UnitDuty], day: dt.date) -> QuerySet[UnitDuty]:
    """The lines that hold on a day."""
    return rows.filter(since__lte=day).filter(Q(until=None) | Q(until__gte=day))


@transaction.atomic
def save_unit(*, name: str, kind: str, by: User, unit: Unit | None = None) -> Unit:
    """Register a unit of the account's county, or correct its name and kind."""
    require(by, "manage_duties")
    if unit is not None and not unit.region_code.startswith(by.region_code[:COUNTY_DIGITS]):
        raise Refused("这个单位不在本县。")
    name = clean(name).strip()
    if not name:
        raise ValidationError({"name": "请写单位名称。"})
    if has_number(name):
        raise ValidationError({"name": "单位名称里不要写证件号码、电话或账号。"})
    if len(name) > LONGEST:
        raise ValidationError({"name": f"单位名称最多 {LONGEST} 个字。"})
    if kind and kind not in codelist("unit_kind"):
        raise ValidationError({"kind": "请从列表中选单位类别。"})
    row = unit or Unit(region_code=by.region_code[:COUNTY_DIGITS])
    row.name, row.kind = name, kind
    row.validate_constraints()
    row.save()
    audit.record(by=by, action="unit_save", subject=row, region_code=row.region_code, detail={"name": name})
    return row


@transaction.atomic
def give(
    *,
    unit: Unit,
    role: str,
    since: dt.date,
    by: User | None,
    until: dt.date | None = None,
    village: Region | None = None,
    grid: Grid | None = None,
    household: Household | None = None,
) -> UnitDuty:
    """Make a unit responsible for one village, grid or household."""
    goals = [goal for goal in (village, grid, household) if goal is not None]
    if len(goals) != 1:
        raise ValidationError({"goal": "请写一个村、一个网格或一户，只写一个。"})
    code = village.code if village is not None else goals[0].region_code  # type: ignore[union-attr]
    if by is not None:
        require(by, "manage_duties")
        if not sees(by, goals[0]):
            raise Refused("不在您的管辖范围内，不能安排责任。")
    if role not in codelist("duty_role"):
        raise ValidationError({"role": "请选择责任类别。"})
    if until is not None and until < since:
        raise ValidationError({"until": "终止日期不能早于起始日期。"})
    if unit.region_code[:COUNTY_DIGITS] != code[:COUNTY_DIGITS]:
        raise ValidationError({"goal": f"{unit.name}不是本县的单位。"})
    Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)
    line = UnitDuty(unit=unit, role=role, region_code=code, since=since, until=until)
    line.village, line.grid, line.household = village, grid, household
    same = UnitDuty.objects.filter(unit=unit, role=role, village=village, grid=grid, household=household)
    if same.filter(Q(until=None) | Q(until__gte=since)).filter(since__lte=until or dt.date.max).exists():
        raise ValidationError({"goal": f"{unit.name}那时已有这项责任，不必再安排。"})
    line.save()
    detail = {"unit": unit.name, "role": codelist("duty_role").label(role), "since": since}
    audit.record(by=by, action="unit_duty_give", subject=goals[0], region_code=code, detail=detail)
    return line


@transaction.atomic
def end(*, duty: UnitDuty, on: dt.date, by: User) -> UnitDuty:
    """End a unit's duty; ``on`` is its last day."""
    require(by, "manage_duties")
    duty = UnitDuty.objects.select_for_update(of=("self",)).select_related("unit").get(pk=duty.pk)
    if not sees(by, duty):
        raise Refused("不在您的管辖范围内，不能解除责任。")
    if on < duty.since:
        raise ValidationError({"on": f"终止日期不能早于起始日期 {duty.since}。"})
    if duty.until is not None and duty.until <= on:
        raise ValidationError({"on": f"这项责任已于 {duty.until} 终止。"})
    duty.until = on
    duty.save(update_fields=["until"])
    audit.record(by=by, action="unit_duty_end", subject=duty.unit, region_code=duty.region_code, detail={"until": on})
    return duty


def goal_of(text: str, by: User) -> dict[str, Region | Grid | Household]:
    """What a typed goal means: a household's number, a village's code or name, a grid's name; ValidationError else."""
    text = text.strip()
    if not text:
        raise ValidationError({"goal": "没有找到。请写户编号、村名、12 位村代码或网格名称。"})
    household = visible(Household.objects.filter(number=text), by).first()
    if household is not None:
        return {"household": household}
    villages = visible(Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None), by)
    found = list(villages.filter(code=text) if len(text) == CODE_LENGTH else villages.filter(name__startswith=text)[:2])
    if len(found) == 1:
        return {"village": found[0]}
    grids = list(visible(Grid.objects.filter(name=text), by)[:2])
    if len(grids) == 1:
        return {"grid": grids[0]}
    several = "有几个地方都叫这个名称，请写 12 位村代码。" if found or grids else ""
    raise ValidationError({"goal": several or "没有找到。请写户编号、村名、12 位村代码或网格名称。"})


def people_of(unit: Unit, user: User) -> QuerySet[Staff]:
    """Who is in office in a unit, within what the account sees."""
    return visible(Staff.objects.filter(unit=unit, left_on=None), user).order_by("name", "pk")


def in_county(unit: Unit, user: User) -> bool:
    """Whether a unit is of the account's county: units serve a county as a whole, whatever town they sit in."""
    return covers(user.region_code[:COUNTY_DIGITS], unit.region_code)
