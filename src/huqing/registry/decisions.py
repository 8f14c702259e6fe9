"""What a decision about many households writes into their files: labels that begin or end, and dates.

One household costs a dozen statements by the actions for one (label, value, history, source, audit); two thousand
approved at once would wait half a minute for them. Here every kind of row is written once for all of them, and what is
written is the same: a source, the history and the audit events of each household.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access.audit import Happened
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.registry.file_actions import changed, unsaved_source
from huqing.registry.household_actions import label_change, no_overlap
from huqing.registry.models import Entry, Household, Label, Source


@dataclass(frozen=True)
class Decided:
    """What changes in the file of one household, locked by ``locked_households``.

    ``begins`` is the first day of a new label of the kind; ``ends`` are labels valid to the day of the decision;
    ``values`` are declared fields kept among the household's items. ``reason`` is what the history shows.
    """

    household: Household
    reason: str
    begins: dt.date | None = None
    ends: Sequence[Label] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


def locked_households(pks: Iterable[int]) -> dict[int, Household]:
    """The households, locked in the order of their keys until the transaction ends."""
    rows = Household.objects.select_for_update(of=("self",)).select_related("created_by_source")
    return {row.pk: row for row in rows.filter(pk__in=list(pks)).order_by("pk")}


def labels_of(pks: Iterable[int], kind: str) -> dict[int, list[Label]]:
    """All labels of a kind of these households themselves, the oldest first; past ones too."""
    found: dict[int, list[Label]] = defaultdict(list)
    for label in Label.objects.filter(household__in=list(pks), kind=kind, person=None).order_by("pk"):
        found[label.household_id].append(label)
    return found


def check(one: Decided, labels: Sequence[Label], on: dt.date) -> None:
    """ValidationError if a label of a decision would overlap another of its kind, or end before it began."""
    if one.begins:
        no_overlap(labels, one.begins)
    for label in one.ends:
        if on < label.valid_from:
            raise ValidationError({"on": f"终止日期不能早于起始日期 {label.valid_from}。"})


@transaction.atomic
def write_down(
    decided: Sequence[Decided], *, kind: str, labels: Mapping[int, Sequence[Label]], on: dt.date, by: User | None
) -> list[Happened]:
    """Write decisions of a day into the files; returns the audit events, for the caller to record last.

    ``labels`` are those of ``labels_of`` for the ``kind``. Either all is written or nothing: ValidationError if a label
    would overlap another or a value is wrong. Who may decide is the caller's to judge, and the re-check to ask for.
    """
    todo = [one for one in decided if one.begins or one.ends or one.values]
    for one in todo:
        check(one, labels.get(one.household.pk, ()), on)
    sources = {
        one.household.pk: unsaved_source(by=by, on=on, reason=one.reason, region_code=one.household.region_code)
        for one in todo
    }
    Source.objects.bulk_create(sources.values())
    known = _entries(one.household.pk for one in todo if one.values)
    now, rows, entries, happened = timezone.now(), [], [], []
    for one in todo:
        told = {"reason": hide_numbers(one.reason)}
        for action, changes, detail in _changes(one, kind, on, known[one.household.pk]):
            source = sources[one.household.pk]
            entries.append(Entry(household=one.household, source=source, on=on, at=now, changes=changes))
            happened.append(Happened(None, action, one.household, detail=detail | told))
            if action == "file_edit":
                one.household.updated_at = now
                rows.append(one.household)
    Label.objects.filter(pk__in=[label.pk for one in todo for label in one.ends]).update(valid_to=on)
    Label.objects.bulk_create(
        Label(household=one.household, kind=kind, valid_from=one.begins, source=sources[one.household.pk])
        for one in todo
        if one.begins
    )
    Household.objects.bulk_update(rows, ["items", "updated_at"])
    Entry.objects.bulk_create(entries)
    return happened


def _changes(
    one: Decided, kind: str, on: dt.date, entries: list[Entry]
) -> Iterator[tuple[str, dict[str, list[Any]], dict[str, Any]]]:
    """The audit action, the line of history and the audit detail of each change; values are put on the household."""
    for label in one.ends:
        began = f"{label.valid_from} 起"
        yield "label_end", label_change(kind, began, f"{began}至 {on}"), {"label": kind}
    if one.begins:
        yield "label_set", label_change(kind, None, f"{one.begins} 起"), {"label": kind}
    changes, _ = changed(one.household, one.values, on, entries)
    if changes:
        yield "file_edit", changes, {"fields": list(changes)}


def _entries(pks: Iterable[int]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = defaultdict(list)
    for entry in Entry.objects.filter(household__in=list(pks), person=None).select_related("source"):
        found[entry.household_id].append(entry)
    return found
