"""One household's file as its page shows it: every value with unit, source and date; labels; history; linked facts.

Everything is read with a fixed number of queries, whatever the size of the family.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.http import Http404

from huqing.access.seal import mask, unseal
from huqing.office import household_rows as rows
from huqing.office import wording
from huqing.registry import values as file
from huqing.registry.models import DepartmentRecord, Entry, Household, Label, Person
from huqing.registry.values import Origin, shown
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist
from huqing.standards.fields import SEALED, Field, record_kinds
from huqing.standards.periods import age_on

if TYPE_CHECKING:
    from huqing.access.models import User

NUMERIC = frozenset({"integer", "decimal", "money"})
# The head card shows these, so the sections below leave them out.
IN_HEAD = frozenset({"number", "head_name", "group_name", "village_code", "member_count"})
PERSON_IN_HEAD = frozenset({"name"})
# Follows from the members.
FOLLOWS = "member_count"
HISTORY_SHOWN = 20


@dataclass(frozen=True)
class Fact:
    """One declared field of a file with its present value, ready to be shown."""

    key: str
    label: str
    text: str
    unit: str = ""
    numeric: bool = False
    sealed: bool = False
    editable: bool = True
    meaning: str = ""
    source: str = ""
    source_title: str = ""


@dataclass(frozen=True)
class Section:
    """The fields of one section, split into those with a value and those without."""

    name: str
    facts: list[Fact]

    @property
    def filled(self) -> list[Fact]:
        """The fields that have a value."""
        return [fact for fact in self.facts if fact.text]

    @property
    def empty(self) -> list[Fact]:
        """The fields nobody has filled in yet."""
        return [fact for fact in self.facts if not fact.text]


@dataclass(frozen=True)
class Change:
    """One value of one history entry, before and after."""

    label: str
    old: str
    new: str
    unit: str


@dataclass(frozen=True)
class Event:
    """One entry of the history."""

    entry: Entry
    person: str
    changes: list[Change]


@dataclass(frozen=True)
class Member:
    """One row of the members table."""

    person: Person
    relation: str
    sex: str
    age: int | None
    id_masked: str
    phone_masked: str
    labels: list[str]
    health: str
    work: str


@dataclass(frozen=True)
class Records:
    """The linked rows of one department's kind of file."""

    name: str
    department: str
    rows: list[tuple[DepartmentRecord, list[Fact]]]


@dataclass
class HouseholdFile:
    """Everything on the household page."""

    household: Household
    sections: list[Section]
    members: list[Member]
    labels: list[Label]
    past_labels: list[Label]
    labels_now: list[Label]
    alerts: list[Alert]
    past_alerts: list[Alert]
    events: list[Event]
    more_events: bool
    records: list[Records]
    helper: str
    phone_masked: str
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def patients(self) -> set[int]:
        """The members with a hospital bill among the linked rows."""
        records = [record for group in self.records for record, _ in group.rows]
        return {
            record.person_id
            for record in records
            if record.kind == "medical_bill" and record.items.get("care_kind") == "1" and record.person_id
        }

    @property
    def record_count(self) -> int:
        """How many department rows are linked."""
        return sum(len(group.rows) for group in self.records)


def find(user: User, pk: int) -> Household:
    """The household, if the account may see it; Http404 otherwise, so that nobody learns what exists elsewhere."""
    household = Household.objects.visible_to(user).select_related("village", "grid").filter(pk=pk).first()
    if household is None:
        raise Http404
    return household


def find_person(user: User, pk: int) -> Person:
    """The person, if the account may see them; Http404 otherwise."""
    people = Person.objects.visible_to(user).select_related("household", "household__village", "created_by_source")
    person = people.filter(pk=pk).first()
    if person is None:
        raise Http404
    return person


def load(household: Household, *, today: dt.date) -> HouseholdFile:
    """Read and arrange the whole file of a household found by ``find``."""
    people = rows.members(household.pk)
    labels = rows.labels(household.pk)
    entries = rows.entries(household.pk)
    alerts = rows.alerts(household.pk)
    records = rows.records(household.pk)
    rows.tell(household, people, labels=labels, entries=entries, alerts=alerts, records=records)
    names = {person.pk: person.name for person in people}
    current = [label for label in labels if _in_force(label, today)]
    sections = sections_of(household, known_origins(household, [e for e in entries if e.person_id is None]), IN_HEAD)
    result = HouseholdFile(
        household=household,
        sections=sections,
        members=[_member(person, current, today) for person in people],
        labels=_distinct(label for label in current if label.person_id is None),
        past_labels=[label for label in labels if not _in_force(label, today)],
        labels_now=current,
        alerts=sorted(
            (alert for alert in alerts if alert.state != Alert.State.CLOSED),
            key=lambda alert: (alert.state, wording.SEVERITY_ORDER.index(alert.severity), -alert.pk),
        ),
        past_alerts=[alert for alert in alerts if alert.state == Alert.State.CLOSED],
        events=[_event(entry, names) for entry in entries[:HISTORY_SHOWN]],
        more_events=len(entries) > HISTORY_SHOWN,
        records=_by_kind(records),
        helper=str(household.items.get("helper_name", "")),
        phone_masked=masked("phone", household.phone_sealed),
    )
    facts = [fact for section in sections for fact in section.facts]
    result.counts = {"fields": len(facts), "filled": sum(1 for fact in facts if fact.text)}
    return result


def history(household: Household, *, after: int) -> list[Event]:
    """The history entries behind the first ``after``."""
    people = dict(household.members.values_list("pk", "name"))
    entries = household.entries.select_related("source", "source__created_by", "person").order_by("-at", "-id")
    return [_event(entry, people) for entry in entries[after : rows.MOST_ENTRIES]]


