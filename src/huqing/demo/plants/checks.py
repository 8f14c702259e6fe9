"""Plants for the consistency checks: relations, IDs, phones, schooling that does not fit the age."""

from __future__ import annotations

from datetime import timedelta

from huqing.demo import dirt
from huqing.demo.adjust import Town
from huqing.demo.model import Household, Person, age_on
from huqing.demo.plants.money import adults
from huqing.demo.plants.registry import plant
from huqing.demo.plants.support import reage


def _students(town: Town, h: Household, low: int, high: int) -> list[Person]:
    """Pupils on the register between two ages, both included."""
    return [
        p
        for p in h.living()
        if p.records["school_enrolment"] and low <= age_on(p.fields["birth_date"], town.as_of) <= high
    ]


@plant("id01", 0.001)
def mistyped_id(town: Town, h: Household) -> Person | None:
    """An ID number whose check digit does not fit; departments have the right one: only names link their rows."""
    people = [p for p in adults(town, h) if set(filter(p.records.get, p.records)) <= {"insured", "medical_bill"}]
    if not people:
        return None
    p = town.draw.one(people)
    p.true_id = p.fields["id_number"]
    p.fields["id_number"] = dirt.mistyped(town.draw, p.true_id, first=14, last=15)
    return p


@plant("id04", 0.0003)
def two_spouses(town: Town, h: Household) -> Household | None:
    """Two members are entered as the head's spouse."""
    relations = [p.fields["relation"] for p in h.living()]
    wrong = [p for p in h.living() if p.fields["relation"] == "05"]
    if "02" not in relations or not wrong or h.head.fields["sex"] != "1":
        return None
    wrong[0].fields["relation"] = "02"
    return h


@plant("id05", 0.0005)
def spouses_of_one_sex(town: Town, h: Household) -> Household | None:
    """Head and spouse are of the same sex, ID numbers included."""
    spouse = next((p for p in h.living() if p.fields["relation"] == "02"), None)
    if spouse is None:
        return None
    f = spouse.fields
    f["sex"] = h.head.fields["sex"]
    f["id_number"] = town.numbers.id_number(town.draw, f["birth_date"], f["sex"])
    return h


@plant("id06", 0.001)
def relation_of_the_other_sex(town: Town, h: Household) -> Person | None:
    """A son entered as daughter, a grandson as granddaughter, or the other way round."""
    swap = {"03": "04", "04": "03", "07": "08", "08": "07"}
    people = [p for p in h.living() if p.fields["relation"] in swap]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["relation"] = swap[p.fields["relation"]]
    return p


@plant("id07", 0.001)
def unlike_the_id_number(town: Town, h: Household) -> Person:
    """Birth date one day off the ID number, or the sex of somebody living alone."""
    p = town.draw.one(h.living())
    if len(h.members) == 1 and town.draw.chance(0.5):
        p.fields["sex"] = "2" if p.fields["sex"] == "1" else "1"
    else:
        p.fields["birth_date"] += timedelta(days=1)
    return p


@plant("id08", 0.0015)
def missing_basics(town: Town, h: Household) -> Person | None:
    """Nationality or state of health was left empty."""
    people = [p for p in h.living() if p.fields["health"] == ["01"]]
    if not people:
        return None
    p = town.draw.one(people)
    del p.fields["nationality" if town.draw.chance(0.6) else "health"]
    return p


@plant("id09", 0.002)
def no_phone(town: Town, h: Household) -> Household:
    """The household has no phone number."""
    del h.fields["phone"]
    return h


@plant("id10", 0.001)
def one_phone_for_two(town: Town, h: Household) -> Household | None:
    """Two households of one town gave the same phone number."""
    other = next(
        (
            o
            for o in town.draw.shuffled(town.households)[:200]
            if o is not h and o.number not in town.taken and "phone" in o.fields
        ),
        None,
    )
    if other is None or "phone" not in h.fields:
        return None
    h.fields["phone"] = other.fields["phone"]
    town.taken.add(other.number)
    return h


@plant("id11", 0.0006)
def parent_too_young(town: Town, h: Household) -> Person | None:
    """A father or mother hardly older than the head, or a grown child hardly younger."""
    head_age = age_on(h.head.fields["birth_date"], town.as_of)
    for p in h.living():
        relation = p.fields["relation"]
        if relation in ("11", "12") and head_age >= 30:
            reage(town, p, head_age + town.draw.between(4, 9))
            return p
        if relation in ("03", "04") and p in adults(town, h) and head_age <= 58:
            reage(town, p, head_age - town.draw.between(4, 9))
            return p
    return None


@plant("ed01", 0.0008)
def no_schooling_at_all(town: Town, h: Household) -> Person | None:
    """Neither level of education nor school year nor a reason."""
    people = adults(town, h)
    if not people:
        return None
    p = town.draw.one(people)
    del p.fields["edu_level"]
    return p


@plant("ed02", 0.0008)
def pupil_with_a_degree(town: Town, h: Household) -> Person | None:
    """A pupil with a level of education filled in as well."""
    people = _students(town, h, 7, 24)
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["edu_level"] = "02" if p.fields["student_state"] < "L07" else "03"
    return p


def _leave_file(p: Person) -> None:
    p.fields.pop("student_state", None)
    p.fields.pop("school", None)


@plant("ed03", 0.0006)
def not_at_school_without_reason(town: Town, h: Household) -> Person | None:
    """By the file a child of school age is not at school, and no reason is given; the register knows the child."""
    people = _students(town, h, 6, 15)
    if not people:
        return None
    p = town.draw.one(people)
    _leave_file(p)
    p.fields["edu_level"] = "02"
    return p


@plant("ed04", 0.0005)
def ill_but_healthy(town: Town, h: Household) -> Person | None:
    """Off school for illness, yet in good health."""
    people = [p for p in _students(town, h, 6, 15) if p.fields["health"] == ["01"]]
    if not people:
        return None
    p = town.draw.one(people)
    _leave_file(p)
    p.fields["dropout_reason"] = town.draw.one(("L01", "L02"))
    return p


def _wrong_year(town: Town, h: Household, low: int, high: int, grades: tuple[str, ...]) -> Person | None:
    people = _students(town, h, low, high)
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["student_state"] = town.draw.one(grades)
    return p


@plant("ed05", 0.0006)
def too_old_for_primary(town: Town, h: Household) -> Person | None:
    """At primary school at 16 or more."""
    return _wrong_year(town, h, 16, 22, ("L03",))


@plant("ed06", 0.0005)
def wrong_age_for_middle(town: Town, h: Household) -> Person | None:
    """In the seventh to ninth year at under 12."""
    return _wrong_year(town, h, 6, 10, ("L04", "L05", "L06"))


@plant("ed07", 0.0005)
def wrong_age_for_high(town: Town, h: Household) -> Person | None:
    """At high school at under 14."""
    return _wrong_year(town, h, 7, 13, ("L07", "L08", "L10", "L11"))


@plant("ed08", 0.0005)
def too_young_for_college(town: Town, h: Household) -> Person | None:
    """At college at under 17."""
    return _wrong_year(town, h, 12, 16, ("L13", "L20"))


@plant("ed09", 0.0004)
def too_young_for_master(town: Town, h: Household) -> Person | None:
    """A postgraduate at under 19."""
    return _wrong_year(town, h, 15, 18, ("L25",))
