"""When a screening is due: every night, and once after imports have settled."""

from __future__ import annotations

from datetime import datetime, time

from django.conf import settings

from huqing.access.instance import working_day
from huqing.registry.models import Household, Region
from huqing.screening.models import Run
from huqing.screening.tasks import screen

COUNTY_DIGITS = 6


def counties() -> list[str]:
    """The 6-digit codes of the counties that hold households."""
    codes = Region.objects.filter(level=Region.Level.COUNTY, valid_to=None).values_list("code", flat=True)
    return [
        code[:COUNTY_DIGITS]
        for code in codes
        if Household.objects.filter(
            region_code__gte=code[:COUNTY_DIGITS], region_code__lt=f"{code[:COUNTY_DIGITS]}~"
        ).exists()
    ]


def enqueue_due(now: datetime) -> list[str]:
    """Enqueue the nightly screening of each county that has had none today; returns the counties enqueued.

    ``now`` is local time. A county that was screened today by hand or after an import is not screened again.
    """
    if now.time() < time.fromisoformat(settings.SCREEN_AT):
        return []
    today = working_day(now.date())
    due = []
    for region in counties():
        if Run.objects.filter(region_code=region, as_of=today).exists() or queued(region):
            continue
        screen.enqueue(region, today.isoformat(), Run.Trigger.SCHEDULED.value)
        due.append(region)
    return due


def enqueue_after_import(region: str, today: str) -> bool:
    """Enqueue a screening after an import unless one already waits; returns whether it did."""
    if queued(region):
        return False
    screen.enqueue(region, today, Run.Trigger.IMPORT.value)
    return True


def queued(region: str) -> bool:
    """Whether a screening of ``region`` waits to be run."""
    if settings.TASKS["default"]["BACKEND"] != "django_tasks_db.DatabaseBackend":
        return False
    from django_tasks_db.models import DBTaskResult

    waiting = DBTaskResult.objects.ready().filter(task_path=screen.module_path)
    return any(result.args_kwargs["args"][0] == region for result in waiting)
