"""The parts of an assessment: each a share of its weight, with the records behind the number."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml
from django.db.models import Q

from huqing.registry.models import DepartmentRecord, Household
from huqing.rules.library import library
from huqing.teams.models import InspectionFinding, PresenceDay, Responsibility, Staff, TeamNote
from huqing.teams.presence import HERE, OVERTIME, TRIP

SHOWN = 60
VISIT = "home_visit"


@dataclass(frozen=True)
class Indicator:
    """A part of the assessment; the weights of all parts are 100."""

    key: str
    title: str
    weight: int
    note: str


@dataclass(frozen=True)
class Score:
    """One part of one member: done of all, points in hundredths (None: cannot be computed), and the records."""

    key: str
    title: str
    weight: int
    done: int
    of: int
    points: int | None
    records: list[str]


@dataclass(frozen=True)
class Stretch:
    """Whose work is looked at, where, from which day to which."""

    staff: Staff
    region_code: str
    first: dt.date
    last: dt.date

    def months(self) -> list[dt.date]:
        """The whole months in it, by their first days."""
        found, month = [], self.first.replace(day=1)
        while month <= self.last:
            following = (month.replace(day=28) + dt.timedelta(days=4)).replace(day=1)
            if month >= self.first and following - dt.timedelta(days=1) <= self.last:
                found.append(month)
            month = following
        return found


@cache
def indicators() -> tuple[Indicator, ...]:
    """The declared parts."""
    text = resources.files("huqing.teams").joinpath("data", "assessment.yaml").read_text(encoding="utf-8")
    found = tuple(Indicator(**entry) for entry in yaml.safe_load(text)["indicators"])
    if sum(item.weight for item in found) != 100:
        raise ValueError("assessment.yaml: the weights of all indicators must be 100")
    return found


def scores_of(stretch: Stretch) -> list[dict[str, Any]]:
    """All parts of one member as plain data."""
    return [asdict(_score(item, *_COUNTED[item.key](stretch))) for item in indicators()]


def _score(item: Indicator, done: int, of: int, records: list[str]) -> Score:
    """Points in proportion; with nothing to look at they cannot be computed, except where that is no fault."""
    points: int | None = None
    if of:
        # To the nearest hundredth of a point, halves up.
        points = (2 * item.weight * 100 * done + of) // (2 * of)
    elif item.key == "findings":
        points = item.weight * 100
    return Score(item.key, item.title, item.weight, done, of, points, records[:SHOWN])


def _presence(stretch: Stretch) -> tuple[int, int, list[str]]:
    rows = PresenceDay.objects.filter(
        staff=stretch.staff,
        day__range=(stretch.first, stretch.last),
        state=PresenceDay.State.CONFIRMED,
        kind__in=(HERE, OVERTIME, TRIP),
    )
    counted = Counter(day.replace(day=1) for day in rows.values_list("day", flat=True))
    full, told = 0, []
    for month in stretch.months():
        least = int(library().parameters.require("presence_days", month, stretch.region_code).value)
        full += counted[month] >= least
        told.append(f"{month:%Y年%m月} 计入 {counted[month]} 天，至少 {least} 天")
    return full, len(told), told


def _households(stretch: Stretch) -> tuple[int, int, list[str]]:
    lines = Responsibility.objects.filter(staff=stretch.staff, since__lte=stretch.last).filter(
        Q(until=None) | Q(until__gte=stretch.first)
    )
    mine = Household.objects.filter(
        pk__in=lines.exclude(household=None).values("household"), status=Household.Status.ACTIVE
    )
    visited = set(
        DepartmentRecord.objects.filter(
            kind=VISIT, household__in=mine, on__range=(stretch.first, stretch.last), retired_by=None
        ).values_list("household", flat=True)
    )
    told = [
        f"{household.head_name}户（{household.number}）{'有走访记录' if household.pk in visited else '没有走访记录'}"
        for household in mine.order_by("number")
    ]
    return len(visited), len(told), told


def _diary(stretch: Stretch) -> tuple[int, int, list[str]]:
    rows = TeamNote.objects.filter(
        staff=stretch.staff, kind=TeamNote.Kind.DIARY, on__range=(stretch.first, stretch.last)
    )
    written = Counter(day.replace(day=1) for day in rows.values_list("on", flat=True))
    told = [f"{month:%Y年%m月} 日志 {written[month]} 篇" for month in stretch.months()]
    return sum(1 for month in stretch.months() if written[month]), len(told), told


def _findings(stretch: Stretch) -> tuple[int, int, list[str]]:
    rows = InspectionFinding.objects.filter(
        region_code=stretch.region_code, found_on__range=(stretch.first, stretch.last)
    )
    told = [f"{row.found_on} {row.text}：{row.get_state_display()}" for row in rows]
    return sum(1 for row in rows if row.state == InspectionFinding.State.CLOSED), len(told), told


_COUNTED: dict[str, Callable[[Stretch], tuple[int, int, list[str]]]] = {
    "presence": _presence,
    "households": _households,
    "diary": _diary,
    "findings": _findings,
}
