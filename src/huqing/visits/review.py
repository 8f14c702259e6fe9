"""A second pair of eyes on what was reported: accepted, or returned with the reason the visitor reads on the phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.numbers import hide_numbers
from huqing.access.permissions import Refused, require
from huqing.visits.models import Submission
from huqing.visits.queries import submissions

if TYPE_CHECKING:
    from huqing.access.models import User

State = Submission.State
# From which state a review may lead to which. What was replaced is settled by its correction.
NEXT: dict[str, frozenset[str]] = {
    State.INCOMPLETE: frozenset(),
    State.RECEIVED: frozenset({State.ACCEPTED, State.RETURNED}),
    State.ACCEPTED: frozenset({State.RETURNED}),
    State.RETURNED: frozenset({State.ACCEPTED}),
    State.REPLACED: frozenset(),
}
_WHY_NOT = {
    State.INCOMPLETE: "附件还没有传完，收齐后再审核。",
    State.ACCEPTED: "这条记录已经采纳，不用再审核。",
    State.RETURNED: "这条记录已经退回，等走访人改好重传。",
    State.REPLACED: "走访人已重传修改稿，请审核修改稿。",
}
REASON_LEAST, REASON_MOST = 4, 300


class ReviewError(Exception):
    """A review does not fit; the message says why and what to do."""


def why_not(submission: Submission, by: User, state: str) -> str:
    """Why ``by`` may not bring a submission into ``state``; "" when nothing speaks against it."""
    if submission.user_id == by.pk:
        return "这是您自己提交的记录，请由别人审核。"
    if state not in NEXT[submission.state]:
        return _WHY_NOT[State(submission.state)]
    return ""


@transaction.atomic
def accept(*, submission: Submission, by: User) -> Submission:
    """Take a submission as it is. ReviewError when its state, or whose it is, does not allow it."""
    return _review(submission, by, State.ACCEPTED, "")


@transaction.atomic
def return_(*, submission: Submission, by: User, reason: str) -> Submission:
    """Send a submission back with the reason; what it wrote into the file stays until the correction comes."""
    reason = " ".join(reason.split())
    if len(reason) < REASON_LEAST:
        raise ReviewError(f"请写明退回原因，至少 {REASON_LEAST} 个字，例如“收入漏填 3 月工资，请补上”。")
    if len(reason) > REASON_MOST:
        raise ReviewError(f"退回原因不能超过 {REASON_MOST} 个字，请写短一些。")
    return _review(submission, by, State.RETURNED, hide_numbers(reason))


def _review(submission: Submission, by: User, state: Submission.State, reason: str) -> Submission:
    require(by, "review_visits")
    row = submissions(by).filter(pk=submission.pk).first()
    if row is None:
        raise Refused("这条走访记录不在您的管辖范围内。")
    row = Submission.objects.select_for_update(of=("self",)).get(pk=row.pk)
    wrong = why_not(row, by, state)
    if wrong:
        raise ReviewError(wrong)
    row.state, row.return_reason = state, reason
    row.reviewed_by, row.reviewed_at = by, timezone.now()
    row.save(update_fields=["state", "return_reason", "reviewed_by", "reviewed_at"])
    action = "visit_accept" if state == State.ACCEPTED else "visit_return"
    audit.record(
        by=by, action=action, subject=row, region_code=row.region_code, detail={"reason": reason} if reason else {}
    )
    return row


audit.name_actions({"visit_accept": "采纳走访记录", "visit_return": "退回走访记录"})
