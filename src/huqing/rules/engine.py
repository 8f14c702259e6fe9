"""Screening: decide every finding for every household and person of a snapshot, with DuckDB, in one plan."""
# ruff: noqa: S608 - DuckDB takes no bound names; every name here comes from declarations and plans, every path is quoted

from __future__ import annotations

import datetime
import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from huqing.rules.entities import HOUSEHOLD, PERSON, VILLAGE
from huqing.rules.errors import TableError
from huqing.rules.parameters import load, own_folders
from huqing.rules.plans import Outcome, Plan, Step, plan_key, read_plan, sources_digest, write_plan
from huqing.standards.fields import department_kinds

PACKAGES = ("huqing.policies",)
FINDINGS_FILE = "findings.parquet"
COUNTY_FILE = "county.json"
FOUND, UNKNOWN = "found", "unknown"
NO_ROWS = (
    "SELECT NULL::VARCHAR AS finding, NULL::BIGINT AS household_id, NULL::BIGINT AS person_id, "
    "NULL::BIGINT AS village_id, NULL::BOOLEAN AS held, NULL::VARCHAR AS evidence WHERE false"
)
RESULT_ROWS = (
    "SELECT finding, household_id, person_id, village_id, "
    "CASE WHEN held THEN 'found' ELSE 'unknown' END AS state, evidence, "
    "sha256(evidence) AS evidence_hash FROM ({rows})"
)
USUAL_MEMORY = 430_000_000
COUNTY = 500_000  # households; a county stays within the usual memory in however many parts
COUNTY_THREADS, PART_THREADS = 4, 3  # a thread holds 65 MB that the engine does not count; a part is no work for four
IDLE = 34_000  # households whose rows take as much memory as the operators before there are any rows
SUBJECT_KEYS = "household_id, person_id, village_id"
FEWEST = 2_000
WRITTEN_TOGETHER = 30_000  # rows each thread holds while it writes


@dataclass(frozen=True)
class Counts:
    """What a screening did: rows looked at, findings by key, those not run and why, and how long it took."""

    households: int
    persons: int
    found: dict[str, int]
    unknown: dict[str, int]
    not_run: dict[str, str]
    rules_version: str
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def found_total(self) -> int:
        """All findings that hold."""
        return sum(self.found.values())

    @property
    def unknown_total(self) -> int:
        """All findings that could not be decided because a value is missing."""
        return sum(self.unknown.values())


def rules_version() -> str:
    """A short name for the rules and amounts as they are now; it changes whenever an answer could."""
    own = own_folders()
    version = sources_digest(PACKAGES)
    return (hashlib.sha256((version + load(*own).digest()).encode()).hexdigest() if own else version)[:16]


def default_cache() -> Path:
    """Where compiled plans are kept: in the installation's data folder, or the user's cache folder."""
    data = os.environ.get("HUQING_DATA")
    if data:
        return Path(data) / "cache" / "rules"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huqing" / "rules"


def plan_for(
    *,
    as_of: datetime.date,
    region: str,
    findings: list[str] | None = None,
    empty: frozenset[str] = frozenset(),
    one_household: bool = False,
    keep_values: bool = False,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
    dialect: str = "duckdb",
) -> Plan:
    """The plan for these rules, this day, region and engine: read from the cache, or compiled and kept there."""
    folder = cache or default_cache()
    asked = ",".join(findings) if findings is not None else "*"
    extra = (asked, ",".join(sorted(empty)), str(one_household), str(keep_values), dialect)
    folders = own_folders() if parameter_folders is None else parameter_folders
    own = load(*folders)
    key = plan_key(sources_digest(PACKAGES), own, as_of, region, *extra)
    plan = read_plan(folder, key)
    if plan is None:
        from huqing.rules.compiler import compile_plan
        from huqing.rules.library import library

        plan = compile_plan(
            library(folders),
            as_of=as_of,
            region=region,
            findings=findings,
            empty=empty,
            one_household=one_household,
            keep_values=keep_values,
            dialect=dialect,
        )
        write_plan(folder, key, plan)
    return plan


