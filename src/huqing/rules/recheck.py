"""Re-checking one household the moment a value changes: the same plan, prepared once, on that household's rows."""
# ruff: noqa: S608 - names come from declarations and plans

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from huqing.rules.engine import decide_sql, plan_for
from huqing.rules.errors import TableError
from huqing.rules.plans import Plan
from huqing.standards.tables import table_schemas


@dataclass(frozen=True)
class Found:
    """One finding that holds (``state`` "found") or cannot be decided ("unknown")."""

    finding: str
    household_id: int
    person_id: int | None
    state: str
    evidence: dict[str, Any] | None
    evidence_hash: str | None


class Rechecker:
    """Decides the findings of one household after another, for one day and region.

    ``county`` is what the last screening wrote to ``county.json`` (``engine.read_county``): facts about the whole
    county and the findings it could not run. Without it, what depends on the county is unknown. ``findings`` are the
    keys this object decides; findings that compare households are not among them and stay as the last screening left
    them. One object serves one thread at a time.
    """

    def __init__(
        self,
        *,
        as_of: datetime.date,
        region: str,
        county: Mapping[str, Any] | None = None,
        findings: Sequence[str] | None = None,
        parameter_folders: tuple[Path, ...] = (),
        cache: Path | None = None,
    ) -> None:
        known = county or {}
        self.as_of, self.region = as_of, region
        self._plan = plan_for(
            as_of=as_of,
            region=region,
            findings=list(findings) if findings is not None else None,
            one_household=True,
            parameter_folders=parameter_folders,
            cache=cache,
        )
        left_out = set(known.get("not_run", ()))
        outcomes = {
            subject: [o for o in found if o.finding not in left_out] for subject, found in self._plan.outcomes.items()
        }
        self.findings = frozenset(outcome.finding for found in outcomes.values() for outcome in found)
        self._connection = duckdb.connect()
        self._connection.execute("SET threads = 1")
        # A prepared plan outlives the rows it was planned on, so it must not rest on their statistics.
        self._connection.execute("SET disabled_optimizers = 'statistics_propagation,compressed_materialization'")
        self._fill: dict[str, str] = {}
        for table, columns in self._plan.columns.items():
            self._open(table, columns)
        set_county(self._connection, self._plan, known.get("facts", {}))
        wanted = Plan(self._plan.steps, self._plan.columns, outcomes, self._plan.results)
        self._connection.execute(f"PREPARE decide AS {decide_sql(wanted)} ORDER BY ALL")

    def _open(self, table: str, columns: list[str]) -> None:
        types = table_schemas()[table]
        declared = ", ".join(f'"{column}" {types[column]}' for column in columns)
        self._connection.execute(f'CREATE TABLE "{table}" ({declared})')
        listed = ", ".join(f'"{column}"' for column in columns)
        self._fill[table] = f'INSERT INTO "{table}" SELECT {listed} FROM rows'

    def check(self, tables: Mapping[str, pa.Table]) -> list[Found]:
        """The findings of the household whose rows are given, typed as in a snapshot; a table not given has no rows."""
        for table, columns in self._plan.columns.items():
            self._connection.execute(f'DELETE FROM "{table}"')
            rows = tables.get(table)
            if rows is not None and rows.num_rows:
                check_columns(table, columns, rows)
                self._connection.register("rows", rows)
                self._connection.execute(self._fill[table])
                self._connection.unregister("rows")
        found = self._connection.execute("EXECUTE decide").fetchall()
        return [
            Found(finding, household, person, state, json.loads(evidence) if evidence else None, digest)
            for finding, household, person, state, evidence, digest in found
        ]

    def close(self) -> None:
        """Let the engine go."""
        self._connection.close()


def load_tables(connection: duckdb.DuckDBPyConnection, plan: Plan, tables: Mapping[str, pa.Table]) -> None:
    """Make the given rows readable to a plan; a table not given is empty."""
    for table, columns in plan.columns.items():
        types = table_schemas()[table]
        declared = ", ".join(f'"{column}" {types[column]}' for column in columns)
        connection.execute(f'CREATE TABLE "{table}" ({declared})')
        rows = tables.get(table)
        if rows is not None and rows.num_rows:
            check_columns(table, columns, rows)
            listed = ", ".join(f'"{column}"' for column in columns)
            connection.register("rows", rows)
            connection.execute(f'INSERT INTO "{table}" SELECT {listed} FROM rows')
            connection.unregister("rows")


def check_columns(table: str, columns: Sequence[str], rows: pa.Table) -> None:
    """TableError naming the columns the rules need and the rows lack."""
    missing = [column for column in columns if column not in rows.column_names]
    if missing:
        raise TableError(f"数据表 {table} 缺少列 {'、'.join(missing)}。请按 standards.tables 的声明补齐。")


def set_county(connection: duckdb.DuckDBPyConnection, plan: Plan, facts: Mapping[str, Any]) -> None:
    """Make what is known of the whole county readable to a plan for one household."""
    if plan.county:
        values = ", ".join(f'CAST(? AS {kind}) AS "{name}"' for name, kind in plan.county.items())
        connection.execute(f"CREATE TABLE county_facts AS SELECT {values}", [facts.get(name) for name in plan.county])
