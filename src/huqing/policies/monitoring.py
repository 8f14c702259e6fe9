"""Recognition and removal of risk: reasons, time, income, labour, and relapse."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import MONITORING, check
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, grouping, variable
from huqing.rules.logic import (
    any_known,
    any_of,
    is_true,
    known,
    missing,
    month_of,
    months_apart,
    months_before,
    number_of_rows,
    only,
)

MONITORED_TYPES = ["100A03001", "100A03002", "100A03003"]
REMOVED_BY_HELP, REMOVED_BY_ITSELF = "1", "2"

grouping("cleared_together", "同村同月消除风险的户", over="household", by=["region_code", "recently_cleared_month"])


@variable("已消除风险", of="household")
def cleared(cleared_on: Column, as_of: Day) -> Column:
    """Whether the file has the risk removed by the day."""
    return is_true(cleared_on <= as_of)


@variable("识别到消除的月数", of="household", unit="月")
def months_monitored(identified_on: Column, cleared_on: Column) -> Column:
    """Completed months from recognition to removal; missing while one date is."""
    return months_apart(identified_on, cleared_on)


@finding(
    "监测对象没有登记风险",
    of="household",
    basis=check("RK01"),
    severity="medium",
    evidence=["household_type", "identified_on", "risks"],
    resolve="按识别时的原因补登至少一项风险；登记“其他”的写明备注。",
    sentence="已识别为监测对象，监测风险却没有填。",
)
def identified_without_risk(household_type: Column, identified_on: Column, risks: Column) -> Column:
    """A recognised household without any recorded risk."""
    nothing = missing(risks) | is_true(risks.length() == 0)
    return known(identified_on) & household_type.isin(MONITORED_TYPES) & nothing


@finding(
    "识别不满规定月数就消除风险",
    of="household",
    basis=check("CL01") + "；" + MONITORING,
    severity="high",
    evidence=["identified_on", "cleared_on", "clear_mode", "months_monitored"],
    resolve="核实是否自然消除；不是的，执行风险消除回退，继续监测帮扶。",
    sentence="从识别到标注风险消除不满规定月数，又不是自然消除。",
)
def cleared_too_early(
    cleared: Column, months_monitored: Column, clear_mode: Column, clear_months: Annotated[Param, Unit("月")]
) -> Column:
    """Risk removed before the required months, other than by itself."""
    return cleared & (months_monitored < clear_months) & ~is_true(clear_mode == REMOVED_BY_ITSELF)


@finding(
    "消除风险时收入低于监测线",
    of="household",
    basis=check("CL03") + "；" + MONITORING,
    severity="high",
    evidence=["cleared_on", "clear_income_per_head"],
    resolve="核实消除时的收入；确实低于监测线的，执行风险消除回退。",
    sentence="标注风险消除时的人均纯收入低于监测线。",
)
def cleared_below_line(
    cleared: Column, clear_income_per_head: Column, monitor_line: Annotated[Param, Unit("元/人·年")]
) -> Column:
    """Income per head at removal is below the monitoring line."""
    return cleared & (clear_income_per_head < monitor_line)


@finding(
    "整户无劳动力却标注消除",
    of="household",
    basis=check("CL04") + "；" + MONITORING,
    severity="high",
    evidence=["cleared_on", "no_labour_safety_net", "has_worker"],
    resolve="整户无劳动力的暂不标注消除；执行风险消除回退，落实兜底保障。",
    sentence="整户没有劳动力的家庭被标注为风险消除。",
)
def cleared_without_labour(cleared: Column, no_labour_safety_net: Column, has_worker: Column) -> Column:
    """Risk removed of a household without labour, by its own mark or by its members."""
    return cleared & (is_true(no_labour_safety_net) | ~has_worker)


@finding(
    "消除风险后又出现住房、饮水或失学问题",
    of="household",
    basis=check("LV05") + "；" + MONITORING,
    severity="high",
    evidence=["cleared_on", "lives_in_danger", "drinks_unsafe_water", "child_out_of_school"],
    resolve="入户核实；问题属实的执行风险消除回退，落实针对性措施。",
    sentence="已标注风险消除，现在又住危房、饮水不安全或有适龄儿童不在校。",
)
def relapse(
    cleared: Column, lives_in_danger: Column, drinks_unsafe_water: Column, child_out_of_school: Column
) -> Column:
    """Risk removed, and again a dangerous house, unsafe water or a child out of school."""
    return cleared & (lives_in_danger | drinks_unsafe_water | child_out_of_school)


@variable("近两月内的消除月份", of="household")
def recently_cleared_month(cleared_on: Column, as_of: Day) -> Column:
    """Year and month of the removal if it lies in this month or the last one; missing otherwise."""
    first = months_before(as_of, 1).replace(day=1)
    return only((cleared_on >= first) & (cleared_on <= as_of), month_of(cleared_on))


@aggregate("同村同月消除风险的户数", of="cleared_together", over="household", unit="户")
def households_cleared(id: Column) -> Aggregate:
    """Households of the village whose risk was removed in that month."""
    return number_of_rows(id)


@aggregate("户内有人未参加基本医保", of="household", over="person")
def has_uninsured(living: Column, uninsured: Column) -> Aggregate:
    """Whether a living member is neither on the year's insurance list nor insured by the file."""
    return any_of(living & uninsured)


