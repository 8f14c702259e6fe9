"""An application is taken once, finds its household by a person, becomes a case or is refused, and is forgotten."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.applications.clock import DAY, set_clock

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.access.seal import unseal
from huqing.applications import actions, queries, receipts
from huqing.applications.errors import ApplicationError
from huqing.applications.kinds import declared
from huqing.applications.models import Application
from huqing.applications.progress import progress
from huqing.cases import actions as case_actions
from huqing.cases.models import Case
from huqing.registry.signals import regions_recoded

PHONE = "13900001111"
FILLED = {
    "kind": "risk",
    "name": "张 三",
    "group": "3组",
    "phone": "139 0000 1111",
    "difficulties": ["illness", "house"],
    "words": "老伴住院，身份证 990101195605124318",
    "consent": True,
}


@pytest.fixture
def clock(monkeypatch):
    return set_clock(monkeypatch)


@pytest.fixture
def household(regions, make_household):
    made = make_household(grid=regions.grid, members=("张三", "李四"), phone=PHONE)
    made.group_name = "3组"
    made.save()
    return made


@pytest.fixture
def application(clock, regions, users_by_role) -> Application:
    return actions.submit(village=regions.village, **FILLED)


def test_what_is_personal_is_sealed_and_no_number_stays_in_the_words(application) -> None:
    assert application.name == "张三"
    assert unseal(bytes(application.phone_sealed), "phone") == PHONE
    assert "990101195605124318" not in application.words
    assert application.due_on == dt.date(2026, 11, 5), "three working days after Monday, 2 November"
    events = AuditEvent.objects.filter(action="application_receive")
    assert not any(secret in str(events.values_list()) for secret in (PHONE, "张三", "住院"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "nonsense"}, "kind"),
        ({"name": "三"}, "name"),
        ({"name": "<script>alert(1)</script>"}, "name"),
        ({"name": "张三13900001111"}, "name"),
        ({"phone": "12345"}, "phone"),
        ({"phone": ""}, "phone"),
        ({"phone": "9" * 100_000}, "phone"),
        ({"group": "组" * 41}, "group"),
        ({"difficulties": [], "words": "帮"}, "difficulties"),
        ({"difficulties": ["nonsense"], "words": ""}, "difficulties"),
        ({"difficulties": ["other"], "words": ""}, "words"),
        ({"words": "长" * 1001}, "words"),
        ({"words": "<b>" * 33_000}, "words"),
        ({"consent": False}, "consent"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_kept(regions, change, field) -> None:
    with pytest.raises(ApplicationError) as refused:
        actions.submit(village=regions.village, **{**FILLED, **change})
    assert list(refused.value.fields) == [field]
    assert not Application.objects.exists()


def test_control_characters_and_widths_are_cleaned_away(clock, regions) -> None:
    told = actions.submit(
        village=regions.village,
        **{**FILLED, "words": "水管\x00\x07\u202e坏了\r\n很久", "phone": "１３９００００１１１１"},
    )
    assert told.words == "水管 坏了\n很久"
    assert unseal(bytes(told.phone_sealed), "phone") == PHONE


def test_receipts_are_random_and_open_only_with_the_end_of_the_phone(application, regions) -> None:
    second = actions.submit(village=regions.village, **FILLED)
    assert len(second.receipt) == len(application.receipt) == 10
    assert abs(int(second.receipt) - int(application.receipt)) > 1
    spoken = receipts.spoken(application.receipt)
    assert receipts.find(spoken, "1111") == application
    assert (
        receipts.find(spoken.translate(str.maketrans("0123456789", "０１２３４５６７８９")), "１１１１") == application
    )
    for number, tail in ((spoken, "1112"), (spoken, ""), (spoken, "----"), ("1" * 10, "1111"), ("", ""), ("²", "²")):
        assert receipts.find(number, tail) is None
    oral = actions.submit(village=regions.village, by=None, **{**FILLED, "phone": "02356561234"})
    assert receipts.find(oral.receipt, "1234") == oral


def test_the_household_is_proposed_with_its_reasons_and_chosen_by_a_person(
    application, household, make_household, regions, users_by_role
) -> None:
    village = users_by_role["village"]
    namesake = make_household(members=("张三",))
    make_household(village=regions.next_village, members=("张三",), phone=PHONE)
    found = queries.proposals(application, village)
    assert [(one.household, one.reasons) for one in found] == [
        (household, ("电话相同", "户主叫张三", "同一小组")),
        (namesake, ("户主叫张三",)),
    ]
    assert queries.proposals(application, village, "李四")[0].reasons[0] == "电话相同"
    with pytest.raises(ApplicationError, match="还没有核对"):
        actions.accept(application=application, by=village)
    foreign = make_household(village=regions.foreign_village, members=("张三",))
    with pytest.raises(Refused):
        actions.match(application=application, household=foreign, by=village)
    actions.match(application=application, household=None, by=village)
    assert application.match == Application.Match.NONE
    actions.match(application=application, household=household, by=village)
    assert application.household == household


def test_an_accepted_application_is_the_clue_of_a_case_and_the_applicant_follows_it(
    application, household, users_by_role, clock
) -> None:
    village = users_by_role["village"]
    assert "最晚 2026年11月5日" in progress(application, DAY).next
    actions.match(application=application, household=household, by=village)
    case = actions.accept(application=application, by=village)
    assert (case.clue_source, case.state.key) == ("1", "clue")
    assert "看病花钱多、房子不安全" in case.clue
    assert "990101195605124318" not in case.clue
    told = progress(application, DAY)
    assert told.now == "已受理，等着安排入户"
    assert told.next == "最晚 2026年11月5日开始办理，会有人上门核实。"
    with pytest.raises(ApplicationError, match="已是“已受理”"):
        actions.refuse(application=application, text="再来一次不受理", by=users_by_role["town"])
    clock["day"] += dt.timedelta(days=1)
    case_actions.take(case=case, move="dismiss", by=village, turn=0, reason="入户看过，收入稳定，没有风险")
    ended = progress(Application.objects.get(), clock["day"])
    assert (ended.now, ended.reason) == ("线索不成立", "入户看过，收入稳定，没有风险")
    assert [text for _, text in ended.past] == ["收到您的申请", "受理，开始办理", "线索不成立"]
    assert not ended.may_withdraw


def test_an_application_of_a_household_with_an_open_case_is_added_to_it(application, household, users_by_role) -> None:
    village = users_by_role["village"]
    running = case_actions.open_case(household=household, source="2", clue="走访发现大病支出", by=village)
    actions.match(application=application, household=household, by=village)
    assert actions.accept(application=application, by=village) == running
    assert Case.objects.count() == 1
    assert "并入一起办理" in application.steps.last().text


def test_a_refusal_needs_a_reason_and_the_town_looks_at_those_of_villages(application, users_by_role, clock) -> None:
    village, town = users_by_role["village"], users_by_role["town"]
    with pytest.raises(ApplicationError, match="理由"):
        actions.refuse(application=application, text="不行", by=village)
    actions.refuse(application=application, text="户口不在本村，请到户口所在村申请", by=village)
    assert progress(application, DAY).reason == "户口不在本村，请到户口所在村申请"
    assert queries.waiting(town, DAY).look == 1
    with pytest.raises(Refused):
        actions.look(application=application, agrees=True, by=village)
    with pytest.raises(ApplicationError, match="退回的理由"):
        actions.look(application=application, agrees=False, by=town)
    clock["day"] += dt.timedelta(days=2)
    actions.look(application=application, agrees=False, by=town, text="户籍系统里是本村的，请重新核对")
    assert (application.state, application.due_on) == ("received", dt.date(2026, 11, 9))
    actions.refuse(application=application, text="户主已随女儿户申请，不重复受理", by=town)
    assert queries.waiting(town, DAY).look == 0


def test_applications_of_one_phone_are_joined_by_a_person_and_share_their_progress(
    application, regions, household, users_by_role
) -> None:
    village = users_by_role["village"]
    second = actions.submit(village=regions.village, **FILLED)
    other = actions.submit(village=regions.village, **{**FILLED, "phone": "13900002222"})
    assert list(queries.twins(second, village)) == [application]
    with pytest.raises(ApplicationError, match="同一个电话"):
        actions.join(application=other, into=application, by=village)
    actions.join(application=second, into=application, by=village)
    actions.match(application=application, household=household, by=village)
    actions.accept(application=application, by=village)
    assert progress(Application.objects.get(pk=second.pk), DAY).now == "已受理，等着安排入户"


def test_the_applicant_takes_it_back_and_staff_end_what_is_under_way(
    application, regions, household, users_by_role
) -> None:
    village = users_by_role["village"]
    assert actions.withdraw(application=application)
    assert progress(application, DAY).now == "已撤回"
    with pytest.raises(ApplicationError, match="不用再撤"):
        actions.withdraw(application=application)
    running = actions.submit(village=regions.village, household=household, by=village, **FILLED)
    actions.accept(application=running, by=village)
    assert not actions.withdraw(application=running)
    assert queries.waiting(village, DAY).out == 1
    assert "经办人会和您联系" in progress(Application.objects.get(pk=running.pk), DAY).next


def test_nobody_handles_applications_outside_the_own_area_or_without_the_right(
    application, users_by_role, regions
) -> None:
    for role in ("reader", "department", "visitor", "system_admin", "grid"):
        with pytest.raises(Refused):
            actions.refuse(application=application, text="不属于本村的申请", by=users_by_role[role])
    abroad = users_by_role["village"]
    abroad.region_code = regions.next_village.code
    with pytest.raises(Refused):
        actions.refuse(application=application, text="不属于本村的申请", by=abroad)
    with pytest.raises(Refused):
        actions.submit(village=regions.foreign_village, by=users_by_role["county"], **FILLED)


def test_what_was_not_accepted_loses_everything_personal_when_its_time_is_over(
    application, household, regions, users_by_role, clock
) -> None:
    village, kept = users_by_role["village"], declared().kept_days
    accepted = actions.submit(village=regions.village, household=household, by=village, **FILLED)
    actions.accept(application=accepted, by=village)
    actions.refuse(application=application, text="张三的户口不在本村", by=users_by_role["town"])
    clock["day"] = DAY + dt.timedelta(days=kept)
    assert actions.blank_old() == 0
    clock["day"] += dt.timedelta(days=1)
    assert actions.blank_old() == 1
    assert actions.blank_old() == 0
    application.refresh_from_db()
    assert receipts.find(application.receipt, "1111") is None
    left = str(Application.objects.filter(pk=application.pk).values()) + str(application.steps.values())
    assert "张三" not in left
    assert "住院" not in left
    accepted.refresh_from_db()
    assert accepted.name == "张三"


def test_applications_follow_their_village_to_its_new_code(application, regions) -> None:
    regions.village.code = "500236101301"
    regions.village.save()
    regions_recoded.send(sender=type(regions.village), region_ids=[regions.village.pk], codes={}, merged={}, on=DAY)
    application.refresh_from_db()
    assert application.region_code == "500236101301"


def test_every_choice_of_the_declaration_has_its_code_and_the_notice_names_who_and_how_long() -> None:
    made = declared()
    assert all(one.risk for one in made.difficulties.values())
    told = " ".join(text for _, text in made.notice_for("砚瓦村", "朱衣镇"))
    assert "砚瓦村" in told
    assert "朱衣镇" in told
    assert f"{made.kept_days} 天" in told


def test_an_import_is_not_undone_under_a_household_that_applied(application, household, users_by_role) -> None:
    from types import SimpleNamespace

    from huqing.applications.signals import on_undoing
    from huqing.intake.errors import UndoRefused
    from huqing.registry.models import Source

    source = Source.objects.create(kind="roster", title="户信息表.xlsx", on=DAY, created_at=application.received_at)
    household.created_by_source = source
    household.save()
    on_undoing(None, SimpleNamespace(source=source))
    actions.match(application=application, household=household, by=users_by_role["village"])
    with pytest.raises(UndoRefused, match="已有 1 件申请"):
        on_undoing(None, SimpleNamespace(source=source))


def test_an_application_made_in_the_wrong_village_is_moved_with_what_was_joined_to_it(
    application, household, regions, users_by_role
) -> None:
    town, joined = users_by_role["town"], actions.submit(village=regions.village, **FILLED)
    actions.join(application=joined, into=application, by=town)
    actions.match(application=application, household=household, by=town)
    actions.move(application=application, village=regions.next_village, text="申请人住在邻村", by=town)
    receipt, due = application.receipt, application.due_on
    for one in (application, joined):
        one.refresh_from_db()
        assert (one.village, one.region_code) == (regions.next_village, regions.next_village.code)
        assert (one.household, one.match) == (None, Application.Match.OPEN)
    assert (application.receipt, application.due_on) == (receipt, due)
    assert "转到现在这个村办理" in [text for _, text in progress(receipts.find(receipt, "1111"), DAY).past]
    assert not Application.objects.visible_to(users_by_role["village"]).exists()
    event = AuditEvent.objects.filter(action="application_move").latest("id")
    assert event.detail["before"] == regions.village.code
    assert event.detail["reason"] == "申请人住在邻村"
    assert event.region_code == regions.next_village.code


def test_nobody_moves_an_application_out_of_reach_or_once_it_is_answered(
    application, household, regions, users_by_role
) -> None:
    town = users_by_role["town"]
    with pytest.raises(Refused, match="由乡镇或县里办理"):
        actions.move(application=application, village=regions.next_village, text="邻村的", by=users_by_role["village"])
    with pytest.raises(Refused, match="不在您的管辖范围内，不能转过去"):
        actions.move(application=application, village=regions.foreign_village, text="外县的人", by=town)
    with pytest.raises(ApplicationError, match="不用转"):
        actions.move(application=application, village=regions.village, text="就是本村", by=town)
    with pytest.raises(ApplicationError, match="现有的行政村"):
        actions.move(application=application, village=regions.town, text="转给乡镇", by=town)
    with pytest.raises(ApplicationError, match="转到别的村的理由"):
        actions.move(application=application, village=regions.next_village, text="", by=town)
    actions.match(application=application, household=household, by=town)
    actions.accept(application=application, by=town)
    with pytest.raises(ApplicationError, match="已是“已受理”"):
        actions.move(application=application, village=regions.next_village, text="住在邻村", by=town)
    application.refresh_from_db()
    assert application.village == regions.village
