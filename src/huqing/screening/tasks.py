"""Screening in the background."""

from __future__ import annotations

from datetime import date

from django_tasks import task

from huqing.access.models import User
from huqing.registry.models import Household
from huqing.screening import actions, simulation
from huqing.screening.models import Run


@task()
def screen(region: str, as_of: str, trigger: str, by: int | None = None) -> int:
    """Screen a county; returns the run's id."""
    user = User.objects.filter(pk=by).first() if by else None
    done = actions.run(by=user, region=region, as_of=date.fromisoformat(as_of), trigger=Run.Trigger(trigger))
    return done.pk


@task()
def recheck(household: int) -> None:
    """Check one household again."""
    found = Household.objects.filter(pk=household).first()
    if found is not None:
        actions.recheck(household=found)


@task()
def simulate(pk: int) -> None:
    """Compute a queued simulation."""
    simulation.perform(pk)
