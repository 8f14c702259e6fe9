"""Editing one field of a file in place: which control it gets, what is in it, and whether it changed meanwhile."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from huqing.office import household_file
from huqing.registry import actions
from huqing.registry import values as file
from huqing.registry.file_actions import lock_household
from huqing.registry.models import Household, Person
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field
from huqing.standards.value_problems import Problem
from huqing.standards.values import check_value, display

if TYPE_CHECKING:
    from huqing.access.models import User

# Why a value is changed on the screen; the choice stands in the history.
REASONS = ["入户核实", "本人提供材料", "更正录入错误", "部门核对结果", "村组上报"]


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
    kinds = {"date": "date", "phone": "tel"}
    return kinds.get(field.type, "long" if field.key.endswith("note") else "text"), []


def typed_value(field: Field, row: Household | Person, typed: list[str] | None) -> Any:
    """What stands in the control: what was typed before, else the present value; a sealed one is never filled in."""
    if typed is not None:
        return typed if field.type == "codes" else "".join(typed)
    value = None if field.sealed else file.read(row, field)
    if value is None:
        return [] if field.type == "codes" else ""
    return value if field.type in ("code", "codes") else display(field, value)


def fingerprint(field: Field, row: Household | Person) -> str:
    """What the form remembers of the present value, to notice that somebody else changed it meanwhile."""
    if field.sealed:
        content = bytes(getattr(row, f"{field.key}_sealed") or b"")
    else:
        content = json.dumps(file.read(row, field), ensure_ascii=False).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def problem_of(field: Field, typed: list[str]) -> dict[str, str]:
    """What is wrong with a typed value, as the form takes it, so that all errors of a form are said at once."""
    checked = check_value(field, "、".join(typed), as_of=timezone.localdate())
    return {"problem": str(checked)} if isinstance(checked, Problem) and not checked.warning else {}


@transaction.atomic
def edit_field(
    *, by: User, row: Household | Person, field: Field, typed: list[str], on: dt.date, reason: str, seen: str
) -> actions.Edit:
    """Write one value that somebody typed.

    ``seen`` is the fingerprint of the value the form was drawn with. Raises Changed when the value is another one by
    now, and what ``registry.actions.set_values`` raises.
    """
    lock_household(row.household_id if isinstance(row, Person) else row.pk)
    row = type(row).objects.select_for_update(of=("self",)).get(pk=row.pk)
    if seen != fingerprint(field, row):
        now = household_file.fact(field, row, None).text or "未填"
        raise Changed(f"您打开之后，别人把这一项改成了“{now}”。请核对后再保存一次。")
    person = row if isinstance(row, Person) else None
    household = row.household if isinstance(row, Person) else row
    if household is None:
        raise actions.RegistryError("此人已不在任何一户，不能修改。请先办理转入。")
    value: Any = typed if field.type == "codes" else "".join(typed)
    return actions.set_values(
        household=household, person=person, values={field.key: value}, by=by, on=on, reason=reason
    )
