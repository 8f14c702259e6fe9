"""Small snapshot tables for tests: rows given as dicts, everything else missing, typed as declared."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from huqing.standards.tables import table_schemas

ARROW = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "DATE": pa.date32(),
    "BOOLEAN": pa.bool_(),
}
Rows = Mapping[str, Iterable[Mapping[str, Any]]]


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of a declared DuckDB type."""
    if name.startswith("DECIMAL"):
        precision, scale = name[len("DECIMAL(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return ARROW[name]


def table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """The rows as an Arrow table with every declared column; a column nobody declared is a mistake in the test."""
    schema = table_schemas()[name]
    listed = [dict(row) for row in rows]
    for row in listed:
        unknown = set(row) - set(schema)
        assert not unknown, f"{name} has no column {unknown}"
    return pa.table({c: pa.array([_fit(row.get(c), t) for row in listed], arrow_type(t)) for c, t in schema.items()})


def tables(rows: Rows) -> dict[str, pa.Table]:
    """Every table of a snapshot; those not mentioned are empty. Records get running ids."""
    made = {}
    for name, schema in table_schemas().items():
        given = [dict(row) for row in rows.get(name, ())]
        if "id" in schema:
            given = [{"id": number, **row} for number, row in enumerate(given, 1)]
        made[name] = table(name, given)
    return made


def snapshot(folder: Path, made: Mapping[str, pa.Table]) -> Path:
    """The tables as Parquet files in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in made.items():
        parquet.write_table(rows, folder / f"{name}.parquet")
    return folder


def _fit(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind.startswith("DECIMAL"):
        return Decimal(str(value)).quantize(Decimal(1).scaleb(-int(kind[:-1].split(",")[1])))
    if kind == "DATE" and isinstance(value, str):
        return datetime.date.fromisoformat(value)
    return value
