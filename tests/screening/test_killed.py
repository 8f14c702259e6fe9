"""A screening killed at any point changes no alert; the next start clears up and the next screening is whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

pytestmark = pytest.mark.slow
WORKER = Path(__file__).parent / "killed_worker.py"
POINTS = [
    "snapshot begun",
    "snapshot not complete",
    "rules begun",
    "findings not in place",
    "no alert written",
    "alerts written",
    "not committed",
]


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What the worker tells of an installation of its own, on the kind of database the tests run on."""
    folder = tmp_path_factory.mktemp("killed")
    url = os.environ.get("HUQING_DATABASE", "")
    if not url.startswith("postgres"):
        yield told(folder, f"sqlite:///{folder}/huqing.sqlite3")
        return
    name = f"huqing_killed_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield told(folder, urlsplit(url)._replace(path=f"/{name}").geturl())
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def told(folder: Path, database: str) -> dict:
    process = subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKER), *POINTS],
        env={
            **os.environ,
            "HUQING_DATA": str(folder),
            "HUQING_DATABASE": database,
            "DJANGO_SETTINGS_MODULE": "huqing.site.settings",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_screening_leaves_every_alert_as_it_was(story, point) -> None:
    assert story[point]["died"] == {"signal": signal.SIGKILL}
    assert story[point]["left"]["alerts"] == story["before"]["alerts"]
    assert story[point]["left"]["runs"][-1][0] == "running"
    assert story[point]["left"]["events"] == story["before"]["events"]


@pytest.mark.parametrize("point", POINTS)
def test_the_next_start_marks_the_run_as_failed_and_clears_up(story, point) -> None:
    recovered = story[point]["recovered"]
    assert recovered["recovered"] == 1
    state, message = recovered["runs"][-1]
    assert state == "failed"
    assert "筛查被中断" in message
    assert "重新筛查" in message
    assert recovered["alerts"] == story["before"]["alerts"]
    assert recovered["results"] == story["before"]["results"]
    assert recovered["unfinished"] == []


def test_the_next_screening_is_whole(story) -> None:
    after = {(name, finding): (state, seen) for _, name, finding, state, _, seen, _ in story["after"]["alerts"]}
    assert after["张三", "income_below_line"] == ("closed", "2026-06-29")
    assert after["李四", "income_below_line"] == ("open", "2026-06-30")
    assert after["王五", "income_below_line"] == ("open", "2026-06-30")
    before = {(name, finding): state for _, name, finding, state, *_ in story["before"]["alerts"]}
    assert before["张三", "income_below_line"] == "open"
    assert before["王五", "income_below_line"] == "waived"
    assert ("李四", "income_below_line") not in before
    assert [state for state, _ in story["after"]["runs"]] == ["done", *["failed"] * len(POINTS), "done"]
    assert story["after"]["events"] == story["before"]["events"] + 1
