"""Comparing rosters in the background: once a month by itself, and when somebody asks for it."""

from __future__ import annotations

from datetime import datetime, time

from django.conf import settings
from django_tasks import task

from huqing.access.instance import working_day
from huqing.access.models import User
from huqing.rosters import differences
from huqing.rosters.models import RosterComparison
from huqing.screening.schedule import counties

# After the nightly screening, so that both do not read the whole county at once.
AFTER = time(4, 0)


@task()
def compare_rosters(region: str, by: int | None = None) -> int:
    """Compare a county's rosters; returns the comparison's id."""
    user = User.objects.filter(pk=by).first() if by else None
    return differences.run(region=region, by=user).pk


def enqueue_due(now: datetime) -> list[str]:
    """Enqueue this month's comparison of each county that has had none; ``now`` is local time."""
    if now.time() < AFTER:
        return []
    day = working_day(now.date())
    due = []
    for region in counties():
        done = RosterComparison.objects.filter(region_code=region, as_of__gte=day.replace(day=1)).exists()
        if not done and not queued(region):
            compare_rosters.enqueue(region)
            due.append(region)
    return due


def queued(region: str) -> bool:
    """Whether a comparison of a county waits or runs."""
    if settings.TASKS["default"]["BACKEND"] != "django_tasks_db.DatabaseBackend":
        return False
    from django_tasks_db.models import DBTaskResult

    waiting = DBTaskResult.objects.filter(task_path=compare_rosters.module_path, status__in=("READY", "RUNNING"))
    return any(result.args_kwargs["args"][0] == region for result in waiting)
