"""Plants about income and the cost of illness."""

from __future__ import annotations

from datetime import date, timedelta

from huqing.demo.adjust import (
    Town,
    aided,
    give_dibao,
    has_labour,
    listed,
    monitor,
    monitored,
    set_income,
    supported,
    tuopin,
)
from huqing.demo.households import make_tuopin
from huqing.demo.lives import ADULT_DISEASES
from huqing.demo.model import Household, Person, age_on, income_of
from huqing.demo.plants.registry import plant
from huqing.demo.records import add_bill


def adults(town: Town, h: Household) -> list[Person]:
    """Living members of 18 and more who are out of school."""
    return [
        p for p in h.living() if "student_state" not in p.fields and age_on(p.fields["birth_date"], town.as_of) >= 18
    ]


def plain(h: Household) -> bool:
    """Neither listed nor supported, and somebody can work."""
    return not listed(h) and not supported(h) and has_labour(h) and "cleared_on" not in h.fields


def open_case(h: Household) -> bool:
    """Listed and not cleared: a household whose costs are watched by the lower thresholds."""
    return listed(h) and "cleared_on" not in h.fields


@plant("income_below_line", 0.004, monitored)
def income_below_line(town: Town, h: Household) -> Household | None:
    """A monitored household has fallen below the line, still above 低保."""
    if not has_labour(h) or "cleared_on" in h.fields:
        return None
    if not monitored(h):
        monitor(town, h)
    set_income(h, town.draw.cents(7_300, 8_900))
    return h


@plant("line_not_monitored", 0.002, plain)
def line_not_monitored(town: Town, h: Household) -> Household | None:
    """A household below the line that nobody monitors."""
    if monitored(h) or not has_labour(h) or "cleared_on" in h.fields:
        return None
    set_income(h, town.draw.cents(7_300, 8_900))
    return h


@plant("income_near_line", 0.008, listed)
def income_near_line(town: Town, h: Household) -> Household | None:
    """A household between the line and 1.2 lines; one in twelve exactly on the line."""
    set_income(h, 900_000 if town.draw.chance(1 / 12) else town.draw.cents(9_100, 10_700))
    return h


@plant("income_drop", 0.004)
def income_drop(town: Town, h: Household) -> Household:
    """Last year's income was more than twice this year's."""
    h.fields["last_income_per_head"] = h.fields["income_per_head"] * town.draw.between(220, 310) // 10000 * 100
    return h


@plant("income_mismatch", 0.004)
def income_mismatch(town: Town, h: Household) -> Household:
    """The form's income per head is not what its parts say."""
    shift = town.draw.yuan(200, 2_800)
    h.fields["income_per_head"] += shift if town.draw.chance(0.6) else -shift
    return h


def _recent(town: Town) -> date:
    """A day of the last year whose month lies wholly in the window, not at the edge of the month."""
    return town.ago(town.draw.between(32, 325)).replace(day=town.draw.between(3, 26))


def _heavy(town: Town, p: Person, kind: str, self_paid: int, day: date) -> None:
    add_bill(town, p, kind, day, self_paid=self_paid)
    p.household.fields["self_paid_amount"] = p.household.fields.get("self_paid_amount", 0) + self_paid


@plant("inpatient_burden", 0.003, open_case)
def inpatient_burden(town: Town, h: Household) -> Person | None:
    """Somebody of a listed household paid 5,000 yuan or more for hospital stays of one month."""
    people = adults(town, h)
    if not listed(h) or len(h.living()) < 2 or not people:
        return None
    p, day, draw = town.draw.one(people), _recent(town), town.draw
    if draw.chance(0.25):
        _heavy(town, p, "1", draw.cents(2_600, 3_000), day)
        _heavy(town, p, "1", draw.cents(2_600, 3_000), day.replace(day=28))
    else:
        _heavy(town, p, "1", 500_000 if draw.chance(0.1) else draw.cents(5_100, 7_900), day)
    return p


@plant("inpatient_burden_general", 0.001, plain)
def inpatient_burden_general(town: Town, h: Household) -> Person | None:
    """Somebody of an ordinary household paid 20,000 yuan or more for hospital stays of one month."""
    people = adults(town, h)
    if listed(h) or len(h.living()) < 3 or not people:
        return None
    p = town.draw.one(people)
    _heavy(town, p, "1", town.draw.cents(20_200, 26_000), _recent(town))
    return p


@plant("outpatient_burden", 0.004, open_case)
def outpatient_burden(town: Town, h: Household) -> Person | None:
    """Somebody of a listed household paid 500 yuan or more for out-patient care of one month, in two bills."""
    people = adults(town, h)
    if not listed(h) or not people:
        return None
    p, day = town.draw.one(people), _recent(town)
    _heavy(town, p, "2", town.draw.cents(255, 420), day)
    _heavy(town, p, "3" if "chronic_disease" in p.fields else "2", town.draw.cents(255, 420), day.replace(day=28))
    return p


