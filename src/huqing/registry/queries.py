"""Reads on the registry: a household's file with sources, its history, department facts, search, counts by place."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Value

from huqing.access.models import User
from huqing.access.scope import code_range
from huqing.registry import values as file
from huqing.registry.models import DepartmentRecord, Entry, Household, Person, Source
from huqing.registry.searching import Hit, search
from huqing.registry.values import Origin
from huqing.standards.fields import Field, RecordKind, record_kinds
from huqing.standards.regioncodes import Level
from huqing.standards.values import display

__all__ = ["Hit", "Origin", "counts_by_region", "file_of", "history", "origins", "record_facts", "search"]


@dataclass(frozen=True)
class FieldValue:
    """One declared field of a file: the stored value (sealed: masked), its text with unit, where it comes from."""

    field: Field
    value: Any
    text: str
    source: Source | None = None
    on: dt.date | None = None


@dataclass(frozen=True)
class Section:
    """The fields of one section in declaration order."""

    name: str
    values: list[FieldValue]


@dataclass(frozen=True)
class FileOf:
    """A household's file: its own sections, and those of each member in order of relation."""

    household: Household
    sections: list[Section]
    members: list[tuple[Person, list[Section]]]


@dataclass(frozen=True)
class Change:
    """One value of one history entry as text."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Event:
    """One entry of the history."""

    entry: Entry
    person: Person | None
    changes: list[Change]


@dataclass(frozen=True)
class Facts:
    """The linked, valid rows of one department kind, newest first, as texts by field."""

    kind: RecordKind
    rows: list[tuple[DepartmentRecord, list[FieldValue]]]


def file_of(household: Household) -> FileOf:
    """Every declared field of the household and its members, in four queries."""
    members = list(household.members.select_related("created_by_source").order_by("relation", "birth_date", "pk"))
    entries: dict[int | None, list[Entry]] = defaultdict(list)
    for entry in household.entries.filter(person=None).select_related("source"):
        entries[None].append(entry)
    for entry in Entry.objects.filter(person__in=members).select_related("source"):
        entries[entry.person_id].append(entry)
    return FileOf(
        household=household,
        sections=_sections(household, entries[None]),
        members=[(person, _sections(person, entries[person.pk])) for person in members],
    )


def origins(row: Household | Person) -> dict[str, Origin]:
    """For every declared field where its present value comes from: the newest date wins, then the latest entry."""
    entries = row.entries.filter(person=None) if isinstance(row, Household) else Entry.objects.filter(person=row)
    keys = [field.key for field in file.kind_of(row).fields]
    return file.origins(entries.select_related("source"), row.created_by_source, keys)


def history(household: Household, *, limit: int | None = None) -> list[Event]:
    """The changes of the file, newest first, as texts."""
    entries = household.entries.select_related("source", "source__created_by", "person").order_by("-at", "-pk")
    return [_event(entry) for entry in entries[:limit]]


def record_facts(household: Household) -> list[Facts]:
    """What departments report about the household and its people, by kind in declaration order."""
    rows: dict[str, list[DepartmentRecord]] = defaultdict(list)
    linked = DepartmentRecord.objects.filter(household=household, retired_by=None)
    for record in linked.select_related("source", "person").order_by("-on", "-pk"):
        rows[record.kind].append(record)
    return [
        Facts(
            kind, [(record, [_value(field, record.items.get(field.key)) for field in kind.items]) for record in found]
        )
        for key, kind in record_kinds().items()
        if (found := rows.get(key))
    ]


def counts_by_region(prefix: str, level: Level = Level.TOWN, *, user: User | None = None) -> dict[str, dict[str, int]]:
    """Active households and people in households for each place of ``level`` inside ``prefix``: code → counts.

    With ``user`` only what the account sees is counted.
    """
    households = Household.objects.filter(code_range(prefix), status=Household.Status.ACTIVE)
    people = Person.objects.filter(code_range(prefix), household__isnull=False)
    if user is not None:
        households, people = households.visible_to(user), people.visible_to(user)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: {"households": 0, "people": 0})
    for key, rows in (("households", households), ("people", people)):
        # By the full code, which the index has in order; villages are few enough to add up here.
        for code, count in rows.order_by().values_list("region_code").annotate(count=Count(Value(1))):
            counts[code[: level.width]][key] += count
    return dict(sorted(counts.items()))


def _sections(row: Household | Person, entries: Sequence[Entry]) -> list[Section]:
    fields = [field for field in file.kind_of(row).fields if not field.linked]
    known = file.origins(entries, row.created_by_source, [field.key for field in fields])
    sections: dict[str, list[FieldValue]] = defaultdict(list)
    for field in fields:
        value = file.for_history(field, file.read(row, field))
        origin = known[field.key] if value is not None else Origin(None, None)
        sections[field.section].append(_value(field, value, origin))
    return [Section(name, found) for name, found in sections.items()]


def _value(field: Field, value: Any, origin: Origin | None = None) -> FieldValue:
    text = str(value or "") if field.sealed else display(field, value)
    unit = field.unit if text else ""
    return FieldValue(field, value, f"{text}{unit}", origin.source if origin else None, origin.on if origin else None)


def _event(entry: Entry) -> Event:
    kind = record_kinds()["person" if entry.person_id else "household"]
    changes = []
    for key, (old, new) in entry.changes.items():
        field = kind.by_key.get(key)
        if field is None:
            changes.append(Change(key, str(old or ""), str(new or "")))
        else:
            changes.append(Change(field.label, _value(field, old).text, _value(field, new).text))
    return Event(entry, entry.person, changes)
