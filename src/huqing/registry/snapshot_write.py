"""Writing the tables of a snapshot as Parquet. No Django here."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from huqing.registry.snapshot_read import Reader
from huqing.registry.snapshot_tables import arrow_schema
from huqing.standards.fields import department_kinds

Progress = Callable[[str, float], None]

ROW_GROUP = 60_000
VILLAGE = "village"
KEYS = frozenset({"id", "household_id", "person_id"})
# Texts that differ in nearly every row: a dictionary of them would be built, outgrow its page and be thrown away.
UNIQUE = frozenset({"number", "id_token", "phone_token"})
# Households first: the rest is kept by them. The share of the work that is done after each.
STEPS = {"household": ("户", 0.25), "person": ("人", 0.7), "membership": ("成员关系", 0.78), "label": ("标签", 0.8)}


def write_tables(read: Reader, work: Path, report: Progress) -> dict[str, int]:
    """Write every table into the folder ``work``; returns the number of rows of each."""
    counts = {}
    for table, (name, done) in STEPS.items():
        with TableWriter(work, table) as writer:
            for typed in read.table(table):
                writer.write(typed)
        counts[table] = writer.rows
        report(f"快照：{name}", done)
    with TableWriter(work, VILLAGE) as writer:
        writer.write(read.villages())
    counts[VILLAGE] = writer.rows
    writers = {kind: TableWriter(work, kind) for kind in department_kinds() if kind != VILLAGE}
    try:
        for kind, typed in read.records():
            writers[kind].write(typed)
    finally:
        for writer in writers.values():
            writer.close()
    report("快照：部门数据", 0.98)
    return counts | {kind: writer.rows for kind, writer in writers.items()}


class TableWriter:
    """One Parquet file, written in row groups of about ``ROW_GROUP`` rows whatever the size of the pieces.

    A thread of its own encodes one row group while the readers fill the next, so that they never wait for the disk.
    """

    def __init__(self, work: Path, table: str) -> None:
        schema = arrow_schema(table)
        # Joins profit from the range of a key; nothing looks for ranges of the other columns.
        keys = [name for name in schema.names if name in KEYS]
        # Dictionaries pay for codes; numbers and dates are encoded faster, and no larger, as they are.
        texts = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in UNIQUE]
        self._file = pq.ParquetWriter(
            work / f"{table}.parquet", schema, compression="lz4", write_statistics=keys, use_dictionary=texts
        )
        self._waiting: list[pa.Table] = []
        self._thread = ThreadPoolExecutor(1)
        self._flushing: Future[None] | None = None
        self.rows = 0

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def write(self, typed: pa.Table) -> None:
        """Append rows that already have the table's schema."""
        self._waiting.append(typed)
        self.rows += typed.num_rows
        if sum(piece.num_rows for piece in self._waiting) >= ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what waits and end the file."""
        try:
            self._flush()
            self._settle()
        finally:
            self._thread.shutdown()
            self._file.close()

    def _flush(self) -> None:
        self._settle()
        if self._waiting:
            group = pa.concat_tables(self._waiting)
            self._waiting.clear()
            self._flushing = self._thread.submit(self._file.write_table, group, row_group_size=2 * ROW_GROUP)

    def _settle(self) -> None:
        """Wait for the row group under way, so that no more than one is ever held; its error is raised here."""
        if self._flushing is not None:
            flushing, self._flushing = self._flushing, None
            flushing.result()
