"""Re-checking one household the moment a value changes: the same plan, prepared once, on that household's rows."""
# ruff: noqa: S608 - names come from declarations and plans

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from huqing.rules.engine import FOUND, UNKNOWN, evidence_sql, plan_for, steps_sql, subject_ids
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
        parameter_folders: tuple[Path, ...] | None = None,
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
        self._subjects = {relation: subject for subject, relation, _ in self._plan.told()}
        self._outcomes = {
            relation: [outcome for outcome in outcomes if outcome.finding not in left_out]
            for _, relation, outcomes in self._plan.told()
        }
        self.findings = frozenset(outcome.finding for found in self._outcomes.values() for outcome in found)
        self._connection = duckdb.connect()
        self._connection.execute("SET threads = 1")
        # A prepared plan outlives the rows it was planned on, so it must not rest on their statistics; and comparing a
        # few codes one by one starts sooner than joining a list of them.
        self._connection.execute(
            "SET disabled_optimizers = 'statistics_propagation,compressed_materialization,in_clause'"
        )
        self._filled: set[str] = set()
        for table, columns in self._plan.columns.items():
            self._open(table, columns)
        set_county(self._connection, self._plan, known.get("facts", {}))
        self._prepare()

    def _prepare(self) -> None:
        """One row per household and person of whom something holds or is unknown, all flags and evidence in two lists.

        A branch per finding would cost more in starting its operators than all the rest.
        """
        rows = [
            f"SELECT '{relation}' AS relation, {subject_ids(self._subjects[relation])}, "
            f"[{', '.join(_quoted(outcome.flag) for outcome in outcomes)}]::BOOLEAN[] AS flags, "
            f"[{', '.join(evidence_sql(outcome) for outcome in outcomes)}]::VARCHAR[] AS evidence "
            f'FROM "{relation}"'
            for relation, outcomes in self._outcomes.items()
            if outcomes
        ]
        if rows:
            self._connection.execute(f"PREPARE decide AS WITH {steps_sql(self._plan.steps)} {' UNION ALL '.join(rows)}")

    def _open(self, table: str, columns: list[str]) -> None:
        """Make room for a household's rows. They come as JSON: for few rows that takes a third of the time of Arrow."""
        types = table_schemas()[table]
        declared = ", ".join(f'"{column}" {types[column]}' for column in columns)
        self._connection.execute(f'CREATE TABLE "{table}" ({declared})')
        structure = json.dumps([{column: types[column] for column in columns}])
        self._connection.execute(
            f'PREPARE "fill_{table}" AS INSERT INTO "{table}" '
            f"SELECT row.* FROM (SELECT unnest(from_json($1::VARCHAR, '{structure}')) AS row)"
        )

    def check(self, tables: Mapping[str, pa.Table]) -> list[Found]:
        """The findings of the household whose rows are given, typed as in a snapshot; a table not given has no rows."""
        if not self.findings:
            return []
        for table, columns in self._plan.columns.items():
            if table in self._filled:
                self._connection.execute(f'DELETE FROM "{table}"')
                self._filled.discard(table)
            rows = tables.get(table)
            if rows is not None and rows.num_rows:
                check_columns(table, columns, rows)
                text = json.dumps(rows.select(columns).to_pylist(), default=str).replace("'", "''")
                self._connection.execute(f"EXECUTE \"fill_{table}\"('{text}')")
                self._filled.add(table)
        found = [
            Found(
                outcome.finding,
                household,
                person,
                FOUND if flag else UNKNOWN,
                json.loads(evidence) if evidence else None,
                hashlib.sha256(evidence.encode()).hexdigest() if evidence else None,
            )
            for relation, household, person, _, flags, texts in self._connection.execute("EXECUTE decide").fetchall()
            for outcome, flag, evidence in zip(self._outcomes[relation], flags, texts, strict=True)
            if flag is not False
        ]
        return sorted(found, key=lambda item: (item.finding, item.person_id or 0))

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


def _quoted(name: str) -> str:
    return f'"{name}"'
