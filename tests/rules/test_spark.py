"""Spark writes what DuckDB writes: random counties, many counties of a lake, and what is said of bad ones."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from tests.rules.build import snapshot, tables
from tests.rules.test_agreement import CODES

from huqing.rules import engine, lake
from huqing.rules import spark as on_spark
from huqing.rules.benefits import DuckDB, compute
from huqing.rules.errors import TableError
from huqing.rules.inputs import arrow_rows
from huqing.rules.library import Library, library
from huqing.rules.spark_benefits import Spark
from huqing.rules.spark_lake import Lake, screen_lake
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.tables import table_schemas

DAY = datetime.date(2025, 6, 30)
REGION = "500236"
VILLAGES = f"{REGION}101"
EDGES = [
    datetime.date(1, 1, 1),
    datetime.date(1582, 10, 4),
    datetime.date(1582, 10, 15),
    datetime.date(1900, 1, 1),
    datetime.date(2000, 2, 29),
    datetime.date(2024, 2, 29),
    datetime.date(2024, 6, 30),
    datetime.date(2025, 5, 31),
    *(DAY + datetime.timedelta(days=days) for days in (-1, 0, 1)),
    datetime.date(9999, 12, 31),
]
AMOUNTS = [0, 1, -1, 99, 100, 899_999, 900_000, 900_001, -5_000_000, 10**12, -(10**12), 2**31, 10**13]
TEXTS = ["", "甲", '"\\', "\n\x01", "é😀", "2024-2025-1", "2024-2025-2"]
INCOME = {"business_income": 0, "property_income": 0, "transfer_income": 0, "business_cost": 0}
pytestmark = [
    pytest.mark.spark,
    pytest.mark.xdist_group("spark"),
    pytest.mark.filterwarnings(
        "ignore:unclosed <socket.socket:ResourceWarning"
    ),  # pyspark leaves its sockets to Python
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plans compiled once."""
    return tmp_path_factory.mktemp("plans")


class RandomCounty:
    """Rows at the edges of what columns can hold: missing, repeated, huge, negative, empty; the same for a seed."""

    def __init__(self, seed: int, columns: dict[str, list[str]]) -> None:
        self.dice, self.columns = Random(seed), columns
        self.types = table_schemas()

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """Every table; one in ten department files is empty."""
        homes = range(1, self.dice.choice([1, 30, 60]) + 1)
        people = [(home * 10 + order, home) for home in homes for order in range(self.dice.randint(0, 4))]
        made: dict[str, list[dict[str, Any]]] = {}
        for table, columns in self.columns.items():
            if table == "household":
                keys: list[dict[str, Any]] = [{"id": home} for home in homes]
            elif table == "person":
                keys = [{"id": person, "household_id": home} for person, home in people]
            elif table == "village":
                keys = [{"id": number, "region_code": f"{VILLAGES}{number}"} for number in (201, 202)]
            else:
                owners = [*people, (None, homes[0]), (None, homes[-1])]
                number = 0 if self.dice.random() < 0.1 else self.dice.randint(1, 2 * len(homes))
                drawn = [self.dice.choice(owners) for _ in range(number)]
                keys = [{"person_id": person, "household_id": home} for person, home in drawn]
            made[table] = [self.row(table, columns) | key for key in keys]
            if made[table] and table not in ("household", "person", "village"):
                made[table].append(dict(made[table][0]))
        return made

    def row(self, table: str, columns: list[str]) -> dict[str, Any]:
        """Values for the columns, whose row it is left out."""
        free = [name for name in columns if name not in ("id", "household_id", "person_id")]
        return {name: self.value(table, name, self.types[table][name]) for name in free}

    def value(self, table: str, column: str, kind: str) -> Any:
        """A value of a column; often a usual one, so that findings hold."""
        declared = record_kinds()[table].by_key.get(column) if table in record_kinds() else None
        listed = list(codelist(declared.codelist).codes) if declared and declared.codelist else []
        if column == "region_code":
            return f"{VILLAGES}{self.dice.choice([201, 202])}"
        return random_value(self.dice, kind, CODES.get((table, column)) or listed)


def random_value(dice: Random, kind: str, codes: list[str]) -> Any:
    """A value of a type, at its edges or usual, or missing."""
    pick = dice.choice
    if dice.random() < 0.15:
        return None
    if kind == "VARCHAR[]":
        return dice.choices([*codes, '"'] if codes else TEXTS, k=pick([0, 1, 1, 2]))
    if kind == "DATE":
        near = DAY - datetime.timedelta(days=dice.randint(-40, 800))
        return pick([*EDGES, *[near] * 20])
    if kind == "BOOLEAN":
        return pick([True, False])
    if kind.startswith("DECIMAL"):
        return Decimal(pick([0, 1, 1999, 2000, 9000, 10**9])) / 100
    if kind == "INTEGER":
        return pick([-1, 0, 1, 3, 5, 12, 13, 2024, 2025, 2**31 - 1])
    return pick(codes or TEXTS) if kind == "VARCHAR" else pick(AMOUNTS)


