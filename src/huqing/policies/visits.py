"""Visits and helpers: every monitored household is looked after by somebody."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import FOUR_VISITS
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import days_before, is_true, known, largest, missing


@aggregate("最近一次走访", of="household", over="home_visit")
def last_visit_on(visited_on: Column, as_of: Day) -> Aggregate:
    """The day of the newest visit of any kind; missing if nobody came."""
    return largest(visited_on, visited_on <= as_of)


@variable("有在任帮扶责任人", of="household")
def has_helper(helper_name: Column, helper_to: Column, as_of: Day) -> Column:
    """Whether the file names a helper whose period has not run out."""
    return known(helper_name) & ~is_true(helper_to < as_of)


@finding(
    "监测户长期无人走访",
    of="household",
    basis=FOUR_VISITS,
    severity="medium",
    evidence=["monitored", "last_visit_on"],
    resolve="由帮扶责任人或网格员尽快入户，登记走访情况。",
    sentence="监测对象在规定天数内没有任何走访记录。",
)
def no_visit(
    monitored: Column, last_visit_on: Column, as_of: Day, no_visit_days: Annotated[Param, Unit("天")]
) -> Column:
    """A monitored household nobody visited within the days looked back."""
    return monitored & (missing(last_visit_on) | (last_visit_on <= days_before(as_of, no_visit_days)))


@finding(
    "监测户没有帮扶责任人",
    of="household",
    basis=FOUR_VISITS,
    severity="medium",
    evidence=["monitored", "has_helper", "helper_to"],
    resolve="明确帮扶责任人并登记姓名、单位和起止时间。",
    sentence="监测对象没有登记帮扶责任人，或帮扶期已满。",
)
def helper_missing(monitored: Column, has_helper: Column) -> Column:
    """A monitored household without a helper, or whose helper's period is over."""
    return monitored & ~has_helper
