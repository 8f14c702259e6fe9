"""The demonstration's people come in as a county's own, and leave something to see among the gaps."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.access.instance import mark_demo
from huqing.access.models import User
from huqing.matching.draws import verify
from huqing.registry.models import Label
from huqing.site import demo_residency, demo_teams, demonstration
from huqing.teams import ledger_queries
from huqing.teams.models import (
    AllowanceRun,
    AssessmentLine,
    InspectionRound,
    PresenceDay,
    Provision,
    Responsibility,
    Staff,
    StaffImport,
    Unit,
    VillageTrait,
)

TODAY = dt.date(2026, 6, 30)


@pytest.fixture
def county(regions, make_household, settings, tmp_path, monkeypatch):
    """Two villages with listed households, and the accounts of the demonstration."""
    settings.DATA = tmp_path
    mark_demo(tmp_path, day=TODAY)
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    for number in range(12):
        village = regions.village if number % 2 else regions.other_village
        household = make_household(village=village, grid=regions.grid if number % 2 else None)
        Label.objects.create(household=household, kind="monitor", valid_from=dt.date(2020, 1, 1))
    demonstration.ensure_accounts()
    demo_teams.ensure_people(regions.village, TODAY)
    return regions


def test_teams_have_two_months_of_work_and_a_draw_that_repeats(county):
    for number in range(6):
        unit = Unit.objects.create(name=f"检查单位{number}", region_code="500236", kind="1")
        Staff.objects.create(name=f"检查{number}", kind="1", unit=unit, region_code=county.county.code)
    demo_residency.ensure_residency(county.village, TODAY)
    member = Staff.objects.get(user__username="zhudui")
    assert {"declared", "confirmed"} <= set(member.presence.values_list("state", flat=True))
    assert set(member.absences.values_list("kind", "state")) == {("42", "approved"), ("31", "asked"), ("21", "asked")}
    assert Provision.objects.exists()
    assert AllowanceRun.objects.get().state == "computed"
    drawn = InspectionRound.objects.get(state="drawn")
    assert verify(drawn.record, drawn.commitment) == []
    assert AssessmentLine.objects.get(staff=member).grade == "competent"
    before = PresenceDay.objects.count()
    demo_residency.ensure_residency(county.village, TODAY)
    assert PresenceDay.objects.count() == before


def test_villages_grids_and_teams_have_people_with_ranks_phones_and_accounts(county):
    roles = set(Responsibility.objects.filter(region_code=county.village.code).values_list("role", flat=True))
    assert {"village_leader", "village_officer", "grid_worker", "resident", "helper"} <= roles
    assert not Staff.objects.filter(rank="").exclude(kind="").exists()
    assert Staff.objects.exclude(phone="").count() > Staff.objects.count() // 2
    assert not Unit.objects.filter(kind="").exists()
    assert set(Staff.objects.values_list("kind", flat=True)) == set("12345678")
    for username, role in (("cun", "village_officer"), ("wangge", "grid_worker"), ("zhudui", "resident")):
        assert User.objects.get(username=username).staff.responsibilities.get().role == role
    assert Responsibility.objects.filter(role="resident", village=county.village).count() == demo_teams.TEAM_SIZE
    assert VillageTrait.objects.filter(village=county.village, until=None).exists()


def test_a_helper_has_no_more_households_than_five_and_a_second_start_adds_nothing(county):
    by = User.objects.get(username="xian")
    loads = [person.held for person in ledger_queries.loads(by, role="helper")]
    assert loads
    assert max(loads) <= demo_teams.PER_HELPER
    demo_teams.ensure_people(county.village, TODAY)
    assert StaffImport.objects.count() == 1