@finding(
    "消除时三保障或饮水仍有问题",
    of="household",
    basis=check("LV05"),
    severity="high",
    evidence=["cleared_on", "clear_housing_problem", "clear_dropout", "clear_water_problem", "clear_uninsured"],
    resolve="核实消除时的情况：问题属实的执行风险消除回退，填错的更正标记。",
    sentence="已标注风险消除，消除时的住房、义务教育、饮水、参保标记却至少有一项仍有问题。",
)
def lv05_cleared(
    cleared: Column,
    clear_housing_problem: Column,
    clear_dropout: Column,
    clear_water_problem: Column,
    clear_uninsured: Column,
) -> Column:
    """Risk removed while one of the four marks of that day says that a problem remained; blank marks say nothing."""
    return cleared & any_known(clear_housing_problem, clear_dropout, clear_water_problem, clear_uninsured)


@finding(
    "消除风险后有成员未参保",
    of="household",
    basis=check("LV05"),
    severity="high",
    evidence=["cleared_on", "has_uninsured"],
    resolve="动员参保并落实参保资助；在外地参保的补登档案。",
    sentence="已标注风险消除，现在有家庭成员没有参加基本医疗保险。",
)
def lv05_insured(cleared: Column, has_uninsured: Column) -> Column:
    """Risk removed, and a member is not insured this year."""
    return cleared & has_uninsured


@finding(
    "帮扶消除却没有帮扶措施",
    of="household",
    basis=check("CL02"),
    severity="medium",
    evidence=["cleared_on", "clear_mode", "has_measure"],
    resolve="补登实际落实的帮扶措施；确实没有帮扶的，改正消除方式或执行回退。",
    sentence="风险消除方式是帮扶消除，却没有登记任何帮扶措施。",
)
def cl02_measure(cleared: Column, clear_mode: Column, has_measure: Column) -> Column:
    """Risk removed by help while no measure is registered."""
    return cleared & (clear_mode == REMOVED_BY_HELP) & ~has_measure


@finding(
    "消除后的收入、三保障或饮水没有填全",
    of="household",
    basis=check("CL02"),
    severity="medium",
    evidence=[
        "cleared_on",
        "clear_income_per_head",
        "clear_housing_problem",
        "clear_dropout",
        "clear_water_problem",
        "clear_uninsured",
    ],
    resolve="按消除时的入户核实记录补填收入和四项标记。",
    sentence="已标注风险消除，消除后的人均纯收入、住房、义务教育、饮水、参保中至少有一项没有填。",
)
def cl02_fields(
    *,
    cleared: Column,
    clear_income_per_head: Column,
    clear_housing_problem: Column,
    clear_dropout: Column,
    clear_water_problem: Column,
    clear_uninsured: Column,
) -> Column:
    """Risk removed while the income or one of the four marks of that day is missing."""
    return cleared & (
        missing(clear_income_per_head)
        | missing(clear_housing_problem)
        | missing(clear_dropout)
        | missing(clear_water_problem)
        | missing(clear_uninsured)
    )


@finding(
    "消除风险后没有监测联系人",
    of="household",
    basis=check("CL05"),
    severity="medium",
    evidence=["cleared_on", "contact_name", "has_contact_phone"],
    resolve="落实一名监测联系人，登记姓名和电话，继续跟踪回访。",
    sentence="已标注风险消除，监测联系人或其电话没有填。",
)
def cl05(cleared: Column, contact_name: Column, has_contact_phone: Column) -> Column:
    """Risk removed without a person, or a phone, to keep in touch."""
    return cleared & (missing(contact_name) | ~has_contact_phone)


@finding(
    "一村一月内批量消除风险",
    of="household",
    basis=check("CL06"),
    severity="notice",
    evidence=["cleared_on", "households_cleared"],
    resolve="当月和次月抽查入户：核实收入、三保障和评议公示；确已稳定的写明理由确认。",
    sentence="本月或上月，同一个村同一个月内标注风险消除的户数达到抽查的户数。",
)
def cl06(
    recently_cleared_month: Column,
    households_cleared: Column,
    batch_clear_households: Annotated[Param, Unit("户")],
) -> Column:
    """One of several households of a village whose risk was removed within one recent month."""
    return known(recently_cleared_month) & is_true(households_cleared >= batch_clear_households)
