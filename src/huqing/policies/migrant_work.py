"""Consistency of the file's entries on work away and on public-welfare posts (WK01, WK03–WK12, ID10).

Months are texts such as 2024-03, which sort as the months do. What the monthly record says is in ``work_records``.
"""

from __future__ import annotations

import datetime
from typing import Annotated

from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import how_many_different, is_true, known, missing, months_before, only

OUTSIDE_COUNTY = ["03", "04"]
POST, WORKSHOP = "L06", "L07"
SCHOOL_YEARS = [f"L{number:02d}" for number in range(3, 10)]
MOBILE = "mobile"
Years = Annotated[Param, Unit("岁")]
Months = Annotated[Param, Unit("月")]
MonthlyPay = Annotated[Param, Unit("元/月")]


def month_text(day: datetime.date) -> str:
    """The month of a day as files write it: 2024-03."""
    return f"{day:%Y-%m}"


@variable("档案登记正在务工", of="person")
def working_now(works_away: Column, work_from: Column, work_to: Column, as_of: Day) -> Column:
    """Whether the file has months or a beginning of work and no end before this month; a blank means no."""
    started = works_away | is_true(work_from <= month_text(as_of))
    return started & ~is_true(work_to < month_text(as_of))


@variable("有务工或公益性岗位记录", of="person")
def has_work_record(works_away: Column, work_from: Column, public_post: Column) -> Column:
    """Whether the file names any work: months, a beginning, or a public-welfare post."""
    return works_away | known(work_from) | known(public_post)


@variable("达到劳动年龄的年月", of="person")
def labour_age_month(born_on: Column, labour_age_from: Years) -> Column:
    """The month in which the person reaches working age, e.g. 2009-03; missing without a birth date."""
    month = born_on.month()
    year = (born_on.year().cast("int64") + labour_age_from).cast("string")
    return year + (month < 10).ifelse("-0", "-") + month.cast("int64").cast("string")


@variable("务工地址", of="person")
def work_place(working_now: Column, work_province: Column, work_city: Column, work_county: Column) -> Column:
    """Where somebody works, down to the county; missing for others and without a county."""
    place = work_province.fill_null("") + work_city.fill_null("") + work_county
    return working_now.ifelse(place, None)


@variable("务工人员的电话和务工地", of="person")
def phone_and_place(living: Column, phone_token: Column, work_place: Column) -> Column:
    """The phone's token with the place of work, of living people who work and have a phone; missing for others."""
    return only(living, phone_token + work_place)


@variable("务工人员的电话", of="person")
def phone_of_worker(phone_and_place: Column, phone_token: Column) -> Column:
    """The phone's token of those who have one and a place of work."""
    return only(known(phone_and_place), phone_token)


@aggregate("务工电话与务工地的组合数", of="household", over="person", unit="个")
def phones_with_places(phone_and_place: Column) -> Aggregate:
    """How many different pairs of phone and place of work the household has."""
    return how_many_different(phone_and_place)


@aggregate("务工电话个数", of="household", over="person", unit="个")
def phones_of_workers(phone_of_worker: Column) -> Aggregate:
    """How many different phones the working members have."""
    return how_many_different(phone_of_worker)


@finding(
    "在不同县务工的家人登记同一电话",
    of="household",
    basis=check("ID10"),
    severity="low",
    evidence=["phones_of_workers", "phones_with_places"],
    resolve="分别核实本人电话；确为代留家人电话的，确认无误并写明。",
    sentence="同户成员在不同的县务工，却登记了同一个电话。",
)
def id10_workplaces(phones_with_places: Column, phones_of_workers: Column) -> Column:
    """Two members with one phone number work in different counties, so that a phone has more than one place."""
    return phones_with_places > phones_of_workers


