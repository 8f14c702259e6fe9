"""What the truth says: complete, planted everywhere, clean elsewhere, and a fair judge."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from importlib import resources
from pathlib import Path

import pytest

from huqing.demo import truth
from huqing.demo.calendars import Calendar
from huqing.demo.county import _plans
from huqing.demo.expect import Evaluation
from huqing.demo.figures import PARAMETERS, REGION
from huqing.demo.model import Household, Person
from huqing.demo.places import villages
from huqing.demo.plants import PLANTS
from huqing.demo.town import make_town
from huqing.rules import parameters
from huqing.standards.money import fen_of

from .conftest import AS_OF, County
from .test_county import sheet_rows

KEYS = [
    "income_below_line", "income_near_line", "income_drop", "income_mismatch", "line_not_monitored",
    "inpatient_burden", "inpatient_burden_general", "outpatient_burden", "medical_burden_ratio",
    "self_pay_above_line", "major_disease_unaided", "uninsured_member", "double_insured", "dropout",
    "dropout_registered", "education_burden", "home_teaching_missing", "yulu_missing", "dangerous_house",
    "house_file_conflict", "unsafe_water", "water_file_conflict", "job_loss", "job_loss_only_worker",
    "disaster_recent", "new_disability_card", "bereaved_of_worker",
    "disaster_loss", "disaster_unlisted", "disability_no_living_allowance", "disability_no_care_allowance",
    "disability_unrecorded", "disability_card_expired", "unlisted_death", "death_still_paid", "aid_ended",
    "dibao_missing", "tekun_missing", "no_labour_no_support", "children_alone", "elderly_alone_unvisited",
    "dibao_and_tekun", "asset_vehicle", "asset_house", "asset_business", "asset_payroll", "no_visit",
    "helper_missing", "identified_without_risk", "cleared_too_early", "cleared_below_line",
    "cleared_without_labour", "relapse", "id01", "id03", "id04", "id05", "id06", "id07", "id08", "id09", "id10",
    "id11", "ed01", "ed02", "ed03", "ed04", "ed05", "ed06", "ed07", "ed08", "ed09",
    "id10_workplaces", "ed10", "ed11", "ed12", "ed13", "ed13_unmarked", "lb01", "lb02", "lb03", "lb04", "lb05",
    "lb06", "lb07", "lb08", "lb09_unmarked", "wk01", "wk01_record", "wk02", "wk03", "wk03_record", "wk04",
    "wk04_record", "wk05", "wk05_low", "wk05_record", "wk06", "wk07", "wk07_record", "wk08", "wk09", "wk09_able",
    "wk10_age", "wk10_labour", "wk10_months", "wk10_posts", "wk11", "wk12", "in01", "in01_none", "in02", "in03",
    "in04", "in05", "in06",
    "lv01", "lv02", "lv03", "lv04_area", "lv04_subsidy", "lv05_house", "lv05_water", "lv05_cleared", "lv05_insured",
    "ic03", "ic04", "ic05", "ic06_transfer", "ic06_wage", "ic06_business", "ic07", "rk01", "rk02", "rk03_risk",
    "rk03_card", "rk04", "rk05", "rk06", "rk07", "rk08", "ms01", "ms02", "ms03", "ms03_waiting", "ms04_measure",
    "ms04_missing", "ms05_work", "ms05_away", "ms05_subsidy", "ms06", "measure_overdue", "measure_no_result",
    "cl02_measure", "cl02_fields", "cl05", "cl06",
    "vl01", "vl02", "vl03", "vl04",
]  # fmt: skip


def test_every_finding_is_planted_and_every_plant_is_there_to_find(county: County) -> None:
    planted = {tuple(row.values()) for row in truth.read(county.folder, "planted")}
    expected = {tuple(row.values()) for row in truth.read(county.folder, "expected")}
    assert planted <= expected
    assert {key for key, *_ in planted} == set(KEYS)


@pytest.mark.parametrize(
    ("seed", "as_of"), [(1, date(2026, 1, 31)), (2, date(2025, 8, 15)), (3, date(2026, 10, 1)), (4, date(2024, 2, 29))]
)
def test_where_nothing_was_planted_there_is_nothing_to_find(seed: int, as_of: date) -> None:
    """False alarms are judged, so a clean household must give no rule cause, at any time of the year."""
    for plan in _plans(1000, seed, as_of):
        town, found = make_town(plan)
        assert {number for _, number, _ in found.expected} <= town.taken
        assert set(found.planted) <= set(found.expected)
        counted = {key: sum(entry[0] == key for entry in found.planted) for key in plan.plants}
        assert counted == plan.plants


def test_large_counties_plant_in_proportion() -> None:
    plans = _plans(309_800, 1, AS_OF)
    total = {key: sum(plan.plants.get(key, 0) for plan in plans) for key in PLANTS}
    assert all(abs(total[key] - round(entry.rate * 309_800)) <= 1 for key, entry in PLANTS.items())


def test_rows_to_be_refused_hold_the_fault_the_truth_names(county: County) -> None:
    rows = truth.read(county.folder, "refused")
    assert {row["reason"] for row in rows} == {"missing_required", "unknown_code", "impossible_date", "not_a_number"}
    for row in rows:
        cells = sheet_rows(county.files / row["file"])
        headers = next(line for line in cells if row["column"] in [str(cell).replace("\n", "") for cell in line])
        column = [str(cell).replace("\n", "") for cell in headers].index(row["column"])
        value = cells[row["row"] - 1][column]
        assert (value == "") == (row["reason"] == "missing_required")


def test_dirty_department_rows_say_whom_they_mean(county: County) -> None:
    people = {(row["household_number"], row["member"]): row for row in truth.read(county.folder, "people")}
    links = truth.read(county.folder, "links")
    assert {"stranger", "roster_id_wrong"} <= {row["dirt"] for row in links}
    kinds = {info.name: info.kind for info in county.summary.files}
    for row in links:
        cells = [str(cell) for cell in sheet_rows(county.files / row["file"])[row["row"] - 1]]
        if row["dirt"] == "stranger":
            assert not row["household_number"]
            assert not {person["name"] for person in people.values()} & set(cells)
        elif row["dirt"] in ("id_typo", "id_swapped", "id_missing", "doubled", "roster_id_wrong", "id_15"):
            assert people[row["household_number"], row["member"] or 1]["name"] in cells
        assert kinds[row["file"]]


def test_the_evaluation_counts_windows_as_defined() -> None:
    """(as_of − 12 months, as_of]: a bill on the first day is outside, one on as_of is inside."""
    h = Household("1", villages()[0])
    h.fields.update(household_type="100A03A01", phone="1", wage_income=10_000_000, business_income=0, property_income=0)
    h.fields.update(transfer_income=0, business_cost=0, income_per_head=10_000_000)
    p = Person(h, 1, {"id_number": "990236198001010015", "birth_date": date(1980, 1, 1), "sex": "1", "relation": "01"})
    p.fields.update(nationality="01", health=["01"], labour="01", edu_level="03", resident_insurance=True)
    p.fields.update(serious_insurance=True, resident_pension=True)
    h.members.append(p)

    def found(day: date) -> set[str]:
        p.records["medical_bill"] = [{"care_kind": "1", "settled_on": day, "self_paid": fen_of("5000")}]
        return {key for key, _ in Evaluation(h, Calendar(AS_OF)).findings()} - {"id01", "lv01"}

    assert found(date(2025, 1, 31)) == set()
    assert found(date(2025, 2, 1)) == {"inpatient_burden"}
    assert found(AS_OF) == {"inpatient_burden"}


def test_the_parameters_are_those_of_the_policies() -> None:
    policies = parameters.load(Path(str(resources.files("huqing.policies") / "parameters")))
    for name, value in PARAMETERS.items():
        said = policies.require(name, AS_OF, REGION).value
        unit = 100 if policies[name].type == "money" else 1
        assert Fraction(said) == Fraction(value) * unit, name


def test_a_perfect_screening_scores_full_marks_by_number_token_or_name_and_birth(county: County) -> None:
    people = {(row["household_number"], row["member"]): row for row in truth.read(county.folder, "people")}

    def found(ref: str) -> list[truth.Found]:
        rows: list[truth.Found] = []
        for row in truth.read(county.folder, "expected"):
            person = people.get((row["household_number"], row["member"]))
            refs = {
                "number": person and person["id_number"],
                "token": person and person["id_number"][::-1],
                "name": person and (person["name"], person["birth_date"]),
            }
            rows.append((row["finding"], row["household_number"], refs[ref]))
        return rows

    for ref in ("number", "token", "name"):
        score = truth.score(county.folder, found(ref), token=lambda number: number[::-1])
        assert (score.recall, score.false_share) == (1.0, 0.0)
        assert not score.missed
        assert not score.extra


def test_misses_and_false_alarms_are_named(county: County) -> None:
    expected = truth.read(county.folder, "expected")
    household = next(row for row in expected if row["finding"] == "no_visit")
    alarm = next(row["household_number"] for row in truth.read(county.folder, "people"))
    found: list[truth.Found] = [
        ("no_visit", alarm, None),
        ("some_other_rule", alarm, None),
        ("dropout", alarm, "nobody"),
    ]
    score = truth.score(county.folder, found)
    assert ("no_visit", household["household_number"], None) in score.missed
    assert score.extra == [("dropout", alarm, truth.UNKNOWN_PERSON), ("no_visit", alarm, None)]
    assert score.findings["no_visit"].recall == 0
    assert "误报 no_visit" in score.as_text()
    assert score.false_share == 1
