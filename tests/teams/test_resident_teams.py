"""Resident teams: declared days, leave and its limits, notes, allowances from what was confirmed."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from django.core.exceptions import ValidationError

from huqing.access.models import Role, User
from huqing.access.permissions import Refused
from huqing.teams import allowances, presence, team_notes
from huqing.teams.models import Absence, AllowanceRun, PresenceDay, Responsibility, RotaDay, Staff, TeamNote

JUNE = dt.date(2024, 6, 1)
TODAY = dt.date(2024, 7, 5)
K = TeamNote.Kind


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    for module in (presence, team_notes, allowances):
        monkeypatch.setattr(module, "today", lambda: TODAY)


@pytest.fixture
def member(regions, users_by_role):
    """A member of 砚瓦村's team with an account."""
    staff = Staff.objects.create(
        name="驻村甲", kind="7", rank="3", user=users_by_role["visitor"], region_code=regions.county.code
    )
    Responsibility.objects.create(
        staff=staff, role="resident", village=regions.village, region_code=regions.village.code,
        since=dt.date(2024, 1, 1),
    )  # fmt: skip
    return staff


@pytest.fixture
def declare(member, users_by_role):
    def declare(first, last, kind="1", **values):
        return presence.declare(staff=member, first=first, last=last, kind=kind, by=users_by_role["visitor"], **values)

    return declare


@pytest.fixture
def ask(member, users_by_role):
    def ask(first, last, kind="3"):
        return presence.ask(
            staff=member, kind=kind, first=first, last=last, reason="家中有事", by=users_by_role["visitor"]
        )

    return ask


def day(number):
    return dt.date(2024, 6, number)


def test_days_are_declared_and_confirmed_by_somebody_else(member, declare, users_by_role):
    assert declare(day(1), day(22)) == 22
    assert declare(day(1), day(22)) == 0
    village = users_by_role["village"]
    assert presence.confirm(days=PresenceDay.objects.all(), by=village) == 22
    assert set(PresenceDay.objects.values_list("state", "decided_by")) == {("confirmed", village.pk)}
    with pytest.raises(ValidationError, match="已确认为“在村”，不能改"):
        declare(day(3), day(3), kind="2")


def test_nobody_declares_for_others_or_confirms_themselves(member, declare, users_by_role):
    declare(day(1), day(1))
    with pytest.raises(Refused, match="本人申报"):
        presence.declare(staff=member, first=day(2), last=day(2), kind="1", by=users_by_role["county"])
    member.user = users_by_role["town"]
    member.save()
    with pytest.raises(Refused, match="不能确认自己"):
        presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["town"])
    with pytest.raises(Refused):
        presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["visitor"])


@pytest.mark.parametrize(
    ("first", "last", "kind", "why"),
    [
        (day(3), day(1), "1", "早于第一天"),
        (TODAY, TODAY + dt.timedelta(days=1), "1", "还没有到"),
        (day(1), day(1), "3", "请假外出"),
        (dt.date(2023, 12, 31), dt.date(2024, 1, 1), "1", "不是驻村工作队员"),
        (dt.date(2024, 1, 1), day(30), "1", "最多 92 天"),
    ],
)
def test_wrong_days_are_refused_and_nothing_is_written(declare, first, last, kind, why):
    with pytest.raises(ValidationError, match=why):
        declare(first, last, kind=kind)
    assert not PresenceDay.objects.exists()


def test_a_refused_day_can_be_declared_anew(member, declare, users_by_role):
    declare(day(1), day(2))
    presence.refuse(days=PresenceDay.objects.filter(day=day(2)), reason="当天不在村", by=users_by_role["town"])
    assert declare(day(2), day(2), kind="2") == 1
    assert list(PresenceDay.objects.order_by("day").values_list("kind", "state")) == [
        ("1", "declared"),
        ("2", "declared"),
    ]


def test_the_town_decides_three_days_and_the_county_more(ask, users_by_role):
    short, long = ask(day(3), day(5)), ask(day(10), day(13))
    presence.decide(absence=short, approve=True, by=users_by_role["town"])
    with pytest.raises(ValidationError, match="4 天超过乡镇可批的 3 天"):
        presence.decide(absence=long, approve=True, by=users_by_role["town"])
    presence.decide(absence=long, approve=True, by=users_by_role["county"])
    assert PresenceDay.objects.filter(kind="3", state="confirmed").count() == 7
    with pytest.raises(ValidationError, match="不用再批"):
        presence.decide(absence=short, approve=True, by=users_by_role["county"])


def test_leave_that_contradicts_a_confirmed_day_is_not_approved(ask, declare, users_by_role):
    declare(day(4), day(4))
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    absence = ask(day(3), day(5))
    with pytest.raises(ValidationError, match="2024-06-04 已确认为“在村”"):
        presence.decide(absence=absence, approve=True, by=users_by_role["town"])
    assert Absence.objects.get().state == "asked"
    assert PresenceDay.objects.count() == 1


def test_overlapping_requests_and_refusals_without_reason_are_refused(ask, users_by_role):
    absence = ask(day(3), day(5))
    with pytest.raises(ValidationError, match="重叠"):
        ask(day(5), day(6))
    with pytest.raises(ValidationError, match="写明原因"):
        presence.decide(absence=absence, approve=False, by=users_by_role["town"])
    presence.decide(absence=absence, approve=False, by=users_by_role["town"], answer="村里正在抢收")
    assert ask(day(5), day(6)).state == "asked"


