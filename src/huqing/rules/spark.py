"""Screening with Spark: the same plan, the same rows, texts and digests as DuckDB, for data beyond one machine.

Spark keeps nothing between queries, so a table that several later ones read is cached, and all findings of a subject
are told in one pass over its rows. The answer comes back in pieces and is published by the same code as DuckDB's.
"""
# ruff: noqa: S608 - names come from declarations and plans, paths are quoted

from __future__ import annotations

import datetime
import re
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from huqing.rules.engine import (
    FINDINGS_FILE,
    NO_ROWS,
    RESULT_ROWS,
    Counts,
    check_snapshot,
    counts_of,
    plan_for,
    publish,
    quoted,
    subject_ids,
    table_sizes,
)
from huqing.rules.entities import HOUSEHOLD, PERSON
from huqing.rules.errors import TableError
from huqing.rules.plans import Outcome, Plan
from huqing.rules.spark_session import told
from huqing.standards.fields import department_kinds
from huqing.standards.tables import table_schemas

DIALECT = "pyspark"
FOLDER = "file://"  # Spark takes the path behind it as it stands, without the escapes of a URL
COUNTY_FACTS = "county_facts"
PIECE = 1_000_000
JSON_PLAIN_SCALE = 6


def screen(
    snapshot: Path | str,
    out: Path,
    *,
    spark: Any,
    as_of: datetime.date,
    region: str,
    findings: list[str] | None = None,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
) -> Counts:
    """What ``engine.screen`` does, in a session of ``spark_session.session``: same files, same rows, same digests.

    ``snapshot`` is a folder that every node reads under the same path, or an address such as ``hdfs://…``. Several
    threads may screen different counties in one session. Raises the errors of ``engine.screen``, and SparkError when
    the cluster fails.
    """
    started = time.perf_counter()
    place = snapshot if isinstance(snapshot, str) and "://" in snapshot else Path(snapshot).absolute()
    sizes = _sizes(spark, place)
    plan = plan_for(
        as_of=as_of,
        region=region,
        findings=findings,
        empty=frozenset(table for table in department_kinds() if not sizes.get(table)),
        parameter_folders=parameter_folders,
        cache=cache,
        dialect=DIALECT,
    )
    planned = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="huqing-screen-", dir=out) as scratch, duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute(f"SET temp_directory = '{quoted(Path(scratch))}'")
        found = Path(scratch) / FINDINGS_FILE
        with told("Spark 筛查中断"):
            facts = _run(opened(spark, place, plan), connection, plan, found)
        counted = publish(connection, found, out, plan, facts)
    return counts_of(sizes, counted, plan, {"plan": planned - started, "run": time.perf_counter() - planned})


def _sizes(spark: Any, place: Path | str) -> dict[str, int]:
    """The number of rows of each table, as ``engine.table_sizes``; of an address only whether there are any."""
    if isinstance(place, Path):
        return table_sizes(place)
    sizes = {}
    with told(f"读不到快照 {place}"):
        for table in (HOUSEHOLD, PERSON, *department_kinds()):
            rows = spark.read.schema("id BIGINT").parquet(f"{place}/{table}.parquet")
            sizes[table] = int(rows.count() if table in (HOUSEHOLD, PERSON) else bool(rows.take(1)))
    return sizes


def opened(spark: Any, place: Path | str, plan: Plan) -> Any:
    """A session of its own on the same cluster that knows the snapshot's tables by their names.

    TableError naming the file or column that the plan reads and the snapshot lacks: Spark would read it as missing.
    """
    own = spark.newSession()
    if isinstance(place, Path):
        with duckdb.connect() as connection:
            check_snapshot(connection, place, plan)
    else:
        _check_address(own, place, plan)
    address = f"{FOLDER}{place}" if isinstance(place, Path) else place
    for table, columns in plan.columns.items():
        types = table_schemas()[table]
        schema = ", ".join(f"`{column}` {spark_type(types[column])}" for column in columns)
        own.read.schema(schema).parquet(f"{address}/{table}.parquet").createOrReplaceTempView(table)
    return own


def _check_address(own: Any, place: str, plan: Plan) -> None:
    """The check of ``engine.check_snapshot`` for an address; it asks the cluster about every file."""
    from pyspark.errors import AnalysisException

    name = place.rpartition("/")[2]
    for table, columns in plan.columns.items():
        try:
            there = own.read.parquet(f"{place}/{table}.parquet").columns
        except AnalysisException as error:
            raise TableError(f"快照 {name} 缺少 {table}.parquet，或它不能读。请重新生成快照。") from error
        absent = [column for column in columns if column not in there]
        if absent:
            raise TableError(f"快照 {name} 的 {table}.parquet 缺少列 {'、'.join(absent)}。请重新生成快照。")


