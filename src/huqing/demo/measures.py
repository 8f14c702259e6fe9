"""The ledger of measures, and what makes a household's file hang together once everything else is settled.

It is written after the plants, from the state they left: risks that the household bears out, measures that answer them,
allowances as the departments pay them. A plant about measures names the household; what it is to lack is taken away
here (``plants.measures``).
"""

from __future__ import annotations

from datetime import date, timedelta

from huqing.demo.adjust import Town, has_labour, tuopin
from huqing.demo.model import Fields, Household, Person

WAITING, RUNNING, DONE = "1", "2", "3"
OUTSIDE = ("03", "04")
_WAGES_MOST = 29_000_000
_ANSWERS = {
    "01": ("100A45", ("4502", "4504", "4505")),
    "02": ("100A48", ("4804",)),
    "03": ("100A48", ("4804",)),
    "08": ("100A50", ("5001", "5003")),
    "09": ("100A47", ("4702", "4703")),
    "10": ("100A51", ("5101", "5103")),
    "99": ("100A52", ("5201",)),
}
_RESULTS = {
    "100A39": "当年见到收益，户主愿意继续发展",
    "100A40": "已稳定就业三个月以上",
    "100A46": "孩子已返校，按时上课",
    "100A50": "改造完成，鉴定为安全住房",
}
_SOURCES = ("1", "2", "3", "4", "5", "6")


def settle(town: Town, h: Household, planted: str) -> None:
    """Bring land, risks and measures in line with the household as it is now; ``planted`` is what was planted in it."""
    f = h.fields
    if planted != "lv04_area" and float(f["returned_forest_area"]) > float(f["forest_area"]) + float(f["grass_area"]):
        f["forest_area"] = f["returned_forest_area"]
    if planted != "ic03" and f["wage_income"] > _WAGES_MOST:
        f["business_income"] += f["wage_income"] - _WAGES_MOST
        f["wage_income"] = _WAGES_MOST
    if "risks" in f:
        _bear_out(h)
    if "identified_on" in f or tuopin(h):
        _measures(town, h, planted)
    elif f.get("dangerous_house") and h.records["housing"][-1].get("lived_in") is False:
        add(town, h, "100A50", "5001", DONE)


def is_ill(p: Person) -> bool:
    """Whether the file has the person seriously or chronically ill."""
    f = p.fields
    return bool({"02", "03"} & set(f.get("health", ()))) or "major_disease" in f or bool(f.get("chronic_disease"))


def has_card(p: Person) -> bool:
    """Whether the register or the file knows a disability card."""
    known = ("disability_type", "disability_grade", "disability_card_year")
    return bool(p.records["disability"]) or any(key in p.fields for key in known)


def at_work(p: Person) -> bool:
    return bool(p.fields.get("work_months", 0) >= 1)


def outside(p: Person) -> bool:
    return at_work(p) and p.fields.get("work_region") in OUTSIDE


def able(h: Household) -> int:
    """How many living members can work."""
    return sum(p.fields.get("labour") in ("01", "02", "05") for p in h.living())


def _bear_out(h: Household) -> None:
    """Leave only risks the household bears out; 因意外事故 where none is left."""
    people, f = h.living(), h.fields
    borne_out = {
        "01": any(map(is_ill, people)) and f.get("self_paid_amount", 0) > 0,
        "03": any(map(has_card, people)),
        "04": able(h) * 4 <= len(people),
        "07": has_labour(h) and any(map(at_work, people)),
    }
    f["risks"] = [risk for risk in f["risks"] if borne_out.get(risk, True)] or ["05"]


def add(town: Town, h: Household, group: str, item: str, state: str) -> None:
    """One row of the ledger, registered soon after the household was recognised (or within two years)."""
    draw, f = town.draw, h.fields
    since: date = f.get("identified_on") or town.ago(draw.between(60, 700))
    registered = min(since + timedelta(days=draw.between(3, 25)), town.as_of)
    row: Fields = {"measure_group": group, "measure_item": item, "registered_on": registered, "state": state}
    if any(
        (r["measure_group"], r.get("measure_item"), r["registered_on"]) == (group, item, registered)
        for r in h.records["measure"]
    ):
        return
    if state != WAITING:
        row["started_on"] = min(registered + timedelta(days=draw.between(0, 20)), town.as_of)
    if state == DONE:
        row["ended_on"] = row["started_on"] + timedelta(days=draw.between(10, 200))
        row["result"] = _RESULTS.get(group, "已按计划落实，户主签字确认")
    if draw.chance(0.7):
        row["amount"] = draw.yuan(200, 6000, 50)
        row["fund_source"] = draw.one(_SOURCES)
    h.records["measure"].append(row)


def allowances(town: Town, h: Household) -> list[str]:
    """The allowances some living member receives now: 低保, 特困, for disabled people."""
    people = h.living()
    aids = {
        row["aid_kind"]
        for p in people
        for row in p.records["civil_affairs"]
        if row["aid_from"] <= town.as_of and ("aid_to" not in row or row["aid_to"] >= town.as_of)
    }
    found = [item for kind, item in (("1", "4801"), ("2", "4802")) if kind in aids]
    for p in people:
        card = max(p.records["disability"], key=lambda row: row["issued_on"], default=None)
        if card is None or ("expires_on" in card and card["expires_on"] < town.as_of):
            continue
        if card.get("living_allowance") or card.get("care_allowance"):
            return [*found, "4805"]
    return found


def _measures(town: Town, h: Household, planted: str) -> None:
    draw, f = town.draw, h.fields
    rows = h.records["measure"]
    if planted in ("ms01", "cl02_measure"):
        rows.clear()
        return
    for risk in f.get("risks", ()):
        if risk in _ANSWERS:
            group, items = _ANSWERS[risk]
            add(town, h, group, draw.one(items), RUNNING)
    if f.get("identify_dropout"):
        add(town, h, "100A46", "4601", DONE)
    if f.get("identify_uninsured") and planted != "in05":
        add(town, h, "100A45", "4502", RUNNING)
    if f.get("dangerous_house") and h.records["housing"][-1].get("lived_in") is False:
        add(town, h, "100A50", "5001", DONE)
    for item in allowances(town, h):
        if not (planted == "ms04_missing" and item == "4801"):
            add(town, h, "100A48", item, RUNNING)
    if has_labour(h) and planted not in ("ms02", "ms03"):
        _to_earn(town, h)
    if planted == "ms02":
        rows[:] = [row for row in rows if row["measure_group"] == "100A48"]
        if not rows:
            add(town, h, "100A48", "4804", RUNNING)
    elif not rows or (planted == "ms03" and all(row["measure_group"] == "100A48" for row in rows)):
        add(town, h, "100A52", "5201", DONE)


def _to_earn(town: Town, h: Household) -> None:
    """Help to earn: for industry or a loan, and for work where somebody works."""
    draw, f = town.draw, h.fields
    if f["business_income"] > 0 and draw.chance(0.8):
        add(town, h, "100A39", draw.one(("3901", "3902", "3903", "3905")), DONE)
    else:
        add(town, h, "100A41", "4101", RUNNING)
    workers = [p for p in h.living() if at_work(p)]
    if not workers or not f["wage_income"] or not draw.chance(0.5):
        return
    away = [p for p in workers if outside(p)]
    if any(p.fields.get("travel_subsidy", 0) > 0 for p in away):
        add(town, h, "100A40", "4003", DONE)
    elif away and draw.chance(0.4):
        add(town, h, "100A40", "4002", DONE)
    else:
        add(town, h, "100A40", "4001", DONE)
