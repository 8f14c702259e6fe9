"""What the departments know about a clean household: rows of every kind, none of which gives a rule cause."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from math import exp

from huqing.demo.adjust import Town, add_visit, aided, has_labour, listed, monitored, supported, tuopin
from huqing.demo.draw import Weighted
from huqing.demo.figures import ASSUMED
from huqing.demo.jobs import work_records
from huqing.demo.lives import school_name
from huqing.demo.model import Fields, Household, Person, age_on, income_of

_DISEASES = (
    "上呼吸道感染",
    "慢性胃炎",
    "腰椎间盘突出",
    "骨折",
    "肺炎",
    "胆囊结石",
    "冠心病",
    "支气管炎",
    "阑尾炎",
    "白内障",
)
_CHRONIC = {"C01": "高血压", "C02": "糖尿病", "C03": "结核病", "C04": "严重精神障碍"}
_HOSPITALS: Weighted[str] = Weighted(
    {"奉节县人民医院": 48, "奉节县中医院": 30, "重庆大学附属三峡医院": 10, "奉节县妇幼保健院": 12}
)
# Those not named are the county's own; what is not a hospital is the town's clinic.
_HOSPITAL_LEVELS = {"重庆大学附属三峡医院": "3"}
_COUNTY_LEVEL, _TOWN_LEVEL = "2", "1"
_EDUCATION_COSTS = {
    "L02": (1500, 4200),
    "L07": (1800, 4200),
    "L10": (300, 2600),
    "L13": (4000, 7800),
    "L25": (3000, 8000),
}
_DISASTERS: Weighted[str] = Weighted({"0201": 35, "0202": 25, "0203": 20, "0204": 8, "0205": 12})
# What a clean household may pay itself, in fen: below the parameters with room to spare.
_CAPS = {(True, "1"): 430_000, (True, "2"): 42_000, (False, "1"): 1_500_000, (False, "2"): 250_000}
EDUCATION_CAP = 900_000
# A bill per person and year comes to ASSUMED.bills_per_person_year with these rates and the county's ages.
_BILL_RATE, _OLD_RATE, _ILL_RATE = 1.03, 2.3, 1.95
_RATE_FACTOR = ASSUMED.bills_per_person_year / 1.5


def department_rows(town: Town, h: Household, *, mover_is_old: bool = True) -> None:
    """Give the household the rows every department keeps of it.

    A moved person is on the list of insured people once, through the old household, and in no other file: a row could
    not be said to belong to one of the two entries.
    """
    _house(town, h)
    _water(town, h)
    _visits(town, h)
    _disaster(town, h)
    for p in h.members:
        if not p.alive:
            p.records["death"].append(
                {
                    "died_on": p.fields["died_on"],
                    "cancelled_on": p.fields["died_on"] + timedelta(days=town.draw.between(5, 30)),
                }
            )
            continue
        if mover_is_old or not p.moved:
            insured(town, p)
        if not p.moved:
            _person_rows(town, h, p)
    _assets(town, h)
    _bills(town, h)


def insured(town: Town, p: Person, kind: str = "") -> None:
    """Put the person on the year's list of insured people."""
    kind = kind or ("2" if p.fields.get("employee_insurance") else "1")
    row: Fields = {"year": town.as_of.year, "insurance_kind": kind}
    if kind == "1":
        row["insured_on"] = town.draw.day(date(town.as_of.year - 1, 9, 1), date(town.as_of.year - 1, 12, 25))
    p.records["insured"].append(row)


def _person_rows(town: Town, h: Household, p: Person) -> None:
    f, draw = p.fields, town.draw
    if f.get("student_state", "L01") != "L01":
        enrol(town, p)
    if "disability_type" in f:
        disability_card(town, p)
    work_records(town, p)
    if "work_months" in f and draw.chance(0.006):
        if draw.chance(0.6):
            lost = town.ago(draw.between(40, 170))
            p.records["unemployment"].append(
                {
                    "employer": f["employer"],
                    "lost_on": lost,
                    "reason": "企业停工",
                    "reemployed_on": lost + timedelta(days=draw.between(5, 30)),
                }
            )
        else:
            p.records["unemployment"].append(
                {"employer": f["employer"], "lost_on": town.ago(draw.between(230, 360)), "reason": "合同到期"}
            )


def enrol(town: Town, p: Person) -> None:
    """Put a pupil on the education register of the term."""
    f, draw = p.fields, town.draw
    grade = f["student_state"]
    age = age_on(f["birth_date"], town.as_of)
    severe = f.get("disability_grade") in ("1", "2")
    spent = sum(row.get("education_paid", 0) for q in p.household.members for row in q.records["school_enrolment"])
    if grade in ("L03", "L04", "L05", "L06"):
        paid = draw.yuan(0, 500, 10)
    else:
        low, high = _EDUCATION_COSTS[next(g for g in ("L25", "L13", "L10", "L07", "L02") if grade >= g)]
        paid = min(draw.yuan(low, high, 50), max(0, EDUCATION_CAP - spent))
    p.records["school_enrolment"].append(
        {
            "school": f.get("school") or school_name(draw, grade, p.household.village.town),
            "grade": grade,
            "enrolment_state": "4" if severe and 6 <= age <= 15 and draw.chance(0.7) else "1",
            "term": town.lives.term,
            "boarding": grade > "L03" and draw.chance(0.6),
            "education_paid": paid,
            "aid_received": listed(p.household),
        }
    )


