from __future__ import annotations

from datetime import date

import pytest

from huqing.access.models import AuditEvent
from huqing.intake import actions
from huqing.intake.errors import NotAllowed, UndoRefused, WrongState
from huqing.registry.models import DepartmentRecord, Entry, Household, Label, Membership, Person, Source

MAY, JUNE, JULY, AUGUST = date(2024, 5, 31), date(2024, 6, 30), date(2024, 7, 31), date(2024, 8, 31)


def state() -> dict[str, list[dict[str, object]]]:
    """Everything the registry holds about people, but for the times of writing."""
    tables = {model.__name__: model.objects.order_by("id") for model in (Household, Person, Membership, Label)}
    tables["records"] = DepartmentRecord.objects.filter(retired_by=None).order_by("id")
    return {
        name: [{key: value for key, value in row.items() if key != "updated_at"} for row in rows.values()]
        for name, rows in tables.items()
    }


@pytest.fixture
def household_file(rows):
    return [
        rows.household(户类型="脱贫不稳定户", 识别监测时间="2022-03-01"),
        rows.household(户编号="500236H0002", 户主姓名="李四", 家庭人口数=""),
    ]


@pytest.fixture
def person_file(rows):
    return [
        rows.person(),
        rows.person(户编号="500236H0002", 姓名="李四", 证件号码=rows.id_number("19700707", 5)),
    ]


def test_undoing_a_first_import_leaves_nothing_of_it(take, household_file, person_file):
    before = state()
    households = take(household_file, on=MAY)
    between = state()
    people = take(person_file, kind="person")
    actions.undo(intake=people, by=None, background=False)
    assert state() == between
    actions.undo(intake=households, by=None, background=False)
    assert state() == before
    assert (households.state, people.state) == ("undone", "undone")
    assert sorted(Source.objects.values_list("kind", flat=True)) == ["roster", "roster", "undo", "undo"]


def test_undoing_changed_values_restores_them_and_keeps_the_history(take, rows, household_file):
    take(household_file, on=MAY)
    before = state()
    changed = rows.household(
        户类型="一般农户", 工资性收入="99", 联系电话="16099999999", 行政村="仁和村", 户主姓名="张二"
    )
    changed |= {"银行卡号": "6900001111111111111", "开户银行": "农商行"}
    done = take([changed], on=JUNE)
    assert state() != before
    actions.undo(intake=done, by=None, background=False)
    assert state() == before
    first, second = Entry.objects.order_by("id")
    assert {key: [new, old] for key, (old, new) in first.changes.items()} == second.changes
    assert second.source.kind == "undo"


def test_undoing_a_move_puts_people_back(take, rows, household_file, person_file):
    take(household_file, on=MAY)
    take(person_file, kind="person")
    before = state()
    done = take([rows.person(户编号="500236H0002", 与户主关系="其他", 健康状况="残疾")], kind="person", on=JULY)
    actions.undo(intake=done, by=None, background=False)
    assert state() == before


def test_undoing_new_versions_brings_the_old_ones_back(take, rows, household_file, person_file):
    take(household_file, on=MAY)
    take(person_file, kind="person")
    aid = {"姓名": "张大山", "身份证号": rows.id_number(), "救助类别": "低保", "救助开始日期": "2023-01-01"}
    first = take([aid], kind="civil_affairs")
    before = state()
    second = take([{**aid, "救助停止日期": "2024-07-15"}], kind="civil_affairs", on=JULY)
    with pytest.raises(UndoRefused, match="请先撤销它们"):
        actions.undo(intake=first, by=None, background=False)
    actions.undo(intake=second, by=None, background=False)
    assert state() == before
    actions.undo(intake=first, by=None, background=False)
    assert not Label.objects.filter(kind="dibao").exists()
    assert not DepartmentRecord.objects.filter(retired_by=None).exists()


def test_an_undone_import_can_be_applied_again(take, rows, household_file):
    done = take(household_file)
    wanted = [
        {key: value for key, value in row.items() if key != "id"}
        for row in Household.objects.order_by("number").values()
    ]
    actions.undo(intake=done, by=None, background=False)
    actions.queue(intake=done, by=None, background=False)
    from huqing.intake.applying import apply_now

    apply_now(done, by=None)
    again = [
        {key: value for key, value in row.items() if key != "id"}
        for row in Household.objects.order_by("number").values()
    ]
    same = ("number", "items", "head_name", "phone_token", "region_code", "member_count")
    assert [[row[key] for key in same] for row in again] == [[row[key] for key in same] for row in wanted]


