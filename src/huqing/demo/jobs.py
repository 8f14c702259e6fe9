"""The monthly record of work away: one row per span of work, and one for people who plan to leave."""

from __future__ import annotations

from huqing.demo.adjust import Town
from huqing.demo.model import Fields, Person, add_months, age_on

_OLD_ENOUGH = 23  # for a span before the present one to lie wholly after the sixteenth birthday
_SAME = {
    "job_region": "work_region",
    "job_province": "work_province",
    "job_city": "work_city",
    "job_county": "work_county",
    "job_from": "work_from",
    "job_income": "work_income",
    "job_employer": "employer",
    "job_industry": "industry",
    "job_channel": "employ_channel",
    "job_point_to_point": "point_to_point",
    "job_travel_subsidy": "travel_subsidy",
}


def work_records(town: Town, p: Person) -> None:
    """Put the person's work away on the monthly record, as the file has it, sometimes with the span before."""
    f, draw = p.fields, town.draw
    checked = town.ago(draw.between(2, 26))
    if "work_from" in f:
        row = present_job(p)
        if draw.chance(0.12) and age_on(f["birth_date"], town.as_of) >= _OLD_ENOUGH:
            p.records["work"].append(earlier_job(town, row) | {"checked_on": checked})
        p.records["work"].append(row | {"checked_on": checked})
    elif f.get("plans_work"):
        plan = {"away_now": False, "plans_job": True, "planned_place": draw.one(("广东省深圳市", "浙江省宁波市"))}
        p.records["work"].append({"checked_on": checked, **plan, "job_need": f["work_need"]})


def present_job(p: Person) -> Fields:
    """The span of work the file has, still going on."""
    return {key: p.fields[said] for key, said in _SAME.items() if said in p.fields} | {"away_now": True}


def earlier_job(town: Town, present: Fields) -> Fields:
    """A span of some months that ended one to three months before the present one began."""
    began = town.as_of.replace(year=int(present["job_from"][:4]), month=int(present["job_from"][5:]), day=1)
    ended = add_months(began, -town.draw.between(1, 3))
    started = add_months(ended, -town.draw.between(4, 12))
    row = {key: value for key, value in present.items() if key != "job_travel_subsidy"}
    return row | {"job_from": f"{started:%Y-%m}", "job_to": f"{ended:%Y-%m}", "away_now": False}


def month_before(town: Town, months: int) -> str:
    """The month that lies ``months`` back, as files write it (ahead if negative)."""
    return f"{add_months(town.as_of.replace(day=1), -months):%Y-%m}"
