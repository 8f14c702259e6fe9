"""The calendar of visits: what is due to one account and when, to one household, and how towns keep the cadence.

The report counts visits by place and kind. It names nobody who makes them: it is there to see where help is short.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Substr
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.access.prepared import prepared
from huqing.access.scope import CODE_LENGTH, code_range, prefix_of
from huqing.packs.manifest import Visit
from huqing.registry.models import Household, Person, Region
from huqing.teams.queries import Duties, duties_by_place, households_of, villages_of
from huqing.visits.methods import InUse, in_use
from huqing.visits.models import VisitTask

if TYPE_CHECKING:
    from huqing.access.models import User

TOWN_DIGITS = 9
OVERDUE, WEEK, MONTH, LATER = "overdue", "week", "month", "later"
WORDS = {OVERDUE: "已逾期", WEEK: "本周到期", MONTH: "本月到期", LATER: "以后"}


@dataclass(frozen=True)
class Due:
    """One visit that is due: the task with its household, person and village read along, and what the method says."""

    task: VisitTask
    method: InUse
    visit: Visit
    group: str
    when: str
    days: int

    @property
    def title(self) -> str:
        """The visit, and whom it is about."""
        return f"{self.visit.title}（{self.task.person.name}）" if self.task.person else self.visit.title

    @property
    def actor(self) -> str:
        """Who makes it, in the method's words."""
        return self.method.told.actor(self.visit.actor)

    @property
    def words(self) -> str:
        """When, in words: 逾期 3 天, 今天到期, 还有 12 天."""
        if self.days < 0:
            return f"逾期 {-self.days} 天"
        return f"还有 {self.days} 天" if self.days else "今天到期"


