"""Reading a region's records out: a few connections read ranges of ids, DuckDB types them, pieces come in id order.

No Django here: this runs in a process of its own (``snapshot_process``).
"""

# ruff: noqa: S608 - statements are put together from constants; ids and codes are whole numbers and digits

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huqing.registry.snapshot_tables import NEWEST_VILLAGES, STORED_IN, WHOLE_NUMBERS, statement, typing_sql
from huqing.standards.fields import department_kinds
from huqing.standards.regioncodes import next_prefix

Fetch = Callable[[str, tuple[str, ...]], pa.Table]

RANGE = 8_000
WORKERS = 4
BATCH_ROWS = 65_536
ATTEMPTS = 50
DUCKDB = {"threads": 1}


class Reader:
    """Reads the tables of one region; households first, because the rest is kept or dropped by them.

    ``fetches`` are functions ``(sql, columns) → rows``, one per connection, that may be called at the same time.
    """

    def __init__(self, region: str, fetches: list[Fetch], vendor: str) -> None:
        self._region = region
        self._vendor = vendor
        self._free = deque(fetches)
        self._workers = len(fetches)
        self._local = threading.local()
        self._active = np.zeros(1, dtype=bool)

    def table(self, table: str) -> Iterator[pa.Table]:
        """The typed pieces of one table in id order."""
        condition = "TRUE"
        if table in ("household", "person"):
            # The plus keeps SQLite on the id range: nearly all rows are wanted, and an index would jump about.
            condition = self._inside("+region_code" if self._vendor == "sqlite" else "region_code")
        if table == "household":
            condition += " AND status = 'active'"
        for pieces in self._pieces(table, condition):
            if table == "household":
                self._remember(pieces[table]["id"])
            yield pieces[table]

    def records(self) -> Iterator[tuple[str, pa.Table]]:
        """The typed pieces of all department files: (kind, rows)."""
        for pieces in self._pieces("record", "household_id IS NOT NULL AND retired_by_id IS NULL"):
            yield from pieces.items()

    def villages(self) -> pa.Table:
        """The villages that have a row of their own, one row each: that of the newest year."""
        sql, columns = statement("village", self._vendor)
        typed = self._type("village", self._fetch(f"{sql} WHERE {self._inside('region_code')} ORDER BY id", columns))
        db = self._local.duckdb
        db.register("villages", typed)
        try:
            return db.execute(NEWEST_VILLAGES).to_arrow_table()
        finally:
            db.unregister("villages")

    def _inside(self, column: str) -> str:
        return f"{column} >= '{self._region}' AND {column} < '{next_prefix(self._region)}'"

    def _remember(self, ids: pa.ChunkedArray) -> None:
        numbers = ids.to_numpy()
        if numbers.size:
            missing = max(numbers[-1] + 1 - self._active.size, 0)
            self._active = np.concatenate([self._active, np.zeros(missing, dtype=bool)])
            self._active[numbers] = True

    def _pieces(self, source: str, condition: str) -> Iterator[dict[str, pa.Table]]:
        first, last = self._id_span(source)
        starts = range(first, last + 1, RANGE)
        if self._workers == 1:
            for start in starts:
                yield self._piece(source, condition, start)
            return
        with ThreadPoolExecutor(self._workers) as pool:
            waiting: deque[Future[dict[str, pa.Table]]] = deque()
            try:
                for start in starts:
                    waiting.append(pool.submit(self._piece, source, condition, start))
                    if len(waiting) > self._workers + 1:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _id_span(self, source: str) -> tuple[int, int]:
        sql = f"SELECT COALESCE(MIN(id), 1) AS first, COALESCE(MAX(id), 0) AS last FROM {STORED_IN[source]}"
        row = self._fetch(sql, ("first", "last")).to_pylist()[0]
        return int(row["first"]), int(row["last"])

    def _fetch(self, sql: str, columns: tuple[str, ...]) -> pa.Table:
        fetch = self._free.popleft()
        try:
            return fetch(sql, columns)
        finally:
            self._free.append(fetch)

    def _piece(self, source: str, condition: str, start: int) -> dict[str, pa.Table]:
        sql, columns = statement(source, self._vendor)
        raw = self._fetch(f"{sql} WHERE id >= {start} AND id < {start + RANGE} AND {condition} ORDER BY id", columns)
        if source != "household":
            raw = self._of_active_households(raw)
        if source != "record":
            return {source: self._type(source, raw)}
        kinds = pc.unique(raw["kind"]).to_pylist()
        return {
            kind: self._type(kind, raw.filter(pc.equal(raw["kind"], kind)).drop_columns("kind"))
            for kind in department_kinds()
            if kind in kinds
        }

    def _of_active_households(self, raw: pa.Table) -> pa.Table:
        ids = raw["household_id"].cast(pa.int64()).fill_null(0).to_numpy()
        known = np.where(ids < self._active.size, ids, 0)
        return raw.filter(pa.array(self._active[known]))

    def _type(self, table: str, raw: pa.Table) -> pa.Table:
        db = getattr(self._local, "duckdb", None)
        if db is None:
            db = self._local.duckdb = duckdb.connect(config=DUCKDB)
        db.register("raw", raw)
        try:
            return db.sql(typing_sql(table)).to_arrow_table()
        finally:
            db.unregister("raw")


def open_sqlite(path: str, stack: ExitStack) -> list[Fetch]:
    """Connections to a SQLite file that all see the same instant.

    A transaction sees what was committed at its first read. A commit between the first read of the first and of the
    last connection shows in the data version; then they begin again.
    """
    connect = adbc_driver_sqlite.dbapi.connect
    watcher, *opened = [stack.enter_context(closing(connect(path, autocommit=True))) for _ in range(_workers() + 1)]
    for each in (watcher, *opened):
        _run(each, "PRAGMA busy_timeout = 30000")
    for _ in range(ATTEMPTS):
        before = _run(watcher, "PRAGMA data_version")
        for each in opened:
            _run(each, "BEGIN")
            _run(each, "SELECT id FROM registry_region LIMIT 1")
        if _run(watcher, "PRAGMA data_version") == before:
            return [_adbc_fetch(each, sentinel=True) for each in opened]
        for each in opened:
            _run(each, "ROLLBACK")
    raise RuntimeError("数据库一直在写入，未能取得一致的快照。请稍后再试。")


def open_postgresql(uri: str, stack: ExitStack) -> list[Fetch]:
    """Connections to PostgreSQL that all see the snapshot of the first."""
    connect = adbc_driver_postgresql.dbapi.connect
    # ADBC begins a transaction by itself.
    opened = [stack.enter_context(closing(connect(uri))) for _ in range(_workers())]
    for each in opened:
        _run(each, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    name = _run(opened[0], "SELECT pg_export_snapshot()")[0][0]
    for each in opened[1:]:
        _run(each, f"SET TRANSACTION SNAPSHOT '{name}'")
    return [_adbc_fetch(each, sentinel=False) for each in opened]


def _workers() -> int:
    return max(2, min(WORKERS, os.cpu_count() or 1))


def _run(opened: Any, sql: str) -> Any:
    with opened.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


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
