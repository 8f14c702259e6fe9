"""Plants about deaths, aid, people left alone, assets and casework."""

from __future__ import annotations

from datetime import timedelta

from huqing.demo.adjust import (
    Town,
    add_visit,
    aided,
    clear_risk,
    give_aid,
    give_dibao,
    has_labour,
    monitor,
    monitored,
    set_income,
    settle_income,
    supported,
)
from huqing.demo.model import Household, Person, add_months, age_on
from huqing.demo.plants import guarantees
from huqing.demo.plants.guarantees import uncleared
from huqing.demo.plants.money import adults
from huqing.demo.plants.registry import plant
from huqing.demo.records import add_asset


def reage(town: Town, p: Person, age: int) -> None:
    """Give somebody another age, with the ID number that goes with it."""
    birth = town.lives.birth(age)
    p.fields.update(birth_date=birth, id_number=town.numbers.id_number(town.draw, birth, p.fields["sex"]))


def _die(town: Town, p: Person) -> Person:
    died = town.ago(town.draw.between(35, 300))
    p.records["death"].append({"died_on": died, "cancelled_on": died + timedelta(days=town.draw.between(3, 25))})
    p.records["medical_bill"] = [row for row in p.records["medical_bill"] if row["settled_on"] <= died]
    return p


def _elders(town: Town, h: Household) -> list[Person]:
    return [p for p in h.living()[1:] if age_on(p.fields["birth_date"], town.as_of) >= 50]


@plant("unlisted_death", 0.0025)
def unlisted_death(town: Town, h: Household) -> Person | None:
    """The police know of a death, the household's file does not."""
    elders = [p for p in _elders(town, h) if not aided(p, "1", "2", "3", "4")]
    return _die(town, town.draw.one(elders)) if elders else None


@plant("death_still_paid", 0.0005, supported)
def death_still_paid(town: Town, h: Household) -> Person | None:
    """Aid still runs for somebody who died."""
    elders = _elders(town, h)
    if not elders or any(aided(p, "2") for p in h.living()):
        return None
    if not supported(h):
        give_dibao(town, h)
    return _die(town, town.draw.one(elders))


def _old_and_alone(h: Household) -> bool:
    return len(h.living()) == 1 and aided(h.head, "2")


@plant("tekun_missing", 0.0005, _old_and_alone)
def tekun_missing(town: Town, h: Household) -> Person | None:
    """Old, alone, unable to work, next to no income, and not on 特困."""
    p = h.head
    if (
        len(h.members) != 1
        or age_on(p.fields["birth_date"], town.as_of) < 60
        or not uncleared(h)
        or "work_months" in p.fields
    ):
        return None
    p.records["civil_affairs"].clear()
    p.fields.update(labour="04", dibao=False, tekun=False)
    for key in ("dibao_grade", "public_post", "public_post_months"):
        p.fields.pop(key, None)
    h.fields.update(dibao_amount=0, tekun_amount=0)
    set_income(h, town.draw.cents(3_000, 6_800))
    return p


@plant("no_labour_no_support", 0.001)
def no_labour_no_support(town: Town, h: Household) -> Household | None:
    """Nobody can work and nobody is supported; somebody sends money, so the income is not low."""
    people = h.living()
    if supported(h) or not uncleared(h) or any("work_months" in p.fields for p in people):
        return None
    if any(age_on(p.fields["birth_date"], town.as_of) < 60 and "student_state" not in p.fields for p in people):
        return None
    for p in people:
        p.fields["labour"] = "04"
        p.fields.pop("public_post", None)
        p.fields.pop("public_post_months", None)
    return h


def _grandparents(h: Household) -> bool:
    return {p.fields["relation"] for p in h.members[1:]} - {"02"} in ({"07"}, {"08"}, {"07", "08"})


@plant("children_alone", 0.0003, _grandparents)
def children_alone(town: Town, h: Household) -> Household | None:
    """Only children are left in the household; they are supported as 特困."""
    children = [p for p in h.members if p.alive and age_on(p.fields["birth_date"], town.as_of) < 16]
    if not children or monitored(h) or not uncleared(h) or supported(h):
        return None
    children.sort(key=lambda p: p.fields["birth_date"])
    h.members = children
    for order, p in enumerate(children, start=1):
        p.order = order
        p.fields["relation"] = "01" if order == 1 else "21"
        p.fields["marital"] = "10"
    f = h.fields
    f.update(
        head_name=h.head.fields["name"],
        member_count=len(children),
        wage_income=0,
        pension_amount=0,
        family_planning_grant=0,
    )
    f["self_paid_amount"] = sum(row["self_paid"] for p in children for row in p.records["medical_bill"])
    for p in children:
        give_aid(town, p, "2")
    settle_income(h)
    short = 1_200_000 * len(children) - f["income_per_head"] * len(children)
    f["other_transfer"] += max(0, short)
    settle_income(h)
    f["last_income_per_head"] = f["income_per_head"]
    return h


def _all_very_old(h: Household) -> bool:
    return bool(h.living()) and all(p.fields["labour"] in ("03", "04") and "edu_level" in p.fields for p in h.living())


@plant("elderly_alone_unvisited", 0.001, _all_very_old)
def elderly_alone_unvisited(town: Town, h: Household) -> Household | None:
    """People over 80 living alone whom nobody visited for more than three months."""
    people = h.living()
    ages = [age_on(p.fields["birth_date"], town.as_of) for p in people]
    if monitored(h) or not uncleared(h) or len(people) != len(h.members) or len(people) > 2 or min(ages) < 60:
        return None
    if min(ages) < 80:
        for p in people:
            reage(town, p, town.draw.between(81, 88))
            p.fields["labour"] = "04"
            p.fields.pop("public_post", None)
            p.fields.pop("public_post_months", None)
        if not supported(h):
            give_dibao(town, h)
    recent = town.ago(96)
    h.records["home_visit"] = [row for row in h.records["home_visit"] if row["visited_on"] < recent]
    add_visit(town, h, town.ago(town.draw.between(100, 160)))
    return h


