"""Plants about what departments push: a fresh disaster, a new card, a worker's death."""

from __future__ import annotations

from datetime import timedelta

from huqing.demo.adjust import Town, monitored, settle_income, supported
from huqing.demo.model import Household, Person, age_on
from huqing.demo.plants.guarantees import disable
from huqing.demo.plants.money import adults
from huqing.demo.plants.registry import plant

_WORKING = ("01", "02", "05")


@plant("disaster_recent", 0.001)
def disaster_recent(town: Town, h: Household) -> Household | None:
    """A small loss a few days ago, far below what makes a household poor."""
    if h.records["disaster"]:
        return None
    h.records["disaster"].append(
        {
            "disaster_kind": town.draw.one(("0201", "0202", "0205")),
            "happened_on": town.ago(town.draw.between(1, 25)),
            "loss": town.draw.yuan(200, 900, 100),
            "relief_paid": 0,
        }
    )
    return h


@plant("new_disability_card", 0.0008)
def new_disability_card(town: Town, h: Household) -> Person | None:
    """Somebody got a first card weeks ago."""
    people = [p for p in adults(town, h) if not p.records["disability"]]
    if not people or supported(h):
        return None
    p = town.draw.one(people)
    row = disable(town, p, town.draw.one(("3", "4")))
    row["issued_on"] = town.ago(town.draw.between(5, 80))
    row["expires_on"] = row["issued_on"].replace(day=1, year=row["issued_on"].year + 10)
    p.fields["disability_card_year"] = row["issued_on"].year
    return p


@plant("bereaved_of_worker", 0.0006)
def bereaved_of_worker(town: Town, h: Household) -> Household | None:
    """A grown-up child of the head, who could work, died this half-year; the file says so."""
    people = [
        p
        for p in h.living()[1:]
        if p.fields["relation"] in ("03", "04")
        and p.fields.get("labour") in _WORKING
        and age_on(p.fields["birth_date"], town.as_of) >= 20
        and not p.moved
    ]
    if not people or len(h.living()) < 4 or monitored(h) or supported(h):
        return None
    p = town.draw.one(people)
    died = town.ago(town.draw.between(35, 150))
    p.records.clear()
    p.records["death"].append({"died_on": died, "cancelled_on": died + timedelta(days=town.draw.between(3, 25))})
    p.fields.update(alive=False, died_on=died, member_change="01", changed_on=died + timedelta(days=20))
    p.fields.pop("phone", None)
    settle_income(h)
    return h
