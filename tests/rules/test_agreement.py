"""Random households: no rule ever fails, and screening, re-check and explanation say the same."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from tests.rules.build import snapshot, tables
from tests.spec.engines import of_household

from huqing.rules.engine import plan_for, read_county, screen
from huqing.rules.explain import explain
from huqing.rules.recheck import Rechecker
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.tables import table_schemas

DAY = datetime.date(2025, 6, 30)
REGION = "500236"
CODES = {
    ("label", "kind"): ["monitor", "tuopin", "dibao"],
    ("person", "relation"): ["01", "02", "03", "04", "11", "12"],
    ("person", "sex"): ["1", "2", "9"],
    ("person", "id_sex"): ["1", "2"],
    ("person", "id_state"): ["valid", "valid_card", "bad_check", "placeholder"],
    ("person", "phone_state"): ["mobile", "landline", "missing"],
    ("person", "phone_token"): ["aa", "bb"],
    ("person", "work_from"): ["2021-03", "2024-11", "2025-07"],
    ("person", "work_to"): ["2025-05", "2025-09"],
    ("work", "job_from"): ["2019-03", "2024-11", "2025-01"],
    ("work", "job_to"): ["2024-12", "2025-09"],
    ("person", "id_token"): ["aa", "bb", "cc"],
    ("household", "phone_token"): ["aa", "bb"],
    ("household", "phone_state"): ["mobile", "bad"],
    ("school_enrolment", "term"): ["2024-2025-1", "2024-2025-2"],
}
HOUSEHOLDS = 4
SOMETIMES_EMPTY = ("asset",)  # each combination of empty files is a plan of its own, compiled once


def values(table: str, column: str, kind: str) -> st.SearchStrategy[Any]:
    """Plausible and less plausible values of a column, missing ones among them."""
    declared = record_kinds()[table].by_key.get(column) if table in record_kinds() else None
    codes = CODES.get((table, column)) or (
        list(codelist(declared.codelist).codes) if declared and declared.codelist else []
    )
    some: st.SearchStrategy[Any]
    if kind == "VARCHAR[]":
        some = st.lists(st.sampled_from(codes), max_size=2)
    elif codes:
        some = st.sampled_from(codes)
    elif kind == "VARCHAR":
        some = st.sampled_from(["", "甲", "乙"])
    elif kind == "DATE":
        some = st.dates(DAY - datetime.timedelta(days=1200), DAY + datetime.timedelta(days=60))
        if column in ("birth_date", "id_birth_date"):
            some = st.dates(datetime.date(1930, 1, 1), DAY)
    elif kind == "BOOLEAN":
        some = st.booleans()
    elif kind.startswith("DECIMAL"):
        some = st.integers(0, 20000).map(lambda number: Decimal(number) / 100)
    elif column == "year":
        some = st.sampled_from([2024, 2025])
    else:
        some = st.integers(0, 13) if kind == "INTEGER" else st.integers(-100_000, 4_000_000)
    return some | st.none()


def rows_of(table: str, columns: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """One random row of a table; whose it is comes later."""
    schema = table_schemas()[table]
    free = [name for name in columns if name not in ("id", "household_id", "person_id")]
    return st.fixed_dictionaries({name: values(table, name, schema[name]) for name in free})


@st.composite
def counties(draw: st.DrawFn, columns: dict[str, list[str]]) -> dict[str, list[dict[str, Any]]]:
    """A few households with people and records."""
    county: dict[str, list[dict[str, Any]]] = {
        "household": [{"id": n, **draw(rows_of("household", columns["household"]))} for n in range(1, HOUSEHOLDS + 1)],
        "person": [],
    }
    for household in range(1, HOUSEHOLDS + 1):
        for order in range(draw(st.integers(0, 3))):
            row = draw(rows_of("person", columns["person"]))
            county["person"].append({"id": household * 10 + order, "household_id": household, **row})
    if "village" in columns:
        county["village"] = [{"id": 1, **draw(rows_of("village", columns["village"]))}]
    for table in sorted(set(columns) - {"household", "person", "village"}):
        fewest = 0 if table in SOMETIMES_EMPTY else 1
        records = draw(st.lists(rows_of(table, columns[table]), min_size=fewest, max_size=5))
        county[table] = [record | draw(owner(county["person"])) for record in records]
    return county


def owner(people: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """A person and their household, or a household alone."""
    households = st.integers(1, HOUSEHOLDS).map(lambda number: {"household_id": number, "person_id": None})
    if not people:
        return households
    persons = st.sampled_from([{"household_id": row["household_id"], "person_id": row["id"]} for row in people])
    return persons | households


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def test_screening_recheck_and_explanation_agree_on_random_households(cache: Path, tmp_path_factory: Any) -> None:
    columns = plan_for(as_of=DAY, region=REGION, cache=cache).columns
    folder = tmp_path_factory.mktemp("counties")
    checkers: dict[str, Rechecker] = {}

    @settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(counties(columns))
    def agree(rows: dict[str, list[dict[str, Any]]]) -> None:
        made = tables(rows)
        screen(snapshot(folder / "snapshot", made), folder / "out", as_of=DAY, region=REGION, cache=cache, parts=2)
        screened = states(parquet.read_table(folder / "out" / "findings.parquet").to_pylist())
        county = read_county(folder / "out")
        facts = repr(county)
        if facts not in checkers:
            checkers[facts] = Rechecker(as_of=DAY, region=REGION, county=county, cache=cache)
        checker = checkers[facts]
        alone = {}
        for number in range(1, HOUSEHOLDS + 1):
            for item in checker.check({name: of_household(name, table, number) for name, table in made.items()}):
                alone[item.finding, item.household_id, item.person_id] = (item.state, item.evidence_hash)
        decided = {key: value for key, value in screened.items() if key[0] in checker.findings and key[1]}
        assert alone == decided
        explained = {}
        told = explain(made, household_id=1, as_of=DAY, region=REGION, county=county, cache=cache)
        for decision in told.decisions:
            if decision.state != "not" and decision.finding not in county["not_run"]:
                explained[decision.finding, decision.household_id, decision.person_id] = decision.state
            assert bool(decision.missing) == (decision.state == "unknown"), decision
        assert explained == {key: state for key, (state, _) in screened.items() if key[1] == 1}

    agree()
    for checker in checkers.values():
        checker.close()


def states(rows: list[dict[str, Any]]) -> dict[tuple[str, int, int | None], tuple[str, str | None]]:
    """State and hash of each finding; a finding appears once for a household or person."""
    found = {
        (row["finding"], row["household_id"], row["person_id"]): (row["state"], row["evidence_hash"]) for row in rows
    }
    assert len(found) == len(rows)
    return found
