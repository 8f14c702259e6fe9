"""Bulk writes for imports: whole Arrow tables into the records, inside the caller's one transaction.

``with bulk.writer() as w:`` opens (or joins) a Django transaction. Everything ``w`` writes and everything Django itself
writes inside the block commits together or not at all, so a killed process leaves nothing behind. That is why SQLite is
written through Django's own connection: a second connection (ADBC) is faster but cannot share the transaction.
PostgreSQL takes the same tables through COPY on Django's own connection.

Tables use the column names of the database (``household_id``, not ``household``). A column left out gets the field's
default, NULL where that is allowed, or the empty text. ``JSONField`` columns hold JSON text, binary columns bytes,
dates ``date32`` (or ISO text), times ``timestamp`` (naive values are UTC).
"""

# ruff: noqa: S608 - table and column names come from the models and are quoted; values are always parameters

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from django.db import connection, models, transaction

from huqing.registry import bulk_columns, bulk_indexes

Model = type[models.Model]

CHUNK_ROWS = 50_000


class BulkWriter:
    """Writes Arrow tables into model tables; made by :func:`writer` only."""

    def __init__(self) -> None:
        self._bare: dict[Model, list[str]] = {}

    def reserve_ids(self, model: Model, count: int) -> range:
        """``count`` consecutive ids that nobody else will get, also when two processes ask at once."""
        if count <= 0:
            return range(0)
        if connection.vendor == "sqlite":
            return _reserve_sqlite(model, count)
        return _reserve_postgresql(model, count)

    def insert(self, model: Model, table: pa.Table) -> range | None:
        """Insert every row of ``table``; without an ``id`` column ids are reserved and returned in row order.

        The first big load into an empty table drops its secondary indexes and builds them again when the block ends.
        Constraints are those of the database: a broken one raises ``IntegrityError`` (foreign keys at the latest on
        commit).
        """
        ids = None
        if "id" not in table.column_names:
            ids = self.reserve_ids(model, table.num_rows)
            table = table.append_column("id", pa.array(ids, pa.int64()))
        if table.num_rows == 0:
            return ids
        if model not in self._bare and bulk_indexes.worth_dropping(model, table.num_rows):
            self._bare[model] = bulk_indexes.drop(model)
        table = bulk_columns.complete(model, table)
        if connection.vendor == "sqlite":
            # What is the same in every row is written into the statement: binding it again and again costs a third.
            constants = bulk_columns.constants(table)
            table = table.drop_columns(list(constants))
            values = ", ".join(["?"] * table.num_columns + list(constants.values()))
            _executemany(f"INSERT INTO {_target(model, [*table.column_names, *constants])} VALUES ({values})", table)
        else:
            _copy(_target(model, table.column_names), table)
            if ids is None:
                _raise_sequence(model, table)
        return ids

    def update(self, model: Model, table: pa.Table, columns: Sequence[str] | None = None) -> int:
        """Set ``columns`` (default: all but ``id``) of the rows named by ``id``; returns how many rows there were."""
        columns = [name for name in (columns or table.column_names) if name != "id"]
        if table.num_rows == 0 or not columns:
            return 0
        table = bulk_columns.convert(model, table.select([*columns, "id"]))
        target = connection.ops.quote_name(model._meta.db_table)
        names = [connection.ops.quote_name(name) for name in columns]
        if connection.vendor == "sqlite":
            setters = ", ".join(f"{name} = ?" for name in names)
            return _executemany(f"UPDATE {target} SET {setters} WHERE id = ?", table)
        setters = ", ".join(f"{name} = bulk_update.{name}" for name in names)
        with connection.cursor() as cursor:
            everything = ", ".join([*names, "id"])
            cursor.execute(
                f"CREATE TEMP TABLE bulk_update ON COMMIT DROP AS SELECT {everything} FROM {target} WITH NO DATA"
            )
            _copy(f"bulk_update ({everything})", table)
            cursor.execute("ANALYZE bulk_update")
            cursor.execute(f"UPDATE {target} SET {setters} FROM bulk_update WHERE {target}.id = bulk_update.id")
            changed = cursor.rowcount
            cursor.execute("DROP TABLE bulk_update")
        return changed

    def delete(self, model: Model, ids: Iterable[int]) -> int:
        """Delete rows by id. Rows that point at them must be gone first: nothing cascades here."""
        table = pa.table({"id": pa.array(list(ids), pa.int64())})
        if table.num_rows == 0:
            return 0
        target = connection.ops.quote_name(model._meta.db_table)
        if connection.vendor == "sqlite":
            return _executemany(f"DELETE FROM {target} WHERE id = ?", table)
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {target} WHERE id = ANY(%s)", [table["id"].to_pylist()])
            return cursor.rowcount

    def finish(self) -> None:
        """Build the dropped indexes again, and the statistics with them."""
        for model, statements in self._bare.items():
            bulk_indexes.build(statements)
            bulk_indexes.analyse(model)
        self._bare.clear()


@contextmanager
def writer() -> Iterator[BulkWriter]:
    """A writer inside one transaction: leaving the block builds the indexes and commits, an error rolls all back."""
    with transaction.atomic():
        bulk = BulkWriter()
        yield bulk
        bulk.finish()


def _target(model: Model, columns: Iterable[str]) -> str:
    quote = connection.ops.quote_name
    return f"{quote(model._meta.db_table)} ({', '.join(map(quote, columns))})"


def _executemany(sql: str, table: pa.Table) -> int:
    # The raw connection spares Django's per-call wrapping; it is the one the transaction runs on.
    raw: Any = connection.connection
    count = 0
    with connection.wrap_database_errors:
        for start in range(0, table.num_rows, CHUNK_ROWS):
            count += raw.executemany(sql, bulk_columns.rows(table.slice(start, CHUNK_ROWS))).rowcount
    return count


def _copy(target: str, table: pa.Table) -> None:
    with connection.wrap_database_errors, connection.cursor() as cursor:
        raw: Any = cursor.cursor
        with raw.copy(f"COPY {target} FROM STDIN (FORMAT csv)") as copy:
            for start in range(0, table.num_rows, CHUNK_ROWS):
                copy.write(bulk_columns.csv(table.slice(start, CHUNK_ROWS)))


def _reserve_sqlite(model: Model, count: int) -> range:
    # The surrounding transaction is IMMEDIATE, so nobody else can write between the two statements.
    name = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [count, name])
        if cursor.rowcount == 0:
            cursor.execute(
                "INSERT INTO sqlite_sequence (name, seq) "
                f"SELECT %s, COALESCE(MAX(id), 0) + %s FROM {connection.ops.quote_name(name)}",
                [name, count],
            )
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [name])
        last = cursor.fetchone()[0]
    return range(last - count + 1, last + 1)


def _reserve_postgresql(model: Model, count: int) -> range:
    # nextval is the only race-free way; a gap means that somebody took one in between, then the block is drawn again.
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT min(n), max(n) FROM (SELECT nextval(pg_get_serial_sequence(%s, 'id')) AS n "
                "FROM generate_series(1, %s)) AS drawn",
                [connection.ops.quote_name(model._meta.db_table), count],
            )
            first, last = cursor.fetchone()
            if last - first + 1 == count:
                return range(first, last + 1)


def _raise_sequence(model: Model, table: pa.Table) -> None:
    """Ids the caller chose itself must not be drawn again later."""
    highest = max(table["id"].to_pylist())
    with connection.cursor() as cursor:
        sequence = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s) "
            "WHERE COALESCE(pg_sequence_last_value(pg_get_serial_sequence(%s, 'id')::regclass), 0) < %s",
            [sequence, highest, sequence, highest],
        )
