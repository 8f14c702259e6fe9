"""Working days and deadlines: weekends, the State Council's yearly holidays and shifted days, the county's own days.

The holidays come from the library ``chinesecalendar``, which follows the yearly notices of the State Council's office.
A year without a notice yet counts weekends only: ``announced`` says so, and a deadline in it may still move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import chinese_calendar
from chinese_calendar.constants import holidays

SATURDAY = 5
_ANNOUNCED = frozenset(day.year for day in holidays)
DAY = dt.timedelta(days=1)
Unit = Literal["working", "calendar", "months"]
UNIT_WORDS: dict[Unit, str] = {"working": "个工作日", "calendar": "天", "months": "个月"}


@dataclass(frozen=True)
class Workdays:
    """A calendar of working days; ``off`` and ``on`` are the county's own holidays and working days."""

    off: Collection[dt.date] = field(default_factory=frozenset)
    on: Collection[dt.date] = field(default_factory=frozenset)

    def works(self, day: dt.date) -> bool:
        """Whether offices are open on a day."""
        if day in self.on:
            return True
        if day in self.off:
            return False
        return _open(day)

    def next(self, day: dt.date) -> dt.date:
        """The day itself if offices are open, else the first one after it on which they are."""
        while not self.works(day):
            day += DAY
        return day

    def add(self, day: dt.date, count: int) -> dt.date:
        """The ``count``-th working day after a day, which itself does not count."""
        for _ in range(count):
            day = self.next(day + DAY)
        return day

    def between(self, first: dt.date, last: dt.date) -> int:
        """Working days after ``first`` up to and including ``last``; negative if ``last`` is earlier."""
        if last < first:
            return -self.between(last, first)
        return sum(1 for number in range(1, (last - first).days + 1) if self.works(first + number * DAY))


@dataclass(frozen=True)
class Term:
    """A stretch of time: so many working days, calendar days or months."""

    number: int
    unit: Unit = "working"

    def __str__(self) -> str:
        return f"{self.number} {UNIT_WORDS[self.unit]}"

    def last_day(self, start: dt.date, calendar: Workdays) -> dt.date:
        """The last day of a deadline that began on ``start``.

        The first day does not count, and a last day on which offices are closed moves to the next one on which they
        are open (Civil Code, articles 201 and 203). A month ends on its same day, or on its last one (article 202).
        """
        if self.unit == "working":
            return calendar.add(start, self.number)
        if self.unit == "months":
            return calendar.next(months_later(start, self.number))
        return calendar.next(start + self.number * DAY)

    def full_days_end(self, start: dt.date, calendar: Workdays) -> dt.date:
        """The last day of what must stand for the whole term, its first day included: a posting, a waiting time."""
        if self.unit == "working":
            return calendar.add(start - DAY, self.number)
        if self.unit == "months":
            return months_later(start, self.number) - DAY
        return start + (self.number - 1) * DAY


@lru_cache(maxsize=4096)
def _open(day: dt.date) -> bool:
    """Whether offices are open by the State Council's notices; kept, because a list of late things asks for years."""
    return chinese_calendar.is_workday(day) if announced(day.year) else day.weekday() < SATURDAY


def announced(year: int) -> bool:
    """Whether the holidays of a year are known."""
    return year in _ANNOUNCED


def months_later(day: dt.date, number: int) -> dt.date:
    """The same day so many months later, or the last day of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + number, 12)
    following = dt.date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(dt.date(year, month + 1, 1) + (day.day - 1) * DAY, following - DAY)
