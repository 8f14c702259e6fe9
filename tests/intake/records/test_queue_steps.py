from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from django.db import OperationalError

from huqing.access.models import AuditEvent
from huqing.intake import actions, files, queries, states
from huqing.intake.errors import IntakeError, NotAllowed, WrongState
from huqing.intake.models import Import, MappingTemplate
from huqing.registry.models import Household

JUNE, JULY = date(2024, 6, 30), date(2024, 7, 31)
S = Import.State


@pytest.fixture
def county(users_by_role):
    return users_by_role["county"]


@pytest.fixture
def upload(write, take, county):
    """A function that uploads rows as somebody and returns the import (``take`` gives the data folder)."""

    def upload(rows, by=county, on: date = JUNE, name: str = "户信息表.csv") -> Import:
        content = BytesIO(write(rows).read_bytes())
        return actions.upload(content=content, name=name, by=by, data_date=on, region=by.region_code)

    return upload


@pytest.fixture
def step(django_capture_on_commit_callbacks):
    """A function that takes an action and runs what it put into the background."""

    def step(action, **arguments):
        with django_capture_on_commit_callbacks(execute=True):
            action(**arguments)
        arguments["intake"].refresh_from_db()
        return arguments["intake"]

    return step


def choose(intake: Import, by, **more) -> Import:
    (sheet,) = queries.sheets(intake, kind="household")
    return actions.choose(intake=intake, by=by, kind="household", mapping=sheet.proposal.fields, **more)


def test_every_state_says_what_may_follow_and_how_that_is_called():
    assert set(states.SUCCESSORS) == set(states.NOT_YET) == set(S)
    assert set(states.ACTIONS) == set(S) - {S.UPLOADED}
    reachable = {to for following in states.SUCCESSORS.values() for to in following}
    assert reachable == set(S) - {S.UPLOADED}


def test_a_file_goes_from_upload_to_the_registry_step_by_step(upload, county, rows, step):
    intake = upload([rows.household(), rows.household(户编号="500236H0002", 家庭人口数="很多")])
    assert intake.state == S.UPLOADED
    assert choose(intake, county).state == S.MAPPED
    step(actions.check, intake=intake, by=county)
    assert intake.state == S.CHECKED
    shown = queries.preview(intake)
    assert (shown["counts"]["added"], shown["counts"]["refused"]) == (1, 1)
    assert shown["added"] == [{"line": 2, "number": "500236H0001", "name": "张大山"}]
    assert [one.row_number for one in queries.problems(intake)] == [3]
    assert not Household.objects.exists()
    step(actions.queue, intake=intake, by=county)
    assert intake.state == S.APPLIED
    assert Household.objects.count() == 1


def test_the_preview_names_changed_fields_in_words_and_masks_numbers(upload, take, county, rows, step):
    take([rows.household()])
    changed = rows.household(工资性收入="1", 联系电话="16000000001", 网格="一网格")
    intake = choose(upload([changed], on=JULY), county)
    step(actions.check, intake=intake, by=county)
    (changed,) = queries.preview(intake)["changed"]
    assert sorted(changed["changes"]) == [
        ("工资性收入", 1_200_000, 100),
        ("网格", None, "砚瓦一网格"),
        ("联系电话", "160****5678", "160****0001"),
    ]
    assert Household.objects.get().items["wage_income"] == 1_200_000


def test_raw_rows_are_shown_with_numbers_masked(upload, rows):
    intake = upload([rows.household()])
    (sheet,) = queries.sheets(intake)
    cells = sheet.rows[0][1]
    assert "160****5678" in cells
    assert "16012345678" not in cells
    assert "500236H0001" in cells


def test_steps_out_of_order_are_refused_with_what_comes_first(upload, county, rows):
    intake = upload([rows.household()])
    with pytest.raises(WrongState, match="请先确认各列对应的字段"):
        actions.check(intake=intake, by=county)
    with pytest.raises(WrongState, match="请先确认各列对应的字段"):
        actions.queue(intake=intake, by=county)
    buttons = {one.action: one.reason for one in queries.steps(county, intake)}
    assert buttons["choose"] == buttons["discard"] == ""
    assert buttons["undo"].startswith("这份导入现在是“已上传”")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"户编号": "number"}, "必填字段没有对应的列：户主姓名"),
        ({"户编号": "number", "a": "head_name", "b": "head_name"}, "有两列都对应到户主姓名"),
        ({"户编号": "number", "a": "no_such"}, "没有字段 no_such"),
    ],
)
def test_a_wrong_matching_is_refused(upload, county, rows, mapping, message):
    with pytest.raises(IntakeError, match=message):
        actions.choose(intake=upload([rows.household()]), by=county, kind="household", mapping=mapping)


def test_a_saved_matching_is_proposed_again_for_the_same_columns(upload, county, rows):
    odd = [{"甲": "500236H0001", "乙": "张大山", "村": "砚瓦村"}]
    mapping = {"甲": "number", "乙": "head_name", "村": "village_name"}
    intake = upload(odd)
    actions.choose(
        intake=intake, by=county, kind="household", mapping=mapping, save_as="乡里的表", columns=("甲", "乙", "村")
    )
    assert MappingTemplate.objects.get().name == "乡里的表"
    (sheet,) = queries.sheets(upload(odd), kind="household")
    assert sheet.proposal.fields == mapping


