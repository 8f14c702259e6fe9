"""Background work: checking, writing and undoing imports."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django_tasks import task

from huqing.access.models import User
from huqing.intake.errors import IntakeError
from huqing.intake.models import Import


def start(work: Any, intake: Import, by: User | None) -> None:
    """Put one of the tasks of this module on the queue."""
    work.enqueue(intake.pk, by.pk if by else None)


def waiting(intake: Import) -> str:
    """What of this import the background worker has before it, in words; "" when nothing.

    Checking and undoing leave the state as it is until the worker has begun.
    """
    if settings.TASKS["default"]["BACKEND"] != "django_tasks_db.DatabaseBackend":
        return ""
    from django_tasks.base import TaskResultStatus
    from django_tasks_db.models import DBTaskResult

    words = {check_import.module_path: "等待检查", undo_import.module_path: "等待撤销"}
    pending = [TaskResultStatus.READY, TaskResultStatus.RUNNING]
    for result in DBTaskResult.objects.filter(status__in=pending, task_path__in=words):
        if result.args_kwargs["args"][0] == intake.pk:
            return words[result.task_path]
    return ""


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
