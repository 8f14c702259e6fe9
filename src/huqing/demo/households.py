"""Clean households: consistent files in which no rule finds anything. Risks are planted afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import exp

from huqing.demo import families as rel
from huqing.demo.adjust import (
    Town,
    clear_risk,
    drop_assets,
    give_aid,
    give_dibao,
    give_helper,
    has_labour,
    monitor,
    monitored,
    set_income,
    settle_income,
    supported,
    tuopin,
)
from huqing.demo.draw import Draw, Weighted
from huqing.demo.figures import ASSUMED, CLEAN_INCOME_FLOOR, PUBLISHED
from huqing.demo.identity import check_digit
from huqing.demo.model import MOVER_AREA, Fields, Household, Person, Village, per_head_of
from huqing.demo.records import department_rows

_CAUSES: Weighted[str] = Weighted({"01": 40, "02": 15, "03": 9, "04": 4, "05": 3, "07": 14, "08": 8, "09": 7})
_ROADS: Weighted[str] = Weighted({"03": 72, "04": 8, "02": 14, "01": 6})
_FUELS: Weighted[str] = Weighted({"04": 55, "01": 38, "03": 6, "05": 1})
_WATERS: Weighted[str] = Weighted({"L01": 82, "L02": 6, "L03": 5, "L04": 2, "L05": 5})
_GRADES: Weighted[str] = Weighted({"A": 46, "B": 54})
_BANKS = ("重庆农村商业银行", "中国邮政储蓄银行", "中国农业银行")
_UNSTABLE_OF_TUOPIN = ASSUMED.monitored_households * PUBLISHED.unstable / PUBLISHED.tuopin_households
_MONITORED_OF_OTHERS = ASSUMED.monitored_households * (1 - PUBLISHED.unstable) / (1 - PUBLISHED.tuopin_households)


@dataclass(frozen=True)
class Mover:
    """Somebody who is in two households of two towns: still listed with her parents (``old``), married elsewhere."""

    number: int
    seed: int
    old: bool


def _mover(town: Town, mover: Mover) -> Fields:
    """The moved person's file; the same in both towns because it comes from the mover's own stream."""
    draw = Draw(mover.seed, 2, mover.number)
    age = draw.between(24, 27)
    birth = town.lives._birthday_of[age] - timedelta(days=draw.between(3, 360))
    first17 = f"{MOVER_AREA}{birth:%Y%m%d}{mover.number * 2:03d}"
    surname = draw.one(("冉", "向", "谭", "覃", "彭", "田", "冯", "牟"))
    given = draw.one("秀春晓雪冬") + draw.one("梅芳燕霞琴莲") + ("" if draw.chance(0.6) else draw.one("儿丽萍"))
    return {
        "name": surname + given,
        "sex": rel.FEMALE,
        "id_type": "1",
        "id_number": first17 + check_digit(first17),
        "birth_date": birth,
        "relation": rel.DAUGHTER if mover.old else rel.SON_WIFE,
        "nationality": "01",
        "political": "13",
        "marital": "20",
        "edu_level": "03",
        "health": ["01"],
        "labour": "01",
        "resident_insurance": True,
        "employee_insurance": False,
        "serious_insurance": True,
        "medical_aid": False,
        "resident_pension": True,
        "alive": True,
        "registered_away": False,
        "dibao": False,
        "tekun": False,
    }


def _marital(h: Household) -> None:
    relations = {p.fields["relation"] for p in h.members}
    pairs = {"01": "02", "02": "01", "03": "05", "05": "03", "04": "06", "06": "04", "11": "12", "12": "11"}
    paired: set[str] = set()
    for p in h.members:
        relation = p.fields["relation"]
        partner = pairs.get(relation)
        if partner in relations and (relation not in ("03", "04") or relation not in paired):
            p.fields["marital"] = "20"
            paired.add(relation)
        elif relation in ("11", "12") or (relation == "01" and p.fields["birth_date"].year < 1966):
            p.fields["marital"] = "30"
        else:
            p.fields["marital"] = "40" if relation == "01" and len(h.members) > 1 else "10"


def make_household(town: Town, village: Village, serial: int, mover: Mover | None = None) -> Household:
    """One clean household with its file, members and department rows."""
    draw = town.draw
    h = Household(f"{village.code}{serial:04d}", village)
    is_tuopin = draw.chance(PUBLISHED.tuopin_households) and mover is None
    no_labour = is_tuopin and draw.chance(PUBLISHED.no_labour_of_tuopin)
    ever_monitored = mover is None and draw.chance(_UNSTABLE_OF_TUOPIN if is_tuopin else _MONITORED_OF_OTHERS)
    members = rel.family_without_labour(draw) if no_labour else rel.family(draw)
    while mover is not None and (members[0].age < 48 or len(members) < 2):
        members = rel.family(draw)
    _people(town, h, members, is_tuopin=is_tuopin, no_labour=no_labour)
    if mover is not None:
        h.members.append(Person(h, len(h.members) + 1, _mover(town, mover)))
    _marital(h)
    _recorded_death(town, h)
    _file(town, h, is_tuopin=is_tuopin)
    _income(town, h)
    if ever_monitored:
        monitor(town, h)
        if has_labour(h) and draw.chance(PUBLISHED.cleared):
            clear_risk(town, h)
    if mover is None:
        _aid(town, h)
    _raise_to_floor(town, h)
    department_rows(town, h, mover_is_old=mover is None or mover.old)
    return h


def _people(town: Town, h: Household, members: list[rel.Member], *, is_tuopin: bool, no_labour: bool) -> None:
    draw, names = town.draw, town.names
    family_nationality = town.lives.nationality(h.village)
    family_surname = names.surname()
    grandchildren_surname = family_surname
    for order, member in enumerate(members, start=1):
        own = member.relation not in ("02", "05", "06", "12")
        surname = family_surname if own else names.surname()
        if member.relation in ("09", "10"):
            surname = grandchildren_surname
        nationality = family_nationality if own or draw.chance(0.5) else "01"
        fields = town.lives.person(
            h.village, member, surname, tuopin=is_tuopin, minority=nationality, no_labour=no_labour
        )
        if member.relation == "06":
            grandchildren_surname = surname
        h.members.append(Person(h, order, fields))


def _recorded_death(town: Town, h: Household) -> None:
    """Sometimes an old parent of the head has died and the file says so."""
    if len(h.members) > 3 and town.draw.chance(ASSUMED.recorded_deaths):
        for p in h.members:
            if p.fields["relation"] in ("11", "12"):
                died = town.ago(town.draw.between(40, 700))
                p.fields.update(alive=False, died_on=died, member_change="01", changed_on=died + timedelta(days=20))
                p.fields.pop("phone", None)
                if p.fields.get("labour") in ("01", "02", "05"):
                    p.fields["labour"] = "03"  # they had long stopped working: no bereavement of a worker
                return


def _file(town: Town, h: Household, *, is_tuopin: bool) -> None:
    draw, f = town.draw, h.fields
    people = len(h.living())
    f.update(
        group_name=f"{draw.between(1, 9)}组",
        head_name=h.head.fields["name"],
        phone=town.numbers.phone(),
        bank_name=draw.one(_BANKS),
        bank_account=town.numbers.bank_card(),
        member_count=people,
        in_resettlement_site=False,
        household_type="L06",
        military_family=draw.chance(0.01),
        form_year=town.as_of.year - 1,
        collector=town.names.full("王", "1", 40),
        head_signed=True,
    )
    f["address"] = f"{h.village.town}{h.village.name}{f['group_name']}{draw.between(1, 180)}号"
    if "phone" in h.head.fields:
        h.head.fields["phone"] = f["phone"]
    if is_tuopin:
        make_tuopin(town, h)
    arable = round(people * (0.3 + draw.u() * 1.1), 2)
    f.update(
        arable_area=f"{arable:.2f}",
        irrigated_area=f"{arable * draw.u() * 0.6:.2f}",
        forest_area=f"{draw.u() * 12:.2f}",
        returned_forest_area=f"{draw.u() * 2.5 if draw.chance(0.3) else 0:.2f}",
        orchard_area=f"{draw.u() * 4 if draw.chance(0.45) else 0:.2f}",
        grass_area="0.00",
        water_area=f"{draw.u() if draw.chance(0.05) else 0:.2f}",
        road_distance=f"{draw.u() * 2.8:.2f}",
        road_type=draw.of(_ROADS),
        house_area=f"{60 + draw.u() * 140:.2f}",
        dangerous_house=False,
        house_grade=draw.of(_GRADES),
        sanitary_toilet=draw.chance(0.88),
        fuel=draw.of(_FUELS),
        production_power=True,
        domestic_power=True,
        broadcast=draw.chance(0.97),
        water_difficulty=False,
        water_safe=True,
        water_source=draw.of(_WATERS),
        cooperative=draw.chance(0.3),
        leading_company=draw.chance(0.12),
        pioneer=draw.chance(0.1),
    )
    f["toilet_usable"] = f["sanitary_toilet"]


def make_tuopin(town: Town, h: Household) -> None:
    draw, f = town.draw, h.fields
    f["household_type"] = "100A03A01" if draw.chance(ASSUMED.policy_enjoying_of_tuopin) else "100A03A02"
    f["identify_standard"] = "1"
    f["poor_attribute"] = "01" if draw.chance(0.7) else "04"
    f["exit_state"] = "03"
    f["exit_year"] = draw.between(2015, 2020)
    f["main_cause"] = draw.of(_CAUSES)
    f["other_causes"] = [draw.one([c for c in ("05", "07", "09", "11") if c != f["main_cause"]])]
    if draw.chance(0.12):
        f.update(
            relocate_mode="03",
            resettle_mode="01" if draw.chance(0.6) else "02",
            resettle_place=draw.one(("01", "02", "05")),
            old_house_removed=True,
            moved_in=True,
        )
        if f["resettle_mode"] == "01":
            f["in_resettlement_site"] = True
            f["resettle_site"] = f"{h.village.town}集中安置点"
    give_helper(town, h)


def _income(town: Town, h: Household) -> None:
    """The income statement from what the members earn and receive; amounts in whole yuan except the sums."""
    draw, f = town.draw, h.fields
    living = h.living()
    arable = float(f["arable_area"])
    old = [p for p in living if p.fields["birth_date"] < town.back(60 * 12)]
    working = has_labour(h)
    farming = draw.yuan(900, 2600) * int(arable * 100) // 100 + (
        draw.yuan(0, 9000) if working and draw.chance(0.6) else 0
    )
    farming = farming // 100 * 100 if working else draw.yuan(200, 900)
    wages = sum(p.fields.get("work_income", 0) * p.fields.get("work_months", 0) for p in living)
    wages += sum(60000 * p.fields.get("public_post_months", 0) for p in living)
    dividend = draw.yuan(100, 900, 10) if draw.chance(0.15) else 0
    lease = draw.yuan(150, 1500, 10) if draw.chance(0.25) else 0
    f.update(
        income_period_end=f"{town.as_of.year - 1}-09",
        wage_income=wages,
        business_income=farming,
        business_cost=farming * draw.between(25, 45) // 10000 * 100,
        dividend_income=dividend,
        land_lease_income=lease,
        property_income=dividend + lease + (draw.yuan(50, 400, 10) if draw.chance(0.1) else 0),
        family_planning_grant=96000 if old and draw.chance(0.08) else 0,
        dibao_amount=0,
        tekun_amount=0,
        pension_amount=sum(draw.yuan(135, 190) * 12 for _ in old),
        ecology_amount=int(float(f["forest_area"]) * 15) * 100,
        other_transfer=int(arable * 95) * 100,
        claim_income=0,
    )


def _aid(town: Town, h: Household) -> None:
    """Who gets help from civil affairs: everybody without labour in the house, and some others."""
    draw = town.draw
    living = h.living()
    if not has_labour(h):
        if len(living) == 1 and h.head.fields["birth_date"] < town.back(60 * 12):
            give_aid(town, h.head, "2")
            drop_assets(h)
        else:
            give_dibao(town, h)
    elif draw.chance(
        ASSUMED.dibao_monitored if monitored(h) else ASSUMED.dibao_tuopin if tuopin(h) else ASSUMED.dibao_ordinary
    ):
        give_dibao(town, h)
    elif draw.chance(ASSUMED.dibao_marginal):
        give_aid(town, h.head, "3")
        h.head.records["civil_affairs"][-1].pop("monthly_amount")
    elif draw.chance(0.01):
        since = town.ago(draw.between(20, 400))
        row = {
            "aid_kind": "5",
            "aid_from": since,
            "aid_to": since + timedelta(days=1),
            "monthly_amount": draw.yuan(500, 3000, 100),
        }
        h.head.records["civil_affairs"].append(row)
    elif tuopin(h) and draw.chance(0.05):
        ended = town.back(draw.between(8, 30))
        row = {
            "aid_kind": "1",
            "aid_from": ended - timedelta(days=900),
            "aid_to": ended,
            "monthly_amount": draw.yuan(260, 480, 10),
        }
        h.head.records["civil_affairs"].append({**row, "covered_count": 1})


def _raise_to_floor(town: Town, h: Household) -> None:
    """Keep every clean household clear of the line: what the family earns elsewhere or sends home makes up the rest."""
    draw, f = town.draw, h.fields
    settle_income(h)
    people = len(h.living())
    per_head = per_head_of(f, people) or 0
    drawn = ASSUMED.median_income_per_head * exp(draw.normal() * ASSUMED.income_spread)
    if supported(h) or monitored(h):
        drawn *= 0.75
    target = int(max(CLEAN_INCOME_FLOOR + draw.u() * 2600, min(drawn, 60_000))) * 100
    if per_head < target:
        if has_labour(h):
            set_income(h, target)
        else:
            f["other_transfer"] += (target - per_head) * people
            settle_income(h)
    elif per_head > 4_500_000:
        set_income(h, 4_500_000)
    f["last_income_per_head"] = f["income_per_head"] * draw.between(82, 112) // 100 // 100 * 100
