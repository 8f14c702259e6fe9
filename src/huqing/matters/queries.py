"""Reading matters: the board, what is late, what one may do next, the public list, monthly figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Substr

from huqing.access.calendar import workdays
from huqing.access.models import Role
from huqing.access.permissions import Refused, may
from huqing.access.procedures import NEVER
from huqing.access.scope import ScopedQuerySet, code_range, visible
from huqing.matters import actions
from huqing.matters.errors import MatterError
from huqing.matters.models import Matter, MatterStep
from huqing.matters.procedure import procedure_of
from huqing.packs.procedures import Move

if TYPE_CHECKING:
    from huqing.access.models import User

SOON = 2  # working days
# They see households' rows only; what they raised of the village itself they would not see again.
ONLY_OWN = (Role.GRID, Role.VISITOR)
MOST = 2_000
PUBLIC_ROWS = 50
TOWN_DIGITS, COUNTY_DIGITS = 9, 6
# Rectification items share keys of states with villagers' matters; the board keeps them apart.
RECTIFY = "rectify_"
ORDER = ("raised", "discussing", "agreed", "doing", "done", "shown", "answered")
RELATED = ("state", "village", "household", "handler", "unit", "procedure", "finding", "raised_by", "note")


@dataclass(frozen=True)
class Wanted:
    """The filters of the list."""

    state: str = ""
    kind: str = ""
    channel: str = ""
    region: str = ""
    late: bool = False
    mine: bool = False
    closed: bool = False


def seen(user: User) -> QuerySet[Matter]:
    """What an account sees: its area's, what was given to the person, and what the person raised in the area."""
    rows: ScopedQuerySet[Matter] = Matter.objects.all()
    if not user.is_active:
        return rows.none()
    own = Q(handler__user=user.pk)
    if user.role in ONLY_OWN:
        own |= Q(raised_by=user.pk) & code_range(user.region_code)
    # Mostly none: the condition then stays one range of codes, which a database reads thirty times as fast.
    beyond = list(rows.filter(own).exclude(pk__in=visible(rows, user).values("pk")).values_list("pk", flat=True)[:MOST])
    return visible(rows, user) | rows.filter(pk__in=beyond) if beyond else visible(rows, user)


def listed(user: User, wanted: Wanted, day: dt.date) -> QuerySet[Matter]:
    """The matters the filters leave; open ones unless closed ones are asked for."""
    found = seen(user).filter(closed_on__isnull=not wanted.closed)
    if wanted.state:
        rectified = wanted.state.startswith(RECTIFY)
        found = found.filter(state__key=wanted.state.removeprefix(RECTIFY), finding__isnull=not rectified)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.channel:
        found = found.filter(channel=wanted.channel)
    if wanted.region:
        found = found.filter(code_range(wanted.region))
    if wanted.late:
        found = found.filter(due_on__lt=day)
    if wanted.mine:
        found = found.filter(waiting_for(user, day))
    return found


def waiting_for(user: User, day: dt.date) -> Q:
    """What waits for the person: of the own level, given to them, or late so long that the level is told."""
    own = Q(handler__user=user.pk, state__key="doing")
    if not may(user, "handle_matters"):
        return own
    level = Q(level=user.role, finding=None, state__kind__in=("start", "open"))
    return own | level | told_to(user.role, day) | _rectification(user.role)


def told_to(role: str, day: dt.date) -> Q:
    """What is late on a lower level and told to this one: at once to the state's ``late``, later to the county."""
    late = Q(late_role=role, due_on__lt=day) & ~Q(level=role)
    return late | Q(higher_on__lt=day) if role == Role.COUNTY else late


def _rectification(role: str) -> Q:
    """Rectification items: village and town put right, the county looks again."""
    states = {Role.COUNTY: ("done",)}.get(Role(role), ("open",))
    return Q(finding__isnull=False, state__key__in=states)


@dataclass(frozen=True)
class Mine:
    """What of the open matters concerns one person."""

    waiting: int
    late: int
    told: int
    handed: int


def mine(user: User, day: dt.date) -> Mine:
    """How many open matters wait for the person, are late among these, are told as late, were given to the person."""
    handed = Matter.objects.filter(handler__user=user.pk, state__key="doing", closed_on=None).count()
    if not may(user, "handle_matters"):
        return Mine(0, 0, 0, handed)
    rows: QuerySet[Matter] = visible(Matter.objects.filter(closed_on=None), user)
    own = Q(level=user.role, finding=None, state__kind__in=("start", "open"))
    numbers = rows.aggregate(
        waiting=Count("pk", filter=own),
        late=Count("pk", filter=own & Q(due_on__lt=day)),
        told=Count("pk", filter=told_to(user.role, day)),
    )
    return Mine(**numbers, handed=handed)


