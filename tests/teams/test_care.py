"""Whether one household is in a visitor's care: the same answer whichever way it is asked."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.access.scope import visible
from huqing.registry.models import Household
from huqing.teams.models import Responsibility, Staff
from huqing.teams.queries import cares_for

pytestmark = pytest.mark.django_db


def test_one_household_and_all_households_are_told_alike(users_by_role, regions, make_household):
    user = users_by_role["visitor"]
    staff = Staff.objects.create(name="王芳", kind="1", user=user, region_code="500236")
    other = Staff.objects.create(name="李强", kind="1", region_code="500236")
    households = [
        make_household(),
        make_household(grid=regions.grid),
        make_household(grid=regions.next_grid),
        make_household(village=regions.next_village),
        make_household(village=regions.other_village),
        make_household(village=regions.foreign_village),
    ]
    past, future = dt.date(2020, 1, 1), dt.date(2999, 1, 1)
    duties = [
        {"household": households[0], "since": past},
        {"grid": regions.grid, "since": past},
        {"grid": regions.next_grid, "since": past, "until": dt.date(2021, 1, 1)},
        {"village": regions.next_village, "since": future},
        {"village": regions.other_village, "since": past, "staff": other},
        {"village": regions.foreign_village, "since": past},
    ]
    for duty in duties:
        Responsibility.objects.create(**{"staff": staff, "role": "helper", "region_code": "500236", **duty})
    seen = set(visible(Household.objects.all(), user).values_list("pk", flat=True))
    assert {household.pk for household in households if cares_for(user, household.pk)} == seen
    assert seen == {households[0].pk, households[1].pk}
    assert cares_for(user, 10**12) == ""
