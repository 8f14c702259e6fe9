"""The demonstration's plans are made of what the ledger has, and leave gaps to be seen."""

from __future__ import annotations

import datetime as dt

from tests.plans.conftest import ledger

from huqing.access.instance import mark_demo
from huqing.plans import queries
from huqing.plans.models import Plan, PlannedMeasure
from huqing.registry.models import DepartmentRecord, Label
from huqing.site import demo_plans, demonstration
from huqing.teams.models import Responsibility, Staff

TODAY = dt.date(2026, 6, 30)


def test_plans_take_up_what_the_ledger_has_and_some_households_have_none(
    regions, make_household, settings, tmp_path, monkeypatch
) -> None:
    settings.DATA = tmp_path
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    mark_demo(tmp_path, day=TODAY)
    staff = Staff.objects.create(name="王干部", kind="1", region_code="500236000000")
    for number in range(6):
        household = make_household(members=(f"户主{number}",), items={"risks": ["01"]})
        Label.objects.create(household=household, kind="monitor", valid_from=dt.date(2025, 1, 5))
        Responsibility.objects.create(
            staff=staff, role="helper", household=household, region_code=household.region_code, since="2024-01-05"
        )
        ledger(household, fingerprint=str(number))
    demonstration.ensure_accounts()
    before = DepartmentRecord.objects.count()
    assert demo_plans.ensure_plans(regions.village, TODAY) == 4
    assert DepartmentRecord.objects.count() == before
    assert PlannedMeasure.objects.filter(staff=staff).count() == 4
    assert sorted(Plan.objects.values_list("version", flat=True)) == [1, 1, 1, 2]
    county = demonstration.User.objects.get(username="xian")
    assert queries.gap_counts(county, day=TODAY)["plan"] == 2
    assert demo_plans.ensure_plans(regions.village, TODAY) == 4