@plant("dibao_and_tekun", 0.0004, supported)
def dibao_and_tekun(town: Town, h: Household) -> Person | None:
    """Somebody is paid 低保 and 特困 at once."""
    if not supported(h):
        give_dibao(town, h)
    p = next((q for q in h.living() if aided(q, "1") or aided(q, "2")), None)
    if p is None:
        return None
    give_aid(town, p, "2" if aided(p, "1") else "1")
    settle_income(h)
    return p


def _watched(h: Household) -> bool:
    return monitored(h) or supported(h)


def _own(town: Town, h: Household, kind: str, value: int | None) -> Household | None:
    people = [p for p in adults(town, h) if not p.records["asset"]]
    if not people or not uncleared(h):
        return None
    if not _watched(h):
        monitor(town, h)
    add_asset(town, town.draw.one(people), kind, value)
    return h


@plant("asset_vehicle", 0.0006, _watched)
def asset_vehicle(town: Town, h: Household) -> Household | None:
    """A monitored or supported household owns a car worth more than 50,000 yuan."""
    return _own(town, h, "1", town.draw.yuan(56_000, 190_000, 1000))


@plant("asset_house", 0.0005, _watched)
def asset_house(town: Town, h: Household) -> Household | None:
    """… a flat in town."""
    return _own(town, h, "2", town.draw.yuan(190_000, 600_000, 10_000))


@plant("asset_business", 0.0005, _watched)
def asset_business(town: Town, h: Household) -> Household | None:
    """… a registered business."""
    return _own(town, h, "3", None)


@plant("asset_payroll", 0.0003, _watched)
def asset_payroll(town: Town, h: Household) -> Household | None:
    """… a member on the public payroll."""
    return _own(town, h, "4", None)


def _ensure_monitored(town: Town, h: Household) -> bool:
    if not uncleared(h):
        return False
    if not monitored(h):
        monitor(town, h)
    return True


@plant("no_visit", 0.0010, monitored)
def no_visit(town: Town, h: Household) -> Household | None:
    """A monitored household nobody has visited for more than two months."""
    if not _ensure_monitored(town, h):
        return None
    recent = town.ago(town.draw.between(64, 120))
    h.records["home_visit"] = [row for row in h.records["home_visit"] if row["visited_on"] < recent]
    return h


@plant("helper_missing", 0.0006, monitored)
def helper_missing(town: Town, h: Household) -> Household | None:
    """A monitored household without an official, or whose official's term is over."""
    if not _ensure_monitored(town, h):
        return None
    if town.draw.chance(0.5):
        h.fields["helper_to"] = town.ago(town.draw.between(10, 200))
    else:
        for key in [key for key in h.fields if key.startswith("helper_")]:
            del h.fields[key]
    return h


@plant("identified_without_risk", 0.0004, monitored)
def identified_without_risk(town: Town, h: Household) -> Household | None:
    """A monitored household with no risk recorded."""
    if not _ensure_monitored(town, h):
        return None
    del h.fields["risks"]
    return h


def _cleared(h: Household) -> bool:
    return not uncleared(h)


def _ensure_cleared(town: Town, h: Household) -> bool:
    if uncleared(h):
        if not has_labour(h):
            return False
        monitor(town, h)
        clear_risk(town, h)
    return True


@plant("cleared_too_early", 0.0004, _cleared)
def cleared_too_early(town: Town, h: Household) -> Household | None:
    """Cleared two to five months after it was identified."""
    if not _ensure_cleared(town, h):
        return None
    h.fields["identified_on"] = add_months(h.fields["cleared_on"], -town.draw.between(2, 5)) - timedelta(
        days=town.draw.between(1, 20)
    )
    return h


@plant("cleared_below_line", 0.0004, _cleared)
def cleared_below_line(town: Town, h: Household) -> Household | None:
    """Cleared with an income below the line."""
    if not _ensure_cleared(town, h):
        return None
    h.fields["clear_income_per_head"] = town.draw.cents(3_200, 4_900)
    return h


@plant("cleared_without_labour", 0.0004, lambda h: monitored(h) and not has_labour(h))
def cleared_without_labour(town: Town, h: Household) -> Household | None:
    """A household nobody of which can work was marked as cleared."""
    if not uncleared(h) or any("work_months" in p.fields for p in h.living()):
        return None
    if has_labour(h) and any(age_on(p.fields["birth_date"], town.as_of) < 60 for p in adults(town, h)):
        return None
    for p in h.living():
        if p.fields["labour"] not in ("03", "04"):
            p.fields["labour"] = "04"
    if not supported(h):
        give_dibao(town, h)
    if not monitored(h):
        monitor(town, h)
    h.fields["no_labour_safety_net"] = True
    clear_risk(town, h)
    return h


@plant("relapse", 0.0005, _cleared)
def relapse(town: Town, h: Household) -> Household | None:
    """Cleared, and now the house is dangerous, the water unsafe or a child out of school."""
    if not _ensure_cleared(town, h):
        return None
    children = guarantees.pupils(town, h)
    fate = town.draw.u()
    if fate < 0.3 and children:
        children[0].records["school_enrolment"].clear()
    elif fate < 0.65:
        guarantees.assess_dangerous(town, h)
        h.fields["dangerous_house"] = True
    else:
        guarantees.fail_water_test(town, h)
        h.fields["water_safe"] = False
    return h
