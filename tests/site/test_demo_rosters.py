"""The demonstration shows a round that came in from phones: verified, absent and waiting households."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from huqing.access.models import User
from huqing.registry.models import Label, Source
from huqing.rosters.models import RecheckDifference, RecheckItem
from huqing.site.demo_rosters import ensure_round
from huqing.teams.models import Staff

TODAY = dt.date(2024, 6, 20)


@pytest.fixture
def monitored(make_household, regions, monkeypatch):
    """Monitored households in two towns, and the people of the demonstration who verify them."""
    for module in ("huqing.rosters.drawing", "huqing.rosters.rechecks"):
        monkeypatch.setattr(f"{module}.today", lambda: TODAY)
    monkeypatch.setattr("huqing.visits.describing.working_day", lambda today: TODAY)
    source = Source.objects.create(kind="roster", title="户信息表", on=TODAY, created_at=dt.datetime.now(dt.UTC))
    for number in range(10):
        village = regions.village if number % 2 else regions.other_village
        home = make_household(members=(f"户主{number}", f"家人{number}"), village=village)
        Label.objects.create(household=home, kind="monitor", valid_from=dt.date(2024, 1, 10), source=source)
    User.objects.create(username="xian", display_name="县级经办", role="county", region_code="500236")
    for name in ("jiaoshi", "yisheng"):
        user = User.objects.create(username=name, display_name=name, role="visitor", region_code="500236")
        Staff.objects.create(name=name, kind="1", region_code="500236000000", user=user)


def test_part_of_the_round_is_verified_through_the_phones_way(monitored):
    assert ensure_round(TODAY) == 8
    assert Counter(RecheckItem.objects.values_list("outcome", flat=True)) == {"": 4, "met": 4}
    assert not RecheckItem.objects.exclude(outcome="").filter(submission=None).exists()
    assert RecheckDifference.objects.exists()
    assert ensure_round(TODAY) == 8
