"""What rosters do when the registry changes under them: households moved, villages recoded, a new month."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.registry.actions import move_household
from huqing.registry.models import Household
from huqing.registry.signals import regions_recoded
from huqing.rosters import closing, months, tasks
from huqing.rosters.models import RosterChange, RosterComparison, RosterDifference
from huqing.rosters.months import month_of

from .conftest import DAY, NOW


@pytest.fixture
def difference(make_household):
    home = make_household(members=("甲",))
    return RosterDifference.objects.create(
        region_code=home.region_code,
        roster="dibao",
        kind="ours",
        identity="p1",
        household=home,
        person=home.members.get(),
        values=[["标签", "2023-01-01 起", "没有"]],
        values_hash="0" * 64,
        why="unknown",
        opened_on=DAY,
        seen_on=DAY,
    )


def test_open_work_follows_a_household_to_its_new_village_and_a_closed_month_does_not(
    difference, label, people, regions
):
    home = difference.household
    label(home, "monitor", "2024-05-02")
    closing.close(kind="monitor", span=month_of(dt.date(2024, 5, 1)), by=people.county)
    old = home.region_code
    move_household(household=home, village=regions.other_village, by=people.county, on=DAY, reason="整户搬迁")
    difference.refresh_from_db()
    assert difference.region_code == regions.other_village.code
    assert RosterChange.objects.get().region_code == old
    june = months.month_list("monitor", month_of(dt.date(2024, 6, 1)), user=people.county)
    assert (june.sums.off, {code: one.off for code, one in june.places.items()}) == (0, {old[:9]: -1, "500236102": 1})


def test_everything_follows_a_village_to_its_new_code(difference, label, people, regions):
    label(difference.household, "monitor", "2024-05-02")
    closed = closing.close(kind="monitor", span=month_of(dt.date(2024, 5, 1)), by=people.county)
    Household.objects.filter(pk=difference.household_id).update(region_code="500236101299")
    regions_recoded.send(sender=None, region_ids=[regions.village.pk])
    difference.refresh_from_db()
    assert difference.region_code == RosterChange.objects.get().region_code == "500236101299"
    assert closing.verify(closed)


def test_each_county_is_compared_once_a_month_in_the_small_hours(difference, monkeypatch):
    asked = []
    monkeypatch.setattr(tasks, "compare_rosters", type("Task", (), {"enqueue": staticmethod(asked.append)}))
    assert tasks.enqueue_due(dt.datetime(2024, 6, 3, 3, 0)) == []  # noqa: DTZ001  local time, as the clock gives it
    night = dt.datetime(2024, 6, 3, 4, 30)  # noqa: DTZ001
    assert tasks.enqueue_due(night) == asked == ["500236"]
    RosterComparison.objects.create(region_code="500236", as_of=dt.date(2024, 6, 3), seconds=1, made_at=NOW)
    assert tasks.enqueue_due(night) == []
    assert tasks.enqueue_due(night.replace(month=7)) == ["500236"]
