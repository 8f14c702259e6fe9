"""A month of a resident team member as the pages show it: weeks of days, counts, the months beside it."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from huqing.standards.codelists import codelist
from huqing.teams.models import PresenceDay, Staff
from huqing.teams.presence import HERE, OVERTIME, TRIP

MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
# What fits into a cell of a telephone.
SHORT = {"1": "在村", "2": "外出", "3": "请假", "4": "出差", "5": "加班"}
TONES = {PresenceDay.State.CONFIRMED: "good", PresenceDay.State.DECLARED: "medium", PresenceDay.State.REFUSED: "high"}
S = PresenceDay.State


@dataclass(frozen=True)
class Cell:
    """One day of the calendar; ``row`` is what was declared, if anything."""

    day: dt.date
    row: PresenceDay | None
    short: str
    tone: str


@dataclass
class Month:
    """A member's month: weeks from Monday, cells outside the month are None."""

    first: dt.date
    weeks: list[list[Cell | None]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    counted: int = 0
    waiting: int = 0

    @property
    def before(self) -> str:
        """The month before, as addresses write it."""
        return f"{self.first - dt.timedelta(days=1):%Y-%m}"

    @property
    def after(self) -> str:
        """The month after."""
        return f"{self.first + dt.timedelta(days=32):%Y-%m}"


def month_of(text: str, today: dt.date) -> dt.date:
    """The first day of the month an address names; the present one for anything else."""
    return dt.date.fromisoformat(f"{text}-01") if MONTH.fullmatch(text) else today.replace(day=1)


def last_of(month: dt.date) -> dt.date:
    """The last day of a month."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def month_page(staff: Staff, month: dt.date) -> Month:
    """A member's month."""
    rows = PresenceDay.objects.filter(staff=staff, day__range=(month, last_of(month)))
    return made(month, rows)


def made(month: dt.date, rows: Iterable[PresenceDay]) -> Month:
    """The month of these rows."""
    by_day = {row.day: row for row in rows}
    page = Month(month)
    for week in calendar.Calendar().monthdatescalendar(month.year, month.month):
        page.weeks.append([_cell(day, by_day.get(day)) if day.month == month.month else None for day in week])
    for row in by_day.values():
        label = codelist("presence_kind").label(row.kind)
        page.counts[label] = page.counts.get(label, 0) + (row.state != S.REFUSED)
        page.counted += row.state == S.CONFIRMED and row.kind in (HERE, OVERTIME, TRIP)
        page.waiting += row.state == S.DECLARED
    return page


def _cell(day: dt.date, row: PresenceDay | None) -> Cell:
    return Cell(day, row, SHORT.get(row.kind, row.kind) if row else "", TONES[S(row.state)] if row else "")
