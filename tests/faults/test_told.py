"""Full disks, locked and lost databases, killed workers: what is said, and what is put right afterwards."""

from __future__ import annotations

import datetime as dt
import errno
import os
import socket
import sqlite3
import subprocess
import sys

import duckdb
import pytest
from django.db import OperationalError
from django.utils import timezone

from huqing.access.seal import SealError
from huqing.intake import recovery, tasks
from huqing.intake.applying import explain
from huqing.intake.models import Import
from huqing.registry import snapshot
from huqing.rules import engine
from huqing.screening import actions as screening
from huqing.screening.models import Alert, Run
from huqing.site import server, worker
from huqing.site.commands import imports, root
from huqing.site.commands.support import told

AS_OF = dt.date(2026, 6, 30)
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FULL, "磁盘空间不足"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "磁盘空间不足"),
        (OSError(errno.EROFS, "Read-only file system"), "不能写入"),
        (PermissionError(errno.EACCES, "Permission denied"), "不能写入"),
        (OperationalError("database or disk is full"), "磁盘空间不足"),
        (OperationalError("database is locked"), "正被另一个程序占用"),
        (OperationalError("attempt to write a readonly database"), "不能写入"),
        (OperationalError("connection failed: Connection refused\n\tIs the server running?"), "是否已启动"),
        (sqlite3.OperationalError("database or disk is full"), "磁盘空间不足"),
        (duckdb.IOException("IO Error: Could not write file: No space left on device"), "磁盘空间不足"),
        (SealError("找不到密钥文件"), "找不到密钥文件"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_expected_failure_is_one_chinese_line(error, said, monkeypatch, capsys):
    assert said in told(error)

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(root.huqing, "main", fail)
    assert root.run(["screen"]) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert len(shown.strip().splitlines()) == 1


def test_a_programming_error_is_not_covered_up(monkeypatch):
    monkeypatch.setattr(root.huqing, "main", lambda **_: {}["no such key"])
    with pytest.raises(KeyError):
        root.run(["screen"])


@pytest.mark.parametrize(
    "error", [FULL, OperationalError("could not extend file"), OSError(errno.EROFS, "Read-only file system")]
)
def test_an_import_says_that_the_file_is_as_it_was(error):
    assert "没有写入" in explain(error)
    assert "程序出错" not in explain(error)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error", [FULL, duckdb.IOException("IO Error: Could not write file /data/x: No space left on device")], ids=type
)
def test_a_screening_on_a_full_disk_leaves_no_trace_but_its_reason(regions, make_household, error, monkeypatch):
    make_household(items={"wage_income": 1, "household_type": "L06"})

    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(engine, "screen", full)
    with pytest.raises(screening.ScreeningError, match="磁盘空间已满"):
        screening.run(by=None, region="500236", as_of=AS_OF, trigger=Run.Trigger.MANUAL)
    run = Run.objects.get()
    assert run.state == Run.State.FAILED
    assert "/data/x" not in run.message
    assert not screening.results_folder(run).exists()
    assert not Alert.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_next_screening_closes_one_that_was_killed(regions, make_household):
    make_household()
    killed = Run.objects.create(
        state="running",
        trigger="manual",
        as_of=AS_OF,
        region_code="500236",
        rules_version="x",
        started_at=timezone.now(),
    )
    done = screening.run(by=None, region="500236", as_of=AS_OF, trigger=Run.Trigger.MANUAL)
    killed.refresh_from_db()
    assert (killed.state, done.state) == (Run.State.FAILED, Run.State.DONE)
    assert "被中断" in killed.message


@pytest.mark.django_db(transaction=True)
def test_after_the_clock_was_set_back_the_newest_snapshot_stays(regions, make_household, settings, tmp_path):
    settings.DATA = tmp_path
    make_household()
    taken = [snapshot.take(region="500236", as_of=AS_OF) for _ in range(3)]
    os.utime(taken[-1], ns=(0, 0))
    assert snapshot.prune(2, but=taken[-1]) == []
    assert all(path.exists() for path in taken)
    assert snapshot.prune(2) == [taken[-1]]


