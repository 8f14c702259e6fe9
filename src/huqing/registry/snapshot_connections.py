"""Connections for a read-out: several ADBC ones that see the same instant, or Django's own inside a transaction."""

# ruff: noqa: S608 - only column names from the models are put into statements

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import quote

import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import pyarrow as pa
from django.db import OperationalError, connection

# What a read-out selects as whole numbers; everything else is text.
WHOLE_NUMBERS = frozenset(
    ["id", "household_id", "person_id", "source_id", "row_number", "member_count", "has_phone", "first", "last"]
)
BATCH_ROWS = 65_536
WORKERS = 4
ATTEMPTS = 50

Fetch = Callable[[str, tuple[str, ...]], pa.Table]


@contextmanager
def fetches() -> Iterator[list[Fetch]]:
    """Functions ``(sql, columns) → rows``, one per connection, that may be called at the same time."""
    with ExitStack() as stack:
        if connection.in_atomic_block or (connection.vendor == "sqlite" and connection.is_in_memory_db()):
            # Only Django's own connection sees what its transaction has written.
            yield [_through_django]
        elif connection.vendor == "sqlite":
            yield _sqlite(stack)
        else:
            yield _postgresql(stack)


def _workers() -> int:
    return max(2, min(WORKERS, os.cpu_count() or 1))


def _through_django(sql: str, columns: tuple[str, ...]) -> pa.Table:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = []
    for name, values in zip(columns, by_column, strict=True):
        convert, kind = (int, pa.int64()) if name in WHOLE_NUMBERS else (str, pa.string())
        # Django's SQLite connection hands dates out as dates.
        arrays.append(pa.array([None if value is None else convert(value) for value in values], kind))
    return pa.table(arrays, names=list(columns))


def _sqlite(stack: ExitStack) -> list[Fetch]:
    path = str(connection.settings_dict["NAME"])
    connect = adbc_driver_sqlite.dbapi.connect
    # The driver's own transactions do not hold after a PRAGMA, so they are begun by hand.
    opened = [stack.enter_context(closing(connect(path, autocommit=True))) for _ in range(_workers())]
    for each in opened:
        _run(each, "PRAGMA busy_timeout = 30000")
    # A transaction sees what was committed at its first read. A commit between the first read of the first and of the
    # last connection shows in the data version; then they begin again.
    for _ in range(ATTEMPTS):
        before = _data_version()
        for each in opened:
            _run(each, "BEGIN")
            _run(each, "SELECT id FROM registry_region LIMIT 1")
        if _data_version() == before:
            return [_adbc_fetch(each, sentinel=True) for each in opened]
        for each in opened:
            _run(each, "ROLLBACK")
    raise OperationalError("数据库一直在写入，未能取得一致的快照。请稍后再试。")


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        return int(cursor.fetchone()[0])


def _postgresql(stack: ExitStack) -> list[Fetch]:
    wanted = connection.settings_dict
    user, password = (quote(str(wanted[key]), safe="") for key in ("USER", "PASSWORD"))
    place = f"{quote(str(wanted['HOST']), safe='')}:{wanted['PORT'] or 5432}/{quote(str(wanted['NAME']), safe='')}"
    uri = f"postgresql://{user}{':' if password else ''}{password}@{place}"
    opened = [stack.enter_context(closing(adbc_driver_postgresql.dbapi.connect(uri))) for _ in range(_workers())]
    # ADBC begins a transaction by itself; all of them join the snapshot of the first.
    for each in opened:
        _run(each, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    with opened[0].cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        name = cursor.fetchone()[0]
    for each in opened[1:]:
        _run(each, f"SET TRANSACTION SNAPSHOT '{name}'")
    return [_adbc_fetch(each, sentinel=False) for each in opened]


def _run(opened: Any, sql: str) -> None:
    with opened.cursor() as cursor:
        cursor.execute(sql)
        if cursor.description:
            cursor.fetchall()


def _adbc_fetch(opened: Any, *, sentinel: bool) -> Fetch:
    def fetch(sql: str, columns: tuple[str, ...]) -> pa.Table:
        with opened.cursor() as cursor:
            if not sentinel:
                cursor.execute(sql)
                return cursor.fetch_arrow_table()
            # The driver takes a column's type from the first rows it sees, so a typed row goes first.
            cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(BATCH_ROWS)})
            values = ", ".join("0" if name in WHOLE_NUMBERS else "''" for name in columns)
            cursor.execute(f"SELECT {values} UNION ALL SELECT * FROM ({sql})")
            return cursor.fetch_arrow_table().rename_columns(list(columns)).slice(1)

    return fetch
