"""One household after another as the phone shows it: head card, facts, members, open matters, visits, due visits."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from huqing.registry import values as file
from huqing.registry.models import DepartmentRecord, Entry, Household, Label, Person, Source
from huqing.rules.library import library
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.periods import age_on
from huqing.visits.methods import in_use
from huqing.visits.models import Confirmation, Submission
from huqing.visits.packet_reads import Reads
from huqing.visits.packet_tasks import Tasks

VISITS_SHOWN = 5
LEDGER = "home_visit"
# What somebody at the door wants to know, in this order; fields without a value are left out.
FACTS = (
    "household_type",
    "identified_on",
    "risks",
    "main_cause",
    "income_per_head",
    "wage_income",
    "dibao_amount",
    "house_grade",
    "dangerous_house",
    "water_safe",
    "water_source",
    "sanitary_toilet",
    "road_type",
    "arable_area",
    "in_resettlement_site",
    "helper_name",
)
HEALTHY = "01"
# What of a member is worth a word beside the name.
NOTES = ("student_state", "major_disease", "disability_type", "work_region", "public_post")
DEAD = "已故"
_CLOSED = (Submission.State.INCOMPLETE, Submission.State.REPLACED)


class Households:
    """Reads everything about these households with one query per table and arranges it."""

    def __init__(self, rows: Sequence[Household], reads: Reads, tasks: Tasks, day: dt.date) -> None:
        self.rows, self.reads, self.tasks, self.day = rows, reads, tasks, day
        self.ids = [row.pk for row in rows]
        self.people = self._people()
        self.labels = self._labels()
        self.alerts = self._alerts()
        self.origins = self._entries()
        self.visits = self._visits()

    def told(self) -> list[dict[str, Any]]:
        """The households as plain data, in the order given."""
        return [self._one(row) for row in self.rows]

    def _one(self, row: Household) -> dict[str, Any]:
        people = self.people[row.pk]
        labels = self.labels[row.pk]
        names = codelist("label_kind")
        return {
            **located(row),
            "grid": row.grid.name if row.grid else "",
            "labels": list(dict.fromkeys(names.label(kind) for kind, person in labels if person is None)),
            "facts": self._facts(row),
            "members": [self._member(person, labels) for person in people],
            "alerts": self.alerts[row.pk],
            "visits": self.visits[row.pk],
            "tasks": self.tasks.of_household(row),
            "read": {
                "household": self.reads.of_household(row),
                "person": {str(person.pk): told for person in people if (told := self.reads.of_person(person, row))},
            },
        }

    def _facts(self, row: Household) -> list[list[str]]:
        kind = record_kinds()["household"]
        first = row.created_by_source.on if row.created_by_source else None
        changed = self.origins[row.pk]
        facts = []
        for key in FACTS:
            declared = kind[key]
            text = file.shown(declared, file.read(row, declared))
            if text:
                since = changed.get(key, first)
                facts.append([declared.label, f"{text} {declared.unit}".rstrip(), since.isoformat() if since else ""])
        return facts

    def _member(self, person: Person, labels: Iterable[tuple[str, int | None]]) -> dict[str, Any]:
        kind, names = record_kinds()["person"], codelist("label_kind")
        notes = [names.label(label) for label, owner in labels if owner == person.pk]
        health = [code for code in person.items.get("health") or [] if code != HEALTHY]
        notes.append(file.shown(kind["health"], health))
        notes += [file.shown(kind[key], person.items.get(key)) for key in NOTES]
        if person.items.get("alive") is False or person.items.get("died_on"):
            notes.insert(0, DEAD)
        return {
            "id": person.pk,
            "name": person.name,
            "relation": codelist("relation_to_head").label(person.relation) if person.relation else "",
            "age": age_on(person.birth_date, self.day) if person.birth_date else None,
            "notes": list(dict.fromkeys(note for note in notes if note)),
        }

    def _people(self) -> Mapping[int, list[Person]]:
        found = defaultdict(list)
        rows = Person.objects.filter(household__in=self.ids).order_by("relation", "birth_date", "id")
        # What is sealed stays in the database; what is not named here is not read.
        for person in rows.only("household_id", "name", "sex", "birth_date", "id_type", "relation", "items"):
            found[person.household_id].append(person)
        return found

    def _labels(self) -> Mapping[int, list[tuple[str, int | None]]]:
        found = defaultdict(list)
        rows = Label.objects.filter(household__in=self.ids, valid_from__lte=self.day).exclude(valid_to__lt=self.day)
        for household, kind, person in rows.order_by("kind", "id").values_list("household", "kind", "person"):
            found[household].append((kind, person))
        return found

    def _alerts(self) -> Mapping[int, list[dict[str, Any]]]:
        found = defaultdict(list)
        findings = library().findings
        rows = Alert.objects.filter(household__in=self.ids, state=Alert.State.OPEN).order_by("-opened_on", "id")
        for household, finding, person, opened in rows.values_list("household", "finding", "person__name", "opened_on"):
            rule = findings.get(finding)
            if rule is None:
                continue
            title = f"{person}：{rule.title}" if person else rule.title
            found[household].append({"title": title, "resolve": rule.resolve, "since": opened.isoformat()})
        return found

    def _entries(self) -> Mapping[int, dict[str, dt.date]]:
        """The date of the present value of each field that an entry names; the newest date wins."""
        found: dict[int, dict[str, dt.date]] = defaultdict(dict)
        rows = Entry.objects.filter(household__in=self.ids, person=None).values_list("household", "on", "changes")
        for household, on, changes in rows:
            known = found[household]
            for key in changes:
                if key not in known or on > known[key]:
                    known[key] = on
        return found

    def _visits(self) -> Mapping[int, list[dict[str, Any]]]:
        """The last visits to each household, from whatever they were recorded in."""
        found: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in (*self._submitted(), *self._confirmed(), *self._recorded()):
            found[row.pop("household")].append(row)
        for visits in found.values():
            visits.sort(key=lambda visit: visit["on"], reverse=True)
            del visits[VISITS_SHOWN:]
        return found

    def _submitted(self) -> Iterable[dict[str, Any]]:
        rows = Submission.objects.filter(household__in=self.ids).exclude(state__in=_CLOSED)
        columns = ("household", "visited_on", "form__visit_kind", "form__title", "user__display_name")
        for household, on, kind, title, by, state, reason in _last(rows, "visited_on").values_list(
            *columns, "state", "return_reason"
        ):
            yield _visit(household, on, kind, title, by, Submission.State(state).label, reason)

    def _confirmed(self) -> Iterable[dict[str, Any]]:
        visits = {(item.row.pk, visit.key): visit for item in in_use() for visit in item.told.visits}
        rows = Confirmation.objects.filter(household__in=self.ids)
        for household, on, method, visit, by in _last(rows, "on").values_list(
            "household", "on", "task__method", "task__visit", "user__display_name"
        ):
            told = visits.get((method, visit))
            yield _visit(household, on, told.visit_kind if told else "", told.title if told else "走访", by, "无变化")

    def _recorded(self) -> Iterable[dict[str, Any]]:
        """Those of the county's ledger that came as files; what forms and confirmations wrote there is told above."""
        kinds = codelist("visit_kind")
        rows = DepartmentRecord.objects.filter(household__in=self.ids, kind=LEDGER, retired_by=None)
        rows = rows.exclude(source__kind=Source.Kind.VISIT).exclude(on=None)
        for household, on, items in _last(rows, "on").values_list("household", "on", "items"):
            kind = str(items.get("visit_kind") or "")
            title = kinds.label(kind) if kind in kinds else "走访"
            yield _visit(household, on, kind, title, str(items.get("visitor") or ""), "台账")


def located(row: Household) -> dict[str, Any]:
    """Which household it is and where, as every phone is told it."""
    return {
        "id": row.pk,
        "number": row.number,
        "head": row.head_name,
        "address": row.address,
        "group": row.group_name,
        "village": row.village_id,
    }


def _visit(household: int, on: dt.date, kind: str, title: str, by: str, state: str, reason: str = "") -> dict[str, Any]:
    return {
        "household": household,
        "on": on.isoformat(),
        "kind": kind,
        "title": title,
        "by": by,
        "state": state,
        "reason": reason,
    }


def _last(rows: Any, day: str) -> Any:
    """The newest rows of each household, no more than are shown."""
    place = Window(RowNumber(), partition_by=[F("household")], order_by=[F(day).desc(), F("id").desc()])
    return rows.order_by().annotate(place=place).filter(place__lte=VISITS_SHOWN)
