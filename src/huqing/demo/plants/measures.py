"""Plants for the checks on conditions, income, risks, measures and removal (LV, IC, RK, MS, CL).

What concerns measures and risks only prepares the household here: the ledger is written when everything else is
settled (``huqing.demo.measures``), and ``deviate`` then makes the mistake that was planted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from huqing.demo.adjust import (
    TRANSFERS,
    Town,
    clear_risk,
    give_dibao,
    has_labour,
    monitor,
    monitored,
    settle_income,
    supported,
    tuopin,
)
from huqing.demo.measures import DONE, RUNNING, WAITING, able, add, allowances, at_work, has_card, is_ill, outside
from huqing.demo.model import Household, Person, add_months
from huqing.demo.plants.guarantees import uncleared
from huqing.demo.plants.money import adults
from huqing.demo.plants.registry import plant

_MONTHS = 12


def _watch(town: Town, h: Household) -> bool:
    """Make the household a monitored one of a year ago."""
    if not uncleared(h):
        return False
    if not monitored(h):
        monitor(town, h, _MONTHS)
    return True


def _cleared(h: Household) -> bool:
    return "cleared_on" in h.fields


def _clear(town: Town, h: Household) -> bool:
    if not has_labour(h):
        return False
    if uncleared(h):
        if not monitored(h):
            monitor(town, h, _MONTHS)
        clear_risk(town, h)
    return True


@plant("lv01", 0.0006, tuopin)
def condition_left_out(town: Town, h: Household) -> Household | None:
    """A living condition was left empty in the file of a formerly poor household."""
    if not tuopin(h):
        return None
    del h.fields[town.draw.one(("house_area", "sanitary_toilet", "domestic_power", "road_type", "road_distance"))]
    return h


@plant("lv02", 0.0005)
def land_too_large(town: Town, h: Household) -> Household:
    """The decimal point of an area slipped."""
    h.fields["arable_area"] = f"{town.draw.between(110, 320)}.50"
    return h


@plant("lv03", 0.0005)
def road_too_far(town: Town, h: Household) -> Household:
    """Metres were written as kilometres, or nearly."""
    h.fields["road_distance"] = f"{town.draw.between(6, 28)}.00"
    return h


@plant("lv04_area", 0.0005)
def more_returned_than_forest(town: Town, h: Household) -> Household:
    """More land returned to forest than there is forest."""
    f = h.fields
    f["returned_forest_area"] = f"{float(f['forest_area']) + float(f['grass_area']) + 2:.2f}"
    return h


@plant("lv04_subsidy", 0.0004)
def subsidy_without_land(town: Town, h: Household) -> Household | None:
    """Paid for ecology, with no forest in the file."""
    f = h.fields
    if not f["ecology_amount"]:
        return None
    f.update(forest_area="0.00", returned_forest_area="0.00", grass_area="0.00")
    return h


@plant("lv05_house", 0.0005)
def danger_unanswered(town: Town, h: Household) -> Household | None:
    """The file says dangerous house, the assessment does not, and nothing follows from it."""
    if not uncleared(h) or h.records["housing"][-1].get("lived_in") is not True:
        return None
    h.fields["dangerous_house"] = True
    return h


@plant("lv05_water", 0.0005)
def water_unanswered(town: Town, h: Household) -> Household | None:
    """The file says unsafe water, the test does not, and nothing follows from it."""
    if not uncleared(h):
        return None
    h.fields["water_safe"] = False
    return h


@plant("ic03", 0.0005)
def odd_wages(town: Town, h: Household) -> Household | None:
    """Wages of a month written for those of a year, or in another unit."""
    f = h.fields
    if f["wage_income"] < 1_000_000:
        return None
    f["business_income"] += f["wage_income"] - 20_000
    f["wage_income"] = 20_000
    settle_income(h)
    return h


@plant("ic04", 0.0005)
def no_costs(town: Town, h: Household) -> Household | None:
    """Income from farming and no costs."""
    f = h.fields
    if not f["business_income"]:
        return None
    f["business_cost"] = 0
    settle_income(h)
    return h


@plant("ic05", 0.0005)
def small_pension(town: Town, h: Household) -> Household | None:
    """A pension of one month written as that of the year."""
    f = h.fields
    if f["pension_amount"] < 100_000:
        return None
    f["other_transfer"] += f["pension_amount"] - 5_000
    f["pension_amount"] = 5_000
    settle_income(h)
    return h


@plant("ic06_transfer", 0.0004, lambda h: supported(h) and tuopin(h))
def aid_without_transfer(town: Town, h: Household) -> Household | None:
    """On 低保 by the ledger, with no transfer income; the money stands under farming."""
    f = h.fields
    if not tuopin(h) or any(p.moved for p in h.members):
        return None
    if not supported(h):
        give_dibao(town, h)
    f["business_income"] += sum(f[key] for key in TRANSFERS)
    f.update(dict.fromkeys(TRANSFERS, 0))
    settle_income(h)
    return h


@plant("ic06_wage", 0.0004, tuopin)
def work_without_wages(town: Town, h: Household) -> Household | None:
    """Helped to work, with no wages; the money stands under farming."""
    f = h.fields
    if not tuopin(h):
        return None
    f["business_income"] += f["wage_income"]
    f["wage_income"] = 0
    settle_income(h)
    return h


@plant("ic06_business", 0.0004, tuopin)
def industry_without_income(town: Town, h: Household) -> Household | None:
    """Helped with industry, with no income from business; the money stands under wages."""
    f = h.fields
    if not tuopin(h) or not has_labour(h):
        return None
    f["wage_income"] += max(f["business_income"] - f["business_cost"], 50_000)
    f.update(business_income=0, business_cost=0)
    settle_income(h)
    return h


@plant("ic07", 0.0004, monitored)
def illness_without_costs(town: Town, h: Household) -> Household | None:
    """At risk by illness, and nothing was paid."""
    if not any(map(is_ill, h.living())) or not _watch(town, h):
        return None
    return h


@plant("rk01", 0.0004, monitored)
def recognised_without_date(town: Town, h: Household) -> Household | None:
    """A type of monitored household, and no date."""
    return h if _watch(town, h) else None


@plant("rk02", 0.0004, monitored)
def risk_without_words(town: Town, h: Household) -> Household | None:
    """Another risk without a note, or a disaster without its kind."""
    return h if _watch(town, h) else None


@plant("rk03_risk", 0.0004, monitored)
def nobody_disabled(town: Town, h: Household) -> Household | None:
    """At risk by disability, and nobody has a card."""
    return h if not any(map(has_card, h.living())) and _watch(town, h) else None


@plant("rk03_card", 0.0005)
def disabled_without_card(town: Town, h: Household) -> Person | None:
    """Disabled by the state of health, without a card."""
    people = [p for p in adults(town, h) if not has_card(p) and p.fields.get("health") == ["01"]]
    if not people:
        return None
    p = town.draw.one(people)
    p.fields["health"] = ["04"]
    return p


@plant("rk04", 0.0004, monitored)
def nobody_ill(town: Town, h: Household) -> Household | None:
    """At risk by illness, and nobody is ill."""
    people = h.living()
    if any(map(is_ill, people)) or any("health" not in p.fields for p in people):
        return None
    return h if _watch(town, h) else None


@plant("rk05", 0.0004, monitored)
def enough_labour(town: Town, h: Household) -> Household | None:
    """Short of labour by risk, though more than a quarter can work."""
    return h if able(h) * 4 > len(h.living()) and _watch(town, h) else None


@plant("rk06", 0.0004, monitored)
def nobody_at_work(town: Town, h: Household) -> Household | None:
    """At risk by unstable work, and nobody works."""
    return h if not any(map(at_work, h.living())) and _watch(town, h) else None


@plant("rk07", 0.0005, monitored)
def risk_unanswered(town: Town, h: Household) -> Household | None:
    """At risk by its house, and no measure for it."""
    return h if _watch(town, h) else None


@plant("rk08", 0.0004, monitored)
def water_not_a_risk(town: Town, h: Household) -> Household | None:
    """Unsafe water at recognition that the risks do not name."""
    if not _watch(town, h):
        return None
    h.fields["identify_water_problem"] = True
    return h


@plant("ms01", 0.0005, monitored)
def no_measure(town: Town, h: Household) -> Household | None:
    """Recognised a year ago, and nothing was done."""
    return h if _watch(town, h) else None


@plant("ms02", 0.0004, monitored)
def only_allowances(town: Town, h: Household) -> Household | None:
    """With labour, and only guarantees."""
    return h if has_labour(h) and _watch(town, h) else None


@plant("ms03", 0.0004, monitored)
def nothing_to_earn(town: Town, h: Household) -> Household | None:
    """With labour, and no help to earn for a year."""
    return h if has_labour(h) and _watch(town, h) else None


@plant("ms03_waiting", 0.0004, monitored)
def still_waiting(town: Town, h: Household) -> Household | None:
    """A measure that was registered and never carried out."""
    return h if _watch(town, h) else None


@plant("ms04_measure", 0.0005, tuopin)
def allowance_nobody_gets(town: Town, h: Household) -> Household | None:
    """An allowance in the ledger that nobody receives."""
    return h if tuopin(h) and not supported(h) else None


@plant("ms04_missing", 0.0004, lambda h: monitored(h) and supported(h))
def allowance_not_listed(town: Town, h: Household) -> Household | None:
    """On 低保, and the ledger does not say so."""
    if any("2" in {row["aid_kind"] for row in p.records["civil_affairs"]} for p in h.living()) or not _watch(town, h):
        return None
    if not supported(h):
        give_dibao(town, h)
    return h


@plant("ms05_work", 0.0004, monitored)
def helped_to_work(town: Town, h: Household) -> Household | None:
    """Helped to work, and nobody works."""
    people = h.living()
    idle = not any(at_work(p) or p.fields.get("public_post_months", 0) for p in people)
    return h if idle and has_labour(h) and _watch(town, h) else None


@plant("ms05_away", 0.0004, monitored)
def helped_to_go(town: Town, h: Household) -> Household | None:
    """Helped to work elsewhere, and nobody does."""
    return h if has_labour(h) and not any(map(outside, h.living())) and _watch(town, h) else None


@plant("ms05_subsidy", 0.0004, monitored)
def subsidy_of_nothing(town: Town, h: Household) -> Household | None:
    """A subsidy for the way in the ledger, and none was paid."""
    away = [p for p in h.living() if outside(p)]
    if not away or not _watch(town, h):
        return None
    for p in away:
        p.fields["travel_subsidy"] = 0
    return h


@plant("ms06", 0.0004, monitored)
def relocated_too_late(town: Town, h: Household) -> Household | None:
    """Recognised after the programme of relocation, and relocated by it."""
    if not _watch(town, h):
        return None
    h.fields["identified_on"] = max(h.fields["identified_on"], add_months(town.as_of, -30))
    return h


@plant("lv05_cleared", 0.0004, _cleared)
def cleared_with_a_problem(town: Town, h: Household) -> Household | None:
    """Cleared, while a mark of that day says that a problem remained."""
    if not _clear(town, h):
        return None
    h.fields[town.draw.one(("clear_housing_problem", "clear_dropout", "clear_water_problem"))] = True
    return h


@plant("lv05_insured", 0.0004, _cleared)
def cleared_uninsured(town: Town, h: Household) -> Household | None:
    """Cleared, and now a member is not insured."""
    if not _clear(town, h):
        return None
    p = town.draw.one(h.living())
    p.records["insured"].clear()
    p.fields.update(resident_insurance=False, employee_insurance=False, serious_insurance=False)
    return h


@plant("cl02_measure", 0.0004, _cleared)
def cleared_by_nothing(town: Town, h: Household) -> Household | None:
    """Cleared by help, and there was none."""
    return h if _clear(town, h) else None


@plant("cl02_fields", 0.0004, _cleared)
def cleared_with_gaps(town: Town, h: Household) -> Household | None:
    """Cleared, and one of the entries of that day is missing."""
    if not _clear(town, h):
        return None
    del h.fields[town.draw.one(("clear_income_per_head", "clear_water_problem", "clear_uninsured"))]
    return h


@plant("cl05", 0.0004, _cleared)
def nobody_to_call(town: Town, h: Household) -> Household | None:
    """Cleared, and nobody, or no phone, to keep in touch."""
    if not _clear(town, h):
        return None
    del h.fields[town.draw.one(("contact_name", "contact_phone"))]
    return h


@plant("cl06", 0.0002)
def cleared_in_a_batch(town: Town, h: Household) -> Household | None:
    """Three households of a village were cleared in last month."""
    found = [
        o
        for o in town.households
        if o is not h
        and o.village is h.village
        and o.number not in town.taken
        and uncleared(o)
        and not monitored(o)
        and has_labour(o)
    ][:2]
    if len(found) < 2 or not uncleared(h) or not has_labour(h):
        return None
    last = town.as_of.replace(day=1) - timedelta(days=1)
    for one in (h, *found):
        _clear(town, one)
        day = last.replace(day=town.draw.between(3, 26))
        one.fields["cleared_on"] = day
        one.fields["identified_on"] = add_months(day, -town.draw.between(9, 30)) - timedelta(days=3)
        town.taken.add(one.number)
    return h


def _risk(h: Household, code: str) -> None:
    h.fields["risks"] = sorted({*h.fields["risks"], code})


def _none_of(town: Town, h: Household) -> str:
    """An allowance of the household's that nobody receives."""
    have = allowances(town, h)
    return next(item for item in ("4801", "4802") if item not in have)


