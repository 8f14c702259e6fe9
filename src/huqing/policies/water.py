"""Safe drinking water: quantity, quality, distance and assurance."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import MONITORING, check
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import latest

STANDARD = "；饮水安全评价四项指标：水量、水质、用水方便程度、供水保证率"


@aggregate("人均日水量", of="household", over="water", unit="升/人·天")
def water_amount(quantity: Column, tested_on: Column, id: Column, as_of: Day) -> Aggregate:
    """Litres per person and day at the newest test."""
    return latest(quantity, by=tested_on, row=id, where=tested_on <= as_of)


@aggregate("水质达标", of="household", over="water")
def water_clean(quality_ok: Column, tested_on: Column, id: Column, as_of: Day) -> Aggregate:
    """Whether the water met the quality standard at the newest test."""
    return latest(quality_ok, by=tested_on, row=id, where=tested_on <= as_of)


@aggregate("取水往返时间", of="household", over="water", unit="分钟")
def water_fetch_minutes(fetch_minutes: Column, tested_on: Column, id: Column, as_of: Day) -> Aggregate:
    """Minutes to fetch water and come back, at the newest test."""
    return latest(fetch_minutes, by=tested_on, row=id, where=tested_on <= as_of)


@aggregate("供水保证率", of="household", over="water", unit="%")
def water_supply_assurance(assurance: Column, tested_on: Column, id: Column, as_of: Day) -> Aggregate:
    """Share of days with water, at the newest test."""
    return latest(assurance, by=tested_on, row=id, where=tested_on <= as_of)


@variable("饮水不安全", of="household")
def drinks_unsafe_water(
    *,
    water_amount: Column,
    water_clean: Column,
    water_fetch_minutes: Column,
    water_supply_assurance: Column,
    water_quantity: Annotated[Param, Unit("升/人·天")],
    water_minutes: Annotated[Param, Unit("分钟")],
    water_assurance: Annotated[Param, Unit("%")],
) -> Column:
    """Whether any of the four items fails; unknown if none fails and one is missing."""
    return (
        (water_amount < water_quantity)
        | ~water_clean
        | (water_fetch_minutes > water_minutes)
        | (water_supply_assurance < water_assurance)
    )


@finding(
    "饮水不安全",
    of="household",
    basis=MONITORING + STANDARD,
    severity="high",
    evidence=["water_amount", "water_clean", "water_fetch_minutes", "water_supply_assurance"],
    resolve="由水利部门复测，落实水源、管网或净水措施；解决后重新评价。",
    sentence="最近一次饮水安全评价中，水量、水质、取水时间、保证率至少有一项不达标。",
)
def unsafe_water(drinks_unsafe_water: Column) -> Column:
    """The newest test fails in quantity, quality, distance or assurance."""
    return drinks_unsafe_water


@finding(
    "档案饮水情况与评价不符",
    of="household",
    basis=check("LV05"),
    severity="medium",
    evidence=["water_safe", "water_amount", "water_clean", "water_fetch_minutes", "water_supply_assurance"],
    resolve="现场核实饮水，按评价结论更正档案，或申请重新评价。",
    sentence="评价为饮水不安全，档案却登记为饮水安全。",
)
def water_file_conflict(drinks_unsafe_water: Column, water_safe: Column) -> Column:
    """Drinks unsafe water while the file says that it is safe."""
    return drinks_unsafe_water & water_safe
