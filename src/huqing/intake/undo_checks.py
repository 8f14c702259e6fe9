"""What stands in the way of an undo: changes of a later source that build on what the import did."""

# ruff: noqa: S608 - only constant names

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.db.models import Q

from huqing.intake import existing
from huqing.intake.errors import UndoRefused
from huqing.intake.models import Import, PriorState
from huqing.registry.models import DepartmentRecord, Entry, Label, Membership, Source

_MOST_NAMED = 3


def refuse_if_built_upon(intake: Import) -> None:
    """Raise ``UndoRefused`` with the sources to undo first, when there are any."""
    later: Counter[int | None] = Counter()
    later.update(_on_made_rows(intake))
    later.update(_in_entries(intake.source))
    later.update(_on_touched_rows(intake))
    if not later:
        return
    sources = Source.objects.in_bulk([pk for pk in later if pk])
    named = [
        f"“{sources[pk].title}”（{sources[pk].on}，{count} 处）" if pk else f"页面上的修改（{count} 处）"
        for pk, count in later.most_common(_MOST_NAMED)
    ]
    more = f" 等 {len(later)} 项" if len(later) > _MOST_NAMED else ""
    raise UndoRefused(
        f"不能撤销：后来的变更用到了这次导入的内容：{'、'.join(named)}{more}。请先撤销它们，或在页面上单独更正。"
    )


def _on_made_rows(intake: Import) -> list[int | None]:
    """Other sources' memberships, labels and records about the households and people the import made."""
    source = intake.source
    linked = PriorState.objects.filter(intake=intake, table="record").values("row_id")
    found: list[int | None] = []
    for model in (Membership, Label, DepartmentRecord):
        rows = model._base_manager.filter(
            Q(household__created_by_source=source) | Q(person__created_by_source=source)
        ).exclude(source=source)
        if model is DepartmentRecord:
            # A retired record says nothing about anybody any more; one that this import itself linked is let go.
            rows = rows.filter(retired_by__isnull=True).exclude(pk__in=linked)
        found += rows.values_list("source_id", flat=True)
    return found


def _in_entries(source: Source) -> list[int | None]:
    """Later entries that change what the import made or changed; those that cancel out (undone) do not count."""
    ours: dict[tuple[int, int | None], set[str]] = {}
    entries = Entry.objects.filter(source=source).values_list("household_id", "person_id", "changes")
    for household, person, changes in entries.iterator(20_000):
        ours.setdefault(_subject(household, person), set()).update(changes)
    net: dict[tuple[tuple[int, int | None], str], list[Any]] = {}
    for row in _later_entries(source):
        subject = _subject(row["household_id"], row["person_id"])
        for key, (old, new) in json.loads(row["changes"]).items():
            if row["made"] or key in ours.get(subject, ()):
                first = net.setdefault((subject, key), [old, new, row["source_id"]])
                first[1:] = [new, row["source_id"]]
    return [who for old, new, who in net.values() if old != new]


def _subject(household: int, person: int | None) -> tuple[int, int | None]:
    # A person's values are the person's own, whichever household the entry was written under.
    return (household, None) if person is None else (0, person)


def _later_entries(source: Source) -> list[dict[str, Any]]:
    made = "coalesce(p.created_by_source_id, CASE WHEN e.person_id IS NULL THEN h.created_by_source_id END, 0) = %s"
    joined = (
        "registry_entry e JOIN registry_household h ON h.id = e.household_id "
        "LEFT JOIN registry_person p ON p.id = e.person_id"
    )
    columns = {
        "e.household_id": "id",
        "e.person_id": "id",
        "e.source_id": "id",
        "e.changes": "json",
        f"CASE WHEN {made} THEN 1 ELSE 0 END AS made": "id",
    }
    where = (
        f"WHERE e.source_id <> %s AND e.source_id > %s AND ({made} OR e.household_id IN "
        "(SELECT household_id FROM registry_entry WHERE source_id = %s) OR e.person_id IN "
        "(SELECT person_id FROM registry_entry WHERE source_id = %s)) ORDER BY e.id"
    )
    pk = source.pk
    return existing.read(joined, columns, where, [pk, pk, pk, pk, pk, pk]).to_pylist()


def _on_touched_rows(intake: Import) -> list[int | None]:
    """Memberships, labels and records that a later import changed after this one had made or changed them."""
    later = PriorState.objects.filter(
        intake__source__id__gt=intake.source_id, table__in=["membership", "label", "record"]
    ).exclude(intake=intake)
    touched = Q()
    own = PriorState.objects.filter(intake=intake)
    for table, model in (("membership", Membership), ("label", Label), ("record", DepartmentRecord)):
        made = model._base_manager.filter(source=intake.source).values("pk")
        touched |= Q(table=table) & (Q(row_id__in=made) | Q(row_id__in=own.filter(table=table).values("row_id")))
    return list(later.filter(touched).values_list("intake__source_id", flat=True))
