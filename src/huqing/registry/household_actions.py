"""Households as wholes: opened, moved to another village, split, merged, cancelled; and what they count as (labels)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.permissions import Refused, require
from huqing.access.scope import code_range, covers
from huqing.registry import values as file
from huqing.registry.errors import RegistryError
from huqing.registry.file_actions import HEAD, check, locked, manual_source, may_edit, record, write_entry
from huqing.registry.member_actions import join, leave, set_relations
from huqing.registry.models import DepartmentRecord, Grid, Household, Label, Person, Region, Source
from huqing.registry.signals import household_changed
from huqing.standards.codelists import codelist

MOVED_OUT, MOVED_IN = "08", "07"
SERIAL_DIGITS = 4


@transaction.atomic
def create_household(
    *,
    village: Region,
    values: Mapping[str, Any],
    by: User | None,
    on: dt.date,
    reason: str,
    number: str = "",
    grid: Grid | None = None,
    source: Source | None = None,
) -> Household:
    """Open a household's file in a village; people are added with ``add_member``, the head first.

    Without a number it gets the village's code and the next free serial. ValidationError names each wrong field.
    """
    _may_settle_in(by, village, grid)
    source = source or manual_source(by=by, on=on, reason=reason, region_code=village.code)
    household = Household(
        number=number.strip() or _next_number(village),
        village=village,
        region_code=village.code,
        grid=grid,
        created_by_source=source,
        updated_at=timezone.now(),
    )
    checked, _ = check(household, values, on)
    if not checked.get("head_name", (None, None))[1]:
        raise ValidationError({"head_name": "请填写户主姓名。"})
    for declared, value in checked.values():
        file.write(household, declared, value)
    if len(household.number) > household._meta.get_field("number").max_length:
        raise ValidationError({"number": "户编号不能超过 40 个字符。"})
    household.validate_constraints()
    household.save()
    record(by, "household_create", household, {"village": village.name}, reason)
    return household


@transaction.atomic
def move_household(
    *,
    household: Household,
    village: Region,
    by: User | None,
    on: dt.date,
    reason: str,
    grid: Grid | None = None,
    source: Source | None = None,
) -> Household:
    """The household moves to another village, with everybody and everything linked to it."""
    may_edit(by, household)
    _may_settle_in(by, village, grid)
    household = locked(household)
    if household.village_id == village.pk:
        raise RegistryError(f"这一户已在{village.name}。")
    source = source or manual_source(by=by, on=on, reason=reason, region_code=village.code)
    write_entry(household, {"village_code": [household.region_code, village.code]}, source=source, on=on)
    household.village, household.grid, household.region_code = village, grid, village.code
    household.updated_at = timezone.now()
    household.save(update_fields=["village", "grid", "region_code", "updated_at"])
    household.members.update(region_code=village.code)
    DepartmentRecord.objects.filter(household=household).update(region_code=village.code)
    record(by, "household_move", household, {"village": village.name}, reason)
    return household


@transaction.atomic
def split_household(
    *,
    household: Household,
    members: Iterable[Person],
    relations: Mapping[int, str],
    by: User | None,
    on: dt.date,
    reason: str,
    number: str = "",
    source: Source | None = None,
) -> Household:
    """Some members found a household of their own (分户); ``relations`` says what each is to the new head.

    The new file takes over village, group, grid and address; everything else is asked anew. The old head stays.
    """
    may_edit(by, household)
    leaving = {person.pk: person for person in members}
    _all_here(household, leaving.values())
    if not leaving or set(relations) != set(leaving):
        raise ValidationError({"relations": "请写明每个分出的人与新户主的关系。"})
    if len(leaving) == household.members.count() or any(person.relation == HEAD for person in leaving.values()):
        raise RegistryError("分户时原户主要留在原户。请先变更户主，或改为迁移整户。")
    heads = [leaving[pk] for pk, code in relations.items() if code == HEAD]
    if len(heads) != 1:
        raise ValidationError({"relations": "请指定一个人为新户的户主。"})
    source = source or manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    new = Household.objects.create(
        number=number.strip() or _next_number(household.village),
        village=household.village,
        region_code=household.region_code,
        grid=household.grid,
        group_name=household.group_name,
        address=household.address,
        head_name=heads[0].name,
        head_pinyin=heads[0].name_pinyin,
        member_count=len(leaving),
        created_by_source=source,
        updated_at=timezone.now(),
    )
    _move_people(leaving, household, new, source, on)
    set_relations(new, leaving, relations, source, on)
    record(by, "household_split", household, {"new_household": new.pk, "people": len(leaving)}, reason)
    household_changed.send(sender=Household, household=new)
    return new


@transaction.atomic
def merge_households(
    *,
    household: Household,
    into: Household,
    relations: Mapping[int, str],
    by: User | None,
    on: dt.date,
    reason: str,
    source: Source | None = None,
) -> Household:
    """Everybody of ``household`` joins ``into`` (并户), with a relation to its head each; the old file is cancelled."""
    may_edit(by, household, into)
    moving = {person.pk: person for person in household.members.all()}
    if household.pk == into.pk or into.status != Household.Status.ACTIVE:
        raise RegistryError("请选择另一户有效的农户并入。")
    if set(relations) != set(moving) or HEAD in relations.values():
        raise ValidationError({"relations": "请写明每个人与并入户户主的关系；并入户的户主不变。"})
    source = source or manual_source(by=by, on=on, reason=reason, region_code=into.region_code)
    _move_people(moving, household, into, source, on)
    set_relations(into, moving, relations, source, on)
    _cancel(household, source, on)
    record(by, "household_merge", household, {"into": into.pk, "people": len(moving)}, reason)
    household_changed.send(sender=Household, household=into)
    return into


@transaction.atomic
def cancel_household(
    *, household: Household, by: User | None, on: dt.date, reason: str, source: Source | None = None
) -> Household:
    """Close the file of a household that is no more: moved away as a whole, died out. Its people keep their files."""
    may_edit(by, household)
    household = locked(household)
    if household.status != Household.Status.ACTIVE:
        raise RegistryError("这一户已经注销。")
    source = source or manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    for person in list(household.members.all()):
        write_entry(household, {"relation": [person.relation or None, None]}, source=source, on=on, person=person)
        leave(person, on=on, reason=MOVED_OUT)
    _cancel(household, source, on)
    record(by, "household_cancel", household, {}, reason)
    return household


@transaction.atomic
def set_label(
    *,
    household: Household,
    kind: str,
    valid_from: dt.date,
    by: User | None,
    reason: str,
    person: Person | None = None,
    valid_to: dt.date | None = None,
    note: str = "",
    source: Source | None = None,
) -> Label:
    """A household or one of its people counts as something (低保, 监测对象 …) from a day on, perhaps up to another."""
    may_edit(by, household)
    if kind not in codelist("label_kind"):
        raise ValidationError({"kind": f"标签“{kind}”不在代码表中，请从列表中选择。"})
    if person is not None:
        _all_here(household, [person])
    no_overlap(household.labels.filter(kind=kind, person=person), valid_from, valid_to)
    source = source or manual_source(by=by, on=valid_from, reason=reason, region_code=household.region_code)
    label = Label(household=household, person=person, kind=kind, valid_from=valid_from, valid_to=valid_to)
    label.source, label.note = source, note.strip()
    label.validate_constraints()
    label.save()
    _label_entry(label, None, f"{valid_from} 起" + (f"至 {valid_to}" if valid_to else ""), source, valid_from)
    record(by, "label_set", household, {"label": kind, "person": person.pk if person else None}, reason)
    return label


@transaction.atomic
def end_label(*, label: Label, on: dt.date, by: User | None, reason: str, source: Source | None = None) -> Label:
    """A label is valid up to and including ``on``."""
    household = label.household
    may_edit(by, household)
    if label.valid_to is not None and label.valid_to <= on:
        raise RegistryError(f"这个标签已于 {label.valid_to} 结束。")
    if on < label.valid_from:
        raise ValidationError({"on": f"终止日期不能早于起始日期 {label.valid_from}。"})
    source = source or manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    label.valid_to = on
    label.save(update_fields=["valid_to"])
    _label_entry(label, f"{label.valid_from} 起", f"{label.valid_from} 起至 {on}", source, on)
    record(by, "label_end", household, {"label": label.kind, "person": label.person_id}, reason)
    return label


def no_overlap(same: Iterable[Label], start: dt.date, end: dt.date | None = None) -> None:
    """ValidationError if one of the labels of the same kind is valid on a day of a new one."""
    for label in same:
        if (end is None or label.valid_from <= end) and (label.valid_to is None or start <= label.valid_to):
            raise ValidationError({"valid_from": f"从 {label.valid_from} 起已有这个标签。请先结束原来的，或改日期。"})


def label_change(kind: str, old: str | None, new: str) -> dict[str, list[Any]]:
    """What the history says of a label that begins or ends."""
    return {f"标签：{codelist('label_kind').label(kind)}": [old, new]}


def _label_entry(label: Label, old: str | None, new: str, source: Source, on: dt.date) -> None:
    write_entry(label.household, label_change(label.kind, old, new), source=source, on=on, person=label.person)


def _move_people(people: Mapping[int, Person], old: Household, new: Household, source: Source, on: dt.date) -> None:
    for person in people.values():
        write_entry(old, {"relation": [person.relation or None, None]}, source=source, on=on, person=person)
        leave(person, on=on, reason=MOVED_OUT)
        join(person, new, relation="99", on=on, reason=MOVED_IN, source=source)
        person.labels.filter(household=old).update(household=new)
        DepartmentRecord.objects.filter(person=person).update(household=new, region_code=new.region_code)
    for household in (old, new):
        Household.objects.filter(pk=household.pk).update(
            member_count=household.members.count() or None, updated_at=timezone.now()
        )


def _cancel(household: Household, source: Source, on: dt.date) -> None:
    household.status, household.updated_at = Household.Status.CANCELLED, timezone.now()
    household.member_count = None
    household.save(update_fields=["status", "member_count", "updated_at"])
    write_entry(household, {"户状态": ["有效", "注销"]}, source=source, on=on)


def _all_here(household: Household, people: Iterable[Person]) -> None:
    for person in people:
        if person.household_id != household.pk:
            raise RegistryError(f"{person.name}不在这一户。请刷新页面。")


def _may_settle_in(by: User | None, village: Region, grid: Grid | None) -> None:
    if village.level != Region.Level.VILLAGE or village.valid_to is not None:
        raise ValidationError({"village": "请选择一个现行的行政村。"})
    if grid is not None and grid.village_id != village.pk:
        raise ValidationError({"grid": f"{grid}不在{village.name}，请重新选择网格。"})
    if by is not None:
        require(by, "edit_household")
        if not covers(by.region_code, village.code):
            raise Refused(f"{village.name}不在您的管辖范围内。")


def _next_number(village: Region) -> str:
    start = village.code
    taken = Household.objects.filter(code_range(start, "number")).values_list("number", flat=True)
    serials = [int(number[len(start) :]) for number in taken if number[len(start) :].isdigit()]
    return f"{start}{max(serials, default=0) + 1:0{SERIAL_DIGITS}d}"


audit.name_actions(
    {
        "household_create": "新建农户档案",
        "household_move": "农户迁移",
        "household_split": "分户",
        "household_merge": "并户",
        "household_cancel": "注销农户",
        "label_set": "增加标签",
        "label_end": "结束标签",
    }
)
