"""What a simulation found: who would enter and who would leave, by finding and by town, and what a line would cost."""
# ruff: noqa: S608 - every path is our own and quoted, every name comes from declarations

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from huqing.rules.benefits import compute
from huqing.rules.engine import FINDINGS_FILE, Counts, quoted

CHANGES_FILE = "changes.parquet"
ENTER, LEAVE = "enter", "leave"
DIRECTIONS = {ENTER: "进入", LEAVE: "退出"}
TOWN_DIGITS = 9
FETCH = 2_000

# One row per subject and finding whose answer "found" is not the same with both sets of parameters.
COMPARE = """
CREATE TEMP TABLE now AS SELECT {columns} FROM read_parquet('{now}');
CREATE TEMP TABLE later AS SELECT {columns} FROM read_parquet('{then}');
CREATE TEMP TABLE compared AS
SELECT coalesce(n.finding, t.finding) AS finding, coalesce(n.household_id, t.household_id) AS household_id,
       coalesce(n.person_id, t.person_id) AS person_id, coalesce(n.village_id, t.village_id) AS village_id,
       coalesce(n.state, 'not') AS was, coalesce(t.state, 'not') AS becomes,
       coalesce(t.evidence, n.evidence) AS evidence
FROM now n FULL JOIN later t ON n.finding = t.finding AND n.household_id IS NOT DISTINCT FROM t.household_id
    AND n.person_id IS NOT DISTINCT FROM t.person_id AND n.village_id IS NOT DISTINCT FROM t.village_id;
CREATE TEMP TABLE changed AS
SELECT CASE WHEN becomes = 'found' THEN 'enter' ELSE 'leave' END AS direction, c.finding, c.household_id, c.person_id,
       c.village_id, c.was, c.becomes, c.evidence, {region} AS region_code
FROM compared c LEFT JOIN read_parquet('{households}') h ON h.id = c.household_id {villages}
WHERE (was = 'found') <> (becomes = 'found');
"""


def compare(work: Path, snapshot: Path, *, now: Counts, then: Counts, findings: Sequence[str]) -> dict[str, Any]:
    """Write ``work/changes.parquet`` and return the counts.

    ``households`` (distinct, by direction), ``by_finding`` and ``by_town`` (9 digits), ``not_run`` now and then.
    """
    village = snapshot / "village.parquet"
    with_villages = village.exists()
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        sql = COMPARE.format(
            columns="finding, household_id, person_id, village_id, state, evidence",
            now=quoted(work / "now" / FINDINGS_FILE),
            then=quoted(work / "then" / FINDINGS_FILE),
            households=quoted(snapshot / "household.parquet"),
            villages=f"LEFT JOIN read_parquet('{quoted(village)}') v ON v.id = c.village_id" if with_villages else "",
            region="coalesce(h.region_code, v.region_code)" if with_villages else "h.region_code",
        )
        for statement in sql.strip().rstrip(";").split(";\n"):
            db.execute(statement)
        db.execute(
            "COPY (SELECT * FROM changed ORDER BY direction, region_code, household_id, person_id, finding) "
            f"TO '{quoted(work / CHANGES_FILE)}' (FORMAT parquet, COMPRESSION zstd)"
        )
        pairs = db.execute("SELECT finding, was, becomes, count(*) FROM compared GROUP BY ALL").fetchall()
        towns = db.execute(
            f"SELECT substr(region_code, 1, {TOWN_DIGITS}), direction, count(*), count(DISTINCT household_id) "
            "FROM changed GROUP BY ALL ORDER BY 1"
        ).fetchall()
        households = dict(
            db.execute("SELECT direction, count(DISTINCT household_id) FROM changed GROUP BY 1").fetchall()
        )
    by_finding = {
        key: dict.fromkeys(("now", "then", ENTER, LEAVE, "unknown_now", "unknown_then"), 0) for key in findings
    }
    for finding, was, becomes, number in pairs:
        tally = by_finding[finding]
        tally["now"] += number * (was == "found")
        tally["then"] += number * (becomes == "found")
        tally["unknown_now"] += number * (was == "unknown")
        tally["unknown_then"] += number * (becomes == "unknown")
        tally[ENTER] += number * (becomes == "found" and was != "found")
        tally[LEAVE] += number * (was == "found" and becomes != "found")
    by_town: dict[str, dict[str, int]] = {}
    for town, direction, rows, distinct in towns:
        tally = by_town.setdefault(town or "", dict.fromkeys((ENTER, LEAVE, "enter_households", "leave_households"), 0))
        tally[direction] += rows
        tally[f"{direction}_households"] += distinct
    return {
        "households": now.households,
        "persons": now.persons,
        "enter_households": households.get(ENTER, 0),
        "leave_households": households.get(LEAVE, 0),
        ENTER: sum(tally[ENTER] for tally in by_finding.values()),
        LEAVE: sum(tally[LEAVE] for tally in by_finding.values()),
        "by_finding": by_finding,
        "by_town": by_town,
        "not_run": {"now": now.not_run, "then": then.not_run},
    }


