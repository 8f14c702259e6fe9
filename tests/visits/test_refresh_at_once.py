"""Refreshes in several processes at once, visits that arrive meanwhile, and one refresh that is killed."""

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
ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).parent / "refresh_worker.py"
HOUSEHOLDS, TOWNS = 90, 3


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """What the worker tells of an installation of its own, on the kind of database the tests run on."""
    folder = tmp_path_factory.mktemp("refresh")
    url = os.environ.get("HUQING_DATABASE", "")
    if not url.startswith("postgres"):
        yield told(folder, f"sqlite:///{folder}/huqing.sqlite3")
        return
    name = f"huqing_refresh_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield told(folder, urlsplit(url)._replace(path=f"/{name}").geturl())
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def told(folder: Path, database: str) -> dict:
    environment = {
        **os.environ,
        "HUQING_DATA": str(folder),
        "HUQING_DATABASE": database,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "huqing.site.settings",
    }
    process = subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKER), "story"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


def test_a_killed_refresh_leaves_whole_towns(story):
    assert story["died"] == -signal.SIGKILL
    # One visit to the household and one to its only person.
    assert list(story["left"].values()) == [2 * HOUSEHOLDS // TOWNS, 0, 0]


def test_refreshes_and_visits_at_once_double_and_lose_nothing(story):
    assert story["ended"] == [0, 0, 0]
    assert list(story["after"].values()) == [2 * HOUSEHOLDS // TOWNS] * TOWNS
    assert story["visits"] == HOUSEHOLDS


def test_every_visit_has_moved_its_deadline_in_the_end(story):
    assert story["settled_again"] == HOUSEHOLDS
    assert story["again"][0] == story["again"][2] == 0
