"""Revolving loans drawn and repaid at will: interest day by day on what is drawn, and what the guarantee pool carries.

Interest runs on the drawn balance from the day of a drawing to the day before it is repaid or reckoned: the first day
counts, the last does not. The daily balances are added up (积数) and multiplied once by the yearly rate of the contract
day over the day-count basis; that is the only rounding, to the fen. After the loan has ended interest goes on at the
same rate and the balance is in arrears. A loan is refused, with the reason, when its entries cannot be: an amount not
above zero, an entry before the contract, a drawing after the end, more repaid than owed, more drawn than granted, a
term that overlaps another loan of the household or is longer than approved. Entries of one day count in the order of
their numbers; entries after the day of reckoning do not count yet.
"""

from __future__ import annotations

from typing import Annotated

import ibis

from huqing.rules.language import Aggregate, At, Column, Day, Param, Unit, aggregate, input_table, variable
from huqing.rules.logic import (
    NO_DATE,
    count_known,
    days_between,
    known,
    larger,
    missing,
    months_apart,
    number_of_rows,
    only,
    per_head,
    ratio_of,
    running_max,
    running_total,
    smallest,
    total,
)
from huqing.rules.schedules import MILLION
from huqing.standards.fields import Field
from huqing.standards.units import PER_CENT

DRAW, REPAY, INTEREST = "1", "2", "3"
LONG_AGO = -1_000_000
PROBLEMS = {
    1: "有一笔金额不大于零",
    2: "有一笔早于借款合同日",
    3: "到期后又提款",
    4: "还本超过借款余额",
    5: "提款后余额超过授信额度",
}

POOL = input_table("guarantee_pool", "风险保证金", fields=[Field("deposit", "保证金", "money", unit="元")])
GROUP = input_table("loan_group", "联保小组", belongs_to=["guarantee_pool"], fields=[])
LOAN = input_table(
    "loan",
    "借款",
    belongs_to=["household", "loan_group"],
    fields=[
        Field("granted", "授信额度", "money", unit="元"),
        Field("opened_on", "合同日", "date"),
        Field("ends_on", "到期日", "date"),
    ],
)
MOVEMENT = input_table(
    "movement",
    "借款往来",
    belongs_to=["loan"],
    fields=[
        Field("moved_on", "日期", "date"),
        Field("movement_kind", "类别", "code", codelist="loan_movement"),
        Field("amount", "金额", "money", unit="元"),
    ],
)


@variable("本金增减", of="movement", unit="元")
def principal_change(movement_kind: Column, amount: Column) -> Column:
    """A drawing adds to the principal, a repayment takes from it, interest paid does neither."""
    return ibis.cases(
        (movement_kind == DRAW, amount), (movement_kind == REPAY, -amount), (movement_kind == INTEREST, 0)
    )


@variable("往来后余额", of="movement", unit="元")
def balance_after(principal_change: Column, loan_id: Column, moved_on: Column, id: Column) -> Column:
    """What is owed after the entry."""
    return running_total(principal_change, within=[loan_id], order=moved_on, row=id)


@variable("到结算日的天数", of="movement", unit="天")
def days_running(moved_on: Column, as_of: Day) -> Column:
    """Days from the entry to the day of reckoning, that day not counted; none for entries after it."""
    return larger(days_between(moved_on, as_of), 0)


@variable("积数", of="movement", unit="元·天")
def daily_balances(principal_change: Column, days_running: Column) -> Column:
    """What the entry adds to or takes from the sum of the daily balances."""
    return principal_change * days_running


@variable("已到结算日的本金增减", of="movement", unit="元")
def principal_by_now(principal_change: Column, moved_on: Column, as_of: Day) -> Column:
    """The change of principal if it has happened by the day of reckoning."""
    return ibis.cases((moved_on <= as_of, principal_change), (moved_on > as_of, 0))


@variable("已付利息", of="movement", unit="元")
def interest_by_now(movement_kind: Column, amount: Column, moved_on: Column, as_of: Day) -> Column:
    """Interest paid by the day of reckoning."""
    counts = (movement_kind == INTEREST) & (moved_on <= as_of)
    return ibis.cases((counts, amount), (~counts, 0))


@variable("往来的问题", of="movement")
def movement_problem(
    *,
    movement_kind: Column,
    amount: Column,
    moved_on: Column,
    balance_after: Column,
    opened_on: Column,
    ends_on: Column,
    granted: Column,
) -> Column:
    """The number of what is wrong with the entry (``PROBLEMS``); missing if nothing is."""
    return ibis.cases(
        (amount <= 0, 1),
        (moved_on < opened_on, 2),
        ((movement_kind == DRAW) & (moved_on >= ends_on), 3),
        (balance_after < 0, 4),
        ((movement_kind == DRAW) & (balance_after > granted), 5),
    ).cast("int64")


@aggregate("第一个问题", of="loan", over="movement")
def worst_problem(movement_problem: Column) -> Aggregate:
    """The first of the problems of all entries; missing if there is none."""
    return smallest(movement_problem)


@variable("此前借款的最晚到期日序", of="loan")
def earlier_end(ends_on: Column, household_id: Column, opened_on: Column, id: Column) -> Column:
    """The day number on which the last of the household's earlier loans ends."""
    number = -days_between(ends_on, NO_DATE)
    return running_max(number, within=[household_id], order=opened_on, row=id, before=True, first=LONG_AGO)


