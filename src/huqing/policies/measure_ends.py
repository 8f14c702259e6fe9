"""Measures of help have an end: what should be over is finished, and what is finished says what came of it."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.measures import RUNNING, WAITING
from huqing.policies.sources import PLANS
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding
from huqing.rules.logic import any_of, days_before, is_true, missing

DONE = "3"


@aggregate("有过了结束日期还没有完成的措施", of="household", over="measure")
def overdue_measure(registered: Column, state: Column, ended_on: Column, as_of: Day) -> Aggregate:
    """Whether the day by which a measure was to be finished has passed while it waits or goes on."""
    return any_of(registered & state.isin([WAITING, RUNNING]) & is_true(ended_on < as_of))


@aggregate("有完成已久没有写成效的措施", of="household", over="measure")
def measure_without_result(
    *,
    registered: Column,
    state: Column,
    ended_on: Column,
    result: Column,
    as_of: Day,
    measure_result_days: Annotated[Param, Unit("天")],
) -> Aggregate:
    """Whether a finished measure says nothing of its result so many days after its end."""
    due = is_true(ended_on <= days_before(as_of, measure_result_days))
    return any_of(registered & (state == DONE) & due & missing(result))


@finding(
    "帮扶措施过了结束日期没有完成",
    of="household",
    basis=PLANS,
    severity="low",
    evidence=["overdue_measure"],
    resolve="已经完成的改状态并写成效；还要继续的改结束日期，写明原因。",
    sentence="监测户或脱贫户有措施已过结束日期，状态还是尚未实施或实施中。",
)
def measure_overdue(listed: Column, overdue_measure: Column) -> Column:
    """A listed household has a measure that should be over and is not."""
    return listed & overdue_measure


@finding(
    "帮扶措施完成后没有写成效",
    of="household",
    basis=PLANS,
    severity="notice",
    evidence=["measure_without_result"],
    resolve="入户核实措施效果，在一户一策中补写成效；没有效果的调整措施。",
    sentence="监测对象有措施完成已满规定天数，没有写明成效。",
)
def measure_no_result(monitored: Column, measure_without_result: Column) -> Column:
    """A monitored household has a finished measure that says nothing of its result."""
    return monitored & measure_without_result
