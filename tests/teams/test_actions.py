"""Who may make whom responsible, and what the ledger keeps of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.registry.models import Household, Label
from huqing.teams import ledger_queries
from huqing.teams.actions import end_duty, give_duty, save_staff
from huqing.teams.models import Responsibility, Staff
from huqing.teams.queries import duties_by_place, households_of

DAY = dt.date(2024, 6, 1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(users_by_role):
    return users_by_role["visitor"]


@pytest.fixture
def household(make_household):
    return make_household(members=("张三", "张小"))


@pytest.fixture
def helper(users_by_role, visitor):
    return save_staff(
        by=users_by_role["county"], name="李帮", kind="1", region_code="500236", unit="县水利局", user=visitor
    )


def test_a_visitor_sees_exactly_the_households_of_the_ledger(users_by_role, helper, visitor, household, make_household):
    other = make_household()
    assert not households_of(visitor, on=DAY).exists()
    give_duty(by=users_by_role["county"], staff=helper, role="helper", household=household, since=DAY)
    assert list(households_of(visitor, on=DAY)) == [household]
    assert other not in Household.objects.visible_to(visitor)
    assert duties_by_place(visitor, on=DAY).towards(household) == {"helper"}
    event = AuditEvent.objects.order_by("-pk").first()
    assert (event.action, event.detail["staff"], event.detail["role"]) == ("duty_give", "李帮", "帮扶责任人")


@pytest.mark.parametrize(("last", "sees"), [(0, True), (1, False)])
def test_the_last_day_of_a_duty_still_counts_and_the_next_does_not(
    last, sees, users_by_role, helper, visitor, household
):
    today = working_day(timezone.localdate())
    duty = give_duty(by=None, staff=helper, role="helper", household=household, since=today - dt.timedelta(30))
    end_duty(by=users_by_role["town"], duty=duty, on=today - dt.timedelta(last), reason="调整结对")
    assert households_of(visitor).exists() is sees
    assert Responsibility.objects.count() == 1


def test_a_duty_for_one_person_is_no_duty_for_the_others_of_the_house(helper, visitor, household):
    child = household.members.first()
    give_duty(by=None, staff=helper, role="paired_teacher", person=child, since=DAY)
    duties = duties_by_place(visitor, on=DAY)
    assert duties.towards(household, child.pk) == {"paired_teacher"}
    assert duties.towards(household) == set()


@pytest.mark.parametrize("role", ["village", "grid", "reader", "visitor"])
def test_who_may_not_arrange_duties_is_told_who_may(role, users_by_role, helper, household):
    with pytest.raises(Refused, match="由县级经办、乡镇经办办理"):
        give_duty(by=users_by_role[role], staff=helper, role="helper", household=household, since=DAY)
    assert not Responsibility.objects.exists()


def test_a_town_arranges_duties_only_among_its_own_households(users_by_role, helper, regions, make_household):
    far = make_household(village=regions.other_village)
    with pytest.raises(Refused, match="管辖范围"):
        give_duty(by=users_by_role["town"], staff=helper, role="helper", household=far, since=DAY)
    with pytest.raises(Refused, match="管辖范围"):
        give_duty(by=users_by_role["town"], staff=helper, role="resident", village=regions.other_village, since=DAY)
    duty = give_duty(by=None, staff=helper, role="helper", household=far, since=DAY)
    with pytest.raises(Refused, match="管辖范围"):
        end_duty(by=users_by_role["town"], duty=duty, on=DAY)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"role": "boss"}, "请选择责任类别"),
        ({"household": None}, "只选一个"),
        ({"until": DAY - dt.timedelta(1)}, "不能早于"),
    ],
)
def test_a_wrong_line_is_refused_with_what_to_do(changed, said, helper, household):
    line = {"by": None, "staff": helper, "role": "helper", "household": household, "since": DAY} | changed
    with pytest.raises(ValidationError, match=said):
        give_duty(**line)
    assert not Responsibility.objects.exists()


def test_the_same_duty_is_not_given_twice(helper, household):
    give_duty(by=None, staff=helper, role="helper", household=household, since=DAY)
    with pytest.raises(ValidationError, match="已有这项责任"):
        give_duty(by=None, staff=helper, role="helper", household=household, since=DAY + dt.timedelta(5))
    give_duty(by=None, staff=helper, role="linked", household=household, since=DAY)


def test_an_account_that_does_not_reach_a_place_takes_no_duty_there(users_by_role, regions, make_household):
    town = save_staff(by=None, name="王镇", kind="5", region_code="500236101", user=users_by_role["town"])
    far = make_household(village=regions.other_village)
    with pytest.raises(ValidationError, match="管辖不到这里"):
        give_duty(by=None, staff=town, role="helper", household=far, since=DAY)


def test_staff_are_registered_once_per_account_and_without_numbers(users_by_role, helper, visitor):
    with pytest.raises(ValidationError, match="一个账号只属于一个人"):
        save_staff(by=None, name="赵二", kind="1", region_code="500236", user=visitor)
    with pytest.raises(ValidationError, match="不要写证件号码"):
        save_staff(by=None, name="赵二 13900001111", kind="1", region_code="500236")
    with pytest.raises(ValidationError, match="人员类别"):
        save_staff(by=None, name="赵二", kind="99", region_code="500236")
    with pytest.raises(Refused, match="管辖范围"):
        save_staff(by=users_by_role["town"], name="赵二", kind="1", region_code="500237")
    save_staff(by=users_by_role["county"], name="李帮助", kind="1", region_code="500236", user=visitor, staff=helper)
    assert Staff.objects.get().name == "李帮助"


def test_gaps_are_what_no_line_of_the_ledger_covers(
    users_by_role, helper, household, regions, make_household, monkeypatch
):
    monkeypatch.setattr(ledger_queries, "today", lambda: DAY)
    alone, gridded = make_household(village=regions.other_village), make_household(grid=regions.next_grid)
    household.grid = regions.grid
    household.save()
    Label.objects.create(kind="monitor", household=alone, valid_from=DAY)
    Label.objects.create(kind="monitor", household=household, valid_from=DAY)
    by = users_by_role["county"]
    give_duty(by=None, staff=helper, role="helper", household=household, since=DAY)
    # Accounts of grid workers and village officers exist, but nobody with a name is in the ledger for them.
    assert ledger_queries.gap_counts(by) == ledger_queries.GapCounts(nobody=2, helpless=1, no_grid=1, grids=2)
    give_duty(by=None, staff=helper, role="grid_worker", grid=regions.next_grid, since=DAY)
    assert list(ledger_queries.left_alone(by)) == [alone]
    assert list(ledger_queries.grids_alone(by)) == [regions.grid]
    assert ledger_queries.gap_counts(users_by_role["village"]).nobody == 0
    assert gridded not in ledger_queries.without_grid(by)
    assert sum(gap.nobody for gap in ledger_queries.gaps(by)) == ledger_queries.gap_counts(by).nobody


def test_a_village_officer_is_not_in_two_villages_at_once(users_by_role, regions):
    by = users_by_role["county"]
    officer = save_staff(by=by, name="王村官", kind="5", region_code="500236101")
    give = {"staff": officer, "role": "village_officer", "since": dt.date(2024, 1, 1), "by": by}
    give_duty(village=regions.village, **give)
    with pytest.raises(ValidationError, match="不能同时在两处"):
        give_duty(village=regions.next_village, **give)