def spark_type(name: str) -> str:
    """The Spark type of a declared DuckDB type."""
    if name.endswith("[]"):
        return f"ARRAY<{spark_type(name[:-2])}>"
    return {"VARCHAR": "STRING", "INTEGER": "INT"}.get(name, name)


def _run(own: Any, connection: duckdb.DuckDBPyConnection, plan: Plan, found: Path) -> dict[str, Any]:
    """Decide everything into one Parquet file; returns what is known of the whole county."""
    kept: list[Any] = []
    facts: dict[str, Any] = {}
    try:
        for step in plan.steps:
            rows = own.sql(step.sql)
            if step.name == COUNTY_FACTS:
                row = rows.collect()[0]
                facts = {name: row[name] for name in plan.county}
                rows = own.createDataFrame([row], rows.schema)
            elif _readers(plan, step.name) > 1:
                rows = rows.persist()
                kept.append(rows)
            rows.createOrReplaceTempView(step.name)
        decided = own.sql(_results_sql(own, plan)).persist()
        kept.append(decided)
        _write(decided, connection, found)
    finally:
        for rows in reversed(kept):
            rows.unpersist(blocking=True)
    return facts


def _readers(plan: Plan, name: str) -> int:
    """How often later queries read a step."""
    quoted_name = re.compile(rf"`{re.escape(name)}`")
    return sum(len(quoted_name.findall(step.sql)) for step in plan.steps) + (
        name in {relation for _, relation, _ in plan.told()}
    )


def _write(decided: Any, connection: duckdb.DuckDBPyConnection, found: Path) -> None:
    """The decided rows as one Parquet file, fetched in pieces that fit the driver."""
    from pyspark.sql import functions

    connection.execute("CREATE TEMP TABLE decided AS " + RESULT_ROWS.format(rows=NO_ROWS))
    pieces = -(-decided.count() // PIECE)
    for piece in range(pieces):
        part = decided
        if pieces > 1:
            bucket = functions.hash("finding", "household_id", "person_id")
            part = decided.where(functions.pmod(bucket, functions.lit(pieces)) == piece)
        connection.register("piece", part.toArrow())
        connection.execute("INSERT INTO decided BY NAME SELECT * FROM piece")
        connection.unregister("piece")
    connection.execute(f"COPY decided TO '{quoted(found)}' (FORMAT parquet, COMPRESSION zstd)")


def _results_sql(own: Any, plan: Plan) -> str:
    """One SELECT with a row per finding that holds or is unknown."""
    parts = []
    for subject, result, outcomes in plan.told():
        types = {field.name: field.dataType for field in own.table(result).schema.fields}
        told_of = ", ".join(
            f"CASE WHEN `{outcome.flag}` IS NULL OR `{outcome.flag}` THEN named_struct('finding', '{outcome.finding}', "
            f"'held', `{outcome.flag}`, 'evidence', {evidence_sql(outcome, types)}) END"
            for outcome in outcomes
        )
        parts.append(
            f"SELECT told.finding, {subject_ids(subject)}, told.held, told.evidence FROM `{result}` "
            f"LATERAL VIEW inline(array({told_of})) told AS finding, held, evidence WHERE told.finding IS NOT NULL"
        )
    rows = " UNION ALL ".join(parts) or NO_ROWS.replace("VARCHAR", "STRING")
    return RESULT_ROWS.format(rows=rows).replace("sha256(evidence)", "sha2(evidence, 256)")


def evidence_sql(outcome: Outcome, types: Mapping[str, Any]) -> str:
    """The evidence of a finding that holds, letter for letter what DuckDB's ``json_object`` writes."""
    columns = outcome.evidence.items()
    if any(_needs_plain(types[column]) for _, column in columns):
        pairs = ", ',', ".join(f"'\"{name}\":', {_json_value(column, types[column])}" for name, column in columns)
        text = f"concat('{{', {pairs}, '}}')"
    else:
        pairs = ", ".join(f"'{name}', `{column}`" for name, column in columns)
        text = f"to_json(named_struct({pairs}), map('ignoreNullFields', 'false'))"
    return f"CASE WHEN `{outcome.flag}` THEN {text} END"


def _needs_plain(kind: Any) -> bool:
    """Whether Spark's JSON could write a number of this type as 1E-7."""
    return bool(kind.typeName() == "decimal" and kind.scale > JSON_PLAIN_SCALE)


def _json_value(column: str, kind: Any) -> str:
    if kind.typeName() == "decimal":
        return f"coalesce(CAST(`{column}` AS STRING), 'null')"
    whole = f"to_json(array(`{column}`))"
    return f"substring({whole}, 2, length({whole}) - 2)"
