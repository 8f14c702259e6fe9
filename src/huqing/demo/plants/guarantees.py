"""Plants about insurance, schooling, housing, water, work, disasters and disability."""

from __future__ import annotations

from datetime import timedelta

from huqing.demo.adjust import Town, aided, give_dibao, monitor, monitored, supported, tuopin
from huqing.demo.model import Fields, Household, Person, age_on, income_of
from huqing.demo.plants.money import adults, open_case
from huqing.demo.plants.registry import plant
from huqing.demo.records import disability_card, insured


def pupils(town: Town, h: Household, youngest: int = 6) -> list[Person]:
    """Living members of compulsory school age who are on the register."""
    return [
        p
        for p in h.living()
        if youngest <= age_on(p.fields["birth_date"], town.as_of) <= 15 and p.records["school_enrolment"]
    ]


def uncleared(h: Household) -> bool:
    return "cleared_on" not in h.fields


@plant("uninsured_member", 0.004)
def uninsured_member(town: Town, h: Household) -> Person | None:
    """A member is on no insurance list and the file says so; some were insured last year."""
    p = town.draw.one(h.living())
    p.records["insured"].clear()
    p.fields.update(resident_insurance=False, employee_insurance=False, serious_insurance=False)
    if town.draw.chance(0.5):
        p.records["insured"].append({"year": town.as_of.year - 1, "insurance_kind": "1"})
    return p


@plant("double_insured", 0.002)
def double_insured(town: Town, h: Household) -> Person | None:
    """Somebody is on both insurance lists of the year."""
    workers = [p for p in h.living() if p.fields.get("work_months", 0) and len(p.records["insured"]) == 1]
    if not workers:
        return None
    p = town.draw.one(workers)
    insured(town, p, "1" if p.records["insured"][0]["insurance_kind"] == "2" else "2")
    return p


@plant("dropout", 0.0015)
def dropout(town: Town, h: Household) -> Person | None:
    """A child the file has in school is not on the register."""
    children = pupils(town, h)
    if not children or not uncleared(h):
        return None
    p = town.draw.one(children)
    p.records["school_enrolment"].clear()
    return p


@plant("dropout_registered", 0.0006)
def dropout_registered(town: Town, h: Household) -> Person | None:
    """The register itself says 辍学."""
    children = pupils(town, h, youngest=12)
    if not children or not uncleared(h):
        return None
    p = town.draw.one(children)
    p.records["school_enrolment"][0]["enrolment_state"] = "3"
    return p


def disable(town: Town, p: Person, grade: str) -> Fields:
    """Make the person disabled in the file and on the register; returns the register row."""
    f = p.fields
    f.update(disability_type=f.get("disability_type", "4"), disability_grade=grade)
    f.setdefault("disability_card_year", town.as_of.year - town.draw.between(1, 8))
    f["health"] = sorted({*f["health"], "04"} - {"01"})
    p.records["disability"].clear()
    disability_card(town, p)
    return p.records["disability"][0]


@plant("home_teaching_missing", 0.0003)
def home_teaching_missing(town: Town, h: Household) -> Person | None:
    """A severely disabled child is neither at school nor taught at home."""
    children = pupils(town, h)
    if not children or not uncleared(h):
        return None
    p = town.draw.one(children)
    disable(town, p, town.draw.one(("1", "2")))
    p.records["school_enrolment"].clear()
    p.fields.pop("student_state")
    p.fields.pop("school", None)
    p.fields["dropout_reason"] = "L02"
    return p


def assess_dangerous(town: Town, h: Household) -> str:
    grade = "C" if town.draw.chance(0.7) else "D"
    h.records["housing"].append({"grade": grade, "assessed_on": town.ago(town.draw.between(4, 26)), "lived_in": True})
    return grade


@plant("dangerous_house", 0.002)
def dangerous_house(town: Town, h: Household) -> Household | None:
    """The newest assessment says C or D, the household lives there, the file agrees."""
    if not uncleared(h):
        return None
    h.fields.update(house_grade=assess_dangerous(town, h), dangerous_house=True)
    return h


@plant("house_file_conflict", 0.001)
def house_file_conflict(town: Town, h: Household) -> Household | None:
    """The newest assessment says C or D while the file still says safe."""
    if not uncleared(h) or h.fields["dangerous_house"]:
        return None
    assess_dangerous(town, h)
    return h


def fail_water_test(town: Town, h: Household) -> None:
    draw = town.draw
    row = max(h.records["water"], key=lambda r: r["tested_on"])
    bad: Fields = draw.one(
        (
            {"quantity": f"{8 + draw.u() * 10:.1f}0"},
            {"quality_ok": False},
            {"fetch_minutes": draw.between(25, 60)},
            {"assurance": f"{60 + draw.u() * 25:.1f}0"},
        )
    )
    h.records["water"].append({**row, "tested_on": town.ago(draw.between(3, 13)), **bad})


