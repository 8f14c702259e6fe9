"""Reading applications: the inbox, which household it may be, others of the same phone, what waits."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q, QuerySet

from huqing.applications.models import Application
from huqing.registry.models import Household, Person
from huqing.standards.text import name_key

if TYPE_CHECKING:
    from huqing.access.models import User

State = Application.State
MOST_PROPOSED = 10
MOST_SAME_NAME = 50
TWIN_DAYS = dt.timedelta(days=180)


def inbox(
    user: User,
    *,
    state: str = "",
    late: bool = False,
    look: bool = False,
    out: bool = False,
    region: str = "",
    day: dt.date,
) -> QuerySet[Application]:
    """The applications of the user's area; ``look``: refusals nobody above looked at; ``out``: who wants out."""
    rows = Application.objects.visible_to(user, within=region).select_related("household", "case__state")
    if state:
        rows = rows.filter(state=state)
    if late:
        rows = rows.filter(state=State.RECEIVED, due_on__lt=day)
    if look:
        rows = rows.filter(waiting_for_a_look())
    if out:
        rows = rows.filter(wanting_out())
    return rows


def waiting_for_a_look() -> Q:
    """Refusals by a village that no town has looked at."""
    return Q(state=State.REFUSED, looked_at_by=None, blanked_on=None)


def wanting_out() -> Q:
    """Applicants who asked to end a case that is still open."""
    return Q(state=State.ACCEPTED, wants_out_on__isnull=False, case__closed_on=None)


@dataclass(frozen=True)
class Waiting:
    """How many applications wait for somebody of the user's area."""

    open: int
    late: int
    look: int
    out: int


def waiting(user: User, day: dt.date) -> Waiting:
    """What the home page says."""
    pending = Q(state=State.RECEIVED) | waiting_for_a_look() | wanting_out()
    found = (
        Application.objects.visible_to(user)
        .filter(pending)
        .aggregate(
            open=Count("pk", filter=Q(state=State.RECEIVED)),
            late=Count("pk", filter=Q(state=State.RECEIVED, due_on__lt=day)),
            look=Count("pk", filter=waiting_for_a_look()),
            out=Count("pk", filter=wanting_out()),
        )
    )
    return Waiting(**found)


@dataclass(frozen=True)
class Proposal:
    """A household that may be the applicant's, with what speaks for it."""

    household: Household
    reasons: tuple[str, ...]
    members: str


def proposals(application: Application, user: User, search: str = "") -> list[Proposal]:
    """Households of the village that have the phone, or somebody of the name; those with more reasons first.

    ``search`` is another name to look for: applicants write for their parents, and names are miswritten.
    """
    village = Household.objects.visible_to(user, within=application.region_code).filter(status=Household.Status.ACTIVE)
    reasons: dict[int, list[str]] = {}
    if application.phone_token:
        for pk in village.filter(phone_token=application.phone_token).values_list("pk", flat=True)[:MOST_PROPOSED]:
            reasons.setdefault(pk, []).append("电话相同")
    for name in dict.fromkeys(filter(None, (search.strip(), application.name))):
        heads = village.filter(head_name=name).values_list("pk", flat=True)[:MOST_SAME_NAME]
        for pk in heads:
            reasons.setdefault(pk, []).append(f"户主叫{name}")
        people = Person.objects.filter(name=name, region_code=application.region_code, household__in=village)
        for pk in people.values_list("household", flat=True)[:MOST_SAME_NAME]:
            if f"户主叫{name}" not in reasons.get(pk, []):
                reasons.setdefault(pk, []).append(f"家里有人叫{name}")
    group = name_key(application.group_name)
    found = []
    for household in village.filter(pk__in=reasons).prefetch_related("members"):
        why = reasons[household.pk]
        if group and name_key(household.group_name) == group:
            why.append("同一小组")
        found.append(Proposal(household, tuple(why), "、".join(one.name for one in household.members.all())))
    found.sort(key=lambda one: (-len(one.reasons), one.household.pk))
    return found[:MOST_PROPOSED]


def twins(application: Application, user: User) -> QuerySet[Application]:
    """Other running applications of the same phone and village, not older than half a year."""
    rows = Application.objects.visible_to(user).filter(region_code=application.region_code)
    if not application.phone_token:
        return rows.none()
    since = application.received_on - TWIN_DAYS
    same = rows.filter(phone_token=application.phone_token, received_on__gte=since)
    return same.filter(state__in=(State.RECEIVED, State.ACCEPTED)).exclude(pk=application.pk).order_by("pk")