def disability_card(town: Town, p: Person) -> None:
    """Put the person on the register of disability cards, with the allowances that are due."""
    f, draw = p.fields, town.draw
    issued = date(f["disability_card_year"], draw.between(1, 12), draw.between(1, 28))
    issued = min(issued, town.back(4))  # a card of the last months is a finding; only plants make one
    p.records["disability"].append(
        {
            "disability_type": f["disability_type"],
            "disability_grade": f["disability_grade"],
            "issued_on": issued,
            "expires_on": issued.replace(year=issued.year + 10),
            "living_allowance": aided(p, "1"),
            "care_allowance": f["disability_grade"] in ("1", "2"),
        }
    )


def _house(town: Town, h: Household) -> None:
    f, draw = h.fields, town.draw
    assessed = town.ago(draw.between(30, 1200))
    fate = draw.u()
    if fate < 0.03:
        repaired = assessed + timedelta(days=draw.between(10, 28))
        h.records["housing"].append({"grade": "C", "assessed_on": assessed, "repaired_on": repaired, "lived_in": True})
        f["house_grade"] = "B"
    elif fate < 0.033:
        h.records["housing"].append({"grade": "D", "assessed_on": assessed, "lived_in": False})
        f["house_grade"], f["dangerous_house"] = "D", True
    else:
        if fate < 0.06:
            earlier = assessed - timedelta(days=draw.between(200, 900))
            h.records["housing"].append({"grade": "C", "assessed_on": earlier, "lived_in": True})
        h.records["housing"].append({"grade": f["house_grade"], "assessed_on": assessed, "lived_in": True})


def _water(town: Town, h: Household) -> None:
    draw = town.draw
    tested = town.ago(draw.between(15, 500))
    row: Fields = {
        "tested_on": tested,
        "quantity": f"{28 + draw.u() * 60:.1f}0",
        "quality_ok": True,
        "fetch_minutes": 0 if draw.chance(0.85) else draw.between(2, 15),
        "assurance": f"{93 + draw.u() * 7:.1f}0",
        "source": h.fields["water_source"],
    }
    if draw.chance(0.02):
        h.records["water"].append(
            {**row, "tested_on": tested - timedelta(days=draw.between(120, 700)), "quality_ok": False}
        )
    h.records["water"].append(row)


def _visits(town: Town, h: Household) -> None:
    draw = town.draw
    if monitored(h):
        return
    if tuopin(h):
        day = town.ago(draw.between(5, 80))
        for _ in range(4):
            add_visit(town, h, day)
            day -= timedelta(days=draw.between(80, 95))
    elif all(p.fields["birth_date"] <= town.back(80 * 12) for p in h.living()):
        for days in (draw.between(5, 75), draw.between(100, 180), draw.between(190, 300)):
            add_visit(town, h, town.ago(days))
    elif draw.chance(0.35):
        add_visit(town, h, town.ago(draw.between(5, 360)))
    if any(p.fields.get("student_state", "") in ("L03", "L04", "L05", "L06") for p in h.members) and draw.chance(0.15):
        add_visit(town, h, town.ago(draw.between(5, 200)), "2")
    if any("chronic_disease" in p.fields for p in h.living()) and draw.chance(0.2):
        add_visit(town, h, town.ago(draw.between(5, 200)), "3")


