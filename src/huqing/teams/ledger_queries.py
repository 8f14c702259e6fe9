"""What the ledger tells: gaps and loads by place, the history of a household and of a person, a handover's list."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Substr
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.access.scope import code_range, visible
from huqing.registry.models import Grid, Household, Region
from huqing.standards.codelists import codelist
from huqing.teams.models import Handover, Posting, Responsibility, Staff

if TYPE_CHECKING:
    from huqing.access.models import User

GRID_WORKER = "grid_worker"
HELPERS = ("helper", "key_helper", "linked")
MONITORED = ("monitor", "monitor_unstable", "monitor_marginal", "monitor_sudden")
GOALS = ("staff", "staff__unit", "household", "person", "grid", "village")


@dataclass(frozen=True)
class Gap:
    """The households of a place (a town's or village's digits), and how many of them have nobody in the role."""

    place: str
    households: int
    nobody: int


def today() -> dt.date:
    """The day the ledger is read for."""
    return working_day(timezone.localdate())


def holding(lines: QuerySet[Responsibility], day: dt.date) -> QuerySet[Responsibility]:
    """The lines that hold on a day."""
    return lines.filter(since__lte=day).filter(Q(until=None) | Q(until__gte=day))


def covered_by(role: str, day: dt.date) -> Q:
    """The households somebody is responsible for in a role ("" for any), directly or by their grid or village."""
    lines = holding(Responsibility.objects.all(), day)
    if role:
        lines = lines.filter(role=role)
    return (
        Q(pk__in=lines.exclude(household=None).values("household"))
        | Q(grid__in=lines.exclude(grid=None).values("grid"))
        | Q(village__in=lines.exclude(village=None).values("village"))
    )


def households_seen(user: User, *, region: str = "", label: str = "") -> QuerySet[Household]:
    """The active households an account may see, perhaps of one place and with one label now."""
    day = today()
    rows = visible(Household.objects.filter(status=Household.Status.ACTIVE), user)
    if region:
        rows = rows.filter(code_range(region))
    if label:
        now = Q(labels__valid_to=None) | Q(labels__valid_to__gte=day)
        rows = rows.filter(
            pk__in=Household.objects.filter(now, labels__kind=label, labels__valid_from__lte=day).values("pk")
        )
    return rows


def gaps(user: User, *, role: str = "", region: str = "", label: str = "") -> list[Gap]:
    """Town by town (village by village in a town): how many households have nobody in the role."""
    prefix = region or user.region_code
    digits = 9 if len(prefix) < 9 else 12
    rows = households_seen(user, region=region, label=label)
    found = (
        rows.order_by()
        .values(place=Substr("region_code", 1, digits))
        .annotate(total=Count("pk"), covered=Count("pk", filter=covered_by(role, today())))
    )
    return [Gap(row["place"], row["total"], row["total"] - row["covered"]) for row in found.order_by("place")]


def left_alone(user: User, *, role: str = "", region: str = "", label: str = "") -> QuerySet[Household]:
    """The households behind the gaps."""
    rows = households_seen(user, region=region, label=label)
    lines = holding(Responsibility.objects.all(), today())
    if role:
        lines = lines.filter(role=role)
    # Three plain lists to look into; asked as one condition a database would go through them for every household.
    rows = rows.exclude(pk__in=lines.exclude(household=None).values("household"))
    rows = rows.exclude(grid__in=lines.exclude(grid=None).values("grid"))
    rows = rows.exclude(village__in=lines.exclude(village=None).values("village"))
    return rows.order_by("region_code", "number")


def without_grid(user: User, *, region: str = "", label: str = "") -> QuerySet[Household]:
    """The households that are in no grid."""
    return households_seen(user, region=region, label=label).filter(grid=None).order_by("region_code", "number")


def grids_alone(user: User, *, region: str = "") -> QuerySet[Grid]:
    """The grids nobody works in as grid worker, neither for the grid nor for its whole village."""
    lines = holding(Responsibility.objects.filter(role=GRID_WORKER), today())
    rows = visible(Grid.objects.select_related("village"), user)
    if region:
        rows = rows.filter(code_range(region))
    # A grid that was merged into another is empty and needs nobody.
    rows = rows.filter(
        pk__in=Household.objects.filter(status=Household.Status.ACTIVE).exclude(grid=None).values("grid")
    )
    rows = rows.exclude(pk__in=lines.exclude(grid=None).values("grid"))
    return rows.exclude(village__in=lines.exclude(village=None).values("village")).order_by("region_code", "number")


@dataclass(frozen=True)
class GapCounts:
    """What is missing in an area: households with nobody at all, monitored ones without a helper, households in no
    grid, grids without a worker."""

    nobody: int
    helpless: int
    no_grid: int
    grids: int


def gap_counts(user: User) -> GapCounts:
    """The gaps of an account's area. This and ``gaps`` are the only places that say what counts as being looked after:
    a line of the ledger with a name in it; that an account exists is not enough."""
    return GapCounts(
        left_alone(user).count(), helpless(user).count(), without_grid(user).count(), grids_alone(user).count()
    )


def helpless(user: User, *, region: str = "") -> QuerySet[Household]:
    """The monitored households nobody is responsible for as helper."""
    day = today()
    lines = holding(Responsibility.objects.filter(role__in=HELPERS), day).exclude(household=None)
    now = Q(labels__valid_to=None) | Q(labels__valid_to__gte=day)
    listed = Household.objects.filter(now, labels__kind__in=MONITORED, labels__valid_from__lte=day).values("pk")
    rows = households_seen(user, region=region).filter(pk__in=listed).exclude(pk__in=lines.values("household"))
    return rows.order_by("region_code", "number")


def loads(user: User, *, role: str = "", at_least: int = 0) -> QuerySet[Staff]:
    """Who is responsible for how many active households by name, most first; only lines the account may see count."""
    named = Responsibility.objects.filter(household__status=Household.Status.ACTIVE)
    lines = visible(holding(named, today()), user)
    if role:
        lines = lines.filter(role=role)
    return (
        Staff.objects.filter(responsibilities__in=lines)
        .annotate(held=Count("responsibilities__household", distinct=True, filter=Q(responsibilities__in=lines)))
        .filter(held__gte=at_least)
        .select_related("unit")
        .order_by("-held", "pk")
    )


def of_household(household: Household, user: User) -> QuerySet[Responsibility]:
    """Every line about a household, its people, its grid and village, those that hold first, then newest first."""
    about = Q(household=household)
    if household.grid_id is not None:
        about |= Q(grid=household.grid_id)
    about |= Q(village=household.village_id)
    lines = visible(Responsibility.objects.filter(about), user)
    return lines.select_related(*GOALS, "stands_in_for__staff", "successor").order_by("-since", "-pk")


def of_staff(staff: Staff, user: User) -> QuerySet[Responsibility]:
    """Every line of a person that the account may see, by place."""
    lines = visible(Responsibility.objects.filter(staff=staff), user)
    return lines.select_related(*GOALS, "stands_in_for__staff", "successor").order_by(
        "region_code", "household__number", "-since", "pk"
    )


def postings_of(staff: Staff) -> QuerySet[Posting]:
    """Where somebody worked, newest first."""
    return staff.postings.select_related("unit").order_by("-since", "-pk")


def handovers_seen(user: User) -> QuerySet[Handover]:
    """The handovers with lines an account may see, newest first."""
    lines = visible(Responsibility.objects.exclude(handover=None), user)
    return (
        Handover.objects.filter(pk__in=lines.values("handover"))
        .select_related("staff", "created_by")
        .annotate(count=Count("lines"))
        .order_by("-pk")
    )


def handed_over(handover: Handover, user: User) -> QuerySet[Responsibility]:
    """The lines of a handover's list in the order of receivers and places."""
    lines = visible(handover.lines.all(), user)
    return lines.select_related(*GOALS, "successor").order_by("successor", "region_code", "household__number", "pk")


