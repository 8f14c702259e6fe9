"""Matters of one village on a day that stands still."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.matters import actions, meetings, raising, rating

DAY = dt.date(2026, 11, 2)  # a Monday


@pytest.fixture
def clock(monkeypatch) -> dict[str, dt.date]:
    """The office's day, for the test to move."""
    now = {"day": DAY}
    for module in (actions, meetings, raising, rating):
        monkeypatch.setattr(module, "today", lambda: now["day"])
    monkeypatch.setattr("huqing.teams.inspections.today", lambda: now["day"])
    monkeypatch.setattr("huqing.teams.team_notes.today", lambda: now["day"])
    return now


@pytest.fixture
def told(regions, clock):
    """A function that raises a matter of the village from the public page."""

    def tell(text="3组桥头的路灯不亮半个月了", contact="13900001111", kind="road", **more):
        return raising.raise_matter(
            village=more.pop("village", regions.village), kind=kind, text=text, contact=contact, by=None, **more
        )

    return tell