def screen(
    snapshot: Path,
    out: Path,
    *,
    as_of: datetime.date,
    region: str,
    findings: list[str] | None = None,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
    parts: int | None = None,
    threads: int | None = None,
    memory: int | None = None,
    plan: Plan | None = None,
) -> Counts:
    """Decide all findings for the snapshot and write ``out/findings.parquet`` and ``out/county.json``.

    A row per finding that holds or cannot be decided: finding, household_id, person_id (null for a household's),
    village_id (of a village's finding, where the other two are null), state ("found" or "unknown"), evidence (JSON,
    found only) and its SHA-256. ``county.json`` holds what a re-check of one household needs to know of the whole
    county. Both appear whole at the end. The households are decided in ``parts``, by default as many as keep a county
    within 0.6 GB and a province within a quarter of the machine's memory.

    Raises TableError if the snapshot lacks a table or column, ParameterError or RuleError if the rules are wrong.
    """
    started = time.perf_counter()
    sizes = table_sizes(snapshot)
    empty = frozenset(table for table in department_kinds() if not sizes.get(table))
    plan = plan or plan_for(
        as_of=as_of,
        region=region,
        findings=findings,
        empty=empty,
        parameter_folders=parameter_folders,
        cache=cache,
    )
    planned = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="huqing-screen-", dir=out) as scratch, duckdb.connect() as connection:
        number, limit = _share(plan, sizes["household"], memory)
        if not threads and sizes["household"] <= COUNTY:
            threads = min(COUNTY_THREADS if (parts or number) == 1 else PART_THREADS, os.cpu_count() or 1)
        settings = {
            "memory_limit": f"{limit}B",
            "temp_directory": quoted(Path(scratch)),
            "preserve_insertion_order": "false",
        }
        if threads:
            settings["threads"] = str(threads)
        for name, value in settings.items():
            connection.execute(f"SET {name} = '{value}'")
        check_snapshot(connection, snapshot, plan)
        found = Path(scratch) / FINDINGS_FILE
        _run(connection, snapshot, plan, found, parts=parts or number)
        counted = publish(connection, found, out, plan, _county(connection, plan))
    finished = time.perf_counter()
    return counts_of(sizes, counted, plan, {"plan": planned - started, "run": finished - planned})


