"""Whom visits are due to, and what a visit or a word changes about it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db.models import Count
from django.utils import timezone

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.registry.models import DepartmentRecord, Label
from huqing.screening.models import Run
from huqing.visits import refreshing
from huqing.visits.models import Confirmation, Method, Submission, VisitTask
from huqing.visits.tasks import NotConfirmed, NotScreened, confirm_unchanged, refresh, visited

from . import calendar_world as world
from .calendar_world import DAY, filled, listed, made_responsible, recorded, refreshed, said, task, use

pytestmark = pytest.mark.django_db
MONTH_LATER = dt.date(2024, 7, 1)


@pytest.fixture(autouse=True)
def stand_still(monkeypatch):
    """Today is the day of these tests wherever the product asks for it."""
    for module in ("huqing.visits.tasks", "huqing.visits.refreshing", "huqing.visits.calendar", "huqing.teams.queries"):
        monkeypatch.setattr(f"{module}.working_day", lambda today: DAY)


@pytest.fixture
def visitor(users_by_role):
    return users_by_role["visitor"]


def test_the_rules_say_whom_a_visit_is_due_to(make_household):
    use()
    poor, other = listed(make_household()), make_household()
    counts = refreshed()
    assert VisitTask.objects.filter(visit="cadre").values_list("household", flat=True).get() == poor.pk
    assert VisitTask.objects.filter(visit="doctor").count() == 2
    assert task("doctor", person=other.members.get()).region_code == other.region_code
    assert counts.begun == counts.due == VisitTask.objects.count()


def test_a_second_refresh_finds_nothing_to_do(make_household):
    use()
    listed(make_household(members=("张三", "李四")))
    first = refreshed()
    second = refreshed()
    assert (second.begun, second.changed, second.ended, second.same) == (0, 0, 0, first.due)


def test_who_is_no_longer_meant_is_no_longer_asked_for_but_past_visits_stay(make_household, visitor):
    use()
    visited_one, never = listed(make_household()), listed(make_household())
    refreshed()
    visited(filled("four_visits_cadre", visitor, DAY, household=visited_one))
    Label.objects.all().delete()
    refreshed()
    assert not VisitTask.objects.filter(visit="cadre", household=never).exists()
    kept = task("cadre", household=visited_one)
    assert (kept.due_on, kept.last_on) == (None, DAY)


def test_a_visit_in_the_countys_ledger_counts_as_the_last_one(make_household):
    use()
    household = listed(make_household())
    recorded(household, dt.date(2024, 5, 20))
    recorded(household, dt.date(2024, 4, 1))
    recorded(household, dt.date(2024, 5, 30), kind="3")
    refreshed()
    due = task("cadre", household=household)
    assert (due.last_on, due.due_on, due.last_done) == (dt.date(2024, 5, 20), dt.date(2024, 6, 20), "visited")
    # Whom of the family the doctor saw is not in the ledger.
    assert task("doctor", person=household.members.get()).last_on is None


def test_the_most_frequent_of_several_key_groups_holds(make_household):
    use()
    old, ill, well = make_household(members=("老人", "病人", "壮年")).members.order_by("pk")
    said(old, health=["02"])
    old.birth_date = dt.date(1940, 1, 1)
    old.save()
    said(ill, health=["04"], disability_type="4", disability_grade="2")
    said(well, health=["01"])
    refreshed()
    told = {person: task("doctor", person=person) for person in (old, ill, well)}
    assert [(one.group, one.due_on) for one in told.values()] == [
        ("chronic", dt.date(2024, 7, 1)),
        ("disabled", dt.date(2024, 9, 1)),
        ("", dt.date(2025, 6, 1)),
    ]


def test_the_dead_are_not_visited(make_household):
    use()
    person = make_household().members.get()
    said(person, alive=False, health=["02"])
    refreshed()
    assert not VisitTask.objects.filter(person=person).exists()


def test_villages_are_visited_in_rounds(make_household, regions):
    use("linked_visits")
    make_household()
    refreshed()
    due = VisitTask.objects.get(visit="village")
    assert (due.village, due.due_on) == (regions.village, dt.date(2024, 6, 30))


def test_nobody_is_put_off_because_nobody_came(make_household):
    use()
    household = listed(make_household())
    refreshed()
    refreshed(dt.date(2024, 8, 15))
    assert task("cadre", household=household).due_on == MONTH_LATER


def test_tasks_follow_a_household_to_another_village_and_a_person_to_another_household(make_household, regions):
    use()
    household, other = listed(make_household(members=("张三", "李四"))), make_household()
    refreshed()
    number = task("cadre", household=household).pk
    household.village, household.region_code = regions.other_village, regions.other_village.code
    household.save()
    leaver = household.members.get(name="李四")
    leaver.household, leaver.region_code = other, other.region_code
    leaver.save()
    refreshed()
    moved = task("cadre", household=household)
    assert (moved.pk, moved.region_code) == (number, regions.other_village.code)
    assert task("doctor", person=leaver).household == other


def test_a_new_version_of_a_method_takes_the_history_over(make_household, visitor):
    old = use()
    household = listed(make_household())
    refreshed()
    visited(filled("four_visits_cadre", visitor, DAY, household=household))
    Method.objects.filter(pk=old.pk).update(active=False)
    new = Method.objects.create(key=old.key, version="2", title="新", digest="2", installed_at=old.installed_at)
    old.forms.update(method=new)
    refreshed()
    assert (task("cadre", household=household).method, task("cadre", household=household).last_on) == (new, DAY)
    assert not VisitTask.objects.filter(method=old).exists()


def test_a_method_out_of_use_asks_for_nothing(make_household):
    method = use()
    listed(make_household())
    refreshed()
    Method.objects.filter(pk=method.pk).update(active=False)
    refreshed()
    assert not VisitTask.objects.exclude(due_on=None).exists()


def test_only_the_named_village_is_refreshed(make_household, regions):
    use()
    here, there = listed(make_household()), listed(make_household(village=regions.next_village))
    refreshed(region=regions.next_village.code)
    assert set(VisitTask.objects.values_list("household", flat=True)) == {there.pk}
    refreshed(region=regions.town.code[:9])
    assert set(VisitTask.objects.values_list("household", flat=True)) == {here.pk, there.pk}


def test_without_a_screening_nobody_knows_whom_to_visit():
    use()
    with pytest.raises(NotScreened, match="请先筛查"):
        refresh(world.COUNTY, as_of=DAY)


def test_the_snapshot_of_the_last_screening_is_used_and_taken_again_if_it_is_gone(make_household):
    use()
    household = listed(make_household())
    Run.objects.create(
        state="done", trigger="manual", as_of=DAY, region_code="500236", rules_version="v", snapshot="gone",
        started_at=household.updated_at,
    )  # fmt: skip
    assert refresh(world.COUNTY, as_of=DAY).begun == 2


def test_a_refresh_killed_between_two_towns_leaves_whole_towns_and_the_next_one_finishes(
    make_household, regions, monkeypatch
):
    use()
    listed(make_household())
    listed(make_household(village=regions.other_village))
    finish = refreshing._Town._write

    def killed(town, writer):
        counts = finish(town, writer)
        if town.town == regions.other_village.code[:9]:
            raise KeyboardInterrupt
        return counts

    monkeypatch.setattr(refreshing._Town, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        refreshed()
    towns = dict(VisitTask.objects.values_list("region_code").annotate(n=Count("pk")))
    assert towns == {regions.village.code: 2}
    monkeypatch.undo()
    assert refreshed().begun == 2


# Visits


def test_a_visit_moves_the_deadline_on_whoever_of_those_responsible_came(make_household, visitor, users_by_role):
    use()
    household = listed(make_household())
    refreshed()
    record = filled("four_visits_cadre", users_by_role["village"], DAY, household=household)
    visited(record)
    due = task("cadre", household=household)
    assert (due.last_on, due.due_on, due.last_by, due.submission) == (DAY, MONTH_LATER, record.user, record)
    assert refreshed().changed == 0


def test_an_older_visit_that_arrives_late_changes_nothing(make_household, visitor):
    use()
    household = listed(make_household())
    refreshed()
    visited(filled("four_visits_cadre", visitor, DAY, household=household))
    visited(filled("four_visits_cadre", visitor, DAY - dt.timedelta(20), household=household))
    assert task("cadre", household=household).last_on == DAY


def test_a_visit_dated_after_today_counts_as_todays(make_household, visitor):
    use()
    household = listed(make_household())
    refreshed()
    visited(filled("four_visits_cadre", visitor, DAY + dt.timedelta(400), household=household))
    assert task("cadre", household=household).last_on == DAY


def test_a_correction_may_put_a_visit_earlier(make_household, visitor):
    use()
    household = listed(make_household())
    refreshed()
    first = filled("four_visits_cadre", visitor, DAY, household=household)
    visited(first)
    second = filled("four_visits_cadre", visitor, DAY - dt.timedelta(7), household=household, replaces=first)
    first.state = "replaced"
    first.save()
    visited(second)
    assert task("cadre", household=household).last_on == DAY - dt.timedelta(7)
    assert refreshed().changed == 0


def test_a_correction_about_another_household_gives_the_first_its_visit_back(make_household, visitor):
    use()
    first, second = listed(make_household()), listed(make_household())
    refreshed()
    before = task("cadre", household=first)
    earlier = filled("four_visits_cadre", visitor, DAY - dt.timedelta(40), household=first)
    visited(earlier)
    wrong = filled("four_visits_cadre", visitor, DAY, household=first)
    visited(wrong)
    right = filled("four_visits_cadre", visitor, DAY, household=second, replaces=wrong)
    Submission.objects.filter(pk=wrong.pk).update(state="replaced")
    visited(right)
    assert (task("cadre", household=second).last_on, task("cadre", household=second).submission) == (DAY, right)
    back = task("cadre", household=first)
    assert (back.last_on, back.submission) == (earlier.visited_on, earlier)
    Submission.objects.filter(pk=earlier.pk).update(state="replaced")
    visited(filled("four_visits_cadre", visitor, DAY, household=second, replaces=earlier))
    never = task("cadre", household=first)
    assert (never.last_on, never.last_done, never.submission) == (None, "", None)
    assert never.due_on <= back.due_on
    assert before.due_on is not None


def test_a_visit_of_the_doctor_is_about_one_person(make_household, visitor):
    use()
    household = make_household(members=("张三", "李四"))
    one, other = household.members.order_by("pk")
    refreshed()
    visited(filled("four_visits_doctor", visitor, DAY, household=household, person=one))
    assert task("doctor", person=one).last_on == DAY
    assert task("doctor", person=other).last_on is None


def test_a_record_that_is_not_whole_is_no_visit_yet(make_household, visitor):
    use()
    household = listed(make_household())
    refreshed()
    assert visited(filled("four_visits_cadre", visitor, DAY, household=household, state="incomplete")) is None
    assert task("cadre", household=household).last_on is None


def test_a_visit_before_anybody_was_asked_counts_at_the_next_refresh(make_household, visitor):
    use()
    household = listed(make_household())
    record = filled("four_visits_cadre", visitor, DAY - dt.timedelta(3), household=household)
    assert visited(record) is None
    refreshed()
    due = task("cadre", household=household)
    assert (due.last_on, due.last_by, due.submission) == (DAY - dt.timedelta(3), visitor, record)


# 无变化


@pytest.fixture
def due(make_household, visitor):
    use()
    household = listed(make_household())
    made_responsible(visitor, "helper", household=household)
    refreshed()
    return task("cadre", household=household)


def test_a_word_that_nothing_changed_is_a_visit_in_the_ledger(due, visitor):
    made = confirm_unchanged(task=due, user=visitor, on=DAY, token="phone-0001")
    due.refresh_from_db()
    assert (due.last_on, due.last_done, due.last_by, due.due_on) == (DAY, "unchanged", visitor, MONTH_LATER)
    record = DepartmentRecord.objects.get(household=due.household, kind="home_visit")
    assert (record.on, record.items["visit_kind"], record.source.kind) == (DAY, "1", "visit")
    assert AuditEvent.objects.order_by("-pk").first().action == "visit_unchanged"
    assert made.household == due.household
    assert refreshed().changed == 0


def test_the_same_word_twice_is_one_word(due, visitor):
    first = confirm_unchanged(task=due, user=visitor, on=DAY, token="phone-0001")
    again = confirm_unchanged(task=due, user=visitor, on=DAY, token="phone-0001")
    assert (first.pk, Confirmation.objects.count(), DepartmentRecord.objects.count()) == (again.pk, 1, 1)


def test_somebody_elses_token_opens_nothing(due, visitor, users_by_role):
    confirm_unchanged(task=due, user=visitor, on=DAY, token="phone-0001")
    with pytest.raises(NotConfirmed, match="已用于另一项确认"):
        confirm_unchanged(task=due, user=users_by_role["village"], on=DAY, token="phone-0001")


@pytest.mark.parametrize("role", ["county", "town"])
def test_only_who_is_responsible_gives_the_word(role, due, users_by_role):
    with pytest.raises(Refused, match="不由您负责"):
        confirm_unchanged(task=due, user=users_by_role[role], on=DAY, token="phone-0001")
    assert not Confirmation.objects.exists()


def test_who_holds_another_duty_for_the_household_does_not_give_the_cadres_word(due, users_by_role, visitor):
    teacher = visitor
    teacher.staff.responsibilities.update(role="paired_teacher")
    with pytest.raises(Refused):
        confirm_unchanged(task=due, user=teacher, on=DAY, token="phone-0001")


def test_the_reader_gives_no_word(due, users_by_role):
    with pytest.raises(Refused, match="不能走访填表"):
        confirm_unchanged(task=due, user=users_by_role["reader"], on=DAY, token="phone-0001")


def test_a_visit_that_needs_its_form_takes_no_word(due, visitor):
    made_responsible(visitor, "family_doctor", household=due.household)
    other = task("doctor", person=due.household.members.get())
    with pytest.raises(NotConfirmed, match="要填表") as refused:
        confirm_unchanged(task=other, user=visitor, on=DAY, token="phone-0001")
    assert refused.value.status == 409


@pytest.mark.parametrize("on", [dt.date(1970, 1, 1), dt.date(2099, 1, 1), dt.date.max])
def test_a_phone_whose_clock_is_wrong_does_no_harm(on, due, visitor):
    assert confirm_unchanged(task=due, user=visitor, on=on, token="phone-0001").on == DAY


def test_a_word_given_offline_some_days_ago_keeps_its_day(due, visitor):
    assert confirm_unchanged(task=due, user=visitor, on=DAY - dt.timedelta(5), token="phone-0001").on == dt.date(
        2024, 5, 27
    )


def test_a_word_for_a_visit_that_is_not_due_any_more_is_told_so(due, visitor):
    VisitTask.objects.filter(pk=due.pk).update(due_on=None)
    due.refresh_from_db()
    with pytest.raises(NotConfirmed, match="不再需要"):
        confirm_unchanged(task=due, user=visitor, on=DAY, token="phone-0001")


def test_a_method_whose_files_are_gone_does_not_stop_the_others(make_household, tmp_path):
    use()
    Method.objects.create(
        key="gone", version="1", title="没了", folder=str(tmp_path / "gone"), digest="g", installed_at=timezone.now()
    )
    household = listed(make_household())
    refreshed()
    assert task("cadre", household=household).method.key == "four_visits"


def test_what_was_visited_under_an_earlier_version_counts_though_its_form_has_another_name(make_household, visitor):
    old = use()
    household = listed(make_household())
    filled("four_visits_cadre", visitor, DAY, household=household)
    Method.objects.filter(pk=old.pk).update(active=False)
    Method.objects.create(key=old.key, version="2", title="新", digest="2", installed_at=timezone.now())
    refreshed()
    assert task("cadre", household=household).last_on == DAY
