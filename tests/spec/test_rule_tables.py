"""Every rule table says what a rule must decide; every engine must decide so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.spec.engines import ENGINES, States, all_on_spark
from tests.spec.reader import Case, Section, sections

from huqing.rules.library import library

SECTIONS = list(sections())
NEVER_UNKNOWN = {
    "ed01",
    "ed02",
    "id03",
    "id10",
    "id08",
    "disability_card_expired",
    "disability_unrecorded",
    "dibao_and_tekun",
    "double_insured",
    "job_loss",
    "death_still_paid",
    "unlisted_death",
    "helper_missing",
    "no_visit",
    "inpatient_burden_general",
    "outpatient_burden",
    "inpatient_burden",
    "ed12",
    "id10_workplaces",
    "in01",
    "in01_none",
    "in05",
    "wk01",
    "wk01_record",
    "wk03",
    "wk03_record",
    "wk05_record",
    "wk08",
    "wk10_months",
    "wk10_posts",
    "wk11",
    "wk12",
    "lv01",
    "rk01",
    "cl02_fields",
    "cl05",
    "cl06",
    "vl01",
}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plans compiled once for all tables."""
    return tmp_path_factory.mktemp("plans")


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: f"{section.place} {section.finding}")
def test_a_rule_decides_as_its_table_says(section: Section, tmp_path: Path, cache: Path) -> None:
    rows = section.tables()
    countywide = section.finding in library().countywide
    for name, engine in ENGINES.items():
        if countywide and name != "screening":
            continue
        states = engine(rows, section.finding, tmp_path, cache)
        wrong = [message for case in section.cases for message in disagreements(case, states, name)]
        assert not wrong, "\n".join(wrong)


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
@pytest.mark.filterwarnings("ignore:unclosed <socket.socket:ResourceWarning")  # pyspark leaves its sockets to Python
def test_spark_decides_as_every_table_says(spark: Any, tmp_path: Path, cache: Path) -> None:
    decided = all_on_spark(SECTIONS, spark, tmp_path, cache)
    wrong = [
        message
        for section in SECTIONS
        for case in section.cases
        for message in disagreements(case, decided.get(section.place, {}), "spark")
    ]
    assert not wrong, "\n".join(wrong)


def disagreements(case: Case, states: States, engine: str) -> list[str]:
    """Where an engine says other than the table."""
    of_person = library().findings[case.finding].of == "person"
    subjects = [case.household * 10 + order for order in range(1, len(case.expected) + 1)] if of_person else [None]
    return [
        f"{case.place}（{case.title}）{engine}：应为 {expected}，实为 {states.get((case.household, subject), 'not')}"
        for subject, expected in zip(subjects, case.expected, strict=True)
        if states.get((case.household, subject), "not") != expected
    ]


def test_every_finding_has_a_table_with_each_answer_it_can_give() -> None:
    given = {section.finding: {state for case in section.cases for state in case.expected} for section in SECTIONS}
    assert set(given) == set(library().findings)
    wanted = {key: {"found", "not"} | (set() if key in NEVER_UNKNOWN else {"unknown"}) for key in given}
    lacking = {key: wanted[key] - given[key] for key in given if wanted[key] - given[key]}
    assert not lacking
