"""Pairings in the background: computed and published with visible progress, cancelled, found broken after a crash.

One works at a time, under a lock that goes with its process: whatever still counts as being worked on while nobody
holds the lock was broken off. Nothing of it is in the ledger then; the proposal says so and can be tried again.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access.locks import Busy, exclusive
from huqing.access.permissions import Refused
from huqing.teams import pairing_actions as actions
from huqing.teams.models import PairingProposal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from huqing.access.models import User

LOCK = "pairing"
S = PairingProposal.State
LONG = dt.timedelta(minutes=2)
BROKEN = "计算被中断（后台程序退出），台账没有变动。请重新计算。"
BROKEN_PUBLISHING = "发布被中断（后台程序退出），台账没有变动。请重新发布。"
UNEXPECTED = "计算时出错（{}），台账没有变动。请重新计算；还是不行，请把这句话告诉系统管理员。"


class Cancelled(Exception):
    """Somebody called it off while it was being computed."""


def propose(
    *,
    title: str,
    question: Mapping[str, Any],
    by: User,
    fixed: Sequence[actions.Wanted] = (),
    banned: Sequence[actions.Wanted] = (),
) -> PairingProposal:
    """Put a question in the queue and have it computed soon."""
    with transaction.atomic():
        proposal = actions.ask_for(title=title, question=question, by=by, fixed=fixed, banned=banned)
        _enqueue(proposal)
    return proposal


def again(*, proposal: PairingProposal, by: User) -> PairingProposal:
    """Compute a failed or cancelled proposal again, with the ledger as it is now."""
    with transaction.atomic():
        proposal = actions.move(proposal=proposal, state=S.QUEUED, by=by)
        _enqueue(proposal)
    return proposal


def publish(*, proposal: PairingProposal, on: dt.date, by: User) -> PairingProposal:
    """Have an accepted proposal written into the ledger soon."""
    with transaction.atomic():
        proposal = actions.ask_to_publish(proposal=proposal, on=on, by=by)
        _enqueue(proposal, by)
    return proposal


def _enqueue(proposal: PairingProposal, by: User | None = None) -> None:
    from huqing.teams.tasks import pair

    transaction.on_commit(lambda: pair.enqueue(proposal.pk, by.pk if by else None))


def perform(pk: int, by: User | None = None) -> PairingProposal | None:
    """Compute a queued proposal or publish one that waits for it; None if there is nothing to do for it."""
    with exclusive(LOCK):
        mark_broken()
        proposal = PairingProposal.objects.select_related("created_by").filter(pk=pk).first()
        if proposal is None or proposal.state not in (S.QUEUED, S.PUBLISHING):
            return None
        if proposal.state == S.PUBLISHING:
            return _publish(proposal, by or proposal.accepted_by or proposal.created_by)
        return _compute(proposal)


def _compute(proposal: PairingProposal) -> PairingProposal:
    mine = PairingProposal.objects.filter(pk=proposal.pk)

    def report(stage: str, progress: int) -> None:
        if not mine.filter(state=S.RUNNING).update(stage=stage, progress=progress):
            raise Cancelled

    if not mine.filter(state=S.QUEUED).update(state=S.RUNNING, progress=0, message=""):
        return proposal
    try:
        if proposal.created_by is None:
            raise ValidationError("生成方案的账号已不在，请重新生成。")
        actions.compute(proposal, by=proposal.created_by, report=report)
    except Cancelled:
        pass
    except (ValidationError, Refused) as error:
        _failed(proposal, "；".join(getattr(error, "messages", [str(error)])))
    except BaseException as error:
        _failed(proposal, UNEXPECTED.format(type(error).__name__))
        raise
    proposal.refresh_from_db()
    return proposal


def _failed(proposal: PairingProposal, message: str) -> None:
    rows = PairingProposal.objects.filter(pk=proposal.pk, state=S.RUNNING)
    rows.update(state=S.FAILED, stage="", message=message[:500])


def _publish(proposal: PairingProposal, by: User | None) -> PairingProposal:
    message = "办理发布的账号已不在，请重新发布。"
    try:
        if by is not None and proposal.published_on is not None:
            return actions.publish(proposal=proposal, on=proposal.published_on, by=by)
    except (ValidationError, Refused) as error:
        message = "；".join(getattr(error, "messages", [str(error)]))
    except BaseException:
        _back(proposal, BROKEN_PUBLISHING)
        raise
    _back(proposal, message)
    proposal.refresh_from_db()
    return proposal


def _back(proposal: PairingProposal, message: str) -> None:
    """An unpublished proposal is an accepted one, with the reason."""
    rows = PairingProposal.objects.filter(pk=proposal.pk, state=S.PUBLISHING)
    rows.update(state=S.ACCEPTED, published_on=None, stage="", message=message[:500])


def mark_broken() -> int:
    """What counts as being computed while we hold the lock belongs to a process that is no more; returns how many."""
    return PairingProposal.objects.filter(state=S.RUNNING).update(state=S.FAILED, stage="", message=BROKEN)


def recover() -> int:
    """Mark what a killed process left and queue again what waits; returns how many were marked.

    While one is really being worked on nothing is touched.
    """
    try:
        with exclusive(LOCK, wait=False):
            broken = mark_broken()
            _queue_again()
            return broken
    except Busy:
        return 0


def _queue_again() -> None:
    if settings.TASKS["default"]["BACKEND"] != "django_tasks_db.DatabaseBackend":
        return
    from django_tasks_db.models import DBTaskResult

    from huqing.teams.tasks import pair

    tasks = DBTaskResult.objects.filter(task_path=pair.module_path, status__in=["READY", "RUNNING"])
    known = {result.args_kwargs["args"][0] for result in tasks}
    for pk in (
        PairingProposal.objects.filter(state__in=(S.QUEUED, S.PUBLISHING))
        .exclude(pk__in=known)
        .values_list("pk", flat=True)
    ):
        pair.enqueue(pk, None)


def notice_of(proposal: PairingProposal) -> str:
    """What somebody who watches should know, as that nobody takes it up; "" while all is well."""
    if proposal.state == S.RUNNING and recover():
        proposal.refresh_from_db()
    if proposal.state == S.QUEUED and timezone.now() - proposal.created_at > LONG:
        return "排队已超过 2 分钟。前面可能有别的后台任务；一直不动，请系统管理员查看后台程序是否在运行。"
    return ""
