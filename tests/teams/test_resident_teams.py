"""Resident teams: declared days, leave and its limits, notes, allowances from what was confirmed."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from django.core.exceptions import ValidationError

from huqing.access.models import AuditEvent, Role, User
from huqing.access.permissions import Refused
from huqing.teams import absences, allowances, presence, provisions, residency_queries, rota, team_notes
from huqing.teams.models import (
    Absence,
    AllowanceRun,
    PresenceDay,
    Provision,
    Responsibility,
    RotaDay,
    Staff,
    TeamNote,
)

JUNE = dt.date(2024, 6, 1)
TODAY = dt.date(2024, 7, 5)
K = TeamNote.Kind


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr("huqing.teams.ledger_queries.working_day", lambda day: TODAY)


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
    def ask(first, last, kind="31"):
        return absences.ask(
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
    with pytest.raises(ValidationError, match="已确认为“在村”，同一天不能在两处"):
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
    absences.decide(absence=short, approve=True, by=users_by_role["town"])
    with pytest.raises(ValidationError, match="4 天超过乡镇可批的 3 天"):
        absences.decide(absence=long, approve=True, by=users_by_role["town"])
    absences.decide(absence=long, approve=True, by=users_by_role["county"])
    assert PresenceDay.objects.filter(kind="3", state="confirmed").count() == 7
    with pytest.raises(ValidationError, match="不用再批"):
        absences.decide(absence=short, approve=True, by=users_by_role["county"])


def test_nobody_is_in_two_places(member, ask, declare, users_by_role):
    town = users_by_role["town"]
    absence = ask(day(3), day(5))
    with pytest.raises(ValidationError, match="还没有批"):
        declare(day(4), day(4))
    absences.cancel(absence=absence, by=users_by_role["visitor"])
    declare(day(4), day(4))
    again = ask(day(3), day(5))
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    with pytest.raises(ValidationError, match="2024-06-04 已确认为“在村”，同一天不能在两处"):
        absences.decide(absence=again, approve=True, by=town)
    assert Absence.objects.get(pk=again.pk).state == "asked"
    assert PresenceDay.objects.count() == 1
    absences.cancel(absence=again, by=users_by_role["visitor"])
    with pytest.raises(ValidationError, match="同一天不能在两处"):
        ask(day(4), day(4), kind="21")
    rota.set_rota(staff=member, day=day(8), by=town)
    with pytest.raises(ValidationError, match="排了驻村甲值班"):
        ask(day(7), day(9))


def test_outings_of_a_day_are_decided_by_the_village_and_longer_ones_above(ask, users_by_role):
    village, town = users_by_role["village"], users_by_role["town"]
    outing, trip = ask(day(3), day(3), kind="21"), ask(day(4), day(7), kind="42")
    assert (absences.decided_at(outing), absences.decided_at(trip)) == ("村里", "县里")
    assert absences.decision_refusal(ask(day(10), day(10)), village) == "请假由乡镇批，村里不批。"
    assert absences.decision_refusal(ask(day(11), day(12), kind="22"), village).startswith(
        "2 天超过村里可批的 1 天，由乡镇批"
    )
    assert "4 天超过乡镇可批的 3 天" in absences.decision_refusal(trip, town)
    absences.decide(absence=outing, approve=True, by=village)
    absences.decide(absence=trip, approve=True, by=users_by_role["county"])
    assert sorted(PresenceDay.objects.values_list("kind", flat=True)) == ["2", "4", "4", "4", "4"]


def test_whoever_comes_back_early_declares_the_days_left(ask, declare, users_by_role):
    visitor = users_by_role["visitor"]
    absence = ask(day(3), day(5))
    absences.decide(absence=absence, approve=True, by=users_by_role["town"])
    with pytest.raises(ValidationError, match="提前回村"):
        declare(day(5), day(5))
    with pytest.raises(ValidationError, match="回村日期要在 2024-06-03 之后"):
        absences.come_back(absence=absence, on=day(3), by=visitor)
    absences.come_back(absence=absence, on=day(5), by=visitor)
    assert absences.days_of(Absence.objects.get()) == 2
    assert declare(day(5), day(5)) == 1
    assert ask(day(6), day(6)).state == "asked"


def test_a_paid_day_is_not_sent_back(declare, users_by_role):
    declare(day(1), day(20))
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    run = allowances.compute(region="500236", month=JUNE, by=users_by_role["county"])
    allowances.approve(run=run, by=second_county())
    with pytest.raises(ValidationError, match="2024年06月的补助已经审核"):
        presence.refuse(days=PresenceDay.objects.filter(day=day(2)), reason="查出不在村", by=users_by_role["town"])


def test_what_changed_after_the_computation_is_not_approved(member, declare, ask, users_by_role):
    county, town = users_by_role["county"], users_by_role["town"]
    declare(day(1), day(20))
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    run = allowances.compute(region="500236", month=JUNE, by=county)
    presence.refuse(days=PresenceDay.objects.filter(day=day(2)), reason="查出不在村", by=town)
    with pytest.raises(ValidationError, match=r"1 人的天数或金额已经不同：驻村甲。请作废"):
        allowances.approve(run=run, by=second_county())
    allowances.discard(run=run, by=county)
    trip = ask(day(25), day(26), kind="41")
    with pytest.raises(ValidationError, match="还有 1 份这个月的请假外出申请没有批"):
        allowances.compute(region="500236", month=JUNE, by=county)
    absences.decide(absence=trip, approve=True, by=town)
    again = allowances.compute(region="500236", month=JUNE, by=county)
    allowances.approve(run=again, by=User.objects.get(username="xian2"))
    assert again.lines.get().days_counted == 21


def test_a_paid_day_away_is_not_taken_back(ask, declare, users_by_role):
    absence = ask(day(28), dt.date(2024, 7, 3), kind="41")
    absences.decide(absence=absence, approve=True, by=users_by_role["county"])
    run = allowances.compute(region="500236", month=JUNE, by=users_by_role["county"])
    allowances.approve(run=run, by=second_county())
    with pytest.raises(ValidationError, match="2024年06月的补助已经审核"):
        absences.come_back(absence=absence, on=day(29), by=users_by_role["visitor"])
    assert absence.days.count() == 6
    absences.come_back(absence=absence, on=dt.date(2024, 7, 2), by=users_by_role["visitor"])
    assert absence.days.count() == 4


def test_turns_fill_the_empty_days_without_whoever_is_away(member, ask, regions, users_by_role):
    town = users_by_role["town"]
    second = Staff.objects.create(name="驻村乙", kind="7", region_code=regions.county.code)
    Responsibility.objects.create(
        staff=second, role="resident", village=regions.village, region_code=regions.village.code, since=JUNE
    )
    july = dt.date(2024, 7, 8)
    absences.decide(absence=ask(july, july + dt.timedelta(days=1)), approve=True, by=town)
    filled, nobody = rota.take_turns(
        village=regions.village.code, first=july, last=july + dt.timedelta(days=3), by=town
    )
    assert (filled, nobody) == (4, [])
    names = list(RotaDay.objects.order_by("day").values_list("staff__name", flat=True))
    assert names == ["驻村乙", "驻村乙", "驻村甲", "驻村甲"]
    assert rota.take_turns(village=regions.village.code, first=july, last=july, by=town) == (0, [])
    with pytest.raises(Refused):
        rota.take_turns(village=regions.other_village.code, first=july, last=july, by=users_by_role["village"])


def test_check_up_and_insurance_are_records_with_a_sealed_number_and_a_list_of_gaps(member, users_by_role):
    town, insured = users_by_role["town"], Provision.Kind.INSURANCE
    assert residency_queries.without_provision(town, 2024, insured).count() == 1
    provisions.save(staff=member, year=2024, kind=insured, planned_on=day(1), by=town)
    states = {one.kind: one.state for one in provisions.standings([member.pk], 2024, TODAY)[member.pk]}
    assert states == {"checkup": "none", "insurance": "late"}
    assert residency_queries.without_provision(town, 2024, insured).count() == 1
    with pytest.raises(ValidationError, match="保障到期"):
        provisions.save(staff=member, year=2024, kind=insured, done_on=day(2), by=town)
    with pytest.raises(ValidationError, match="早于办理日期"):
        provisions.save(staff=member, year=2024, kind=insured, done_on=day(2), until=day(1), by=town)
    row = provisions.save(
        staff=member,
        year=2024,
        kind=insured,
        done_on=day(2),
        until=dt.date(2025, 6, 1),
        policy="PA2024-0099887",
        by=town,
    )
    assert (row.policy_shown, Provision.objects.count()) == ("**********9887", 1)
    assert b"9887" not in bytes(row.policy_sealed)
    assert residency_queries.without_provision(town, 2024, insured).count() == 0
    assert provisions.policy_number(provision=row, by=users_by_role["visitor"]) == "PA2024-0099887"
    assert AuditEvent.objects.filter(action="provision_show").count() == 1
    with pytest.raises(Refused):
        provisions.policy_number(provision=row, by=users_by_role["reader"])
    with pytest.raises(ValidationError, match="不是驻村工作队员"):
        provisions.save(staff=member, year=2023, kind=insured, planned_on=day(1), by=town)


def test_the_lines_of_a_month_tell_waiting_short_and_uncared(member, declare, users_by_role):
    town = users_by_role["town"]
    declare(day(1), day(20))
    presence.confirm(days=PresenceDay.objects.exclude(day=day(20)), by=town)
    line = residency_queries.month_lines(town, JUNE).get()
    assert (line.waiting, line.counted, line.care_main) == (1, 19, 0)
    for only in ("waiting", "short", "care"):
        assert residency_queries.month_lines(town, JUNE, only=only).count() == 1
    presence.confirm(days=PresenceDay.objects.all(), by=town)
    assert residency_queries.month_lines(town, JUNE, only="short").count() == 0
    assert residency_queries.month_lines(users_by_role["county"], JUNE, place="500236102").count() == 0


def test_whoever_stayed_a_part_of_the_month_is_in_its_list_once(member, declare, regions, users_by_role):
    declare(day(1), day(10))
    Responsibility.objects.update(until=day(10))
    later = {"village": regions.other_village, "region_code": regions.other_village.code, "since": day(11)}
    Responsibility.objects.create(staff=member, role="resident", until=day(20), **later)
    gone = Staff.objects.create(name="早走", kind="7", region_code=regions.county.code)
    Responsibility.objects.create(
        staff=gone, role="resident", village=regions.village, region_code=regions.village.code,
        since=dt.date(2023, 1, 1), until=dt.date(2024, 5, 31),
    )  # fmt: skip
    county, village = users_by_role["county"], users_by_role["village"]
    (line,) = residency_queries.month_lines(county, JUNE)
    assert (line.region_code, line.waiting) == (regions.other_village.code, 10)
    # The village the member has left still confirms the days there.
    assert [one.region_code for one in residency_queries.month_lines(village, JUNE)] == [regions.village.code]
    assert {one.staff.name for one in residency_queries.month_lines(county, dt.date(2024, 5, 1))} == {"早走", "驻村甲"}
    assert not residency_queries.month_lines(county, dt.date(2024, 7, 1))


def test_overlapping_requests_and_refusals_without_reason_are_refused(ask, users_by_role):
    absence = ask(day(3), day(5))
    with pytest.raises(ValidationError, match="重叠"):
        ask(day(5), day(6))
    with pytest.raises(ValidationError, match="写明原因"):
        absences.decide(absence=absence, approve=False, by=users_by_role["town"])
    absences.decide(absence=absence, approve=False, by=users_by_role["town"], answer="村里正在抢收")
    assert ask(day(5), day(6)).state == "asked"


def test_a_request_can_be_taken_back_before_it_begins(ask, users_by_role):
    later = ask(TODAY + dt.timedelta(days=3), TODAY + dt.timedelta(days=4), kind="41")
    absences.decide(absence=later, approve=True, by=users_by_role["town"])
    absences.cancel(absence=later, by=users_by_role["visitor"])
    assert not PresenceDay.objects.exists()
    begun = ask(day(3), day(4))
    absences.decide(absence=begun, approve=True, by=users_by_role["town"])
    with pytest.raises(ValidationError, match="已经开始"):
        absences.cancel(absence=begun, by=users_by_role["visitor"])


def test_the_rota_takes_one_person_once_a_day_and_nobody_on_leave(member, ask, users_by_role):
    town = users_by_role["town"]
    rota.set_rota(staff=member, day=day(8), by=town)
    with pytest.raises(ValidationError, match="已经排了值班"):
        rota.set_rota(staff=member, day=day(8), by=town)
    absences.decide(absence=ask(day(10), day(11)), approve=True, by=town)
    with pytest.raises(ValidationError, match="已批准外出"):
        rota.set_rota(staff=member, day=day(10), by=town)
    assert RotaDay.objects.count() == 1


def test_care_visits_are_counted_against_their_minimum(member, users_by_role):
    town = users_by_role["town"]
    for kind, on in ((K.CARE_MAIN, day(3)), (K.CARE_DEPUTY, day(4))):
        team_notes.care_visit(staff=[member], kind=kind, on=on, who="局长李某", text="到村看望", by=town)
    with pytest.raises(ValidationError, match="已经登记过"):
        team_notes.care_visit(staff=[member], kind=K.CARE_MAIN, on=day(3), who="局长李某", text="又", by=town)
    with pytest.raises(ValidationError, match="谁来看望"):
        team_notes.care_visit(staff=[member], kind=K.CARE_MAIN, on=day(5), who=" ", text="看望", by=town)
    told = {care.title: (care.done, care.least, care.lacking) for care in team_notes.care_in(member, JUNE, "500236")}
    assert told == {"主要领导看望": (1, 1, False), "分管领导看望": (1, 2, True)}


def test_a_problem_is_raised_by_the_member_and_solved_by_others(member, users_by_role):
    visitor, town = users_by_role["visitor"], users_by_role["town"]
    problem = team_notes.note(staff=member, kind=K.PROBLEM, on=day(3), text="住处漏雨", by=visitor)
    with pytest.raises(Refused):
        team_notes.solve(problem=problem, solution="已修", on=day(9), by=visitor)
    with pytest.raises(ValidationError, match="解决期限不能早于"):
        team_notes.assign(problem=problem, responsible="朱衣镇政府", due_on=day(1), by=town)
    team_notes.assign(problem=problem, responsible="朱衣镇政府", due_on=day(20), by=town)
    assert team_notes.open_problems(town).get().due_on == day(20)
    assert not team_notes.open_problems(users_by_role["reader"]).exists()
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
    absences.decide(absence=ask(day(21), day(22), kind="41"), approve=True, by=users_by_role["town"])
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
