"""From stored to landed: what has come in is worked off in its order, each submission in one transaction.

Receiving must be short and wait for nobody, landing writes in a dozen places and locks the tail of the audit log, so
they are two transactions. What waits is told by ``landed_at``; a process that is killed leaves it waiting, and the next
one takes it up. Decision 0011 has the measurements.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from huqing.access import audit
from huqing.visits import files, flow
from huqing.visits.counting import counts
from huqing.visits.models import Attachment, Submission

AT_ONCE = 200
State = Submission.State
logger = logging.getLogger("huqing")


def announce(submission: Submission) -> None:
    """Say that a submission has come in whole. The background process looks for it; tests have none and land it now."""
    if settings.HUQING_LAND_AT_ONCE and submission.state == State.RECEIVED:
        land(submission.pk)
        submission.refresh_from_db()


def work_off(limit: int = AT_ONCE) -> int:
    """Land what waits, the oldest first, up to ``limit``; returns how many have landed."""
    return sum(map(land, list(_waiting().order_by("pk").values_list("pk", flat=True)[:limit])))


def waiting() -> int:
    """How many submissions have arrived and not yet landed."""
    return _waiting().count()


_named_elsewhere: list[Callable[[list[str]], set[str]]] = []


def also_named(find: Callable[[list[str]], set[str]]) -> None:
    """Say which of some digests another app's rows name, so that their files are not swept away."""
    _named_elsewhere.append(find)


def sweep() -> int:
    """Remove files no record names, left by what was interrupted; returns how many."""

    def named(digests: list[str]) -> set[str]:
        found = set(Attachment.objects.filter(sha256__in=digests).values_list("sha256", flat=True))
        return found.union(*(find(digests) for find in _named_elsewhere))

    return files.sweep(named)


def land(pk: int) -> bool:
    """Land one submission and note that it came; False when another process has it in hand or has landed it."""
    try:
        return _land(pk)
    except OperationalError:
        logger.exception("走访记录 %s 暂时不能入档，稍后再试", pk)
        return False
    except Exception:
        # It would fail again, and hold up those behind it; the record itself is safe, and a page shows what happened.
        logger.exception("走访记录 %s 没有入档", pk)
        told = {"applied": [], "older": [], "refused": {"全部": "入档时程序出错，记录已保存，请联系管理员"}}
        return bool(_waiting().filter(pk=pk).update(landed_at=timezone.now(), landing=told))


@transaction.atomic
def _land(pk: int) -> bool:
    waiting = _waiting().select_for_update(of=("self",), skip_locked=True)
    submission = waiting.select_related("form", "version", "user").defer("xml", "version__source").filter(pk=pk).first()
    if submission is None:
        return False
    # Before it lands: afterwards the file says what was typed.
    village = "" if submission.household_id else submission.region_code
    submission.typed, submission.prefilled, submission.derived = counts(
        submission.version, submission.answers, submission.household, village=village
    )
    flow.received(submission)
    submission.landed_at = timezone.now()
    submission.save(update_fields=["landed_at", "typed", "prefilled", "derived"])
    audit.record(
        by=submission.user,
        action="visit_receive",
        subject=submission,
        region_code=submission.region_code,
        detail={"form": submission.form.form_id, "household": submission.household_id},
    )
    return True


def _waiting() -> QuerySet[Submission]:
    return Submission.objects.filter(landed_at=None, state__in=(State.RECEIVED, State.ACCEPTED))
