"""What happens to a record once it is complete: it lands in the file, and the visit that was due is done."""

from __future__ import annotations

import logging

from django.db import OperationalError, transaction

from huqing.visits import errands, landing, tasks
from huqing.visits.models import Submission

logger = logging.getLogger(__name__)


def received(submission: Submission) -> None:
    """Mark the visit as made and land a record whose attachments have all come; nothing for an incomplete one.

    Call it towards the end of a transaction. A mistake of ours that keeps a record from landing is written down in it
    and does not come back; OperationalError does, because a database that was busy may be asked again.
    """
    if submission.state == Submission.State.INCOMPLETE:
        return
    tasks.visited(submission)
    try:
        with transaction.atomic():
            if submission.form.given_by:
                errands.land(submission)
            else:
                landing.land(submission)
    except OperationalError:
        raise
    except Exception:
        logger.exception("submission %s was stored but not landed", submission.pk)
        submission.source = None
        refused = {"全部": "入档时程序出错，记录已保存但没有写入档案，请联系管理员"}
        submission.landing = {"applied": [], "older": [], "refused": refused}
        submission.save(update_fields=["landing", "source"])
