"""Households move, villages get new codes or are merged, files are taken back, while cases are being handled."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone
from tests.cases.test_cases import BEGIN, case, clock, go, household, paper, to_posting  # noqa: F401
from tests.cases.test_panels import VOTED, at_evaluation, pool, same_day, second  # noqa: F401

from huqing.cases import evaluations, panels, postings
from huqing.cases.evaluations import Vote
from huqing.cases.models import Case, Evaluator, Objection
from huqing.intake.errors import UndoRefused
from huqing.intake.models import Import
from huqing.intake.signals import applied, undoing
from huqing.registry import region_changes
from huqing.registry.household_actions import move_household
from huqing.registry.models import Household, Source
from huqing.registry.region_changes import Move

ON = dt.date(2026, 11, 3)


def test_a_case_goes_with_its_household_to_the_village_it_moved_to(case, users_by_role, regions) -> None:  # noqa: F811
    county, village = users_by_role["county"], users_by_role["village"]
    move_household(household=case.household, village=regions.other_village, by=county, on=ON, reason="搬到龙潭村")
    case.refresh_from_db()
    assert case.region_code == regions.other_village.code
    assert not Case.objects.visible_to(village).exists()
    assert list(Case.objects.visible_to(county, within=regions.other_village.code)) == [case]


def test_a_roster_that_moves_households_takes_their_cases_along(case, users_by_role, regions) -> None:  # noqa: F811
    rows = Household.objects.filter(pk=case.household_id)
    rows.update(village=regions.next_village, region_code=regions.next_village.code, grid=None)
    applied.send(sender=Import, intake=Import(record_kind="household"))
    case.refresh_from_db()
    assert case.region_code == regions.next_village.code


def test_a_running_posting_and_its_objections_follow_the_village_to_its_new_code(
    case,  # noqa: F811
    users_by_role,
    regions,
    clock,  # noqa: F811
) -> None:
    village = users_by_role["village"]
    to_posting(case, users_by_role, clock)
    posting = postings.publish(cases=[case], by=village)
    objection = postings.object_to(posting=posting, text="他家在城里有房子")
    region_changes.apply([Move(regions.village, "500236101251", "砚瓦村", regions.town.pk, ON)])
    assert list(postings.shown("500236101251", clock.day)) == [posting]
    case.refresh_from_db()
    assert case.region_code == "500236101251"
    assert list(Objection.objects.visible_to(users_by_role["town"])) == [objection]
    objection.refresh_from_db()
    assert objection.region_code == "500236101251"
    regions.village.refresh_from_db()
    region_changes.merge(regions.village, regions.next_village, ON)
    assert list(postings.shown(regions.next_village.code, clock.day)) == [posting]


def test_the_evaluators_of_a_merged_village_join_the_other_pool_each_once(users_by_role, regions) -> None:
    county = users_by_role["county"]
    panels.add_evaluators(village=regions.village, people=[("1组", "甲一"), ("1组", "乙二")], by=county)
    panels.add_evaluators(village=regions.next_village, people=[("1组", "甲一")], by=county)
    region_changes.merge(regions.village, regions.next_village, ON)
    here = Evaluator.objects.filter(village=regions.next_village, left_on=None)
    assert sorted(here.values_list("name", "region_code")) == [
        ("乙二", regions.next_village.code),
        ("甲一", regions.next_village.code),
    ]


def test_an_import_is_not_undone_once_its_households_have_cases(case) -> None:  # noqa: F811
    source = Source.objects.create(kind="roster", title="花名册", on=ON, created_at=timezone.now())
    Household.objects.filter(pk=case.household_id).update(created_by_source=source)
    with pytest.raises(UndoRefused, match="已有 1 件办理事项"):
        undoing.send(sender=Import, intake=Import(source=source, record_kind="household"))


def test_a_household_that_moves_away_does_not_hold_up_the_meeting_it_was_to_be_voted_in(
    at_evaluation,  # noqa: F811
    second,  # noqa: F811
    pool,  # noqa: F811
    users_by_role,
    regions,
) -> None:
    village, county = users_by_role["village"], users_by_role["county"]
    held = evaluations.prepare(cases=[at_evaluation, second], size=15, excluded={}, by=village)
    evaluations.hold(prepared=held, said="7 12 31", by=village)
    held.refresh_from_db()
    evaluations.attend(evaluation=held, present=held.panel, by=village)
    move_household(household=second.household, village=regions.other_village, by=county, on=ON, reason="搬走了")
    carried = evaluations.close(
        evaluation=held, votes={at_evaluation.pk: Vote(12, 3, 0)}, method="secret", by=village, **VOTED
    )
    assert carried == [at_evaluation]
    assert not second.evidence.filter(kind="ballot").exists()
    # Its new village calls a meeting of its own.
    people = [("1组", f"龙潭人{number}") for number in range(15)]
    panels.add_evaluators(village=regions.other_village, people=people, by=county)
    assert list(evaluations.waiting(county, regions.other_village)) == [second]
    again = evaluations.prepare(cases=[second], size=15, excluded={}, by=county)
    assert again.village == regions.other_village