@variable("不予计算的原因", of="loan")
def loan_refusal(
    *,
    granted: Column,
    opened_on: Column,
    ends_on: Column,
    earlier_end: Column,
    worst_problem: Column,
    loan_least: Annotated[Param, Unit("元"), At("opened_on")],
    loan_most: Annotated[Param, Unit("元"), At("opened_on")],
    loan_months: Annotated[Param, Unit("月"), At("opened_on")],
) -> Column:
    """Why a loan is not reckoned until it is put right; missing if nothing is wrong with it."""
    entries = [(worst_problem == number, text) for number, text in PROBLEMS.items()]
    return ibis.cases(
        ((granted < loan_least) | (granted > loan_most), "授信额度不在规定范围内"),
        (ends_on <= opened_on, "到期日不在合同日之后"),
        (months_apart(opened_on, ends_on) > loan_months, "期限超过一次审批的年限"),
        (earlier_end > -days_between(opened_on, NO_DATE), "与本户另一笔借款的期限重叠"),
        *entries,
    )


@variable("可以计算", of="loan")
def loan_accepted(loan_refusal: Column, earlier_end: Column) -> Column:
    """Whether nothing is known to be wrong and the household's loans can be put in order."""
    return missing(loan_refusal) & known(earlier_end)


@aggregate("借款余额（未核对）", of="loan", over="movement", unit="元")
def principal_sum(principal_by_now: Column) -> Aggregate:
    """All changes of principal by the day of reckoning."""
    return total(principal_by_now)


@aggregate("积数合计", of="loan", over="movement", unit="元·天")
def daily_balance_sum(daily_balances: Column) -> Aggregate:
    """The sum of the daily balances up to the day of reckoning."""
    return total(daily_balances)


@aggregate("已付利息合计", of="loan", over="movement", unit="元")
def interest_paid(interest_by_now: Column) -> Aggregate:
    """Interest paid by the day of reckoning."""
    return total(interest_by_now)


@variable("借款余额", of="loan", unit="元")
def loan_balance(loan_accepted: Column, principal_sum: Column) -> Column:
    """What is owed on the day of reckoning; missing if the loan is refused."""
    return only(loan_accepted, principal_sum)


@variable("合同利率", of="loan", unit="百万分之一")
def loan_rate_used(loan_accepted: Column, loan_rate: Annotated[Param, Unit("比例"), At("opened_on")]) -> Column:
    """The yearly rate of the contract day, per million."""
    return only(loan_accepted, loan_rate)


@variable("应计利息", of="loan", unit="元")
def interest_accrued(
    daily_balance_sum: Column, loan_rate_used: Column, loan_basis: Annotated[Param, Unit("天")]
) -> Column:
    """The sum of the daily balances × the yearly rate ÷ the days of a year, rounded here once to the fen."""
    return ratio_of(daily_balance_sum, loan_rate_used, loan_basis * MILLION)


@variable("应付未付利息", of="loan", unit="元")
def interest_due(interest_accrued: Column, interest_paid: Column) -> Column:
    """Interest accrued and not yet paid; below zero if more was paid."""
    return interest_accrued - interest_paid


@variable("逾期金额", of="loan", unit="元")
def loan_arrears(loan_balance: Column, interest_due: Column, ends_on: Column, as_of: Day) -> Column:
    """Principal and interest still owed once the loan has ended; nothing before."""
    owed = loan_balance + larger(interest_due, 0)
    return ibis.cases((ends_on > as_of, loan_balance * 0), (ends_on <= as_of, owed))


@aggregate("小组借款户数", of="loan_group", over="loan", unit="户")
def group_loans(id: Column) -> Aggregate:
    """Loans of the group; a household has one at a time."""
    return number_of_rows(id)


@aggregate("小组借款余额", of="loan_group", over="loan", unit="元")
def group_balance(loan_balance: Column) -> Aggregate:
    """What the group's households owe; missing while one loan is refused or unknown."""
    return total(loan_balance)


@aggregate("小组逾期金额", of="loan_group", over="loan", unit="元")
def group_arrears(loan_arrears: Column) -> Aggregate:
    """What the group must answer for together."""
    return total(loan_arrears)


@aggregate("小组逾期笔数", of="loan_group", over="loan", unit="笔")
def group_loans_in_arrears(loan_arrears: Column) -> Aggregate:
    """Loans known to be in arrears."""
    return count_known(loan_arrears > 0)


@variable("联保户数合规", of="loan_group")
def group_size_fits(
    group_loans: Column, loan_group_least: Annotated[Param, Unit("户")], loan_group_most: Annotated[Param, Unit("户")]
) -> Column:
    """Whether the group has as many households as it may have."""
    return (group_loans >= loan_group_least) & (group_loans <= loan_group_most)


@aggregate("借款余额合计", of="guarantee_pool", over="loan_group", unit="元")
def pool_balance(group_balance: Column) -> Aggregate:
    """All loans behind which the pool stands."""
    return total(group_balance)


@aggregate("逾期金额合计", of="guarantee_pool", over="loan_group", unit="元")
def pool_arrears(group_arrears: Column) -> Aggregate:
    """All arrears the pool may have to answer for."""
    return total(group_arrears)


@variable("杠杆", of="guarantee_pool", unit="%")
def leverage(pool_balance: Column, deposit: Column) -> Column:
    """Loans in per cent of the deposit, rounded to the whole per cent."""
    return per_head(pool_balance * PER_CENT, deposit)


@variable("还可放贷", of="guarantee_pool", unit="元")
def pool_room(pool_balance: Column, deposit: Column, loan_multiple: Annotated[Param, Unit("倍")]) -> Column:
    """How much more may be lent until the deposit is used to the agreed multiple."""
    return larger(deposit * loan_multiple - pool_balance, 0)


@variable("保证金扣除逾期后", of="guarantee_pool", unit="元")
def pool_left(deposit: Column, pool_arrears: Column) -> Column:
    """What the deposit would be if it had to pay all arrears; below zero if it does not suffice."""
    return deposit - pool_arrears
