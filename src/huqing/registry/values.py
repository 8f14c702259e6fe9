"""Declared fields on rows of the registry: where each lives, reading it, writing it, and where it came from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from huqing.access.seal import mask, seal, token, unseal
from huqing.registry.models import Entry, Household, Person, Source
from huqing.standards import idnumbers
from huqing.standards.fields import Field, RecordKind, record_kinds
from huqing.standards.text import pinyin_initials
from huqing.standards.values import display

# Changed by actions of their own: a household's number names it, its village is where it lives.
FIXED = frozenset({"number", "village_code"})
_PINYIN = {"name": "name_pinyin", "head_name": "head_pinyin"}
_TOKENS = {
    ("person", "id_number"): "id_token",
    ("person", "phone"): "phone_token",
    ("household", "phone"): "phone_token",
}


@dataclass(frozen=True)
class Origin:
    """Which source said a value, and for which date; the newest date wins, then the latest entry."""

    source: Source | None
    on: dt.date | None


def kind_of(row: Household | Person) -> RecordKind:
    """The roster kind that declares the fields of a row."""
    return record_kinds()["household" if isinstance(row, Household) else "person"]


def read(row: Household | Person, field: Field) -> Any:
    """The present stored value: dates as ISO text, a sealed value in plain text; None when there is none."""
    if field.sealed:
        sealed = getattr(row, f"{field.key}_sealed")
        return unseal(bytes(sealed)) if sealed else None
    if not field.column:
        return row.items.get(field.key)
    value = row.region_code if field.key == "village_code" else getattr(row, field.key)
    if isinstance(value, dt.date):
        return value.isoformat()
    return None if value == "" else value


def write(row: Household | Person, field: Field, value: Any) -> None:
    """Put a checked value on the row (not saved), with everything that follows from it."""
    if field.sealed:
        _write_sealed(row, field, value)
    elif not field.column:
        if value is None:
            row.items.pop(field.key, None)
        else:
            row.items[field.key] = value
    else:
        stored = row._meta.get_field(field.key)
        if field.type == "date":
            value = dt.date.fromisoformat(value) if value else None
        setattr(row, field.key, value if value is not None or stored.null else "")
        if field.key in _PINYIN:
            setattr(row, _PINYIN[field.key], pinyin_initials(value or ""))


def _write_sealed(row: Household | Person, field: Field, value: str | None) -> None:
    kind: Any = field.type
    setattr(row, f"{field.key}_sealed", seal(value, kind) if value else None)
    token_column = _TOKENS.get((kind_of(row).key, field.key))
    if token_column:
        setattr(row, token_column, token(kind, value) if value else "")
    if field.key == "phone":
        row.phone_state = idnumbers.phone_state(value) if value else ""
    if isinstance(row, Person) and field.key == "id_number":
        parsed = idnumbers.parse(value)
        row.id_state = parsed.state if value else ""
        row.id_birth_date, row.id_sex = parsed.birth_date, parsed.sex


def for_history(field: Field, value: Any) -> Any:
    """What an entry keeps of a value: a sealed one masked."""
    kind: Any = field.type
    return mask(kind, value) if field.sealed and value else value


def origins(entries: Iterable[Entry], created: Source | None, keys: Iterable[str]) -> dict[str, Origin]:
    """For each key where its present value comes from.

    ``entries`` are those of one row. What no entry names came with the source that made the row. An entry with an older
    date than another that names the key is history only.
    """
    first = Origin(created, created.on if created else None)
    found = dict.fromkeys(keys, first)
    for entry in sorted(entries, key=lambda entry: (entry.on, entry.pk)):
        for key in entry.changes:
            known = found.get(key)
            if known is not None and (known.on is None or entry.on >= known.on):
                found[key] = Origin(entry.source, entry.on)
    return found


def value_on(entries: Iterable[Entry], key: str, on: dt.date, now: Any) -> Any:
    """What the file said of ``key`` on a past day: the newest entry up to it, or what the first later one replaced."""
    ordered = sorted((entry for entry in entries if key in entry.changes), key=lambda entry: (entry.on, entry.pk))
    before = [entry for entry in ordered if entry.on <= on]
    if before:
        return before[-1].changes[key][1]
    return ordered[0].changes[key][0] if ordered else now


def shown(declared: Field, value: Any) -> str:
    """A value as pages and phones write it: money and whole numbers with separators, codes by their labels."""
    if value in (None, "") or value == []:
        return ""
    if declared.type == "money":
        whole, _, cents = display(declared, value).partition(".")
        return f"{int(whole):,}" + (f".{cents}" if cents.strip("0") else "")
    if declared.type == "decimal":
        text = str(value)
        return text.rstrip("0").rstrip(".") if "." in text else text
    if declared.type == "integer":
        return f"{value:,}"
    return display(declared, value)


def raw_text(raw: Any) -> Any:
    """What a form sends, as the checker takes it: several codes joined, yes/no as words."""
    if isinstance(raw, bool):
        return "是" if raw else "否"
    if isinstance(raw, list | tuple):
        return "、".join(str(part) for part in raw)
    return raw


def declared(row: Household | Person, values: Mapping[str, Any]) -> dict[str, Field | None]:
    """The declaration of each key that may be written by hand; None for the others."""
    kind = kind_of(row)
    fields = {key: kind.by_key.get(key) for key in values}
    return {
        key: None if field is None or field.linked or field.derived or key in FIXED else field
        for key, field in fields.items()
    }
