"""The hospital bill: what can be computed of it, and what basic insurance pays; the other layers build on it.

Basic insurance, then serious-illness insurance (``benefits_serious``), medical assistance and top-up 倾斜救助
(``benefits_assistance``), each of what the layers before it left of the eligible cost; then the hospital's waiver and
the ceilings of a year's self-payment (``benefits_ceilings``), on what is left of the whole bill. Stated rules where the
sources say nothing:

* The rates of a bill are those in force on its day of settlement (or admission: parameter ``bill_day``), also for a
  stay that began before they changed. Amounts accumulate over the calendar year of that day, in the order of
  settlement, then of the bill's id. What was paid earlier stays paid.
* A bill that cannot be right is not computed (``problem``), and later bills of the person in that year are unknown,
  because what has been used up by then is. A bill without a date counts in no year.
* A yearly ceiling that falls within the year does not: the highest one so far holds.
* Amounts already settled (``given_basic``, ``given_serious``) are taken as they are.
"""

from __future__ import annotations

from typing import Annotated, Any

from huqing.rules.language import At, Column, Param, input_table, variable
from huqing.rules.logic import (
    above,
    first_that_holds,
    is_true,
    missing,
    only,
    running_max,
    running_total,
    share_of,
    smaller,
)
from huqing.rules.schedules import MILLION
from huqing.standards.fields import Field

BILL = "hospital_bill"
PER_MILLION = "百万分比"
PER_STAY, PER_YEAR = "每次住院", "每年"
SETTLED, ADMITTED = "结算日期", "入院日期"
Setting = Annotated[Param, At("rate_day")]
SettingOnSettlement = Annotated[Param, At("settled_on")]

input_table(
    BILL,
    "住院账单",
    belongs_to=["person"],
    fields=[
        Field("settled_on", "结算日期", "date"),
        Field("admitted_on", "入院日期", "date"),
        Field("hospital_level", "医疗机构级别", "code", codelist="hospital_level"),
        Field("medical_object", "待遇对象类别", "code", codelist="medical_object"),
        Field("total", "总费用", "money", unit="元"),
        Field("eligible", "政策范围内费用", "money", unit="元"),
        Field("given_basic", "已结算的基本医保支付", "money", unit="元"),
        Field("given_serious", "已结算的大病保险支付", "money", unit="元"),
    ],
)


def in_year(person_id: Column, benefit_year: Column, settled_on: Column, id: Column, *also: Column) -> dict[str, Any]:
    """Over which bills amounts accumulate (those that share ``also`` too), and in which order."""
    return {"within": [person_id, benefit_year, *also], "order": settled_on, "row": id}


def cut_by_ceiling(year: Column, ceiling: Column, so_far: dict[str, Any]) -> Column:
    """What this bill loses to a yearly ceiling: by how much more than before the year's entitlements exceed it."""
    excess = above(year, ceiling)
    return running_max(excess, **so_far) - running_max(excess, before=True, **so_far)


@variable("待遇适用日", of=BILL)
def rate_day(settled_on: Column, admitted_on: Column, bill_day: SettingOnSettlement) -> Column:
    """The day whose rates hold for the bill."""
    return only(bill_day == SETTLED, settled_on).fill_null(only(bill_day == ADMITTED, admitted_on))


@variable("待遇年度", of=BILL, unit="年")
def benefit_year(rate_day: Column) -> Column:
    """The calendar year in which the bill accumulates."""
    return rate_day.year().cast("int64")


@variable("账单问题", of=BILL, codelist="bill_problem")
def problem(
    *,
    settled_on: Column,
    admitted_on: Column,
    medical_object: Column,
    total: Column,
    eligible: Column,
    given_basic: Column,
    given_serious: Column,
) -> Column:
    """Why the bill is not computed (code list ``bill_problem``), "" if nothing is wrong with it."""
    given = given_basic.fill_null(0) + given_serious.fill_null(0)
    negative = (total < 0) | (eligible < 0) | is_true(given_basic < 0) | is_true(given_serious < 0)
    return first_that_holds(
        (missing(settled_on), "no_date"),
        (missing(total), "no_total"),
        (missing(eligible), "no_eligible"),
        (missing(medical_object), "no_object"),
        (negative, "negative"),
        (eligible > total, "eligible_above_total"),
        (given > eligible, "given_above_eligible"),
        (admitted_on > settled_on, "dates_reversed"),
    )


@variable("计入的总费用", of=BILL, unit="元")
def counted_total(total: Column, problem: Column) -> Column:
    """The total of a bill that can be computed."""
    return only(problem == "", total)


@variable("计入的政策范围内费用", of=BILL, unit="元")
def counted_eligible(eligible: Column, problem: Column) -> Column:
    """The eligible cost of a bill that can be computed."""
    return only(problem == "", eligible)


@variable("本年度此前的政策范围内费用", of=BILL, unit="元")
def eligible_before(
    counted_eligible: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column
) -> Column:
    """Eligible cost of the year's earlier bills."""
    return running_total(counted_eligible, before=True, **in_year(person_id, benefit_year, settled_on, id))


@variable("基本医保本次起付", of=BILL, unit="元")
def basic_deductible_now(
    hospital_level: Column, eligible_before: Column, basic_deductible: Setting, basic_deductible_per: Setting
) -> Column:
    """The deductible of this stay, or what the year's earlier bills left of the year's."""
    deductible = basic_deductible.of(hospital_level)
    left = above(deductible, eligible_before)
    return only(basic_deductible_per == PER_STAY, deductible).fill_null(only(basic_deductible_per == PER_YEAR, left))


@variable("基本医保基数", of=BILL, unit="元")
def basic_base(counted_eligible: Column, basic_deductible_now: Column) -> Column:
    """Eligible cost above the deductible."""
    return above(counted_eligible, basic_deductible_now)


@variable("基本医保比例", of=BILL, unit=PER_MILLION)
def basic_rate_now(hospital_level: Column, medical_object: Column, basic_rate: Setting, basic_bonus: Setting) -> Column:
    """The hospital level's rate with the points added for the kind of person, at most the whole."""
    return smaller(basic_rate.of(hospital_level) + basic_bonus.of(medical_object), MILLION)


@variable("基本医保应付", of=BILL, unit="元")
def basic_entitled(given_basic: Column, basic_base: Column, basic_rate_now: Column) -> Column:
    """What basic insurance pays before the yearly ceiling; what it has already settled counts as it is."""
    return given_basic.fill_null(share_of(basic_base, basic_rate_now))


@variable("基本医保本年度应付累计", of=BILL, unit="元")
def basic_year(
    basic_entitled: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column
) -> Column:
    """Entitlements of the year up to this bill."""
    return running_total(basic_entitled, **in_year(person_id, benefit_year, settled_on, id))


@variable("基本医保年度限额", of=BILL, unit="元")
def basic_cap_now(
    person_id: Column, benefit_year: Column, settled_on: Column, id: Column, basic_cap: Setting
) -> Column:
    """The highest yearly ceiling so far."""
    return running_max(basic_cap, **in_year(person_id, benefit_year, settled_on, id))


@variable("基本医保支付", of=BILL, unit="元")
def basic_pay(
    *,
    problem: Column,
    given_basic: Column,
    basic_entitled: Column,
    basic_year: Column,
    basic_cap_now: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
) -> Column:
    """What basic insurance pays; an amount already settled is not cut."""
    cut = cut_by_ceiling(basic_year, basic_cap_now, in_year(person_id, benefit_year, settled_on, id))
    return only(problem == "", given_basic.fill_null(basic_entitled - cut))
