"""Taking an import back: every value, membership, label and record as it was before, as a change of its own."""

from __future__ import annotations

import base64
import json
from typing import Any

import pyarrow as pa
from django.db import models
from django.db.models import Model
from django.utils import timezone

from huqing.access.locks import exclusive
from huqing.access.models import User
from huqing.intake import existing
from huqing.intake.applying import LOCK, for_people, lock_registry, undo_failed
from huqing.intake.errors import UndoRefused, WrongState
from huqing.intake.models import Import, LinkCandidate, Missing, PriorState
from huqing.intake.plan import Report, Written, constant, no_report
from huqing.intake.signals import applied, undoing
from huqing.intake.states import move
from huqing.intake.undo_checks import refuse_if_built_upon
from huqing.registry import bulk
from huqing.registry.models import DepartmentRecord, Entry, Household, Label, Membership, Person, Source

TABLES: dict[str, type[Model]] = {
    "household": Household,
    "person": Person,
    "membership": Membership,
    "label": Label,
    "record": DepartmentRecord,
}
# Tables that nothing else points at: their rows go without looking for followers.
_PLAIN = (Entry, Membership, Label, Missing, LinkCandidate)
_CHUNK = 20_000


def undo_now(intake: Import, *, by: User | None, progress: Report | None = None) -> Import:
    """Undo an applied import in one transaction, under a source of its own.

    Raises ``UndoRefused`` naming what builds on it; the import then stays applied and its message says so.
    """
    report = progress or no_report
    with exclusive(LOCK):
        try:
            move(intake, Import.State.UNDOING, by=by, progress=0, message="")
            with bulk.writer() as writer:
                lock_registry()
                report("核对后来的变更", 0.1)
                refuse_if_built_upon(intake)
                _undo(intake, writer, by, report)
        except WrongState:
            raise
        except BaseException as error:
            undo_failed(intake, by=by, error=error)
            raise for_people(error) from error
    report("完成", 1.0)
    return intake


def _undo(intake: Import, writer: bulk.BulkWriter, by: User | None, report: Report) -> None:
    now = timezone.now()
    done = intake.source
    source = Source.objects.create(
        kind=Source.Kind.UNDO,
        record_kind=done.record_kind,
        title=f"撤销：{done.title}"[:200],
        on=done.on,
        region_code=done.region_code,
        created_at=now,
        created_by=by,
    )
    written = Written(writer=writer, source=source, intake=intake, now=now)
    undoing.send(sender=Import, intake=intake)
    report("恢复原值", 0.3)
    _write_entries(written)
    # Rows that the import made go first: what it closed may only open again when nothing stands in its place.
    DepartmentRecord.objects.filter(source=done, retired_by__isnull=True).update(retired_by=source)
    LinkCandidate.objects.filter(record__source=done, state=LinkCandidate.State.OPEN).delete()
    Label.objects.filter(source=done).delete()
    Membership.objects.filter(source=done).delete()
    for name in TABLES:
        _restore(written, name)
    report("移去新建的档案", 0.7)
    _remove_made(done)
    PriorState.objects.filter(intake=intake).delete()
    Missing.objects.filter(intake=intake).delete()
    writer.finish()
    counts = {name: intake.counts.get(name, 0) for name in ("added", "changed")}
    move(
        intake,
        Import.State.UNDONE,
        by=by,
        detail=counts,
        undone_at=now,
        undo_source=source,
        progress=100,
        message="",
    )
    applied.send_robust(sender=Import, intake=intake)


