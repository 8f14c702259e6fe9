"""Recognition and removal of risk: reasons, time, income, labour, and relapse."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import MONITORING, check
from huqing.rules.language import Column, Day, Param, Unit, finding, variable
from huqing.rules.logic import is_true, known, missing, months_apart

MONITORED_TYPES = ["100A03001", "100A03002", "100A03003"]
REMOVED_BY_ITSELF = "2"


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
