"""Background work: checking, writing and undoing imports."""

from __future__ import annotations

from typing import Any

from django_tasks import task

from huqing.access.models import User
from huqing.intake.errors import IntakeError
from huqing.intake.models import Import


def start(work: Any, intake: Import, by: User | None) -> None:
    """Put one of the tasks of this module on the queue."""
    work.enqueue(intake.pk, by.pk if by else None)


def _who(user_id: int | None) -> User | None:
    return User.objects.get(pk=user_id) if user_id else None


@task()
def check_import(intake_id: int, user_id: int | None) -> None:
    """Check an import; what went wrong is in its message."""
    from huqing.intake.applying import check_now

    _quietly(check_now, intake_id, user_id)


@task()
def apply_import(intake_id: int, user_id: int | None) -> None:
    """Write a queued import; one that is no longer queued is left alone (the task may come twice after a crash)."""
    from huqing.intake.applying import apply_now

    if Import.objects.filter(pk=intake_id, state=Import.State.QUEUED).exists():
        _quietly(apply_now, intake_id, user_id)


@task()
def undo_import(intake_id: int, user_id: int | None) -> None:
    """Undo an applied import; a refusal is in its message."""
    from huqing.intake.undoing import undo_now

    _quietly(undo_now, intake_id, user_id)


def _quietly(work: Any, intake_id: int, user_id: int | None) -> None:
    """Expected failures are told to the person in the import itself; they are no failure of the worker."""
    try:
        work(Import.objects.get(pk=intake_id), by=_who(user_id))
    except IntakeError:
        return
