"""What there is to find in people's schooling, labour, work away and insurance (DEFINITIONS.md, 人员核查)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from huqing.demo.figures import PARAMETERS
from huqing.demo.model import Fields, Person, age_on

if TYPE_CHECKING:
    from huqing.demo.expect import Evaluation

_VOCATIONAL = frozenset(f"L{n}" for n in range(10, 20))
_SCHOOL_YEARS = frozenset({"L03", "L04", "L05", "L06", "L07", "L08", "L09"})
_ABROAD = frozenset({"03", "04"})
_AT_HOME = frozenset({"L06", "L07"})
_WORK_FIELDS = ("work_county", "work_from", "work_income", "employer", "industry", "employ_channel", "point_to_point")
_JOB_FIELDS = ("job_county", "job_income", "job_employer", "job_industry", "job_channel", "job_point_to_point")


def household(e: Evaluation) -> Iterator[str]:
    """The findings about the household."""
    places: dict[str, set[str]] = defaultdict(set)
    for p in e.people:
        f = p.fields
        if "phone" in f and "work_county" in f and _works(e, f):
            places[f["phone"]].add(f.get("work_province", "") + f.get("work_city", "") + f["work_county"])
    if any(len(found) > 1 for found in places.values()):
        yield "id10_workplaces"
    yield from _subsidies(e)
    if not e.monitored:
        return
    away = any(e._out_of_school(p) or _out_by_file(e, p) for p in e.people)
    if e.f.get("identify_dropout") is True and not away:
        yield "ed13"
    if e.f.get("identify_dropout") is False and away:
        yield "ed13_unmarked"
    if e._labour() is False and e.f.get("no_labour_safety_net") is not True:
        yield "lb09_unmarked"


def _subsidies(e: Evaluation) -> Iterator[str]:
    rows = e.h.records.get("measure", ())
    identified = e.f.get("identified_on")
    health = any(row["measure_group"] == "100A45" for row in rows)
    if e.monitored and e.f.get("identify_uninsured") is True and "01" not in e.f.get("risks", ()) and not health:
        yield "in05"
    for row in rows:
        if row.get("measure_item") == "4501" and identified:
            limit, year = int(PARAMETERS["premium_subsidy_deadline"]), row["registered_on"].year
            if (identified.year, identified.month, identified.day) > (year, limit // 100, limit % 100):
                yield "in06"
                return


def _out_by_file(e: Evaluation, p: Person) -> bool:
    state, reason = p.fields.get("student_state"), p.fields.get("dropout_reason")
    return e._of_school_age(p) and state in (None, "L01") and reason != "L03"


def _works(e: Evaluation, f: Fields) -> bool:
    """Whether the file has somebody at work in the month of the evaluation."""
    month = f"{e.as_of:%Y-%m}"
    started = f.get("work_months", 0) >= 1 or ("work_from" in f and f["work_from"] <= month)
    return started and not ("work_to" in f and f["work_to"] < month)


def person(e: Evaluation, p: Person) -> Iterator[str]:
    """The findings about the person."""
    age = age_on(p.fields["birth_date"], e.as_of)
    yield from _schooling(p.fields, age)
    yield from _labour(e, p.fields, age)
    yield from _work(e, p)
    yield from _post(p.fields, age)
    yield from _record(e, p)
    yield from _insurance(e, p, age)
    if e._aided(p, ("2",)):
        if _works(e, p.fields):
            yield "wk09"
        if PARAMETERS["adult_age"] <= age and _fit(p.fields, age):
            yield "wk09_able"


def _schooling(f: Fields, age: int) -> Iterator[str]:
    state = f.get("student_state")
    if state in ("L01", "L02") and age > PARAMETERS["preschool_age_to"]:
        yield "ed10"
    low, high = PARAMETERS["low_schooling_age_from"], PARAMETERS["low_schooling_age_to"]
    if f.get("edu_level") in ("01", "02") and low <= age <= high:
        yield "ed11"
    if f.get("yulu_grant") is True and state not in _VOCATIONAL:
        yield "ed12"


def _of_labour_age(age: int) -> bool:
    return PARAMETERS["labour_age_from"] <= age <= PARAMETERS["labour_age_to"]


def _fit(f: Fields, age: int) -> bool:
    return _of_labour_age(age) and f.get("health") == ["01"] and "student_state" not in f


def _labour(e: Evaluation, f: Fields, age: int) -> Iterator[str]:
    labour = f.get("labour")
    if labour is None:
        return
    if _fit(f, age) and labour not in ("01", "02"):
        yield "lb01"
    if age < PARAMETERS["labour_age_from"] and labour != "04":
        yield "lb02"
    if age > PARAMETERS["labour_age_to"] and labour in ("01", "02", "03"):
        yield "lb03"
    if "student_state" in f and labour != "04":
        yield "lb04"
    if {"03", "04"} & set(f.get("health", ())) and labour in ("01", "02"):
        yield "lb05"
    if f.get("disability_type") == "4" and f.get("disability_grade") in ("1", "2") and labour == "01":
        yield "lb06"
    if labour in ("03", "04") and (_works(e, f) or f.get("plans_work") is True):
        yield "lb07"
    idle = f.get("work_months", 0) < 1 and "work_from" not in f and "public_post" not in f
    qualified = labour == "02" or f.get("edu_level") in ("05", "06")
    if _of_labour_age(age) and "student_state" not in f and qualified and idle:
        yield "lb08"


def _work(e: Evaluation, p: Person) -> Iterator[str]:
    f = p.fields
    month = f"{e.as_of:%Y-%m}"
    if "work_to" in f and f["work_to"] > month:
        yield "wk03"
    if "work_from" in f and f["work_from"] < _sixteen(f):
        yield "wk04"
    if f.get("plans_work") is True and "work_need" not in f:
        yield "wk11"
    if not _works(e, f):
        return
    if any(key not in f for key in _WORK_FIELDS):
        yield "wk01"
    if "work_income" in f:
        if _odd(f["work_income"]):
            yield "wk05"
        elif f["work_income"] < PARAMETERS["work_pay_low"] * 100:
            yield "wk05_low"
    if not _mobile(f.get("phone", "")):
        yield "wk06"
    if f.get("work_region") in _ABROAD and f.get("employ_channel") in _AT_HOME:
        yield "wk07"
    if f.get("student_state") in _SCHOOL_YEARS:
        yield "wk08"
    total = e.as_of.year * 12 + e.as_of.month - 1 - int(PARAMETERS["long_work_months"])
    if "work_from" in f and f["work_from"] < f"{total // 12:04d}-{total % 12 + 1:02d}":
        yield "wk12"


def _mobile(phone: str) -> bool:
    return len(phone) == 11 and phone.isdigit() and phone[0] == "1"


def _sixteen(f: Fields) -> str:
    birth = f["birth_date"]
    return f"{birth.year + int(PARAMETERS['labour_age_from']):04d}-{birth.month:02d}"


def _odd(income: int) -> bool:
    return not PARAMETERS["work_pay_least"] * 100 <= income <= PARAMETERS["work_pay_most"] * 100


def _post(f: Fields, age: int) -> Iterator[str]:
    months = f.get("public_post_months", 0)
    if ("public_post" in f) != (months > 0):
        yield "wk10_months"
    if "public_post" not in f:
        return
    if age < PARAMETERS["labour_age_from"] or age >= PARAMETERS["post_age_limit"]:
        yield "wk10_age"
    if f.get("labour") in ("03", "04"):
        yield "wk10_labour"


def _record(e: Evaluation, p: Person) -> Iterator[str]:
    """The person's spans on the monthly record, in order of their beginning."""
    month = f"{e.as_of:%Y-%m}"
    rows = sorted((r for r in p.records.get("work", ()) if "job_from" in r), key=lambda row: row["job_from"])
    going_on = [r for r in rows if r.get("away_now") is not False and not ("job_to" in r and r["job_to"] < month)]
    if sum(r.get("job_channel") == "L06" for r in going_on) >= PARAMETERS["post_count_limit"]:
        yield "wk10_posts"
    if not rows:
        return
    newest = rows[-1]
    ends = [r["job_to"] for r in rows if r["job_from"] < newest["job_from"] and "job_to" in r]
    if ends and newest["job_from"] < max(ends):
        yield "wk02"
    if newest.get("away_now") is False and ("job_to" not in newest or newest["job_to"] > month):
        yield "wk03_record"
    if rows[0]["job_from"] < _sixteen(p.fields):
        yield "wk04_record"
    if newest not in going_on:
        return
    if any(key not in newest for key in _JOB_FIELDS):
        yield "wk01_record"
    if "job_income" in newest and _odd(newest["job_income"]):
        yield "wk05_record"
    if newest.get("job_region") in _ABROAD and newest.get("job_channel") in _AT_HOME:
        yield "wk07_record"


def _insurance(e: Evaluation, p: Person, age: int) -> Iterator[str]:
    f = p.fields
    resident, employee = f.get("resident_insurance") is True, f.get("employee_insurance") is True
    if resident and employee:
        yield "in01"
    if not resident and not employee:
        yield "in01_none"
    if "serious_insurance" not in f or (resident and f["serious_insurance"] is False):
        yield "in02"
    blank = "resident_pension" not in f and "employee_pension" not in f
    if age >= PARAMETERS["labour_age_from"] and "student_state" not in f and blank:
        yield "in03"
    listed = any(row["year"] == e.as_of.year for row in p.records.get("insured", ()))
    said = "resident_insurance" in f or "employee_insurance" in f
    if f.get("medical_aid") is True and not listed and said and not resident and not employee:
        yield "in04"
