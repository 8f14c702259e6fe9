"""Grids with their workers, and what units as such are responsible for."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.registry.actions import create_grid, rename_grid
from huqing.registry.models import Grid
from huqing.teams import grids, ledger_queries, units
from huqing.teams.models import Responsibility, Staff, Unit, UnitDuty

JANUARY, JUNE, JULY = dt.date(2024, 1, 1), dt.date(2024, 6, 1), dt.date(2024, 7, 1)


@pytest.fixture
def people(regions):
    return [Staff.objects.create(name=name, kind="6", region_code=regions.village.code) for name in ("甲", "乙")]


def test_a_new_worker_takes_the_grid_over_from_the_one_before(regions, people, users_by_role):
    by = users_by_role["town"]
    grids.set_worker(grid=regions.grid, staff=people[0], on=JANUARY, by=by)
    with pytest.raises(ValidationError, match="已经是这个网格的网格员"):
        grids.set_worker(grid=regions.grid, staff=people[0], on=JUNE, by=by)
    grids.set_worker(grid=regions.grid, staff=people[1], on=JUNE, by=by)
    old, new = Responsibility.objects.order_by("since")
    assert (old.until, old.successor, old.handover.reason) == (dt.date(2024, 5, 31), people[1], "调整网格员")
    assert (new.staff, new.since, new.until) == (people[1], JUNE, None)
    assert grids.workers(regions.village.pk, JUNE) == {regions.grid.pk: [new]}


def test_a_grid_gets_a_name_that_no_other_grid_of_the_village_has(regions, users_by_role):
    by = users_by_role["town"]
    made = create_grid(village=regions.village, name="砚瓦三网格", by=by)
    assert made.number == 3
    rename_grid(grid=made, name="河东网格", by=by)
    assert Grid.objects.get(pk=made.pk).name == "河东网格"
    for wrong, said in (("砚瓦一网格", "已有叫"), (" ", "请写网格名称"), ("13912345678", "不要写证件号码")):
        with pytest.raises(ValidationError, match=said):
            rename_grid(grid=made, name=wrong, by=by)
    with pytest.raises(Refused):
        create_grid(village=regions.other_village, name="别处", by=by)
    assert AuditEvent.objects.filter(action="grid_rename").count() == 1


def test_a_grid_merged_into_another_gives_its_households_and_ends_its_duties(
    regions, people, make_household, users_by_role
):
    by = users_by_role["county"]
    household = make_household(grid=regions.grid)
    grids.set_worker(grid=regions.grid, staff=people[0], on=JANUARY, by=by)
    with pytest.raises(ValidationError, match="本村的另一个网格"):
        grids.merge(grid=regions.grid, into=regions.grid, on=JUNE, by=by)
    # What stands in the ledger stays, so the emptied grid does; a grid nobody ever answered for is gone.
    assert grids.merge(grid=regions.grid, into=regions.next_grid, on=JUNE, by=by) is False
    household.refresh_from_db()
    assert household.grid == regions.next_grid
    assert Responsibility.objects.get().until == dt.date(2024, 5, 31)
    assert regions.grid not in ledger_queries.grids_alone(by)
    extra = create_grid(village=regions.village, name="空网格", by=by)
    assert grids.merge(grid=extra, into=regions.next_grid, on=JUNE, by=by) is True
    assert not Grid.objects.filter(pk=extra.pk).exists()


def test_a_unit_backs_a_village_which_is_not_yet_anybody_being_responsible(
    regions, make_household, users_by_role, monkeypatch
):
    monkeypatch.setattr(ledger_queries, "today", lambda: JUNE)
    monkeypatch.setattr(units, "today", lambda: JUNE)
    by = users_by_role["county"]
    make_household()
    unit = units.save_unit(name="县水利局", kind="4", by=by)
    line = units.give(unit=unit, role="backing_unit", since=JANUARY, village=regions.village, by=by)
    assert list(units.of_village(regions.village, by)) == [line]
    assert ledger_queries.gap_counts(by).nobody == 1
    with pytest.raises(ValidationError, match="已有这项责任"):
        units.give(unit=unit, role="backing_unit", since=JUNE, village=regions.village, by=by)
    with pytest.raises(ValidationError, match="早于起始日期"):
        units.give(unit=unit, role="helper", since=JUNE, until=JANUARY, village=regions.village, by=by)
    with pytest.raises(ValidationError, match="不能早于"):
        units.end(duty=line, on=dt.date(2023, 12, 31), by=by)
    units.end(duty=line, on=JUNE, by=by)
    units.give(unit=unit, role="backing_unit", since=JULY, village=regions.village, by=by)
    assert UnitDuty.objects.count() == 2


def test_what_a_unit_is_given_is_found_by_number_name_or_code(regions, make_household, users_by_role):
    by, household = users_by_role["county"], make_household()
    assert units.goal_of(household.number, by) == {"household": household}
    assert units.goal_of("砚瓦村", by) == units.goal_of("500236101201", by) == {"village": regions.village}
    assert units.goal_of("砚瓦一网格", by) == {"grid": regions.grid}
    for text in ("", "没有的", "永乐村"):
        with pytest.raises(ValidationError, match="没有找到"):
            units.goal_of(text, by)


def test_a_unit_of_another_county_is_out_of_reach(regions, users_by_role):
    foreign = Unit.objects.create(name="外县局", region_code="500237")
    by = users_by_role["county"]
    assert foreign not in units.units_seen(by)
    with pytest.raises(Refused):
        units.save_unit(name="改名", kind="", by=by, unit=foreign)
    with pytest.raises(ValidationError, match="不是本县的单位"):
        units.give(unit=foreign, role="backing_unit", since=JUNE, village=regions.village, by=by)
