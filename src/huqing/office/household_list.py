"""The list of households and its filters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from huqing.office import places
from huqing.registry.models import Household, Label
from huqing.screening.models import Alert

if TYPE_CHECKING:
    from huqing.access.models import User

COUNT_SECONDS = 300
# Below this many matches the list starts from the matches, above it from the households: whichever reads less.
FEW = 5_000
COUNTED_UP_TO = 1_000


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; empty texts mean everything."""

    region: str = ""
    group: str = ""
    label: str = ""
    finding: str = ""
    status: str = Household.Status.ACTIVE

    @property
    def narrowed(self) -> bool:
        """Whether more than a place was chosen, so that the cached counts do not answer how many there are."""
        return bool(self.group or self.label or self.finding or self.status != Household.Status.ACTIVE)


@dataclass(frozen=True)
class Row:
    """One household as the list shows it."""

    household: Household
    labels: list[str]
    alerts: int
    place: str
    updated: str


def households(user: User, filters: Filters, *, today: dt.date) -> QuerySet[Household]:
    """The households an account sees, narrowed."""
    rows = Household.objects.visible_to(user, within=filters.region).filter(status=filters.status)
    if filters.group:
        rows = rows.filter(group_name=filters.group)
    if filters.label:
        labelled = _labelled(filters.label, today)
        rows = _with(rows, labelled, few=_count(f"label.{filters.label}", labelled) < FEW)
    if filters.finding:
        alerts = Alert.objects.filter(finding=filters.finding, state=Alert.State.OPEN)
        rows = _with(rows, alerts, few=_count(f"finding.{filters.finding}", alerts) < FEW)
    return rows.only("number", "region_code", "group_name", "head_name", "member_count", "status", "grid", "updated_at")


def sortable(user: User, filters: Filters) -> bool:
    """Whether other orders than place and number are offered: within a town or village the rows are few enough."""
    return max(len(user.region_code), len(filters.region)) >= places.TOWN_DIGITS


def total(user: User, filters: Filters, rows: QuerySet[Household]) -> tuple[int, bool]:
    """How many there are and whether that is only a lower limit: from cached counts, or counted up to a limit."""
    prefix = filters.region if len(filters.region) > len(user.region_code) else user.region_code
    if not filters.narrowed and user.grid_id is None:
        return places.households_in(prefix), False
    counted = rows.order_by().values("pk")[: COUNTED_UP_TO + 1].count()
    return min(counted, COUNTED_UP_TO), counted > COUNTED_UP_TO


def rows(page: Iterable[Household], *, today: dt.date) -> list[Row]:
    """The labels and open alerts of one page of households, with two queries."""
    shown = list(page)
    keys = [household.pk for household in shown]
    labels: dict[int, list[str]] = {}
    # Members' labels are left out here, not in the query: SQLite would start from every label without a person.
    in_force = Label.objects.filter(household__in=keys).filter(_on(today)).order_by("valid_from", "id")
    for household, kind, person in in_force.values_list("household_id", "kind", "person_id"):
        if person is None and kind not in labels.setdefault(household, []):
            labels[household].append(kind)
    open_alerts = Alert.objects.filter(household__in=keys, state=Alert.State.OPEN)
    alerts = dict(open_alerts.values_list("household_id").annotate(n=Count("id")).order_by())
    return [
        Row(
            household,
            labels.get(household.pk, []),
            alerts.get(household.pk, 0),
            places.name_of(household.region_code),
            f"{timezone.localtime(household.updated_at):%Y-%m-%d}",
        )
        for household in shown
    ]


def groups(user: User, region: str) -> list[str]:
    """The groups (村民小组) of a village, to choose from."""
    if len(region) != places.VILLAGE_DIGITS:
        return []
    found = Household.objects.visible_to(user, within=region).exclude(group_name="")
    return sorted(found.values_list("group_name", flat=True).distinct(), key=lambda name: (len(name), name))


def _on(day: dt.date) -> Q:
    return Q(valid_from__lte=day) & (Q(valid_to=None) | Q(valid_to__gte=day))


def _labelled(kind: str, today: dt.date) -> QuerySet[Label]:
    return Label.objects.filter(_on(today), kind=kind)


def _with(rows: QuerySet[Household], matches: QuerySet[Label] | QuerySet[Alert], *, few: bool) -> QuerySet[Household]:
    if few:
        # Hidden from the planner: else it walks all households in list order and looks for the few.
        return rows.annotate(key=Coalesce(F("pk"), Value(0))).filter(pk__in=matches.values("household_id"))
    return rows.filter(Exists(matches.filter(household=OuterRef("pk"))))


def _count(key: str, matches: QuerySet[Label] | QuerySet[Alert]) -> int:
    name = f"office.count.{key}"
    known = cache.get(name)
    if known is None:
        known = matches.order_by().values("pk")[:FEW].count()
        cache.set(name, known, COUNT_SECONDS)
    return known
