"""A simulation killed at any point leaves no half result and no changed alert; two at once wait for each other."""

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
WORKER = Path(__file__).parent / "killed_simulation.py"
POINTS = ["rules begun", "one outcome there", "in place, not saved"]


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What the worker tells of an installation of its own, on the kind of database the tests run on."""
    folder = tmp_path_factory.mktemp("simulated")
    url = os.environ.get("HUQING_DATABASE", "")
    if not url.startswith("postgres"):
        yield told(folder, f"sqlite:///{folder}/huqing.sqlite3")
        return
    name = f"huqing_simulated_{os.getpid()}"
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
def test_a_killed_simulation_is_marked_and_cleared_up_at_the_next_start(story, point) -> None:
    assert story[point]["died"] == {"signal": signal.SIGKILL}
    state = {pk: (state, message) for pk, state, message in story[point]["recovered"]["simulations"]}
    assert state[story[point]["pk"]][0] == "failed"
    assert "试算被中断" in state[story[point]["pk"]][1]
    assert story[point]["recovered"]["folders"] == []


@pytest.mark.parametrize("point", POINTS)
def test_alerts_stay_as_they_were(story, point) -> None:
    assert story["before"]["alerts"]
    assert story[point]["left"]["alerts"] == story["before"]["alerts"]
    assert story[point]["recovered"]["alerts"] == story["before"]["alerts"]


def test_two_at_once_are_both_done(story) -> None:
    assert story["both"]["codes"] == [0, 0]
    states = {pk: state for pk, state, _ in story["both"]["left"]["simulations"]}
    assert [states[pk] for pk in story["both"]["pks"]] == ["done", "done"]
    assert story["both"]["left"]["folders"] == sorted(str(pk) for pk in story["both"]["pks"])
