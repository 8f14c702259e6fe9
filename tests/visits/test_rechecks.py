"""What visits change is looked at again, once per household."""

from __future__ import annotations

import logging

import pytest
from django.db import OperationalError

from huqing.screening import actions
from huqing.visits import rechecks
from huqing.visits.models import RecheckDue

from .building import converted, send, stored, text

pytestmark = pytest.mark.django_db
WATER = "| | select_one yes_no | water | 水 | household.water_safe | household.water_safe | |"


@pytest.fixture(autouse=True)
def data(settings, tmp_path):
    settings.DATA = tmp_path


@pytest.fixture
def asked(monkeypatch):
    """The households that were looked at again."""
    found = []
    monkeypatch.setattr(actions, "recheck", lambda *, household: found.append(household.pk))
    return found


def test_a_household_visited_five_times_is_checked_once(make_household, users_by_role, asked):
    families = [make_household(items={"water_safe": True}) for _ in range(2)]
    version = stored(converted(text(WATER)))
    for number in range(5):
        for family in families:
            answers = {"household": family.pk, "water": ("yes", "no")[number % 2]}
            send(version, answers, users_by_role["county"], uuid=f"uuid:{family.pk}-{number}")
    assert rechecks.waiting() == 2
    assert asked == []
    assert rechecks.work_off() == 2
    assert sorted(asked) == sorted(family.pk for family in families)
    assert rechecks.work_off() == 0


def test_what_is_asked_for_while_it_is_being_checked_is_checked_again(make_household, monkeypatch):
    family = make_household()
    rechecks.ask([family.pk])
    times = []

    def meanwhile(*, household):
        times.append(household.pk)
        if len(times) == 1:
            rechecks.ask([family.pk])

    monkeypatch.setattr(actions, "recheck", meanwhile)
    assert [rechecks.work_off(), rechecks.work_off(), rechecks.work_off()] == [1, 1, 0]
    assert times == [family.pk, family.pk]


def test_one_household_that_cannot_be_checked_holds_up_no_other(make_household, monkeypatch, caplog):
    first, second = make_household(), make_household()
    done = []

    def broken(*, household):
        if household.pk == first.pk:
            raise RuntimeError("broken")
        done.append(household.pk)

    monkeypatch.setattr(actions, "recheck", broken)
    rechecks.ask([first.pk, second.pk])
    with caplog.at_level(logging.ERROR, "huqing"):
        assert rechecks.work_off() == 2
    assert done == [second.pk]
    assert "没有复核" in caplog.text
    assert rechecks.waiting() == 0


def test_a_busy_database_is_asked_again_later(make_household, monkeypatch):
    def busy(*, household):
        raise OperationalError("locked")

    rechecks.ask([make_household().pk])
    monkeypatch.setattr(actions, "recheck", busy)
    assert rechecks.work_off() == 0
    assert rechecks.waiting() == 1


@pytest.mark.django_db(transaction=True)
def test_a_landed_record_has_its_household_checked_after_the_commit(make_household, users_by_role, asked):
    family = make_household(items={"water_safe": True})
    send(stored(converted(text(WATER))), {"household": family.pk, "water": "no"}, users_by_role["county"])
    assert asked == [family.pk]
    assert not RecheckDue.objects.exists()
