"""Refreshing the visits that are due in the background: after a screening, after a method was put to use, every day."""

from __future__ import annotations

import datetime as dt
import logging

from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone
from django_tasks import task

from huqing.access.instance import working_day
from huqing.access.models import User
from huqing.access.permissions import may
from huqing.access.scope import code_range
from huqing.screening.schedule import counties
from huqing.visits import prepared, stamps
from huqing.visits.lists import prepare as prepare_lists
from huqing.visits.models import AccessLink, Method, VisitTask
from huqing.visits.packet import packet_for
from huqing.visits.refreshing import NotScreened, refresh

# The nightly screening comes first and refreshes by itself; this catches the days on which it did not.
REFRESH_AT = dt.time(5)
DAYS_KEPT = 2 * 24 * 3600  # seconds
COUNTY_DIGITS = 6
PHONES_AT_ONCE = 50
# A phone that has not been heard of for so long may wait a moment when it comes back.
UNUSED = dt.timedelta(days=30)

logger = logging.getLogger(__name__)


@task()
def refresh_tasks(region: str) -> int:
    """Bring the tasks of a county up to date; returns how many subjects are due to a visit."""
    try:
        return refresh(region).due
    except NotScreened as reason:
        logger.info("%s", reason)
        return 0
    finally:
        if stamps.supported():
            prepare_phones.enqueue(region)


@task()
def prepare_phone(account: int) -> None:
    """Have ready what a person's phone will ask for."""
    for user in User.objects.filter(pk=account):
        prepare(user)


@task()
def prepare_phones(region: str, after: int = 0) -> int:
    """The same for everybody of a county who has a phone, some at a time so that other tasks get their turn."""
    everybody = User.objects.filter(code_range(region[:COUNTY_DIGITS]), pk__gt=after)
    lately = timezone.now() - UNUSED
    heard_of = Q(used_on__gte=timezone.localdate(lately)) | Q(used_on=None, created_at__gte=lately)
    open_links = AccessLink.objects.filter(heard_of, revoked_at=None)
    some = list(everybody.filter(pk__in=open_links.values("user")).order_by("pk")[:PHONES_AT_ONCE])
    for user in some:
        prepare(user)
    if len(some) == PHONES_AT_ONCE:
        prepare_phones.enqueue(region, some[-1].pk)
    else:
        prepared.sweep()
    return len(some)


def prepare(user: User) -> None:
    """Work out what the person's phone will ask for, and keep it where the database tells how long it holds."""
    if stamps.supported() and may(user, "visit"):
        packet_for(user)
        prepare_lists(user)


def refresh_soon(region: str = "") -> list[str]:
    """Have a county, or every county with households, refreshed in the background; returns which."""
    wanted = [region] if region else counties()
    if not (Method.objects.filter(active=True).exists() or VisitTask.objects.exists()):
        return []
    for county in wanted:
        refresh_tasks.enqueue(county)
    return wanted


def enqueue_due(now: dt.datetime) -> list[str]:
    """Once a day after ``REFRESH_AT`` have every county refreshed; ``now`` is local time."""
    if now.time() < REFRESH_AT:
        return []
    today = working_day(timezone.localdate(now))
    if not cache.add(f"visits.refreshed.{now:%Y-%m-%d}.{today}", True, DAYS_KEPT):
        return []
    return refresh_soon()