def _write_entries(written: Written) -> None:
    """The import's entries the other way round, for files that stay."""
    done = written.intake.source
    columns = {"e.household_id": "id", "e.person_id": "id", "e.changes": "json"}
    joined = (
        "registry_entry e JOIN registry_household h ON h.id = e.household_id "
        "LEFT JOIN registry_person p ON p.id = e.person_id"
    )
    stays = "coalesce(h.created_by_source_id, 0) <> %s AND coalesce(p.created_by_source_id, 0) <> %s"
    where = f"WHERE e.source_id = %s AND {stays}"
    table = existing.read(joined, columns, where, [done.pk, done.pk, done.pk])
    turned = [
        json.dumps({key: [new, old] for key, (old, new) in json.loads(changes).items()}, ensure_ascii=False)
        for changes in table["changes"].to_pylist()
    ]
    entries = pa.table(
        {
            "household_id": table["household_id"],
            "person_id": table["person_id"],
            "changes": pa.array(turned, pa.string()),
        }
    )
    source = written.source
    written.writer.insert(Entry, constant(entries, source_id=source.pk, on=source.on, at=written.now))


def _restore(written: Written, name: str) -> None:
    """Put back the former column values and items of one table's rows."""
    prior = PriorState.objects.filter(intake=written.intake, table=name).values_list("row_id", "values")
    model = TABLES[name]
    rows: dict[int, dict[str, Any]] = {}
    for row_id, values in prior.iterator(_CHUNK):
        one = rows.setdefault(row_id, {"items": {}, "columns": {}})
        one["items"].update(values["items"])
        one["columns"].update(values["columns"])
    by_columns: dict[tuple[str, ...], list[int]] = {}
    for row_id, values in rows.items():
        by_columns.setdefault(tuple(sorted(values["columns"])), []).append(row_id)
    for columns, ids in by_columns.items():
        if columns:
            written.writer.update(model, _column_table(model, columns, ids, rows))
    _restore_items(written, model, {row_id: values["items"] for row_id, values in rows.items() if values["items"]})


def _column_table(
    model: type[Model], columns: tuple[str, ...], ids: list[int], rows: dict[int, dict[str, Any]]
) -> pa.Table:
    fields = {one.column: one for one in model._meta.concrete_fields}
    arrays = {"id": pa.array(ids, pa.int64())}
    for column in columns:
        values = [rows[row_id]["columns"][column] for row_id in ids]
        if isinstance(fields[column], models.BinaryField):
            arrays[column] = pa.array([base64.b64decode(one) if one else None for one in values], pa.binary())
        elif isinstance(fields[column], models.FloatField):
            arrays[column] = pa.array(values, pa.float64())
        elif isinstance(fields[column], models.ForeignKey | models.IntegerField):
            arrays[column] = pa.array(values, pa.int64())
        else:
            arrays[column] = pa.array(values, pa.string())
    return pa.table(arrays)


def _restore_items(written: Written, model: type[Model], former: dict[int, dict[str, Any]]) -> None:
    ids = list(former)
    for start in range(0, len(ids), _CHUNK):
        where, keys = existing.any_of("id", ids[start : start + _CHUNK])
        now = existing.read(model._meta.db_table, {"id": "id", "items": "json"}, f"WHERE {where}", [keys])
        texts = []
        for row_id, items in zip(now["id"].to_pylist(), now["items"].to_pylist(), strict=True):
            values = {**json.loads(items), **former[row_id]}
            kept = {key: value for key, value in values.items() if value is not None}
            texts.append(json.dumps(kept, ensure_ascii=False))
        table = pa.table({"id": now["id"], "items": pa.array(texts, pa.string())})
        written.writer.update(model, constant(table, updated_at=written.now))


def _remove_made(done: Source) -> None:
    """People and households that the import made, with what was derived from them (alerts); checked before."""
    for model in (Person, Household):
        for relation in model._meta.related_objects:
            field = relation.field
            mine = relation.related_model._base_manager.filter(**{f"{field.name}__created_by_source": done})
            if relation.on_delete is models.PROTECT:
                if mine.exists():
                    name = relation.related_model._meta.verbose_name
                    raise UndoRefused(f"不能撤销：导入新建的{model._meta.verbose_name}已有{name}。请先处理它们。")
            elif relation.on_delete is models.SET_NULL:
                mine.update(**{field.name: None})
            elif relation.related_model in _PLAIN:
                mine._raw_delete(mine.db)
            else:
                mine.delete()
        made = model._base_manager.filter(created_by_source=done)
        made._raw_delete(made.db)
