"""The nightly screening starts once, and imports ask for one more."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from huqing.screening import schedule
from huqing.screening.models import Run

pytestmark = pytest.mark.django_db(transaction=True)
CHINA = ZoneInfo("Asia/Shanghai")


def at(hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2026, 6, 30, hour, minute, tzinfo=CHINA)


def test_it_waits_for_the_hour_then_runs_once_a_day_per_county(village):
    assert schedule.enqueue_due(at(1, 59)) == []
    assert schedule.enqueue_due(at(2)) == ["500236", "500237"]
    assert set(Run.objects.values_list("region_code", "trigger", "state")) == {
        ("500236", "scheduled", "done"),
        ("500237", "scheduled", "done"),
    }
    assert schedule.enqueue_due(at(2, 1)) == []
    assert schedule.enqueue_due(at(2) + dt.timedelta(days=1)) == ["500236", "500237"]


def test_a_county_screened_by_hand_today_is_not_screened_again(village, screen):
    screen(at(1).date())
    assert schedule.enqueue_due(at(3)) == ["500237"]


def test_several_imports_ask_for_one_screening(village, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    assert schedule.enqueue_after_import("500236", "2026-06-30")
    assert not schedule.enqueue_after_import("500236", "2026-06-30")
    assert schedule.enqueue_after_import("500237", "2026-06-30")
    assert not Run.objects.exists()