# Lines whose yearly cost follows from the income of the households below them.
LINES = frozenset({"monitor_line", "dibao_line"})
FORMULA = "人均纯收入低于这条线的每一户：（线 − 人均纯收入）× 在世家庭人口，全县相加，单位元/年"


def costs(
    work: Path, snapshot: Path, changes: Sequence[Mapping[str, Any]], *, as_of: date, region: str
) -> list[dict[str, Any]]:
    """What bringing everybody below a changed line up to it would cost a year, now and with the proposed value.

    Amounts are fen. Households whose income is unknown are not in it; ``unknown`` says how many they are.
    """
    lines = [change for change in changes if change["parameter"] in LINES]
    if not lines:
        return []
    values = work / "incomes.parquet"
    names = ("in_scope", "net_income_per_head", "members")
    compute(values, of="household", names=names, as_of=as_of, region=region, snapshot=snapshot, cache=work / "cache")
    found = []
    for change in lines:
        told: dict[str, Any] = {"parameter": change["parameter"], "title": change["title"], "formula": FORMULA}
        for which, raw in (("now", change["now_raw"]), ("then", change["then_raw"])):
            told[which] = _gap(values, int(Decimal(raw) * 100)) if raw else None
        found.append(told)
    values.unlink()
    return found


def _gap(values: Path, line: int) -> dict[str, int]:
    with duckdb.connect() as db:
        below = f"net_income_per_head < {line}"
        row = db.execute(
            f"SELECT count(*) FILTER ({below}), coalesce(sum(members) FILTER ({below}), 0), "
            f"coalesce(sum(({line} - net_income_per_head) * members) FILTER ({below}), 0), "
            f"count(*) FILTER (net_income_per_head IS NULL) FROM read_parquet('{quoted(values)}') WHERE in_scope"
        ).fetchone()
    households, heads, fen, unknown = row or (0, 0, 0, 0)
    return {"households": int(households), "heads": int(heads), "fen": int(fen), "unknown": int(unknown)}


@dataclass(frozen=True)
class Mover:
    """One subject that a finding would newly hold for, or no longer."""

    direction: str
    finding: str
    household_id: int | None
    person_id: int | None
    region_code: str
    was: str
    becomes: str


def movers(
    folder: Path, *, direction: str = "", finding: str = "", region: str = "", offset: int = 0, limit: int = 50
) -> tuple[list[Mover], int]:
    """A page of those who would enter or leave, in order of village and household, and how many there are in all."""
    file = folder / CHANGES_FILE
    if not file.exists():
        return [], 0
    conditions = {"direction": direction, "finding": finding}
    where = [f"{column} = ?" for column, value in conditions.items() if value]
    values: list[Any] = [value for value in conditions.values() if value]
    if region:
        where.append("starts_with(region_code, ?)")
        values.append(region)
    source = f"read_parquet('{quoted(file)}') WHERE {' AND '.join(where) or 'true'}"
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        counted = db.execute(f"SELECT count(*) FROM {source}", values).fetchone()
        rows = db.execute(
            "SELECT direction, finding, household_id, person_id, coalesce(region_code, ''), was, becomes "
            f"FROM {source} ORDER BY region_code, household_id, person_id, finding LIMIT ? OFFSET ?",
            [*values, limit, offset],
        ).fetchall()
    return [Mover(*row) for row in rows], int(counted[0]) if counted else 0


def pages(folder: Path) -> Iterator[list[Mover]]:
    """Everybody who would enter or leave, a part at a time, for an export."""
    offset, total = 0, 1
    while offset < total:
        part, total = movers(folder, offset=offset, limit=FETCH)
        yield part
        offset += FETCH
