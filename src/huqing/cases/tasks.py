"""Casework in the background."""

from __future__ import annotations

from django_tasks import task

from huqing.cases import batches


@task()
def work_off(pk: int) -> None:
    """Work a batch off."""
    batches.perform(pk)


def recover() -> int:
    """Queue the batches again that a killed worker left; how many."""
    left = list(batches.unfinished())
    for pk in left:
        work_off.enqueue(pk)
    return len(left)
