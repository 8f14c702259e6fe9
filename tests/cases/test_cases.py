"""A case goes its declared way: every step by who may take it, with its papers, in its time, and nothing is skipped."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction

from huqing.access.calendar import today
from huqing.access.models import AuditEvent, User
from huqing.access.permissions import Refused
from huqing.cases import actions, announcing, calendar, needs, postings, steps
from huqing.cases.errors import CaseError, Moved
from huqing.cases.models import Case, CaseStep, Evidence
from huqing.cases.procedure import procedure_of
from huqing.matching.draws import Candidate, Question, record
from huqing.packs.procedures.frozen import from_data
from huqing.plans.actions import add_measure, make_plan
from huqing.registry.models import Household
from huqing.teams.models import Staff

SEED = "5a" * 32
BEGIN = dt.date(2026, 11, 2)


class Clock:
    """The office's day, moved by the test."""

    def __init__(self) -> None:
        self.day = BEGIN

    def __call__(self) -> dt.date:
        return self.day

    def on(self, days: int) -> None:
        self.day += dt.timedelta(days=days)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    found = Clock()
    for module in (actions, announcing, postings, steps):
        monkeypatch.setattr(module, "today", found)
    return found


@pytest.fixture
def other_county(users_by_role) -> User:
    return User.objects.create(username="county2", display_name="县级经办二", role="county", region_code="500236")


@pytest.fixture
def household(regions, make_household):
    return make_household(grid=regions.grid, members=("张三", "李四"))


@pytest.fixture
def case(household, users_by_role, clock) -> Case:
    return actions.open_case(household=household, source="2", clue="入户走访发现大病支出", by=users_by_role["grid"])


def go(case: Case, move: str, by: User | None, **more: str) -> CaseStep:
    case.refresh_from_db()
    return actions.take(case=case, move=move, by=by, turn=case.turn, **more)


def paper(case: Case, kind: str, by: User, clock: Clock, **content: object) -> Evidence:
    case.refresh_from_db()
    told = content or {"text": "经核实情况属实"}
    if kind == "comparison":
        told = {**told, "departments": []}
    return actions.record_evidence(case=case, kind=kind, on=clock.day, content=told, by=by)


def help_household(household: Household, by: User) -> None:
    plan = make_plan(household=household, by=by, risks=["01"])
    staff = Staff.objects.create(name="责任人", kind="1", region_code=household.region_code)
    begun = {"measure_group": "100A45", "measure_item": "4502", "state": "2", "started_on": today().isoformat()}
    add_measure(plan=plan, by=by, staff=staff, values=begun)


def panel(case: Case, size: int = 15, title: str = "") -> dict:
    pool = tuple(Candidate(f"评议员{number}") for number in range(30))
    asked = Question(title or needs.panel_title(case), pool, {"": size}, odd=size % 2 == 1)
    return {"record": record(asked, SEED, "3 8 21")}


def to_posting(case: Case, users: dict, clock: Clock) -> None:
    village, town = users["village"], users["town"]
    paper(case, "authorisation", village, clock, signed_by=case.household.members.first().pk)
    go(case, "accept", village)
    go(case, "send_verify", village)
    paper(case, "home_check", village, clock)
    go(case, "verified", village)
    paper(case, "comparison", town, clock)
    go(case, "compared", town)
    case.refresh_from_db()
    paper(case, "panel", village, clock, **panel(case))
    paper(case, "ballot", village, clock, present=15, agree=12, against=2, abstain=1, method="secret")
    go(case, "post", village)


def test_a_household_goes_from_a_clue_to_help_with_two_pairs_of_eyes(case, users_by_role, other_county, clock) -> None:
    to_posting(case, users_by_role, clock)
    posting = postings.publish(cases=[case], by=users_by_role["village"])
    assert posting.rows == [["1", case.household.group_name, "张三", "2"]]
    with pytest.raises(CaseError, match="公示到 2026-11-07 为止"):
        go(case, "posting_over", users_by_role["village"])
    clock.on(6)
    go(case, "posting_over", users_by_role["village"])
    go(case, "town_approve", users_by_role["town"])
    go(case, "county_approve", users_by_role["county"])
    assert case.state.key == "listed"
    paper(case, "notice", users_by_role["county"], clock)
    with pytest.raises(CaseError, match=r"没有一户一策计划.*没有已经实施的帮扶措施"):
        go(case, "announced", users_by_role["county"])
    help_household(case.household, users_by_role["county"])
    go(case, "announced", users_by_role["county"])
    assert (case.state.key, case.due_on, case.closed_on) == ("tracking", None, None)
    assert [step.turn for step in case.steps.all()] == list(range(1, 10))
    assert AuditEvent.objects.filter(action="case_move", subject_id=str(case.pk)).count() == 9


