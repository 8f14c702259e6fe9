"""What the pages read that no other app offers: counts for the home pages and lists with their filters."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Substr
from django.utils import timezone

from huqing.access import queries as access
from huqing.access.audit import action_name
from huqing.access.models import AuditEvent, Role, SignInFailure, User
from huqing.access.scope import code_range
from huqing.intake.models import Import, LinkCandidate
from huqing.office import places
from huqing.registry.models import Grid, Household, Region
from huqing.screening import queries as screening
from huqing.screening.models import Alert, Run

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

UNKNOWN_SECONDS = 600
IDLE = dt.timedelta(days=90)
WEEK = dt.timedelta(days=7)


def household_total(user: User | AnonymousUser) -> int:
    """How many active households the account sees; from cached counts where its scope is a region."""
    if user.role == Role.GRID:
        return Household.objects.visible_to(user).filter(status=Household.Status.ACTIVE).count()
    if not user.region_code or not Household.objects.visible_to(user)[:1].exists():
        return 0
    return places.households_in(user.region_code)


def open_by_place(user: User) -> dict[str, dict[str, int]]:
    """Open alerts by severity per town for a county account, per village below that: ``{code: {severity: n}}``."""
    digits = places.TOWN_DIGITS if len(user.region_code) <= places.COUNTY_DIGITS else places.VILLAGE_DIGITS
    rows = (
        Alert.objects.visible_to(user)
        .filter(state=Alert.State.OPEN)
        .annotate(place=Substr("region_code", 1, digits))
        .values_list("place", "severity")
        .annotate(n=Count("id"))
        .order_by("place")
    )
    counts: dict[str, dict[str, int]] = {}
    for place, severity, n in rows:
        counts.setdefault(place, {})[severity] = n
    return counts


def unknown_total(run: Run, user: User) -> int:
    """How many findings could not be judged in a run for what the account sees, because a value is missing."""
    key = f"office.unknown.{run.pk}.{user.role}.{user.region_code}.{user.grid_id}"
    total = cache.get(key)
    if total is None:
        total = sum(screening.unknown_counts(run, user).values())
        cache.set(key, total, UNKNOWN_SECONDS)
    return total


def open_links(user: User) -> int:
    """How many department rows wait for somebody to say whether they are about a person on the roster."""
    waiting = LinkCandidate.objects.visible_to(user).filter(state=LinkCandidate.State.OPEN)
    return waiting.values("record_id").distinct().count()


def imports_with_problems(user: User) -> int:
    """How many applied imports have rows that were refused."""
    applied = Import.objects.visible_to(user).filter(state=Import.State.APPLIED)
    return applied.filter(counts__refused__gt=0).count()


def recent_imports(user: User, most: int = 10) -> list[Import]:
    """The latest imports the account may see."""
    return list(Import.objects.visible_to(user).order_by("-id")[:most])


def account_numbers(now: dt.datetime) -> dict[str, Any]:
    """What the security administrator watches: locked, unused and never-changed accounts."""
    active = User.objects.filter(is_active=True)
    numbers: dict[str, Any] = active.aggregate(
        active=Count("id"),
        first_password=Count("id", filter=Q(must_change_password=True)),
        idle=Count("id", filter=Q(last_login__lt=now - IDLE)),
    )
    numbers["locked"] = locked_usernames(now).count()
    lines = [
        ("locked", "账号因连续输错被锁定", "核实是本人后解锁；不是本人请重置密码", "high", "state=locked"),
        ("first_password", "账号还在用初始密码", "提醒本人登录并改密码", "medium", "state=first"),
        ("idle", "账号超过 90 天没有登录", "不再使用的请停用", "low", "state=idle"),
    ]
    numbers["todo"] = [
        {"count": numbers[key], "text": text, "hint": hint, "dot": dot, "query": query}
        for key, text, hint, dot, query in lines
        if numbers[key]
    ]
    return numbers


def locked_usernames(now: dt.datetime) -> QuerySet[SignInFailure, str]:
    """The account names that are locked at the moment."""
    locked = SignInFailure.objects.filter(kind=SignInFailure.Kind.ACCOUNT, locked_until__gt=now)
    return locked.filter(key__in=User.objects.values("username")).values_list("key", flat=True)


def accounts(*, by: User, text: str, role: str, state: str, now: dt.datetime) -> QuerySet[User]:
    """Accounts narrowed by text, role and state (active, disabled, locked, first, idle)."""
    active = {"": None, "disabled": False}.get(state, True)
    found = access.users(by=by, text=text, role=role, active=active)
    if state == "locked":
        found = found.filter(is_locked=True)
    elif state == "first":
        found = found.filter(must_change_password=True)
    elif state == "idle":
        found = found.filter(last_login__lt=now - IDLE)
    return found


def audit_numbers(now: dt.datetime) -> dict[str, int]:
    """How busy the log is: today's events and the week's that an auditor asks about."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    week = AuditEvent.objects.filter(at__gte=now - WEEK)
    return {
        "today": AuditEvent.objects.filter(at__gte=midnight).count(),
        "shown": week.filter(action="show_sealed").count(),
        "failed": week.filter(action="sign_in_failed").count(),
        "exported": week.filter(action__startswith="export").count(),
    }


def recent_events(most: int = 15) -> list[AuditEvent]:
    """The latest events of the log, each with the Chinese name of its action."""
    return named(AuditEvent.objects.order_by("-id")[:most])


def named(events: Any) -> list[AuditEvent]:
    """Audit events as a list, each carrying the Chinese name of its action as ``action_label``."""
    shown = list(events)
    for event in shown:
        event.action_label = action_name(event.action)
    return shown


def system_numbers() -> dict[str, int]:
    """What the system administrator watches: places, grids, region changes and background tasks."""
    from django_tasks_db.models import DBTaskResult

    from huqing.registry.models import RegionChange

    in_force = Region.objects.filter(valid_to=None)
    tasks = DBTaskResult.objects
    return {
        "towns": in_force.filter(level=Region.Level.TOWN).count(),
        "villages": in_force.filter(level=Region.Level.VILLAGE).count(),
        "grids": Grid.objects.count(),
        "changes": RegionChange.objects.filter(state="open").count(),
        "tasks_waiting": tasks.filter(status="READY").count(),
        "tasks_running": tasks.filter(status="RUNNING").count(),
        "tasks_failed": tasks.filter(status="FAILED", finished_at__gte=timezone.now() - WEEK).count(),
    }


def regions_overview(user: User, prefix: str) -> list[dict[str, Any]]:
    """The places one level below ``prefix`` in the account's reach, with households and grids in each."""
    known = places.below(prefix)
    digits = places.TOWN_DIGITS if len(prefix) <= places.COUNTY_DIGITS else places.VILLAGE_DIGITS
    counts = places.household_counts(prefix)
    grids = dict(
        Grid.objects.filter(code_range(prefix))
        .annotate(place=Substr("region_code", 1, digits))
        .values_list("place")
        .annotate(n=Count("id"))
        .order_by()
    )
    return [
        {
            "place": place,
            "households": sum(n for village, n in counts.items() if village.startswith(code)),
            "villages": sum(1 for other in known if len(other) == places.VILLAGE_DIGITS and other.startswith(code)),
            "grids": grids.get(code, 0),
        }
        for code, place in known.items()
        if len(code) == digits and code.startswith(prefix)
    ]


def grids_of(village: str) -> QuerySet[Grid]:
    """The grids of a village with how many active households each has."""
    active = Count("households", filter=Q(households__status=Household.Status.ACTIVE))
    return Grid.objects.filter(region_code=village).annotate(household_count=active).order_by(F("number"))
