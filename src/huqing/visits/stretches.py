"""When the next visit falls due: the stretch of days that a cadence leaves for it.

* Every so many days, weeks, months, years: counted from the last visit; the 31st of January plus a month is the 28th of
  February. It is asked for from the middle of the stretch on; an earlier one counts all the same.
* Nobody has come yet: one whole stretch from the day the subject became one. What the ledger of visits knows counts as
  a visit, so nobody is overdue only because the product is new.
* Rounds: once within each round, or after it. A round that was missed stays due until somebody comes.
* Once: within a year; nothing is due afterwards.
"""

from __future__ import annotations

import calendar
import datetime as dt
from typing import NamedTuple

from huqing.packs.manifest import Cadence

ONCE_WITHIN = Cadence(1, "years")


class Stretch(NamedTuple):
    """From when on a visit is asked for and until when it is to be made; both None: nothing is due."""

    opens: dt.date | None = None
    due: dt.date | None = None


def next_stretch(every: Cadence, *, last: dt.date | None, today: dt.date, known: Stretch | None = None) -> Stretch:
    """The stretch after the visit on ``last`` (None: never visited); ``known`` is the one told so far."""
    if every.rounds:
        return _round(every, last, today, known)
    if last is not None:
        if every.once:
            return Stretch()
        due = after(last, every)
        return Stretch(last + (due - last) // 2, due)
    first = after(today, ONCE_WITHIN if every.once else every)
    if known is None or known.due is None:
        return Stretch(today, first)
    # A promise is not put off because nobody came, and becomes shorter where a more frequent group now holds.
    return Stretch(known.opens or today, min(known.due, first))


def after(day: dt.date, every: Cadence) -> dt.date:
    """The day one stretch later."""
    if every.period in ("days", "weeks"):
        return day + dt.timedelta(days=every.number * (7 if every.period == "weeks" else 1))
    months = day.year * 12 + day.month - 1 + every.number * (12 if every.period == "years" else 1)
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def length(every: Cadence) -> int:
    """The days of a stretch, for telling which of several is the shortest; rounds and once are the longest."""
    days = {"days": 1, "weeks": 7, "months": 30, "years": 365}
    return every.number * days[every.period] if every.number else 10**6


def _round(every: Cadence, last: dt.date | None, today: dt.date, known: Stretch | None) -> Stretch:
    missed = known is not None and known.opens is not None and known.due is not None and known.due < today
    if missed and known is not None and (last is None or (known.opens is not None and last < known.opens)):
        return known
    open_ones = (one for one in rounds_around(every, today) if one.opens and (last is None or last < one.opens))
    return next((one for one in open_ones if one.due and one.due >= today), Stretch())


def rounds_around(every: Cadence, today: dt.date) -> list[Stretch]:
    """The rounds of last year, this year and the next, in order; a round with a whole date happens once."""
    found = set()
    for item in every.rounds:
        for year in (today.year - 1, today.year, today.year + 1):
            found.add(Stretch(_day(item.start, year), _day(item.end, year)))
    return sorted(one for one in found if one.opens and one.due and one.opens <= one.due)


def _day(text: str, year: int) -> dt.date:
    """A day written 03-01 in that year, or 2026-03-01; the 30th of February is the last of the month."""
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 3:
        year = parts.pop(0)
    month, day = parts
    return dt.date(year, month, min(day, calendar.monthrange(year, month)[1]))
