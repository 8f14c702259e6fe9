"""A screened village: one household below the line with a C-grade house, one well off."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.utils import timezone

AS_OF = dt.date(2026, 6, 30)

POOR = {
    "wage_income": 300_000,
    "business_income": 0,
    "property_income": 0,
    "transfer_income": 100_000,
    "business_cost": 0,
    "household_type": "L06",
}
WELL_OFF = {**POOR, "wage_income": 9_000_000}


@pytest.fixture
def village(regions, make_household, users_by_role):
    """A poor and a well-off household of the county, and the accounts."""
    return SimpleNamespace(
        poor=make_household(members=("张三",), items=POOR),
        well_off=make_household(members=("李四", "李小四"), items=WELL_OFF),
        next_door=make_household(members=("王五",), items=POOR, village=regions.next_village),
        foreign=make_household(members=("赵六",), items=POOR, village=regions.foreign_village),
        users=users_by_role,
        regions=regions,
    )


@pytest.fixture
def screen(village):
    """A function that screens the county on a day."""
    from huqing.screening import actions
    from huqing.screening.models import Run

    def run(as_of=AS_OF, by=None, **kwargs):
        return actions.run(by=by, region="500236", as_of=as_of, trigger=Run.Trigger.MANUAL, **kwargs)

    return run


@pytest.fixture
def assess(village):
    """A function that gives a household a housing assessment."""
    from huqing.registry.models import DepartmentRecord, Source

    source = Source.objects.create(
        kind=Source.Kind.DEPARTMENT, title="住房安全鉴定台账", on=AS_OF, created_at=timezone.now(), region_code="500236"
    )

    def give(household, grade):
        return DepartmentRecord.objects.create(
            kind="housing",
            fingerprint=f"{household.pk}-{grade}",
            household=household,
            region_code=household.region_code,
            on=dt.date(2026, 5, 1),
            items={"grade": grade, "assessed_on": "2026-05-01", "lived_in": True},
            source=source,
            row_number=2,
        )

    return give