def test_deadlines_are_shown_from_the_first_step_and_lateness_is_noted(case, users_by_role, clock) -> None:
    assert case.number == f"2026{case.pk:08d}"
    assert (case.due_on, case.total_due_on, case.late_role) == (dt.date(2026, 11, 5), None, "town")
    paper(case, "authorisation", users_by_role["village"], clock, signed_by=case.household.members.first().pk)
    clock.on(8)
    step = go(case, "accept", users_by_role["village"])
    assert step.late_by == 3  # 6, 9 and 10 November
    assert (case.due_on, case.total_due_on) == (dt.date(2026, 11, 11), dt.date(2026, 11, 25))


def test_every_missing_paper_is_named_at_once(case, users_by_role, clock) -> None:
    with pytest.raises(CaseError, match="缺少农户签字的承诺授权书"):
        go(case, "accept", users_by_role["village"])
    paper(case, "authorisation", users_by_role["village"], clock, signed_by=case.household.members.first().pk)
    for move in ("accept", "send_verify"):
        go(case, move, users_by_role["village"])
    paper(case, "home_check", users_by_role["village"], clock)
    go(case, "verified", users_by_role["village"])
    paper(case, "comparison", users_by_role["town"], clock)
    go(case, "compared", users_by_role["town"])
    with pytest.raises(CaseError, match=r"评议小组.*评议票数"):
        go(case, "post", users_by_role["village"])
    assert case.state.key == "evaluating"


def test_a_paper_of_an_earlier_round_does_not_serve_the_next(case, users_by_role, clock) -> None:
    to_posting(case, users_by_role, clock)
    go(case, "evaluate_again", users_by_role["village"], reason="异议成立，重新评议")
    assert case.state.key == "evaluating"
    with pytest.raises(CaseError, match="缺少随机抽取的评议小组"):
        go(case, "post", users_by_role["village"])


def test_nobody_decides_twice_in_a_row_where_a_second_person_must(case, users_by_role, other_county, clock) -> None:
    to_posting(case, users_by_role, clock)
    postings.publish(cases=[case], by=users_by_role["town"])
    clock.on(6)
    go(case, "posting_over", users_by_role["town"])
    with pytest.raises(CaseError, match="须换一个人办理"):
        go(case, "town_approve", users_by_role["town"])
    assert case.state.key == "town_review"


def test_a_step_belongs_to_its_state_and_its_role(case, users_by_role, clock) -> None:
    with pytest.raises(CaseError, match="现在是“线索登记”，不能办理“审定纳入”"):
        go(case, "county_approve", users_by_role["county"])
    with pytest.raises(Refused, match="由村级干部、乡镇经办、县级经办办理"):
        go(case, "dismiss", users_by_role["grid"], reason="线索不成立")
    with pytest.raises(Refused):
        go(case, "dismiss", users_by_role["reader"], reason="线索不成立")
    with pytest.raises(CaseError, match="没有这一步"):
        go(case, "nonsense", users_by_role["county"])
    with pytest.raises(CaseError, match="请写明理由"):
        go(case, "dismiss", users_by_role["village"], reason="无")
    assert case.turn == 0


def test_who_sees_not_the_household_decides_nothing_about_it(case, users_by_role, clock) -> None:
    foreign = User.objects.create(username="far", display_name="外县", role="county", region_code="500237")
    with pytest.raises(Refused, match="管辖范围"):
        go(case, "dismiss", foreign, reason="线索不成立")
    with pytest.raises(Refused, match="管辖范围"):
        paper(case, "authorisation", foreign, clock, signed_by=1)
    with pytest.raises(Refused):
        actions.open_case(household=case.household, source="2", clue="另一条线索", by=foreign)


def test_two_people_at_once_the_slower_is_told_who_was_faster(case, users_by_role, clock) -> None:
    seen = case.turn
    actions.take(case=case, move="dismiss", by=users_by_role["village"], turn=seen, reason="线索不成立")
    with pytest.raises(Moved, match="村级干部已办理“线索不成立”，现在是“线索不成立”"):
        actions.take(case=case, move="dismiss", by=users_by_role["town"], turn=seen, reason="线索不成立")
    assert case.steps.count() == 1