def test_a_request_can_be_taken_back_before_it_begins(ask, users_by_role):
    later = ask(TODAY + dt.timedelta(days=3), TODAY + dt.timedelta(days=4), kind="4")
    presence.decide(absence=later, approve=True, by=users_by_role["town"])
    presence.cancel(absence=later, by=users_by_role["visitor"])
    assert not PresenceDay.objects.exists()
    begun = ask(day(3), day(4))
    presence.decide(absence=begun, approve=True, by=users_by_role["town"])
    with pytest.raises(ValidationError, match="已经开始"):
        presence.cancel(absence=begun, by=users_by_role["visitor"])


def test_the_rota_takes_one_person_once_a_day_and_nobody_on_leave(member, ask, users_by_role):
    town = users_by_role["town"]
    presence.set_rota(staff=member, day=day(8), by=town)
    with pytest.raises(ValidationError, match="已经排了值班"):
        presence.set_rota(staff=member, day=day(8), by=town)
    presence.decide(absence=ask(day(10), day(11)), approve=True, by=town)
    with pytest.raises(ValidationError, match="已批准外出"):
        presence.set_rota(staff=member, day=day(10), by=town)
    assert RotaDay.objects.count() == 1


def test_care_visits_are_counted_against_their_minimum(member, users_by_role):
    for kind, on in ((K.CARE_MAIN, day(3)), (K.CARE_DEPUTY, day(4))):
        team_notes.note(staff=member, kind=kind, on=on, text="到村看望", by=users_by_role["town"])
    told = {care.title: (care.done, care.least, care.lacking) for care in team_notes.care_in(member, JUNE, "500236")}
    assert told == {"主要领导看望": (1, 1, False), "分管领导看望": (1, 2, True)}


def test_a_problem_is_raised_by_the_member_and_solved_by_others(member, users_by_role):
    visitor, town = users_by_role["visitor"], users_by_role["town"]
    problem = team_notes.note(staff=member, kind=K.PROBLEM, on=day(3), text="住处漏雨", by=visitor)
    with pytest.raises(Refused):
        team_notes.solve(problem=problem, solution="已修", on=day(9), by=visitor)
    with pytest.raises(ValidationError, match="解决日期"):
        team_notes.solve(problem=problem, solution="已修", on=day(1), by=town)
    team_notes.solve(problem=problem, solution="镇里换了房顶", on=day(9), by=town)
    with pytest.raises(ValidationError, match="还没有解决"):
        team_notes.solve(problem=problem, solution="又修", on=day(10), by=town)
    with pytest.raises(Refused, match="本人写"):
        team_notes.note(staff=member, kind=K.DIARY, on=day(3), text="代写", by=town)


def second_county():
    return User.objects.create(username="xian2", display_name="另一经办", role=Role.COUNTY, region_code="500236")


def test_a_full_month_is_paid_by_the_rules_explained_and_approved_by_a_second_person(
    member, declare, ask, users_by_role
):
    county = users_by_role["county"]
    declare(day(1), day(20))
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    presence.decide(absence=ask(day(21), day(22), kind="4"), approve=True, by=users_by_role["town"])
    run = allowances.compute(region="500236", month=JUNE, by=county)
    line = run.lines.get()
    # 20 days × 100; a full month: phone of a 科级 130 + town 300.
    assert (line.days_in_village, line.days_counted, line.food, line.monthly, line.total) == (
        20, 22, 200_000, 43_000, 243_000,
    )  # fmt: skip
    assert any("在村 20 天 × 100" in text for text, _ in line.steps)
    assert any("每月至少驻村天数" in source for _, source in line.steps)
    with pytest.raises(Refused, match="同一个人"):
        allowances.approve(run=run, by=county)
    with pytest.raises(ValidationError, match="审核之后"):
        allowances.export(run=run, by=county)
    other = second_county()
    allowances.approve(run=run, by=other)
    book = openpyxl.load_workbook(io.BytesIO(allowances.export(run=AllowanceRun.objects.get(), by=other)))
    assert [cell.value for cell in book.worksheets[0][2]][-1] == 2430
    with pytest.raises(ValidationError, match="已经核算过"):
        allowances.compute(region="500236", month=JUNE, by=county)


def test_a_short_month_gets_the_days_only(declare, users_by_role):
    declare(day(1), day(19))
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    run = allowances.compute(region="500236", month=JUNE, by=users_by_role["county"])
    line = run.lines.get()
    assert (line.food, line.monthly, line.total) == (190_000, 0, 190_000)


def test_days_that_wait_stop_the_computation_and_an_unknown_rank_stays_unknown(member, declare, users_by_role):
    county = users_by_role["county"]
    declare(day(1), day(25))
    with pytest.raises(ValidationError, match="还有 25 天的驻村日历没有确认"):
        allowances.compute(region="500236", month=JUNE, by=county)
    assert not AllowanceRun.objects.exists()
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    Staff.objects.update(rank="")
    run = allowances.compute(region="500236", month=JUNE, by=county)
    assert (run.lines.get().food, run.lines.get().total) == (250_000, None)
    with pytest.raises(ValidationError, match="1 人算不出来"):
        allowances.approve(run=run, by=second_county())
    allowances.discard(run=run, by=county)
    Staff.objects.update(rank="4")
    again = allowances.compute(region="500236", month=JUNE, by=county)
    assert again.lines.get().total == 250_000 + 8_000 + 30_000


def test_a_month_that_runs_is_not_paid(member, users_by_role):
    with pytest.raises(ValidationError, match="还没有结束"):
        allowances.compute(region="500236", month=dt.date(2024, 7, 1), by=users_by_role["county"])
    with pytest.raises(Refused):
        allowances.compute(region="500237", month=JUNE, by=users_by_role["county"])
