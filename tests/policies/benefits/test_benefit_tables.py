"""Every table of benefits says what must be computed; every engine must compute so, to the fen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.policies.benefits.engines import ENGINES, Values, from_files
from tests.policies.benefits.reader import Section, sections, together

from huqing.rules.library import library

SECTIONS = list(sections())


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plans compiled once for all tables."""
    return tmp_path_factory.mktemp("plans")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: f"{section.place} {section.table}")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_benefit_is_computed_as_its_table_says(engine: str, section: Section, tmp_path: Path, cache: Path) -> None:
    agree(section, ENGINES[engine](section, tmp_path, cache))


@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")  # pyspark leaves its sockets to Python
@pytest.mark.parametrize("section", together(SECTIONS), ids=lambda section: f"{section.table} {section.region}")
def test_spark_computes_benefits_as_their_tables_say(section: Section, spark: Any, tmp_path: Path, cache: Path) -> None:
    from huqing.rules.spark_benefits import Spark

    agree(section, from_files(section, tmp_path, cache, Spark(spark)))


def agree(section: Section, values: Values) -> None:
    """Fail naming the row of the table, the variable, what it should be and what it is."""
    wrong = []
    for case in section.cases:
        for row, expected in zip(case.rows, case.expected, strict=True):
            for name, value in expected.items():
                got = values[row["id"]][name]
                if got != value:
                    wrong.append(
                        f"{case.place}（{case.title}）第{row['id'] % 100 + 1}行 {name}：应为 {value}，实为 {got}"
                    )
    assert not wrong, "\n".join(wrong)


def test_every_section_is_about_a_declared_table() -> None:
    assert {section.table for section in SECTIONS} <= set(library().input_tables)
