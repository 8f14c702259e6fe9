"""Plants for the checks on conditions, income and removal (LV, IC, CL)."""

from __future__ import annotations

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
from huqing.demo.model import Household, add_months
from huqing.demo.plants.guarantees import uncleared
from huqing.demo.plants.registry import plant

_MONTHS = 12


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
