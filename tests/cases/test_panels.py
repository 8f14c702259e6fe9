"""A panel is drawn from the village's pool: the commitment before, the witnesses' words, the result once for all."""

from __future__ import annotations

import pytest
from tests.cases.test_cases import case, clock, go, household, paper  # noqa: F401

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.cases import actions, panels
from huqing.cases.errors import CaseError
from huqing.cases.models import Evaluator, PanelDraw
from huqing.matching.draws import verify


@pytest.fixture(autouse=True)
def same_day(clock, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setattr(panels, "today", clock)


@pytest.fixture
def pool(regions, users_by_role) -> list[Evaluator]:
    people = [(f"{number % 4 + 1}组", f"评议员{number}") for number in range(24)]
    assert panels.add_evaluators(village=regions.village, people=people, by=users_by_role["village"]) == 24
    return list(Evaluator.objects.order_by("pk"))


@pytest.fixture
def at_evaluation(case, users_by_role, clock):  # noqa: F811
    village, town = users_by_role["village"], users_by_role["town"]
    paper(case, "authorisation", village, clock, signed_by=case.household.members.first().pk)
    go(case, "accept", village)
    go(case, "send_verify", village)
    paper(case, "home_check", village, clock)
    go(case, "verified", village)
    paper(case, "comparison", town, clock)
    go(case, "compared", town)
    case.refresh_from_db()
    return case


def test_a_panel_is_drawn_and_anybody_can_verify_it(at_evaluation, pool, users_by_role) -> None:
    village = users_by_role["village"]
    out = {pool[0].pk: "申请人的弟弟", pool[1].pk: "申请人的邻居，有借贷"}
    prepared = panels.prepare(case=at_evaluation, size=15, excluded=out, by=village)
    assert prepared.record is None
    assert len(prepared.question["candidates"]) == 22
    assert prepared.excluded == [[str(pool[0]), "申请人的弟弟"], [str(pool[1]), "申请人的邻居，有借贷"]]
    found = panels.hold(prepared=prepared, said="7 12 31", by=village)
    prepared.refresh_from_db()
    assert verify(prepared.record, prepared.commitment) == []
    assert len(prepared.record["drawn"]) == 15
    assert not {str(pool[0]), str(pool[1])} & set(prepared.record["drawn"])
    assert found.content["record"] == prepared.record
    with pytest.raises(CaseError, match="不能重抽"):
        panels.hold(prepared=prepared, said="再来一次", by=village)
    with pytest.raises(CaseError, match="不能重抽"):
        panels.prepare(case=at_evaluation, size=15, excluded={}, by=village)
    assert AuditEvent.objects.filter(action="panel_prepare").count() == 1


def test_the_seed_is_nowhere_to_be_read_before_the_draw(at_evaluation, pool, users_by_role) -> None:
    prepared = panels.prepare(case=at_evaluation, size=15, excluded={}, by=users_by_role["village"])
    panels.hold(prepared=prepared, said="7 12 31", by=users_by_role["village"])
    prepared.refresh_from_db()
    assert prepared.record["seed"].encode() not in bytes(prepared.seed_sealed)


def test_a_new_preparation_replaces_one_that_was_not_held(at_evaluation, pool, users_by_role) -> None:
    first = panels.prepare(case=at_evaluation, size=15, excluded={}, by=users_by_role["village"])
    second = panels.prepare(case=at_evaluation, size=17, excluded={}, by=users_by_role["village"])
    assert list(PanelDraw.objects.values_list("pk", flat=True)) == [second.pk]
    assert first.commitment != second.commitment


@pytest.mark.parametrize(
    ("size", "kept_out", "told"),
    [(14, 0, "至少要抽 15 个"), (16, 0, "人数应为单数"), (25, 0, "只有 24 个可抽"), (15, 10, "只有 14 个可抽")],
)
def test_a_panel_that_cannot_be_drawn_is_refused_with_the_numbers(
    at_evaluation, pool, users_by_role, size, kept_out, told
) -> None:
    out = {one.pk: "申请人的亲属" for one in pool[:kept_out]}
    with pytest.raises(CaseError, match=told):
        panels.prepare(case=at_evaluation, size=size, excluded=out, by=users_by_role["village"])
    assert not PanelDraw.objects.exists()


def test_who_keeps_out_needs_a_reason_and_the_draw_its_step(at_evaluation, pool, users_by_role) -> None:
    village = users_by_role["village"]
    with pytest.raises(CaseError, match="为什么回避"):
        panels.prepare(case=at_evaluation, size=15, excluded={pool[0].pk: " "}, by=village)
    prepared = panels.prepare(case=at_evaluation, size=15, excluded={}, by=village)
    with pytest.raises(CaseError, match="现场监督人报出"):
        panels.hold(prepared=prepared, said=" ", by=village)
    with pytest.raises(CaseError, match="有证件号码、电话"):
        panels.hold(prepared=prepared, said="13900001111", by=village)
    go(at_evaluation, "return_home_check", village, reason="材料不全，退回")
    with pytest.raises(CaseError, match="这次准备作废"):
        panels.hold(prepared=prepared, said="7 12 31", by=village)
    with pytest.raises(CaseError, match="不需要抽取评议小组"):
        panels.prepare(case=at_evaluation, size=15, excluded={}, by=village)


def test_the_pool_holds_names_once_and_no_numbers(pool, regions, users_by_role) -> None:
    village = users_by_role["village"]
    for people, told in (
        ([("1组", "评议员0")], "已在评议员库里"),
        ([("", "王五")], "推荐小组和姓名"),
        ([("1组", "王五13900001111")], "不像姓名"),
    ):
        with pytest.raises(CaseError, match=told):
            panels.add_evaluators(village=regions.village, people=people, by=village)
    with pytest.raises(Refused):
        panels.add_evaluators(village=regions.foreign_village, people=[("1组", "王五")], by=village)
    panels.remove_evaluator(evaluator=pool[0], by=village)
    assert panels.add_evaluators(village=regions.village, people=[("1组", "评议员0")], by=village) == 1


def test_a_stranger_prepares_and_draws_nothing(at_evaluation, pool, users_by_role) -> None:
    with pytest.raises(Refused):
        panels.prepare(case=at_evaluation, size=15, excluded={}, by=users_by_role["reader"])
    prepared = panels.prepare(case=at_evaluation, size=15, excluded={}, by=users_by_role["village"])
    with pytest.raises(Refused):
        panels.hold(prepared=prepared, said="7 12 31", by=users_by_role["reader"])
    assert actions.today() == at_evaluation.entered_on
