"""Places get new codes, are merged or swapped, households move: duties, people, teams and proposals go with them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from huqing.intake.errors import UndoRefused
from huqing.intake.models import Import
from huqing.intake.signals import undoing
from huqing.registry import region_changes
from huqing.registry.household_actions import move_household, split_household
from huqing.registry.models import Region, Source
from huqing.registry.region_changes import Move
from huqing.teams import ledger_queries, pairing_actions
from huqing.teams.models import (
    PairingProposal,
    Posting,
    PresenceDay,
    ProposedPair,
    Responsibility,
    Staff,
    Unit,
    UnitDuty,
    VillageTrait,
)

SINCE, ON = dt.date(2023, 1, 1), dt.date(2024, 1, 1)


@pytest.fixture
def people(regions, make_household):
    """In 砚瓦村: an officer of the village, a worker of a grid, a helper of a household, with all that hangs on it."""
    code = regions.village.code
    household = make_household(grid=regions.grid)
    found = {}
    for name, role, goal in (
        ("officer", "village_officer", {"village": regions.village}),
        ("worker", "grid_worker", {"grid": regions.grid}),
        ("helper", "helper", {"household": household}),
    ):
        staff = found[name] = Staff.objects.create(name=name, kind="5", region_code=code)
        Posting.objects.create(staff=staff, region_code=code, since=SINCE)
        Responsibility.objects.create(staff=staff, role=role, region_code=code, since=SINCE, **goal)
        PresenceDay.objects.create(staff=staff, region_code=code, day=SINCE, kind="1")
    VillageTrait.objects.create(village=regions.village, region_code=code, kind="1", since=SINCE)
    proposal = PairingProposal.objects.create(title="方案", region_code="500236101", created_at=timezone.now())
    ProposedPair.objects.create(
        proposal=proposal, change="new", staff=found["helper"], role="helper", region_code=code, household=household
    )
    return found, household


def codes_of(regions, people):
    found, _ = people
    return {
        model.__name__: set(model.objects.filter(staff__in=found.values()).values_list("region_code", flat=True))
        for model in (Responsibility, Posting, PresenceDay, ProposedPair)
    } | {
        "Staff": set(Staff.objects.values_list("region_code", flat=True)),
        "VillageTrait": set(VillageTrait.objects.values_list("region_code", flat=True)),
    }


def test_a_village_with_a_new_code_takes_everything_about_it_along(regions, people, users_by_role):
    region_changes.apply([Move(regions.village, "500236101251", "砚瓦村", regions.town.pk, ON)])
    assert set(map(frozenset, codes_of(regions, people).values())) == {frozenset({"500236101251"})}
    village = Region.objects.get(pk=regions.village.pk)
    assert len(ledger_queries.contacts(village, users_by_role["county"])) == 3


def test_two_villages_that_swap_codes_keep_their_own_people(regions, people):
    other = Staff.objects.create(name="other", kind="5", region_code=regions.next_village.code)
    region_changes.apply(
        [
            Move(regions.village, regions.next_village.code, "砚瓦村", regions.town.pk, ON),
            Move(regions.next_village, "500236101201", "仁和村", regions.town.pk, ON),
        ]
    )
    found, _ = people
    assert {Staff.objects.get(pk=one.pk).region_code for one in found.values()} == {"500236101202"}
    assert Staff.objects.get(pk=other.pk).region_code == "500236101201"
    assert set(Responsibility.objects.values_list("region_code", flat=True)) == {"500236101202"}


def test_a_town_with_a_new_code_takes_its_offices_and_staff_along_however_it_is_written(regions, people):
    clerk = Staff.objects.create(name="clerk", kind="1", region_code="500236101000")
    unit = Unit.objects.create(name="朱衣镇人民政府", region_code="500236101")
    region_changes.apply([Move(regions.town, "500236151000", "朱衣镇", regions.county.pk, ON)])
    clerk.refresh_from_db()
    unit.refresh_from_db()
    assert (clerk.region_code, unit.region_code) == ("500236151000", "500236151")
    assert PairingProposal.objects.get().region_code == "500236151"


def test_a_merged_village_hands_its_duties_to_the_one_it_became_part_of(regions, people):
    found, _ = people
    both = Staff.objects.create(name="both", kind="1", region_code=regions.town.code)
    for village in (regions.village, regions.next_village):
        Responsibility.objects.create(
            staff=both, role="village_leader", village=village, region_code=village.code, since=SINCE
        )
    region_changes.merge(regions.village, regions.next_village, ON)
    officer = Responsibility.objects.get(staff=found["officer"])
    assert (officer.village, officer.region_code, officer.until) == (regions.next_village, "500236101202", None)
    assert set(codes_of(regions, people)["Responsibility"]) == {"500236101202"}
    # Who led both villages leads one now; the other line is history.
    assert sorted(both.responsibilities.values_list("until", flat=True), key=str) == [dt.date(2023, 12, 31), None]
    assert VillageTrait.objects.get().until == dt.date(2023, 12, 31)


def test_a_merged_village_keeps_the_units_that_back_it_once_each(regions, people):
    own, both = (Unit.objects.create(name=name, region_code="500236") for name in ("县水利局", "县教育局"))
    for unit, village in ((own, regions.village), (both, regions.village), (both, regions.next_village)):
        UnitDuty.objects.create(unit=unit, role="backing", village=village, region_code=village.code, since=SINCE)
    region_changes.merge(regions.village, regions.next_village, ON)
    running = UnitDuty.objects.filter(until=None, village=regions.next_village)
    assert sorted(running.values_list("unit__name", "region_code")) == [
        ("县教育局", "500236101202"),
        ("县水利局", "500236101202"),
    ]
    assert UnitDuty.objects.get(until=dt.date(2023, 12, 31)).unit == both


def test_a_pair_with_a_village_that_was_merged_is_not_published(regions, people, users_by_role):
    found, _ = people
    proposal = PairingProposal.objects.create(
        title="方案", region_code="500236", state="accepted", created_at=timezone.now()
    )
    ProposedPair.objects.create(
        proposal=proposal, change="new", staff=found["helper"], role="helper", village=regions.village,
        region_code=regions.village.code,
    )  # fmt: skip
    region_changes.merge(regions.village, regions.next_village, ON)
    with pytest.raises(ValidationError, match="已撤并"):
        pairing_actions.publish(proposal=proposal, on=ON, by=users_by_role["county"])


def test_the_duties_for_a_household_move_with_it(regions, people, users_by_role):
    found, household = people
    move_household(
        household=household, village=regions.next_village, by=users_by_role["county"], on=ON, reason="搬到仁和村"
    )
    line = Responsibility.objects.get(staff=found["helper"])
    assert line.region_code == regions.next_village.code


def test_a_duty_for_one_person_follows_into_the_household_that_person_founds(
    regions, make_household, users_by_role, monkeypatch
):
    monkeypatch.setattr(ledger_queries, "today", lambda: ON)
    household = make_household(members=("户主", "学生", "弟弟"))
    pupil = household.members.get(name="学生")
    teacher = Staff.objects.create(name="周老师", kind="2", region_code=regions.county.code)
    about = {"staff": teacher, "household": household, "region_code": household.region_code, "since": SINCE}
    Responsibility.objects.create(role="paired_teacher", person=pupil, **about)
    past = Responsibility.objects.create(role="helper", person=pupil, until=dt.date(2023, 6, 1), **about)
    other = household.members.get(name="弟弟")
    Responsibility.objects.create(role="paired_teacher", person=other, **about)
    new = split_household(
        household=household,
        members=[pupil],
        relations={pupil.pk: "01"},
        by=users_by_role["county"],
        on=ON,
        reason="分户",
    )
    assert set(Responsibility.objects.filter(until=None).values_list("person__name", "household")) == {
        ("学生", new.pk),
        ("弟弟", household.pk),
    }
    past.refresh_from_db()
    assert past.household == household


def test_an_import_is_not_undone_once_somebody_answers_for_its_households(regions, people):
    _, household = people
    source = Source.objects.create(kind="roster", title="花名册", on=SINCE, created_at=timezone.now())
    household.created_by_source = source
    household.save()
    with pytest.raises(UndoRefused, match="已有 1 条责任"):
        undoing.send(sender=Import, intake=Import(source=source, record_kind="household"))
