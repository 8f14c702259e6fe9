"""What an import is going to do: worked out once for the preview, and again right before it is written."""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from tempfile import mkdtemp
from typing import Any, Protocol

import duckdb
import pyarrow as pa
from django.db.models import Model

from huqing.intake.checking import Problem
from huqing.intake.models import Import, Missing, PriorState
from huqing.intake.reading import ROW
from huqing.registry.bulk import BulkWriter
from huqing.registry.models import Entry, Person, Source

Report = Callable[[str, float], None]
# A million rows are hashed and ordered in this much; less made the largest lists of a county fail.
MEMORY = "450MB"
SPILL = "huqing-intake-"


def no_report(message: str, fraction: float) -> None:
    """A progress callback for callers that do not want to know."""


@dataclass(frozen=True)
class Batch:
    """The good rows of one sheet and what bounds them.

    ``prefix`` is the region the rows must lie in, ``on`` the date of the data; ``refused_keys`` are the identifying
    texts of refused rows, which are in the file all the same and so are not missing from it.
    """

    rows: pa.Table
    prefix: str
    on: date
    refused_keys: frozenset[str] = frozenset()


@dataclass
class Written:
    """What one write needs: the transaction's writer, the source that everything names, and the time."""

    writer: BulkWriter
    source: Source
    intake: Import
    now: datetime


class Plan(Protocol):
    """One kind of file being taken in."""

    counts: dict[str, int]
    problems: list[Problem]

    def work_out(self) -> None:
        """Compare the rows with the registry. Reads only."""

    def write(self, written: Written) -> None:
        """Bring the registry to what was worked out, inside the caller's transaction."""

    def sample(self, limit: int) -> dict[str, list[dict[str, Any]]]:
        """The first added and changed rows for the preview."""


def _connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB connection of its own with bounded memory.

    What does not fit goes to a folder only we can read (rows hold plain numbers), not to the current one.
    """
    spill = mkdtemp(prefix=f"{SPILL}{os.getpid()}-")
    db = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "preserve_insertion_order": "true",
            "temp_directory": f"{spill}/duckdb",
            # What a step has freed goes back at once: the next step is outside of DuckDB.
            "allocator_flush_threshold": "16MB",
            "allocator_bulk_deallocation_flush_threshold": "16MB",
        }
    )
    weakref.finalize(db, shutil.rmtree, spill, ignore_errors=True)
    db.execute("SET TimeZone = 'UTC'")
    return db


@dataclass
class Work:
    """The common state of a plan: its DuckDB connection, counts and problems."""

    batch: Batch
    db: duckdb.DuckDBPyConnection = field(default_factory=_connect)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def present(self) -> frozenset[str]:
        """The declared fields the file has."""
        return frozenset(self.batch.rows.column_names) - {ROW}

    def texts(self, key: str) -> list[str | None]:
        """A text column of the good rows, None throughout when the file does not have it."""
        if key not in self.batch.rows.column_names:
            return [None] * self.batch.rows.num_rows
        return self.batch.rows[key].to_pylist()

    def refuse(self, row: int, column: str, value: str | None, message: str, remedy: str) -> None:
        """This row is not taken in."""
        self.problems.append(Problem("refused", row, column, (value or "")[:200], message, remedy))

    def warn(self, row: int, column: str, value: str | None, message: str, remedy: str) -> None:
        """This row is taken in, but somebody should look at it."""
        self.problems.append(Problem("warning", row, column, (value or "")[:200], message, remedy))

    def keep(self, rows: pa.Table, keep: list[bool]) -> pa.Table:
        """The rows that were not refused; counts follow."""
        return rows.filter(pa.array(keep, pa.bool_())) if not all(keep) else rows

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.db.execute(sql, list(parameters)).fetchall()

    def arrow(self, sql: str) -> pa.Table:
        """A query's result as Arrow."""
        return self.db.execute(sql).to_arrow_table()


def constant(table: pa.Table, /, **values: Any) -> pa.Table:
    """``table`` with columns that hold one value throughout."""
    for name, value in values.items():
        scalar = pa.scalar(value, pa.timestamp("us", "UTC")) if isinstance(value, datetime) else pa.scalar(value)
        table = table.append_column(name, pa.repeat(scalar, table.num_rows))
    return table


def write_changes(written: Written, model: type[Model], changes: pa.Table) -> None:
    """A slice of changed rows (from ``Comparison.changes``): an entry each, what they held before, the new values."""
    entries = pa.table({"household_id": changes["entry_household_id"], "changes": changes["changes"]})
    if model is Person:
        entries = entries.append_column("person_id", changes["id"])
    source = written.source
    written.writer.insert(Entry, constant(entries, source_id=source.pk, on=source.on, at=written.now))
    write_prior(written, model._meta.model_name or "", changes["id"], changes["prior"])
    values = changes.drop_columns(["entry_household_id", ROW, "changes", "prior"])
    written.writer.update(model, constant(values, updated_at=written.now))


def write_prior(
    written: Written, table_name: str, ids: pa.ChunkedArray, values: Iterable[str] | pa.ChunkedArray
) -> None:
    """Remember what rows held before, for the undo."""
    values = values if isinstance(values, pa.ChunkedArray | pa.Array) else pa.array(values, pa.string())
    table = constant(pa.table({"row_id": ids, "values": values}), table=table_name, intake_id=written.intake.pk)
    written.writer.insert(PriorState, table)


def prior_columns(**values: Any) -> str:
    """The JSON of a ``PriorState`` that only concerns plain columns."""
    return json.dumps({"items": {}, "columns": values}, ensure_ascii=False, default=str)


def write_missing(written: Written, households: Iterable[int], persons: Iterable[int | None] | None = None) -> None:
    """What the registry holds and the file does not name."""
    table = pa.table({"household_id": pa.array(households, pa.int64())})
    if persons is not None:
        table = table.append_column("person_id", pa.array(persons, pa.int64()))
    written.writer.insert(Missing, constant(table, intake_id=written.intake.pk))
