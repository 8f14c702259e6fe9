"""Allowances of resident team members from their declared days: month by month, each explained.

Every day in the village earns the daily allowance. Reported trips and training count towards the days a month must
have, but earn no daily allowance. The monthly allowances (phone by rank, town) are paid whole in a month with enough
days; what a shorter month gets is a parameter of its own, because the sources say only that the month is short. Days
count once however often they are declared, and only when approved; an undecided day leaves the month unknown. A month
with a day outside it, with one day declared both present and absent, or declared twice is refused. Presence is a
declaration that somebody approves, never a forced clock-in (国办函〔2026〕12号).
"""

from __future__ import annotations

from typing import Annotated

import ibis

from huqing.rules.language import Aggregate, At, Column, Param, Unit, aggregate, grouping, input_table, variable
from huqing.rules.logic import (
    all_of,
    any_of,
    count_known,
    count_of,
    is_true,
    known,
    largest,
    missing,
    month_of,
    only,
    per_head,
    smallest,
)
from huqing.standards.fields import Field

IN_VILLAGE, ON_TRIP, AWAY = ["1", "5"], "4", ["2", "3"]
NONE, BY_DAY = "不发", "按天折算"

WORKER_MONTH = input_table(
    "worker_month",
    "队员月份",
    fields=[
        Field("worker", "队员", "text"),
        Field("month_on", "月份首日", "date"),
        Field("rank", "职级", "code", codelist="staff_rank"),
        Field("in_town", "享受乡镇补贴", "boolean"),
    ],
)
PRESENCE_DAY = input_table(
    "presence_day",
    "驻村日历",
    belongs_to=["worker_month"],
    fields=[
        Field("day", "日期", "date"),
        Field("day_kind", "类别", "code", codelist="presence_kind"),
        Field("approved", "已核准", "boolean"),
    ],
)
grouping("presence_date", "驻村日期", over="presence_day", by=["worker_month_id", "day"])


@aggregate("当天在村", of="presence_date", over="presence_day")
def in_village(day_kind: Column, approved: Column) -> Aggregate:
    """Whether an approved declaration has the member in the village on the day."""
    return any_of(day_kind.isin(IN_VILLAGE) & approved)


@aggregate("当天出差或培训", of="presence_date", over="presence_day")
def on_trip(day_kind: Column, approved: Column) -> Aggregate:
    """Whether an approved declaration has the member on a reported trip or training on the day."""
    return any_of((day_kind == ON_TRIP) & approved)


@aggregate("当天自相矛盾", of="presence_date", over="presence_day")
def contradicts_itself(day_kind: Column, approved: Column) -> Aggregate:
    """Approved as a day in the village, and declared (approved or not) as a day away."""
    here, gone = any_of(day_kind.isin(IN_VILLAGE) & approved), any_of(day_kind.isin(AWAY))
    return Aggregate(here.expression & gone.expression, False)


@aggregate("最早的日期", of="worker_month", over="presence_day")
def earliest_day(day: Column) -> Aggregate:
    """The earliest day declared; missing without one."""
    return smallest(day)


@aggregate("最晚的日期", of="worker_month", over="presence_day")
def latest_day(day: Column) -> Aggregate:
    """The latest day declared; missing without one."""
    return largest(day)


@aggregate("每一行都有日期", of="worker_month", over="presence_day")
def all_dated(day: Column) -> Aggregate:
    """Whether every declaration names its day."""
    return all_of(known(day))


@variable("有日期不在本月", of="worker_month")
def outside_month(earliest_day: Column, latest_day: Column, month_on: Column) -> Column:
    """Whether a declared day lies in another month than the one it is declared for; unknown without any day."""
    return (month_of(earliest_day) < month_of(month_on)) | (month_of(latest_day) > month_of(month_on))


@aggregate("自相矛盾的天数", of="worker_month", over="presence_date", unit="天")
def days_contradicting(contradicts_itself: Column) -> Aggregate:
    """Days known to be declared both present and away."""
    return count_known(contradicts_itself)