def publish(
    connection: duckdb.DuckDBPyConnection, found: Path, out: Path, plan: Plan, facts: Mapping[str, Any]
) -> list[tuple[str, str, int]]:
    """Move the decided rows to ``out``, county.json beside them; returns how many there are by finding and state."""
    counted = connection.execute(
        f"SELECT finding, state, count(*) FROM read_parquet('{quoted(found)}') GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    text = json.dumps({"facts": facts, "not_run": plan.not_run}, ensure_ascii=False, default=str)
    beside = found.with_name(COUNTY_FILE)
    beside.write_text(text, encoding="utf-8")
    beside.replace(out / COUNTY_FILE)
    found.replace(out / FINDINGS_FILE)
    return [(str(finding), str(state), int(number)) for finding, state, number in counted]


def counts_of(
    sizes: Mapping[str, int], counted: list[tuple[str, str, int]], plan: Plan, seconds: dict[str, float]
) -> Counts:
    """What a screening did, from the sizes of the tables and the decided rows."""
    return Counts(
        households=sizes["household"],
        persons=sizes["person"],
        found={finding: number for finding, state, number in counted if state == FOUND},
        unknown={finding: number for finding, state, number in counted if state == UNKNOWN},
        not_run=plan.not_run,
        rules_version=rules_version(),
        seconds=seconds,
    )


def _share(plan: Plan, households: int, memory: int | None) -> tuple[int, int]:
    """In how many parts to decide so many households, and how much memory the engine may use for it."""
    need, idle = plan.weight * households, plan.weight * IDLE
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    most = memory or max(USUAL_MEMORY, machine // 4)
    limit = min(USUAL_MEMORY, most) if households <= COUNTY else most
    return math.ceil(max(need, 1) / max(limit - idle, limit // 4)), limit


def _run(connection: duckdb.DuckDBPyConnection, snapshot: Path, plan: Plan, found: Path, *, parts: int) -> None:
    """Build what concerns the whole county, then decide the households part by part, into one Parquet file.

    Where memory does not suffice for a part, that part is halved.
    """
    open_snapshot(connection, snapshot, plan, None)
    for step in plan.steps:
        if step.whole:
            connection.execute(f'CREATE TEMP TABLE "{step.name}" AS {step.sql}')
    done: list[Path] = []
    waiting = _ranges(connection, snapshot, parts)[::-1]
    while waiting:
        first, last = waiting.pop()
        if parts > 1:
            open_snapshot(connection, snapshot, plan, (first, last))
        try:
            villages = results_sql(plan, () if done else (VILLAGE,))
            connection.execute(f"CREATE OR REPLACE TEMP TABLE decided AS {villages}")
            connection.execute(f"INSERT INTO decided {decide_sql(plan)}")
        except duckdb.OutOfMemoryException:
            if last - first < FEWEST:
                raise
            parts += 1
            middle = (first + last) // 2
            waiting += [(middle + 1, last), (first, middle)]
        else:
            # A county's evidence is too much to be kept in memory.
            done.append(found.with_name(f"part-{len(done)}.parquet") if waiting or done else found)
            _write(connection, "decided", done[-1])
    if done != [found]:
        files = ", ".join(f"'{quoted(file)}'" for file in done)
        _write(connection, f"read_parquet([{files}])", found)


def _write(connection: duckdb.DuckDBPyConnection, rows: str, file: Path) -> None:
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {WRITTEN_TOGETHER}"
    connection.execute(f"COPY (FROM {rows}) TO '{quoted(file)}' ({options})")


def _ranges(connection: duckdb.DuckDBPyConnection, snapshot: Path, parts: int) -> list[tuple[int, int]]:
    """Ranges of household numbers holding about equally many households."""
    file = quoted(snapshot / "household.parquet")
    rows = connection.execute(
        f"SELECT min(id), max(id) FROM (SELECT id, ntile({parts}) OVER (ORDER BY id) AS part "
        f"FROM read_parquet('{file}')) GROUP BY part ORDER BY part"
    ).fetchall()
    return [(int(first), int(last)) for first, last in rows] or [(0, 0)]


def read_county(out: Path) -> dict[str, Any]:
    """What the last screening written to ``out`` knows of the whole county; {} if there is none."""
    try:
        facts: dict[str, Any] = json.loads((out / COUNTY_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return facts


def check_snapshot(connection: duckdb.DuckDBPyConnection, snapshot: Path, plan: Plan) -> None:
    """TableError naming the file or column that the plan reads and the snapshot lacks."""
    for table, columns in plan.columns.items():
        file = snapshot / f"{table}.parquet"
        if not file.exists():
            raise TableError(f"快照 {snapshot.name} 缺少 {file.name}。请重新生成快照。")
        shown = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{quoted(file)}')").fetchall()
        missing = [column for column in columns if column not in {row[0] for row in shown}]
        if missing:
            raise TableError(f"快照 {snapshot.name} 的 {file.name} 缺少列 {'、'.join(missing)}。请重新生成快照。")


def open_snapshot(
    connection: duckdb.DuckDBPyConnection, snapshot: Path, plan: Plan, bounds: tuple[int, int] | None
) -> None:
    """Make the snapshot's tables readable under their names, of all households or of a range of them."""
    for table, columns in plan.columns.items():
        listed = ", ".join(f'"{column}"' for column in columns)
        key = "id" if table == HOUSEHOLD else "household_id"
        where = f" WHERE {key} BETWEEN {bounds[0]} AND {bounds[1]}" if bounds and table != VILLAGE else ""
        rows = f"SELECT {listed} FROM read_parquet('{quoted(snapshot / f'{table}.parquet')}'){where}"
        connection.execute(f'CREATE OR REPLACE TEMP VIEW "{table}" AS {rows}')


def decide_sql(plan: Plan) -> str:
    """One query from the tables to the rows of findings; what is read twice is materialised."""
    steps, results = steps_sql(plan.steps), results_sql(plan)
    return f"WITH {steps} {results}" if steps else results


def steps_sql(steps: Iterable[Step]) -> str:
    """Those of the steps that are done for a part of the households, as named queries."""
    return ", ".join(f'"{step.name}" AS MATERIALIZED ({step.sql})' for step in steps if not step.whole)


def results_sql(plan: Plan, subjects: Sequence[str] = (HOUSEHOLD, PERSON)) -> str:
    """A row per finding of these subjects that holds or is unknown; villages come whole, not in parts.

    All findings of a relation are told in one pass: a branch for each would take memory of its own on every thread.
    """
    parts = [
        f"SELECT told.finding, {SUBJECT_KEYS}, told.held, told.evidence FROM (SELECT {subject_ids(subject)}, "
        f"unnest(list_filter([{', '.join(map(told_sql, outcomes))}], lambda told: told IS NOT NULL)) AS told "
        f'FROM "{relation}")'
        for subject, relation, outcomes in plan.told()
        if subject in subjects
    ]
    rows = " UNION ALL ".join(parts) or NO_ROWS
    return RESULT_ROWS.format(rows=rows)


def told_sql(outcome: Outcome) -> str:
    """What a row says of a finding, or NULL if it does not hold."""
    told = f"{{'finding': '{outcome.finding}', 'held': \"{outcome.flag}\", 'evidence': {evidence_sql(outcome)}}}"
    return f'CASE WHEN "{outcome.flag}" IS NULL OR "{outcome.flag}" THEN {told} END'


def subject_ids(subject: str) -> str:
    """The household and person, or the village, a result row is about."""
    if subject == VILLAGE:
        return "NULL::BIGINT AS household_id, NULL::BIGINT AS person_id, id AS village_id"
    if subject == HOUSEHOLD:
        return "id AS household_id, NULL::BIGINT AS person_id, NULL::BIGINT AS village_id"
    return "household_id, id AS person_id, NULL::BIGINT AS village_id"


def evidence_sql(outcome: Outcome) -> str:
    """The evidence of a finding that holds as JSON text, keys in the order the rule lists them."""
    pairs = ", ".join(f"'{name}', \"{column}\"" for name, column in outcome.evidence.items())
    return f'CASE WHEN "{outcome.flag}" THEN json_object({pairs})::VARCHAR END'


def table_sizes(snapshot: Path) -> dict[str, int]:
    """The number of rows of each table of a snapshot, from the files' metadata; TableError if a roster is missing."""
    with duckdb.connect() as connection:
        for table in ("household", "person"):
            if not (snapshot / f"{table}.parquet").exists():
                raise TableError(f"快照 {snapshot.name} 缺少 {table}.parquet。请重新生成快照。")
        files = f"'{quoted(snapshot)}/*.parquet'"
        listed = connection.execute(f"SELECT file_name, num_rows FROM parquet_file_metadata({files})")
        return {Path(name).stem: int(rows) for name, rows in listed.fetchall()}


def _county(connection: duckdb.DuckDBPyConnection, plan: Plan) -> Mapping[str, Any]:
    if not plan.county:
        return {}
    names = ", ".join(f'"{name}"' for name in plan.county)
    row = connection.execute(f"SELECT {names} FROM county_facts").fetchone()
    return dict(zip(plan.county, row or [], strict=False))


def quoted(path: Path) -> str:
    """A path inside an SQL string literal."""
    return str(path).replace("'", "''")
