"""A database that somebody else holds for too long: said in plain words, and asked again later."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.urls import reverse

from huqing.office.views import households

LOCKED = "database is locked"


@pytest.fixture
def clerk(users_by_role, client):
    client.force_login(users_by_role["village"])
    client.raise_request_exception = False
    return client


def _raise(error: Exception):
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    "said", [LOCKED, "canceling statement due to lock timeout", "FATAL: sorry, too many clients already"]
)
def test_a_busy_database_is_told_as_busy_and_when_to_try_again(said, clerk, monkeypatch):
    monkeypatch.setattr(households.household_list, "households", _raise(OperationalError(said)))
    answer = clerk.get(reverse("office:households"))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"
    assert "数据库正忙" in answer.content.decode()
    assert said not in answer.content.decode()


def test_a_part_of_a_page_is_told_so_too(clerk, monkeypatch):
    monkeypatch.setattr(households.household_list, "households", _raise(OperationalError(LOCKED)))
    answer = clerk.get(reverse("office:households"), headers={"HX-Request": "true"})
    assert answer.status_code == 503
    assert "数据库正忙" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_session_that_cannot_be_saved_is_told_as_busy_too(clerk, monkeypatch):
    monkeypatch.setattr(Session, "save", _raise(OperationalError(LOCKED)))
    answer = clerk.get(reverse("office:households"))
    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"


def test_a_database_that_is_gone_stays_an_error(clerk, monkeypatch):
    monkeypatch.setattr(households.household_list, "households", _raise(OperationalError("connection refused")))
    answer = clerk.get(reverse("office:households"))
    assert answer.status_code == 500
    assert "系统出错" in answer.content.decode()
