"""Plants for the checks on schooling, ability to work and insurance (ED10–ED13, LB, IN)."""

from __future__ import annotations

from huqing.demo.adjust import Town, aided, give_dibao, has_labour, monitor, monitored, supported
from huqing.demo.model import Household, Person, age_on
from huqing.demo.plants.checks import _students
from huqing.demo.plants.guarantees import disable, pupils, uncleared
from huqing.demo.plants.money import adults
from huqing.demo.plants.registry import plant


def of_age(town: Town, h: Household, low: int, high: int) -> list[Person]:
    """Living members out of school between two ages, both included."""
    return [
        p
        for p in h.living()
        if "student_state" not in p.fields and low <= age_on(p.fields["birth_date"], town.as_of) <= high
    ]


def idle(town: Town, h: Household) -> list[Person]:
    """Healthy ordinary labour of 18 to 59 without any work."""
    return [
        p
        for p in of_age(town, h, 18, 59)
        if p.fields.get("labour") == "01"
        and p.fields.get("health") == ["01"]
        and not {"work_months", "work_from", "public_post"} & set(p.fields)
    ]


def ensure_monitored(town: Town, h: Household) -> bool:
    """Make the household a monitored one; False when it is cleared."""
    if not uncleared(h):
        return False
    if not monitored(h):
        monitor(town, h)
    return True


@plant("ed10", 0.0005)
def still_in_kindergarten(town: Town, h: Household) -> Person | None:
    """A pupil the file has in kindergarten still."""
    people = _students(town, h, 7, 11)
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["student_state"] = "L02"
    return p


@plant("ed11", 0.0005)
def young_with_little_schooling(town: Town, h: Household) -> Person | None:
    """Somebody of 17 to 22 with primary school only."""
    people = [p for p in of_age(town, h, 17, 22) if not p.moved]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["edu_level"] = "02"
    return p


@plant("ed12", 0.0005)
def grant_outside_vocational_school(town: Town, h: Household) -> Person | None:
    """A Yulu grant for somebody in no vocational school."""
    people = [p for p in _students(town, h, 12, 18) if p.fields["student_state"] < "L10"]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["yulu_grant"] = True
    return p


@plant("ed13", 0.0004, monitored)
def marked_without_a_dropout(town: Town, h: Household) -> Household | None:
    """Marked for a dropout though every child is at school, or there is none."""
    if not ensure_monitored(town, h):
        return None
    h.fields["identify_dropout"] = True
    return h


@plant("ed13_unmarked", 0.0004, monitored)
def dropout_not_marked(town: Town, h: Household) -> Household | None:
    """A child of a monitored household is off the register, and the household is marked as having no dropout."""
    children = pupils(town, h)
    if not children or not ensure_monitored(town, h):
        return None
    children[0].records["school_enrolment"].clear()
    return h


@plant("lb01", 0.0006)
def fit_but_no_labour(town: Town, h: Household) -> Person | None:
    """Healthy and of working age, yet entered as weak labour."""
    people = [p for p in idle(town, h) if "plans_work" not in p.fields]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["labour"] = "05"
    return p


@plant("lb02", 0.0006)
def child_labour_on_paper(town: Town, h: Household) -> Person | None:
    """A child entered as ordinary labour."""
    people = [p for p in h.living() if age_on(p.fields["birth_date"], town.as_of) < 16]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["labour"] = "01"
    return p


@plant("lb03", 0.0006)
def old_but_ordinary_labour(town: Town, h: Household) -> Person | None:
    """Over 60 and entered as ordinary labour still."""
    people = [p for p in of_age(town, h, 61, 78) if p.fields["labour"] == "05"]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["labour"] = "01"
    return p


@plant("lb04", 0.0006)
def pupil_as_labour(town: Town, h: Household) -> Person | None:
    """A pupil of 16 or more entered as labour."""
    people = [p for p in _students(town, h, 16, 24) if p.fields["labour"] == "04"]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["labour"] = "01"
    return p


