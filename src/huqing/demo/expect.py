"""What there is to find in a household: the demo's own evaluation of its true state, from DEFINITIONS.md.

Written apart from the rules in ``huqing.policies`` and in another way (plain Python over objects), so that one can
judge the other. Amounts are fen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cached_property

from huqing.demo import expect_households, expect_people, expect_pushes
from huqing.demo.calendars import Calendar
from huqing.demo.figures import PARAMETERS
from huqing.demo.identity import check_digit
from huqing.demo.model import Fields, Household, Person, add_months, age_on, income_of, per_head_of

Found = tuple[str, int | None]  # finding key, order of the person or None for the household

_LINE = int(PARAMETERS["monitor_line"]) * 100
_DIBAO_LINE = int(PARAMETERS["dibao_line"]) * 100
_LABOUR = frozenset({"01", "02", "05"})
_MONITORED_TYPES = frozenset({"100A03001", "100A03002", "100A03003"})
_TUOPIN_TYPES = frozenset({"100A03001", "100A03A01", "100A03A02"})
_COMPULSORY = frozenset({"L03", "L04", "L05", "L06"})
_VOCATIONAL = frozenset(f"L{n}" for n in range(10, 20))
MALE_RELATIONS = frozenset({"03", "06", "07", "09", "11", "13", "15", "17", "19", "22", "24", "27"})
FEMALE_RELATIONS = frozenset({"04", "05", "08", "10", "12", "14", "16", "18", "20", "23", "25", "26"})
_SCHOOL_AGES = {
    "ed05": (frozenset({"L03"}), 6, 13),
    "ed06": (frozenset({"L04", "L05", "L06"}), 12, 17),
    "ed07": (frozenset(f"L{n:02d}" for n in range(7, 13)), 15, 20),
    "ed08": (frozenset({"L13", "L14", "L15", *(f"L{n}" for n in range(20, 25))}), 18, 200),
    "ed09": (frozenset({"L25"}), 20, 200),
}
_ASSETS = {"1": "asset_vehicle", "2": "asset_house", "3": "asset_business", "4": "asset_payroll"}
_ASSET_VALUES = {
    "1": PARAMETERS["asset_vehicle_value"] * 100,
    "2": PARAMETERS["asset_house_value"] * 100,
    "3": -1,
    "4": -1,
}


class Evaluation:
    """The findings of one household on one day."""

    def __init__(self, h: Household, calendar: Calendar) -> None:
        self.h = h
        self.f = h.fields
        self.calendar = calendar
        self.as_of = calendar.as_of
        self.people = h.living()
        kind = self.f.get("household_type")
        identified, cleared = self.f.get("identified_on"), self.f.get("cleared_on")
        self.monitored = bool(
            kind in _MONITORED_TYPES
            and identified
            and identified <= self.as_of
            and (not cleared or cleared > self.as_of)
        )
        self.listed = self.monitored or kind in _TUOPIN_TYPES
        self.income = income_of(self.f)
        self.per_head = per_head_of(self.f, len(self.people))
        self.supported = any(self._aided(p, ("1", "2")) for p in self.people)

    def findings(self) -> list[Found]:
        """Everything there is to find, except what needs other households (id03, id10)."""
        if not self.people:
            return []
        found: list[Found] = [(key, None) for key in self._household()]
        for p in self.people:
            found += [(key, p.order) for key in self._person(p)]
        return found

    def _aided(self, p: Person, kinds: tuple[str, ...]) -> bool:
        return any(
            row["aid_kind"] in kinds
            and row["aid_from"] <= self.as_of
            and ("aid_to" not in row or row["aid_to"] >= self.as_of)
            for row in p.records.get("civil_affairs", ())
        )

    def _rows(self, kind: str) -> Iterator[Fields]:
        return (row for p in self.people for row in p.records.get(kind, ()))

    def _labour(self) -> bool | None:
        """Whether somebody here can work; None when that is not known."""
        skills = [p.fields.get("labour") for p in self.people]
        if any(skill in _LABOUR for skill in skills):
            return True
        return None if None in skills else False

    def _household(self) -> Iterator[str]:
        yield from self._money()
        yield from self._health_costs()
        yield from self._home()
        yield from self._hardship()
        yield from self._assets()
        yield from self._casework()
        yield from self._household_checks()
        yield from expect_pushes.household(self)
        yield from expect_people.household(self)
        yield from expect_households.household(self)

    def _money(self) -> Iterator[str]:
        per_head = self.per_head
        if per_head is None:
            return
        if per_head < _LINE:
            yield "income_below_line"
            if not self.monitored:
                yield "line_not_monitored"
            if any(
                row["aid_kind"] == "1"
                and "aid_to" in row
                and self.calendar.within(row["aid_to"], self.calendar.aid_ended)
                for row in self._rows("civil_affairs")
            ) and not any(self._aided(p, ("1",)) for p in self.people):
                yield "aid_ended"
        elif per_head < _LINE * PARAMETERS["near_line_factor"]:
            yield "income_near_line"
        last = self.f.get("last_income_per_head")
        if last is not None and per_head < last * (1 - PARAMETERS["income_drop_ratio"]):
            yield "income_drop"
        reported = self.f.get("income_per_head")
        if reported is not None and abs(reported - per_head) > PARAMETERS["income_mismatch_tolerance"] * 100:
            yield "income_mismatch"
        if per_head < _DIBAO_LINE and not self.supported:
            yield "dibao_missing"

    def _health_costs(self) -> Iterator[str]:
        paid = sum(
            row["self_paid"]
            for row in self._rows("medical_bill")
            if self.calendar.within(row["settled_on"], self.calendar.year)
        )
        if self.income is not None and paid > PARAMETERS["burden_ratio"] * self.income:
            yield "medical_burden_ratio"
        if paid > _LINE * len(self.people):
            yield "self_pay_above_line"
        schooling = sum(
            row.get("education_paid", 0)
            for row in self._rows("school_enrolment")
            if row.get("grade") not in _COMPULSORY
        )
        if schooling > PARAMETERS["education_cost"] * 100:
            yield "education_burden"

    @cached_property
    def dangerous(self) -> bool:
        rows = [row for row in self.h.records.get("housing", ()) if row["assessed_on"] <= self.as_of]
        if not rows:
            return False
        newest = max(rows, key=lambda row: row["assessed_on"])
        repaired = "repaired_on" in newest and newest["repaired_on"] <= self.as_of
        return newest["grade"] in ("C", "D") and not repaired and newest.get("lived_in") is True

    @cached_property
    def water_unsafe(self) -> bool:
        rows = [row for row in self.h.records.get("water", ()) if row["tested_on"] <= self.as_of]
        if not rows:
            return False
        newest = max(rows, key=lambda row: row["tested_on"])
        return (
            float(newest.get("quantity", 100)) < PARAMETERS["water_quantity"]
            or newest.get("quality_ok") is False
            or newest.get("fetch_minutes", 0) > PARAMETERS["water_minutes"]
            or float(newest.get("assurance", 100)) < PARAMETERS["water_assurance"]
        )

    def _home(self) -> Iterator[str]:
        if self.dangerous:
            yield "dangerous_house"
            if self.f.get("dangerous_house") is False or self.f.get("house_grade") in ("A", "B"):
                yield "house_file_conflict"
        if self.water_unsafe:
            yield "unsafe_water"
            if self.f.get("water_safe") is True:
                yield "water_file_conflict"

    def _hardship(self) -> Iterator[str]:
        workers = [p for p in self.people if p.fields.get("work_months", 0) >= 1]
        if len(workers) == 1 and self._lost_job(workers[0]):
            yield "job_loss_only_worker"
        losses = [
            row["loss"] - row.get("relief_paid", 0)
            for row in self.h.records.get("disaster", ())
            if self.calendar.within(row["happened_on"], self.calendar.year)
        ]
        if losses and self.income is not None and sum(losses) > PARAMETERS["disaster_ratio"] * self.income:
            yield "disaster_loss"
            if self.monitored and "02" not in self.f.get("risks", ()):
                yield "disaster_unlisted"
        if self._labour() is False and not self.supported:
            yield "no_labour_no_support"
        ages = [age_on(p.fields["birth_date"], self.as_of) for p in self.people]
        if all(age < PARAMETERS["child_age"] for age in ages):
            yield "children_alone"
        if all(age >= PARAMETERS["elderly_age"] for age in ages) and not self._visited(self.calendar.elderly_visit):
            yield "elderly_alone_unvisited"

    def _visited(self, start: date) -> bool:
        return any(self.calendar.within(row["visited_on"], start) for row in self.h.records.get("home_visit", ()))

    def _assets(self) -> Iterator[str]:
        if not (self.monitored or self.supported):
            return
        kinds = {
            row["asset_kind"] for row in self._rows("asset") if row.get("value", 0) > _ASSET_VALUES[row["asset_kind"]]
        }
        for kind in sorted(kinds):
            yield _ASSETS[kind]

    def _casework(self) -> Iterator[str]:
        f = self.f
        if self.monitored:
            if not self._visited(self.calendar.visit):
                yield "no_visit"
            if "helper_name" not in f or ("helper_to" in f and f["helper_to"] < self.as_of):
                yield "helper_missing"
        if f.get("household_type") in _MONITORED_TYPES and "identified_on" in f and not f.get("risks"):
            yield "identified_without_risk"
        if "cleared_on" not in f:
            return
        soonest = add_months(f["identified_on"], int(PARAMETERS["clear_months"]))
        if f["cleared_on"] < soonest and f.get("clear_mode") != "2":
            yield "cleared_too_early"
        if "clear_income_per_head" in f and f["clear_income_per_head"] < _LINE:
            yield "cleared_below_line"
        if f.get("no_labour_safety_net") is True or self._labour() is False:
            yield "cleared_without_labour"
        if f["cleared_on"] <= self.as_of and (
            self.dangerous or self.water_unsafe or any(self._out_of_school(p) for p in self.people)
        ):
            yield "relapse"

    def _household_checks(self) -> Iterator[str]:
        relations = Counter(p.fields.get("relation") for p in self.people)
        if relations["01"] != 1 or relations["02"] > 1:
            yield "id04"
        heads = {p.fields.get("sex") for p in self.people if p.fields.get("relation") == "01"}
        spouses = {p.fields.get("sex") for p in self.people if p.fields.get("relation") == "02"}
        if heads & spouses - {None}:
            yield "id05"
        if "phone" not in self.f:
            yield "id09"

    def _person(self, p: Person) -> Iterator[str]:
        yield from self._bills_of(p)
        yield from self._insurance_of(p)
        yield from self._schooling_of(p)
        yield from self._disability_of(p)
        yield from self._status_of(p)
        yield from self._checks_of(p)
        yield from expect_pushes.person(self, p)
        yield from expect_people.person(self, p)
        yield from expect_households.person(self, p)

    def _bills_of(self, p: Person) -> Iterator[str]:
        months: dict[tuple[bool, int, int], int] = defaultdict(int)
        helped = 0
        for row in p.records.get("medical_bill", ()):
            day = row["settled_on"]
            if self.calendar.within(day, self.calendar.year):
                months[row["care_kind"] == "1", day.year, day.month] += row["self_paid"]
                helped += row.get("aid_paid", 0)
        inpatient = max((paid for (stay, *_), paid in months.items() if stay), default=0)
        outpatient = max((paid for (stay, *_), paid in months.items() if not stay), default=0)
        if self.listed and inpatient >= PARAMETERS["inpatient_month_listed"] * 100:
            yield "inpatient_burden"
        if not self.listed and inpatient >= PARAMETERS["inpatient_month_general"] * 100:
            yield "inpatient_burden_general"
        if self.listed and outpatient >= PARAMETERS["outpatient_month_listed"] * 100:
            yield "outpatient_burden"
        entitled = self.monitored or self._aided(p, ("1", "2"))
        if "major_disease" in p.fields and entitled and p.fields.get("medical_aid") is False and not helped:
            yield "major_disease_unaided"

    def _insurance_of(self, p: Person) -> Iterator[str]:
        kinds = {row["insurance_kind"] for row in p.records.get("insured", ()) if row["year"] == self.as_of.year}
        flags = (p.fields.get("resident_insurance"), p.fields.get("employee_insurance"))
        if not kinds and True not in flags and False in flags:
            yield "uninsured_member"
        if {"1", "2"} <= kinds:
            yield "double_insured"

    def _of_school_age(self, p: Person) -> bool:
        age = age_on(p.fields["birth_date"], self.as_of)
        return PARAMETERS["school_age_from"] <= age <= PARAMETERS["school_age_to"]

    def _out_of_school(self, p: Person) -> bool:
        rows = p.records.get("school_enrolment", ())
        return self._of_school_age(p) and not any(row["enrolment_state"] in ("1", "4") for row in rows)

    def _schooling_of(self, p: Person) -> Iterator[str]:
        rows = p.records.get("school_enrolment", ())
        if self._out_of_school(p):
            yield "dropout"
            card = self._card(p)
            grade = card["disability_grade"] if card else p.fields.get("disability_grade")
            if grade in ("1", "2"):
                yield "home_teaching_missing"
        if self._of_school_age(p) and any(row["enrolment_state"] == "3" for row in rows):
            yield "dropout_registered"
        vocational = any(row["enrolment_state"] == "1" and row.get("grade") in _VOCATIONAL for row in rows)
        if self.listed and vocational and p.fields.get("yulu_grant") is False:
            yield "yulu_missing"

    @staticmethod
    def _card(p: Person) -> Fields | None:
        return max(p.records.get("disability", ()), key=lambda row: row.get("issued_on", date.min), default=None)

    def _disability_of(self, p: Person) -> Iterator[str]:
        card = self._card(p)
        if card is None:
            return
        if "expires_on" in card and card["expires_on"] < self.as_of:
            yield "disability_card_expired"
            return
        if self._aided(p, ("1",)) and card.get("living_allowance") is False:
            yield "disability_no_living_allowance"
        if card["disability_grade"] in ("1", "2") and card.get("care_allowance") is False:
            yield "disability_no_care_allowance"
        f = p.fields
        if "health" in f and "04" not in f["health"] and "disability_type" not in f and "disability_grade" not in f:
            yield "disability_unrecorded"

    def _lost_job(self, p: Person) -> bool:
        return any(
            self.calendar.within(row["lost_on"], self.calendar.job_loss)
            and not ("reemployed_on" in row and row["reemployed_on"] <= self.as_of)
            for row in p.records.get("unemployment", ())
        )

    def _status_of(self, p: Person) -> Iterator[str]:
        if self._lost_job(p):
            yield "job_loss"
        if any(row["died_on"] <= self.as_of for row in p.records.get("death", ())):
            yield "unlisted_death"
            if self._aided(p, ("1", "2", "3", "4")):
                yield "death_still_paid"
        if self._aided(p, ("1",)) and self._aided(p, ("2",)):
            yield "dibao_and_tekun"
        if (
            len(self.people) == 1
            and age_on(p.fields["birth_date"], self.as_of) >= PARAMETERS["tekun_age"]
            and p.fields.get("labour") in ("03", "04")
            and self.per_head is not None
            and self.per_head < _LINE
            and not self._aided(p, ("2",))
        ):
            yield "tekun_missing"

    def _checks_of(self, p: Person) -> Iterator[str]:
        f = p.fields
        relation, sex, birth = f.get("relation"), f.get("sex"), f["birth_date"]
        if (relation in MALE_RELATIONS and sex == "2") or (relation in FEMALE_RELATIONS and sex == "1"):
            yield "id06"
        in_number = f["id_number"]
        if check_digit(in_number[:17]) != in_number[17]:
            yield "id01"
        if sex != ("1" if int(in_number[16]) % 2 else "2") or f"{birth:%Y%m%d}" != in_number[6:14]:
            yield "id07"
        if any(not f.get(key) for key in ("nationality", "relation", "health", "labour")):
            yield "id08"
        heads = [q for q in self.people if q.fields.get("relation") == "01"]
        gap = 12 * int(PARAMETERS["parent_gap_years"])
        if len(heads) == 1:
            head_birth = heads[0].fields["birth_date"]
            if relation in ("03", "04") and birth < add_months(head_birth, gap):
                yield "id11"
            if relation in ("11", "12") and head_birth < add_months(birth, gap):
                yield "id11"
        yield from self._school_checks(p)

    def _school_checks(self, p: Person) -> Iterator[str]:
        f = p.fields
        level, state, reason = f.get("edu_level"), f.get("student_state"), f.get("dropout_reason")
        age = age_on(f["birth_date"], self.as_of)
        if not (level or state or reason):
            yield "ed01"
        if level and state:
            yield "ed02"
        if self._of_school_age(p) and state in (None, "L01") and not reason:
            yield "ed03"
        if reason in ("L01", "L02") and f.get("health") == ["01"]:
            yield "ed04"
        for key, (grades, youngest, oldest) in _SCHOOL_AGES.items():
            if state in grades and not youngest <= age <= oldest:
                yield key


def shared_phones(households: list[Household]) -> list[Household]:
    """The households whose phone is another household's as well (id10)."""
    used = Counter(h.fields["phone"] for h in households if "phone" in h.fields)
    return [h for h in households if "phone" in h.fields and used[h.fields["phone"]] > 1]