def _spread(town: Town, p: Person, total: int) -> None:
    """Pay ``total`` in hospital bills below 18,000 yuan, each in a month of its own."""
    bills = -(-total // 1_600_000)
    days = [town.ago(30 + 31 * i).replace(day=town.draw.between(3, 26)) for i in range(10)]
    for day in town.draw.shuffled(days)[:bills]:
        _heavy(town, p, "1", total // bills, day)


@plant("medical_burden_ratio", 0.002, plain)
def medical_burden_ratio(town: Town, h: Household) -> Household | None:
    """An ordinary household's bills of a year eat more than half of its income, no month standing out."""
    people, income = adults(town, h), income_of(h.fields) or 0
    if listed(h) or not people or not 2 <= len(h.living()) <= 3 or income > 13_000_000:
        return None
    _spread(town, town.draw.one(people), income * town.draw.between(52, 75) // 100)
    return h


@plant("self_pay_above_line", 0.0015, plain)
def self_pay_above_line(town: Town, h: Household) -> Household | None:
    """A year's bills exceed the line times the members, in a household that earns enough to bear half of it."""
    people, count = adults(town, h), len(h.living())
    if listed(h) or not people or count > 4 or h.fields["income_per_head"] < 2_300_000:
        return None
    _spread(town, town.draw.one(people), town.draw.cents(9_300, 10_200) * count)
    return h


@plant("major_disease_unaided", 0.001, monitored)
def major_disease_unaided(town: Town, h: Household) -> Person | None:
    """A seriously ill member of a monitored household gets no medical aid."""
    people = adults(town, h)
    if not people or "cleared_on" in h.fields:
        return None
    if not monitored(h):
        monitor(town, h)
    p = next((q for q in people if "major_disease" in q.fields), None) or town.draw.one(people)
    p.fields.setdefault("major_disease", town.draw.one(ADULT_DISEASES))
    p.fields["health"] = sorted({*p.fields["health"], "03"} - {"01"})
    p.fields["medical_aid"] = False
    _heavy(town, p, "1", town.draw.cents(900, 1_900), _recent(town))
    for bill in p.records["medical_bill"]:
        bill["other_paid"] += bill["aid_paid"]
        bill["aid_paid"] = 0
    return p


@plant("aid_ended", 0.0008)
def aid_ended(town: Town, h: Household) -> Household | None:
    """低保 stopped some weeks ago and the household is below the line."""
    if not has_labour(h) or "cleared_on" in h.fields or any(aided(p, "2") for p in h.living()):
        return None
    if not supported(h):
        give_dibao(town, h)
    stopped = town.ago(town.draw.between(20, 75))
    for p in h.living():
        p.fields["dibao"] = False
        p.fields.pop("dibao_grade", None)
        for row in p.records["civil_affairs"]:
            if row["aid_kind"] == "1":
                row.setdefault("aid_to", stopped)
        for card in p.records["disability"]:
            card["living_allowance"] = False
    set_income(h, town.draw.cents(7_300, 8_800))
    return h


@plant("dibao_missing", 0.0008, plain)
def dibao_missing(town: Town, h: Household) -> Household | None:
    """A household below the 低保 line that nobody supports."""
    if supported(h) or not has_labour(h) or "cleared_on" in h.fields:
        return None
    set_income(h, town.draw.cents(4_800, 7_000))
    return h


def ensure_listed(town: Town, h: Household) -> None:
    """Make the household a 脱贫 one when it is not listed yet."""
    if not listed(h):
        make_tuopin(town, h)


@plant("education_burden", 0.004)
def education_burden(town: Town, h: Household) -> Household | None:
    """Schooling beyond the compulsory years costs the household more than 10,000 yuan."""
    rows = [row for p in h.living() for row in p.records["school_enrolment"] if row["grade"] >= "L07"]
    if not rows:
        return None
    rows[0]["education_paid"] = town.draw.yuan(10_300, 17_000, 50)
    return h


@plant("yulu_missing", 0.0015, tuopin)
def yulu_missing(town: Town, h: Household) -> Person | None:
    """A vocational pupil of a listed household does not get the 雨露计划 grant."""
    pupils = [
        p for p in h.living() if "L07" <= p.fields.get("student_state", "") <= "L15" and p.records["school_enrolment"]
    ]
    if not pupils or "cleared_on" in h.fields:
        return None
    ensure_listed(town, h)
    p = pupils[0]
    if p.fields["student_state"] < "L10":
        grade = f"L{int(p.fields['student_state'][1:]) + 3}"
        p.fields.update(student_state=grade, school="奉节县职业教育中心")
        p.records["school_enrolment"][0].update(grade=grade, school="奉节县职业教育中心")
    p.fields["yulu_grant"] = False
    return p


def old_bills_outside(town: Town, h: Household) -> None:
    """A big bill just before the 12-month window: a rule that looks too far back would raise a false alarm."""
    people = adults(town, h)
    if people:
        add_bill(
            town,
            town.draw.one(people),
            "1",
            town.back(12) - timedelta(days=town.draw.between(5, 22)),
            self_paid=town.draw.cents(5_000, 8_000),
        )
