"""Installations that something is wrong with: the command line says what, does no harm, and never makes it worse."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
# Commands run as an administrator runs them; they always work on their own SQLite file.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("HUQING_", "DJANGO_"))}
OTHER_KEY = "ab" * 32


def huqing(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "huqing.cli", *arguments],
        env={**ENVIRONMENT, "HUQING_DATA": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """An installation with an account in it, in a folder whose name needs quoting everywhere."""
    folder = tmp_path_factory.mktemp("installation") / "数据 it's #1%20?"
    assert huqing(folder, "init").returncode == 0
    added = huqing(folder, "user", "add", "anquan", "--name", "安全", "--role", "security_admin")
    assert added.returncode == 0, added.stderr
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    """A copy of that installation to break."""
    return shutil.copytree(made, tmp_path / made.name)


def test_the_database_lies_in_the_data_folder_whatever_its_name(made):
    assert (made / "huqing.sqlite3").stat().st_size > 0
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_a_lost_key_is_missed_and_never_replaced(folder):
    (folder / "keys" / "seal.key").unlink()
    for command in (["init"], ["verify-audit"], ["user", "list"]):
        done = huqing(folder, *command)
        assert done.returncode == 1
        assert "放回去" in done.stderr
        assert "Traceback" not in done.stderr
    assert not (folder / "keys" / "seal.key").exists()


def test_with_another_key_nothing_is_written(folder):
    before = (folder / "huqing.sqlite3").read_bytes()
    for command in (["user", "reset", "anquan"], ["screen"], ["verify-audit"]):
        done = huqing(folder, *command, HUQING_SEAL_KEY=OTHER_KEY)
        assert done.returncode == 1
        assert "密钥与数据库对不上" in done.stderr
    assert (folder / "huqing.sqlite3").read_bytes() == before


def test_a_garbled_key_file_is_named(folder):
    (folder / "keys" / "seal.key").write_text("nonsense\n")
    done = huqing(folder, "verify-audit")
    assert done.returncode == 1
    assert "seal.key 第 1 行" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_programs_database_is_left_alone(tmp_path):
    place = tmp_path / "other.sqlite3"
    with sqlite3.connect(place) as other:
        other.execute("CREATE TABLE bills (amount)")
    other.close()
    done = huqing(tmp_path / "data", "init", HUQING_DATABASE=f"sqlite:///{place}")
    assert done.returncode == 1
    assert "别的程序的表" in done.stderr
    with sqlite3.connect(place) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("bills",)]
    other.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [("mysql://root@127.0.0.1/huqing", "无法识别"), ("postgresql://huqing@127.0.0.1:1/huqing", "数据库服务是否已启动")],
)
def test_a_database_that_cannot_be_opened_is_explained(tmp_path, url, said):
    done = huqing(tmp_path, "init", HUQING_DATABASE=url)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_demonstration_never_takes_a_database_that_holds_data(folder, tmp_path):
    url = f"sqlite:///{folder / 'huqing.sqlite3'}".replace("%", "%25").replace("#", "%23").replace("?", "%3F")
    done = huqing(tmp_path / "demo", "demo", "--households", "500", HUQING_DATABASE=url)
    assert done.returncode == 1
    assert "演示不会动它" in done.stderr
    assert huqing(folder, "user", "list").stdout.count("anquan") == 1


@pytest.mark.parametrize("address", ["8000", "127.0.0.1:99999", "nowhere.invalid.:x", ":8000"])
def test_a_wrong_address_is_told_before_anything_is_built(tmp_path, address):
    done = huqing(tmp_path / "demo", "demo", "--serve", address)
    assert done.returncode == 1
    assert "不是监听地址" in done.stderr
    assert not (tmp_path / "demo").exists()