@plant("unsafe_water", 0.002)
def unsafe_water(town: Town, h: Household) -> Household | None:
    """The newest water test fails in one of its four items; the file agrees."""
    if not uncleared(h):
        return None
    fail_water_test(town, h)
    h.fields.update(water_safe=False, water_difficulty=True)
    return h


@plant("water_file_conflict", 0.001)
def water_file_conflict(town: Town, h: Household) -> Household | None:
    """The newest water test fails while the file says safe."""
    if not uncleared(h):
        return None
    fail_water_test(town, h)
    return h


def _workers(h: Household) -> list[Person]:
    return [p for p in h.living() if p.fields.get("work_months", 0) >= 1]


def _lose_job(town: Town, p: Person) -> Person:
    p.records["unemployment"].clear()
    p.records["unemployment"].append(
        {
            "employer": p.fields["employer"],
            "lost_on": town.ago(town.draw.between(8, 165)),
            "reason": town.draw.one(("企业裁员", "工厂停产", "因伤离岗")),
        }
    )
    return p


@plant("job_loss", 0.004)
def job_loss(town: Town, h: Household) -> Person | None:
    """One of several earners lost the job and found no other."""
    workers = _workers(h)
    return _lose_job(town, town.draw.one(workers)) if len(workers) > 1 else None


@plant("job_loss_only_worker", 0.0015)
def job_loss_only_worker(town: Town, h: Household) -> Household | None:
    """The only earner lost the job."""
    workers = _workers(h)
    if len(workers) != 1:
        return None
    _lose_job(town, workers[0])
    return h


def _damage(town: Town, h: Household) -> None:
    draw = town.draw
    loss = (income_of(h.fields) or 0) * draw.between(32, 70) // 1_000_000 * 10_000
    h.records["disaster"].append(
        {
            "disaster_kind": draw.one(("0201", "0202", "0205")),
            "happened_on": town.ago(draw.between(10, 330)),
            "loss": loss,
            "relief_paid": loss // 200_000 * 10_000,
        }
    )


@plant("disaster_loss", 0.0015)
def disaster_loss(town: Town, h: Household) -> Household | None:
    """A disaster cost the household far more than it got back."""
    if monitored(h) or h.records["disaster"]:
        return None
    _damage(town, h)
    return h


@plant("disaster_unlisted", 0.0005, monitored)
def disaster_unlisted(town: Town, h: Household) -> Household | None:
    """The same in a monitored household whose risks do not name the disaster."""
    if not uncleared(h) or h.records["disaster"]:
        return None
    if not monitored(h):
        monitor(town, h)
    _damage(town, h)
    return h


@plant("disability_no_living_allowance", 0.0008, supported)
def disability_no_living_allowance(town: Town, h: Household) -> Person | None:
    """A disabled member on 低保 gets no living allowance."""
    people = adults(town, h)
    if not people or any(aided(p, "2") for p in h.living()):
        return None
    if not supported(h):
        give_dibao(town, h)
    p = next((q for q in people if q.records["disability"]), None) or town.draw.one(people)
    row = p.records["disability"][0] if p.records["disability"] else disable(town, p, town.draw.one(("3", "4")))
    row["living_allowance"] = False
    return p


@plant("disability_no_care_allowance", 0.0012)
def disability_no_care_allowance(town: Town, h: Household) -> Person | None:
    """A severely disabled member gets no care allowance."""
    people = adults(town, h)
    if not people or not town.draw.chance(0.3):
        return None
    p = next((q for q in people if q.fields.get("disability_grade") in ("1", "2")), None) or town.draw.one(people)
    disable(town, p, p.fields["disability_grade"] if p.fields.get("disability_grade") in ("1", "2") else "2")[
        "care_allowance"
    ] = False
    return p


@plant("disability_unrecorded", 0.002, tuopin)
def disability_unrecorded(town: Town, h: Household) -> Person | None:
    """On the register of disability cards, but the file says nothing of it."""
    people = [p for p in adults(town, h) if p.fields.get("disability_grade") not in ("1", "2")]
    if not people:
        return None
    p = next((q for q in people if q.records["disability"]), None) or town.draw.one(people)
    if not p.records["disability"]:
        disable(town, p, town.draw.one(("3", "4")))
    for key in ("disability_type", "disability_grade", "disability_card_year"):
        p.fields.pop(key, None)
    p.fields["health"] = [code for code in p.fields["health"] if code != "04"] or ["01"]
    return p


@plant("disability_card_expired", 0.002)
def disability_card_expired(town: Town, h: Household) -> Person | None:
    """The disability card ran out and was not renewed."""
    people = adults(town, h)
    if not people or (len(people) == len(h.living()) == 1 and open_case(h)):
        return None
    p = next((q for q in people if q.records["disability"]), None) or town.draw.one(people)
    row = p.records["disability"][0] if p.records["disability"] else disable(town, p, town.draw.one(("3", "4")))
    row["expires_on"] = town.ago(town.draw.between(20, 700))
    row["issued_on"] = row["expires_on"] - timedelta(days=3652)
    p.fields["disability_card_year"] = row["issued_on"].year
    return p