def sections_of(
    row: Household | Person, known: dict[str, Origin], hidden: frozenset[str] = frozenset()
) -> list[Section]:
    """The fields of a roster kind by section, in declaration order."""
    sections: dict[str, list[Fact]] = {}
    for declared in file.kind_of(row).fields:
        if declared.linked or declared.key in hidden:
            continue
        sections.setdefault(declared.section, []).append(fact(declared, row, known.get(declared.key)))
    return [Section(name, facts) for name, facts in sections.items()]


def fact(declared: Field, row: Household | Person, origin: Origin | None) -> Fact:
    """One field of a file with its present value; a sealed one masked."""
    if declared.sealed:
        text = masked(declared.type, getattr(row, f"{declared.key}_sealed"))
    else:
        text = shown(declared, file.read(row, declared))
    source = origin.source if origin is not None and text else None
    return Fact(
        key=declared.key,
        label=declared.label,
        text=text,
        unit=declared.unit,
        numeric=declared.type in NUMERIC,
        sealed=declared.sealed,
        editable=editable(declared),
        meaning=declared.meaning,
        source=f"{source.get_kind_display()} {origin.on:%Y-%m-%d}" if source and origin and origin.on else "",
        source_title=source.title if source else "",
    )


def editable(declared: Field) -> bool:
    """Whether somebody may type this value; the others follow from elsewhere or have actions of their own."""
    return not declared.derived and declared.key not in file.FIXED and declared.key != FOLLOWS


def masked(kind: str, sealed: bytes | None) -> str:
    """A sealed value with its middle hidden; empty when there is none."""
    return mask(kind, unseal(bytes(sealed))) if sealed else ""


def known_origins(row: Household | Person, entries: Iterable[Entry]) -> dict[str, Origin]:
    """For each declared field where its present value comes from; ``entries`` are those of this row."""
    keys = [declared.key for declared in file.kind_of(row).fields]
    return file.origins(entries, row.created_by_source, keys)


def _in_force(label: Label, today: dt.date) -> bool:
    return label.valid_from <= today and (label.valid_to is None or label.valid_to >= today)


def _distinct(labels: Iterable[Label]) -> list[Label]:
    """One label of each kind, the latest."""
    return list({label.kind: label for label in sorted(labels, key=lambda label: label.valid_from)}.values())


def _member(person: Person, labels: Sequence[Label], today: dt.date) -> Member:
    kind = record_kinds()["person"]
    work = [shown(kind[key], person.items.get(key)) for key in ("work_region", "public_post")]
    return Member(
        person=person,
        relation=codelist("relation_to_head").label(person.relation) if person.relation else "",
        sex=codelist("sex").label(person.sex).removesuffix("性") if person.sex else "",
        age=age_on(person.birth_date, today) if person.birth_date else None,
        id_masked=masked("id_number", person.id_number_sealed),
        phone_masked=masked("phone", person.phone_sealed),
        labels=list(dict.fromkeys(label.kind for label in labels if label.person_id == person.pk)),
        health=shown(kind["health"], person.items.get("health")),
        work="、".join(filter(None, work)),
    )


def _event(entry: Entry, names: dict[int, str]) -> Event:
    kind = record_kinds()["person" if entry.person_id else "household"]
    changes = []
    for key, (old, new) in entry.changes.items():
        declared = kind.by_key.get(key)
        if declared is None:
            changes.append(Change(key, str(old or ""), str(new or ""), ""))
        elif declared.type in SEALED:
            changes.append(Change(declared.label, str(old or ""), str(new or ""), ""))
        else:
            changes.append(Change(declared.label, shown(declared, old), shown(declared, new), declared.unit))
    person = names.get(entry.person_id, "") or (entry.person.name if entry.person else "")
    return Event(entry, person, changes)


def _by_kind(records: Iterable[DepartmentRecord]) -> list[Records]:
    grouped: dict[str, list[tuple[DepartmentRecord, list[Fact]]]] = {}
    for record in records:
        kind = record_kinds().get(record.kind)
        if kind is None:
            continue
        facts = [
            Fact(f.key, f.label, shown(f, record.items[f.key]), f.unit, numeric=f.type in NUMERIC)
            for f in kind.items
            if f.key in record.items
        ]
        grouped.setdefault(record.kind, []).append((record, facts))
    kinds = record_kinds()
    return [Records(kinds[key].name, kinds[key].department, rows) for key, rows in grouped.items()]


@dataclass(frozen=True)
class PersonFile:
    """Everything about one person."""

    person: Person
    relation: str
    sex: str
    age: int | None
    id_masked: str
    sections: list[Section]
    labels: list[Label]
    records: list[Records]
    events: list[Event]


def load_person(person: Person, *, today: dt.date) -> PersonFile:
    """Read and arrange the file of a person found by ``find_person``."""
    entries = list(
        person.entries.select_related("source", "source__created_by", "person").order_by("-at", "-id")[
            : rows.MOST_ENTRIES
        ]
    )
    labels = list(person.labels.select_related("person").order_by("-valid_from", "kind"))
    records = list(
        person.records.filter(retired_by=None)
        .select_related("source", "person")
        .order_by("-on", "-id")[: rows.MOST_RECORDS]
    )
    member = _member(person, [], today)
    return PersonFile(
        person=person,
        relation=member.relation,
        sex=member.sex,
        age=member.age,
        id_masked=member.id_masked,
        sections=sections_of(person, known_origins(person, entries), PERSON_IN_HEAD),
        labels=[label for label in labels if _in_force(label, today)],
        records=_by_kind(records),
        events=[_event(entry, {person.pk: person.name}) for entry in entries[:HISTORY_SHOWN]],
    )
