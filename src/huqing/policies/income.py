"""Income against the lines: below, near, sharply fallen, misreported, and below without being monitored."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import MONITORING, check
from huqing.rules.language import Column, Param, Unit, finding, variable
from huqing.rules.logic import per_head

Line = Annotated[Param, Unit("元/人·年")]


@variable("家庭纯收入", of="household", unit="元/年")
def net_income(
    wage_income: Column,
    business_income: Column,
    property_income: Column,
    transfer_income: Column,
    business_cost: Column,
) -> Column:
    """Wages, business, property and transfers less business costs, 12 months; unknown if one of the five is missing."""
    return wage_income + business_income + property_income + transfer_income - business_cost


@variable("人均纯收入（计算值）", of="household", unit="元/人·年")
def net_income_per_head(net_income: Column, members: Column) -> Column:
    """Net income divided by living members; never the reported figure."""
    return per_head(net_income, members)


@variable("人均纯收入低于监测线", of="household")
def below_line(net_income_per_head: Column, monitor_line: Line) -> Column:
    """Whether income per head is below the monitoring line of the region and year."""
    return net_income_per_head < monitor_line


@finding(
    "人均纯收入低于监测线",
    of="household",
    basis=MONITORING,
    severity="high",
    evidence=["net_income_per_head", "net_income", "members"],
    resolve="入户核实近12个月收支；属实的，按程序评议纳入监测并安排帮扶，不属实的更正收入。",
    sentence="按近12个月收支计算的人均纯收入低于当地当年监测线。",
)
def income_below_line(below_line: Column) -> Column:
    """Income per head is below the monitoring line."""
    return below_line


@finding(
    "人均纯收入临近监测线",
    of="household",
    basis=MONITORING,
    severity="medium",
    evidence=["net_income_per_head", "net_income", "members"],
    resolve="重点走访，核实收入是否稳定、有无大额刚性支出，必要时提前帮扶。",
    sentence="人均纯收入不低于监测线，但低于监测线的规定倍数。",
)
def income_near_line(net_income_per_head: Column, monitor_line: Line, near_line_factor: Param) -> Column:
    """Income per head is at or above the line but below the line times the factor."""
    return (net_income_per_head >= monitor_line) & (net_income_per_head < near_line_factor * monitor_line)


@finding(
    "人均纯收入比上年骤减",
    of="household",
    basis=MONITORING,
    severity="medium",
    evidence=["net_income_per_head", "last_income_per_head"],
    resolve="核实收入减少的原因（失业、患病、受灾等），符合突发严重困难的及时纳入监测。",
    sentence="人均纯收入比上年度减少的比例超过规定比例。",
)
def income_drop(net_income_per_head: Column, last_income_per_head: Column, income_drop_ratio: Param) -> Column:
    """Income per head is below last year's by more than the given share."""
    return net_income_per_head < last_income_per_head * (1 - income_drop_ratio)


@finding(
    "填报的人均纯收入与计算值不符",
    of="household",
    basis=check("IC01") + "：人均纯收入=（工资性+生产经营性+财产性+转移性收入-生产经营性支出）÷家庭人口",
    severity="low",
    evidence=["income_per_head", "net_income_per_head", "net_income", "members"],
    resolve="核对各项收入、支出和人口数，改正填错的一项；人均纯收入由系统计算，不需手填。",
    sentence="填报的人均纯收入与按收支和人口计算的数相差超过允许差。",
)
def income_mismatch(income_per_head: Column, net_income_per_head: Column, income_mismatch_tolerance: Line) -> Column:
    """The reported income per head differs from the computed one by more than the tolerance."""
    return (income_per_head - net_income_per_head).abs() > income_mismatch_tolerance


@finding(
    "收入低于监测线而未纳入监测",
    of="household",
    basis=MONITORING,
    severity="high",
    evidence=["net_income_per_head", "monitored"],
    resolve="15日内完成入户核实和评议公示；符合条件的纳入监测，不符合的写明理由。",
    sentence="人均纯收入低于监测线，而该户当前不是防止返贫致贫对象。",
)
def line_not_monitored(below_line: Column, monitored: Column) -> Column:
    """Income per head is below the line and the household is not monitored."""
    return below_line & ~monitored
