"""Helpers for rules: aggregates in three-valued logic, exact arithmetic, calendar steps. Unknown is never false.

``&``, ``|`` and ``~`` on columns follow three-valued logic; ``ifelse(unknown, a, b)`` does not (it takes b), and SQL's
any/all skip unknown rows. These helpers do neither.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping, Sequence
from functools import reduce

import ibis

from huqing.rules.language import Aggregate, Column, Latest
from huqing.rules.schedules import MILLION

NO_DATE = datetime.date(1900, 1, 1)


def known(value: Column) -> Column:
    """Whether the value is there (never unknown itself)."""
    return value.notnull()


def missing(value: Column) -> Column:
    """Whether the value is missing (never unknown itself)."""
    return value.isnull()


def is_true(value: Column) -> Column:
    """Whether the value is known to be true; unknown counts as no. Use where only a positive entry matters."""
    return value.fill_null(False)


def only(condition: Column, value: Column) -> Column:
    """``value`` where the condition is known to hold, missing elsewhere."""
    return ibis.cases((condition, value))


def first_that_holds(*answers: tuple[Column, object]) -> Column:
    """The text beside the first condition known to hold, "" if none does."""
    return ibis.cases(*answers, else_="")


def any_known(*conditions: Column) -> Column:
    """True if one condition is known to hold; missing only if all are missing, else False.

    For several boxes of a form of which people tick one and leave the others blank.
    """
    nothing_said = reduce(lambda left, right: left & right, (condition.isnull() for condition in conditions))
    one_holds = reduce(lambda left, right: left | right, (condition.fill_null(False) for condition in conditions))
    return ibis.cases((nothing_said, ibis.null("boolean")), else_=one_holds)


def any_of(condition: Column) -> Aggregate:
    """Whether the condition holds of any row: unknown if it holds of none and is unknown of some; no rows: False."""
    return Aggregate(_three(condition.any(), condition.isnull().any(), True), False)


def all_of(condition: Column) -> Aggregate:
    """Whether the condition holds of every row: unknown if it fails for none and is unknown of some; no rows: True."""
    return Aggregate(_three((~condition).any(), condition.isnull().any(), False), True)


def _three(decided: Column, unknown: Column, value: bool) -> Column:
    return ibis.cases((decided, value), (unknown, ibis.null("boolean")), else_=not value)


def count_of(condition: Column) -> Aggregate:
    """How many rows fulfil the condition; missing if it is unknown of any row; no rows: 0."""
    counted = _sum(condition.cast("int64"))
    return Aggregate(ibis.cases((condition.isnull().any(), ibis.null("int64")), else_=counted), 0)


def count_known(condition: Column) -> Aggregate:
    """How many rows are known to fulfil the condition; unknown rows are not counted."""
    return Aggregate(_sum(condition.fill_null(False).cast("int64")), 0)


def total(value: Column, where: Column | None = None) -> Aggregate:
    """The sum of an integer value over the rows ``where`` is true.

    Missing if any counted value, or whether it counts, is missing; no rows: 0. Without ``where`` all rows count.
    """
    if where is None:
        return Aggregate(ibis.cases((value.isnull().any(), ibis.null("int64")), else_=_sum(value)), 0)
    unclear = (where.isnull() | (where & value.isnull())).any()
    counted = _sum(ibis.cases((where, value)))
    return Aggregate(ibis.cases((unclear, ibis.null("int64")), else_=counted.fill_null(0)), 0)


def total_known(value: Column, where: Column) -> Aggregate:
    """The sum of the known values over the rows known to fulfil ``where``; no rows: 0."""
    return Aggregate(_sum(ibis.cases((where, value))).fill_null(0), 0)


def _sum(value: Column) -> Column:
    return _narrow(value.sum())


def _narrow(sum_: Column) -> Column:
    # DuckDB sums integers as 128 bits, which Ibis takes for 64 and so would drop a plain cast.
    return sum_.cast("decimal(38, 0)").cast("int64")


def largest(value: Column, where: Column | None = None, *, empty: object = None) -> Aggregate:
    """The largest known value (latest date) over the rows known to fulfil ``where``; no rows: ``empty``."""
    chosen = value if where is None else ibis.cases((where, value))
    largest_known = chosen.max()
    return Aggregate(largest_known if empty is None else largest_known.fill_null(empty), empty)


def largest_sure(value: Column, *, empty: object) -> Aggregate:
    """The largest value; missing if the value of any row is missing; no rows: ``empty``."""
    return Aggregate(ibis.cases((value.isnull().any(), ibis.null(value.type())), else_=value.max()), empty)


def smallest(value: Column, where: Column | None = None) -> Aggregate:
    """The smallest known value (earliest date) over the rows known to fulfil ``where``; no rows: missing."""
    return Aggregate((value if where is None else ibis.cases((where, value))).min(), None)


def latest(value: Column, *, by: Column, row: Column, where: Column | None = None) -> Aggregate:
    """The value of the row with the latest date ``by`` (a row without date counts as oldest); no rows: missing.

    Of several rows on one day the one with the largest ``row`` (its id) counts, so the answer never depends on order.
    """
    stamped = latest_row({"value": value}, by=by, row=row, where=where)
    return Aggregate(stamped["value"], None, Latest(value, by, row, where))


def latest_row(values: Mapping[str, Column], *, by: Column, row: Column, where: Column | None) -> Column:
    """Several values of the latest row at once, as a struct."""
    stamped = ibis.struct({"by": by.fill_null(NO_DATE), "row": row, **values})
    return (stamped if where is None else ibis.cases((where, stamped))).max()


def number_of_rows(row: Column) -> Aggregate:
    """How many rows there are; ``row`` is any column that is never missing, such as ``id``."""
    return Aggregate(row.count().cast("int64"), 0)


def how_many_different(value: Column) -> Aggregate:
    """How many different known values there are; no rows: 0."""
    return Aggregate(value.nunique().cast("int64"), 0)


def per_head(amount: Column, heads: Column) -> Column:
    """Fen per person, halves away from zero as in ``standards.money``; missing without heads. Rules round only here."""
    people = ibis.cases((heads > 0, heads.cast("int64")))
    size = (amount.abs() * 2 + people) // (people * 2)
    return ibis.cases((amount < 0, -size), (amount >= 0, size))


def whole_part(number: Column, by: int) -> Column:
    """A number not below zero divided by ``by``, rounded down; exact up to quotients of 2^51 on every engine.

    Engines divide integers as doubles, so what is divided here has no remainder and is rounded to the next integer.
    """
    return ((number - number % by) / by).round().cast("int64")


def ratio_of(amount: Column, numerator: Column, denominator: int) -> Column:
    """``amount`` fen × numerator ÷ denominator in fen, halves away from zero; exact while numerator × denominator
    stays below 4 × 10^18. Shares of money are rounded only here and in ``some_of_million``.
    """
    if denominator <= 0 or not (_whole(amount) and _whole(numerator)):
        raise TypeError("金额须为整数分，比例参数写 type: rate（百万分之几的整数），不用小数相乘")
    size = amount.abs()
    rest = (size % denominator) * numerator
    fen = whole_part(size, denominator) * numerator + whole_part(rest * 2 + denominator, denominator * 2)
    return ibis.cases((amount < 0, -fen), (amount >= 0, fen))


def share_of(amount: Column, rate: Column) -> Column:
    """The share ``rate`` (a parameter of type rate: an integer per million) of fen, halves away from zero."""
    return ratio_of(amount, rate, MILLION)


def some_of_million(parts: Sequence[tuple[Column, Column]]) -> Column:
    """The sum of amounts not below zero × their rates per million, rounded once, in fen."""
    whole = reduce(lambda one, other: one + other, (whole_part(amount, MILLION) * rate for amount, rate in parts))
    rest = reduce(lambda one, other: one + other, ((amount % MILLION) * rate for amount, rate in parts))
    return whole + whole_part(rest * 2 + MILLION, MILLION * 2)


def _whole(value: Column) -> bool:
    return isinstance(value, int) or bool(value.type().is_integer())


def smaller(one: Column, other: Column) -> Column:
    """The smaller of two values; unknown if either is (SQL's least would take the known one)."""
    return ibis.cases((one <= other, one), (one > other, other))


def larger(one: Column, other: Column) -> Column:
    """The larger of two values; unknown if either is (SQL's greatest would take the known one)."""
    return ibis.cases((one >= other, one), (one < other, other))


def above(amount: Column, floor: Column) -> Column:
    """By how much an amount exceeds ``floor``: 0 if it does not, unknown if either is."""
    return ibis.cases((amount > floor, amount - floor), (amount <= floor, 0))


def running_total(
    value: Column, *, within: Sequence[Column], order: Column, row: Column, before: bool = False
) -> Column:
    """The sum of an integer value over the rows so far of those that share ``within``, in the order of ``order``.

    Of rows with the same ``order`` the one with the smaller ``row`` (its id) comes first, so the order is always the
    same. With ``before`` the row itself does not count (0 for the first). From a missing value on everything is
    unknown, and so is everything where a row's place in the order is missing, and rows whose ``within`` is missing.
    """
    return _running(value.sum(), value, within=within, order=order, row=row, before=before, first=0, wide=True)


def running_max(
    value: Column, *, within: Sequence[Column], order: Column, row: Column, before: bool = False, first: int = 0
) -> Column:
    """The largest value so far, as ``running_total`` sums; with ``before`` it is ``first`` for the first row."""
    return _running(value.max(), value, within=within, order=order, row=row, before=before, first=first)


def _running(
    reduction: Column,
    value: Column,
    *,
    within: Sequence[Column],
    order: Column,
    row: Column,
    before: bool,
    first: int,
    wide: bool = False,
) -> Column:
    in_order = [ibis.asc(order, nulls_first=True), row]
    frame = ibis.window(group_by=list(within), order_by=in_order, rows=(None, -1 if before else 0))
    unknown = ibis.cases((value.isnull() | order.isnull(), 1)).count().over(frame) > 0
    nowhere = reduce(lambda one, other: one | other, (key.isnull() for key in (*within, order)))
    so_far = reduction.over(frame)
    if wide:
        so_far = _narrow(so_far)
    return ibis.cases((nowhere | unknown, ibis.null("int64")), else_=so_far.fill_null(first))


def years_between(start: Column, day: datetime.date) -> Column:
    """Completed years from ``start`` to the run's day; somebody born on 29 February grows older on 1 March."""
    before_birthday = (start.month() * 100 + start.day()) > day.month * 100 + day.day
    return (day.year - start.year()).cast("int64") - before_birthday.cast("int64")


def days_between(start: Column, day: datetime.date) -> Column:
    """Days from ``start`` to the run's day; negative if ``start`` lies ahead."""
    return ibis.literal(day).delta(start, unit="day")


def months_before(day: datetime.date, months: int) -> datetime.date:
    """The same day ``months`` earlier (later if negative); the month's last day where that day does not exist."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def days_before(day: datetime.date, days: int) -> datetime.date:
    """The date ``days`` earlier."""
    return day - datetime.timedelta(days=days)


def month_of(day: Column) -> Column:
    """Year and month as one number, e.g. 202406."""
    return day.year().cast("int64") * 100 + day.month()


def month_day_of(day: Column) -> Column:
    """Month and day as one number, e.g. 630 for 30 June."""
    return day.month().cast("int64") * 100 + day.day()


def in_window(value: Column, start: datetime.date, day: datetime.date) -> Column:
    """Whether a date lies after ``start`` and not after the run's day."""
    return (value > start) & (value <= day)


def months_apart(start: Column, end: Column) -> Column:
    """Completed months from one date column to another; a month that is too short is complete on its last day."""
    last_day_of_month = (end + ibis.interval(days=1)).day() == 1
    incomplete = (end.day() < start.day()) & ~last_day_of_month
    months = (end.year() - start.year()).cast("int64") * 12 + end.month() - start.month()
    return months - incomplete.cast("int64")


def years_apart(start: Column, end: Column) -> Column:
    """Completed years from one date column to another."""
    early = (end.month() * 100 + end.day()) < (start.month() * 100 + start.day())
    return (end.year() - start.year()).cast("int64") - early.cast("int64")
