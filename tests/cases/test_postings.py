"""Postings show what may be shown, for as long as they must, and every objection is answered."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.cases.test_cases import BEGIN, case, clock, go, household, to_posting  # noqa: F401

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.access.seal import unseal
from huqing.cases import actions, postings
from huqing.cases.errors import CaseError
from huqing.cases.models import Case, Objection
from huqing.office.views import postings as postings_pages
from huqing.office.views import public as public_pages
from huqing.registry.household_actions import cancel_household


@pytest.fixture
def ready(case, users_by_role, clock) -> Case:  # noqa: F811
    to_posting(case, users_by_role, clock)
    return case


@pytest.fixture
def same_page_day(clock, monkeypatch) -> None:  # noqa: F811
    for module in (postings_pages, public_pages):
        monkeypatch.setattr(module, "today", clock)


def test_a_posting_is_seen_for_its_days_and_is_gone_by_itself(ready, users_by_role, regions) -> None:
    village = users_by_role["village"]
    assert list(postings.waiting(village, regions.village)) == [ready]
    posting = postings.publish(cases=[ready], by=village)
    assert not postings.waiting(village, regions.village).exists()
    assert (posting.starts_on, posting.ends_on) == (BEGIN, BEGIN + dt.timedelta(days=5))
    code = regions.village.code
    seen = [BEGIN + dt.timedelta(days=n) for n in range(-1, 8) if postings.shown(code, BEGIN + dt.timedelta(days=n))]
    assert seen == [BEGIN + dt.timedelta(days=n) for n in range(6)]
    assert not postings.shown(regions.next_village.code, BEGIN)


def test_only_whitelisted_fields_get_onto_a_posting(ready, users_by_role) -> None:
    with pytest.raises(CaseError, match="不在拟纳入公示可公示的项目里"):
        postings.publish(cases=[ready], by=users_by_role["village"], columns=["head", "phone"])
    posting = postings.publish(cases=[ready], by=users_by_role["village"], columns=["number", "head"])
    assert posting.rows == [["1", "张三"]]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("head_name", "张三13900001111", "有号码"),
        ("group_name", "6222021234567890123", "有号码"),
        ("group_name", "3组（尿毒症透析）", "涉及健康"),
        ("head_name", "张三（残疾）", "涉及健康"),
    ],
)
def test_a_posting_with_a_number_or_an_illness_is_refused_by_household(
    ready, users_by_role, field, value, told
) -> None:
    setattr(ready.household, field, value)
    ready.household.save()
    with pytest.raises(CaseError, match=told) as caught:
        postings.publish(cases=[ready], by=users_by_role["village"])
    assert ready.household.number in str(caught.value)
    assert not any(number in str(caught.value) for number in ("13900001111", "6222021234567890123"))


def test_a_child_at_the_head_of_a_household_is_not_named(ready, users_by_role) -> None:
    head = ready.household.members.get(relation="01")
    head.birth_date = dt.date(2012, 1, 1)
    head.save()
    posting = postings.publish(cases=[ready], by=users_by_role["village"])
    assert posting.rows[0][2] == "张某（未成年人）"


def test_a_posting_is_not_published_twice_nor_before_its_step(ready, users_by_role, make_household, regions) -> None:
    village = users_by_role["village"]
    early = actions.open_case(
        household=make_household(village=regions.village, members=("王五",)),
        source="1",
        clue="农户自己申报",
        by=village,
    )
    with pytest.raises(CaseError, match="同一个环节"):
        postings.publish(cases=[ready, early], by=village)
    with pytest.raises(CaseError, match="不需要公示"):
        postings.publish(cases=[early], by=village)
    postings.publish(cases=[ready], by=village)
    with pytest.raises(CaseError, match="已经公示"):
        postings.publish(cases=[ready], by=village)


def test_a_posting_taken_down_early_does_not_count(ready, users_by_role, clock, regions) -> None:  # noqa: F811
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    postings.stop(posting=posting, by=village, reason="户主姓名写错")
    assert not postings.shown(regions.village.code, clock.day)
    clock.on(6)
    with pytest.raises(CaseError, match="还没有公示"):
        go(ready, "posting_over", village)
    again = postings.publish(cases=[ready], by=village)
    assert again.starts_on == clock.day
    with pytest.raises(CaseError, match="已经结束"):
        postings.stop(posting=posting, by=village, reason="户主姓名写错")


def test_an_objection_holds_the_case_until_it_is_answered(ready, users_by_role, clock) -> None:  # noqa: F811
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    told = postings.object_to(posting=posting, text="他家在县城有房", contact="13900001111")
    assert told.channel == Objection.Channel.PAGE
    assert unseal(bytes(told.contact_sealed), "phone") == "13900001111"
    clock.on(6)
    with pytest.raises(CaseError, match="还有 1 件公示异议没有处理"):
        go(ready, "posting_over", village)
    postings.answer(objection=told, upheld=False, text="已核实，房屋属于其兄", by=village)
    go(ready, "posting_over", village)
    with pytest.raises(CaseError, match="已经答复"):
        postings.answer(objection=told, upheld=True, text="再次答复一次", by=village)


def test_an_objection_that_is_upheld_leads_back_to_the_panel(ready, users_by_role, clock) -> None:  # noqa: F811
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    told = postings.object_to(posting=posting, text="他家在县城有房", case=ready, by=village)
    postings.answer(objection=told, upheld=True, text="核实属实，重新评议", by=village)
    clock.on(6)
    with pytest.raises(CaseError, match="没有处理"):
        go(ready, "posting_over", village)
    go(ready, "evaluate_again", village, reason="异议成立，重新评议")
    assert ready.state.key == "evaluating"


def test_objections_come_while_the_posting_stands_and_from_no_stranger(ready, users_by_role, clock) -> None:  # noqa: F811
    posting = postings.publish(cases=[ready], by=users_by_role["village"])
    for text in ("无", "长" * 1001, "   "):
        with pytest.raises(CaseError, match="请写明异议"):
            postings.object_to(posting=posting, text=text)
    assert "13900001111" not in postings.object_to(posting=posting, text="请打 13900001111 问我").text
    with pytest.raises(Refused):
        postings.object_to(posting=posting, text="他家在县城有房", by=users_by_role["reader"])
    clock.on(6)
    with pytest.raises(CaseError, match="公示已经结束"):
        postings.object_to(posting=posting, text="他家在县城有房")


def test_a_posting_that_ended_while_the_server_was_down_is_neither_seen_nor_in_the_way(
    ready,
    users_by_role,
    clock,  # noqa: F811
    regions,
) -> None:
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    clock.on(30)
    assert not postings.shown(regions.village.code, clock.day)
    with pytest.raises(CaseError, match="公示已经结束"):
        postings.object_to(posting=posting, text="他家在县城有房")
    step = go(ready, "posting_over", village)
    assert step.late_by > 0
    assert ready.state.key == "town_review"


def test_every_kind_of_posting_has_its_own_whitelist_and_an_announcement_is_the_paper_of_its_step(
    ready,
    users_by_role,
    clock,  # noqa: F811
) -> None:
    village = users_by_role["village"]
    with pytest.raises(CaseError, match="不在拟纳入公示可公示的项目里"):
        postings.publish(cases=[ready], by=village, columns=["head", "decided"])
    postings.publish(cases=[ready], by=village)
    clock.on(6)
    go(ready, "posting_over", village)
    go(ready, "town_approve", users_by_role["town"])
    go(ready, "county_approve", users_by_role["county"])
    assert list(postings.waiting(village)) == [ready]
    notice = postings.publish(cases=[ready], by=village, columns=["number", "head", "decided"])
    assert notice.rows == [["1", "张三", clock.day.isoformat()]]
    assert (notice.kind, notice.title) == ("listed", "砚瓦村防止返贫致贫对象公告名单")
    assert ready.evidence.filter(kind="notice", turn=ready.turn).exists()
    assert not postings.waiting(village).exists()


def test_no_child_of_a_household_is_named_in_any_column(ready, users_by_role) -> None:
    child = ready.household.members.get(name="李四")
    child.birth_date = dt.date(2015, 3, 1)
    child.save()
    ready.household.group_name = "3组（李四家）"
    ready.household.save()
    with pytest.raises(CaseError, match="未成年人的姓名"):
        postings.publish(cases=[ready], by=users_by_role["village"])


def test_where_a_posting_hung_is_written_down_within_its_days(ready, users_by_role, clock) -> None:  # noqa: F811
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    proof = postings.prove(posting=posting, on=clock.day, place="村务公开栏", by=village, photo="ab" * 32)
    assert postings.photos_named(["ab" * 32, "cd" * 32]) == {proof.photo}
    for on, place, told in ((clock.day + dt.timedelta(days=1), "村务公开栏", "张贴日期"), (clock.day, "", "张贴地点")):
        with pytest.raises(CaseError, match=told):
            postings.prove(posting=posting, on=on, place=place, by=village)
    with pytest.raises(Refused):
        postings.prove(posting=posting, on=clock.day, place="村务公开栏", by=users_by_role["reader"])


def test_a_household_that_takes_its_request_back_is_named_no_longer(
    ready,
    users_by_role,
    regions,
    make_household,
    clock,  # noqa: F811
    client,
    same_page_day,
) -> None:
    village = users_by_role["village"]
    other = actions.open_case(
        household=make_household(grid=regions.grid, members=("赵六",)), source="1", clue="农户自己申报", by=village
    )
    to_posting(other, users_by_role, clock)
    posting = postings.publish(cases=[ready, other], by=village)
    go(ready, "withdraw", village, reason="农户自己不想再申请")
    page = client.get(f"/public/{regions.village.code}/").content.decode()
    assert "赵六" in page
    assert "张三" not in page
    client.force_login(village)
    assert "张三" not in client.get(f"/postings/{posting.pk}/notice/").content.decode()
    posting.refresh_from_db()
    assert [row[2] for row in posting.rows] == ["张三", "赵六"]  # what was published stays on record


def test_a_cancelled_household_is_neither_posted_nor_decided_about_only_ended(
    ready,
    users_by_role,
    regions,
) -> None:
    village, town = users_by_role["village"], users_by_role["town"]
    before = postings.publish(cases=[ready], by=village)
    cancel_household(household=ready.household, by=village, on=BEGIN, reason="五保老人去世")
    ready.refresh_from_db()
    assert postings.rows_shown(before) == []
    postings.stop(posting=before, by=village, reason="这一户已经注销")
    assert not postings.waiting(village, regions.village).exists()
    with pytest.raises(CaseError, match="已注销，不能公示"):
        postings.publish(cases=[ready], by=village)
    with pytest.raises(CaseError, match="已注销，只能办结"):
        go(ready, "revisit", village, reason="有人反映县城有房")
    go(ready, "end", town, reason="老人去世，整户注销")
    assert ready.closed_on == BEGIN


def test_who_objected_can_be_reached_by_who_handles_it_and_that_is_audited(ready, users_by_role, client) -> None:
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    told = postings.object_to(posting=posting, text="他家在县城有房", contact="13900001111")
    client.force_login(village)
    assert "13900001111" not in client.get(f"/postings/{posting.pk}/").content.decode()
    refused = client.post(f"/objections/{told.pk}/contact/", {"reason": " "})
    assert refused.status_code == 422
    page = client.post(f"/objections/{told.pk}/contact/", {"reason": "核实情况、告知结果"})
    assert "13900001111" in page.content.decode()
    assert AuditEvent.objects.filter(action="show_sealed", subject_id=str(told.pk), actor=village).count() == 1
    client.force_login(users_by_role["reader"])
    assert client.post(f"/objections/{told.pk}/contact/", {"reason": "想看一看是谁"}).status_code == 403


def test_what_somebody_typed_is_still_there_when_it_is_refused(ready, users_by_role, client, same_page_day) -> None:
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    client.force_login(village)
    sent = {"text": "有房", "contact": "村民老李", "case": str(ready.pk)}
    page = client.post(f"/postings/{posting.pk}/objections/", sent).content.decode()
    assert ">有房</textarea>" in page
    assert "村民老李" in page
    told = postings.object_to(posting=posting, text="他家在县城有房")
    page = client.post(f"/objections/{told.pk}/answer/", {"answer": "没房"}).content.decode()
    assert ">没房</textarea>" in page


def test_invisible_characters_hide_no_number_and_break_no_page(ready, users_by_role, client, regions) -> None:
    village = users_by_role["village"]
    posting = postings.publish(cases=[ready], by=village)
    told = postings.object_to(posting=posting, text="他电话139\u200b0000\u200b1111\u202e，你们去问\x00")
    assert told.text == "他电话〔号码已隐去〕，你们去问"
    client.force_login(village)
    sent = client.post(f"/postings/{posting.pk}/objections/", {"text": "他家\x00有房子"})
    assert sent.status_code == 400