def test_random_counties_are_decided_alike_to_the_last_digest(
    spark: Any, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    columns = engine.plan_for(as_of=DAY, region=REGION, cache=cache).columns
    folder = tmp_path_factory.mktemp("counties")
    found: set[str] = set()

    # A seed cannot be made simpler, and every attempt at it would take seconds.
    @settings(max_examples=2, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(st.integers(0, 2**32))
    def agree(seed: int) -> None:
        made = snapshot(folder / "snapshot", tables(RandomCounty(seed, columns).rows()))
        one = engine.screen(made, folder / "one", as_of=DAY, region=REGION, cache=cache)
        other = on_spark.screen(made, folder / "other", spark=spark, as_of=DAY, region=REGION, cache=cache)
        assert not differences(decided(folder / "one"), decided(folder / "other"))
        assert (one.found, one.unknown, one.not_run) == (other.found, other.unknown, other.not_run)
        assert (one.households, one.persons) == (other.households, other.persons)
        found.update(one.found)

    agree()
    assert len(found) > 60


def test_benefits_of_random_rows_are_the_same_fen_on_both_engines(spark: Any, cache: Path, tmp_path: Path) -> None:
    rules, dice = library(), Random(3)
    tables = {name: random_input(rules, name, dice) for name in rules.input_tables}
    computed = [*((of, REGION) for of in tables), ("hospital_bill", "450423")]
    paid = 0
    for of, region in computed:
        names = sorted(node.name for node in rules.rules if node.entity == of)
        if not names:
            continue
        made = []
        for engine_used in (DuckDB(), Spark(spark)):
            file = tmp_path / f"{engine_used.dialect}.parquet"
            compute(file, of=of, names=names, as_of=DAY, region=region, tables=tables, engine=engine_used, cache=cache)
            made.append(parquet.read_table(file))
        one, other = ((rows.to_pylist(), rows.column_names) for rows in made)
        assert not differences(one, other), (of, region)
        paid += sum(value is not None for row in one[0] for value in row.values())
    assert paid > 5_000


def random_input(rules: Library, name: str, dice: Random) -> pa.Table:
    """Rows of an input table that belong to each other, with values at the edges of what its fields hold."""
    table, columns = rules.input_tables[name], rules.tables[name].columns
    rows = []
    for number in range(1, 81):
        row: dict[str, Any] = {"id": number}
        for column, kind in columns.items():
            if column.endswith("_id"):
                row[column] = dice.choice([None, *range(1, 12)])
            elif column != "id":
                field = next(field for field in table.fields if field.key == column)
                codes = list(codelist(field.codelist).codes) if field.codelist else []
                row[column] = random_value(dice, kind, codes)
        rows.append(row)
    return arrow_rows(rules.tables[name], rows)


def differences(one: tuple[Any, ...], other: tuple[Any, ...]) -> list[Any]:
    """The first rows that differ; of thousands pytest would compare every letter."""
    rows = [pair for pair in zip(one[0], other[0], strict=False) if pair[0] != pair[1]][:3]
    return rows or [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]


def decided(folder: Path) -> tuple[list[dict[str, Any]], Any, Any]:
    """All rows in order, their types, and what is known of the county."""
    rows = parquet.read_table(folder / "findings.parquet")
    order = [(name, "ascending") for name in rows.column_names]
    return rows.sort_by(order).to_pylist(), rows.schema, json.loads((folder / "county.json").read_text("utf-8"))


def county(wages: int) -> dict[str, list[dict[str, Any]]]:
    """Two households with the same wages."""
    return {
        "household": [{"id": number, "wage_income": wages, **INCOME} for number in (1, 2)],
        "person": [{"id": number * 10, "household_id": number} for number in (1, 2)],
    }


def test_counties_of_a_lake_get_answers_of_their_own(spark: Any, tmp_path: Path, cache: Path) -> None:
    for code, wages in (("500236", 100_000), ("500235", 90_000_000)):
        made = snapshot(tmp_path / code, tables(county(wages)))
        lake.put(tmp_path / "lake", made, county=code, day=DAY)
    told: list[str] = []
    done = screen_lake(
        str(tmp_path / "lake"),
        tmp_path / "out",
        spark=spark,
        day=DAY,
        cache=cache,
        tell=lambda code, _: told.append(code),
    )
    assert sorted(told) == sorted(done) == ["500235", "500236"]
    for code, counts in done.items():
        alone = engine.screen(tmp_path / code, tmp_path / "alone" / code, as_of=DAY, region=code, cache=cache)
        assert (alone.found, alone.unknown, alone.not_run) == (counts.found, counts.unknown, counts.not_run)
        assert decided(tmp_path / "alone" / code) == decided(tmp_path / "out" / lake.partition(code, DAY))
    # What is finished is not done again.
    assert screen_lake(str(tmp_path / "lake"), tmp_path / "out", spark=spark, day=DAY, cache=cache) == {}
    with pytest.raises(TableError, match="没有 500235 在 2025-07-01 的数据，该县最近有：2025-06-30"):
        screen_lake(str(tmp_path / "lake"), tmp_path / "out", spark=spark, day=datetime.date(2025, 7, 1))


def test_a_lake_behind_an_address_is_written_and_read(spark: Any, tmp_path: Path, cache: Path) -> None:
    made = snapshot(tmp_path / "made", tables(county(100_000)))
    remote = Lake(f"file://{tmp_path / '湖'}", spark)
    assert remote.counties() == []
    with pytest.raises(TableError, match="现有的县：无"):
        remote.find(REGION, DAY)
    place = remote.put(made, county=REGION, day=DAY)
    assert remote.put(made, county=REGION, day=DAY) == place == remote.find(REGION, DAY)
    assert (remote.counties(), remote.days(REGION)) == ([REGION], [DAY])
    found = on_spark.screen(
        place, tmp_path / "out", spark=spark, as_of=DAY, region=REGION, findings=["income_below_line"], cache=cache
    )
    assert found.found == {"income_below_line": 2}
    assert (found.households, found.persons) == (2, 2)
