"""A month of a resident team member as the pages show it: weeks of days, counts, the months beside it."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from huqing.standards.codelists import codelist
from huqing.teams.models import PresenceDay, RotaDay, Staff
from huqing.teams.residency_queries import COUNTED, last_of, least_days

MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
WEEKDAYS = "一二三四五六日"
# What fits into a cell of a telephone.
SHORT = {"1": "在村", "2": "外出", "3": "请假", "4": "出差", "5": "加班"}
TONES = {PresenceDay.State.CONFIRMED: "good", PresenceDay.State.DECLARED: "medium", PresenceDay.State.REFUSED: "high"}
S = PresenceDay.State


@dataclass(frozen=True)
class Cell:
    """One day of the calendar; ``row`` is what was declared, ``free`` whether the member can still declare it."""

    day: dt.date
    row: PresenceDay | None
    short: str
    tone: str
    free: bool
    duty: bool
    today: bool

    @property
    def told(self) -> str:
        """The day in words, for screen readers and the pointer."""
        what = codelist("presence_kind").label(self.row.kind) if self.row else "没有申报"
        state = f"，{self.row.get_state_display()}" if self.row else ""
        return f"{self.day.month}月{self.day.day}日 {what}{state}{'，值班' if self.duty else ''}"


@dataclass
class Month:
    """A member's month: weeks from Monday, cells outside the month are None; ``least`` days where laid down."""

    first: dt.date
    least: int | None = None
    weeks: list[list[Cell | None]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    counted: int = 0
    waiting: int = 0
    left: int = 0

    @property
    def before(self) -> str:
        """The month before, as addresses write it."""
        return f"{self.first - dt.timedelta(days=1):%Y-%m}"

    @property
    def after(self) -> str:
        """The month after."""
        return f"{self.first + dt.timedelta(days=32):%Y-%m}"

    @property
    def standing(self) -> str:
        """How the month stands against the rule, in words."""
        if self.least is None:
            return "本县没有规定每月最少天数。"
        if self.counted >= self.least:
            return f"已够每月至少 {self.least} 天。"
        lacking = self.least - self.counted
        waiting = f"，另有 {self.waiting} 天待确认" if self.waiting else ""
        if not self.left:
            return f"每月至少 {self.least} 天，少 {lacking} 天{waiting}。"
        return f"每月至少 {self.least} 天，还差 {lacking} 天{waiting}，本月还剩 {self.left} 天。"

    @property
    def percent(self) -> int:
        """How much of the month's days there are, at most 100."""
        return min(100, 100 * self.counted // self.least) if self.least else 100


def month_of(text: str, today: dt.date) -> dt.date:
    """The first day of the month an address names; the present one for anything else."""
    return dt.date.fromisoformat(f"{text}-01") if MONTH.fullmatch(text) else today.replace(day=1)


def month_page(staff: Staff, region: str, month: dt.date, today: dt.date) -> Month:
    """A member's month."""
    within = (month, last_of(month))
    rows = PresenceDay.objects.filter(staff=staff, day__range=within)
    duties = set(RotaDay.objects.filter(staff=staff, day__range=within).values_list("day", flat=True))
    return made(month, rows, today, duties=duties, least=least_days(region, month))


def made(
    month: dt.date,
    rows: Iterable[PresenceDay],
    today: dt.date,
    *,
    duties: Iterable[dt.date] = (),
    least: int | None = None,
) -> Month:
    """The month of these rows."""
    by_day = {row.day: row for row in rows}
    on_duty = set(duties)
    page = Month(month, least)
    for week in weeks_of(month):
        page.weeks.append([_cell(day, by_day.get(day), today, day in on_duty) if day else None for day in week])
    for row in by_day.values():
        label = codelist("presence_kind").label(row.kind)
        page.counts[label] = page.counts.get(label, 0) + (row.state != S.REFUSED)
        page.counted += row.state == S.CONFIRMED and row.kind in COUNTED
        page.waiting += row.state == S.DECLARED
    page.left = max(0, (last_of(month) - max(today, month - dt.timedelta(days=1))).days)
    return page


def weeks_of(month: dt.date) -> list[list[dt.date | None]]:
    """The weeks of a month from Monday; None for the days of its neighbours."""
    weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    return [[day if day.month == month.month else None for day in week] for week in weeks]


def _cell(day: dt.date, row: PresenceDay | None, today: dt.date, duty: bool) -> Cell:
    free = day <= today and (row is None or (row.absence_id is None and row.state != S.CONFIRMED))
    short = SHORT.get(row.kind, row.kind) if row else ""
    return Cell(day, row, short, TONES[S(row.state)] if row else "", free, duty, day == today)
