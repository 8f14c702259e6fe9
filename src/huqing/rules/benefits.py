"""Computing chosen values (fen, dates, codes) of every row of a table, for benefits.

``compute`` does it for all rows into one Parquet file, with DuckDB or another engine; ``compute_rows`` does it in
memory for the few rows of one person. Tables are those of a snapshot and the declared input tables (``input_table``).
"""
# ruff: noqa: S608 - DuckDB takes no bound names; every name here comes from declarations and plans, every path is quoted

from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
from pyarrow import compute as compute_arrow
from pyarrow import parquet

from huqing.rules.engine import PACKAGES, default_cache, quoted, steps_sql
from huqing.rules.errors import TableError
from huqing.rules.inputs import arrow_rows
from huqing.rules.library import Library, library
from huqing.rules.parameters import load, own_folders
from huqing.rules.plans import Plan, plan_key, read_plan, sources_digest, write_plan
from huqing.rules.values import compile_values, wanted_nodes

ROWS_TOGETHER = 60_000  # rows of a table that one core reads at a time
INTEGERS = frozenset({"BIGINT", "INTEGER", "SMALLINT", "TINYINT"})


class Engine(Protocol):
    """What runs a plan: ``dialect`` is the SQL it understands (a name of an Ibis backend)."""

    dialect: str

    def run(self, plan: Plan, files: Mapping[str, Path], out: Path) -> int:
        """Write the last step of the plan over these Parquet files to the one file ``out``; the number of rows."""
        ...


@dataclass(frozen=True)
class Computed:
    """What was computed: of which table, how many rows, and how long it took.

    ``without`` maps the parameters that have no value at all in the region to their titles: what needs them is
    unknown.
    """

    of: str
    names: tuple[str, ...]
    rows: int
    without: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)


class DuckDB:
    """The engine used unless another is asked for; ``threads`` None uses all cores, ``memory`` is in bytes."""

    dialect = "duckdb"

    def __init__(self, *, threads: int | None = None, memory: int | None = None) -> None:
        self.threads, self.memory = threads, memory

    def run(self, plan: Plan, files: Mapping[str, Path], out: Path) -> int:
        """Write the last step of the plan to one Parquet file, in the order of ids."""
        with duckdb.connect() as db:
            return self.run_on(db, plan, files, out)

    def run_on(self, db: duckdb.DuckDBPyConnection, plan: Plan, files: Mapping[str, Path], out: Path) -> int:
        """As ``run``, on a connection that is open already: opening one takes as long as computing a small table."""
        with tempfile.TemporaryDirectory(prefix="huqing-compute-", dir=out.parent) as scratch:
            db.execute(f"SET temp_directory = '{quoted(Path(scratch))}'")
            if self.threads:
                db.execute(f"SET threads = {self.threads}")
            if self.memory:
                db.execute(f"SET memory_limit = '{self.memory}B'")
            for table, columns in plan.columns.items():
                listed = ", ".join(f'"{column}"' for column in columns)
                rows = f"SELECT {listed} FROM read_parquet('{quoted(files[table])}')"
                db.execute(f'CREATE TEMP VIEW "{table}" AS {rows}')
            done = db.execute(f"COPY ({_query(db, plan)}) TO '{quoted(out)}' (FORMAT parquet)").fetchone()
        return int(done[0]) if done else 0


def compute(
    out: Path,
    *,
    of: str,
    names: Sequence[str],
    as_of: datetime.date,
    region: str,
    snapshot: Path | None = None,
    tables: Mapping[str, Path | pa.Table] | None = None,
    engine: Engine | None = None,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
) -> Computed:
    """Compute the named values of every row of ``of`` into the Parquet file ``out``, which appears whole at the end.

    A row per row of ``of``: its ``id``, the keys of what it belongs to, then the values; money in fen, missing where
    unknown. Tables come from ``tables`` (Parquet files or Arrow) and otherwise from the folder ``snapshot``. Raises
    TableError for a table, column, type or id that is not as declared, RuleError for a name that does not exist,
    ParameterError for a parameter that has no value in the region.
    """
    started = time.perf_counter()
    runner = engine or DuckDB()
    rules = library(parameter_folders)
    plan = values_plan(
        of=of,
        names=names,
        as_of=as_of,
        region=region,
        dialect=runner.dialect,
        parameter_folders=parameter_folders,
        cache=cache,
    )
    planned = time.perf_counter()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="huqing-compute-", dir=out.parent) as scratch:
        files = _files(plan, snapshot, dict(tables or {}), Path(scratch))
        with duckdb.connect() as connection:
            for table, columns in plan.columns.items():
                source = f"read_parquet('{quoted(files[table])}')"
                _check(connection, source, rules, table, columns, files[table])
            made = Path(scratch) / "computed.parquet"
            if isinstance(runner, DuckDB):
                count = runner.run_on(connection, plan, files, made)
            else:
                count = runner.run(plan, files, made)
        made.replace(out)
    seconds = {"plan": planned - started, "run": time.perf_counter() - planned}
    return Computed(of, tuple(names), count, without_values(rules, of, names, region), seconds)


