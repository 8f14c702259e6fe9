"""A meeting of evaluators: the commitment before, the witnesses' words, who came, how they voted, once for all."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.cases.test_cases import BEGIN, case, clock, go, household, paper  # noqa: F401

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.cases import actions, evaluations, panels, postings
from huqing.cases.errors import CaseError
from huqing.cases.evaluations import Vote
from huqing.cases.models import Evaluation, Evaluator
from huqing.matching.draws import verify
from huqing.teams.models import Responsibility, Staff


@pytest.fixture(autouse=True)
def same_day(clock, monkeypatch) -> None:  # noqa: F811
    for module in (panels, evaluations):
        monkeypatch.setattr(module, "today", clock)


@pytest.fixture
def pool(regions, users_by_role) -> list[Evaluator]:
    people = [(f"{number % 4 + 1}组", f"评议员{number}") for number in range(24)]
    assert panels.add_evaluators(village=regions.village, people=people, by=users_by_role["village"]) == 24
    return list(Evaluator.objects.order_by("pk"))


def to_evaluation(one, users_by_role, clock) -> None:  # noqa: F811
    village, town = users_by_role["village"], users_by_role["town"]
    paper(one, "authorisation", village, clock, signed_by=one.household.members.first().pk)
    go(one, "accept", village)
    go(one, "send_verify", village)
    paper(one, "home_check", village, clock)
    go(one, "verified", village)
    paper(one, "comparison", town, clock)
    go(one, "compared", town)
    one.refresh_from_db()


@pytest.fixture
def at_evaluation(case, users_by_role, clock):  # noqa: F811
    to_evaluation(case, users_by_role, clock)
    return case


@pytest.fixture
def second(make_household, regions, users_by_role, clock):  # noqa: F811
    other = make_household(grid=regions.grid, members=("评议员3", "王五"))
    one = actions.open_case(household=other, source="1", clue="农户自己申报", by=users_by_role["village"])
    to_evaluation(one, users_by_role, clock)
    return one


VOTED = {"host": "赵主任", "supervisor": "钱监委", "recorder": "孙文书"}


def meet(cases, by, votes, **more) -> Evaluation:
    held = evaluations.prepare(cases=cases, size=15, excluded={}, by=by)
    evaluations.hold(prepared=held, said="7 12 31", by=by)
    held.refresh_from_db()
    evaluations.attend(evaluation=held, present=held.panel[:14], by=by)
    evaluations.close(evaluation=held, votes=votes, method="secret", by=by, **{**VOTED, **more})
    return held


def test_a_panel_is_drawn_and_anybody_can_verify_it(at_evaluation, pool, users_by_role) -> None:
    village = users_by_role["village"]
    out = {pool[0].pk: "申请人的弟弟", pool[1].pk: "申请人的邻居，有借贷"}
    prepared = evaluations.prepare(cases=[at_evaluation], size=15, excluded=out, by=village)
    assert [name for name, _ in prepared.excluded] == [str(pool[0]), str(pool[1])]
    held = evaluations.hold(prepared=prepared, said="7 12 31", by=village)
    assert verify(held.record, prepared.commitment) == []
    assert len(held.panel) == 15
    assert not {str(pool[0]), str(pool[1])} & set(held.panel)
    assert at_evaluation.evidence.get(kind="panel").content["record"] == held.record
    assert AuditEvent.objects.filter(action="panel_hold", subject_id=str(held.pk)).exists()


def test_a_draw_is_prepared_again_but_never_drawn_again(at_evaluation, pool, users_by_role) -> None:
    village = users_by_role["village"]
    evaluations.prepare(cases=[at_evaluation], size=15, excluded={}, by=village)
    second = evaluations.prepare(cases=[at_evaluation], size=17, excluded={}, by=village)
    assert list(Evaluation.objects.values_list("pk", flat=True)) == [second.pk]
    with pytest.raises(CaseError, match="现场监督人"):
        evaluations.hold(prepared=second, said="  ", by=village)
    with pytest.raises(CaseError, match="证件号码、电话"):
        evaluations.hold(prepared=second, said="13900001111", by=village)
    evaluations.hold(prepared=second, said="7 12 31", by=village)
    for again in (
        lambda: evaluations.hold(prepared=second, said="8", by=village),
        lambda: evaluations.prepare(cases=[at_evaluation], size=15, excluded={}, by=village),
    ):
        with pytest.raises(CaseError, match="不能重抽"):
            again()


@pytest.mark.parametrize("size", [0, 14, 16, 25])
def test_a_panel_that_cannot_be_is_refused_before_anything_is_fixed(at_evaluation, pool, users_by_role, size) -> None:
    with pytest.raises(CaseError):
        evaluations.prepare(cases=[at_evaluation], size=size, excluded={}, by=users_by_role["village"])
    assert not Evaluation.objects.exists()


def test_who_keeps_out_does_so_for_a_reason(at_evaluation, pool, users_by_role) -> None:
    with pytest.raises(CaseError, match="为什么回避"):
        evaluations.prepare(cases=[at_evaluation], size=15, excluded={pool[0].pk: " "}, by=users_by_role["village"])


def test_one_meeting_decides_about_several_households_and_their_members_keep_out(
    at_evaluation, second, pool, users_by_role
) -> None:
    village = users_by_role["village"]
    votes = {at_evaluation.pk: Vote(12, 2, 0, "确有困难"), second.pk: Vote(6, 6, 1, "评议员9是他家的表亲，回避")}
    held = meet([at_evaluation, second], village, votes, minutes="大家一致认为应帮扶")
    held.refresh_from_db()
    assert ["评议员3（4组）", "评议员3户的家庭成员"] in held.excluded
    assert held.attended == held.panel[:14]
    go(at_evaluation, "post", village)
    with pytest.raises(CaseError, match="没有超过"):
        go(second, "post", village)
    ballot = second.evidence.get(kind="ballot").content
    assert (ballot["present"], ballot["agree"], ballot["aside"]) == (13, 6, 1)
    with pytest.raises(CaseError, match="已经结束"):
        evaluations.attend(evaluation=held, present=held.panel, by=village)


def test_officers_and_representatives_of_the_ledger_are_not_in_the_pool(
    at_evaluation, pool, regions, users_by_role
) -> None:
    village = users_by_role["village"]
    Staff.objects.create(name="周支书", kind="5", region_code=regions.village.code)
    spokesman = Staff.objects.create(name="评议员7", kind="8", region_code=regions.village.code)
    for name in ("周支书", "周支书 "):
        with pytest.raises(CaseError, match="周支书在责任台账里是本村村干部"):
            panels.add_evaluators(village=regions.village, people=[("1组", name)], by=village)
    Responsibility.objects.create(
        staff=spokesman, role="representative", village=regions.village, region_code=regions.village.code, since=BEGIN
    )
    held = evaluations.prepare(cases=[at_evaluation], size=15, excluded={}, by=village)
    assert held.excluded == [["评议员7（4组）", "村民代表"]]
    # Who of the pool is an officer cannot be talked back in.
    assert "评议员7（4组）" not in [one["key"] for one in held.question["candidates"]]


@pytest.mark.parametrize(
    ("votes", "told"),
    [
        (Vote(13, 2, 0), "共 15 票，多于到会的 14 人"),
        (Vote(-1, 2, 13, "一人回避"), "票数（整数）"),
        (Vote(5, 0, 0), "共 5 票，比到会的 14 人少 9 票"),
        (Vote(7, 0, 0, "七人都是亲戚，回避"), "评议小组 15 人，只有 7 人表决，没有过半"),
        (None, "还没有登记张三户的票数"),
    ],
)
def test_counts_that_cannot_be_are_refused_and_nothing_is_kept(at_evaluation, pool, users_by_role, votes, told) -> None:
    with pytest.raises(CaseError, match=told):
        meet([at_evaluation], users_by_role["village"], {at_evaluation.pk: votes} if votes else {})
    assert not at_evaluation.evidence.filter(kind="ballot").exists()


def test_a_case_that_took_another_way_meanwhile_holds_up_no_meeting_and_gets_no_vote_of_it(
    at_evaluation,
    second,
    pool,
    users_by_role,
    clock,  # noqa: F811
    client,
) -> None:
    village, town = users_by_role["village"], users_by_role["town"]
    held = evaluations.prepare(cases=[at_evaluation, second], size=15, excluded={}, by=village)
    evaluations.hold(prepared=held, said="7 12 31", by=village)
    evaluations.attend(evaluation=held, present=Evaluation.objects.get().panel, by=village)
    # Sent back to the house, it comes to a meeting with a panel of its own before the first one has voted.
    go(second, "return_home_check", village, reason="存款没有核实")
    paper(second, "home_check", village, clock)
    go(second, "verified", village)
    paper(second, "comparison", town, clock)
    go(second, "compared", town)
    own = evaluations.prepare(cases=[second], size=15, excluded={}, by=village)
    evaluations.hold(prepared=own, said="3 8", by=village)
    client.force_login(village)
    page = client.get(f"/evaluations/{held.pk}/").content.decode()
    assert "已有变化，这次不表决" in page
    sent = {
        "do": "close",
        "method": "secret",
        **VOTED,
        f"agree-{at_evaluation.pk}": 12,
        f"against-{at_evaluation.pk}": 3,
    }
    assert client.post(f"/evaluations/{held.pk}/do/", sent).status_code == 302
    go(at_evaluation, "post", village)
    assert not second.evidence.filter(kind="ballot").exists()
    with pytest.raises(CaseError, match="缺少评议票数"):
        go(second, "post", village)
    assert "没有表决" in client.get(f"/evaluations/{held.pk}/").content.decode()


def test_a_meeting_that_somebody_called_anew_is_said_to_be_gone(at_evaluation, pool, users_by_role) -> None:
    village = users_by_role["village"]
    before = evaluations.prepare(cases=[at_evaluation], size=15, excluded={}, by=village)
    evaluations.prepare(cases=[at_evaluation], size=17, excluded={}, by=village)
    with pytest.raises(CaseError, match="已由别人重新准备"):
        evaluations.hold(prepared=before, said="7 12 31", by=village)


def test_nobody_votes_before_the_roll_is_called(at_evaluation, pool, users_by_role) -> None:
    village = users_by_role["village"]
    held = evaluations.prepare(cases=[at_evaluation], size=15, excluded={}, by=village)
    with pytest.raises(CaseError, match="还没有抽取"):
        evaluations.attend(evaluation=held, present=["某人"], by=village)
    held = evaluations.hold(prepared=held, said="7 12 31", by=village)
    with pytest.raises(CaseError, match="还没有签到"):
        evaluations.close(
            evaluation=held, votes={at_evaluation.pk: Vote(9, 0, 0)}, method="secret", by=village, **VOTED
        )
    with pytest.raises(CaseError, match="不在抽中的名单里"):
        evaluations.attend(evaluation=held, present=["路人甲"], by=village)


def test_an_objection_leads_to_a_revisit_by_the_same_panel_a_vote_and_a_second_posting(
    at_evaluation,
    pool,
    users_by_role,
    clock,  # noqa: F811
) -> None:
    village = users_by_role["village"]
    one = at_evaluation
    first = meet([one], village, {one.pk: Vote(12, 2, 0)})
    go(one, "post", village)
    posting = postings.publish(cases=[one], by=village)
    told = postings.object_to(posting=posting, text="他家在县城有房", case=one)
    clock.on(2)
    go(one, "revisit", village, reason="有人反映县城有房")
    with pytest.raises(CaseError, match="还没有入户复核"):
        evaluations.call_again(case=one, by=village)
    first.refresh_from_db()
    with pytest.raises(CaseError, match="不在评议小组里"):
        paper(one, "revisit", village, clock, people=["路人甲"], text="入户看过，房屋属于其兄")
    paper(one, "revisit", village, clock, people=first.panel[:3], text="入户看过，房屋属于其兄")
    again = evaluations.call_again(case=one, by=village)
    assert again.panel == first.panel
    with pytest.raises(CaseError, match="缺少评议票数"):
        go(one, "post_again", village)
    evaluations.attend(evaluation=again, present=again.panel, by=village)
    evaluations.close(evaluation=again, votes={one.pk: Vote(13, 2, 0)}, method="hands", by=village, **VOTED)
    go(one, "post_again", village)
    posting = postings.publish(cases=[one], by=village)
    assert posting.starts_on == BEGIN + dt.timedelta(days=2)
    assert "第二次" in posting.title
    clock.on(6)
    with pytest.raises(CaseError, match="还有 1 件公示异议没有处理"):
        go(one, "posting_over", village)
    postings.answer(objection=told, upheld=False, text="评议小组复核，房屋属于其兄", by=village)
    go(one, "posting_over", village)
    assert one.state.key == "town_review"


def test_the_pool_takes_names_only_and_everybody_once(pool, regions, users_by_role) -> None:
    village = users_by_role["village"]
    for people, told in (
        ([("1组", "评议员0")], "已在评议员库里"),
        ([("1组", "张三13900001111")], "不像姓名"),
        ([("", "王五")], "推荐小组和姓名"),
    ):
        with pytest.raises(CaseError, match=told):
            panels.add_evaluators(village=regions.village, people=people, by=village)
    with pytest.raises(Refused):
        panels.add_evaluators(village=regions.foreign_village, people=[("1组", "王五")], by=village)
    panels.remove_evaluator(evaluator=pool[0], by=village)
    assert panels.add_evaluators(village=regions.village, people=[("1组", "评议员0")], by=village) == 1


def test_a_stranger_prepares_draws_and_counts_nothing(at_evaluation, pool, users_by_role) -> None:
    reader, village = users_by_role["reader"], users_by_role["village"]
    with pytest.raises(Refused):
        evaluations.prepare(cases=[at_evaluation], size=15, excluded={}, by=reader)
    prepared = evaluations.prepare(cases=[at_evaluation], size=15, excluded={}, by=village)
    with pytest.raises(Refused):
        evaluations.hold(prepared=prepared, said="7 12 31", by=reader)
    held = evaluations.hold(prepared=prepared, said="7 12 31", by=village)
    with pytest.raises(Refused):
        evaluations.attend(evaluation=held, present=held.panel, by=reader)
