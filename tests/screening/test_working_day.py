"""A demonstration stands still; a county's own installation goes with the calendar."""

from __future__ import annotations

import datetime as dt

from huqing.access.instance import mark_demo, working_day

TODAY = dt.date(2027, 3, 1)


def test_a_real_installation_works_on_the_calendar_day(tmp_path):
    assert working_day(TODAY, tmp_path) == TODAY


def test_a_demonstration_stays_on_the_day_it_was_made_for(tmp_path):
    mark_demo(tmp_path, day=dt.date(2026, 6, 30))
    assert working_day(TODAY, tmp_path) == dt.date(2026, 6, 30)


def test_a_demonstration_without_a_day_goes_with_the_calendar(tmp_path):
    mark_demo(tmp_path)
    assert working_day(TODAY, tmp_path) == TODAY
