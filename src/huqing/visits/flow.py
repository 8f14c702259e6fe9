"""What happens to a record once it is complete: it lands in the file, and the visit that was due is done."""

from __future__ import annotations

import logging

from django.db import transaction

from huqing.visits import landing
from huqing.visits.models import Submission

logger = logging.getLogger(__name__)


def received(submission: Submission) -> None:
    """Mark the visit as made and land a record whose attachments have all come; nothing for an incomplete one.

    Call it inside the transaction that stores the record, towards its end. The record is stored whatever happens here:
    a mistake of ours must not make a phone send it for ever.
    """
    if submission.state == Submission.State.INCOMPLETE:
        return
    _mark_visited(submission)
    try:
        with transaction.atomic():
            landing.land(submission)
    except Exception:
        logger.exception("submission %s was stored but not landed", submission.pk)
        submission.source = None
        refused = {"全部": "入档时程序出错，记录已保存但没有写入档案，请联系管理员"}
        submission.landing = {"applied": [], "older": [], "refused": refused}
        submission.save(update_fields=["landing", "source"])


def _mark_visited(submission: Submission) -> None:
    try:
        from huqing.visits import tasks
    except ImportError:
        return
    tasks.visited(submission)
