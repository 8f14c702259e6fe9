"""Consistency of insurance entries: medical and pension insurance, medical aid, premium subsidies (IN01–IN06)."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import any_of, is_true, known, missing, month_day_of

ILLNESS = "01"
PREMIUM_SUBSIDY, HEALTH_MEASURES = "4501", "100A45"
Years = Annotated[Param, Unit("岁")]
MonthDay = Annotated[Param, Unit("月日")]


@finding(
    "居民医保、职工医保同时为是",
    of="person",
    basis=check("IN01"),
    severity="medium",
    evidence=["resident_insurance", "employee_insurance"],
    resolve="核对参保凭据，保留实际参加的一种。",
    sentence="档案同时登记参加居民医保和职工医保。",
)
def in01(resident_insurance: Column, employee_insurance: Column) -> Column:
    """The file says yes to both medical insurances."""
    return is_true(resident_insurance) & is_true(employee_insurance)


@finding(
    "居民医保、职工医保都没有登记参加",
    of="person",
    basis=check("IN01"),
    severity="medium",
    evidence=["resident_insurance", "employee_insurance"],
    resolve="核实参保情况：已参保的补登是哪一种，未参保的动员参保。",
    sentence="档案中居民医保和职工医保都是否或没有填。",
)
def in01_none(resident_insurance: Column, employee_insurance: Column) -> Column:
    """The file says yes to neither medical insurance."""
    return ~is_true(resident_insurance) & ~is_true(employee_insurance)


@finding(
    "大病保险漏填或与居民医保不一致",
    of="person",
    basis=check("IN02"),
    severity="medium",
    evidence=["serious_insurance", "resident_insurance"],
    resolve="补填是否参加大病保险；参加居民医保的应为是。",
    sentence="大病保险没有填，或者参加居民医保而大病保险为否。",
)
def in02(serious_insurance: Column, resident_insurance: Column) -> Column:
    """Serious-illness insurance is not given, or denied to somebody with residents' insurance, which brings it."""
    return missing(serious_insurance) | (resident_insurance & ~serious_insurance)


@finding(
    "养老保险都没有填",
    of="person",
    basis=check("IN03"),
    severity="medium",
    evidence=["age", "student_state", "resident_pension", "employee_pension"],
    resolve="核实参保情况，补填居民养老或职工养老。",
    sentence="满16周岁、不在校的人，居民养老和职工养老都没有填。",
)
def in03(
    age: Column,
    file_says_student: Column,
    resident_pension: Column,
    employee_pension: Column,
    labour_age_from: Years,
) -> Column:
    """Of working age or older, out of school, and neither pension insurance is given."""
    blank = missing(resident_pension) & missing(employee_pension)
    return (age >= labour_age_from) & ~file_says_student & blank


@finding(
    "未参加基本医保而登记医疗救助",
    of="person",
    basis=check("IN04"),
    severity="low",
    evidence=["medical_aid", "listed_as_insured", "file_says_insured"],
    resolve="核实参保和救助情况，改正填错的一项；确未参保的动员参保。",
    sentence="没有参加基本医保的人登记享受医疗救助。",
)
def in04(uninsured: Column, medical_aid: Column) -> Column:
    """Aided with medical costs by the file, though neither the insurance list nor the file has the person insured."""
    return is_true(medical_aid) & uninsured


@aggregate("有健康帮扶措施", of="household", over="measure")
def has_health_measure(measure_group: Column) -> Aggregate:
    """Whether the ledger of measures has a health measure for the household."""
    return any_of(measure_group == HEALTH_MEASURES)


@finding(
    "成员未参保而无相应风险和措施",
    of="household",
    basis=check("IN05"),
    severity="medium",
    evidence=["identify_uninsured", "risks", "has_health_measure"],
    resolve="核实参保情况：确未参保的补登因病风险或参保帮扶措施，已参保的改正标记。",
    sentence="监测户标记有成员未参保，风险没有因病，也没有健康帮扶措施。",
)
def in05(monitored: Column, identify_uninsured: Column, risks: Column, has_health_measure: Column) -> Column:
    """A monitored household marked as having uninsured members, without the risk of illness or any health measure."""
    at_risk = is_true(risks.contains(ILLNESS))
    return monitored & is_true(identify_uninsured) & ~at_risk & ~has_health_measure


@variable("截止期以后识别而享受当年参保补贴", of="measure")
def subsidy_too_early(
    measure_item: Column, registered_on: Column, identified_on: Column, premium_subsidy_deadline: MonthDay
) -> Column:
    """Whether a premium subsidy is registered in a year by whose deadline the household was not yet recognised."""
    year, bound_year = identified_on.year(), registered_on.year()
    late = month_day_of(identified_on) > premium_subsidy_deadline
    after = (year > bound_year) | ((year == bound_year) & late)
    return is_true(measure_item == PREMIUM_SUBSIDY) & known(identified_on) & after


@aggregate("有截止期以后识别的参保补贴", of="household", over="measure")
def has_subsidy_too_early(subsidy_too_early: Column) -> Aggregate:
    """Whether the household has such a subsidy."""
    return any_of(subsidy_too_early)


@finding(
    "截止期以后识别的对象登记当年参保补贴",
    of="household",
    basis=check("IN06"),
    severity="low",
    evidence=["identified_on", "has_subsidy_too_early"],
    resolve="核对识别时间和补贴年度；当年不应享受的改正措施登记，次年再登记。",
    sentence="参保缴费补贴登记的年度，本户在该年医保补贴截止期以前还没有被识别。",
)
def in06(has_subsidy_too_early: Column) -> Column:
    """A premium subsidy of a year by whose deadline the household was not yet recognised."""
    return has_subsidy_too_early
