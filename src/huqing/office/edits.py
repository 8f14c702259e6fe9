"""Editing one field of a file in place: which control it gets, what is in it, and saving it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.access.seal import mask, seal, token
from huqing.office import household_file
from huqing.registry.models import Entry, Household, Membership, Person, Source
from huqing.registry.signals import household_changed
from huqing.standards import idnumbers
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field
from huqing.standards.text import pinyin_initials
from huqing.standards.values import Problem, check_value, display

if TYPE_CHECKING:
    from huqing.access.models import User


class NotAccepted(Exception):
    """The value is wrong; the message says what is wrong and what to write."""


class Changed(Exception):
    """Somebody else changed the value since it was read."""


def control(field: Field) -> tuple[str, list[tuple[str, str]]]:
    """Which control a field gets (an input type, select, several or long) and the options of the ones that have any."""
    if field.type == "boolean":
        return "select", [("是", "是"), ("否", "否")]
    if field.type == "code":
        return "select", list(codelist(field.codelist).items)
    if field.type == "codes":
        return "several", list(codelist(field.codelist).items)
    if field.type == "date":
        return "date", []
    if field.type == "phone":
        return "tel", []
    return ("long" if field.type == "text" and field.key.endswith("note") else "text"), []


def typed_value(field: Field, row: Household | Person, typed: str | None) -> Any:
    """What stands in the control: what was typed before, else the present value; a sealed one is never filled in."""
    if typed is not None:
        return typed.split("、") if field.type == "codes" else typed
    if field.sealed:
        return ""
    value = household_file.value_of(field, row)
    if value is None:
        return [] if field.type == "codes" else ""
    if field.type in ("code", "codes"):
        return value
    return display(field, value)


def fingerprint(field: Field, row: Household | Person) -> str:
    """What the form remembers of the present value, to notice that somebody else changed it meanwhile."""
    if field.sealed:
        content = bytes(getattr(row, f"{field.key}_sealed") or b"")
    else:
        content = json.dumps(household_file.value_of(field, row), ensure_ascii=False).encode()
    return hashlib.sha256(content).hexdigest()[:16]


@transaction.atomic
def edit_field(*, by: User, row: Household | Person, field: Field, typed: str, on: dt.date, seen: str) -> Entry | None:
    """Write one value that somebody typed, with source 页面修改; None when it is what stands there already.

    ``seen`` is the fingerprint of the value the form was drawn with. Raises NotAccepted for a wrong value, Changed when
    the value is another one by now, Refused without permission or outside the account's area.
    """
    require(by, "edit_household")
    if not sees(by, row):
        raise Refused("这份档案不在您的管辖范围内。")
    row = type(row).objects.select_for_update().get(pk=row.pk)
    if seen != fingerprint(field, row):
        now = household_file.fact(field, row, None).text or "未填"
        raise Changed(f"您打开之后，别人把这一项改成了“{now}”。请核对后再保存一次。")
    today = timezone.localdate()
    value = check_value(field, typed, as_of=today)
    if isinstance(value, Problem):
        if not value.warning:
            raise NotAccepted(f"{value.message}。{value.remedy}。")
        value = value.value
    if value is None and field.required:
        raise NotAccepted(f"{field.label}不能为空，请填写。")
    if field.key == "relation" and row.relation != value:
        _relate(row, str(value))
    change = _put(row, field, value)
    if change[0] == change[1] and not field.sealed:
        return None
    row.updated_at = timezone.now()
    row.save()
    household = row if isinstance(row, Household) else row.household
    entry = Entry.objects.create(
        household=household,
        person=row if isinstance(row, Person) else None,
        source=_source(by, row, on),
        on=on,
        at=timezone.now(),
        changes={field.key: change},
    )
    audit.record(by=by, action="file_edit", subject=row, detail={"field": field.key, "on": on})
    household_changed.send(sender=type(row), household=household)
    return entry


def _put(row: Household | Person, field: Field, value: Any) -> list[Any]:
    """Set a checked value with everything that follows from it; returns [old, new] as the history keeps them."""
    if field.sealed:
        return _put_sealed(row, field, value)
    old = household_file.value_of(field, row)
    if not field.column:
        items = {key: kept for key, kept in row.items.items() if key != field.key}
        row.items = items if value is None else {**items, field.key: value}
        return [old, value]
    if field.type == "date":
        setattr(row, field.key, dt.date.fromisoformat(value) if value else None)
    else:
        setattr(row, field.key, "" if value is None else value)
    for name, initials in (("head_name", "head_pinyin"), ("name", "name_pinyin")):
        if field.key == name:
            length = type(row)._meta.get_field(initials).max_length
            setattr(row, initials, pinyin_initials(str(value))[:length])
    return [old or None, value]


def _put_sealed(row: Household | Person, field: Field, value: str | None) -> list[Any]:
    old = household_file.masked(field.type, getattr(row, f"{field.key}_sealed"))
    setattr(row, f"{field.key}_sealed", seal(value, field.type) if value else None)
    follows = {f"{field.key}_token": token(field.type, value) if value else ""}
    if field.key == "id_number":
        parsed = idnumbers.parse(value)
        follows = {
            "id_token": follows["id_number_token"],
            "id_state": parsed.state,
            "id_birth_date": parsed.birth_date,
            "id_sex": parsed.sex,
        }
    elif field.key == "phone":
        follows["phone_state"] = idnumbers.phone_state(value) if value else ""
    columns = {column.name for column in row._meta.get_fields()}
    for name, following in follows.items():
        if name in columns:
            setattr(row, name, following)
    return [old or None, mask(field.type, value) if value else None]


def _relate(person: Person, relation: str) -> None:
    """The relation to the head also stands in the open membership."""
    Membership.objects.filter(person=person, left_on=None).update(relation=relation)


def _source(by: User, row: Household | Person, on: dt.date) -> Source:
    """Where the value comes from: this account's corrections of the day, one source for all of them."""
    today = timezone.localdate()
    mine = Source.objects.filter(kind=Source.Kind.MANUAL, created_by=by, on=on, title=f"页面修改 {today:%Y-%m-%d}")
    return mine.first() or Source.objects.create(
        kind=Source.Kind.MANUAL,
        title=f"页面修改 {today:%Y-%m-%d}",
        on=on,
        region_code=by.region_code,
        created_at=timezone.now(),
        created_by=by,
    )
