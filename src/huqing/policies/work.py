"""Loss of work."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import MONITORING
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import any_of, count_known, in_window, is_true, missing, months_before

Months = Annotated[Param, Unit("月")]


@variable("近期失业且未再就业", of="unemployment")
def still_out_of_work(lost_on: Column, reemployed_on: Column, as_of: Day, job_loss_months: Months) -> Column:
    """Whether work was lost within the months looked back and there is no new work by the day."""
    recent = in_window(lost_on, months_before(as_of, job_loss_months), as_of)
    return recent & (missing(reemployed_on) | is_true(reemployed_on > as_of))


@aggregate("失业", of="person", over="unemployment")
def lost_work(still_out_of_work: Column) -> Aggregate:
    """Whether the person recently lost work and has none again."""
    return any_of(still_out_of_work)


@variable("有务工", of="person")
def works_away(work_months: Column) -> Column:
    """Whether the file has the person working at least a month in the year; a blank means no."""
    return is_true(work_months >= 1)


@aggregate("户内务工人数", of="household", over="person", unit="人")
def workers_away(living: Column, works_away: Column) -> Aggregate:
    """Living members who work at least a month in the year."""
    return count_known(living & works_away)


@aggregate("务工人员失业", of="household", over="person")
def worker_lost_work(living: Column, works_away: Column, lost_work: Column) -> Aggregate:
    """Whether a member who works lost that work."""
    return any_of(living & works_away & lost_work)


@finding(
    "失业未再就业",
    of="person",
    basis=MONITORING + "，部门筛查预警（人社）",
    severity="medium",
    evidence=["lost_work", "work_months"],
    resolve="了解就业意愿，推荐岗位、培训或公益性岗位；再就业后登记日期。",
    sentence="近期失业或务工中断，至今没有再就业。",
)
def job_loss(lost_work: Column) -> Column:
    """Lost work within the months looked back, without new work."""
    return lost_work


@finding(
    "唯一务工人员失业",
    of="household",
    basis=MONITORING + "，部门筛查预警（人社）",
    severity="high",
    evidence=["workers_away", "worker_lost_work"],
    resolve="优先推荐就业，核实家庭收入；收入骤减的评议纳入监测。",
    sentence="全家只有一人务工，而这个人失业后没有再就业。",
)
def job_loss_only_worker(workers_away: Column, worker_lost_work: Column) -> Column:
    """The only working member lost work."""
    return (workers_away == 1) & worker_lost_work
