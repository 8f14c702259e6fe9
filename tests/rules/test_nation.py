"""A run over many counties: the same rows as county by county, and what is left when something goes wrong."""

from __future__ import annotations

import datetime
import errno
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pyarrow import parquet
from tests.rules.build import snapshot, tables

from huqing.rules import engine, lake, nation
from huqing.rules.errors import TableError
from huqing.rules.nation import DONE, FAILED, KEPT, LEFT, County, NationError, run, shares
from huqing.rules.nation_worker import FULL, GIB, Plans, Settings, lock_name, reason_of

DAY = datetime.date(2025, 6, 30)
FINDINGS = ["income_below_line", "line_not_monitored", "dropout"]
OWN_LINE, SHARED, SHARED_TOO, PROVINCE, NO_LINE = "500236", "500235", "500234", "520102", "430725"
INCOME = {"business_income": 0, "property_income": 0, "transfer_income": 0, "business_cost": 0}
SECONDS = 60.0  # to wait for something that must come, before giving up
DRIVER = """
import json, signal, sys
from pathlib import Path
from huqing.rules.nation import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background start with it ignored
where, cache, findings = json.loads(sys.argv[1])
run(Path(where) / "lake", Path(where) / "out", processes=1, findings=findings, cache=Path(cache),
    tell=lambda county, number, total: print(county.county, county.state, flush=True))
"""
NO_ROOM = """
import errno
from huqing.rules import engine, nation_worker
def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")
engine.screen = full
nation_worker.main()
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def rows_of(households: int) -> dict[str, list[dict[str, Any]]]:
    """One household above the line, one whose wages are missing, the others below it."""
    wages = [9_000_000, None, *[900_000 + number for number in range(households - 2)]]
    return {
        "household": [{"id": n, "wage_income": wage, **INCOME} for n, wage in enumerate(wages, 1)],
        "person": [{"id": n * 10 + k, "household_id": n} for n in range(1, len(wages) + 1) for k in range(2)],
    }


def put(where: Path, county: str, households: int, day: datetime.date = DAY) -> Path:
    made = snapshot(where / "made" / county, tables(rows_of(households)))
    return lake.put(where / "lake", made, county=county, day=day)


def screened(where: Path, cache: Path, **options: Any) -> dict[str, County]:
    """The counties of a run of one process over the lake of ``where``, by code."""
    done = run(where / "lake", where / "out", findings=FINDINGS, cache=cache, **{"processes": 1, **options})
    assert json.loads((where / "out" / "summary.json").read_text())["counties"] == [vars(c) for c in done.counties]
    assert unfinished(where) == []
    return {county.county: county for county in done.counties}


def states(counties: dict[str, County]) -> dict[str, str]:
    return {code: county.state for code, county in counties.items()}


def answer(folder: Path) -> list[tuple[Any, ...]]:
    table = parquet.read_table(folder / "findings.parquet").to_pylist()
    return sorted((tuple(row.values()) for row in table), key=str)


def unfinished(where: Path) -> list[str]:
    return [path.name for path in (where / "out").glob(f"{lake.UNFINISHED}*")]


@contextmanager
def held_up(cache: Path, scope: str) -> Iterator[None]:
    """Nobody gets on with a county of this scope as long as the block lasts: its plan seems to be being compiled."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / lock_name(scope)).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def workers_of(driver: int) -> list[int]:
    """The processes that screen for a driver."""
    found = []
    for tasks in Path(f"/proc/{driver}/task").glob("*/children"):
        for child in tasks.read_text().split():
            with suppress(FileNotFoundError):
                if b"nation_worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def gone(handle: int) -> bool:
    """Whether the process ends in good time."""
    try:
        return bool(select.select([handle], [], [], SECONDS)[0])
    finally:
        os.close(handle)


