"""People joining and leaving households, with dates and reasons; the head; births, marriages and deaths among them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.seal import token
from huqing.registry import values as file
from huqing.registry.errors import RegistryError
from huqing.registry.file_actions import (
    HEAD,
    check,
    lock_household,
    locked,
    manual_source,
    may_edit,
    record,
    write_entry,
)
from huqing.registry.models import DepartmentRecord, Household, Membership, Person, Source
from huqing.registry.signals import household_changed
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value

DEATH = "01"
LEAVING = ("01", "02", "03", "04", "08")
JOINING = ("05", "06", "07")


@transaction.atomic
def add_member(
    *,
    household: Household,
    values: Mapping[str, Any],
    by: User | None,
    on: dt.date,
    join_reason: str,
    reason: str,
    source: Source | None = None,
) -> Person:
    """Somebody joins a household: born (06), married in (05) or moved in (07).

    ``values`` are the member's fields as written, with name and relation. A person whose ID number is known and who is
    in no household comes back with the old file; one who is in another household must leave that first.
    ValidationError names each field that is wrong.
    """
    may_edit(by, household)
    _one_of(join_reason, JOINING, "join_reason", "加入原因")
    lock_household(household.pk)
    source = source or manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    person = _known_person(values, on) or Person(
        created_by_source=source, updated_at=timezone.now(), region_code=household.region_code
    )
    checked, _ = check(person, values, on)
    for key in ("name", "relation"):
        if not checked.get(key, (None, None))[1]:
            raise ValidationError({key: f"请填写{record_kinds()['person'][key].label}。"})
    if checked["relation"][1] == HEAD and household.members.filter(relation=HEAD).exists():
        raise ValidationError({"relation": "这一户已有户主。请先填写其他关系，再办理变更户主。"})
    known = person.pk is not None
    changes = {}
    for key, (declared, value) in checked.items():
        present = file.read(person, declared) if known else None
        if value != present:
            changes[key] = [file.for_history(declared, present), file.for_history(declared, value)]
            file.write(person, declared, value)
    join(person, household, relation=checked["relation"][1], on=on, reason=join_reason, source=source)
    write_entry(household, changes, source=source, on=on, person=person)
    _count(household)
    record(by, "member_add", household, {"person": person.pk, "join_reason": join_reason}, reason)
    return person


@transaction.atomic
def remove_member(
    *,
    person: Person,
    by: User | None,
    on: dt.date,
    leave_reason: str,
    reason: str,
    source: Source | None = None,
) -> Person:
    """Somebody leaves a household for good: died (01), married out (02), moved out (08) …

    The head leaves last, or after another one has become head. The file stays, without a household.
    """
    household = _household_of(person)
    may_edit(by, household)
    _one_of(leave_reason, LEAVING, "leave_reason", "离开原因")
    lock_household(household.pk)
    person = locked(person)
    if person.relation == HEAD and household.members.exclude(pk=person.pk).exists():
        raise RegistryError(f"{person.name}是户主，家里还有其他人。请先办理变更户主，再办理{_label(leave_reason)}。")
    source = source or manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    kind = record_kinds()["person"]
    news: dict[str, Any] = {"member_change": leave_reason, "changed_on": on.isoformat()}
    if leave_reason == DEATH:
        news |= {"alive": False, "died_on": on.isoformat()}
    changes = {"relation": [person.relation or None, None]}
    for key, value in news.items():
        changes[key] = [person.items.get(key), value]
        file.write(person, kind[key], value)
    leave(person, on=on, reason=leave_reason)
    write_entry(household, changes, source=source, on=on, person=person)
    _count(household)
    record(by, "member_remove", household, {"person": person.pk, "leave_reason": leave_reason}, reason)
    return person


@transaction.atomic
def transfer_member(
    *,
    person: Person,
    into: Household,
    relation: str,
    by: User | None,
    on: dt.date,
    reason: str,
    source: Source | None = None,
) -> Person:
    """Somebody moves from one household into another, with file, labels and department data.

    The head moves last, or after another one has become head; the head of ``into`` stays.
    """
    household = _household_of(person)
    may_edit(by, household, into)
    if into.pk == household.pk or into.status != Household.Status.ACTIVE:
        raise RegistryError("请选择另一户有效的农户转入。")
    if relation == HEAD or relation not in codelist("relation_to_head"):
        raise ValidationError({"relation": "请选择与那一户户主的关系；那一户的户主不变。"})
    # Both in one order, so that two transfers between the same families cannot block each other.
    for pk in sorted((household.pk, into.pk)):
        lock_household(pk)
    person = locked(person)
    if person.relation == HEAD and household.members.exclude(pk=person.pk).exists():
        raise RegistryError(f"{person.name}是户主，家里还有其他人。请先办理变更户主，再转到另一户。")
    source = source or manual_source(by=by, on=on, reason=reason, region_code=into.region_code)
    before = person.relation or None
    write_entry(household, {"relation": [before, None]}, source=source, on=on, person=person)
    leave(person, on=on, reason="08")
    join(person, into, relation=relation, on=on, reason="07", source=source)
    write_entry(into, {"relation": [before, relation]}, source=source, on=on, person=person)
    person.labels.filter(household=household).update(household=into)
    DepartmentRecord.objects.filter(person=person).update(household=into, region_code=into.region_code)
    _count(household)
    _count(into)
    record(by, "member_transfer", household, {"person": person.pk, "into": into.pk}, reason)
    household_changed.send(sender=Household, household=into)
    return person


@transaction.atomic
def change_head(
    *,
    household: Household,
    head: Person,
    relations: Mapping[int, str],
    by: User | None,
    on: dt.date,
    reason: str,
    source: Source | None = None,
) -> Household:
    """Another member becomes head; ``relations`` says what the others are to the new head (person id → code).

    The old head needs a new relation; others keep theirs unless named.
    """
    may_edit(by, household)
    household = locked(household)
    if head.household_id != household.pk:
        raise RegistryError(f"{head.name}不在这一户，不能当户主。")
    members = {person.pk: person for person in household.members.all()}
    wanted = {**relations, head.pk: HEAD}
    for person in members.values():
        if person.relation == HEAD and person.pk not in wanted:
            raise ValidationError({"relations": f"请写明原户主{person.name}与新户主的关系。"})
    source = source or manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    set_relations(household, members, wanted, source, on)
    before, household.head_name = household.head_name, head.name
    household.head_pinyin, household.updated_at = head.name_pinyin, timezone.now()
    household.save(update_fields=["head_name", "head_pinyin", "updated_at"])
    write_entry(household, {"head_name": [before, head.name]}, source=source, on=on)
    record(by, "head_change", household, {"person": head.pk}, reason)
    return household


def set_relations(
    household: Household, members: Mapping[int, Person], relations: Mapping[int, str], source: Source, on: dt.date
) -> None:
    """Give members their relation to the head, on person and membership, with an entry each."""
    known = codelist("relation_to_head")
    heads = [pk for pk, code in relations.items() if code == HEAD]
    if len(heads) > 1:
        raise ValidationError({"relations": "一户只能有一个户主。"})
    for pk, code in relations.items():
        if code not in known:
            raise ValidationError({"relations": f"与户主关系“{code}”不在代码表中，请从列表中选择。"})
        person = members.get(pk)
        if person is None:
            raise RegistryError("名单中有不在这一户的人。请刷新页面。")
        if person.relation == code:
            continue
        before, person.relation, person.updated_at = person.relation, code, timezone.now()
        person.save(update_fields=["relation", "updated_at"])
        Membership.objects.filter(person=person, left_on=None).update(relation=code)
        write_entry(household, {"relation": [before or None, code]}, source=source, on=on, person=person)


def join(person: Person, household: Household, *, relation: str, on: dt.date, reason: str, source: Source) -> None:
    """Open a membership; saves the person."""
    last = person.memberships.order_by("-left_on").values_list("left_on", flat=True).first() if person.pk else None
    if last is not None and last > on:
        raise ValidationError({"on": f"{person.name}到 {last} 才离开原来的户，加入日期不能早于这一天。"})
    person.household, person.relation, person.region_code = household, relation, household.region_code
    person.updated_at = timezone.now()
    person.save()
    Membership.objects.create(
        person=person, household=household, relation=relation, joined_on=on, join_reason=reason, source=source
    )


def leave(person: Person, *, on: dt.date, reason: str) -> None:
    """Close the open membership; saves the person."""
    membership = Membership.objects.filter(person=person, left_on=None).first()
    if membership is not None:
        if on < membership.joined_on:
            raise ValidationError({"on": f"离开日期不能早于加入日期 {membership.joined_on}。"})
        membership.left_on, membership.leave_reason = on, reason
        membership.save(update_fields=["left_on", "leave_reason"])
    person.household, person.relation, person.updated_at = None, "", timezone.now()
    person.save()


def _known_person(values: Mapping[str, Any], on: dt.date) -> Person | None:
    """The person with this ID number who is in no household now; ValidationError if in one."""
    declared = record_kinds()["person"]["id_number"]
    checked = check_value(declared, file.raw_text(values.get("id_number", "")), as_of=on)
    number = checked.value if isinstance(checked, Problem) else checked
    if not isinstance(number, str):
        return None
    known = Person.objects.filter(id_token=token("id_number", number)).select_related("created_by_source").first()
    if known is not None and known.household_id is not None:
        raise ValidationError({"id_number": "这个证件号码的人已在另一户中。请先在原户办理转出。"})
    return known


def _household_of(person: Person) -> Household:
    if person.household is None:
        raise RegistryError(f"{person.name}现在不在任何一户。请刷新页面。")
    return person.household


def _count(household: Household) -> None:
    """The number of members follows what is recorded."""
    Household.objects.filter(pk=household.pk).update(
        member_count=household.members.count() or None, updated_at=timezone.now()
    )


def _one_of(code: str, allowed: tuple[str, ...], field: str, label: str) -> None:
    if code not in allowed:
        names = "、".join(_label(each) for each in allowed)
        raise ValidationError({field: f"{label}应为：{names}。"})


def _label(code: str) -> str:
    return codelist("member_change").label(code)


audit.name_actions(
    {
        "member_add": "增加家庭成员",
        "member_remove": "减少家庭成员",
        "member_transfer": "转到另一户",
        "head_change": "变更户主",
    }
)