@aggregate("在村天数", of="worker_month", over="presence_date", unit="天")
def days_in_village(in_village: Column) -> Aggregate:
    """Days in the village, each once; unknown while one is not decided; no declaration: none."""
    return count_of(in_village)


@aggregate("计入的天数", of="worker_month", over="presence_date", unit="天")
def days_counted(in_village: Column, on_trip: Column) -> Aggregate:
    """Days in the village or on reported trips, each once."""
    return count_of(in_village | on_trip)


grouping("same_month", "重复申报", over="worker_month", by=["worker", "month_on"], at_least=2)


@aggregate("最早的申报", of="same_month", over="worker_month")
def first_month(id: Column) -> Aggregate:
    """Of one member's entries for one month the first; missing if there is only one."""
    return smallest(id)


@variable("是重复申报", of="worker_month")
def month_repeated(id: Column, first_month: Column) -> Column:
    """Whether the same month stands further up; only the first can be right."""
    return is_true(id > first_month)


@variable("不予计算的原因", of="worker_month")
def month_refusal(
    month_on: Column, month_repeated: Column, outside_month: Column, days_contradicting: Column
) -> Column:
    """Why a month is not computed until it is put right; missing if nothing is wrong with it."""
    return ibis.cases(
        (month_on.day() != 1, "月份首日不是当月1日"),
        (month_repeated, "同一队员同一月份重复申报"),
        (outside_month, "有日期不在本月"),
        (days_contradicting > 0, "有的日期既申报在村又申报外出或请假"),
    )


@variable("可以计算", of="worker_month")
def month_accepted(month_refusal: Column, worker: Column, month_on: Column, all_dated: Column) -> Column:
    """Whether nothing is known to be wrong and what could be wrong is known."""
    return missing(month_refusal) & known(worker) & known(month_on) & all_dated


@variable("满月", of="worker_month")
def full_month(days_counted: Column, presence_days: Annotated[Param, Unit("天"), At("month_on")]) -> Column:
    """Whether the month has as many counted days as it must have."""
    return days_counted >= presence_days


@variable("驻村生活补助", of="worker_month", unit="元")
def food_allowance(
    month_accepted: Column, days_in_village: Column, presence_daily: Annotated[Param, Unit("元/天"), At("month_on")]
) -> Column:
    """The daily allowance for every day in the village."""
    return only(month_accepted, days_in_village * presence_daily)


@variable("满月的按月补助", of="worker_month", unit="元")
def monthly_full(
    rank: Column,
    in_town: Column,
    presence_phone: Annotated[Param, Unit("元/月"), At("month_on")],
    presence_town: Annotated[Param, Unit("元/月"), At("month_on")],
) -> Column:
    """Phone by rank, and the town allowance where the member gets it, of a full month."""
    return presence_phone.of(rank) + ibis.cases((in_town, presence_town), (~in_town, 0))


@variable("按月补助", of="worker_month", unit="元")
def monthly_allowance(
    *,
    month_accepted: Column,
    full_month: Column,
    days_counted: Column,
    monthly_full: Column,
    presence_days: Annotated[Param, Unit("天"), At("month_on")],
    presence_short_month: Annotated[Param, At("month_on")],
) -> Column:
    """Whole in a full month; in a shorter one nothing, by the day, or whole, as the region has it."""
    by_day = per_head(monthly_full * days_counted, presence_days)
    short = ibis.cases(
        (presence_short_month == NONE, 0),
        (presence_short_month == BY_DAY, by_day),
        (known(presence_short_month), monthly_full),
    )
    return only(month_accepted, ibis.cases((full_month, monthly_full), (~full_month, short)))


@variable("补助合计", of="worker_month", unit="元")
def presence_allowance(food_allowance: Column, monthly_allowance: Column) -> Column:
    """All allowances of the month."""
    return food_allowance + monthly_allowance
