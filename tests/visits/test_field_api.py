"""What the phone app asks for below its link."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from huqing.access.models import AuditEvent
from huqing.visits.links import create_link, revoke_link
from huqing.visits.models import Confirmation

from .calendar_world import DAY, filled, listed, made_responsible, refreshed, task, use

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def stand_still(monkeypatch):
    """Today is the day of these tests wherever the product asks for it."""
    for module in ("huqing.visits.tasks", "huqing.visits.packet", "huqing.teams.queries"):
        monkeypatch.setattr(f"{module}.working_day", lambda today: DAY)


@pytest.fixture
def visitor(users_by_role):
    return users_by_role["visitor"]


@pytest.fixture
def due(make_household, visitor):
    """The visit of the visitor's one household."""
    use()
    household = listed(make_household())
    made_responsible(visitor, "helper", household=household)
    refreshed()
    return task("cadre", household=household)


@pytest.fixture
def phone(client, visitor):
    """A function that asks below the visitor's link: GET without a body, POST with one."""
    link, secret = create_link(user=visitor, label="测试手机", by=visitor)

    def ask(path, body=None, key=secret):
        address = f"/key/{key}/{path}"
        if body is None:
            return client.get(address)
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return client.post(address, content, content_type="application/json")

    ask.link = link
    return ask


def test_the_first_packet_is_whole_and_noted_and_the_next_is_neither(due, phone):
    answer = phone("packet")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    first = answer.json()
    assert (first["full"], len(first["households"])) == (True, 1)
    assert [event.detail for event in AuditEvent.objects.filter(action="packet_take")] == [{"households": 1}]
    second = phone(f"packet?since={first['cursor']}").json()
    assert (second["full"], second["households"]) == (False, [])
    assert AuditEvent.objects.filter(action="packet_take").count() == 1


def test_the_state_of_ones_own_records_is_told_and_of_nobody_elses(due, phone, visitor, users_by_role):
    mine = filled("four_visits_cadre", visitor, DAY, household=due.household, uuid="uuid:mine")
    mine.state, mine.return_reason = "returned", "请补全"
    mine.save()
    filled("four_visits_cadre", users_by_role["village"], DAY, household=due.household, uuid="uuid:other")
    told = phone("state", ["uuid:mine", "uuid:other", "uuid:none"]).json()
    assert told == {"uuid:mine": {"state": "returned", "label": "已退回", "reason": "请补全"}}


@pytest.mark.parametrize("body", [{}, "x", [1], ["uuid:1"] * 501, "[" * 200_000])
def test_a_question_about_states_that_is_none_is_refused(body, phone):
    answer = phone("state", body)
    assert (answer.status_code, "记录编号" in answer.json()["error"]) == (400, True)


def test_no_change_is_one_tap_however_often_it_is_sent(due, phone):
    body = {"task": due.pk, "on": "2024-05-30", "token": "tap-00001"}
    first, again = phone("unchanged", body), phone("unchanged", body)
    assert first.json() == again.json()
    assert first.json() == {
        "task": due.pk,
        "on": "2024-05-30",
        "opens": "2024-06-14",
        "due": "2024-06-30",
        "last": "2024-05-30",
    }
    assert Confirmation.objects.count() == 1


@pytest.mark.parametrize("on", ["", "昨天", "1970-01-01", "2031-13-01", None, "9999-12-31"])
def test_a_day_that_cannot_be_is_taken_as_today(on, due, phone):
    phone("unchanged", {"task": due.pk, "on": on, "token": "tap-00001"})
    assert Confirmation.objects.get().on == DAY


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ([], 400),
        ("no json", 400),
        ({"task": True, "token": "tap-00001"}, 400),
        ({"task": "1", "token": "tap-00001"}, 400),
        ({"task": 10**30, "token": "tap-00001"}, 404),
        ({"task": -1, "token": "tap-00001"}, 404),
        ({"task": None, "token": 7}, 400),
    ],
)
def test_a_tap_that_makes_no_sense_is_refused_in_chinese(body, status, due, phone):
    answer = phone("unchanged", body)
    assert answer.status_code == status
    assert "。" in answer.json()["error"]


def test_a_visit_of_a_household_of_somebody_else_is_not_found(due, phone, make_household):
    other = listed(make_household())
    refreshed()
    body = {"task": task("cadre", household=other).pk, "on": "2024-06-01", "token": "tap-00001"}
    answer = phone("unchanged", body)
    assert (answer.status_code, Confirmation.objects.count()) == (404, 0)


def test_a_visit_that_is_another_actors_is_refused(due, phone):
    other = task("doctor", person=due.household.members.get())
    answer = phone("unchanged", {"task": other.pk, "on": "2024-06-01", "token": "tap-00001"})
    assert (answer.status_code, "不由您负责" in answer.json()["error"]) == (403, True)


@pytest.mark.parametrize("path", ["packet", "state", "unchanged"])
def test_a_revoked_link_gets_nothing(path, due, phone, visitor):
    revoke_link(link=phone.link, by=visitor)
    answer = phone(path, None if path == "packet" else [])
    assert (answer.status_code, "已作废" in answer.json()["error"]) == (403, True)


@pytest.mark.parametrize(("path", "body"), [("packet", []), ("state", None), ("unchanged", None)])
def test_another_method_is_refused(path, body, due, phone):
    assert phone(path, body).status_code == 405


def test_a_duty_that_has_ended_takes_the_household_off_the_phone(due, phone, visitor):
    cursor = phone("packet").json()["cursor"]
    visitor.staff.responsibilities.update(until=DAY - dt.timedelta(1))
    told = phone(f"packet?since={cursor}").json()
    assert (told["gone"], told["households"]) == ([due.household_id], [])
    answer = phone("unchanged", {"task": due.pk, "on": "2024-06-01", "token": "tap-00001"})
    assert answer.status_code == 404