@finding(
    "务工信息不全",
    of="person",
    basis=check("WK01"),
    severity="medium",
    evidence=[
        "work_county",
        "work_from",
        "work_income",
        "employer",
        "industry",
        "employ_channel",
        "point_to_point",
    ],
    resolve="向本人或家人核实后补填空着的各项；已不务工的填结束年月。",
    sentence="正在务工的人，务工县、开始年月、月收入、单位、行业、就业渠道、是否点对点输送没有填全。",
)
def wk01(
    *,
    working_now: Column,
    work_county: Column,
    work_from: Column,
    work_income: Column,
    employer: Column,
    industry: Column,
    employ_channel: Column,
    point_to_point: Column,
) -> Column:
    """Works now, and one of the seven entries on that work is missing."""
    place = missing(work_county) | missing(work_from) | missing(work_income)
    firm = missing(employer) | missing(industry) | missing(employ_channel) | missing(point_to_point)
    return working_now & (place | firm)


@finding(
    "务工结束年月晚于当月",
    of="person",
    basis=check("WK03"),
    severity="medium",
    evidence=["work_from", "work_to"],
    resolve="仍在务工的把结束年月清空，已回乡的填实际结束年月。",
    sentence="档案中的务工结束年月晚于当月。",
)
def wk03(work_to: Column, as_of: Day) -> Column:
    """The file gives an end of work that lies in a later month; without an end this is no question."""
    return is_true(work_to > month_text(as_of))


@finding(
    "未到劳动年龄开始务工",
    of="person",
    basis=check("WK04") + "；《中华人民共和国劳动法》第十五条",
    severity="medium",
    evidence=["born_on", "work_from"],
    resolve="核对出生日期和务工开始年月；情况属实的，动员返校或按规定报告劳动监察。",
    sentence="务工开始年月在本人年满16周岁以前。",
)
def wk04(work_from: Column, labour_age_month: Column) -> Column:
    """Work began before the month in which the person reached working age."""
    return known(work_from) & (work_from < labour_age_month)


@finding(
    "务工月收入超出合理范围",
    of="person",
    basis=check("WK05"),
    severity="low",
    evidence=["work_income"],
    resolve="核实月收入，注意单位是元、按月平均；属实的确认并写明。",
    sentence="档案中的务工月收入过低或过高。",
)
def wk05(working_now: Column, work_income: Column, work_pay_least: MonthlyPay, work_pay_most: MonthlyPay) -> Column:
    """The monthly income of somebody at work is below the least or above the most that is plausible."""
    return working_now & ((work_income < work_pay_least) | (work_income > work_pay_most))


@finding(
    "务工月收入偏低",
    of="person",
    basis=check("WK05"),
    severity="notice",
    evidence=["work_income"],
    resolve="核实是否按月平均、是否零工；属实的不需处理。",
    sentence="档案中的务工月收入偏低。",
)
def wk05_low(working_now: Column, work_income: Column, work_pay_least: MonthlyPay, work_pay_low: MonthlyPay) -> Column:
    """The monthly income of somebody at work is plausible but low."""
    return working_now & (work_income >= work_pay_least) & (work_income < work_pay_low)


@finding(
    "务工人员没有手机号",
    of="person",
    basis=check("WK06"),
    severity="medium",
    evidence=["working_now", "has_phone", "phone_state"],
    resolve="补填或改正本人的11位手机号。",
    sentence="正在务工的人没有登记手机号，或登记的不是11位手机号。",
)
def wk06(working_now: Column, phone_state: Column) -> Column:
    """Works now without a mobile phone number."""
    return working_now & (phone_state != MOBILE)


@finding(
    "县外务工登记为公益岗、帮扶车间",
    of="person",
    basis=check("WK07"),
    severity="medium",
    evidence=["work_region", "employ_channel"],
    resolve="核实务工地和就业渠道，改正填错的一项。",
    sentence="在县外务工的人，就业渠道却是公益性岗位或帮扶车间。",
)
def wk07(working_now: Column, work_region: Column, employ_channel: Column) -> Column:
    """Works outside the county through a channel that exists only at home."""
    return working_now & work_region.isin(OUTSIDE_COUNTY) & employ_channel.isin([POST, WORKSHOP])


