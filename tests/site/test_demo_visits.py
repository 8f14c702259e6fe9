"""The demonstration's visitors: each has households to go to, and only those."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from huqing.access.instance import mark_demo
from huqing.access.models import User
from huqing.registry.models import Household, Label, Person
from huqing.screening.models import Run
from huqing.site import demo_visits, demonstration
from huqing.teams.models import Responsibility
from huqing.teams.queries import households_of

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 6, 30)


@pytest.fixture
def place(regions, make_household, settings, tmp_path, monkeypatch):
    """A village with two listed households, one with a pupil, and another; a listed one in the next village."""
    settings.DATA = tmp_path
    mark_demo(tmp_path)
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    families = [make_household(members=("张三", "张小")), make_household(), make_household()]
    families.append(make_household(village=regions.next_village))
    for household in (families[0], families[1], families[3]):
        Label.objects.create(household=household, kind="tuopin", valid_from=dt.date(2020, 1, 1))
    pupil = Person.objects.get(name="张小")
    pupil.birth_date, pupil.items = dt.date(2016, 5, 5), {"student_state": "L03"}
    pupil.save()
    Run.objects.create(
        state="done", trigger="manual", as_of=TODAY, region_code="500236", rules_version="v", snapshot="none",
        started_at=timezone.now(),
    )  # fmt: skip
    return regions.village


def numbers(username: str) -> set[int]:
    return set(households_of(User.objects.get(username=username)).values_list("pk", flat=True))


def test_each_visitor_has_the_households_of_the_own_kind_of_duty(place):
    demonstration.ensure_accounts()
    demo_visits.ensure_visits(place, TODAY)
    everybody = set(Household.objects.values_list("pk", flat=True))
    here = set(Household.objects.filter(village=place).values_list("pk", flat=True))
    pupils = set(Household.objects.filter(members__name="张小").values_list("pk", flat=True))
    assert numbers("bangfu") == everybody
    assert numbers("jiaoshi") == pupils
    assert numbers("yisheng") == numbers("nongji") == here


def test_building_the_demonstration_again_doubles_no_duty(place):
    demonstration.ensure_accounts()
    demo_visits.ensure_visits(place, TODAY)
    before = Responsibility.objects.count()
    demonstration.ensure_accounts()
    demo_visits.ensure_visits(place, TODAY)
    assert Responsibility.objects.count() == before
