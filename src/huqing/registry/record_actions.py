"""Writing one row of a department's ledger by hand: as the next import of the same row would find it.

A row keeps the fingerprint that an import gives it, so the same measure written here and named in a file later is one
record, and whichever of the two is newer counts. A new version retires the old one, as an import does.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from huqing.access import audit
from huqing.access.models import User
from huqing.registry import values as file
from huqing.registry.errors import RegistryError
from huqing.registry.file_actions import HEAD, manual_source, may_edit, record
from huqing.registry.models import DepartmentRecord, Household, Source
from huqing.standards.fields import RecordKind, record_kinds
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value

LINKED_BY = "manual"


@transaction.atomic
def put_record(
    *,
    kind: str,
    household: Household,
    values: Mapping[str, Any],
    by: User | None,
    on: dt.date,
    reason: str,
    permission: str,
    fingerprint: str = "",
) -> DepartmentRecord:
    """Write a row about a household, or with ``fingerprint`` a new version of the row that has it.

    ``values`` are as somebody wrote them (amounts in yuan); of an existing row those not named stay, and an empty one
    is taken out. ValidationError names each wrong field; RegistryError: the row is there already, or is gone.
    """
    may_edit(by, household, permission=permission)
    declared = record_kinds()[kind]
    Household.objects.select_for_update(of=("self",)).get(pk=household.pk)
    before = in_force(household, kind, fingerprint) if fingerprint else None
    if fingerprint and before is None:
        raise RegistryError("这条记录已经失效，请刷新页面。")
    items = dict(before.items) if before else {}
    checked = _checked(declared, values, on)
    fixed = [key for key in declared.identity if key in checked and before and checked[key] != before.items.get(key)]
    if fixed:
        titles = "、".join(declared[key].label for key in fixed)
        raise ValidationError({fixed[0]: f"已登记的{titles}不能改；登记错了的请撤下这一条，重新登记。"})
    items.update(checked)
    items = {key: value for key, value in items.items() if value not in (None, "", [])}
    lacking = {
        field.key: f"请填写{field.label}。" for field in declared.items if field.required and field.key not in items
    }
    if lacking:
        raise ValidationError(lacking)
    mark = fingerprint or fingerprint_of(declared, household, items)
    if before is None and in_force(household, kind, mark) is not None:
        raise RegistryError(f"这一户同一天已登记过同样的{declared.name}，请在原来那一条上修改。")
    if before is not None and items == before.items:
        return before
    source = manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    Source.objects.filter(pk=source.pk).update(record_kind=kind)
    if before is not None:
        DepartmentRecord.objects.filter(pk=before.pk).update(retired_by=source)
    day = items.get(declared.date_field)
    made = DepartmentRecord.objects.create(
        kind=kind,
        fingerprint=mark,
        household=household,
        region_code=household.region_code,
        on=dt.date.fromisoformat(day) if day else None,
        items=items,
        subject_name=household.head_name,
        link_method=LINKED_BY,
        source=source,
        row_number=1,
    )
    record(by, "record_put", household, {"kind": kind, "fields": sorted(checked)}, reason)
    return made


@transaction.atomic
def withdraw_record(*, row: DepartmentRecord, by: User | None, on: dt.date, reason: str, permission: str) -> None:
    """Take a row back that was written by mistake; it stays in the history."""
    household = row.household
    if household is None:
        raise RegistryError("这条记录没有关联到户，不能撤下。")
    may_edit(by, household, permission=permission)
    source = manual_source(by=by, on=on, reason=reason, region_code=household.region_code)
    if not DepartmentRecord.objects.filter(pk=row.pk, retired_by=None).update(retired_by=source):
        raise RegistryError("这条记录已经失效，请刷新页面。")
    record(by, "record_withdraw", household, {"kind": row.kind}, reason)


def in_force(household: Household, kind: str, fingerprint: str) -> DepartmentRecord | None:
    """The present version of a row, or None."""
    rows = DepartmentRecord.objects.filter(household=household, kind=kind, fingerprint=fingerprint, retired_by=None)
    return rows.select_related("source").order_by("-pk").first()


def fingerprint_of(kind: RecordKind, household: Household, items: Mapping[str, Any]) -> str:
    """The fingerprint an import gives a row with the household's number and its head's ID number (``intake``)."""
    head = household.members.filter(relation=HEAD).order_by("pk").first()
    parts = []
    for key in kind.identity:
        if key == "household_number":
            parts.append(json.dumps(household.number, ensure_ascii=False))
        elif key == "id_number":
            parts.append(head.id_token if head and head.id_token else f"name:{household.head_name}:")
        else:
            value = items.get(key)
            parts.append("" if value in (None, "") else json.dumps(value, ensure_ascii=False))
    return hashlib.sha256("|".join([kind.key, *parts, "1"]).encode()).hexdigest()


def _checked(kind: RecordKind, values: Mapping[str, Any], on: dt.date) -> dict[str, Any]:
    by_key = {field.key: field for field in kind.items}
    errors: dict[str, str] = {}
    found: dict[str, Any] = {}
    for key, raw in values.items():
        if key not in by_key:
            errors[key] = f"“{key}”不能在这里填写。"
            continue
        value: Any = None if raw in (None, "") else check_value(by_key[key], file.raw_text(raw), as_of=on)
        if isinstance(value, Problem):
            if not value.warning:
                errors[key] = str(value)
                continue
            value = value.value
        found[key] = value
    if errors:
        raise ValidationError(errors)
    return found


audit.name_actions({"record_put": "登记台账", "record_withdraw": "撤下台账记录"})
