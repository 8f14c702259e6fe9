"""What there is to find in a household's conditions, income, risks, measures and removal (DEFINITIONS.md, 户核查)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from huqing.demo.figures import PARAMETERS
from huqing.demo.model import Fields, Household, Person, add_months

if TYPE_CHECKING:
    from huqing.demo.expect import Evaluation

_TYPES = frozenset({"100A03001", "100A03002", "100A03003"})
_LAND = {
    "arable_area": "land_limit_arable",
    "forest_area": "land_limit_forest",
    "returned_forest_area": "land_limit_returned",
    "orchard_area": "land_limit_orchard",
    "grass_area": "land_limit_grass",
    "water_area": "land_limit_water",
}
_CONDITIONS = (
    "house_area",
    "dangerous_house",
    "water_safe",
    "sanitary_toilet",
    "domestic_power",
    "road_type",
    "road_distance",
    *_LAND,
)
_LEAST = {
    "dibao_amount": "dibao_low",
    "tekun_amount": "tekun_low",
    "family_planning_grant": "planning_grant_low",
    "pension_amount": "pension_low",
}
_AT_REMOVAL = ("clear_housing_problem", "clear_dropout", "clear_water_problem", "clear_uninsured")
_ANSWERS = {
    "01": {"100A45", "100A52"},
    "09": {"100A46", "100A47", "100A52"},
    "03": {"100A48", "100A52"},
    "08": {"100A50", "100A53"},
    "10": {"100A51"},
}
_TO_EARN = {"100A39", "100A40", "100A41", "100A42"}
_ALLOWANCES = ("4801", "4802", "4805")


def household(e: Evaluation) -> Iterator[str]:
    """The findings about the household, except those that look at other households (``cleared_together``)."""
    yield from _conditions(e)
    yield from _income(e)
    yield from _risks(e)
    yield from _measures(e)
    yield from _removal(e)


def person(e: Evaluation, p: Person) -> Iterator[str]:
    """The findings about one person."""
    if "04" in p.fields.get("health", ()) and not _card(p):
        yield "rk03_card"


def _card(p: Person) -> bool:
    known = ("disability_type", "disability_grade", "disability_card_year")
    return bool(p.records.get("disability")) or any(key in p.fields for key in known)


def _rows(e: Evaluation) -> list[Fields]:
    return [row for row in e.h.records.get("measure", ()) if row["registered_on"] <= e.as_of]


def _groups(rows: Iterable[Fields]) -> set[str]:
    return {row["measure_group"] for row in rows}


def _running(e: Evaluation) -> set[str]:
    return {
        row.get("measure_item", "")
        for row in _rows(e)
        if row["state"] == "2" and not ("ended_on" in row and row["ended_on"] < e.as_of)
    }


def _conditions(e: Evaluation) -> Iterator[str]:
    f = e.f
    area = {key: float(f[key]) for key in _LAND if key in f}
    if e.listed and any(key not in f for key in _CONDITIONS):
        yield "lv01"
    if any(value < 0 or value > PARAMETERS[_LAND[key]] for key, value in area.items()):
        yield "lv02"
    if float(f.get("road_distance", 0)) > PARAMETERS["road_distance_limit"]:
        yield "lv03"
    woods = ("returned_forest_area", "forest_area", "grass_area")
    if all(key in area for key in woods):
        returned, forest, grass = (round(area[key] * 100) for key in woods)
        if returned > forest + grass:
            yield "lv04_area"
        if f.get("ecology_amount", 0) > 0 and returned == forest == grass == 0:
            yield "lv04_subsidy"
    risks, groups = f.get("risks", ()), _groups(_rows(e))
    if (e.dangerous or f.get("dangerous_house") is True) and "08" not in risks and not groups & _ANSWERS["08"]:
        yield "lv05_house"
    if (e.water_unsafe or f.get("water_safe") is False) and "10" not in risks and not groups & _ANSWERS["10"]:
        yield "lv05_water"


def _income(e: Evaluation) -> Iterator[str]:
    f = e.f
    wage, business = f.get("wage_income"), f.get("business_income")
    if wage is not None and (0 < wage < PARAMETERS["wage_low"] * 100 or wage > PARAMETERS["wage_high"] * 100):
        yield "ic03"
    if business and f.get("business_cost") == 0:
        yield "ic04"
    if any(0 < f.get(key, 0) < PARAMETERS[limit] * 100 for key, limit in _LEAST.items()):
        yield "ic05"
    done = _groups(row for row in _rows(e) if row["state"] != "1")
    if _running(e) & set(_ALLOWANCES) and f.get("transfer_income") == 0:
        yield "ic06_transfer"
    if done & {"100A40", "100A42"} and wage == 0:
        yield "ic06_wage"
    if "100A39" in done and business == 0:
        yield "ic06_business"
    if e.monitored and "01" in f.get("risks", ()) and f.get("self_paid_amount") == 0:
        yield "ic07"


def _risks(e: Evaluation) -> Iterator[str]:
    f = e.f
    typed = f.get("household_type") in _TYPES
    if (typed and "identified_on" not in f) or ("identified_on" in f and "household_type" not in f):
        yield "rk01"
    risks = set(f.get("risks", ()))
    if typed and (("99" in risks and "risk_note" not in f) or ("02" in risks and "risk_disaster" not in f)):
        yield "rk02"
    if typed and f.get("identify_water_problem") is True and f.get("risks") is not None and "10" not in risks:
        yield "rk08"
    if not e.monitored:
        return
    if "03" in risks and not any(map(_card, e.people)):
        yield "rk03_risk"
    if "01" in risks and _healthy(e.people):
        yield "rk04"
    labour = [p.fields.get("labour") for p in e.people]
    working = sum(skill in ("01", "02", "05") for skill in labour)
    many = len(labour) >= PARAMETERS["labour_short_members"] and working > PARAMETERS["labour_short_half"] * len(labour)
    if "04" in risks and None not in labour and (many or working > PARAMETERS["labour_short_share"] * len(labour)):
        yield "rk05"
    if "07" in risks and (e._labour() is False or not any(map(_works, e.people))):
        yield "rk06"
    groups = _groups(_rows(e))
    if groups and "risks" in f:
        unanswered = [risk for risk in risks if risk in _ANSWERS and not groups & _ANSWERS[risk]]
        dropout = f.get("identify_dropout") is True and "100A46" not in groups
        uninsured = f.get("identify_uninsured") is True and not groups & _ANSWERS["01"]
        if unanswered or dropout or uninsured:
            yield "rk07"


def _healthy(people: list[Person]) -> bool:
    """Whether it is known of everybody that they are neither seriously nor chronically ill."""
    for p in people:
        f = p.fields
        if "health" not in f or {"02", "03"} & set(f["health"]) or "major_disease" in f or f.get("chronic_disease"):
            return False
    return True


def _works(p: Person) -> bool:
    return bool(p.fields.get("work_months", 0) >= 1)


def _measures(e: Evaluation) -> Iterator[str]:
    f, rows = e.f, _rows(e)
    items = {row.get("measure_item") for row in rows}
    recent = "identified_on" in f and f["identified_on"].year >= PARAMETERS["relocation_year"]
    if recent and f.get("household_type") and "5301" in items:
        yield "ms06"
    running = _running(e)
    receives = {
        "4801": any(e._aided(p, ("1",)) for p in e.people),
        "4802": any(e._aided(p, ("2",)) for p in e.people),
        "4805": any(_allowance(e, p) for p in e.people),
    }
    if any(item in running and not receives[item] for item in _ALLOWANCES):
        yield "ms04_measure"
    yield from _ends(e, rows)
    if not e.monitored:
        return
    if any(receives[item] and item not in running for item in _ALLOWANCES):
        yield "ms04_missing"
    recognised = f["identified_on"]
    if not rows and recognised <= add_months(e.as_of, -int(PARAMETERS["measure_months"])):
        yield "ms01"
    labour = e._labour() is True
    if labour and rows and _groups(rows) == {"100A48"}:
        yield "ms02"
    done = [row for row in rows if row["state"] != "1"]
    late = recognised <= add_months(e.as_of, -int(PARAMETERS["development_months"]))
    if labour and late and not _groups(done) & _TO_EARN:
        yield "ms03"
    if any(row["state"] == "1" and row["measure_group"] in _TO_EARN for row in rows):
        yield "ms03_waiting"
    posts = any(p.fields.get("public_post_months", 0) >= 1 for p in e.people)
    if _groups(done) & {"100A40", "100A42"} and not posts and not any(map(_works, e.people)):
        yield "ms05_work"
    away = [p for p in e.people if _works(p) and p.fields.get("work_region") in ("03", "04")]
    lost = any(_works(p) and "work_region" not in p.fields for p in e.people)
    helped = {row.get("measure_item") for row in done if row["measure_group"] == "100A40"}
    if helped & {"4002", "4003"} and not away and not lost:
        yield "ms05_away"
    if "4003" in helped and away and all(p.fields.get("travel_subsidy") == 0 for p in away) and not lost:
        yield "ms05_subsidy"


def _ends(e: Evaluation, rows: list[Fields]) -> Iterator[str]:
    if e.listed and any(row["state"] != "3" and "ended_on" in row and row["ended_on"] < e.as_of for row in rows):
        yield "measure_overdue"
    due = e.as_of - timedelta(days=int(PARAMETERS["measure_result_days"]))
    if e.monitored and any(
        row["state"] == "3" and row.get("ended_on", e.as_of) <= due and "result" not in row for row in rows
    ):
        yield "measure_no_result"


def _allowance(e: Evaluation, p: Person) -> bool:
    card = max(p.records.get("disability", ()), key=lambda row: row.get("issued_on", date.min), default=None)
    if card is None or ("expires_on" in card and card["expires_on"] < e.as_of):
        return False
    return card.get("living_allowance") is True or card.get("care_allowance") is True


def _removal(e: Evaluation) -> Iterator[str]:
    f = e.f
    if "cleared_on" not in f or f["cleared_on"] > e.as_of:
        return
    if any(f.get(key) is True for key in _AT_REMOVAL):
        yield "lv05_cleared"
    if any("uninsured_member" in set(e._insurance_of(p)) for p in e.people):
        yield "lv05_insured"
    if f.get("clear_mode") == "1" and not _rows(e):
        yield "cl02_measure"
    if any(key not in f for key in ("clear_income_per_head", *_AT_REMOVAL)):
        yield "cl02_fields"
    if "contact_name" not in f or "contact_phone" not in f:
        yield "cl05"


def cleared_together(households: list[Household], as_of: date) -> list[Household]:
    """The households cleared this month or last in a village that cleared several in that month (cl06)."""
    first = (as_of.replace(day=1) - timedelta(days=1)).replace(day=1)
    recent = [h for h in households if h.living() and first <= h.fields.get("cleared_on", date.min) <= as_of]
    months = Counter((h.village.code, h.fields["cleared_on"].year, h.fields["cleared_on"].month) for h in recent)
    limit = PARAMETERS["batch_clear_households"]
    return [
        h for h in recent if months[h.village.code, h.fields["cleared_on"].year, h.fields["cleared_on"].month] >= limit
    ]
