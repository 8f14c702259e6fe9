"""When visits are worked out anew: after a screening, after a method comes into use, once a day, after a recoding."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache

from huqing.registry.models import Household, Region
from huqing.registry.signals import regions_recoded
from huqing.screening import actions as screening
from huqing.screening.models import Run
from huqing.visits import background
from huqing.visits.models import VisitTask

from .calendar_world import DAY, filled, listed, refreshed, task, use

CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture(autouse=True)
def data(settings, tmp_path):
    settings.DATA = tmp_path
    cache.clear()


def at(hour: int, day: int = 1) -> dt.datetime:
    return dt.datetime(2024, 6, day, hour, tzinfo=CHINA)


@pytest.mark.django_db
def test_without_methods_there_is_nothing_to_work_out(make_household):
    make_household()
    assert background.refresh_soon() == []
    assert background.enqueue_due(at(6)) == []


@pytest.mark.django_db(transaction=True)
def test_a_screening_is_followed_by_the_visits_it_asks_for(make_household):
    use()
    household = listed(make_household())
    screening.run(by=None, region="500236", as_of=DAY, trigger=Run.Trigger.MANUAL)
    assert task("cadre", household=household).due_on is not None


@pytest.mark.django_db(transaction=True)
def test_every_county_is_asked_once_a_day_after_five(make_household):
    use()
    listed(make_household())
    assert background.enqueue_due(at(4)) == []
    assert background.enqueue_due(at(5)) == ["500236"]
    assert background.enqueue_due(at(9)) == []
    assert background.enqueue_due(at(5, day=2)) == ["500236"]


@pytest.mark.django_db
def test_a_county_nobody_has_screened_is_left_in_peace(make_household):
    use()
    make_household()
    assert background.refresh_tasks.func("500236") == 0
    assert not VisitTask.objects.exists()


@pytest.mark.django_db
def test_visits_follow_a_village_to_its_new_code(make_household, regions, users_by_role):
    use()
    use("five_looks")
    household = listed(make_household())
    refreshed()
    record = filled("four_visits_cadre", users_by_role["village"], DAY, household=household)
    code = "500236199201"
    Region.objects.filter(pk=regions.village.pk).update(code=code)
    Household.objects.filter(pk=household.pk).update(region_code=code)
    regions_recoded.send(sender=Region, region_ids=[regions.village.pk])
    record.refresh_from_db()
    assert record.region_code == code
    assert set(VisitTask.objects.values_list("region_code", flat=True)) == {code}