@pytest.mark.django_db
def test_tasks_of_a_killed_worker_do_not_run_for_ever():
    from django_tasks_db.models import DBTaskResult

    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    host = socket.gethostname()[:50]

    def task(worker_id: str) -> DBTaskResult:
        return DBTaskResult.objects.create(
            status="RUNNING", worker_ids=[worker_id], args_kwargs={}, task_path="x", run_after=timezone.now()
        )

    dead, alive, elsewhere = task(f"{host}:{child.pid}"), task(f"{host}:{os.getppid()}"), task("other:1")
    assert worker.end_interrupted() == 1
    for one, state in ((dead, "FAILED"), (alive, "RUNNING"), (elsewhere, "RUNNING")):
        one.refresh_from_db()
        assert one.status == state


@pytest.mark.django_db
def test_the_traceback_of_a_failed_task_shows_no_number():
    from django_tasks_db.models import DBTaskResult

    task = DBTaskResult.objects.create(args_kwargs={}, task_path="x", run_after=timezone.now(), traceback="")
    task.set_failed(ValueError("could not convert '990236197912230465' and 13812345678"))
    task.refresh_from_db()
    assert "could not convert" in task.traceback
    assert "990236" not in task.traceback
    assert "138" not in task.traceback


@pytest.mark.django_db
def test_what_a_killed_import_spilled_is_removed(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    for process in (child.pid, os.getpid()):
        (tmp_path / f"huqing-intake-{process}-x").mkdir()
    recovery.recover()
    assert [path.name for path in tmp_path.iterdir()] == [f"huqing-intake-{os.getpid()}-x"]


def test_a_folder_of_files_is_taken_in_households_first(tmp_path):
    labels = {
        "乙走访.csv": "户编号,户主姓名,户主身份证号,走访类别,走访时间,走访人",
        "丙成员.csv": "户编号,姓名,性别,证件类型,证件号码,出生日期,与户主关系",
        "丁农户.csv": "户编号,户主姓名,行政村,家庭人口数,户类型,家庭住址",
        "甲其他.csv": "x,y",
    }
    for name, header in labels.items():
        (tmp_path / name).write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n", encoding="utf-8")
    ordered = sorted(tmp_path.iterdir(), key=imports._rank)
    assert [path.name for path in ordered][:2] == ["丁农户.csv", "丙成员.csv"]


@pytest.mark.django_db
def test_a_reason_with_a_number_or_a_control_character_is_kept_without_it(regions, make_household, users_by_role):
    household = make_household()
    alert = Alert.objects.create(
        finding="unsafe_water", household=household, region_code=household.region_code, severity="high",
        opened_on=AS_OF, seen_on=AS_OF,
    )  # fmt: skip
    screening.waive(alert=alert, by=users_by_role["county"], reason="已电话核实13812345678\x00，情况不属实")
    alert.refresh_from_db()
    assert alert.waive_reason == "已电话核实〔号码已隐去〕，情况不属实"


@pytest.mark.django_db
def test_the_clock_takes_up_imports_whose_process_was_killed_and_no_others(regions, monkeypatch):
    def intake(state: str) -> Import:
        return Import.objects.create(
            state=state, file_name="户.csv", file_hash="x", stored_as="x", data_date=AS_OF, created_at=timezone.now()
        )

    killed, checked, waiting = intake("applying"), intake("checking"), intake("queued")
    started = []
    monkeypatch.setattr(tasks, "start", lambda work, intake, by: started.append(intake.pk))
    server.tick(dt.datetime(2026, 6, 30, 1, 0, tzinfo=dt.UTC))
    server.tick(dt.datetime(2026, 6, 30, 1, 1, tzinfo=dt.UTC))
    states = {one.pk: one.state for one in Import.objects.all()}
    assert states == {killed.pk: "queued", checked.pk: "mapped", waiting.pk: "queued"}
    assert started == [killed.pk]
    assert server.recover() is None
    assert started == [killed.pk, killed.pk, waiting.pk]
