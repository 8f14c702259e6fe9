"""Changing values of a household's or person's file by hand: checked, dated, never overwriting what is newer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.registry import values as file
from huqing.registry.errors import RegistryError
from huqing.registry.models import Entry, Household, Membership, Person, Source
from huqing.registry.signals import household_changed
from huqing.standards.fields import Field
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value

HEAD = "01"
EDIT = "edit_household"
TITLE_LENGTH = 200


@dataclass
class Edit:
    """What an edit did: its entry, the fields it changed, those that are history only, and what to look at."""

    entry: Entry | None = None
    applied: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)
    warnings: dict[str, Problem] = field(default_factory=dict)


@transaction.atomic
def set_values(
    *,
    household: Household,
    values: Mapping[str, Any],
    by: User | None,
    on: dt.date,
    reason: str,
    person: Person | None = None,
    source: Source | None = None,
) -> Edit:
    """Set declared fields of a household or of one of its people to what somebody wrote (amounts in yuan).

    ``on`` is the day the values are true for. A value older than the present one is kept as history and does not
    replace it. ValidationError names each wrong field and what to write; nothing is written then.
    """
    may_edit(by, household)
    if person is not None and person.household_id != household.pk:
        raise RegistryError(f"{person.name}不在这一户，不能在这里修改。请到其所在户修改。")

    def origin() -> Source:
        return source or manual_source(by=by, on=on, reason=reason, region_code=household.region_code)

    lock_household(household.pk)
    edit = write_values(household=household, row=locked(person or household), values=values, on=on, source=origin)
    if edit.entry:
        detail = {"fields": list(edit.entry.changes), "person": person.pk if person else None}
        record(by, "file_edit", household, detail, reason)
    return edit


def write_values(
    *,
    household: Household,
    row: Household | Person,
    values: Mapping[str, Any],
    on: dt.date,
    source: Callable[[], Source],
    entries: list[Entry] | None = None,
) -> Edit:
    """Check and write values on a locked ``row``, as ``set_values`` does, with their entry in the history.

    ``entries`` are all entries of the row (``entries_of``) with their sources, if the caller has read them since it
    was locked; the new one is added to them. Who may do it, the audit event and the re-check are the caller's: one
    that writes to several rows does these once.
    """
    person = row if isinstance(row, Person) else None
    if entries is None:
        entries = list(entries_of(household, person).select_related("source"))
    changes, edit = changed(row, values, on, entries)
    if not changes:
        return edit
    made = source()
    edit.entry = write_entry(household, changes, source=made, on=on, person=person)
    entries.append(edit.entry)
    row.updated_at = timezone.now()
    row.save()
    if person is not None:
        _follow(household, person, edit.applied, made, on)
    return edit


def changed(
    row: Household | Person, values: Mapping[str, Any], on: dt.date, entries: list[Entry]
) -> tuple[dict[str, list[Any]], Edit]:
    """Put values on a locked row (not saved), as ``write_values`` does; returns old and new of each field."""
    checked, edit = check(row, values, on)
    origins = file.origins(entries, row.created_by_source, checked)
    changes = {}
    for key, (declared, value) in checked.items():
        present = file.read(row, declared)
        if value == present:
            continue
        since = origins[key].on
        if since is not None and on < since:
            before = file.value_on(entries, key, on, file.for_history(declared, present))
            changes[key] = [before, file.for_history(declared, value)]
            edit.older.append(key)
            continue
        changes[key] = [file.for_history(declared, present), file.for_history(declared, value)]
        edit.applied.append(key)
        file.write(row, declared, value)
    return changes, edit


def check(row: Household | Person, values: Mapping[str, Any], on: dt.date) -> tuple[dict[str, tuple[Field, Any]], Edit]:
    """The stored form of every value; ValidationError names each field that is wrong."""
    errors: dict[str, str] = {}
    checked: dict[str, tuple[Field, Any]] = {}
    edit = Edit()
    for key, declared in file.declared(row, values).items():
        if declared is None:
            errors[key] = f"“{key}”不能在这里修改。"
            continue
        value: Any = check_value(declared, file.raw_text(values[key]), as_of=on)
        if isinstance(value, Problem):
            if not value.warning:
                errors[key] = str(value)
                continue
            edit.warnings[key] = value
            value = value.value
        checked[key] = (declared, value)
    if "id_number" in checked and isinstance(row, Person):
        doubled = _holder_of(checked["id_number"][1], row)
        if doubled:
            errors["id_number"] = doubled
    if errors:
        raise ValidationError(errors)
    return checked, edit


def _holder_of(number: str | None, row: Person) -> str:
    from huqing.access.seal import token

    if not number:
        return ""
    other = Person.objects.filter(id_token=token("id_number", number)).exclude(pk=row.pk).exists()
    return "这个证件号码已登记在另一人名下。请核对号码；确是同一人的，请办理转入。" if other else ""


def _follow(household: Household, person: Person, applied: list[str], source: Source, on: dt.date) -> None:
    """The membership repeats the relation, the household repeats its head's name."""
    if "relation" in applied:
        Membership.objects.filter(person=person, left_on=None).update(relation=person.relation)
    if "name" in applied and person.relation == HEAD and household.head_name != person.name:
        before, household.head_name = household.head_name, person.name
        household.head_pinyin = person.name_pinyin
        household.updated_at = timezone.now()
        household.save(update_fields=["head_name", "head_pinyin", "updated_at"])
        write_entry(household, {"head_name": [before, person.name]}, source=source, on=on)


