"""Every table of the benefits beside the hospital bill says what must come out; every engine must say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.policies.benefits.others import DAY, REFUSED, REGION, UNKNOWN, Section, answer, sections

from huqing.policies.benefits_steps import LAYOUTS
from huqing.rules.benefits import compute, compute_rows
from huqing.rules.inputs import arrow_rows
from huqing.rules.library import library

SECTIONS = list(sections(library()))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plans compiled once for all tables."""
    return tmp_path_factory.mktemp("plans")


def by_section(section: Section) -> str:
    return f"{section.place} {section.result}"


@pytest.mark.parametrize("section", SECTIONS, ids=by_section)
def test_a_benefit_comes_out_as_its_table_says(section: Section, cache: Path) -> None:
    names = [section.result, LAYOUTS[section.table].refusal]
    rows = compute_rows(section.rows(), of=section.table, names=names, as_of=DAY, region=REGION, cache=cache)
    agree(section, rows)


@pytest.mark.parametrize("section", SECTIONS, ids=by_section)
def test_the_order_of_rows_in_files_does_not_matter(section: Section, tmp_path: Path, cache: Path) -> None:
    agree(section, from_files(section, tmp_path, cache))


@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")  # pyspark leaves its sockets to Python
@pytest.mark.parametrize("section", SECTIONS, ids=by_section)
def test_spark_lets_a_benefit_come_out_as_its_table_says(
    section: Section, spark: Any, tmp_path: Path, cache: Path
) -> None:
    from huqing.rules.spark_benefits import Spark

    agree(section, from_files(section, tmp_path, cache, Spark(spark)))


def from_files(section: Section, folder: Path, cache: Path, engine: Any = None) -> pa.Table:
    """As a county is computed, from one Parquet file per input table; the rows stand in reversed order."""
    rules, given = library(), section.rows()
    files = {}
    for table in rules.input_tables:
        files[table] = folder / f"{table}.parquet"
        parquet.write_table(arrow_rows(rules.tables[table], given.get(table, [])[::-1]), files[table])
    compute(
        folder / "computed.parquet",
        of=section.table,
        names=[section.result, LAYOUTS[section.table].refusal],
        as_of=DAY,
        region=REGION,
        tables=files,
        engine=engine,
        cache=cache,
    )
    return parquet.read_table(folder / "computed.parquet")


def agree(section: Section, rows: pa.Table) -> None:
    """Fail naming the row of the table, what should come out and what did."""
    refusal = LAYOUTS[section.table].refusal
    found = {row["id"]: answer(row[section.result], row[refusal]) for row in rows.to_pylist()}
    wrong = [
        f"{case.place}（{case.title}）：应为 {case.expected}，实为 {found[number]}"
        for number, case in enumerate(section.cases, 1)
        if found[number] != case.expected
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("table", LAYOUTS)
def test_every_benefit_has_amounts_unknown_cases_and_where_it_refuses_those(table: str) -> None:
    expected = [case.expected for section in SECTIONS if section.table == table for case in section.cases]
    assert any(text.endswith(".00") and text != "0.00" for text in expected)
    assert UNKNOWN in expected
    assert table in ("education_claim", "premium_claim") or any(text.startswith(REFUSED) for text in expected)