def _undated(town: Town, h: Household) -> None:
    del h.fields["identified_on"]


def _unsaid(town: Town, h: Household) -> None:
    _risk(h, "99" if town.draw.chance(0.5) else "02")
    h.fields.pop("risk_note", None)
    h.fields.pop("risk_disaster", None)


def _unpaid(town: Town, h: Household) -> None:
    _risk(h, "01")
    h.fields["self_paid_amount"] = 0


_DEVIATIONS: dict[str, Callable[[Town, Household], None]] = {
    "ic06_wage": lambda town, h: add(town, h, "100A40", "4001", DONE),
    "ic06_business": lambda town, h: add(town, h, "100A39", "3902", DONE),
    "ic07": _unpaid,
    "rk01": _undated,
    "rk02": _unsaid,
    "rk03_risk": lambda town, h: _risk(h, "03"),
    "rk04": lambda town, h: _risk(h, "01"),
    "rk05": lambda town, h: _risk(h, "04"),
    "rk06": lambda town, h: _risk(h, "07"),
    "rk07": lambda town, h: _risk(h, "08"),
    "ms03_waiting": lambda town, h: add(town, h, "100A41", "4102", WAITING),
    "ms04_measure": lambda town, h: add(town, h, "100A48", _none_of(town, h), RUNNING),
    "ms05_work": lambda town, h: add(town, h, "100A40", "4001", DONE),
    "ms05_away": lambda town, h: add(town, h, "100A40", "4002", DONE),
    "ms05_subsidy": lambda town, h: add(town, h, "100A40", "4003", DONE),
    "ms06": lambda town, h: add(town, h, "100A53", "5301", RUNNING),
}


def deviate(town: Town, h: Household, planted: str) -> None:
    """Make the mistake that was planted in a household whose ledger is otherwise in order."""
    if planted in _DEVIATIONS:
        _DEVIATIONS[planted](town, h)
