"""Income against the lines: below, near, sharply fallen, misreported, and below without being monitored."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import MONITORING, check
from huqing.rules.language import Column, Param, Unit, finding, variable
from huqing.rules.logic import any_known, per_head

Line = Annotated[Param, Unit("元/人·年")]
Yearly = Annotated[Param, Unit("元/年")]
ILLNESS = "01"


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
    basis=check("IC02") + "；" + MONITORING,
    severity="high",
    evidence=["net_income_per_head", "monitored"],
    resolve="15日内完成入户核实和评议公示；符合条件的纳入监测，不符合的写明理由。",
    sentence="人均纯收入低于监测线，而该户当前不是防止返贫致贫对象。",
)
def line_not_monitored(below_line: Column, monitored: Column) -> Column:
    """Income per head is below the line and the household is not monitored."""
    return below_line & ~monitored


@finding(
    "工资性收入过低或过高",
    of="household",
    basis=check("IC03"),
    severity="low",
    evidence=["wage_income"],
    resolve="核对务工月数和月收入，多半是单位（元、万元）写错；属实的写明理由确认。",
    sentence="全户全年工资性收入大于零而低于规定下限，或高于规定上限。",
)
def ic03(wage_income: Column, wage_low: Yearly, wage_high: Yearly) -> Column:
    """Wages of the year that are there but implausibly low, or implausibly high."""
    return ((wage_income > 0) & (wage_income < wage_low)) | (wage_income > wage_high)


@finding(
    "有经营收入而没有经营支出",
    of="household",
    basis=check("IC04"),
    severity="low",
    evidence=["business_income", "business_cost"],
    resolve="核实种子、化肥、饲料等支出并补填；确无支出的写明理由确认。",
    sentence="有生产经营性收入，生产经营性支出却是零。",
)
def ic04(business_income: Column, business_cost: Column) -> Column:
    """Income from business without any cost."""
    return (business_income > 0) & (business_cost == 0)


@finding(
    "转移性收入分项过低",
    of="household",
    basis=check("IC05"),
    severity="low",
    evidence=["dibao_amount", "tekun_amount", "family_planning_grant", "pension_amount"],
    resolve="核对全年金额，多半是把月金额或单位写错；当年刚开始享受的写明理由确认。",
    sentence="全年低保金、特困供养金、计划生育金或养老保险金大于零，却低于规定下限。",
)
def ic05(
    *,
    dibao_amount: Column,
    tekun_amount: Column,
    family_planning_grant: Column,
    pension_amount: Column,
    dibao_low: Yearly,
    tekun_low: Yearly,
    planning_grant_low: Yearly,
    pension_low: Yearly,
) -> Column:
    """One of four transfers of the year is there but implausibly low; a blank one says nothing."""
    return any_known(
        (dibao_amount > 0) & (dibao_amount < dibao_low),
        (tekun_amount > 0) & (tekun_amount < tekun_low),
        (family_planning_grant > 0) & (family_planning_grant < planning_grant_low),
        (pension_amount > 0) & (pension_amount < pension_low),
    )


@finding(
    "有救助或残疾人补贴而没有转移性收入",
    of="household",
    basis=check("IC06"),
    severity="low",
    evidence=["dibao_measure", "tekun_measure", "disability_measure", "transfer_income"],
    resolve="核对发放金额，补填转移性收入；没有实际享受的更正帮扶措施。",
    sentence="帮扶措施有低保、特困供养或残疾人补贴在享，转移性收入却是零。",
)
def ic06_transfer(
    dibao_measure: Column, tekun_measure: Column, disability_measure: Column, transfer_income: Column
) -> Column:
    """An allowance is a running measure and there is no transfer income."""
    return (dibao_measure | tekun_measure | disability_measure) & (transfer_income == 0)


@finding(
    "有就业帮扶而没有工资性收入",
    of="household",
    basis=check("IC06"),
    severity="low",
    evidence=["work_measure", "wage_income"],
    resolve="核实务工或公益性岗位收入并补填；没有就业的更正帮扶措施的实施状态。",
    sentence="实施了就业或公益性岗位帮扶，工资性收入却是零。",
)
def ic06_wage(work_measure: Column, wage_income: Column) -> Column:
    """Help to work has been carried out and there are no wages."""
    return work_measure & (wage_income == 0)


@finding(
    "有产业帮扶而没有经营收入",
    of="household",
    basis=check("IC06"),
    severity="low",
    evidence=["industry_measure", "business_income"],
    resolve="核实产业收入（含自用部分折价）并补填；没有实施的更正帮扶措施的实施状态。",
    sentence="实施了产业帮扶，生产经营性收入却是零。",
)
def ic06_business(industry_measure: Column, business_income: Column) -> Column:
    """Help for industry has been carried out and there is no income from business."""
    return industry_measure & (business_income == 0)


@finding(
    "风险因病而没有自付支出",
    of="household",
    basis=check("IC07"),
    severity="low",
    evidence=["risks", "self_paid_amount"],
    resolve="按医保结算单补填合规自付支出；确实没有支出的核实风险类型。",
    sentence="监测风险有“因病”，合规自付支出却是零。",
)
def ic07(monitored: Column, risks: Column, self_paid_amount: Column) -> Column:
    """At risk by illness and nothing was paid for treatment."""
    return monitored & risks.contains(ILLNESS) & (self_paid_amount == 0)