def may_edit(by: User | None, *households: Household, permission: str = EDIT) -> None:
    """Refused unless ``by`` (None: the system) has the permission and sees these households."""
    if by is None:
        return
    require(by, permission)
    for household in households:
        if not sees(by, household):
            raise Refused("这一户不在您的管辖范围内。")


def locked(row: Any) -> Any:
    """The row read again and, on PostgreSQL, locked: two people may have the same page open."""
    return type(row).objects.select_for_update(of=("self",)).select_related("created_by_source").get(pk=row.pk)


def lock_household(pk: int | None) -> None:
    """Lock a household before any of its people: whoever writes to both takes them in this order.

    The history of a person names the household too, so that even writing to a person alone needs it in the end; in the
    other order two writers would wait for each other.
    """
    Household.objects.select_for_update().filter(pk=pk).values_list("pk", flat=True).first()


def entries_of(household: Household, person: Person | None) -> Any:
    """The entries about the household itself, or about one person wherever the person lived."""
    if person is None:
        return Entry.objects.filter(household=household, person=None)
    return Entry.objects.filter(person=person)


def manual_source(*, by: User | None, on: dt.date, reason: str, region_code: str) -> Source:
    """A source that says: written on the screen, for this reason."""
    made = unsaved_source(by=by, on=on, reason=reason, region_code=region_code)
    made.save()
    return made


def unsaved_source(*, by: User | None, on: dt.date, reason: str, region_code: str) -> Source:
    """The same for a caller that saves many at once."""
    reason = reason.strip()
    if not reason:
        raise ValidationError({"reason": "请写明修改依据，例如“入户核实”。"})
    return Source(
        kind=Source.Kind.MANUAL,
        title=f"页面修改：{hide_numbers(reason)}"[:TITLE_LENGTH],
        on=on,
        region_code=region_code,
        created_at=timezone.now(),
        created_by=by,
    )


def write_entry(
    household: Household, changes: dict[str, list[Any]], *, source: Source, on: dt.date, person: Person | None = None
) -> Entry:
    """One line of history. A key that is no declared field is a Chinese word for what changed (a label, the grid)."""
    return Entry.objects.create(
        household=household, person=person, source=source, on=on, at=timezone.now(), changes=changes
    )


def record(by: User | None, action: str, household: Household, detail: dict[str, Any], reason: str) -> None:
    """The audit event of a change, and the signal that makes the household be checked again."""
    audit.record(
        by=by,
        action=action,
        subject=household,
        region_code=household.region_code,
        detail={key: value for key, value in detail.items() if value is not None} | {"reason": hide_numbers(reason)},
    )
    household_changed.send(sender=Household, household=household)


audit.name_actions({"file_edit": "修改档案"})
