"""Reading a region's records out: a few connections read ranges of ids, DuckDB types them, pieces come in id order."""

# ruff: noqa: S608 - statements are put together from constants; ids and codes are whole numbers and digits

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from huqing.registry.snapshot_connections import Fetch, fetches
from huqing.registry.snapshot_rows import STORED_IN, statement, typing_sql
from huqing.standards.fields import department_kinds
from huqing.standards.regioncodes import next_prefix

RANGE = 10_000
# DuckDB would keep what it has freed: with several instances that is hundreds of megabytes.
DUCKDB = {"threads": 1, "allocator_flush_threshold": "4MB", "allocator_bulk_deallocation_flush_threshold": "4MB"}


class Reader:
    """Reads the tables of one region; households first, because the rest is kept or dropped by them."""

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
            column = "+region_code" if self._vendor == "sqlite" else "region_code"
            condition = f"{column} >= '{self._region}' AND {column} < '{next_prefix(self._region)}'"
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
            return db.execute(typing_sql(table)).to_arrow_table()
        finally:
            db.unregister("raw")


@contextmanager
def reader(region: str) -> Iterator[Reader]:
    """A reader whose connections all see the same instant."""
    with fetches() as connections:
        yield Reader(region, connections, connection.vendor)
