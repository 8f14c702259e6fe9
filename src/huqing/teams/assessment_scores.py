"""The parts of an assessment: each a share of its weight, with the records behind the number.

Everybody of an assessment is counted together: a county has thousands of paired cadres.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Q

from huqing.packs.manifest import MEASURES, AssessedItem, Method, Visit
from huqing.registry.models import DepartmentRecord, Household
from huqing.rules.library import library
from huqing.teams.assessment_spans import months_of, spans_of
from huqing.teams.models import InspectionFinding, PresenceDay, Responsibility, Staff, TeamNote
from huqing.teams.presence import HERE, OVERTIME, RESIDENT, TRIP

VISIT = "home_visit"
CHUNK = 900
SEPARATORS = str.maketrans(dict.fromkeys("，,;；/ 　", "、"))


@dataclass(frozen=True)
class Stretch:
    """Whose work is looked at, from which day to which; ``posts`` are the villages of a resident with their days."""

    staff: Staff
    first: dt.date
    last: dt.date
    region_code: str
    posts: tuple[tuple[str, dt.date, dt.date], ...] = ()


@dataclass(frozen=True)
class Record:
    """One record behind a number; ``link`` says where to look: household:12, month:7:2024-06, finding:3."""

    text: str
    link: str = ""


@dataclass(frozen=True)
class Score:
    """One part of one person: done of all, points in hundredths (None: cannot be computed), and the records."""

    key: str
    title: str
    weight: int
    words: str
    done: int
    of: int
    points: int | None
    records: list[Record]


@dataclass
class Count:
    """Done of all with the records; ``known`` is false where the region has not laid down what is asked for."""

    done: int = 0
    of: int = 0
    records: list[Record] = field(default_factory=list)
    known: bool = True

    def add(self, done: bool, text: str, link: str = "") -> None:
        """One more that should be done, and whether it is."""
        self.of += 1
        self.done += done
        self.records.append(Record(text, link))


@dataclass(frozen=True)
class Asked:
    """What is counted: the part, the visit it names (None: any), and the roles whose households count (none: all)."""

    item: AssessedItem
    visit: Visit | None
    roles: tuple[str, ...]


def scores_of(
    people: Sequence[Stretch], method: Method, items: Iterable[AssessedItem], actor: str
) -> dict[int, list[dict[str, Any]]]:
    """All parts of everybody as plain data, by the ids of the staff."""
    roles = () if RESIDENT in method.duties_of(actor) else method.duties_of(actor)
    found: dict[int, list[dict[str, Any]]] = {one.staff.pk: [] for one in people}
    for item in items:
        visit = method.visit(item.visit) if item.visit else None
        counts = COUNTED[item.measure](people, Asked(item, visit, roles))
        for one in people:
            found[one.staff.pk].append(asdict(_score(item, counts[one.staff.pk])))
    return found


def _score(item: AssessedItem, count: Count) -> Score:
    """Points in proportion; with nothing to look at they cannot be computed, except where that is no fault."""
    points: int | None = None
    if not count.known:
        points = None
    elif count.of:
        # To the nearest hundredth of a point, halves up.
        points = (2 * item.weight * 100 * count.done + count.of) // (2 * count.of)
    elif item.measure == "findings_closed":
        points = item.weight * 100
    words = MEASURES[item.measure]
    return Score(item.key, item.title, item.weight, words, count.done, count.of, points, count.records)


def _full_months(people: Sequence[Stretch], asked: Asked) -> dict[int, Count]:
    found = {one.staff.pk: Count() for one in people}
    rows = PresenceDay.objects.filter(
        staff__in=list(found),
        day__range=_whole(people),
        state=PresenceDay.State.CONFIRMED,
        kind__in=(HERE, OVERTIME, TRIP),
    )
    counted = Counter((pk, day.replace(day=1)) for pk, day in rows.values_list("staff", "day").iterator())
    for one in people:
        count = found[one.staff.pk]
        for month in months_of(one.first, one.last):
            dated = library().parameters["presence_days"].at(month, one.region_code)
            days, link = counted[one.staff.pk, month], f"month:{one.staff.pk}:{month:%Y-%m}"
            if dated is None:
                count.known = False
                count.records.append(Record(f"{month:%Y年%m月} 计入 {days} 天；本县没有规定每月最少天数", link))
            else:
                least = int(dated.value)  # type: ignore[arg-type]
                count.add(days >= least, f"{month:%Y年%m月} 计入 {days} 天，至少 {least} 天", link)
    return found


def _diary(people: Sequence[Stretch], asked: Asked) -> dict[int, Count]:
    found = {one.staff.pk: Count() for one in people}
    rows = TeamNote.objects.filter(staff__in=list(found), kind=TeamNote.Kind.DIARY, on__range=_whole(people))
    written = Counter((pk, day.replace(day=1)) for pk, day in rows.values_list("staff", "on").iterator())
    for one in people:
        for month in months_of(one.first, one.last):
            number = written[one.staff.pk, month]
            text = f"{month:%Y年%m月} 日志 {number} 篇"
            found[one.staff.pk].add(number > 0, text, f"month:{one.staff.pk}:{month:%Y-%m}")
    return found


def _findings(people: Sequence[Stretch], asked: Asked) -> dict[int, Count]:
    found = {one.staff.pk: Count() for one in people}
    codes = {code for one in people for code, _, _ in one.posts}
    by_village: dict[str, list[InspectionFinding]] = defaultdict(list)
    for row in InspectionFinding.objects.filter(region_code__in=codes, found_on__range=_whole(people)).order_by("pk"):
        by_village[row.region_code].append(row)
    for one in people:
        for code, since, until in one.posts:
            for row in by_village[code]:
                if since <= row.found_on <= until:
                    closed = row.state == InspectionFinding.State.CLOSED
                    text = f"{row.found_on} {row.text}：{row.get_state_display()}"
                    found[one.staff.pk].add(closed, text, f"finding:{row.pk}")
    return found


def _households(people: Sequence[Stretch], asked: Asked) -> dict[int, Count]:
    found = {one.staff.pk: Count() for one in people}
    for one, household, since, until, visits in _own_visits(people, asked):
        days = [day for day in visits if since <= day <= until]
        told = "、".join(map(str, days)) if days else "没有本人的走访记录"
        found[one.staff.pk].add(bool(days), f"{household[1]}户（{household[2]}）{told}", f"household:{household[0]}")
    return found


def _on_time(people: Sequence[Stretch], asked: Asked) -> dict[int, Count]:
    if asked.visit is None:
        raise ValueError(f"{asked.item.key}: visits_on_time needs a visit")
    found = {one.staff.pk: Count() for one in people}
    for one, household, since, until, visits in _own_visits(people, asked):
        for start, end in spans_of(asked.visit.every, since, until):
            days = [day for day in visits if start <= day <= end]
            told = "、".join(map(str, days)) if days else "没有本人的走访记录"
            text = f"{household[1]}户（{household[2]}）{start} 至 {end}：{told}"
            found[one.staff.pk].add(bool(days), text, f"household:{household[0]}")
    return found


COUNTED: Mapping[str, Callable[[Sequence[Stretch], Asked], dict[int, Count]]] = {
    "full_months": _full_months,
    "diary_months": _diary,
    "findings_closed": _findings,
    "households_visited": _households,
    "visits_on_time": _on_time,
}


Visits = dict[int, list[tuple[dt.date, set[str]]]]
Visited = tuple[Stretch, tuple[int, str, str], dt.date, dt.date, list[dt.date]]


def _own_visits(people: Sequence[Stretch], asked: Asked) -> list[Visited]:
    """Every person's households with the days they answered for them and the days of their own visits."""
    first, last = _whole(people)
    by_pk = {one.staff.pk: one for one in people}
    lines = Responsibility.objects.filter(
        Q(until=None) | Q(until__gte=first),
        staff__in=list(by_pk),
        since__lte=last,
        household__status=Household.Status.ACTIVE,
    )
    if asked.roles:
        lines = lines.filter(role__in=asked.roles)
    names = ("staff", "household", "household__head_name", "household__number", "since", "until")
    mine: dict[tuple[int, int], tuple[tuple[int, str, str], dt.date, dt.date]] = {}
    for pk, household, head, number, since, until in lines.order_by("household__number", "pk").values_list(*names):
        one = by_pk[pk]
        begin, end = max(one.first, since), min(one.last, until or one.last)
        if begin > end:
            continue
        known = mine.get((pk, household))
        if known:
            begin, end = min(begin, known[1]), max(end, known[2])
        mine[pk, household] = ((household, head, number), begin, end)
    visits = _visits({household for _, household in mine}, first, last, asked.visit.visit_kind if asked.visit else "")
    told: list[Visited] = []
    for (pk, household), (shown, begin, end) in mine.items():
        one = by_pk[pk]
        names_of = {one.staff.name, one.staff.user.display_name if one.staff.user else one.staff.name}
        own = sorted({day for day, visitors in visits[household] if visitors & names_of})
        told.append((one, shown, begin, end, own))
    return told


def _visits(
    households: set[int], first: dt.date, last: dt.date, kind: str
) -> dict[int, list[tuple[dt.date, set[str]]]]:
    """The visits of households by day with the names of who came; of one kind, where that is asked for."""
    found: Visits = defaultdict(list)
    wanted = sorted(households)
    for start in range(0, len(wanted), CHUNK):
        rows = DepartmentRecord.objects.filter(
            kind=VISIT, household__in=wanted[start : start + CHUNK], on__range=(first, last), retired_by=None
        )
        for household, on, items in rows.values_list("household", "on", "items").iterator():
            if household is not None and on is not None and (not kind or str(items.get("visit_kind", "")) == kind):
                visitors = {name.strip() for name in str(items.get("visitor") or "").translate(SEPARATORS).split("、")}
                found[household].append((on, visitors))
    return found


def _whole(people: Sequence[Stretch]) -> tuple[dt.date, dt.date]:
    return min(one.first for one in people), max(one.last for one in people)
