"""Dividends of the five ways to take part in an industry (三变): what a stake earns in one year.

A household takes part with the base share put up for it, with own money or a management fee beside it, or with land.
The year's profit per mu times the counted area is divided between household and company at the rate of the way of
taking part. Rules: dividends from a stated year of taking part on and for a stated number of years; a loss is borne by
the company; areas beyond the entitlement per head do not count, land of one's own always does. Rounded to the fen
twice: the profit of the area, and the share of it. A stake whose payments do not fit its way is refused.
"""

from __future__ import annotations

from typing import Annotated

import ibis

from huqing.rules.language import Aggregate, At, Column, Param, Unit, aggregate, grouping, input_table, variable
from huqing.rules.logic import (
    any_known,
    is_true,
    known,
    missing,
    only,
    ratio_of,
    share_of,
    smaller,
    smallest,
    total,
)
from huqing.standards.fields import Field
from huqing.standards.units import LI_PER_MU

OWN_MONEY, FEE, LAND = ["2", "4"], ["3", "4"], "5"

STAKE = input_table(
    "stake",
    "产业入股",
    belongs_to=["household"],
    fields=[
        Field("mode", "参与方式", "code", codelist="sharing_mode"),
        Field("crop", "产业", "code", codelist="industry_crop"),
        Field("joined_on", "入股日期", "date"),
        Field("year_on", "分红年度首日", "date"),
        Field("area", "面积", "integer", unit="厘", meaning="一亩为100厘"),
        Field("heads", "享受人数", "integer", unit="人"),
        Field("profit_per_mu", "亩均利润", "money", unit="元/亩", meaning="亏损写负数"),
        Field("base_share", "基础股金", "money", unit="元"),
        Field("own_money", "自筹资金", "money", unit="元"),
        Field("management_fee", "管护费", "money", unit="元"),
    ],
)


@variable("参与的第几年", of="stake", unit="年")
def sharing_year(joined_on: Column, year_on: Column) -> Column:
    """The year of joining is the first."""
    return (year_on.year() - joined_on.year() + 1).cast("int64")


grouping("same_stake", "重复登记", over="stake", by=["household_id", "crop", "mode", "year_on"], at_least=2)


@aggregate("最早的一笔", of="same_stake", over="stake")
def first_stake(id: Column) -> Aggregate:
    """Of the entries of one household in one crop, way and year the first; missing if there is only one."""
    return smallest(id)


@variable("是重复登记", of="stake")
def stake_repeated(id: Column, first_stake: Column) -> Column:
    """Whether the same stake stands further up; only the first can be right."""
    return is_true(id > first_stake)


@variable("应交基础股金", of="stake", unit="元")
def base_share_due(mode: Column, sharing_base: Annotated[Param, Unit("元"), At("joined_on")]) -> Column:
    """The base share of the ways that have one, nothing for land."""
    return ibis.cases((mode == LAND, 0), (mode != LAND, sharing_base))


@variable("不予计算的原因", of="stake")
def stake_refusal(
    *,
    mode: Column,
    area: Column,
    heads: Column,
    sharing_year: Column,
    stake_repeated: Column,
    base_share: Column,
    base_share_due: Column,
    own_money: Column,
    management_fee: Column,
) -> Column:
    """Why a stake earns nothing until it is put right; missing if nothing is wrong with it."""
    return ibis.cases(
        (any_known(area < 0, heads < 0, base_share < 0, own_money < 0, management_fee < 0), "面积、人数或出资为负数"),
        (sharing_year < 1, "分红年度早于入股年份"),
        (stake_repeated, "同一户同一产业同一方式同一年度重复登记"),
        (base_share != base_share_due, "基础股金与规定不符"),
        (mode.isin(OWN_MONEY) & (own_money == 0), "参与方式含自筹，但没有自筹资金"),
        (~mode.isin(OWN_MONEY) & (own_money > 0), "有自筹资金，但参与方式不含自筹"),
        (mode.isin(FEE) & (management_fee == 0), "参与方式含管护费，但没有交管护费"),
        (~mode.isin(FEE) & (management_fee > 0), "交了管护费，但参与方式不含管护费"),
    )


@variable("每人可享面积合计", of="stake", unit="厘")
def entitled_area(
    heads: Column, crop: Column, sharing_area: Annotated[Param, Unit("厘/人"), At("joined_on")]
) -> Column:
    """The area the household may have for its people in this crop."""
    return heads * sharing_area.of(crop)


@variable("计入面积", of="stake", unit="厘")
def counted_area(mode: Column, area: Column, entitled_area: Column) -> Column:
    """The area, but no more than the entitlement; land of one's own counts whole."""
    return ibis.cases((mode == LAND, area), (mode != LAND, smaller(area, entitled_area)))


@variable("计入面积的利润", of="stake", unit="元")
def area_profit(profit_per_mu: Column, counted_area: Column) -> Column:
    """The year's profit per mu times the counted area, to the fen."""
    return ratio_of(profit_per_mu, counted_area, LI_PER_MU)


@variable("农户分成比例", of="stake", unit="百万分之一")
def sharing_rate_used(mode: Column, sharing_rate: Annotated[Param, Unit("比例"), At("joined_on")]) -> Column:
    """The household's share of the profit per million, as agreed when it joined."""
    return sharing_rate.of(mode)


@variable("在分红年限内", of="stake")
def in_sharing_years(
    sharing_year: Column,
    sharing_first_year: Annotated[Param, Unit("年"), At("joined_on")],
    sharing_years: Annotated[Param, Unit("年"), At("joined_on")],
) -> Column:
    """From the first year with dividends on, for as many years as they are paid."""
    return (sharing_year >= sharing_first_year) & (sharing_year < sharing_first_year + sharing_years)


@variable("当年分红", of="stake", unit="元")
def dividend(
    stake_refusal: Column,
    in_sharing_years: Column,
    area_profit: Column,
    sharing_rate_used: Column,
    household_id: Column,
) -> Column:
    """The household's share of the profit; nothing outside the years and in a year of loss; missing if refused."""
    earned = ibis.cases(
        (~in_sharing_years, 0),
        (in_sharing_years & (area_profit <= 0), 0),
        (in_sharing_years & (area_profit > 0), share_of(area_profit, sharing_rate_used)),
    )
    return only(missing(stake_refusal) & known(household_id), earned)


@variable("经营主体所得", of="stake", unit="元")
def company_profit(area_profit: Column, dividend: Column) -> Column:
    """What is left of the area's profit, or its loss."""
    return area_profit - dividend


@aggregate("全户当年分红", of="household", over="stake", unit="元")
def household_dividend(dividend: Column) -> Aggregate:
    """The dividends of all stakes; missing if one was refused or cannot be computed."""
    return total(dividend)
