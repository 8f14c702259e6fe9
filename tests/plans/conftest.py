"""A household at risk, somebody responsible, and a day that stands still."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.plans import actions, checks
from huqing.plans.models import Plan
from huqing.registry.models import DepartmentRecord, Household, Source
from huqing.teams.models import Staff, Unit

DAY = dt.date(2026, 6, 10)
NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)


class Clock:
    """The office's day, moved by the test."""

    def __init__(self) -> None:
        self.day = DAY

    def __call__(self) -> dt.date:
        return self.day


@pytest.fixture
def clock(monkeypatch) -> Clock:
    found = Clock()
    for module in (actions, checks):
        monkeypatch.setattr(module, "today", found)
    return found


@pytest.fixture
def household(regions, make_household) -> Household:
    return make_household(grid=regions.grid, members=("张三", "李四"), items={"risks": ["01"], "main_cause": "01"})


@pytest.fixture
def helper(regions) -> Staff:
    unit = Unit.objects.create(name="县水利局", region_code="500236000000")
    return Staff.objects.create(
        name="王干部", kind="1", unit=unit, region_code="500236000000", phone="16012345678", position="科员"
    )


@pytest.fixture
def plan(household, users_by_role, clock) -> Plan:
    return actions.make_plan(household=household, by=users_by_role["village"], risks=["01"], aim="看病不欠账")


def ledger(household: Household, fingerprint: str = "f" * 64, **items: object) -> DepartmentRecord:
    """A row of the ledger of measures that came with a file."""
    source = Source.objects.create(
        kind="department", record_kind="measure", title="帮扶措施台账.xlsx", on=NOW.date(), created_at=NOW
    )
    told = {"measure_group": "100A39", "measure_item": "3902", "registered_on": "2022-01-05", "state": "2"}
    return DepartmentRecord.objects.create(
        kind="measure",
        fingerprint=fingerprint,
        household=household,
        region_code=household.region_code,
        items={**told, **items},
        source=source,
        row_number=1,
    )
