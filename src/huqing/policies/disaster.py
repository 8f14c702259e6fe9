"""Losses by disaster."""

from __future__ import annotations

from huqing.policies.sources import MONITORING
from huqing.rules.language import Aggregate, Column, Day, Param, aggregate, finding, variable
from huqing.rules.logic import in_window, is_true, months_before, total

DISASTER = "02"


@aggregate("近12个月灾害净损失", of="household", over="disaster", unit="元")
def net_disaster_loss(happened_on: Column, loss: Column, relief_paid: Column, as_of: Day) -> Aggregate:
    """Losses less relief paid within 12 months; relief not named was not paid."""
    return total(loss - relief_paid.fill_null(0), in_window(happened_on, months_before(as_of, 12), as_of))


@variable("灾害损失大", of="household")
def big_disaster_loss(net_disaster_loss: Column, net_income: Column, disaster_ratio: Param) -> Column:
    """Whether there was a net loss, greater than the given share of a year's net income."""
    return (net_disaster_loss > 0) & (net_disaster_loss > net_income * disaster_ratio)


@finding(
    "灾害损失占收入比例过高",
    of="household",
    basis=MONITORING + "：因灾等突发严重困难",
    severity="high",
    evidence=["net_disaster_loss", "net_income"],
    resolve="核实损失和救助发放，落实灾后救助；生活受严重影响的评议纳入监测。",
    sentence="近12个月灾害损失减去已发救助后，超过家庭纯收入的规定比例。",
)
def disaster_loss(big_disaster_loss: Column) -> Column:
    """The net loss of 12 months exceeds the given share of a year's net income."""
    return big_disaster_loss


@finding(
    "监测户受灾而风险未登记",
    of="household",
    basis=MONITORING + "：风险类型“因自然灾害”",
    severity="medium",
    evidence=["net_disaster_loss", "net_income", "risks"],
    resolve="核实后在监测风险中补登“因自然灾害”和子项，制定相应帮扶措施。",
    sentence="监测对象灾害损失大，监测风险中却没有“因自然灾害”。",
)
def disaster_unlisted(big_disaster_loss: Column, monitored: Column, risks: Column) -> Column:
    """A monitored household with a big loss whose risks do not name disaster; no risks at all name none."""
    return big_disaster_loss & monitored & ~is_true(risks.contains(DISASTER))