def test_one_household_has_one_open_case(case, users_by_role, household) -> None:
    with pytest.raises(CaseError, match=f"已有未办结的事项 {case.number}"):
        actions.open_case(household=household, source="1", clue="农户自己申报", by=users_by_role["village"])
    go(case, "dismiss", users_by_role["village"], reason="线索不成立")
    assert case.closed_on == BEGIN
    again = actions.open_case(household=household, source="1", clue="农户自己申报", by=users_by_role["village"])
    assert again.pk != case.pk
    assert again.procedure == case.procedure


def test_the_database_holds_no_undeclared_state(case) -> None:
    def put() -> None:
        with transaction.atomic():
            Case.objects.filter(pk=case.pk).update(state=999_999)
            connection.check_constraints()

    with pytest.raises(IntegrityError):
        put()


def test_a_clock_set_back_stops_the_case_and_says_so(case, users_by_role, clock) -> None:
    clock.on(-3)
    with pytest.raises(CaseError, match="早于进入本环节的日期"):
        go(case, "dismiss", users_by_role["village"], reason="线索不成立")


def test_the_green_channel_is_opened_once_with_a_reason(case, users_by_role, clock) -> None:
    with pytest.raises(Refused):
        actions.start_emergency(case=case, by=users_by_role["village"], reason="房屋被洪水冲毁")
    actions.start_emergency(case=case, by=users_by_role["town"], reason="房屋被洪水冲毁")
    assert Case.objects.get(pk=case.pk).emergency
    with pytest.raises(CaseError, match="已经启动"):
        actions.start_emergency(case=case, by=users_by_role["town"], reason="房屋被洪水冲毁")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"size": 13}, "15 人以上的单数，记录中是 13 人"),
        ({"size": 16}, "15 人以上的单数，记录中是 16 人"),
        ({"title": "别家的评议小组"}, "不是为这一户抽的"),
    ],
)
def test_a_panel_must_be_drawn_for_this_household(case, users_by_role, clock, change, told) -> None:
    with pytest.raises(CaseError, match=told):
        paper(case, "panel", users_by_role["village"], clock, **panel(case, **change))
    altered = panel(case)
    altered["record"]["drawn"][0] = "村主任"
    with pytest.raises(CaseError, match="验证不通过"):
        paper(case, "panel", users_by_role["village"], clock, **altered)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"present": 16}, "多于评议小组的 15 人"),
        ({"agree": 13}, "与到会 15 人不符"),
        ({"agree": -1}, "票数（整数）"),
        ({"agree": "12"}, "票数（整数）"),
        ({"method": "acclaim"}, "无记名投票或举手"),
    ],
)
def test_votes_must_add_up(case, users_by_role, clock, change, told) -> None:
    village = users_by_role["village"]
    votes = {"present": 15, "agree": 12, "against": 2, "abstain": 1, "method": "hands"}
    with pytest.raises(CaseError, match="还没有抽取评议小组"):
        paper(case, "ballot", village, clock, **votes)
    paper(case, "panel", village, clock, **panel(case))
    with pytest.raises(CaseError, match=told):
        paper(case, "ballot", village, clock, **(votes | change))


def test_a_vote_without_a_majority_does_not_lead_to_a_posting(case, users_by_role, clock) -> None:
    village, town = users_by_role["village"], users_by_role["town"]
    paper(case, "authorisation", village, clock, signed_by=case.household.members.first().pk)
    go(case, "accept", village)
    go(case, "send_verify", village)
    paper(case, "home_check", village, clock)
    go(case, "verified", village)
    paper(case, "comparison", town, clock)
    go(case, "compared", town)
    paper(case, "panel", village, clock, **panel(case))
    votes = {"present": 14, "agree": 7, "against": 6, "abstain": 1, "method": "secret"}
    tied = paper(case, "ballot", village, clock, **votes)
    with pytest.raises(CaseError, match="没有超过到会人数的一半"):
        go(case, "post", village)
    actions.withdraw_evidence(evidence=tied, by=village, reason="票数登记错误")
    paper(case, "ballot", village, clock, **(votes | {"agree": 8, "against": 5}))
    go(case, "post", village)
    assert case.state.key == "posted"