@plant("lb05", 0.0006)
def ill_but_ordinary_labour(town: Town, h: Household) -> Person | None:
    """Seriously ill and entered as ordinary labour."""
    people = [p for p in of_age(town, h, 18, 59) if p.fields["labour"] in ("01", "02") and not p.moved]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["health"] = sorted({*p.fields["health"], "03"} - {"01"})
    p.fields["major_disease"] = town.draw.one(("D01", "D02", "D05"))
    if monitored(h) or aided(p, "1", "2"):
        p.fields["medical_aid"] = True
    return p


@plant("lb06", 0.0005)
def severely_disabled_labour(town: Town, h: Household) -> Person | None:
    """A grade 2 disability of the limbs and ordinary labour."""
    people = [
        p
        for p in of_age(town, h, 18, 59)
        if p.fields["labour"] == "01" and "disability_type" not in p.fields and not p.moved
    ]
    if not people:
        return None
    p = town.draw.one(people)
    disable(town, p, "2")
    return p


@plant("lb08", 0.0006)
def skilled_without_work(town: Town, h: Household) -> Person | None:
    """Skilled labour or a college graduate without any record of work."""
    people = idle(town, h)
    if not people:
        return None
    p = town.draw.one(people)
    if town.draw.chance(0.5):
        p.fields["labour"] = "02"
    else:
        p.fields["edu_level"] = "05"
    return p


@plant("lb09_unmarked", 0.0004, lambda h: monitored(h) and not has_labour(h))
def without_labour_unmarked(town: Town, h: Household) -> Household | None:
    """A monitored household nobody of which can work, without the mark."""
    if not uncleared(h) or any(key in p.fields for p in h.living() for key in ("work_months", "public_post")):
        return None
    if has_labour(h) and any(age_on(p.fields["birth_date"], town.as_of) < 60 for p in h.living()):
        return None
    for p in h.living():
        if p.fields["labour"] not in ("03", "04"):
            p.fields["labour"] = "04"
    if not supported(h):
        give_dibao(town, h)
    if not monitored(h):
        monitor(town, h)
    h.fields["no_labour_safety_net"] = False
    return h


@plant("in01", 0.0008)
def both_insurances(town: Town, h: Household) -> Person:
    """The file says yes to both medical insurances."""
    p = town.draw.one(h.living())
    p.fields.update(resident_insurance=True, employee_insurance=True)
    return p


@plant("in01_none", 0.0008)
def neither_insurance(town: Town, h: Household) -> Person:
    """The file says no to both medical insurances; the list has the person insured."""
    p = town.draw.one(h.living())
    p.fields.update(resident_insurance=False, employee_insurance=False)
    return p


@plant("in02", 0.0008)
def serious_illness_left_out(town: Town, h: Household) -> Person | None:
    """Serious-illness insurance left empty, or denied beside residents' insurance."""
    people = [p for p in h.living() if p.fields.get("resident_insurance") is True]
    if not people:
        return None
    p = town.draw.one(people)
    if town.draw.chance(0.5):
        del p.fields["serious_insurance"]
    else:
        p.fields["serious_insurance"] = False
    return p


@plant("in03", 0.0008)
def no_pension_entry(town: Town, h: Household) -> Person | None:
    """Neither pension insurance is filled in."""
    people = adults(town, h)
    if not people:
        return None
    p = town.draw.one(people)
    p.fields.pop("resident_pension", None)
    p.fields.pop("employee_pension", None)
    return p


@plant("in04", 0.0005)
def aided_but_uninsured(town: Town, h: Household) -> Person:
    """Medical aid in the file of somebody who is on no insurance list."""
    p = town.draw.one(h.living())
    p.records["insured"].clear()
    p.fields.update(resident_insurance=False, employee_insurance=False, serious_insurance=False, medical_aid=True)
    return p
