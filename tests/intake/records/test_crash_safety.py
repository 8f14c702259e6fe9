"""A process killed while it takes a file in, a full disk, a locked database, two imports at once: real processes."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

WORKER = Path(__file__).parent / "crash_worker.py"
NOTHING = {"households": 0, "labels": 0, "sources": 0, "left over": 0}


class Installation:
    """An installation of its own: a data folder and a database with one village."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "HUQING_DATA": str(folder),
            "HUQING_DATABASE": database or f"sqlite:///{folder}/huqing.sqlite3",
            "DJANGO_SETTINGS_MODULE": "huqing.site.settings",
        }

    @property
    def sqlite(self) -> bool:
        return self.environment["HUQING_DATABASE"].startswith("sqlite")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else writes to the registry and does not finish."""
        if self.sqlite:
            with closing(sqlite3.connect(self.folder / "huqing.sqlite3", isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                yield
        else:
            with psycopg.connect(self.environment["HUQING_DATABASE"]) as holder:
                holder.execute("LOCK TABLE registry_household IN EXCLUSIVE MODE")
                yield

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", str(WORKER), *command],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> dict:
        out, err = (process := self.start(*command)).communicate()
        assert process.returncode == 0, err
        return json.loads(out.splitlines()[-1])

    def killed(self, *command: str) -> None:
        process = self.start(*command)
        _, err = process.communicate()
        assert process.returncode == -signal.SIGKILL, err


@pytest.fixture(scope="module")
def server() -> Iterator[object]:
    """A function that makes an empty database on the server of HUQING_DATABASE ("" for SQLite); dropped afterwards."""
    url = os.environ.get("HUQING_DATABASE", "")
    if not url.startswith("postgres"):
        yield lambda: ""
        return
    made: list[str] = []

    def make() -> str:
        name = f"huqing_crash_{os.getpid()}_{len(made)}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        made.append(name)
        return urlsplit(url)._replace(path=f"/{name}").geturl()

    yield make
    with psycopg.connect(url, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def installation(tmp_path, server) -> Installation:
    folder = tmp_path / "installation"
    folder.mkdir()
    made = Installation(folder, server())
    made.run("prepare")
    return made


@pytest.fixture
def file(write, rows) -> str:
    many = [
        rows.household(
            户编号=f"500236H{number:04d}", 户类型="脱贫享受政策户", 家庭住址=f"{number} 号{'很长的地址' * 8}"
        )
        for number in range(400)
    ]
    return str(write(many))


@pytest.mark.parametrize("point", ["reading", "before the transaction", "first rows", "indexes", "before the commit"])
def test_a_killed_import_leaves_nothing_and_is_taken_up_again(installation, file, point):
    installation.killed("take", file, point)
    after = installation.run("report")
    assert {key: after[key] for key in NOTHING} == NOTHING
    assert after["states"] == ["checking" if point == "reading" else "applying"]
    recovered = installation.run("recover")
    assert recovered["states"] == ["mapped" if point == "reading" else "queued"]
    assert {key: recovered[key] for key in NOTHING} == NOTHING
    if point != "reading":
        done = installation.run("work")
        assert done["states"] == ["applied"]
        assert (done["households"], done["labels"], done["sources"]) == (400, 400, 1)


def test_a_killed_undo_leaves_the_import_applied(installation, file):
    whole = installation.run("take", file)
    installation.killed("undo", file, "undo")
    recovered = installation.run("recover")
    assert recovered["states"] == ["applied"]
    assert [recovered[key] for key in ("households", "labels", "sources")] == [400, 400, 1]
    assert whole["households"] == recovered["households"]
    assert installation.run("undo")["households"] == 0


def test_a_living_import_is_not_recovered_and_a_second_one_waits_for_it(installation, file, write, rows):
    first = installation.start("take", file, "wait")
    assert first.stdout is not None
    assert first.stdin is not None
    assert first.stdout.readline() == "writing\n"
    assert installation.run("recover")["states"] == ["applying"]
    second = installation.start("take", str(write([rows.household(户编号="500236H9999")])))
    first.stdin.write("go on\n")
    first.stdin.flush()
    assert first.wait() == 0
    out, err = second.communicate()
    assert second.returncode == 0, err
    done = json.loads(out.splitlines()[-1])
    assert done["states"] == ["applied", "applied"]
    assert done["households"] == 401
    steps = [tuple(step) for step in done["steps"]]
    assert steps.index(("1", "intake.apply")) < steps.index(("2", "intake.apply_start"))
    first.stdout.close()
    first.stdin.close()
    assert first.stderr is not None
    first.stderr.close()


def test_a_full_disk_fails_with_a_clear_message_and_nothing_written(installation, file):
    failed = installation.run("take", file, "full")
    assert failed["error"] == "磁盘空间不足，数据没有写入，原有档案未受影响。请清理磁盘后重新提交。"
    assert failed["states"] == ["failed"]
    assert failed["messages"] == [failed["error"]]
    assert {key: failed[key] for key in NOTHING} == NOTHING
    assert installation.run("take", file)["states"] == ["failed", "applied"]


def test_a_locked_database_says_so(installation, file):
    installation.environment["IMPATIENT"] = "1"
    with installation.locked():
        refused = installation.run("take", file)
    assert refused["error"].endswith("数据库正忙，等待超时，数据没有写入，原有档案未受影响。请稍后重新提交。")
    assert {key: refused[key] for key in NOTHING} == NOTHING
    # SQLite locks the whole database, so that nothing could be uploaded; PostgreSQL the tables of the registry only.
    assert refused["states"] == ([] if installation.sqlite else ["failed"])
    assert installation.run("take", file)["states"][-1] == "applied"
