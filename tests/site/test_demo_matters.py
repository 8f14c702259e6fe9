"""The demonstration's matters go the ways a county's do, and there is something late, answered and rated to see."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from huqing.access.instance import mark_demo
from huqing.matters import queries
from huqing.matters.models import Matter
from huqing.registry.models import Person
from huqing.site import demonstration
from huqing.site.demo_matters import ensure_matters
from huqing.teams.models import Staff

TODAY = dt.date(2026, 11, 20)


@pytest.fixture
def county(regions, make_household, settings, tmp_path, monkeypatch):
    """A village with a child whose name stands in one of the texts."""
    settings.DATA = tmp_path
    mark_demo(tmp_path, day=TODAY)
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    make_household(members=("水管", "路灯", "张三"), grid=regions.grid)
    Person.objects.filter(name="水管").update(birth_date=dt.date(2018, 1, 1))
    demonstration.ensure_accounts()
    Staff.objects.create(name="农技员", kind="4", region_code=regions.town.code)
    return regions


def test_the_demonstration_has_matters_in_every_state_and_makes_them_once(county) -> None:
    made = ensure_matters(county.village, TODAY)
    states = Counter(Matter.objects.values_list("state__key", flat=True))
    assert set(states) == {"raised", "discussing", "agreed", "doing", "done", "shown", "answered", "closed"}
    assert made == sum(states.values()) >= 24
    assert ensure_matters(county.village, TODAY) == 0
    shown = queries.public_of(county.village.code)
    assert any("路灯" in row.public_problem for row in shown)
    assert not any("水管" in row.public_problem for row in shown)
    assert Matter.objects.filter(closed_on=None, due_on__lt=TODAY).exists()