def named_people(text: str, user: User) -> tuple[list[Staff], list[str]]:
    """The people a text names (姓名, 姓名（单位） or 人员编号, separated by 、 or lines), and what is wrong with it."""
    found: list[Staff] = []
    wrong: list[str] = []
    for said in (part.strip() for part in re.split(r"[、,，;；\n]+", text)):
        if not said:
            continue
        name, _, unit = said.replace("(", "（").rstrip(")）").partition("（")
        people = visible(Staff.objects.filter(left_on=None), user).select_related("unit")
        same = list(
            people.filter(Q(number=said) | Q(name=name, unit__name=unit) if unit else Q(number=said) | Q(name=said))[:5]
        )
        if len(same) == 1:
            found.append(same[0])
        elif same:
            listed = "、".join(
                f"{one.name}（{one.unit.name if one.unit else one.number or '未填单位'}）" for one in same
            )
            wrong.append(f"有几个人叫“{name}”：{listed}。请写成“姓名（单位）”或人员编号。")
        else:
            wrong.append(f"没有找到“{said}”。请写在任人员的姓名、“姓名（单位）”或人员编号。")
    return list(dict.fromkeys(found)), wrong


@dataclass(frozen=True)
class Contact:
    """Somebody on a village's page: who, in which roles, for what, and for how many households by name."""

    staff: Staff
    roles: tuple[str, ...]
    goals: tuple[str, ...]
    households: int


def contacts(village: Region, user: User) -> list[Contact]:
    """Everybody responsible in a village, those of the whole village first, then of grids, then of households."""
    lines = visible(holding(Responsibility.objects.filter(region_code=village.code), today()), user)
    found: dict[int, list[Responsibility]] = defaultdict(list)
    lines = lines.filter(Q(household=None) | Q(household__status=Household.Status.ACTIVE))
    for line in lines.select_related("staff__unit", "grid").order_by("staff__name", "pk"):
        found[line.staff_id].append(line)
    names = codelist("duty_role")
    told = []
    for own in found.values():
        goals = ["全村"] if any(line.village_id for line in own) else []
        goals += [line.grid.name for line in own if line.grid is not None]
        roles = tuple(dict.fromkeys(names.label(line.role) for line in own))
        told.append(
            Contact(own[0].staff, roles, tuple(goals), len({line.household_id for line in own if line.household_id}))
        )
    return sorted(told, key=lambda one: (one.goals[:1] != ("全村",), not one.goals, one.staff.name))
