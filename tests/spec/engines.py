"""The engines every rule table runs on. A further engine needs a name and a function from rows to states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from tests.rules.build import snapshot, tables
from tests.spec.reader import DAY, REGION

from huqing.rules.engine import read_county, screen
from huqing.rules.recheck import Rechecker

States = dict[tuple[int, int | None], str]
Rows = Mapping[str, list[dict[str, Any]]]


def screening(rows: Rows, finding: str, folder: Path, cache: Path) -> States:
    """The whole county at once, as a screening does it."""
    made = snapshot(folder / "snapshot", tables(rows))
    counts = screen(made, folder / "out", as_of=DAY, region=REGION, findings=[finding], cache=cache)
    assert not counts.not_run, counts.not_run
    found = parquet.read_table(folder / "out" / "findings.parquet").to_pylist()
    return {(row["household_id"], row["person_id"]): row["state"] for row in found}


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
    """The rows of one household."""
    return table.filter(pc.equal(table["id" if name == "household" else "household_id"], number))


ENGINES: dict[str, Callable[[Rows, str, Path, Path], States]] = {
    "screening": screening,
    "household by household": household_by_household,
}
