"""Reading submissions: whose they are to see, what waits for review."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from huqing.access.models import Role
from huqing.access.scope import CODE_LENGTH, code_range, prefix_of, visible
from huqing.registry.models import Household
from huqing.visits.models import Attachment, Form, Submission

if TYPE_CHECKING:
    from huqing.access.models import User

ABOUT = ("form", "user", "household", "person")
MOST = 500
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
    if user.role not in (Role.GRID, Role.VISITOR) or not user.is_active:
        return visible(Submission.objects.all(), user)
    homes = visible(Household.objects.all(), user).values("pk")
    own = Q(user=user, household=None) & code_range(user.region_code)
    return Submission.objects.filter(Q(household__in=homes) | own)


def listed(user: User, wanted: Wanted) -> QuerySet[Submission]:
    """What the list shows."""
    found = submissions(user).select_related(*ABOUT)
    found = found.filter(state=wanted.state) if wanted.state else found.filter(state__in=STANDING)
    if wanted.form is not None:
        found = found.filter(form=wanted.form)
    if wanted.kind:
        found = found.filter(form__in=list(Form.objects.filter(visit_kind=wanted.kind).values_list("pk", flat=True)))
    if wanted.region:
        found = found.filter(code_range(wanted.region))
    if wanted.since:
        found = found.filter(visited_on__gte=wanted.since)
    if wanted.until:
        found = found.filter(visited_on__lte=wanted.until)
    if wanted.mine:
        found = found.filter(user=user)
    # The key keeps the database from walking back through everybody's records where only a few are shown.
    return found.annotate(newest=Coalesce(F("pk"), Value(0))) if _few(user, wanted) else found.annotate(newest=F("pk"))


def _few(user: User, wanted: Wanted) -> bool:
    """Whether only a village's records, a few households' or one's own are asked for."""
    narrow = max(len(prefix_of(wanted.region)), len(prefix_of(user.region_code)))
    return wanted.mine or user.role in (Role.GRID, Role.VISITOR) or narrow == CODE_LENGTH


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
    # Taken apart, the index alone answers; leaving out one's own in the query would read every record.
    received = submissions(user).filter(state=Submission.State.RECEIVED)
    return received.count() - received.filter(user=user).count()


def next_waiting(user: User, after: Submission) -> int | None:
    """The next submission that waits for a review by this account: the oldest ones come first, then round again."""
    rows = submissions(user).filter(state=Submission.State.RECEIVED).exclude(user=user).exclude(pk=after.pk)
    rows = rows.order_by("pk").values_list("pk", flat=True)
    return rows.filter(pk__gt=after.pk).first() or rows.first()


def returned(user: User) -> int:
    """How many of the account's own submissions were sent back and not yet corrected."""
    own = list(
        Submission.objects.filter(user=user, state=Submission.State.RETURNED).values_list("pk", flat=True)[:MOST]
    )
    return submissions(user).filter(pk__in=own).count() if own else 0