@pytest.mark.parametrize("what", ["people", "record", "label", "value"])
def test_undo_is_refused_while_something_later_builds_on_it(take, rows, household_file, person_file, what):
    done = take(household_file, on=MAY)
    if what == "people":
        take(person_file, kind="person")
    elif what == "record":
        row = {"户编号": "500236H0001", "户主姓名": "张大山", "鉴定等级": "C级", "鉴定日期": "2024-03-01"}
        take([row], kind="housing")
    elif what == "label":
        Label.objects.create(kind="dibao", household=Household.objects.first(), valid_from=JUNE)
    else:
        take([rows.household(工资性收入="1")])
    before = state()
    with pytest.raises(UndoRefused):
        actions.undo(intake=done, by=None, background=False)
    assert state() == before
    done.refresh_from_db()
    assert done.state == "applied"
    assert done.message.startswith("不能撤销：后来的变更用到了这次导入的内容")


def test_later_changes_of_other_values_do_not_stand_in_the_way(take, rows, household_file):
    take(household_file, on=MAY)
    done = take([rows.household(户类型="脱贫不稳定户", 识别监测时间="2022-03-01", 工资性收入="99")], on=JUNE)
    take([{"户编号": "500236H0001", "户主姓名": "张大山", "住房面积": "120"}], on=JULY)
    actions.undo(intake=done, by=None, background=False)
    items = Household.objects.get(number="500236H0001").items
    assert (items["wage_income"], items["house_area"]) == (1_200_000, "120.00")


def test_an_import_that_was_undone_no_longer_stands_in_the_way(take, rows, household_file):
    take(household_file, on=MAY)
    before = state()
    first = take([rows.household(工资性收入="99")], on=JUNE)
    second = take([rows.household(工资性收入="77")], on=JULY)
    with pytest.raises(UndoRefused):
        actions.undo(intake=first, by=None, background=False)
    actions.undo(intake=second, by=None, background=False)
    actions.undo(intake=first, by=None, background=False)
    assert state() == before


def test_only_the_county_undoes_and_every_step_is_audited(take, rows, household_file, users_by_role):
    done = take(household_file, by=users_by_role["town"], region="500236101")
    with pytest.raises(NotAllowed):
        actions.undo(intake=done, by=users_by_role["town"])
    actions.undo(intake=done, by=users_by_role["county"], background=False)
    steps = AuditEvent.objects.filter(subject_kind="intake.import", subject_id=str(done.pk)).order_by("id")
    assert [(one.action, one.actor.role) for one in steps] == [
        ("intake.upload", "town"),
        ("intake.map", "town"),
        ("intake.check_start", "town"),
        ("intake.check", "town"),
        ("intake.queue", "town"),
        ("intake.apply_start", "town"),
        ("intake.apply", "town"),
        ("intake.undo_start", "county"),
        ("intake.undo", "county"),
    ]
    with pytest.raises(WrongState):
        actions.undo(intake=done, by=users_by_role["county"])


def test_a_listener_can_veto_an_undo(take, household_file):
    from huqing.intake.signals import undoing

    def refuse(**kwargs: object) -> None:
        raise UndoRefused("这一户的预警已有人确认。")

    done = take(household_file)
    before = state()
    undoing.connect(refuse)
    try:
        with pytest.raises(UndoRefused, match="已有人确认"):
            actions.undo(intake=done, by=None, background=False)
    finally:
        undoing.disconnect(refuse)
    assert state() == before


def test_alerts_of_removed_households_go_with_them(take, household_file):
    from huqing.screening.models import Alert

    done = take(household_file)
    Alert.objects.create(
        finding="helper_missing", household=Household.objects.first(), region_code="500236101201", severity="high",
        evidence_hash="0" * 64, opened_on=JUNE, seen_on=JUNE,
    )  # fmt: skip
    actions.undo(intake=done, by=None, background=False)
    assert not Alert.objects.exists()
    assert not Household.objects.exists()
