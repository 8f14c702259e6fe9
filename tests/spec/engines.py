"""The engines every rule table runs on. A further engine needs a name and a function from rows to states.

Spark takes seconds for the smallest question, so it is asked all tables at once: ``all_on_spark``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from tests.rules.build import snapshot, tables
from tests.spec.reader import DAY, REGION, Section

from huqing.rules import spark
from huqing.rules.engine import read_county, screen
from huqing.rules.library import library
from huqing.rules.recheck import Rechecker

States = dict[tuple[int, int | None], str]
Rows = Mapping[str, list[dict[str, Any]]]
APART = 10_000_000  # between the numbers of one rule table and of the next


def screening(rows: Rows, finding: str, folder: Path, cache: Path) -> States:
    """The whole county at once, as a screening does it."""
    made = snapshot(folder / "snapshot", tables(rows))
    counts = screen(made, folder / "out", as_of=DAY, region=REGION, findings=[finding], cache=cache)
    assert not counts.not_run, counts.not_run
    found = parquet.read_table(folder / "out" / "findings.parquet").to_pylist()
    return {(row["household_id"] or row["village_id"], row["person_id"]): row["state"] for row in found}


def household_by_household(rows: Rows, finding: str, folder: Path, cache: Path) -> States:
    """One household after another, as a re-check does it, with what the screening knows of the county."""
    made = tables(rows)
    checker = Rechecker(as_of=DAY, region=REGION, findings=[finding], cache=cache, county=read_county(folder / "out"))
    states: States = {}
    for number in made["household"]["id"].to_pylist():
        for found in checker.check({name: of_household(name, table, number) for name, table in made.items()}):
            states[found.household_id, found.person_id] = found.state
    checker.close()
    return states


def of_household(name: str, table: pa.Table, number: int) -> pa.Table:
    """The rows of one household; villages are no household's."""
    if name == "village":
        return table
    return table.filter(pc.equal(table["id" if name == "household" else "household_id"], number))


def all_on_spark(sections: Iterable[Section], session: Any, folder: Path, cache: Path) -> dict[str, States]:
    """What Spark decides for every table, by place of the table.

    The tables lie side by side in one county, each with numbers of its own; only what compares households, and so
    could meet a row of another table, is decided in a county of its own.
    """
    together, alone = [], []
    rules = library()
    for section in sections:
        compared = {node.entity for node in rules.closure([section.finding])} & rules.countywide_groups
        (alone if compared else together).append(section)
    decided: dict[str, States] = {}
    for number, chosen in enumerate([together, *([section] for section in alone)]):
        rows: dict[str, list[dict[str, Any]]] = {}
        for order, section in enumerate(chosen):
            for table, given in section.tables().items():
                rows.setdefault(table, []).extend(_moved(row, order) for row in given)
        place = folder / str(number)
        made = snapshot(place / "snapshot", tables(rows))
        findings = sorted({section.finding for section in chosen})
        counts = spark.screen(
            made, place / "out", spark=session, as_of=DAY, region=REGION, findings=findings, cache=cache
        )
        assert not counts.not_run, counts.not_run
        for row in parquet.read_table(place / "out" / "findings.parquet").to_pylist():
            order, household = divmod(row["household_id"] or row["village_id"], APART)
            if row["finding"] == chosen[order].finding:
                person = None if row["person_id"] is None else row["person_id"] - order * APART
                decided.setdefault(chosen[order].place, {})[household, person] = row["state"]
    return decided


def _moved(row: dict[str, Any], order: int) -> dict[str, Any]:
    """A row with the numbers of its table, in a town of its own."""
    moved = dict(row)
    for key in {"id", "household_id", "person_id"} & {key for key, value in row.items() if value is not None}:
        moved[key] = row[key] + order * APART
    if code := row.get("region_code"):
        moved["region_code"] = f"{code[:6]}{order:03}{code[9:]}"
    return moved


ENGINES: dict[str, Callable[[Rows, str, Path, Path], States]] = {
    "screening": screening,
    "household by household": household_by_household,
}
