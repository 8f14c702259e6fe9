"""Refreshing the visits that are due in the background: after a screening, after a method was put to use, every day."""

from __future__ import annotations

import datetime as dt
import logging

from django.core.cache import cache
from django.utils import timezone
from django_tasks import task

from huqing.access.instance import working_day
from huqing.screening.schedule import counties
from huqing.visits.models import Method, VisitTask
from huqing.visits.refreshing import NotScreened, refresh

# The nightly screening comes first and refreshes by itself; this catches the days on which it did not.
REFRESH_AT = dt.time(5)
DAYS_KEPT = 2 * 24 * 3600  # seconds

logger = logging.getLogger(__name__)


@task()
def refresh_tasks(region: str) -> int:
    """Bring the tasks of a county up to date; returns how many subjects are due to a visit."""
    try:
        return refresh(region).due
    except NotScreened as reason:
        logger.info("%s", reason)
        return 0


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