def by_state(user: User, day: dt.date) -> list[tuple[str, str, int, int]]:
    """The open matters by state in the procedure's order: key, title, how many, how many of these late."""
    rows = (
        seen(user)
        .filter(closed_on=None)
        .values_list("channel", "state__key", "state__title")
        .annotate(n=Count("pk"), late=Count("pk", filter=Q(due_on__lt=day)))
        .order_by()
    )
    found: dict[str, tuple[str, int, int]] = {}
    for channel, key, title, n, late in rows:
        rectified = channel == Matter.Channel.INSPECTION
        token, told = (f"{RECTIFY}{key}", f"整改：{title}") if rectified else (key, title)
        _, before, behind = found.get(token, (told, 0, 0))
        found[token] = (told, before + n, behind + late)
    ordered = sorted(found, key=lambda key: (ORDER.index(key) if key in ORDER else len(ORDER), key))
    return [(key, *found[key]) for key in ordered]


def find(user: User, pk: int) -> Matter | None:
    """One matter the account sees."""
    return seen(user).filter(pk=pk).select_related(*RELATED).distinct().first()


@dataclass(frozen=True)
class Next:
    """One step that may follow: what it lacks. ``barred``: not by this person at all."""

    move: Move
    lacking: tuple[str, ...] = ()
    barred: str = ""


def next_steps(matter: Matter, user: User, day: dt.date) -> list[Next]:
    """What people of the office may do next, the ordinary way first."""
    found = []
    for move in procedure_of(matter.procedure).moves_from(matter.state.key):
        if move.auto or move.by == ("raiser",):
            continue
        try:
            lacking = actions.obstacles(matter, move, by=user, day=day)
        except (Refused, MatterError) as error:
            found.append(Next(move, barred=str(error)))
        else:
            found.append(Next(move, tuple(lacking)))
    return found


def left(matter: Matter, day: dt.date) -> tuple[str, str]:
    """How much time is left in words, and its tone: late, soon or ""; ("", "") without a deadline."""
    due = matter.due_on
    if due == NEVER or matter.closed_on is not None:
        return "", ""
    if due == day:
        return "今天截止", "soon"
    days = workdays().between(day, due)
    if due < day:
        return f"已超期 {max(1, -days)} 个工作日", "late"
    return (f"还有 {days} 个工作日" if days else "非工作日后截止"), "soon" if days <= SOON else ""


def public_of(village_code: str) -> Sequence[Matter]:
    """What everybody sees of a village: the approved texts only, the newest first."""
    rows = Matter.objects.filter(village__code=village_code).exclude(published_at=None)
    return list(
        rows.only("kind", "public_problem", "public_result", "published_at", "rating", "raised_on").order_by(
            "-published_at", "-pk"
        )[:PUBLIC_ROWS]
    )


@dataclass(frozen=True)
class Figures:
    """What was raised in a month in one place or of one kind, and what became of it."""

    name: str
    raised: int
    answered: int
    open: int
    late: int
    good: int
    fair: int
    bad: int
    unrated: int


def figures(user: User, first: dt.date, last: dt.date, *, by: str, day: dt.date) -> list[Figures]:
    """The matters raised from ``first`` to ``last`` ``by`` "kind" or "place" (town; village below a town).

    Late are those with a step that was, and those that are on ``day``.
    """
    digits = TOWN_DIGITS if len(user.region_code) <= COUNTY_DIGITS else 12
    ever_late = MatterStep.objects.filter(matter=OuterRef("pk"), late_by__gt=0)
    rows = visible(Matter.objects.filter(raised_on__range=(first, last), finding=None), user)
    key = {"kind": "kind", "place": "place"}[by]
    counted = (
        rows.annotate(place=Substr("village__code", 1, digits), was_late=Exists(ever_late))
        .order_by()
        .values(key)
        .annotate(
            raised=Count("pk"),
            answered=Count("pk", filter=~Q(answer="")),
            open=Count("pk", filter=Q(closed_on=None)),
            late=Count("pk", filter=Q(was_late=True) | Q(due_on__lt=day, closed_on=None)),
            good=Count("pk", filter=Q(rating="good")),
            fair=Count("pk", filter=Q(rating="fair")),
            bad=Count("pk", filter=Q(rating="bad")),
            unrated=Count("pk", filter=Q(rating="")),
        )
    )
    kinds = dict(Matter.Kind.choices)
    found = []
    for row in counted.order_by(key):
        name = row.pop(key)
        found.append(Figures(name=kinds.get(name, name) if by == "kind" else name, **row))
    return found
