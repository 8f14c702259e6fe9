"""``huqing nation`` as whoever runs a province's server meets it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from tests.rules.build import snapshot, tables
from tests.rules.test_nation import held_up

from huqing.rules import lake
from huqing.rules.nation import DONE, FAILED, KEPT, LEFT, County, Summary
from huqing.site.commands import root
from huqing.site.nation import as_text

DAY = date(2025, 6, 30)


def put(folder: Path, county: str, day: date = DAY) -> None:
    made = snapshot(folder / "made" / f"{county}-{day}", tables({"household": [{"id": 1}, {"id": 2}]}))
    lake.put(folder / "lake", made, county=county, day=day)


def test_a_lake_is_screened_without_a_database_and_the_table_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUQING_DATA", str(tmp_path / "data"))
    put(tmp_path, "500236")
    command = ["nation", "--lake", str(tmp_path / "lake"), "--processes", "1"]
    assert root.run(command) == 0
    told = capsys.readouterr()
    assert re.search(r"重庆市 +500236 +2 +0 +\d+ +\d+ +[\d.]+ +完成", told.out)
    assert "500236 2 户" in told.err
    assert (tmp_path / "data" / "nation" / "summary.txt").read_text(encoding="utf-8") == told.out
    put(tmp_path, "500235", date(2025, 6, 1))
    assert root.run(command) == 1
    told = capsys.readouterr()
    assert "500236 已做好，不重做" in told.err
    assert "1 个县没有做成，原因和办法见上表" in told.err
    assert "500235 没有做成：数据湖" in told.out
    assert re.search(r"合计 +2 个县 +2 +0 .*1 个县没有结果", told.out)


def test_what_cannot_begin_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert root.run(["nation", "--lake", str(tmp_path / "lake"), "--out", str(tmp_path / "out")]) == 1
    assert "里没有县。请核对 --lake 的路径" in capsys.readouterr().err
    put(tmp_path, "500236")
    small = ["--processes", "8", "--memory", "0.5", "--county", "500236", "--county", "500235"]
    assert root.run(["nation", "--lake", str(tmp_path / "lake"), "--out", str(tmp_path / "out"), *small]) == 1
    assert "请减小 --processes 或加大 --memory" in capsys.readouterr().err


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_that_it_goes_on_next_time(sent: signal.Signals, tmp_path: Path) -> None:
    put(tmp_path, "500236")
    put(tmp_path, "500235", date(2025, 6, 1))
    command = [sys.executable, "-m", "huqing.cli", "nation", "--lake", str(tmp_path / "lake")]
    environment = os.environ | {"HUQING_DATA": str(tmp_path / "data")}
    # The other county is held up, so that it is not done before the signal comes.
    with (
        held_up(tmp_path / "data" / "cache" / "rules", "500236"),
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            # Tests in the background start with Ctrl+C ignored, and so would this program.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        ) as run,
    ):
        assert run.stderr is not None
        assert "500235 没有做成" in run.stderr.readline()
        run.send_signal(sent)
        told = run.stderr.read()
        assert run.wait() == 130
    assert "没有留下半成品。再运行同一命令即接着做" in told
    assert list((tmp_path / "data" / "nation").glob(".unfinished-*")) == []


def test_the_table_has_sums_by_province_and_reasons_below() -> None:
    counties = (
        County("430725", DONE, 1000, 3000, 20, 5, 0, 1.5, 2**29),
        County("500235", KEPT, 10, 30, 2, 1, 0, 0.5, 2**20),
        County("500236", FAILED, reason="快照文件 /湖/person.parquet 已损坏，读不出来。请重新取快照"),
        County("520102", LEFT, reason="磁盘满了，没有开始做"),
    )
    text = as_text(Summary("/湖", "2025-06-30", "abc", 2, 1, 2**30, 9.5, False, counties))
    assert re.search(r"湖南省 +小计 +1,000 +3,000 +20 +5 +1\.5\n", text)
    assert re.search(r"重庆市 +500236 +— +— +— +— +— +没有做成", text)
    assert re.search(r"重庆市 +小计 +10 +30 +2 +1 +0\.5 +1 个县没有结果", text)
    assert re.search(r"合计 +4 个县 +1,010 +3,030 +22 +6 +2\.0 +2 个县没有结果", text)
    assert "这次做了 1 个县，用时 9.5 秒；2 个进程，每个 1 线程，最多占用内存 512 MB（给引擎的上限 1,024 MB）。" in text
    assert text.splitlines()[-2:] == [
        "500236 没有做成：快照文件 /湖/person.parquet 已损坏，读不出来。请重新取快照。",
        "520102 没有做：磁盘满了，没有开始做。",
    ]
