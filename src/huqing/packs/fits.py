"""Which questions fit which fields of the file, and how a value is written in a form and read back from an answer."""

from __future__ import annotations

from typing import Any

from huqing.standards.codelists import codelist
from huqing.standards.fields import Field
from huqing.standards.money import yuan_text
from huqing.standards.values import display

YES, NO = "yes", "no"
YES_NO = "yes_no"
SHOWN = ("note", "text")
FREE = ("calculate", "hidden")
# Types of question an answer of which can become a value of the field, best first.
WRITTEN_BY: dict[str, tuple[str, ...]] = {
    "text": ("text",),
    "name": ("text",),
    "integer": ("integer", "range"),
    "year": ("integer", "range"),
    "decimal": ("decimal",),
    "money": ("decimal",),
    "date": ("date",),
    "month": ("date",),
    "boolean": ("select_one",),
    "code": ("select_one",),
    "codes": ("select_multiple",),
}
CODED = ("boolean", "code", "codes")
WORDS = {
    "text": "text（文字）",
    "integer": "integer（整数）",
    "decimal": "decimal（小数）",
    "range": "range（范围）",
    "date": "date（日期）",
    "select_one": "select_one（单选）",
    "select_multiple": "select_multiple（多选）",
}
# Numbers and villages name a household; they change by actions of their own (registry.values.FIXED).
FIXED = frozenset({"number", "village_code"})


def unreadable(field: Field) -> str:
    """Why a field cannot be shown in a form; "" if it can."""
    return "是加密存放的号码，不带到手机上" if field.sealed else ""


def unwritable(field: Field) -> str:
    """Why an answer cannot become the field's value; "" if it can."""
    if field.sealed:
        return "是加密存放的号码，不能在表单里收集"
    if field.derived:
        return "是算出来的"
    if field.linked:
        return "由所在的村和成员表得来，不单独保存"
    return "只能在户档案里办理变更" if field.key in FIXED else ""


def fits(field: Field, kind: str, *, writes: bool) -> bool:
    """Whether a question of this type can take (and, unless ``writes``, at least show) the field."""
    if kind in FREE:
        return True
    return kind in WRITTEN_BY.get(field.type, ()) or (not writes and kind in SHOWN)


def codes_of(field: Field) -> tuple[tuple[str, str], ...]:
    """The choices of a coded field: (code in the form, label)."""
    if field.type == "boolean":
        return ((YES, "是"), (NO, "否"))
    return codelist(field.codelist).items if field.codelist else ()


def list_of(field: Field) -> str:
    """The name under which a form may use a coded field's choices without writing them down."""
    return YES_NO if field.type == "boolean" else field.codelist


def prefill_text(field: Field, value: Any, *, words: bool = False) -> str:
    """A stored value as a form takes it: codes apart by blanks, yes/no, yuan, a month as its first day; "" if none.

    ``words`` for notes and texts: labels instead of codes.
    """
    if value is None or value == "":
        return ""
    if words:
        return display(field, value)
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, list):
        return " ".join(str(code) for code in value)
    if field.type == "money":
        return yuan_text(value)
    return f"{value}-01" if field.type == "month" else str(value)


def answer_value(field: Field, text: str) -> Any:
    """An answer of a form as the file's checker takes it (``standards.values.check_value``); None for no answer."""
    text = text.strip()
    if not text:
        return None
    if field.type == "boolean" and text in (YES, NO):
        return text == YES
    if field.type == "codes":
        return text.split()
    return text[:7] if field.type == "month" else text
