"""The monthly record of work away: complete, in order of time, and plausible (WK01–WK05, WK07, WK10).

A person has one row per span of work. Only the newest span is asked for completeness; the one before gives the order.
"""

from __future__ import annotations

from typing import Annotated

from huqing.policies.migrant_work import OUTSIDE_COUNTY, POST, WORKSHOP, month_text
from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import any_of, count_known, is_true, known, largest, missing, only

MonthlyPay = Annotated[Param, Unit("元/月")]


@aggregate("最近一段务工的开始年月", of="person", over="work")
def newest_job_from(job_from: Column) -> Aggregate:
    """The month in which the newest span of work began."""
    return largest(job_from)


@variable("最近一段务工", of="work")
def newest_job(job_from: Column, newest_job_from: Column) -> Column:
    """Whether the row is the person's newest span of work."""
    return is_true(job_from == newest_job_from)


@variable("以前一段务工", of="work")
def earlier_job(job_from: Column, newest_job_from: Column) -> Column:
    """Whether the row is a span that began before the newest one."""
    return is_true(job_from < newest_job_from)


@variable("此段务工仍在继续", of="work")
def job_goes_on(away_now: Column, job_to: Column, as_of: Day) -> Column:
    """Whether the span has neither been said to be over nor ended before this month."""
    return is_true(missing(away_now) | away_now) & ~is_true(job_to < month_text(as_of))


@variable("正在进行的最近一段务工", of="work")
def present_job(newest_job: Column, job_goes_on: Column) -> Column:
    """Whether the row is the newest span and still goes on."""
    return newest_job & job_goes_on


@variable("务工记录不全", of="work")
def job_incomplete(
    *,
    job_county: Column,
    job_income: Column,
    job_employer: Column,
    job_industry: Column,
    job_channel: Column,
    job_point_to_point: Column,
) -> Column:
    """Whether one of the six entries on the work is missing (the beginning is what makes it a span)."""
    place = missing(job_county) | missing(job_income) | missing(job_employer)
    return place | missing(job_industry) | missing(job_channel) | missing(job_point_to_point)


@aggregate("正在进行的务工记录不全", of="person", over="work")
def present_job_incomplete(present_job: Column, job_incomplete: Column) -> Aggregate:
    """Whether the present span lacks an entry."""
    return any_of(present_job & job_incomplete)


@aggregate("最近一段务工已回而无结束年月", of="person", over="work")
def back_without_end(newest_job: Column, away_now: Column, job_to: Column, as_of: Day) -> Aggregate:
    """Whether the newest span is said to be over without an end, or with one in a later month."""
    return any_of(newest_job & is_true(~away_now) & (missing(job_to) | is_true(job_to > month_text(as_of))))


@aggregate("以前各段务工的最晚结束年月", of="person", over="work")
def earlier_job_ended(earlier_job: Column, job_to: Column) -> Aggregate:
    """The latest end of the spans before the newest."""
    return largest(job_to, earlier_job)


@aggregate("以前的务工没有结束年月", of="person", over="work")
def earlier_job_open(earlier_job: Column, job_to: Column) -> Aggregate:
    """Whether a span before the newest has no end."""
    return any_of(earlier_job & missing(job_to))


@aggregate("有未到劳动年龄的务工", of="person", over="work")
def job_before_labour_age(job_from: Column, labour_age_month: Column) -> Aggregate:
    """Whether a span began before the month in which the person reached working age."""
    return any_of(known(job_from) & (job_from < labour_age_month))


@aggregate("正在进行的务工月收入", of="person", over="work", unit="元/月")
def present_job_income(present_job: Column, job_income: Column) -> Aggregate:
    """The monthly income of the present span."""
    return largest(job_income, present_job)


@aggregate("县外务工记为公益岗、帮扶车间", of="person", over="work")
def home_channel_away(present_job: Column, job_region: Column, job_channel: Column) -> Aggregate:
    """Whether the present span is outside the county through a channel that exists only at home."""
    return any_of(present_job & job_region.isin(OUTSIDE_COUNTY) & job_channel.isin([POST, WORKSHOP]))


