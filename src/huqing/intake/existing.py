"""Reading what the registry holds into Arrow, inside the transaction that will change it."""

# ruff: noqa: S608 - table and column names are constants of this package; values are always parameters

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Literal

import pyarrow as pa
from django.db import connection

from huqing.intake.compare import EVERYTHING
from huqing.registry.models import Source

CHUNK_ROWS = 50_000
# A million keys at once are hundreds of megabytes as Python texts, and again as a parameter.
KEYS_AT_ONCE = 100_000

_TYPES = {
    "bytes": pa.binary(),
    "date": pa.string(),
    "id": pa.int64(),
    "json": pa.string(),
    "number": pa.float64(),
    "text": pa.string(),
}


def any_of(column: str, keys: Iterable[Any]) -> tuple[str, Any]:
    """SQL condition and its one parameter: ``column`` is one of many ``keys``, however many there are."""
    values = list(keys)
    if connection.vendor == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(values)
    return f"{column} = ANY(%s)", values


def read(table: str, columns: dict[str, str], where: str = "", parameters: Sequence[Any] = ()) -> pa.Table:
    """Rows of a table as Arrow. ``columns`` maps SQL expressions to ``id``, ``number``, ``text``, ``json``,
    ``bytes`` or ``date``.

    Dates come as ISO text. An expression may carry ``AS name``.
    """
    names = [expression.rsplit(" AS ", 1)[-1].rsplit(".", 1)[-1].strip('"') for expression in columns]
    chosen = ", ".join(_as_text(expression, kind) for expression, kind in columns.items())
    types = [_TYPES[kind] for kind in columns.values()]
    batches = []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {chosen} FROM {table} {where}", list(parameters))
        while rows := cursor.fetchmany(CHUNK_ROWS):
            arrays = [_array(values, kind) for values, kind in zip(zip(*rows, strict=True), types, strict=True)]
            batches.append(pa.record_batch(arrays, names=names))
    schema = pa.schema(list(zip(names, types, strict=True)))
    return pa.Table.from_batches(batches, schema=schema)


def read_by(
    table: str,
    columns: dict[str, str],
    key: str,
    keys: pa.Array | pa.ChunkedArray,
    condition: str = "TRUE",
    parameters: Sequence[Any] = (),
) -> pa.Table:
    """The rows whose ``key`` is one of ``keys`` (no key twice), as :func:`read` gives them; any number of keys."""
    found = []
    for start in range(0, max(len(keys), 1), KEYS_AT_ONCE):
        where, values = any_of(key, keys.slice(start, KEYS_AT_ONCE).to_pylist())
        found.append(read(table, columns, f"WHERE {where} AND {condition}", [values, *parameters]))
    return pa.concat_tables(found)


def later_values(subject: Literal["household", "person"], ids: Iterable[int], on: date) -> pa.Table:
    """Columns ``id`` and ``later``: the values that are of a later date than ``on`` and so stand against an older file.

    A row made by a later file is marked with ``EVERYTHING``: all it holds is of that date.
    """
    found: dict[int, list[str]] = {}
    # Almost every import is the newest of its region, then there is nothing to look for.
    if Source.objects.filter(on__gt=on).exists():
        wanted, keys = any_of("id", ids)
        newer = 'created_by_source_id IN (SELECT id FROM registry_source WHERE "on" > %s)'
        made = read(f"registry_{subject}", {"id": "id"}, f"WHERE {wanted} AND {newer}", [keys, on])
        for row_id in made["id"].to_pylist():
            found[row_id] = [EVERYTHING]
        wanted, keys = any_of(f"{subject}_id", ids)
        alone = " AND person_id IS NULL" if subject == "household" else ""
        entries = read(
            "registry_entry",
            {f"{subject}_id": "id", "changes": "json"},
            f'WHERE {wanted}{alone} AND "on" > %s',
            [keys, on],
        )
        for row_id, changes in zip(entries[f"{subject}_id"].to_pylist(), entries["changes"].to_pylist(), strict=True):
            found.setdefault(row_id, []).extend(json.loads(changes))
    return pa.table({"id": pa.array(found, pa.int64()), "later": pa.array(list(found.values()), pa.list_(pa.string()))})


def _as_text(expression: str, kind: str) -> str:
    # Django's SQLite connection turns date columns into objects, psycopg does with JSON; a cast keeps both as text.
    if kind not in ("json", "date"):
        return expression
    bare, _, name = expression.partition(" AS ")
    return f"CAST({bare} AS text) AS {name or bare.rsplit('.', 1)[-1]}"


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == pa.binary():
        return pa.array([None if value is None else bytes(value) for value in values], kind)
    return pa.array(values, kind)
