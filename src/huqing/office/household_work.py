"""A household's cases and villagers' matters as its page lists them: open ones first, then the latest.

Each list is one plain query that says where the rows stand by itself; one that a role may not see costs none.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, QuerySet

from huqing.access.permissions import may
from huqing.access.prepared import prepared
from huqing.access.scope import covers
from huqing.cases.models import Case
from huqing.matters.models import Matter

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.registry.models import Household

MOST = 100


@dataclass(frozen=True)
class Line:
    """One case or matter; ``view`` is the page it is handled on."""

    view: str
    pk: int
    kind: str
    text: str
    state: str
    on: dt.date
    closed_on: dt.date | None
    number: str
    emergency: bool = False


def of_household(household: Household, user: User) -> list[Line] | None:
    """The household's cases and matters that the person may see; None if the role may see neither.

    Whether the person sees the household is the caller's business.
    """
    cases, matters = may(user, "view_cases"), may(user, "view_matters")
    if not cases and not matters:
        return None
    lines = [
        *(_of_case(case) for case in (_cases(household.pk) if cases else ())),
        # What is about the village's own officers has the town's code: the village does not see it.
        *(
            _of_matter(matter)
            for matter in (_matters(household.pk) if matters else ())
            if covers(user.region_code, matter.region_code)
        ),
    ]
    lines.sort(key=lambda line: (line.on, line.pk), reverse=True)
    return sorted(lines, key=lambda line: line.closed_on is not None)


def _of_case(case: Case) -> Line:
    state: str = vars(case)["state_title"]
    told = (case.opened_on, case.closed_on, case.number, case.emergency)
    return Line("office:case", case.pk, "办理事项", case.clue, state, *told)


def _of_matter(matter: Matter) -> Line:
    state: str = vars(matter)["state_title"]
    told = (matter.raised_on, matter.closed_on, matter.number)
    return Line("office:matter", matter.pk, "村民事项", matter.text, state, *told)


@prepared
def _cases(household: int) -> QuerySet[Case]:
    rows = Case.objects.filter(household_id=household).annotate(state_title=F("state__title"))
    return rows.order_by("-opened_on", "-id")[:MOST]


@prepared
def _matters(household: int) -> QuerySet[Matter]:
    rows = Matter.objects.filter(household_id=household).annotate(state_title=F("state__title"))
    return rows.order_by("-raised_on", "-id")[:MOST]