@contextmanager
def driver_busy_with_the_second(where: Path, cache: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A driver that has done 500236 and cannot get on with 520102, and the worker that is at it."""
    put(where, OWN_LINE, 40)
    put(where, PROVINCE, 3)
    with held_up(cache, "52"):
        given = json.dumps([str(where), str(cache), FINDINGS])
        with subprocess.Popen([sys.executable, "-c", DRIVER, given], stdout=subprocess.PIPE, text=True) as driver:
            assert driver.stdout is not None
            assert driver.stdout.readline().strip() == f"{OWN_LINE} {DONE}"
            (worker,) = workers_of(driver.pid)
            try:
                yield driver, os.pidfd_open(worker)
            finally:
                driver.kill()


def test_every_county_has_the_rows_it_would_have_alone(tmp_path: Path, cache: Path) -> None:
    sizes = {OWN_LINE: 9, SHARED: 8, SHARED_TOO: 7, PROVINCE: 6, NO_LINE: 5}
    for county, households in sizes.items():
        put(tmp_path, county, households)
    found = screened(tmp_path, cache, processes=3)
    assert states(found) == dict.fromkeys(sorted(sizes), DONE)
    for county, households in sizes.items():
        place, alone = tmp_path / "out" / f"county={county}", tmp_path / "alone" / county
        made = lake.find(tmp_path / "lake", county=county, day=DAY)
        counts = engine.screen(made, alone, as_of=DAY, region=county, findings=FINDINGS, cache=cache)
        assert answer(place) == answer(alone)
        assert (place / "county.json").read_text() == (alone / "county.json").read_text()
        told = found[county]
        assert (told.households, told.persons) == (households, households * 2)
        assert (told.found, told.unknown) == (counts.found_total, counts.unknown_total)
    assert (found[OWN_LINE].found, found[NO_LINE].found) == (14, 0)


def test_counties_with_the_same_amounts_share_a_plan_and_keep_their_own_reasons(tmp_path: Path, cache: Path) -> None:
    plans = Plans(Settings(DAY.isoformat(), str(cache), 1, GIB, FINDINGS))
    one, other = (plans.of(county, put(tmp_path, county, 3)) for county in (SHARED, SHARED_TOO))
    assert one.steps is other.steps
    assert plans.of(OWN_LINE, put(tmp_path, OWN_LINE, 3)).steps != one.steps
    assert SHARED in one.not_run["income_below_line"]
    for county, plan in ((SHARED, one), (SHARED_TOO, other)):
        own = engine.plan_for(as_of=DAY, region=county, findings=FINDINGS, empty=_empty(), cache=cache)
        assert plan == own


def _empty() -> frozenset[str]:
    return frozenset(engine.department_kinds())


def test_what_is_done_is_not_done_again_until_the_snapshot_the_day_or_the_rules_change(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, OWN_LINE, 4)
    assert states(screened(tmp_path, cache)) == {OWN_LINE: DONE}
    kept = screened(tmp_path, cache)
    assert (kept[OWN_LINE].state, kept[OWN_LINE].households) == (KEPT, 4)
    assert states(screened(tmp_path, cache, again=True)) == {OWN_LINE: DONE}
    put(tmp_path, OWN_LINE, 5)
    changed = screened(tmp_path, cache)
    assert (changed[OWN_LINE].state, changed[OWN_LINE].households) == (DONE, 5)
    monkeypatch.setattr(nation, "rules_version", lambda: "other")
    assert states(screened(tmp_path, cache)) == {OWN_LINE: DONE}
    monkeypatch.undo()
    put(tmp_path, OWN_LINE, 6, DAY + datetime.timedelta(1))
    newest = screened(tmp_path, cache)
    assert (newest[OWN_LINE].state, newest[OWN_LINE].households) == (DONE, 6)


def test_a_county_without_the_day_is_named_with_the_days_it_has(tmp_path: Path, cache: Path) -> None:
    put(tmp_path, OWN_LINE, 3)
    put(tmp_path, SHARED, 3, DAY - datetime.timedelta(1))
    found = screened(tmp_path, cache)
    assert states(found) == {SHARED: FAILED, OWN_LINE: DONE}
    assert "没有 500235 在 2025-06-30 的数据，该县最近有：2025-06-29" in found[SHARED].reason


def test_damaged_counties_are_named_with_file_and_remedy_and_the_others_are_done(tmp_path: Path, cache: Path) -> None:
    cut, zeros, narrow, short, empty = "520101", "520102", "520103", "520104", "520105"
    places = {county: put(tmp_path, county, 6) for county in (OWN_LINE, cut, zeros, narrow, short, empty)}
    (places[cut] / "household.parquet").write_bytes(b"PAR1")
    whole = (places[zeros] / "person.parquet").read_bytes()
    footer = int.from_bytes(whole[-8:-4], "little") + 8
    (places[zeros] / "person.parquet").write_bytes(bytes(len(whole) - footer) + whole[-footer:])
    made = parquet.read_table(places[narrow] / "household.parquet").drop_columns(["wage_income"])
    parquet.write_table(made, places[narrow] / "household.parquet")
    (places[short] / "label.parquet").unlink()
    for file in list(places[empty].iterdir()):
        file.unlink()
    found = screened(tmp_path, cache)
    assert states(found) == {**dict.fromkeys(sorted(places), FAILED), OWN_LINE: DONE}
    assert f"{places[cut]}/household.parquet 已损坏" in found[cut].reason
    assert f"{places[zeros]}/person.parquet 已损坏" in found[zeros].reason
    assert "household.parquet 缺少列 wage_income。请重新生成快照" in found[narrow].reason
    assert "缺少 label.parquet" in found[short].reason
    assert "缺少 household.parquet" in found[empty].reason


def test_a_killed_process_costs_one_county_and_is_replaced(tmp_path: Path, cache: Path) -> None:
    for county, households in ((OWN_LINE, 40), (PROVINCE, 20), (SHARED, 3)):
        put(tmp_path, county, households)

    def kill_at_the_second(county: County, number: int, total: int) -> None:
        assert total == 3
        if number == 1:
            assert county.county == OWN_LINE
            for worker in workers_of(os.getpid()):
                os.kill(worker, signal.SIGKILL)

    with held_up(cache, "52"):
        found = screened(tmp_path, cache, tell=kill_at_the_second)
    assert states(found) == {SHARED: DONE, OWN_LINE: DONE, PROVINCE: FAILED}
    assert "信号 9" in found[PROVINCE].reason
    assert not (tmp_path / "out" / f"county={PROVINCE}").exists()


def test_after_kill_9_no_process_stays_and_a_restart_does_only_the_rest(tmp_path: Path, cache: Path) -> None:
    with driver_busy_with_the_second(tmp_path, cache) as (driver, worker):
        driver.kill()
        assert gone(worker)
    before = (tmp_path / "out" / f"county={OWN_LINE}" / "findings.parquet").stat()
    assert not (tmp_path / "out" / f"county={PROVINCE}").exists()
    found = screened(tmp_path, cache)
    assert states(found) == {OWN_LINE: KEPT, PROVINCE: DONE}
    assert (tmp_path / "out" / f"county={OWN_LINE}" / "findings.parquet").stat() == before


def test_ctrl_c_leaves_what_is_done_and_nothing_half_done(tmp_path: Path, cache: Path) -> None:
    with driver_busy_with_the_second(tmp_path, cache) as (driver, worker):
        driver.send_signal(signal.SIGINT)
        driver.wait(SECONDS)
        assert gone(worker)
    assert unfinished(tmp_path) == []
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["interrupted"] is True
    assert {c["county"]: c["state"] for c in summary["counties"]} == {OWN_LINE: DONE, PROVINCE: LEFT}
    assert sorted(path.name for path in (tmp_path / "out").glob("county=*")) == [f"county={OWN_LINE}"]


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path, cache: Path) -> None:
    put(tmp_path, OWN_LINE, 3)
    refused = []

    def second(*_: object) -> None:
        with pytest.raises(NationError, match=rf"进程 {os.getpid()}）正在写 .*out。请等它结束，或用 --out") as error:
            run(tmp_path / "lake", tmp_path / "out", findings=FINDINGS, cache=cache)
        refused.append(error)

    assert states(screened(tmp_path, cache, tell=second)) == {OWN_LINE: DONE}
    assert len(refused) == 1


def test_a_full_disk_ends_the_run_and_says_so(tmp_path: Path, cache: Path) -> None:
    put(tmp_path, OWN_LINE, 9)
    put(tmp_path, SHARED, 3)
    found = screened(tmp_path, cache, worker=(sys.executable, "-c", NO_ROOM))
    assert states(found) == {OWN_LINE: FAILED, SHARED: LEFT}
    assert "磁盘空间不足" in found[OWN_LINE].reason
    assert found[SHARED].reason == "磁盘满了，没有开始做"


def test_a_program_that_does_not_start_is_told_with_its_last_words(tmp_path: Path, cache: Path) -> None:
    put(tmp_path, OWN_LINE, 3)
    found = screened(tmp_path, cache, worker=(sys.executable, "-c", "raise SystemExit('no module of that name')"))
    assert "处理进程意外退出（no module of that name）" in found[OWN_LINE].reason


def test_a_snapshot_replaced_while_it_is_screened_is_not_mixed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, OWN_LINE, 3)
    marks = iter(["before", "after"])
    monkeypatch.setattr(nation, "mark", lambda _: (next(marks), 1))
    found = screened(tmp_path, cache)
    assert states(found) == {OWN_LINE: FAILED}
    assert "快照在筛查时被替换了" in found[OWN_LINE].reason


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL, "磁盘空间不足"),
        (duckdb.OutOfMemoryException("failed to offload: see max_temp_directory_size"), FULL, "磁盘空间不足"),
        (duckdb.OutOfMemoryException("could not allocate block"), "OutOfMemoryException", "每个进程只有 2.00 GB"),
        (TableError("缺少列 x。请重新生成快照。"), "TableError", "缺少列 x。请重新生成快照"),
        (PermissionError(errno.EACCES, "Permission denied", "/湖"), "PermissionError", "请检查磁盘、路径和权限"),
        (KeyError("x"), "KeyError", "发给维护人员"),
    ],
)
def test_every_kind_of_failure_has_a_remedy(error: Exception, kind: str, said: str, tmp_path: Path) -> None:
    told = reason_of(error, tmp_path, Settings(DAY.isoformat(), "", 1, 2 * GIB))
    assert told[0] == kind
    assert said in told[1]
    assert not told[1].endswith("。")


def test_processes_share_cores_and_memory_and_too_little_is_refused() -> None:
    cores = len(os.sched_getaffinity(0))
    assert shares(30, processes=2, memory=8 * GIB) == (2, max(1, cores // 2), 4 * GIB)
    assert shares(1, processes=9, memory=8 * GIB) == (1, cores, 8 * GIB)
    assert shares(3000, memory=GIB)[0] == 1
    with pytest.raises(NationError, match=r"8 个进程共用 1\.0 GB 内存，每个不到 0\.40 GB"):
        shares(30, processes=8, memory=GIB)


def test_a_lake_without_counties_or_days_is_refused(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(NationError, match="里没有县"):
        screened(tmp_path, cache)
    (tmp_path / "lake" / "county=500236").mkdir(parents=True)
    with pytest.raises(NationError, match="没有任何一天的快照"):
        screened(tmp_path, cache)
    assert not (tmp_path / "out").exists()