def test_a_paper_is_withdrawn_while_its_step_stands_and_not_after(case, users_by_role, clock) -> None:
    village = users_by_role["village"]
    signer = case.household.members.first().pk
    wrong = paper(case, "authorisation", village, clock, signed_by=signer)
    with pytest.raises(CaseError, match="4 至 300 个字"):
        actions.withdraw_evidence(evidence=wrong, by=village, reason="错" * 301)
    actions.withdraw_evidence(evidence=wrong, by=village, reason="签字人写错了")
    with pytest.raises(CaseError, match="缺少农户签字"):
        go(case, "accept", village)
    right = paper(case, "authorisation", village, clock, signed_by=signer)
    go(case, "accept", village)
    with pytest.raises(CaseError, match="材料不能撤下"):
        actions.withdraw_evidence(evidence=right, by=village, reason="签字人写错了")
    with pytest.raises(CaseError, match="请选签字人"):
        paper(case, "authorisation", village, clock, signed_by=0)


def test_numbers_of_people_do_not_get_into_papers(case, users_by_role, clock) -> None:
    with pytest.raises(CaseError, match="有证件号码、电话或账号"):
        paper(case, "home_check", users_by_role["village"], clock, text="户主电话 13900001111，已核实")
    opened = actions.take(
        case=case, move="dismiss", by=users_by_role["village"], turn=0, reason="电话 13900001111 打不通"
    )
    assert "13900001111" not in opened.reason


def test_a_frozen_procedure_reads_back_as_it_was_declared(case) -> None:
    made = procedure_of(case.procedure)
    assert from_data(case.procedure.declaration) == made
    assert made.key == "one_posting"
    assert case.procedure.states.count() == len(made.states)


def test_a_step_that_stays_late_is_told_to_the_town_and_then_to_the_county(case, users_by_role, clock) -> None:
    from huqing.cases import queries

    def told() -> tuple[int, int]:
        return tuple(queries.mine(users_by_role[role], clock.day).told for role in ("town", "county"))

    assert (case.due_on, case.later_role, case.later_on) == (dt.date(2026, 11, 5), "county", dt.date(2026, 11, 10))
    clock.on(3)
    assert told() == (0, 0)
    Case.objects.filter(pk=case.pk).update(state=case.procedure.states.get(key="verifying"))  # for the village to do
    clock.on(1)
    assert told() == (0, 0)  # the town may do it as well: it waits there, late
    assert queries.mine(users_by_role["town"], clock.day).late == 1
    clock.on(5)
    assert told() == (0, 1)


def test_deadlines_pass_over_holidays_and_the_countys_own_days(household, users_by_role, clock, settings) -> None:
    settings.DATA.mkdir(parents=True, exist_ok=True)
    own = settings.DATA / "workdays.yaml"
    own.write_text("off: [2026-10-09]\non: []\n", encoding="utf-8")
    try:
        clock.day = dt.date(2026, 9, 30)
        held = actions.open_case(household=household, source="2", clue="入户走访发现大病支出", by=users_by_role["grid"])
        # Three working days after 30 September: National Day, weekends as announced, and the county's own day off.
        days = [dt.date(2026, 10, n) for n in range(1, 20)]
        working = [day for day in days if calendar.workdays().works(day)]
        assert dt.date(2026, 10, 1) not in working
        assert dt.date(2026, 10, 9) not in working
        assert held.due_on == working[2]
    finally:
        own.unlink()


def test_two_at_once_are_one_after_the_other_in_the_database(case, users_by_role, clock) -> None:
    stale = Case.objects.get(pk=case.pk)
    actions.take(case=case, move="dismiss", by=users_by_role["village"], turn=0, reason="线索不成立")
    with pytest.raises(Moved, match="请刷新"):
        steps.step_of(case=stale, move="dismiss", by=users_by_role["town"], turn=stale.turn, reason="线索不成立")
    with pytest.raises(IntegrityError), transaction.atomic():
        CaseStep.objects.create(
            case=case, turn=1, move="x", title="又一次", before="clue", after="clue", on=BEGIN, at=case.steps.get().at
        )


def test_a_risk_that_comes_back_is_recognised_in_the_same_time_as_a_new_one(case, users_by_role, clock) -> None:
    actions.start_emergency(case=case, by=users_by_role["town"], reason="房屋火灾，先安置后补手续")
    case.state, case.total_due_on = case.procedure.states.get(key="cleared"), None
    case.save()
    clock.on(30)
    go(case, "relapse", users_by_role["village"], reason="又有人患重病，支出很大")
    assert (case.state.key, case.total_due_on) == ("verifying", dt.date(2026, 12, 17))
    case.refresh_from_db()
    assert not case.emergency
    actions.start_emergency(case=case, by=users_by_role["town"], reason="这一次也要先救助")
    paper(case, "home_check", users_by_role["village"], clock)
    clock.on(2)
    go(case, "verified", users_by_role["village"])
    assert case.total_due_on == dt.date(2026, 12, 17)
