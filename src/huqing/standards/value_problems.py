"""What a checked value may be, and how a refusal is worded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from huqing.standards.codelists import codelist
from huqing.standards.fields import Field
from huqing.standards.personal_numbers import hide_numbers
from huqing.standards.text import clean

Value = str | int | bool | list[str] | None
Raw = str | int | float | date | None


@dataclass(frozen=True)
class Problem:
    """What is wrong with a value, and what to write instead, both in Chinese.

    A `warning` does not keep the row out: `value` is what is stored, and somebody should look at it. The message of a
    sealed field never repeats what was typed, and no message repeats a person's number.
    """

    message: str
    remedy: str
    warning: bool = False
    value: Value = None

    def __str__(self) -> str:
        return f"{self.message}：{self.remedy}"


Checked = str | int | bool | list[str] | Problem | None

_EXAMPLES = {"date": "2024-03-05", "month": "2024-03", "year": "2024"}


def missing(field: Field) -> Problem:
    """The problem of a required field that says nothing."""
    return Problem(f"「{field.label}」没有填", f"请填写{field.label}{hint(field)}")


def hint(field: Field) -> str:
    """What a value of `field` looks like, to be put behind its name."""
    if field.type in _EXAMPLES:
        return f"，如 {_EXAMPLES[field.type]}"
    if field.codelist:
        return f"：{codelist(field.codelist).suggestion('')}"
    return f"（单位：{field.unit}）" if field.unit else ""


def wrote(field: Field, text: str) -> str:
    """The start of a message: the field and what was written; never a person's number, whatever column it is in."""
    if field.sealed:
        return f"「{field.label}」填写的内容"
    shown = hide_numbers(clean(text))
    return f"「{field.label}」填了“{shown[:30]}{'…' if len(shown) > 30 else ''}”"
