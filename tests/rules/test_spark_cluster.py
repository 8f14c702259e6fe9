"""A Spark cluster with two workers, on this machine: the command line screens on it, and says what is wrong with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DAY = "2026-06-30"
MASTER_UP = re.compile(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
WORKER_UP = re.compile(r"(Successfully registered with master)")
pytestmark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.xdist_group("spark")]


@dataclass
class Cluster:
    """A master and workers, each the head of a process group of its own."""

    folder: Path
    master: str = ""
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *command: str, until: re.Pattern[str]) -> str:
        """Start one process of the cluster and read what it says until it is up."""
        import pyspark

        home = Path(pyspark.__file__).parent
        process = subprocess.Popen(
            [home / "bin" / "spark-class", *command],
            env=os.environ | {"SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if found := until.search(line):
                return found[1]
        raise AssertionError("".join(said))

    def stop(self, process: subprocess.Popen[str]) -> None:
        """Kill a process with everything it started, and wait for it."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stderr:
            process.stderr.close()
        self.running.remove(process)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A standalone master on a free port and two workers of one core."""
    made = Cluster(tmp_path)
    try:
        made.master = made.start(
            "org.apache.spark.deploy.master.Master",
            *("--host", "127.0.0.1", "--port", "0", "--webui-port", "0"),
            until=MASTER_UP,
        )
        for number in range(2):
            made.start(
                "org.apache.spark.deploy.worker.Worker",
                *("--host", "127.0.0.1", "--cores", "1", "--memory", "700m", "--webui-port", "0"),
                *("--work-dir", str(tmp_path / f"worker{number}"), made.master),
                until=WORKER_UP,
            )
        yield made
    finally:
        for process in list(made.running):
            made.stop(process)


@dataclass(frozen=True)
class Installation:
    """A product of its own with its own embedded database."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "HUQING_DATA": str(self.folder / "data"),
            "HUQING_DATABASE": "",
            "DJANGO_SETTINGS_MODULE": "huqing.site.settings",
            "SPARK_CONF_DIR": str(self.folder),
        }

    def huqing(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as an administrator would."""
        return self._run("-m", "huqing.cli", *arguments)

    def script(self, what: str) -> str:
        """Let the small county be made, waived or shown."""
        done = self._run(str(HERE / "spark_county.py"), what)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """An installed product with a small county; Spark asks for little memory."""
    (tmp_path / "spark-defaults.conf").write_text("spark.driver.memory 700m\nspark.executor.memory 600m\n")
    made = Installation(tmp_path)
    done = made.huqing("init")
    assert done.returncode == 0, done.stderr
    made.script("make")
    return made


def test_a_cluster_finds_what_one_machine_found_and_waivers_stay(cluster: Cluster, installation: Installation) -> None:
    first = installation.huqing("screen", "--date", DAY)
    assert first.returncode == 0, first.stderr
    installation.script("waive")
    before = installation.script("show")
    assert "waived" in before
    assert "open" in before

    lake = str(cluster.folder / "lake")
    on_spark = ("screen", "--date", DAY, "--engine", "spark", "--master", cluster.master, "--lake", lake)
    again = installation.huqing(*on_spark)
    assert again.returncode == 0, again.stderr
    assert "新开 0" in again.stdout
    assert "自动关闭 0" in again.stdout
    assert installation.script("show") == before.replace("engine duckdb", "engine spark")
    assert (cluster.folder / "lake" / "county=500236" / f"day={DAY}" / "household.parquet").exists()

    # One worker gone is only half as fast.
    cluster.stop(cluster.running[1])
    once_more = installation.huqing(*on_spark, "--stored")
    assert once_more.returncode == 0, once_more.stderr
    assert installation.script("show") == before.replace("engine duckdb", "engine spark")

    other_day = installation.huqing(*on_spark[:1], "--date", "2026-05-31", *on_spark[3:], "--stored")
    assert other_day.returncode == 1
    assert f"没有 500236 在 2026-05-31 的数据，该县最近有：{DAY}" in other_day.stderr

    # Without any worker Spark itself would wait for ever.
    cluster.stop(cluster.running[1])
    waiting = "from huqing.rules import spark_session as s; s.WORKER_PATIENCE = 2.0; s.session({!r}).__enter__()"
    alone = installation._run("-c", waiting.format(cluster.master))
    assert "没有分给我们工作节点" in alone.stderr


def test_a_master_that_is_not_there_is_told_at_once(installation: Installation) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"spark://127.0.0.1:{free.getsockname()[1]}"
        done = installation.huqing("screen", "--date", DAY, "--engine", "spark", "--master", address)
    assert done.returncode == 1
    assert "连不上 Spark 主节点" in done.stderr
    assert "Traceback" not in done.stderr