@finding(
    "中小学在校生登记务工",
    of="person",
    basis=check("WK08"),
    severity="medium",
    evidence=["student_state", "work_months", "work_from"],
    resolve="核实是否在校：在校的删去务工信息，已离校的改正在校生状况并落实劝返。",
    sentence="小学到高中的在校生登记正在务工。",
)
def wk08(working_now: Column, student_state: Column) -> Column:
    """In a year from primary to high school by the file, and at work by the file."""
    return working_now & is_true(student_state.isin(SCHOOL_YEARS))


@finding(
    "特困供养人员外出务工",
    of="person",
    basis=check("WK09"),
    severity="low",
    evidence=["on_tekun", "work_months", "work_from"],
    resolve="由民政部门核实劳动能力和生活来源；不再符合特困条件的按规定终止，登记错的改正。",
    sentence="在享特困供养的人登记正在务工。",
)
def wk09(on_tekun: Column, working_now: Column) -> Column:
    """Supported as destitute on the day, and at work by the file."""
    return on_tekun & working_now


@finding(
    "健康的劳动年龄人口享受特困供养",
    of="person",
    basis=check("WK09"),
    severity="low",
    evidence=["age", "health", "on_tekun"],
    resolve="由民政部门复核无劳动能力、无生活来源、无赡养人的认定，登记错的改正健康状况。",
    sentence="18周岁以上、劳动年龄内、健康、不在校的人在享特困供养。",
)
def wk09_able(on_tekun: Column, fit_to_work: Column, age: Column, adult_age: Years) -> Column:
    """Supported as destitute though an adult fit to work."""
    return on_tekun & fit_to_work & (age >= adult_age)


@finding(
    "公益性岗位人员年龄不符",
    of="person",
    basis=check("WK10"),
    severity="medium",
    evidence=["age", "public_post"],
    resolve="核对出生日期；年龄不符的按规定退出公益性岗位，换其他帮扶。",
    sentence="公益性岗位人员未满或超过规定年龄。",
)
def wk10_age(public_post: Column, age: Column, labour_age_from: Years, post_age_limit: Years) -> Column:
    """On a public-welfare post and younger or older than the post allows."""
    return known(public_post) & ((age < labour_age_from) | (age >= post_age_limit))


@finding(
    "无劳动力的人在公益性岗位",
    of="person",
    basis=check("WK10"),
    severity="medium",
    evidence=["labour", "public_post"],
    resolve="核实劳动能力：能胜任的改正劳动技能，不能的按规定退出岗位并落实兜底保障。",
    sentence="公益性岗位人员登记为无劳动力或丧失劳动力。",
)
def wk10_labour(public_post: Column, unable_to_work: Column) -> Column:
    """On a public-welfare post and entered as without labour."""
    return known(public_post) & unable_to_work


@finding(
    "公益性岗位与月数只填一项",
    of="person",
    basis=check("WK10"),
    severity="medium",
    evidence=["public_post", "public_post_months"],
    resolve="核实岗位和在岗月数，补齐或清空。",
    sentence="填了公益性岗位类型没有填月数，或者填了月数没有填类型。",
)
def wk10_months(public_post: Column, public_post_months: Column) -> Column:
    """A post without months, or months without a post."""
    return known(public_post) != is_true(public_post_months > 0)


@finding(
    "计划外出务工未填就业服务需求",
    of="person",
    basis=check("WK11"),
    severity="notice",
    evidence=["plans_work", "work_need"],
    resolve="了解想去的地方、工种和培训需要，补填就业服务需求。",
    sentence="计划外出务工的人没有填就业服务需求。",
)
def wk11(plans_work: Column, work_need: Column) -> Column:
    """Plans to work away, and the service needed is not given; a blank plan is no plan."""
    return is_true(plans_work) & missing(work_need)


@finding(
    "长期务工未回",
    of="person",
    basis=check("WK12"),
    severity="notice",
    evidence=["work_from", "work_to"],
    resolve="打电话核实是否仍在原处务工、收入和联系方式有无变化，更新后确认。",
    sentence="同一段务工已超过规定月数，没有结束年月。",
)
def wk12(working_now: Column, work_from: Column, as_of: Day, long_work_months: Months) -> Column:
    """At work in one place for longer than the months after which somebody should ring up."""
    return working_now & is_true(work_from < month_text(months_before(as_of, long_work_months)))
