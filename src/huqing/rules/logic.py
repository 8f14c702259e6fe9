"""Helpers for rules: aggregates in three-valued logic, exact arithmetic, calendar steps. Unknown is never false.

``&``, ``|`` and ``~`` on columns follow three-valued logic; ``ifelse(unknown, a, b)`` does not (it takes b), and SQL's
any/all skip unknown rows. These helpers do neither.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Mapping
from functools import reduce

import ibis

from huqing.rules.language import Aggregate, Column, Latest

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
    # DuckDB sums integers as 128 bits, which Ibis takes for 64 and so would drop a plain cast.
    return value.sum().cast("decimal(38, 0)").cast("int64")


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


def per_head(amount: Column, heads: Column) -> Column:
    """Fen per person, halves away from zero as in ``standards.money``; missing without heads. Rules round only here."""
    people = ibis.cases((heads > 0, heads.cast("int64")))
    size = (amount.abs() * 2 + people) // (people * 2)
    return ibis.cases((amount < 0, -size), (amount >= 0, size))


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
