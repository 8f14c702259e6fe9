"""From the findings of a run to alerts: what opens, what stays, what closes by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from huqing.access.scope import code_range
from huqing.registry import bulk
from huqing.registry.models import Entry, Household
from huqing.rules.library import library
from huqing.rules.recheck import Found
from huqing.screening.models import Alert, Run

ALERT_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("finding", pa.string()),
        ("household_id", pa.int64()),
        ("person_id", pa.int64()),
        ("village_id", pa.int64()),
        ("region_code", pa.string()),
        ("state", pa.string()),
        ("evidence_hash", pa.string()),
        ("seen_on", pa.date32()),
    ]
)

# What holds now against what was known. An alert whose finding has become unknown, or could not run because its
# department file is missing, stays as it is: missing data are no proof that the risk is gone. Households changed
# since the snapshot are left to their own re-check.
COMPARE = """
CREATE TEMP TABLE fresh AS
SELECT f.*, h.region_code
FROM read_parquet($findings) f JOIN read_parquet($households) h ON h.id = f.household_id
WHERE f.household_id NOT IN (SELECT household_id FROM changed)
UNION ALL
SELECT f.*, v.region_code FROM read_parquet($findings) f JOIN read_parquet($villages) v ON v.id = f.village_id;
CREATE TEMP TABLE opening AS
SELECT finding, household_id, person_id, village_id, region_code, evidence, evidence_hash
FROM fresh n WHERE state = 'found' AND NOT EXISTS (SELECT 1 FROM known k WHERE {same});
CREATE TEMP TABLE staying AS
SELECT k.id, k.state, n.region_code, n.evidence, n.evidence_hash,
       n.evidence_hash <> k.evidence_hash AS differs, k.region_code <> n.region_code AS moved, k.seen_on
FROM known k JOIN fresh n ON {same}
WHERE n.state = 'found';
CREATE TEMP TABLE closing AS
SELECT k.id FROM known k
WHERE coalesce(k.household_id NOT IN (SELECT household_id FROM changed), true)
    AND k.finding NOT IN (SELECT finding FROM idle) AND NOT EXISTS (SELECT 1 FROM fresh n WHERE {same});
