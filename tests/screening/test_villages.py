"""Findings about villages: from the table of villages to an alert, its page and its waiver."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from huqing.registry.models import DepartmentRecord, Entry, Household, Region, Source
from huqing.registry.signals import regions_recoded
from huqing.screening import actions, queries
from huqing.screening.models import Alert, Run

pytestmark = pytest.mark.django_db(transaction=True)
AS_OF, LATER = dt.date(2026, 6, 30), dt.date(2026, 7, 1)
COMPLETE = {
    "year": 2025,
    "households": 300,
    "population": 980,
    "dibao_people": 12,
    "tekun_people": 1,
    "disabled_people": 20,
    "collective_income": 5_000_000,
    "clinics": 1,
    "doctors": 1,
    "bus": True,
    "culture_rooms": 1,
    "pension_insured": 400,
    "paved_road": True,
    "unsafe_water_households": 0,
    "dangerous_households": 0,
    "arable_area": "1000.00",
    "forest_area": "1000.00",
    "returned_forest_area": "0.00",
    "orchard_area": "0.00",
    "grass_area": "0.00",
    "water_area": "0.00",
}
LAND = {key: "0.00" for key in COMPLETE if key.endswith("_area")}


@pytest.fixture
def tell(village):
    """A function that takes in a village's row with some values changed; its earlier row is replaced."""
    source = Source.objects.create(
        kind=Source.Kind.DEPARTMENT,
        record_kind="village",
        title="行政村信息表.xlsx",
        on=AS_OF,
        created_at=timezone.now(),
        region_code="500236",
    )

    def give(region: Region, **values) -> DepartmentRecord:
        DepartmentRecord.objects.filter(kind="village", region_code=region.code).delete()
        items = {key: value for key, value in {**COMPLETE, **values}.items() if value is not None}
        return DepartmentRecord.objects.create(
            kind="village", fingerprint=region.code, region_code=region.code, items=items, source=source, row_number=3
        )

    return give


def open_of(region: Region) -> set[str]:
    return set(region.alerts.filter(state=Alert.State.OPEN).values_list("finding", flat=True))


def test_a_village_without_a_paved_road_gets_an_alert_of_its_own(village, screen, tell):
    place = village.regions.village
    tell(place, paved_road=False, clinics=None)
    run = screen()
    assert run.state == Run.State.DONE
    assert open_of(place) == {"vl01", "vl04"}
    alert = Alert.objects.get(finding="vl04")
    assert (alert.household, alert.person, alert.village, alert.region_code) == (None, None, place, place.code)
    assert alert.evidence == {"paved_road": False, "town_distance": None}
    assert alert.subject_name == place.name
    told = queries.explain_village(place, as_of=AS_OF, finding="vl04")
    assert [(d.state, d.village_id, d.household_id) for d in told.decisions] == [("found", place.pk, None)]


def test_an_alert_of_a_village_closes_when_the_new_table_says_better(village, screen, tell):
    place = village.regions.village
    tell(place, paved_road=False)
    screen()
    before = Alert.objects.get(finding="vl04")
    assert screen().counts["opened"] == 0
    tell(place)
    screen(LATER)
    before.refresh_from_db()
    assert (before.state, before.closed_on) == (Alert.State.CLOSED, LATER)


def test_land_of_the_households_is_summed_and_shown_household_by_household(village, screen, tell):
    place = village.regions.village
    for household, area in ((village.poor, "600.50"), (village.well_off, "400.00")):
        Household.objects.filter(pk=household.pk).update(items={**household.items, **LAND, "arable_area": area})
    tell(place)
    screen()
    alert = Alert.objects.get(finding="vl02")
    assert alert.evidence["households_arable"] == 1000.5
    told = queries.explain_village(place, as_of=AS_OF, finding="vl02")
    exceeded = told.decisions[0].tree.inputs[0]
    summed = next(value for value in exceeded.inputs if value.name == "households_arable")
    assert summed.row_count == 2
    assert {row.id for row in summed.rows} == {village.poor.pk, village.well_off.pk}


def test_a_household_that_does_not_say_its_land_leaves_the_sum_unknown(village, screen, tell):
    tell(village.regions.village)
    run = screen()
    county, grid = village.users["county"], village.users["grid"]
    assert queries.unknown_counts(run, county)["vl02"] == 1
    (unknown,) = queries.unknown_list(run, county, "vl02")
    assert (unknown.village_id, unknown.household_id) == (village.regions.village.pk, None)
    assert "vl02" not in queries.unknown_counts(run, grid)


def test_an_account_sees_the_villages_of_its_own_place_only(village, screen, tell):
    tell(village.regions.village, paved_road=False)
    tell(village.regions.next_village, paved_road=False)
    screen()
    mine = {alert.village for alert in queries.alerts(village.users["village"], finding="vl04")}
    assert mine == {village.regions.village}
    assert queries.alerts(village.users["county"], finding="vl04").count() == 2
    assert not queries.alerts(village.users["grid"], finding="vl04").exists()


def test_a_waiver_of_a_village_holds_until_its_values_change(village, screen, tell):
    place = village.regions.village
    tell(place, paved_road=False, town_distance="12.50")
    screen()
    alert = Alert.objects.get(finding="vl04")
    actions.waive(alert=alert, by=village.users["county"], reason="已列入明年项目，现场核实")
    screen()
    alert.refresh_from_db()
    assert alert.state == Alert.State.WAIVED
    tell(place, paved_road=False, town_distance="9.00")
    screen(LATER)
    alert.refresh_from_db()
    assert alert.state == Alert.State.OPEN


def test_households_changed_during_a_screening_do_not_hold_back_villages(village, screen, tell):
    place = village.regions.village
    source = tell(place, paved_road=False).source
    screen()
    tell(place)
    soon = timezone.now() + dt.timedelta(hours=1)
    Entry.objects.create(household=village.poor, source=source, on=AS_OF, at=soon, changes={})
    screen()
    assert open_of(place) == set()


def test_alerts_of_a_village_follow_its_new_code(village, screen, tell):
    place = village.regions.village
    tell(place, paved_road=False)
    screen()
    Region.objects.filter(pk=place.pk).update(code="500236199299")
    regions_recoded.send(sender=Region, region_ids=[place.pk])
    assert Alert.objects.get(finding="vl04").region_code == "500236199299"


def test_an_alert_is_of_a_household_or_of_a_village_never_both(village):
    common = {
        "finding": "vl04",
        "region_code": "500236",
        "severity": "low",
        "evidence_hash": "",
        "opened_on": AS_OF,
        "seen_on": AS_OF,
    }
    place = village.regions.village
    for subjects in ({}, {"household": village.poor, "village": place}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Alert.objects.create(**common, **subjects)
    Alert.objects.create(**common, village=place)
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.create(**common, village=place)