@aggregate("正在进行的公益性岗位个数", of="person", over="work", unit="个")
def posts_at_once(job_goes_on: Column, job_channel: Column) -> Aggregate:
    """Spans that go on and came through a public-welfare post."""
    return count_known(job_goes_on & (job_channel == POST))


@finding(
    "务工台账信息不全",
    of="person",
    basis=check("WK01"),
    severity="medium",
    evidence=["newest_job_from", "present_job_incomplete", "present_job_income"],
    resolve="在务工监测台账补填务工县、月收入、单位、行业、就业渠道、是否点对点输送后重新报送。",
    sentence="务工监测台账中正在进行的务工没有填全。",
)
def wk01_record(present_job_incomplete: Column) -> Column:
    """The present span in the monthly record lacks an entry."""
    return present_job_incomplete


@finding(
    "新一段务工早于上一段结束",
    of="person",
    basis=check("WK02"),
    severity="medium",
    evidence=["newest_job_from", "earlier_job_ended"],
    resolve="核对两段务工的起止年月，改正填错的一段。",
    sentence="最近一段务工在以前一段结束之前就开始了。",
)
def wk02(newest_job_from: Column, earlier_job_ended: Column, earlier_job_open: Column) -> Column:
    """The newest span began before the end of an earlier one; unknown while an earlier one has no end."""
    return is_true(newest_job_from < earlier_job_ended) | only(~earlier_job_open, False)


@finding(
    "已回乡而务工结束年月不对",
    of="person",
    basis=check("WK03"),
    severity="medium",
    evidence=["newest_job_from", "back_without_end"],
    resolve="在务工监测台账填写实际结束年月；仍在外务工的改正是否已外出务工。",
    sentence="务工监测台账登记已不在外务工，结束年月却没有填，或者晚于当月。",
)
def wk03_record(back_without_end: Column) -> Column:
    """The newest span is said to be over without an end, or with one that lies ahead."""
    return back_without_end


@finding(
    "务工台账有未到劳动年龄的务工",
    of="person",
    basis=check("WK04") + "；《中华人民共和国劳动法》第十五条",
    severity="medium",
    evidence=["born_on", "job_before_labour_age"],
    resolve="核对出生日期和务工开始年月；情况属实的，动员返校或按规定报告劳动监察。",
    sentence="务工监测台账中有一段务工在本人年满16周岁以前开始。",
)
def wk04_record(job_before_labour_age: Column) -> Column:
    """A span in the monthly record began before the person reached working age."""
    return job_before_labour_age


@finding(
    "务工台账月收入超出合理范围",
    of="person",
    basis=check("WK05"),
    severity="low",
    evidence=["newest_job_from", "present_job_income"],
    resolve="核实月收入，注意单位是元、按月平均；属实的确认并写明。",
    sentence="务工监测台账中正在进行的务工月收入过低或过高。",
)
def wk05_record(present_job_income: Column, work_pay_least: MonthlyPay, work_pay_most: MonthlyPay) -> Column:
    """The income of the present span is implausible; without a present span or an income this is no question."""
    return is_true((present_job_income < work_pay_least) | (present_job_income > work_pay_most))


@finding(
    "务工台账县外务工记为公益岗、帮扶车间",
    of="person",
    basis=check("WK07"),
    severity="medium",
    evidence=["newest_job_from", "home_channel_away"],
    resolve="核实务工地和就业渠道，改正台账中填错的一项。",
    sentence="务工监测台账中在县外的务工，就业渠道却是公益性岗位或帮扶车间。",
)
def wk07_record(home_channel_away: Column) -> Column:
    """The present span is outside the county through a channel that exists only at home."""
    return home_channel_away


@finding(
    "一人同时有多个公益性岗位",
    of="person",
    basis=check("WK10"),
    severity="medium",
    evidence=["posts_at_once"],
    resolve="核实实际在岗情况，一人保留一个岗位，其余结束；重复发放的补贴按规定处理。",
    sentence="务工监测台账中同一人正在进行的公益性岗位达到规定个数。",
)
def wk10_posts(posts_at_once: Column, post_count_limit: Annotated[Param, Unit("个")]) -> Column:
    """As many posts at once as nobody may have."""
    return posts_at_once >= post_count_limit
