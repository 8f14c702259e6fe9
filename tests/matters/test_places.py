"""Villages get new codes or are merged, households move, files are taken back: matters stay where they belong."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from huqing.intake.errors import UndoRefused
from huqing.intake.models import Import
from huqing.intake.signals import undoing
from huqing.matters import queries
from huqing.matters.models import Matter
from huqing.matters.raising import raise_matter
from huqing.registry import region_changes
from huqing.registry.household_actions import move_household
from huqing.registry.models import Source
from huqing.registry.region_changes import Move

ON = dt.date(2024, 1, 1)


def test_matters_go_with_a_village_to_its_new_code_and_into_the_one_it_became_part_of(told, regions, users_by_role):
    open_, past = told(), told("村干部优亲厚友不公开", kind="conduct", past_village=True)
    region_changes.apply([Move(regions.village, "500236101251", "砚瓦村", regions.town.pk, ON)])
    open_.refresh_from_db()
    past.refresh_from_db()
    assert (open_.region_code, past.region_code) == ("500236101251", "500236101000")
    regions.village.refresh_from_db()
    region_changes.merge(regions.village, regions.next_village, dt.date(2025, 1, 1))
    open_.refresh_from_db()
    past.refresh_from_db()
    assert (open_.village, open_.region_code) == (regions.next_village, regions.next_village.code)
    assert past.region_code == "500236101000"
    assert set(queries.seen(users_by_role["town"])) == {open_, past}


def test_a_household_that_moves_away_leaves_its_villages_matter_behind(told, regions, users_by_role, make_household):
    household = make_household()
    matter = raise_matter(
        village=regions.village,
        kind="road",
        text="门前的路灯不亮了",
        by=users_by_role["village"],
        household=household,
        on=dt.date(2023, 6, 1),
    )
    county = users_by_role["county"]
    move_household(household=household, village=regions.next_village, by=county, on=ON, reason="搬到仁和村")
    matter.refresh_from_db()
    assert (matter.village, matter.region_code, matter.household) == (regions.village, regions.village.code, None)


def test_an_import_is_not_undone_once_its_households_raised_matters(regions, users_by_role, make_household, clock):
    source = Source.objects.create(kind="roster", title="花名册", on=ON, created_at=timezone.now())
    household = make_household()
    household.created_by_source = source
    household.save()
    raise_matter(
        village=regions.village, kind="road", text="门前的路灯不亮了", by=users_by_role["village"], household=household
    )
    with pytest.raises(UndoRefused, match="已有 1 件村民事项"):
        undoing.send(sender=Import, intake=Import(source=source, record_kind="household"))
    assert Matter.objects.count() == 1