def _disaster(town: Town, h: Household) -> None:
    """Losses that do not matter: small ones, and big ones of more than a year ago."""
    draw = town.draw
    income = income_of(h.fields) or 0
    if draw.chance(0.01):
        loss = int(income * (0.02 + draw.u() * 0.08)) // 10000 * 10000
        row = {"disaster_kind": draw.of(_DISASTERS), "happened_on": town.ago(draw.between(40, 330)), "loss": loss}
        h.records["disaster"].append({**row, "relief_paid": loss // 20000 * 10000})
    elif draw.chance(0.002):
        row = {"disaster_kind": draw.of(_DISASTERS), "happened_on": town.ago(draw.between(390, 700))}
        h.records["disaster"].append({**row, "loss": income // 20000 * 10000, "relief_paid": 0})


def _assets(town: Town, h: Household) -> None:
    draw = town.draw
    watched = monitored(h) or supported(h)
    adults = [
        p
        for p in h.living()
        if "edu_level" in p.fields and not p.moved and 22 <= age_on(p.fields["birth_date"], town.as_of) < 65
    ]
    if not adults or (watched and not draw.chance(0.05)):
        return
    p = draw.one(adults)
    if watched:
        add_asset(town, p, "1", draw.yuan(2500, 12_000, 100))
    elif draw.chance(0.12):
        add_asset(town, p, "1", draw.yuan(25_000, 180_000, 1000))
    elif draw.chance(0.05):
        add_asset(town, p, "2", draw.yuan(180_000, 620_000, 10_000))
    elif draw.chance(0.03):
        add_asset(town, p, "3")
    elif draw.chance(0.015) and has_labour(h):
        add_asset(town, p, "4")


def add_asset(town: Town, p: Person, kind: str, value: int | None = None) -> None:
    """Register a vehicle (1), a flat (2), a business (3) or a public salary (4) in somebody's name."""
    draw = town.draw
    vehicle = "摩托车" if (value or 0) < 2_000_000 else "小型普通客车"
    detail = {
        "1": lambda: f"渝F·{draw.one('ABCDEHJKL')}{draw.between(1000, 9999)} {vehicle}",
        "2": lambda: f"奉节县夔州街道商品房{draw.between(68, 130)}平方米",
        "3": lambda: f"个体工商户：{p.fields['name']}{draw.one(('百货店', '农家乐', '建材经营部', '养殖场'))}",
        "4": lambda: f"{p.household.village.town}{draw.one(('中心小学', '卫生院', '政府'))}在编人员",
    }[kind]()
    row: Fields = {"asset_kind": kind, "detail": detail, "registered_on": town.ago(draw.between(100, 2500))}
    if value is not None:
        row["value"] = value
    p.records["asset"].append(row)


def _bills(town: Town, h: Household) -> None:
    """Thirteen months of bills; nobody's month and no household's year reaches a threshold."""
    draw = town.draw
    poor = listed(h)
    left = min((income_of(h.fields) or 0) * 35 // 100, 700_000 * len(h.living()))
    first = town.back(13)
    days = (town.as_of - first).days
    year_start = town.back(12)
    counted = 0
    for p in h.living():
        f = p.fields
        if p.moved:
            continue
        ill = "chronic_disease" in f or "major_disease" in f
        old = f["birth_date"].year < town.as_of.year - 60
        rate = ((_OLD_RATE if old else _BILL_RATE) + (_ILL_RATE if ill else 0)) * _RATE_FACTOR * 13 / 12
        months: dict[tuple[str, int], int] = defaultdict(int)
        for _ in range(_poisson(draw.u(), rate)):
            day = town.as_of - timedelta(days=int(draw.u() * days))
            kind = "1" if draw.chance(0.2 if old else 0.13) else "3" if ill and draw.chance(0.4) else "2"
            month = ("1" if kind == "1" else "2", day.year * 12 + day.month)
            cap = min(_CAPS[poor, month[0]] - months[month], max(0, left - counted))
            row = add_bill(town, p, kind, day, cap=cap)
            months[month] += row["self_paid"]
            if day > year_start:
                counted += row["self_paid"]
    h.fields["self_paid_amount"] = counted


def add_bill(town: Town, p: Person, kind: str, day: date, *, cap: int = 10**12, self_paid: int | None = None) -> Fields:
    """One bill whose parts add up; ``cap`` limits what the patient pays, ``self_paid`` fixes it."""
    draw, f = town.draw, p.fields
    if kind == "1":
        total = int(min(60_000.0, max(800.0, 4800 * exp(draw.normal() * 0.7))) * 100)
        basic = total * draw.between(52, 68) // 100
    else:
        total = draw.cents(40, 480 if kind == "2" else 700)
        basic = total * draw.between(35, 60) // 100
    serious = (total - basic - 1_000_000) * 6 // 10 if total - basic > 1_200_000 else 0
    aid = (total - basic - serious) * 45 // 100 if f.get("medical_aid") and kind == "1" else 0
    own = total - basic - serious - aid
    other = max(0, own - cap)
    own -= other
    if self_paid is not None:
        total += self_paid - own
        own = self_paid
    disease = (
        _CHRONIC.get(f["chronic_disease"][0], "慢性病")
        if kind == "3" and "chronic_disease" in f
        else draw.one(_DISEASES)
    )
    named = draw.of(_HOSPITALS) if kind == "1" or draw.chance(0.3) else ""
    row: Fields = {
        "hospital": named or f"{p.household.village.town}卫生院",
        "hospital_level": _HOSPITAL_LEVELS.get(named, _COUNTY_LEVEL) if named else _TOWN_LEVEL,
        "care_kind": kind,
        "disease": disease,
        "settled_on": day,
        "total": total,
        "eligible": max(total * draw.between(86, 98) // 100, basic + serious + aid),
        "basic_paid": basic,
        "serious_paid": serious,
        "aid_paid": aid,
        "other_paid": other,
        "self_paid": own,
    }
    if kind == "1":
        row["admitted_on"] = day - timedelta(days=draw.between(3, 18))
    p.records["medical_bill"].append(row)
    return row


def _poisson(u: float, rate: float) -> int:
    """The Poisson number whose distribution function passes ``u`` (at most 30)."""
    term = total = exp(-rate)
    count = 0
    while u > total and count < 30:
        count += 1
        term *= rate / count
        total += term
    return count