def test_a_discarded_import_loses_its_file_unless_another_uses_it(upload, county, rows, step):
    first, second = upload([rows.household()]), upload([rows.household()])
    path = files.path_of(first.stored_as)
    assert first.stored_as == second.stored_as
    step(actions.discard, intake=first, by=county)
    assert path.exists()
    step(actions.discard, intake=second, by=county)
    assert not path.exists()
    mapping = {"户编号": "number", "户主姓名": "head_name"}
    with pytest.raises(WrongState, match="请重新上传文件"):
        actions.choose(intake=second, by=county, kind="household", mapping=mapping)


def test_an_applied_import_cannot_be_discarded(take, rows, county):
    with pytest.raises(WrongState, match="已入库"):
        actions.discard(intake=take([rows.household()]), by=county)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("户.docx", b"x", "不支持 .docx 文件"),
        ("户.xlsx", b"", "文件是空的"),
        ("户.csv", b"x" * 3_000_000, "文件超过 2 MB"),
    ],
)
def test_a_file_that_cannot_be_one_is_refused_at_once(take, county, monkeypatch, name, content, message):
    monkeypatch.setenv("HUQING_INTAKE_FILE_MB", "2")
    with pytest.raises(IntakeError, match=message):
        actions.upload(content=BytesIO(content), name=name, by=county, data_date=JUNE)
    assert not Import.objects.exists()
    assert not list(files.folder().iterdir())


def test_uploads_are_readable_by_the_service_only(upload, rows):
    path = files.path_of(upload([rows.household()]).stored_as)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_data_of_the_future_and_of_nowhere_is_refused(write, take, county, rows):
    with pytest.raises(IntakeError, match="在今天之后"):
        actions.upload(content=BytesIO(b"x"), name="a.csv", by=county, data_date=date(2999, 1, 1))
    with pytest.raises(IntakeError, match="请写明文件所属的区划"):
        actions.upload(content=BytesIO(b"x"), name="a.csv", by=None, data_date=JUNE)


def test_another_countys_or_towns_import_is_not_visible_and_not_workable(upload, users_by_role, rows):
    intake = upload([rows.household()])
    town = users_by_role["town"]
    assert queries.import_of(town, intake.pk) is None
    with pytest.raises(NotAllowed, match="没有这份导入"):
        choose(intake, town)


def test_an_import_can_be_taken_back_from_the_queue(upload, county, rows, step):
    intake = choose(upload([rows.household()]), county)
    step(actions.check, intake=intake, by=county)
    actions.queue(intake=intake, by=county)
    actions.unqueue(intake=intake, by=county)
    assert intake.state == S.CHECKED


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OperationalError("database is locked"), "数据库正忙"),
        (OperationalError("could not extend file: No space left on device"), "磁盘空间不足"),
        (MemoryError(), "内存不足"),
        (OSError(28, "No space left on device"), "磁盘空间不足"),
    ],
)
def test_a_failure_while_writing_leaves_nothing_and_says_what_to_do(
    upload, county, rows, step, monkeypatch, error, message
):
    from huqing.registry import bulk

    intake = choose(upload([rows.household()]), county)
    step(actions.check, intake=intake, by=county)
    insert = bulk.BulkWriter.insert

    def fails(self, model, table):
        if model is Household:
            insert(self, model, table)
            raise error
        return insert(self, model, table)

    monkeypatch.setattr(bulk.BulkWriter, "insert", fails)
    step(actions.queue, intake=intake, by=county)
    assert intake.state == S.FAILED
    assert message in intake.message
    assert not Household.objects.exists()
    monkeypatch.undo()
    step(actions.queue, intake=intake, by=county)
    assert intake.state == S.APPLIED


def test_a_program_error_is_raised_for_the_log_but_shows_no_values(upload, county, rows, step, monkeypatch):
    from huqing.intake import applying

    intake = choose(upload([rows.household()]), county)

    def broken(*args):
        raise KeyError("16012345678")

    monkeypatch.setattr(applying, "load", broken)
    with pytest.raises(KeyError):
        applying.check_now(intake, by=county)
    intake.refresh_from_db()
    assert intake.state == S.FAILED
    assert intake.message == "程序出错（KeyError），数据没有写入。请把导入编号告诉管理员查看日志。"


def test_each_step_is_audited_once_with_its_counts(upload, county, rows, step):
    intake = choose(upload([rows.household()]), county)
    step(actions.check, intake=intake, by=county)
    step(actions.queue, intake=intake, by=county)
    events = AuditEvent.objects.filter(subject_kind="intake.import", actor=county).order_by("id")
    assert [one.action for one in events] == [
        "intake.upload",
        "intake.map",
        "intake.check_start",
        "intake.check",
        "intake.queue",
        "intake.apply_start",
        "intake.apply",
    ]
    assert events.last().detail["added"] == 1


def test_an_uploaded_file_that_is_already_in_the_registry_is_pointed_out(upload, take, county, rows):
    done = take([rows.household()])
    intake = upload([rows.household()])
    Import.objects.filter(pk=intake.pk).update(sheet=done.sheet)
    intake.refresh_from_db()
    assert list(queries.earlier_uploads(county, intake)) == [done]