"""
SAME = " AND ".join(
    [
        "k.finding = n.finding",
        *(f"k.{key} IS NOT DISTINCT FROM n.{key}" for key in ("household_id", "person_id", "village_id")),
    ]
)


def severities() -> dict[str, str]:
    """The severity of every finding."""
    return {key: rule.severity for key, rule in library().findings.items()}


@dataclass(frozen=True)
class Changes:
    """How many alerts a run opened, kept, re-opened after a waiver, and closed."""

    opened: int
    kept: int
    reopened: int
    closed: int


def apply_findings(*, run: Run, findings: Path, snapshot: Path, not_run: Iterable[str]) -> Changes:
    """Bring the alerts of the run's region in line with ``findings``; the caller's transaction makes it one step.

    ``snapshot`` is the folder the rules were run on; ``not_run`` are the findings that nobody could be decided for.
    """
    levels = severities()
    with duckdb.connect() as db:
        db.register("known", _known(run.region_code))
        db.register("changed", _changed_since(run))
        db.register("idle", pa.table({"finding": pa.array(list(not_run), pa.string())}))
        files = {
            "findings": str(findings),
            "households": str(snapshot / "household.parquet"),
            "villages": str(snapshot / "village.parquet"),
        }
        for statement in COMPARE.format(same=SAME).strip().split(";\n"):
            db.execute(statement, files if "read_parquet" in statement else None)
        opening = db.execute("SELECT * FROM opening ORDER BY household_id, village_id, finding").to_arrow_table()
        staying = db.execute("SELECT * FROM staying").to_arrow_table()
        closing = db.execute("SELECT id FROM closing").to_arrow_table()
        differing = db.execute("SELECT * FROM staying WHERE differs OR moved").to_arrow_table()
        reopened = db.execute("SELECT count(*) FROM staying WHERE differs AND state = 'waived'").fetchall()[0][0]
    with bulk.writer() as writer:
        writer.insert(Alert, _new_rows(opening, run, levels))
        writer.update(Alert, _constant(staying.select(["id"]), seen_on=run.as_of))
        writer.update(Alert, _differing_rows(differing))
        writer.update(Alert, _constant(closing, state=Alert.State.CLOSED.value, closed_on=run.as_of))
    return Changes(opening.num_rows, staying.num_rows, int(reopened), closing.num_rows)


def _known(region: str) -> pa.Table:
    names = ALERT_SCHEMA.names
    rows = (
        Alert.objects.filter(code_range(region), state__in=[Alert.State.OPEN, Alert.State.WAIVED])
        .values_list(*names)
        .iterator(chunk_size=20_000)
    )
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, ALERT_SCHEMA, strict=True)], schema=ALERT_SCHEMA
    )


def _changed_since(run: Run) -> pa.Table:
    ids = Entry.objects.filter(code_range(run.region_code, "household__region_code"), at__gte=run.started_at)
    return pa.table({"household_id": pa.array(ids.values_list("household_id", flat=True).distinct(), pa.int64())})


def _constant(table: pa.Table, **values: str | date) -> pa.Table:
    for name, value in values.items():
        kind = pa.date32() if isinstance(value, date) else pa.string()
        table = table.append_column(name, pa.repeat(pa.scalar(value, kind), table.num_rows))
    return table


def _new_rows(opening: pa.Table, run: Run, levels: dict[str, str]) -> pa.Table:
    severity = pa.array([levels[finding] for finding in opening["finding"].to_pylist()], pa.string())
    table = opening.append_column("severity", severity)
    table = _constant(table, state=Alert.State.OPEN.value, opened_on=run.as_of, seen_on=run.as_of)
    return table.append_column("opened_by_run_id", pa.repeat(pa.scalar(run.pk, pa.int64()), table.num_rows))


def _differing_rows(differing: pa.Table) -> pa.Table:
    # A waiver holds for the values it was given for: other values bring the alert back.
    states = [
        Alert.State.OPEN.value if differs else state
        for state, differs in zip(differing["state"].to_pylist(), differing["differs"].to_pylist(), strict=True)
    ]
    return pa.table(
        {
            "id": differing["id"],
            "state": pa.array(states, pa.string()),
            "region_code": differing["region_code"],
            "evidence": differing["evidence"],
            "evidence_hash": differing["evidence_hash"],
        }
    )


def apply_to_household(
    *, household: Household, as_of: date, fresh: Iterable[Found], decided: frozenset[str]
) -> Changes:
    """The same for one household, through the ORM; alerts of findings not in ``decided`` are left as they are."""
    levels = severities()
    now = {(item.finding, item.person_id): item for item in fresh}
    standing = Alert.objects.select_for_update().filter(
        household=household, state__in=[Alert.State.OPEN, Alert.State.WAIVED], finding__in=decided
    )
    opened = kept = reopened = closed = 0
    for alert in standing:
        item = now.pop((alert.finding, alert.person_id), None)
        if item is None:
            alert.state, alert.closed_on = Alert.State.CLOSED, as_of
            closed += 1
        elif item.state == "found":
            if item.evidence_hash != alert.evidence_hash:
                reopened += alert.state == Alert.State.WAIVED
                alert.state = Alert.State.OPEN
                alert.evidence, alert.evidence_hash = item.evidence, item.evidence_hash
            alert.seen_on = as_of
            kept += 1
        alert.save()
    for item in now.values():
        if item.state != "found":
            continue
        Alert.objects.create(
            finding=item.finding,
            household=household,
            person_id=item.person_id,
            region_code=household.region_code,
            severity=levels[item.finding],
            evidence=item.evidence,
            evidence_hash=item.evidence_hash,
            opened_on=as_of,
            seen_on=as_of,
        )
        opened += 1
    return Changes(opened, kept, reopened, closed)
