"""Labels that follow from what was taken in: from the household's type, and from the civil affairs register."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from huqing.intake import existing
from huqing.intake.plan import Written, constant, prior_columns, write_prior
from huqing.registry.models import Label

OF_TYPE: dict[str, tuple[str, ...]] = {
    "100A03001": ("tuopin", "monitor", "monitor_unstable"),
    "100A03002": ("monitor", "monitor_marginal"),
    "100A03003": ("monitor", "monitor_sudden"),
    "100A03A01": ("tuopin",),
    "100A03A02": ("tuopin",),
}
ROSTER_KINDS = ("tuopin", "monitor", "monitor_unstable", "monitor_marginal", "monitor_sudden")
OF_AID = {"1": "dibao", "2": "tekun", "3": "dibao_marginal", "4": "rigid_expense", "5": "other_hardship"}


@dataclass(frozen=True)
class Wanted:
    """A label that should hold. ``valid_from`` None: the file does not say, an existing label keeps its own date."""

    household_id: int
    person_id: int | None
    kind: str
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True)
class Held:
    """A label the registry has."""

    id: int
    household_id: int
    person_id: int | None
    kind: str
    valid_from: date
    valid_to: date | None


def derive_from_rosters(written: Written, household_ids: Sequence[int], on: date) -> None:
    """Bring the roster labels of these households in line with their household type and monitoring dates."""
    if not household_ids:
        return
    where, keys = existing.any_of("id", household_ids)
    facts = existing.read("registry_household", {"id": "id", "items": "json"}, f"WHERE {where}", [keys])
    wanted = [one for row in _facts(facts) for one in _wanted_of(row, on)]
    where, keys = existing.any_of("household_id", household_ids)
    kinds = ", ".join(f"'{kind}'" for kind in ROSTER_KINDS)
    from_rosters = (
        "person_id IS NULL AND source_id IN (SELECT id FROM registry_source WHERE kind IN ('roster', 'undo'))"
    )
    held = read_held(f"WHERE {where} AND kind IN ({kinds}) AND {from_rosters}", [keys])
    reconcile(written, wanted, held, on, close_others=True)


def _facts(table: pa.Table) -> list[dict[str, Any]]:
    with duckdb.connect() as db:
        db.register("facts", table)
        found = db.execute(
            """SELECT id, items->>'household_type' AS type,
                TRY_CAST(items->>'identified_on' AS DATE) AS identified_on,
                TRY_CAST(items->>'cleared_on' AS DATE) AS cleared_on,
                TRY_CAST(items->>'exit_year' AS INTEGER) AS exit_year
            FROM facts"""
        )
        return found.to_arrow_table().to_pylist()


def _wanted_of(row: dict[str, Any], on: date) -> Iterable[Wanted]:
    for kind in OF_TYPE.get(row["type"] or "", ()):
        if kind == "tuopin":
            # A household counts as having left poverty from the end of the year the file names.
            year = row["exit_year"]
            yield Wanted(row["id"], None, kind, date(year, 12, 31) if year and year < on.year else None, None)
        else:
            start, end = row["identified_on"], row["cleared_on"]
            yield Wanted(row["id"], None, kind, start, end if not (start and end) or end >= start else start)


def read_held(where: str, parameters: Sequence[Any]) -> list[Held]:
    """Labels of the registry."""
    columns = {
        "id": "id", "household_id": "id", "person_id": "id", "kind": "text", "valid_from": "date", "valid_to": "date",
    }  # fmt: skip
    return [
        Held(**{**row, "valid_from": date.fromisoformat(row["valid_from"]), "valid_to": _day(row["valid_to"])})
        for row in existing.read("registry_label", columns, where, parameters).to_pylist()
    ]


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def reconcile(
    written: Written, wanted: Iterable[Wanted], held: Iterable[Held], on: date, *, close_others: bool
) -> None:
    """Insert, move or close labels so that ``wanted`` holds.

    A label of the same kind is the same spell when it is open, or begins on the same day; otherwise a new spell starts.
    With ``close_others`` open labels that nobody wants any more end on ``on``.
    """
    by_key: dict[tuple[int, int | None, str], list[Held]] = {}
    for one in held:
        by_key.setdefault((one.household_id, one.person_id, one.kind), []).append(one)
    inserts: list[Wanted] = []
    updates: dict[int, tuple[Held, date, date | None]] = {}
    kept: set[int] = set()
    for want in wanted:
        match = _same_spell(by_key.get((want.household_id, want.person_id, want.kind), []), want, kept)
        if match is None:
            inserts.append(want)
            continue
        kept.add(match.id)
        start = want.valid_from or match.valid_from
        end = want.valid_to if want.valid_to is None or want.valid_to >= start else start
        if (start, end) != (match.valid_from, match.valid_to):
            updates[match.id] = (match, start, end)
    if close_others:
        for one in (one for spells in by_key.values() for one in spells):
            if one.id not in kept and one.valid_to is None:
                updates[one.id] = (one, one.valid_from, max(on, one.valid_from))
    _write(written, inserts, list(updates.values()), on)


def _same_spell(spells: list[Held], want: Wanted, kept: set[int]) -> Held | None:
    for one in spells:
        if one.id in kept:
            continue
        # A closed spell that the wanted one begins after is history; a new spell starts.
        over = one.valid_to is not None and want.valid_from is not None and want.valid_from > one.valid_to
        if want.valid_from in (None, one.valid_from) or one.valid_to is None or not over:
            return one
    return None


def _write(written: Written, inserts: list[Wanted], updates: list[tuple[Held, date, date | None]], on: date) -> None:
    starts = [want.valid_from or _earlier(on, want.valid_to) for want in inserts]
    ends = [
        want.valid_to if want.valid_to is None or want.valid_to >= start else start
        for want, start in zip(inserts, starts, strict=True)
    ]
    table = pa.table(
        {
            "household_id": pa.array([want.household_id for want in inserts], pa.int64()),
            "person_id": pa.array([want.person_id for want in inserts], pa.int64()),
            "kind": pa.array([want.kind for want in inserts], pa.string()),
            "valid_from": pa.array(starts, pa.date32()),
            "valid_to": pa.array(ends, pa.date32()),
        }
    )
    written.writer.insert(Label, constant(table, source_id=written.source.pk))
    if updates:
        ids = pa.array([one.id for one, _, _ in updates], pa.int64())
        prior = [prior_columns(valid_from=one.valid_from, valid_to=one.valid_to) for one, _, _ in updates]
        write_prior(written, "label", ids, prior)
        spans = {
            "valid_from": pa.array([start for _, start, _ in updates], pa.date32()),
            "valid_to": pa.array([end for _, _, end in updates], pa.date32()),
        }
        written.writer.update(Label, pa.table({"id": ids, **spans}))


def _earlier(on: date, end: date | None) -> date:
    return on if end is None or end > on else end


def aid_facts(table: pa.Table) -> list[dict[str, Any]]:
    """What civil affairs records (household_id, person_id, items) say about aid."""
    with duckdb.connect() as db:
        db.register("facts", table)
        return (
            db.execute(
                """SELECT household_id, person_id, items->>'aid_kind' AS aid_kind,
                TRY_CAST(items->>'aid_from' AS DATE) AS aid_from, TRY_CAST(items->>'aid_to' AS DATE) AS aid_to
            FROM facts ORDER BY ALL"""
            )
            .to_arrow_table()
            .to_pylist()
        )


def from_aid(rows: Iterable[dict[str, Any]]) -> list[Wanted]:
    """The labels of civil affairs rows: household_id, person_id, aid_kind, aid_from, aid_to (dates)."""
    wanted = []
    for row in rows:
        kind = OF_AID.get(row["aid_kind"] or "")
        if kind and row["household_id"] and row["person_id"] and row["aid_from"]:
            start, end = row["aid_from"], row["aid_to"]
            wanted.append(
                Wanted(
                    row["household_id"], row["person_id"], kind, start, end if end is None or end >= start else start
                )
            )
    return wanted
