"""Households with dated labels on one day, and people with accounts to work on them."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from huqing.access.models import User
from huqing.registry.models import Label, Source
from huqing.teams.models import Staff

DAY = dt.date(2024, 6, 20)
NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    for module in ("closing", "drawing", "rechecks", "reviews", "differences"):
        monkeypatch.setattr(f"huqing.rosters.{module}.today", lambda: DAY)


@pytest.fixture
def label(db):
    """A function that dates a label of a household or of one of its people."""
    source = Source.objects.create(kind="roster", title="户信息表.xlsx", on=DAY, created_at=NOW)

    def make(household, kind, since, until=None, person=None, **more) -> Label:
        return Label.objects.create(
            household=household,
            person=person,
            kind=kind,
            valid_from=dt.date.fromisoformat(since),
            valid_to=dt.date.fromisoformat(until) if until else None,
            source=more.get("source", source),
        )

    return make


@pytest.fixture
def people(users_by_role, regions) -> SimpleNamespace:
    """Two county clerks, a town clerk, and a verifier with an account who only visits."""
    second = User.objects.create(username="county2", display_name="县级乙", role="county", region_code="500236")
    verifier = Staff.objects.create(
        name="核查员甲", kind="1", region_code=regions.other_town.code, user=users_by_role["visitor"]
    )
    return SimpleNamespace(
        county=users_by_role["county"],
        second=second,
        town=users_by_role["town"],
        village=users_by_role["village"],
        visitor=users_by_role["visitor"],
        verifier=verifier,
    )