@dataclass
class Calendar:
    """What is due, the most urgent first, and by when: overdue, this week, this month, later."""

    day: dt.date
    due: list[Due] = field(default_factory=list)

    def of(self, when: str) -> list[Due]:
        """Those of one stretch of time: overdue, week, month or later."""
        return [item for item in self.due if item.when == when]

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each."""
        return {when: len(self.of(when)) for when in WORDS}


def due_for(user: User, *, on: dt.date | None = None, most: int = 5000) -> Calendar:
    """The visits an account answers for, the most urgent ``most`` of them: households, people and villages."""
    day = on or working_day(timezone.localdate())
    methods = in_use()
    duties = duties_by_place(user, on=day)
    households = households_of(user, on=day)
    villages = villages_of(user, on=day)
    if not duties.roles or not methods:
        return Calendar(day)
    mine = _open(methods).filter(Q(household__in=households.values("pk")) | Q(village__in=villages.values("pk")))
    told = (_due(row, methods, day) for row in _asked(mine, methods, duties)[:most])
    return Calendar(day, [item for item in told if item and _answers(item, duties)])


def of_household(household: Household, *, on: dt.date | None = None) -> list[Due]:
    """Every visit that is due to one household and its people, whoever makes it, the most urgent first."""
    day = on or working_day(timezone.localdate())
    methods = in_use()
    rows = _of_household(household.pk)
    people = Person.objects.in_bulk({row.person_id for row in rows} - {None}) if rows else {}
    for row in rows:
        row.household = household
        row.person = people.get(row.person_id)
    return [item for row in rows if (item := _due(row, methods, day))]


@prepared
def _of_household(household: int) -> QuerySet[VisitTask]:
    return VisitTask.objects.filter(household_id=household).exclude(due_on=None).order_by("due_on", "pk")


def _open(methods: Sequence[InUse]) -> QuerySet[VisitTask]:
    rows = VisitTask.objects.filter(method__in=[item.row for item in methods]).exclude(due_on=None)
    around = rows.select_related("household", "household__village", "person", "village")
    # The whole file of each is not what a calendar shows.
    return around.defer("household__items", "person__items").order_by("due_on", "pk")


def _asked(rows: QuerySet[VisitTask], methods: Sequence[InUse], duties: Duties) -> QuerySet[VisitTask]:
    """Only the visits that any role of the account makes at all: cheap to tell in the database."""
    wanted = Q(pk__in=[])
    for item in methods:
        keys = [v.key for v in item.told.visits if not item.roles(v.actor) or item.roles(v.actor) & duties.roles]
        wanted |= Q(method=item.row, visit__in=keys)
    return rows.filter(wanted)


def _answers(item: Due, duties: Duties) -> bool:
    task = item.task
    if task.village is not None:
        roles = duties.towards_village(task.village.pk, task.village.code)
    else:
        roles = duties.towards(task.household, task.person_id) if task.household else set()
    wanted = item.method.roles(item.visit.actor)
    return bool(roles & wanted if wanted else roles)


def _due(task: VisitTask, methods: Sequence[InUse], day: dt.date) -> Due | None:
    method = next((item for item in methods if item.row.pk == task.method_id), None)
    visit = next((one for one in method.told.visits if one.key == task.visit), None) if method else None
    if method is None or visit is None or task.due_on is None:
        return None
    group = next((one.title for one in method.told.key_groups if one.key == task.group), "")
    return Due(task, method, visit, group, when(task.due_on, day), (task.due_on - day).days)


def when(due: dt.date, day: dt.date) -> str:
    """Overdue, this week (to Sunday), this month, or later."""
    if due < day:
        return OVERDUE
    if due <= day + dt.timedelta(6 - day.weekday()):
        return WEEK
    return MONTH if (due.year, due.month) == (day.year, day.month) else LATER


@dataclass
class Kept:
    """How the cadence of one visit is kept in one place.

    ``due``: subjects the visit is due to. ``in_time``: visited, and the next one not due yet. ``overdue``: the last day
    has passed. ``waiting``: never visited, the first deadline still to come. ``share``: in time, of those that could
    have been visited (without the waiting ones), per cent; None if there are none.
    """

    place: str
    code: str
    method: str
    visit: str
    title: str
    kind: str
    due: int = 0
    in_time: int = 0
    overdue: int = 0
    waiting: int = 0

    @property
    def share(self) -> float | None:
        """Per cent kept, with one decimal."""
        judged = self.in_time + self.overdue
        return round(100 * self.in_time / judged, 1) if judged else None


def cadence(user: User, *, method: str = "", region: str = "", on: dt.date | None = None) -> list[Kept]:
    """How the cadence is kept, by place and visit, in the region of the account (or ``region`` inside it).

    A county is told by town, a town by village. No one who visits is named or counted.
    """
    day = on or working_day(timezone.localdate())
    methods = {item.row.pk: item for item in in_use(method)}
    rows = VisitTask.objects.visible_to(user).filter(method__in=list(methods)).exclude(due_on=None)
    inside = prefix_of(region) if region else prefix_of(user.region_code) if user.region_code else ""
    rows = rows.filter(code_range(region)) if region else rows
    digits = TOWN_DIGITS if len(inside) < TOWN_DIGITS else CODE_LENGTH
    counted = (
        rows.order_by()
        .annotate(place=Substr("region_code", 1, digits))
        .values("place", "method", "visit")
        .annotate(
            due=Count("pk"),
            overdue=Count("pk", filter=Q(due_on__lt=day)),
            in_time=Count("pk", filter=Q(due_on__gte=day, last_on__isnull=False)),
        )
    )
    found = list(counted)
    names = _names({row["place"] for row in found})
    told = [item for row in found if (item := _kept(row, methods, names))]
    order = {(item.row.key, visit.key): place for place, (item, visit) in enumerate(_visits(methods.values()))}
    return sorted(told, key=lambda item: (item.code, order[item.method, item.visit]))


def total(rows: Iterable[Kept]) -> list[Kept]:
    """The same for all places together, one row per visit."""
    sums: dict[tuple[str, str], Kept] = {}
    for row in rows:
        one = sums.setdefault((row.method, row.visit), Kept("合计", "", row.method, row.visit, row.title, row.kind))
        for name in ("due", "in_time", "overdue", "waiting"):
            setattr(one, name, getattr(one, name) + getattr(row, name))
    return list(sums.values())


def by_place(rows: Iterable[Kept]) -> dict[str, list[Kept]]:
    """The rows of each place under its name, in order."""
    found: dict[str, list[Kept]] = defaultdict(list)
    for row in rows:
        found[row.place].append(row)
    return dict(found)


def _visits(methods: Iterable[InUse]) -> Iterable[tuple[InUse, Visit]]:
    return ((item, visit) for item in methods for visit in item.told.visits)


def _kept(row: dict[str, object], methods: dict[int, InUse], names: dict[str, str]) -> Kept | None:
    item = methods[int(str(row["method"]))]
    visit = next((one for one in item.told.visits if one.key == row["visit"]), None)
    if visit is None:
        return None
    code = str(row["place"])
    made = Kept(names.get(code, code), code, item.row.key, visit.key, visit.title, visit.visit_kind)
    made.due, made.in_time, made.overdue = int(str(row["due"])), int(str(row["in_time"])), int(str(row["overdue"]))
    made.waiting = made.due - made.in_time - made.overdue
    return made


def _names(codes: Iterable[str]) -> dict[str, str]:
    """Names by significant code; some tables write a town as 9 digits, some as 12."""
    wanted = {code.ljust(length, "0"): code for code in codes for length in (len(code), CODE_LENGTH)}
    rows = Region.objects.filter(code__in=wanted, valid_to=None).values_list("code", "name")
    return {wanted[code]: name for code, name in rows}
