"""The engines every table of benefits runs on: all rows in memory, all rows of a file, the same on Spark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from tests.policies.benefits.reader import DAY, Section

from huqing.rules.benefits import compute, compute_rows
from huqing.rules.inputs import arrow_rows
from huqing.rules.library import library

Values = dict[int, dict[str, Any]]


def in_memory(section: Section, folder: Path, cache: Path) -> Values:
    """As a statement for one person is computed."""
    tables = {section.table: section.rows}
    done = compute_rows(tables, of=section.table, names=section.names, as_of=DAY, region=section.region, cache=cache)
    return _by_id(done)


def from_files(section: Section, folder: Path, cache: Path, engine: Any = None) -> Values:
    """As a county is computed; the rows stand in the file in another order than they happened."""
    rows: pa.Table = arrow_rows(library().tables[section.table], section.rows[::-1])
    file = folder / "rows.parquet"
    parquet.write_table(rows, file)
    compute(
        folder / "computed.parquet",
        of=section.table,
        names=section.names,
        as_of=DAY,
        region=section.region,
        tables={section.table: file},
        engine=engine,
        cache=cache,
    )
    return _by_id(parquet.read_table(folder / "computed.parquet"))


def _by_id(done: pa.Table) -> Values:
    return {row["id"]: row for row in done.to_pylist()}


ENGINES: dict[str, Callable[[Section, Path, Path], Values]] = {"in memory": in_memory, "from files": from_files}
