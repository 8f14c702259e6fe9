"""A table of nasty values, and what both engines make of an expression over it, as the text of an evidence."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
from pyarrow import parquet

from huqing.rules import engine, spark
from huqing.rules.plans import Outcome
from huqing.rules.sql import sql_of

STRINGS = ["张三", 'ab"c\\', "", None, " Straße İı\u3000", "a.b|c", "\x01\t\n\x1f\x7f\u2028/<>&😀", "12"]
TABLE = {
    "i": pa.array(range(1, 9), pa.int64()),
    "a": pa.array([7, -7, 0, None, 2**53 + 1, -170, 10**15, 3], pa.int64()),
    "b": pa.array([2, 2, 0, 3, 3, -100, None, 2], pa.int64()),
    "n": pa.array([0, 12, None, -3, 2025, 1, 7, 7], pa.int32()),
    "x": pa.array(
        [Decimal(v) if v else None for v in ("1.50", "-1.70", "0.00", "", "99999999.99", "-2.50", "0.10", "3.00")],
        pa.decimal128(18, 2),
    ),
    "y": pa.array(
        [Decimal(v) if v else None for v in ("3", "0.000001", "0", "7", "", "-0.5", "0.1", "1")], pa.decimal128(18, 6)
    ),
    "d": pa.array(
        [
            datetime.date(2024, 2, 29),
            datetime.date(2023, 12, 31),
            datetime.date(2025, 1, 31),
            None,
            datetime.date(1582, 10, 10),
            datetime.date(1969, 12, 31),
            datetime.date(9999, 12, 31),
            datetime.date(1, 1, 1),
        ]
    ),
    "e": pa.array([datetime.date(2025, 2, 28)] * 4 + [datetime.date(1600, 3, 1)] * 4),
    "s": pa.array(STRINGS),
    "t": pa.array(STRINGS[::-1]),
    "l": pa.array([["b", "a"], [], None, ["a", None], ["张", '"'], ["z"], ["a", "a"], ["\\"]], pa.list_(pa.string())),
    "o": pa.array([True, False, None, True, False, True, None, False]),
    "p": pa.array([True, None, None, False, False, True, True, False]),
}
T = ibis.table(
    {
        "i": "int64",
        "a": "int64",
        "b": "int64",
        "n": "int32",
        "x": "decimal(18, 2)",
        "y": "decimal(18, 6)",
        "d": "date",
        "e": "date",
        "s": "string",
        "t": "string",
        "l": "array<string>",
        "o": "boolean",
        "p": "boolean",
    },
    name="t",
)


def on_both(folder: Path, session: Any, rows: Any) -> dict[str, tuple[list[str], list[str]]]:
    """For each column of an expression over ``T`` its evidence texts on DuckDB and on Spark, in the order of ``i``."""
    file = values_file(folder)
    left, right = on_duckdb(file, rows), on_spark(file, session, rows)
    return {name: (left[name], right[name]) for name in rows.columns}


def values_file(folder: Path) -> Path:
    """The table as a Parquet file."""
    file = folder / "values.parquet"
    parquet.write_table(pa.table(TABLE), file)
    return file


def on_duckdb(file: Path, rows: Any) -> dict[str, list[str]]:
    """The evidence texts of every column on DuckDB."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW t AS SELECT * FROM '{file}'")
        told = {name: engine.evidence_sql(outcome) for name, outcome in _outcomes(rows).items()}
        columns = ", ".join(f'{sql} AS "{name}"' for name, sql in told.items())
        found = connection.execute(f"SELECT {columns} FROM ({sql_of(_held(rows), 'duckdb')})").fetchall()
    return _by_column(told, found)


def on_spark(file: Path, session: Any, rows: Any) -> dict[str, list[str]]:
    """The same on Spark."""
    session.read.parquet(str(file)).createOrReplaceTempView("t")
    made = session.sql(sql_of(_held(rows), "pyspark"))
    made.createOrReplaceTempView("made")
    types = {field.name: field.dataType for field in made.schema.fields}
    told = {name: spark.evidence_sql(outcome, types) for name, outcome in _outcomes(rows).items()}
    columns = ", ".join(f"{sql} AS `{name}`" for name, sql in told.items())
    return _by_column(told, [tuple(row) for row in session.sql(f"SELECT {columns} FROM made").collect()])


def _held(rows: Any) -> Any:
    made = rows.mutate(held=ibis.literal(True))
    return made.order_by("i") if "i" in rows.columns else made


def _outcomes(rows: Any) -> dict[str, Outcome]:
    return {name: Outcome("x", "held", {"value": name}, "rows") for name in rows.columns}


def _by_column(told: Mapping[str, str], found: list[Any]) -> dict[str, list[str]]:
    return {name: [str(row[place]) for row in found] for place, name in enumerate(told)}
