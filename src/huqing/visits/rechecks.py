"""Households whose alerts are to be looked at again because a visit has changed their file.

Asked for in the transaction that lands a record, so that none is forgotten, and once per household however many
records come in: a family that five people visit in one evening is checked once. The background process works them off
beside the other tasks; a screening under way is not held up by an evening's visits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from huqing.screening import actions
from huqing.visits.models import RecheckDue

AT_ONCE = 50
logger = logging.getLogger("huqing")


def ask(households: Iterable[int]) -> None:
    """Have these households checked once this transaction is committed."""
    now = timezone.now()
    rows = [RecheckDue(household_id=pk, asked_at=now) for pk in sorted(households)]
    RecheckDue.objects.bulk_create(rows, update_conflicts=True, unique_fields=["household"], update_fields=["asked_at"])
    if settings.HUQING_LAND_AT_ONCE:
        transaction.on_commit(work_off)


def work_off(limit: int = AT_ONCE) -> int:
    """Check the households that wait longest, up to ``limit``; returns how many were taken up."""
    rows = list(RecheckDue.objects.select_related("household").order_by("asked_at", "pk")[:limit])
    for row in rows:
        try:
            actions.recheck(household=row.household)
        except OperationalError:
            logger.exception("农户 %s 暂时不能复核，稍后再试", row.household_id)
            return 0
        except Exception:
            # The next screening checks everybody; one household must not hold up the others.
            logger.exception("农户 %s 没有复核", row.household_id)
        # What was asked for again meanwhile stays.
        RecheckDue.objects.filter(pk=row.pk, asked_at=row.asked_at).delete()
    return len(rows)


def waiting() -> int:
    """How many households wait."""
    return RecheckDue.objects.count()
