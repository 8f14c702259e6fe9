"""Reading submissions: whose they are to see, what waits for review."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet

from huqing.access.models import ADMINISTRATORS, Role
from huqing.access.scope import code_range, visible
from huqing.visits.models import Attachment, Submission

if TYPE_CHECKING:
    from huqing.access.models import User

ABOUT = ("form", "user", "household", "person")
# States of a submission whose answers stand; the others wait for files or were written anew.
STANDING = (Submission.State.RECEIVED, Submission.State.ACCEPTED, Submission.State.RETURNED)


@dataclass(frozen=True)
class Wanted:
    """Filters of the list; "" is any. ``state`` "" leaves out what was replaced and what is still on its way."""

    state: str = ""
    form: int | None = None
    kind: str = ""
    region: str = ""
    since: dt.date | None = None
    until: dt.date | None = None
    mine: bool = False


def submissions(user: User) -> QuerySet[Submission]:
    """The submissions an account may see: those of its households or places, and what it reported on a village."""
    seen = visible(Submission.objects.all(), user)
    if user.role not in (Role.GRID, Role.VISITOR) or user.role in ADMINISTRATORS or not user.is_active:
        return seen
    own = Q(user=user, household=None) & code_range(user.region_code)
    return Submission.objects.filter(Q(pk__in=seen.values("pk")) | own)


def listed(user: User, wanted: Wanted) -> QuerySet[Submission]:
    """What the list shows."""
    found = submissions(user).select_related(*ABOUT)
    found = found.filter(state=wanted.state) if wanted.state else found.filter(state__in=STANDING)
    if wanted.form is not None:
        found = found.filter(form=wanted.form)
    if wanted.kind:
        found = found.filter(form__visit_kind=wanted.kind)
    if wanted.region:
        found = found.filter(code_range(wanted.region))
    if wanted.since:
        found = found.filter(visited_on__gte=wanted.since)
    if wanted.until:
        found = found.filter(visited_on__lte=wanted.until)
    return found.filter(user=user) if wanted.mine else found


def submission(user: User, pk: int) -> Submission | None:
    """One submission with what its page shows; None if the account may not see it."""
    about = (*ABOUT, "version", "reviewed_by", "replaces", "source", "household__village", "form__method")
    return submissions(user).select_related(*about).filter(pk=pk).first()


def attachment(user: User, pk: int) -> Attachment | None:
    """A file of a submission that the account may see."""
    found = Attachment.objects.select_related("submission", "submission__form").filter(pk=pk).first()
    if found is None or not submissions(user).filter(pk=found.submission_id).exists():
        return None
    return found


def waiting(user: User) -> int:
    """How many submissions wait for a review by this account; its own are somebody else's to review."""
    return submissions(user).filter(state=Submission.State.RECEIVED).exclude(user=user).count()


def next_waiting(user: User, after: Submission) -> int | None:
    """The next submission that waits for a review by this account: the oldest ones come first, then round again."""
    rows = submissions(user).filter(state=Submission.State.RECEIVED).exclude(user=user).exclude(pk=after.pk)
    rows = rows.order_by("pk").values_list("pk", flat=True)
    return rows.filter(pk__gt=after.pk).first() or rows.first()


def returned(user: User) -> int:
    """How many of the account's own submissions were sent back and not yet corrected."""
    return submissions(user).filter(state=Submission.State.RETURNED, user=user).count()
