"""The stretches of time in which something is due: whole months, and the spans of a visit's interval or rounds."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator

from huqing.packs.manifest import Cadence

ONE_DAY = dt.timedelta(days=1)
WEEK = 7
MONTHS = 12
WITHOUT_YEAR = 5  # "06-30"


def months_of(first: dt.date, last: dt.date) -> list[dt.date]:
    """The whole months of a stretch of days, by their first days."""
    start = first if first.day == 1 else later(first.replace(day=1), 1)
    found = []
    while later(start, 1) - ONE_DAY <= last:
        found.append(start)
        start = later(start, 1)
    return found


def later(day: dt.date, months: int) -> dt.date:
    """The same day some months later, or the last of a month that is too short for it."""
    year, month = divmod(day.year * MONTHS + day.month - 1 + months, MONTHS)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def spans_of(every: Cadence, first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
    """The whole spans of an interval that fit between two days, or the rounds that lie between them."""
    if every.rounds:
        return sorted(span for span in _rounds(every, first, last) if first <= span[0] and span[1] <= last)
    if every.once or not every.number:
        return []
    found, number = [], 1
    start = first
    while True:
        following = _after(first, every, number)
        if following - ONE_DAY > last:
            return found
        found.append((start, following - ONE_DAY))
        start, number = following, number + 1


def _after(first: dt.date, every: Cadence, times: int) -> dt.date:
    number = every.number * times
    if every.period == "days":
        return first + number * ONE_DAY
    if every.period == "weeks":
        return first + number * WEEK * ONE_DAY
    return later(first, number * MONTHS if every.period == "years" else number)


def _rounds(every: Cadence, first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    for one in every.rounds:
        for year in range(first.year, last.year + 1) if len(one.start) == WITHOUT_YEAR else [0]:
            start, end = _day(one.start, year), _day(one.end, year)
            # A round that ends "before" it starts goes over New Year.
            yield start, end if end >= start else _day(one.end, year + 1)


def _day(text: str, year: int) -> dt.date:
    if len(text) != WITHOUT_YEAR:
        return dt.date.fromisoformat(text)
    month, day = int(text[:2]), int(text[3:])
    return dt.date(year, month, min(day, calendar.monthrange(year, month)[1]))
