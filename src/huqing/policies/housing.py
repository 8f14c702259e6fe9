"""Safe housing: dangerous houses, and files that say otherwise."""

from __future__ import annotations

from huqing.policies.sources import MONITORING, check
from huqing.rules.language import Aggregate, Column, Day, aggregate, finding, variable
from huqing.rules.logic import any_known, is_true, latest

DANGEROUS, SAFE = ["C", "D"], ["A", "B"]


@aggregate("最近鉴定等级", of="household", over="housing", codelist="house_grade")
def assessed_grade(grade: Column, assessed_on: Column, id: Column, as_of: Day) -> Aggregate:
    """The grade of the newest assessment; missing without one."""
    return latest(grade, by=assessed_on, row=id, where=assessed_on <= as_of)


@aggregate("改造完成日期", of="household", over="housing")
def house_repaired_on(repaired_on: Column, assessed_on: Column, id: Column, as_of: Day) -> Aggregate:
    """When the house of the newest assessment was repaired; missing if it was not."""
    return latest(repaired_on, by=assessed_on, row=id, where=assessed_on <= as_of)


@aggregate("鉴定房屋有人居住", of="household", over="housing")
def house_lived_in(lived_in: Column, assessed_on: Column, id: Column, as_of: Day) -> Aggregate:
    """Whether the house of the newest assessment is lived in."""
    return latest(lived_in, by=assessed_on, row=id, where=assessed_on <= as_of)


@variable("住危房", of="household")
def lives_in_danger(assessed_grade: Column, house_repaired_on: Column, house_lived_in: Column, as_of: Day) -> Column:
    """Whether the family lives in a house of grade C or D not yet repaired; unknown without an assessment."""
    repaired = is_true(house_repaired_on <= as_of)
    return assessed_grade.isin(DANGEROUS) & ~repaired & house_lived_in


@finding(
    "居住危房",
    of="household",
    basis=MONITORING + "：住房安全保障；C、D级为危房",
    severity="high",
    evidence=["assessed_grade", "house_repaired_on", "house_lived_in"],
    resolve="立即组织撤离危房人员，安排改造、置换或租住；改造完成后登记竣工日期。",
    sentence="最近一次鉴定为C级或D级，尚未改造，而且有人居住。",
)
def dangerous_house(lives_in_danger: Column) -> Column:
    """The newest assessment is C or D, the house is not repaired and is lived in."""
    return lives_in_danger


@finding(
    "档案住房情况与鉴定不符",
    of="household",
    basis=check("LV05"),
    severity="medium",
    evidence=["assessed_grade", "dangerous_house", "house_grade"],
    resolve="现场核实住房，按鉴定结论更正档案，或申请重新鉴定。",
    sentence="鉴定为居住危房，档案却登记为安全住房。",
)
def house_file_conflict(lives_in_danger: Column, dangerous_house: Column, house_grade: Column) -> Column:
    """Lives in a dangerous house while the file says it is none, or grades it A or B."""
    return lives_in_danger & any_known(~dangerous_house, house_grade.isin(SAFE))
