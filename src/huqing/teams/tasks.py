"""The ledger's work in the background."""

from __future__ import annotations

from django_tasks import task

from huqing.access.models import User
from huqing.teams import pairing_jobs


@task()
def pair(pk: int, by: int | None = None) -> None:
    """Compute or publish a pairing."""
    pairing_jobs.perform(pk, User.objects.filter(pk=by).first() if by else None)
