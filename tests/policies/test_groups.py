"""Who is visited more often: groups chosen by the file and the school register; what nobody filled in is unknown."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from huqing.rules.benefits import compute_rows

DAY = dt.date(2025, 6, 30)


def value(of: str, name: str, **tables: list[dict[str, Any]]) -> Any:
    rows = {"household": [{"id": 1}], "person": [{"id": 1, "household_id": 1}], **tables}
    rows["household"] = [{"region_code": "500236101201", **row} for row in rows["household"]]
    found = compute_rows(rows, of=of, names=[name], as_of=DAY, region="500236")
    return found.column(name).to_pylist()[0]


def person(**cells: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "household_id": 1, **cells}]


@pytest.mark.parametrize(
    ("name", "cells", "answer"),
    [
        ("chronically_ill", {"health": ["02"]}, True),
        ("chronically_ill", {"health": ["01"], "chronic_disease": ["C01"]}, True),
        ("chronically_ill", {"health": ["01"]}, False),
        ("chronically_ill", {}, None),
        ("chronically_ill", {"health": ["02"], "alive": False}, False),
        ("seriously_ill", {"health": ["03"]}, True),
        ("seriously_ill", {"major_disease": "D01"}, True),
        ("seriously_ill", {}, None),
        ("mentally_ill", {"chronic_disease": ["C04"]}, True),
        ("mentally_ill", {}, False),
        ("disabled", {"disability_grade": "1"}, True),
        ("disabled", {"health": ["01"]}, False),
        ("aged", {"birth_date": dt.date(1960, 6, 30)}, True),
        ("aged", {"birth_date": dt.date(1960, 7, 1)}, False),
        ("aged", {}, None),
        ("young_child", {"birth_date": dt.date(2018, 7, 1)}, True),
        ("young_child", {"birth_date": dt.date(2018, 6, 30)}, False),
        ("taught_at_home", {"dropout_reason": "L03"}, True),
        ("taught_at_home", {}, False),
    ],
)
def test_a_person_belongs_to_a_group_by_the_file(name: str, cells: dict[str, Any], answer: bool | None) -> None:
    assert value("person", name, person=person(**cells)) is answer


def test_the_school_register_tells_who_is_taught_at_home() -> None:
    rows = [{"person_id": 1, "household_id": 1, "term": "2025春", "enrolment_state": "4", "on": DAY}]
    assert value("person", "taught_at_home", school_enrolment=rows) is True


def test_only_the_ill_of_a_household_poor_through_illness_are_a_group() -> None:
    ill, well = person(health=["03"]), person(health=["01"])
    through_illness = [{"id": 1, "main_cause": "01"}]
    assert value("person", "ill_and_poor", household=through_illness, person=ill) is True
    assert value("person", "ill_and_poor", household=through_illness, person=well) is False
    assert value("person", "ill_and_poor", household=[{"id": 1, "risks": ["07"]}], person=ill) is False
    assert value("person", "ill_and_poor", person=ill) is False


def test_pupils_and_farms_count_only_in_listed_households() -> None:
    label = [{"kind": "tuopin", "household_id": 1, "valid_from": dt.date(2018, 1, 1)}]
    pupil = person(student_state="L03")
    assert value("person", "listed_pupil", person=pupil, label=label) is True
    assert value("person", "listed_pupil", person=pupil) is False
    assert value("household", "listed_farm", household=[{"id": 1, "arable_area": 3}], label=label) is True
    assert value("household", "listed_farm", household=[{"id": 1, "arable_area": 0}], label=label) is False
    assert value("household", "listed_farm", label=label) is None
    assert value("household", "listed_farm", household=[{"id": 1, "arable_area": 3}]) is False