def compute_rows(
    tables: Mapping[str, pa.Table | Iterable[Mapping[str, Any]]],
    *,
    of: str,
    names: Sequence[str],
    as_of: datetime.date,
    region: str,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
) -> pa.Table:
    """The named values of the rows of ``of``, in the order of ids; tables that are not given are empty.

    A table may be given as mappings (money in fen, what is absent is missing). Raises as ``compute`` does.
    """
    rules = library(parameter_folders)
    plan = values_plan(of=of, names=names, as_of=as_of, region=region, parameter_folders=parameter_folders, cache=cache)
    return run_rows(rules, plan, tables)


def run_rows(rules: Library, plan: Plan, tables: Mapping[str, pa.Table | Iterable[Mapping[str, Any]]]) -> pa.Table:
    """What a plan for values gives over these rows, in the order of ids."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        for table, columns in plan.columns.items():
            given = tables.get(table, ())
            rows = given if isinstance(given, pa.Table) else arrow_rows(rules.tables[table], given)
            connection.register(table, rows)
            _check(connection, f'"{table}"', rules, table, columns)
        return connection.execute(_query(connection, plan)).to_arrow_table()


def values_plan(
    *,
    of: str,
    names: Sequence[str],
    as_of: datetime.date,
    region: str,
    dialect: str = "duckdb",
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
) -> Plan:
    """The plan for these values, this day, region and engine: read from the cache, or compiled and kept there."""
    folder = cache or default_cache()
    folders = own_folders() if parameter_folders is None else parameter_folders
    version = sources_digest(PACKAGES)
    key = plan_key(version, load(*folders), as_of, region, "values", of, ",".join(names), dialect)
    plan = read_plan(folder, key)
    if plan is None:
        plan = compile_values(library(folders), of=of, names=names, as_of=as_of, region=region, dialect=dialect)
        write_plan(folder, key, plan)
    return plan


def without_values(rules: Library, of: str, names: Sequence[str], region: str) -> dict[str, str]:
    """The parameters looked up by a date of the row that have no value at all in the region, with their titles."""
    below = rules.below(wanted_nodes(rules, of, names).values())
    keys = sorted({item.parameter for item in rules.settings_below(below)})
    return {key: rules.parameters[key].title for key in keys if not rules.parameters[key].timeline(region)}


def _query(connection: duckdb.DuckDBPyConnection, plan: Plan) -> str:
    """The query for the values; steps over the whole county are built on the way."""
    for step in plan.steps:
        if step.whole:
            connection.execute(f'CREATE TEMP TABLE "{step.name}" AS {step.sql}')
    (_, columns), *_ = plan.values.values()
    order = '"id"' if "id" in columns else "ALL"
    *before, last = plan.steps
    steps = steps_sql(before)
    # The last step is read once: kept as a table first it would only take room.
    return f"{f'WITH {steps} ' if steps else ''}SELECT * FROM ({last.sql}) ORDER BY {order}"


def _files(plan: Plan, snapshot: Path | None, tables: Mapping[str, Path | pa.Table], scratch: Path) -> dict[str, Path]:
    """The Parquet file of every table the plan reads; Arrow tables are written to ``scratch``."""
    files = {}
    for table in plan.columns:
        given = tables.get(table)
        if isinstance(given, pa.Table):
            files[table] = scratch / f"{table}.parquet"
            parquet.write_table(given, files[table], row_group_size=ROWS_TOGETHER)
            continue
        file = given or (snapshot / f"{table}.parquet" if snapshot else None)
        if file is None or not file.exists():
            raise TableError(f"缺少表 {table}（{file or '没有给出'}）。请给出它的 Parquet 文件。")
        files[table] = file
    return files


def _check(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    rules: Library,
    table: str,
    columns: Sequence[str],
    file: Path | None = None,
) -> None:
    """TableError for a column that is absent or of another type, and for ids of input tables that are not unique.

    ``file`` is the Parquet file behind ``source``, if there is one.
    """
    have = {row[0]: str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    entity = rules.tables[table]
    for column in columns:
        kind = have.get(column)
        if kind is None:
            raise TableError(f"表 {table}（{entity.title}）缺少列 {column}。请补上，没有数据的留空。")
        declared = entity.columns[column].replace(", ", ",")
        if kind != declared and not {kind, declared} <= INTEGERS:
            raise TableError(f"表 {table} 的列 {column} 的类型是 {kind}，应为 {declared}（金额写整数分）。")
    if table in rules.input_tables and not (file and _rising(file)):
        doubled = connection.execute(
            f"SELECT id FROM {source} GROUP BY id HAVING count(*) > 1 OR id IS NULL ORDER BY id NULLS FIRST LIMIT 1"
        ).fetchone()
        if doubled:
            named = "没有编号" if doubled[0] is None else f"编号 {doubled[0]} 出现了不止一次"
            raise TableError(f"表 {table}（{entity.title}）有一行{named}。每行写一个不重复的 id。")


def _rising(file: Path) -> bool:
    """Whether every id is larger than the one before, as in most files: they are unique then, found in one pass."""
    with parquet.ParquetFile(file) as opened:
        ids = opened.read(columns=["id"])["id"].combine_chunks()
    if ids.null_count:
        return False
    return bool(compute_arrow.all(compute_arrow.less(ids[:-1], ids[1:]), min_count=0).as_py())
