"""The rows behind a household's page: one plain query per table, and what they name put in from as few more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from huqing.access.models import User
from huqing.access.prepared import prepared
from huqing.registry.models import DepartmentRecord, Entry, Household, Label, Person, Source
from huqing.screening.models import Alert

MOST_RECORDS = 200
MOST_ENTRIES = 1000


@prepared
def members(household: int) -> QuerySet[Person]:
    return Person.objects.filter(household_id=household).order_by("relation", "birth_date", "id")


@prepared
def labels(household: int) -> QuerySet[Label]:
    return Label.objects.filter(household_id=household).order_by("-valid_from", "kind")


@prepared
def entries(household: int) -> QuerySet[Entry]:
    return Entry.objects.filter(household_id=household).order_by("-at", "-id")[:MOST_ENTRIES]


@prepared
def alerts(household: int) -> QuerySet[Alert]:
    return Alert.objects.filter(household_id=household).order_by("-opened_on", "id")


@prepared
def records(household: int) -> QuerySet[DepartmentRecord]:
    linked = DepartmentRecord.objects.filter(household_id=household, retired_by=None)
    return linked.order_by("-on", "-id")[:MOST_RECORDS]


def tell(
    household: Household,
    people: Sequence[Person],
    *,
    labels: Sequence[Label],
    entries: Sequence[Entry],
    alerts: Sequence[Alert],
    records: Sequence[DepartmentRecord],
) -> None:
    """Give the rows of a household their sources and people.

    A join per list would have the database and Django carry the same few rows many times over.
    """
    told = {row.source_id for row in (*entries, *records)} | {household.created_by_source_id}
    sources = Source.objects.select_related("created_by").in_bulk(told - {None})
    household.created_by_source = sources.get(household.created_by_source_id)
    _set(people, "household", {household.pk: household})
    _set(entries, "source", sources)
    _set(records, "source", sources)
    about = [*labels, *entries, *alerts, *records]
    _set(about, "person", _people(about, people))
    waived = [alert for alert in alerts if alert.waived_by_id]
    _set(waived, "waived_by", User.objects.in_bulk({alert.waived_by_id for alert in waived}) if waived else {})


def _set(rows: Iterable[Any], name: str, known: Mapping[int, Any]) -> None:
    """Give each row the object its key names."""
    for row in rows:
        setattr(row, name, known.get(getattr(row, f"{name}_id")))


def _people(rows: Iterable[Any], members: Iterable[Person]) -> dict[int, Person]:
    """The members, and whoever else the rows name: somebody who has left."""
    known = {person.pk: person for person in members}
    gone = {row.person_id for row in rows} - {None} - known.keys()
    return {**known, **Person.objects.in_bulk(gone)} if gone else known
