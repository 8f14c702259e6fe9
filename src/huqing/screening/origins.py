"""Which rows of which department files an alert rests on.

A rule does not say which of a person's bills made it hold, so the rules themselves are asked: the household is decided
once more without each of its department rows. A row counts when without it the finding no longer holds, or holds with
other values. Where no single row counts because others say the same, all rows of a file that counts as a whole do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa

from huqing.intake.models import Import
from huqing.registry import snapshot
from huqing.registry.models import DepartmentRecord, Region, Source
from huqing.rules.engine import quoted
from huqing.rules.library import library
from huqing.screening import actions
from huqing.screening.models import Alert, Run

# A clone of household h without one row is a household of its own: its number in the high bits of its people's ids.
CLONE_BITS = 40
MOST_ROWS = 200
MOST_FILES = 60  # the newest of a kind that are looked at
AT_ONCE = 400


class Key(NamedTuple):
    """What an alert is about."""

    finding: str
    household_id: int
    person_id: int | None
    village_id: int | None = None


class Line(NamedTuple):
    """One row of a department file: the record it became, the source it came from and its row there."""

    kind: str
    record_id: int
    source_id: int
    row_number: int


class Variant(NamedTuple):
    """A household as it would be without one row of a file (``record_id``), without all of them (None), or as it is."""

    household_id: int
    kind: str
    record_id: int | None


@dataclass(frozen=True)
class FileRows:
    """Rows of one imported file. ``rows`` empty: the file was compared with and lacks such a row."""

    source: Source
    intake: Import | None
    rows: tuple[int, ...]

    @property
    def file_name(self) -> str:
        """The name of the file as it was uploaded, with the sheet where a workbook gave several imports."""
        return self.intake.file_name if self.intake else self.source.title

    @property
    def text(self) -> str:
        """“医保结算_2026年5月.xlsx 第 123 行”, several rows joined."""
        if not self.rows:
            return f"{self.file_name}（没有相应的行）"
        return f"{self.file_name} 第 {'、'.join(map(str, self.rows))} 行"


def of_alert(alert: Alert, *, as_of: date) -> list[FileRows]:
    """The rows behind one alert, by the records as they are now; [] if it rests on no file."""
    household = alert.household
    if alert.village:
        return _of_village(alert.village)
    if household is None or not _files(alert.finding):
        return []
    key = Key(alert.finding, household.pk, alert.person_id)
    found = lines_behind(snapshot.one_household(household.pk), [key], as_of=as_of, region=household.region_code)
    return named([alert], found)[key]


def of_alerts(alerts: Sequence[Alert], run: Run) -> dict[Key, list[FileRows]]:
    """The rows behind many alerts, by the snapshot of ``run``; alerts that rest on no department file are left out."""
    wanted = [alert for alert in alerts if alert.household_id and _files(alert.finding)]
    folder = snapshot.folder(run.region_code, run.snapshot)
    found: dict[Key, list[Line]] = {}
    if (folder / snapshot.MANIFEST).exists():
        for start in range(0, len(wanted), AT_ONCE):
            part = [key_of(alert) for alert in wanted[start : start + AT_ONCE]]
            tables = _tables(folder, sorted({key.household_id for key in part}))
            found |= lines_behind(tables, part, as_of=run.as_of, region=run.region_code)
    of_villages = {key_of(alert): _of_village(alert.village) for alert in alerts if alert.village}
    return named(wanted, found) | of_villages


def _of_village(village: Region) -> list[FileRows]:
    """The row of the table of villages that speaks for the village: that of its newest year."""
    rows = snapshot.one_village(village.code)["village"].to_pylist()
    sources = Source.objects.select_related("intake").in_bulk([row["source_id"] for row in rows])
    return [
        FileRows(sources[row["source_id"]], getattr(sources[row["source_id"]], "intake", None), (row["row_number"],))
        for row in rows
    ]


def key_of(alert: Alert) -> Key:
    """What the alert is about."""
    return Key(alert.finding, alert.household_id, alert.person_id, alert.village_id)


def _files(finding: str) -> set[str]:
    rules = library()
    return rules.files_of(finding) if finding in rules.findings else set()


def _tables(folder: Path, households: list[int]) -> dict[str, pa.Table]:
    tables = {}
    with duckdb.connect() as db:
        db.register("wanted", pa.table({"id": pa.array(households, pa.int64())}))
        for file in sorted(folder.glob("*.parquet")):
            columns = [row[0] for row in db.execute(f"DESCRIBE FROM read_parquet('{quoted(file)}')").fetchall()]
            key = "id" if file.stem == "household" else "household_id"
            if key in columns:
                tables[file.stem] = db.execute(
                    f"FROM read_parquet('{quoted(file)}') r SEMI JOIN wanted ON r.{key} = wanted.id"
                ).to_arrow_table()
    return tables


def lines_behind(
    tables: Mapping[str, pa.Table], wanted: Iterable[Key], *, as_of: date, region: str
) -> dict[Key, list[Line]]:
    """For each wanted finding the rows it rests on, in the order of file and row; ``tables`` as in a snapshot.

    A finding that does not hold on these rows, or that compares households, has none.
    """
    keys = list(wanted)
    kinds = {key: sorted(_files(key.finding) & set(tables)) for key in keys}
    rows = {kind: _lines(tables[kind], kind) for kind in {kind for found in kinds.values() for kind in found}}
    variants = _variants(keys, kinds, rows)
    decided = _decide(tables, variants, as_of=as_of, region=region)
    result: dict[Key, list[Line]] = {}
    for key in keys:
        base = decided.get((Variant(key.household_id, "", None), key.finding, key.person_id))
        lines: list[Line] = []
        if base is not None:
            for kind in kinds[key]:
                lines += _counting(key, kind, rows[kind].get(key.household_id, []), decided, base)
        result[key] = lines
    return result


def _lines(table: pa.Table, kind: str) -> dict[int, list[Line]]:
    lines: dict[int, list[Line]] = {}
    names = ("household_id", "id", "source_id", "row_number")
    for household, record, source, row in zip(*(table[name].to_pylist() for name in names), strict=True):
        if household is not None:
            lines.setdefault(household, []).append(Line(kind, record, source, row))
    return {household: sorted(found, key=lambda line: line[2:]) for household, found in lines.items()}


def _variants(keys: list[Key], kinds: dict[Key, list[str]], rows: dict[str, dict[int, list[Line]]]) -> list[Variant]:
    wanted = dict.fromkeys(Variant(key.household_id, "", None) for key in keys)
    for key in keys:
        for kind in kinds[key]:
            lines = rows[kind].get(key.household_id, [])
            if lines:
                wanted[Variant(key.household_id, kind, None)] = None
            for line in lines[:MOST_ROWS] if len(lines) > 1 else ():
                wanted[Variant(key.household_id, kind, line.record_id)] = None
    return list(wanted)


def _counting(
    key: Key, kind: str, lines: list[Line], decided: dict[tuple[Variant, str, int | None], str], base: str
) -> list[Line]:
    def differs(record: int | None) -> bool:
        return decided.get((Variant(key.household_id, kind, record), key.finding, key.person_id)) != base

    if not lines or not differs(None):
        return []
    alone = [line for line in lines[:MOST_ROWS] if differs(line.record_id)] if len(lines) > 1 else lines
    return alone or lines


def _decide(
    tables: Mapping[str, pa.Table], variants: list[Variant], *, as_of: date, region: str
) -> dict[tuple[Variant, str, int | None], str]:
    """For every variant the findings that hold and the hash of the values they rest on."""
    found, _ = actions.check_tables(_clones(tables, variants), as_of=as_of, region=region)
    decided = {}
    for item in found:
        if item.state == "found" and item.evidence_hash:
            person = None if item.person_id is None else item.person_id & ((1 << CLONE_BITS) - 1)
            decided[variants[item.household_id], item.finding, person] = item.evidence_hash
    return decided


def _clones(tables: Mapping[str, pa.Table], variants: list[Variant]) -> dict[str, pa.Table]:
    """The tables with one household per variant, numbered in the order of ``variants``."""
    clones = {}
    with duckdb.connect() as db:
        db.execute("SET threads = 1")
        db.register(
            "variants",
            pa.table(
                {
                    "n": pa.array(range(len(variants)), pa.int64()),
                    "of_household": pa.array([v.household_id for v in variants], pa.int64()),
                    "kind": pa.array([v.kind for v in variants], pa.string()),
                    "record_id": pa.array([v.record_id for v in variants], pa.int64()),
                }
            ),
        )
        for name, table in tables.items():
            db.register("given", table)
            people = f"(v.n << {CLONE_BITS}) + g."
            if name == "household":
                changed, key = "v.n AS id", "id"
            elif name == "person":
                changed, key = f"{people}id AS id, v.n AS household_id", "household_id"
            else:
                changed, key = "v.n AS household_id", "household_id"
                if "person_id" in table.column_names:
                    changed += f", {people}person_id AS person_id"
            if key not in table.column_names or not table.num_rows:
                clones[name] = table
                continue
            without = (
                f"NOT (v.kind = '{name}' AND coalesce(v.record_id = g.id, true))"
                if "id" in table.column_names
                else "true"
            )
            clones[name] = (
                db.execute(
                    f"SELECT g.* REPLACE ({changed}) FROM given g JOIN variants v ON v.of_household = g.{key} "  # noqa: S608
                    f"WHERE {without}"
                )
                .to_arrow_table()
                .cast(table.schema)
            )
            db.unregister("given")
    return clones


def named(alerts: Sequence[Alert], found: Mapping[Key, list[Line]]) -> dict[Key, list[FileRows]]:
    """The rows by file. An alert none of whose rows count rests on a row that is not there: then the newest files of
    each kind it was compared with are named."""
    sources = {line.source_id for lines in found.values() for line in lines}
    latest: dict[tuple[str, str], list[Source]] = {}
    known = Source.objects.in_bulk(sources)
    intakes = {intake.source_id: intake for intake in Import.objects.filter(source_id__in=sources)}
    result: dict[Key, list[FileRows]] = {}
    for alert in alerts:
        key = key_of(alert)
        rows: dict[int, list[int]] = {}
        for line in found.get(key, ()):
            rows.setdefault(line.source_id, []).append(line.row_number)
        files = [
            FileRows(known[source], intakes.get(source), tuple(sorted(set(numbers))))
            for source, numbers in rows.items()
            if source in known
        ]
        if not files:
            county = alert.region_code[: actions.COUNTY_DIGITS]
            for kind in sorted(_files(alert.finding)):
                if (county, kind) not in latest:
                    latest[county, kind] = _latest(county, kind)
                files += [FileRows(source, getattr(source, "intake", None), ()) for source in latest[county, kind]]
        result[key] = files
    return result


def _latest(county: str, kind: str) -> list[Source]:
    """The sources of the newest files of a kind the county has taken in, one of each series.

    A kind may come as several lists side by side (insured residents, insured employees). Files whose names differ in
    nothing but digits, as of months and years, are one series.
    """
    applied = Import.objects.filter(record_kind=kind, state=Import.State.APPLIED, region_code__startswith=county)
    newest: dict[str, Source] = {}
    for intake in applied.exclude(source=None).select_related("source").order_by("-id")[:MOST_FILES]:
        newest.setdefault(re.sub(r"\d+", "", f"{Path(intake.file_name).stem}/{intake.sheet}"), intake.source)
    in_force = DepartmentRecord.objects.filter(retired_by=None)
    return [source for source in newest.values() if in_force.filter(source=source).exists()]
