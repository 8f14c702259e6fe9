"""A Spark session that answers as DuckDB does, and plain words when it cannot be had.

pyspark and Java are extras: nothing here is imported unless Spark is asked for. What a session must be like for the
answers to be the same is set here and nowhere else; memory, Kerberos or S3 keys belong in ``spark-defaults.conf``.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

INSTALL = (
    "请安装：make spark（或 pip install --no-build-isolation -r requirements/spark.lock），"
    "以及 Java 17（Debian：apt-get install openjdk-17-jre-headless）"
)
JAVA_AT_LEAST = 17
STANDALONE = "spark://"
LOCAL_PARTITIONS, CLUSTER_PARTITIONS = "8", "16"
PATIENCE = 5.0
WORKER_PATIENCE = 30.0
QUERY_LOG = "SQLQueryContextLogger"  # prints every failed query as JSON; the failure is told in one sentence instead
SETTINGS = {
    # Overflow and bad casts stop the run as they do on DuckDB, and the size of a missing list is missing, not -1.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    # Days before 1582 as DuckDB and Arrow write them.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    # A hundred findings make thousands of columns; inferring constraints from them takes longer than reading them.
    "spark.sql.constraintPropagation.enabled": "false",
    # Before a join is run its sizes are guesses; a guess ten times too small filled the driver at 3 million households.
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "4m",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.scheduler.mode": "FAIR",
}


# What py4j says when the JVM is gone: a Java error without Java's words, or no answer at all.
NO_ANSWER = ("An error occurred while calling", "Answer from Java side is empty", "Error while sending or receiving")


class SparkError(Exception):
    """Spark cannot be used or reached, or it stopped; the message says what to do."""


@contextmanager
def session(master: str, *, settings: Mapping[str, str] | None = None, patience: float = PATIENCE) -> Iterator[Any]:
    """A Spark session at ``master`` (``local[*]``, ``spark://host:port``, ``yarn`` …), stopped with its JVM at the end.

    SparkError when pyspark or Java is missing, or when the master or a worker of it does not answer in time.
    """
    check_installed()
    if master.startswith(STANDALONE):
        _reachable(master, patience)
    with tempfile.TemporaryDirectory(prefix="huqing-spark-") as scratch:
        started = _start(master, Path(scratch), settings or {})
        try:
            if master.startswith(STANDALONE):
                _has_workers(started, master)
            yield started
        finally:
            _stop(started)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn what Spark or its JVM throws into a SparkError beginning with ``what``."""
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        raise SparkError(_failed(what, error)) from error


def check_installed() -> None:
    """SparkError naming what is missing and how to install it."""
    if find_spec("pyspark") is None:
        raise SparkError(f"没有安装 PySpark，不能用 Spark 引擎。{INSTALL}。")
    java = _java()
    if java is None:
        raise SparkError(f"没有找到 Java，不能用 Spark 引擎。{INSTALL}，或把 JAVA_HOME 指向它。")
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', shown)
    if version is None or int(version[1]) < JAVA_AT_LEAST:
        found = version[1] if version else "版本不明"
        raise SparkError(f"本机的 Java 是 {found}，Spark 引擎需要 Java {JAVA_AT_LEAST}。{INSTALL}。")


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    if home:
        own = Path(home) / "bin" / "java"
        return str(own) if own.exists() else None
    return shutil.which("java")


def _reachable(master: str, patience: float) -> None:
    """SparkError unless one of the master's addresses takes a connection in time."""
    failures = []
    for address in master.removeprefix(STANDALONE).split(","):
        host, _, port = address.rpartition(":")
        if not (host and port.isdigit()):
            raise SparkError(f"“{master}”不是 Spark 主节点的地址。请写成 spark://主机:7077，本机运行写 local[*]。")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=patience).close()
        except OSError as error:
            failures.append(f"{address}（{error.strerror or error}）")
        else:
            return
    raise SparkError(
        f"连不上 Spark 主节点 {'、'.join(failures)}。请核对地址，并在主节点上查看服务是否已启动；"
        "本机运行写 --master 'local[*]'。"
    )


def _start(master: str, scratch: Path, settings: Mapping[str, str]) -> Any:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    local = master.startswith("local")
    chosen = {
        "spark.sql.shuffle.partitions": LOCAL_PARTITIONS if local else CLUSTER_PARTITIONS,
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.local.dir": str(scratch),
        **SETTINGS,
    }
    if local or re.match(r"spark://(127\.|localhost)", master):
        chosen |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    logging.getLogger(QUERY_LOG).setLevel(logging.CRITICAL)
    configured = SparkConf(loadDefaults=False).setMaster(master).setAppName("huqing")
    configured.setAll([*chosen.items(), *settings.items()])
    log = scratch / "spark.log"
    try:
        with log.open("ab") as file:
            gateway = launch_gateway(configured, {"stdout": file, "stderr": file})
        SparkContext._ensure_initialized(gateway=gateway)
        return SparkSession.builder.config(conf=configured).getOrCreate()
    except (PySparkException, Py4JError, RuntimeError, OSError) as error:
        raise SparkError(_failed(f"Spark 没有启动（{master}）", error, log)) from error


def _failed(what: str, error: BaseException, log: Path | None = None) -> str:
    """``what`` with the reason Java gives, without its stack."""
    try:
        text = str(error)
    except Exception:  # py4j asks the JVM what happened, which may be no more
        text = ""
    text += log.read_text(encoding="utf-8", errors="replace") if log and log.exists() else ""
    causes = re.findall(r"(?:Caused by|Exception in thread[^:]*|^): *(?:[\w.$]+: )?(.+)", text, re.MULTILINE)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not causes and (not lines or lines[0].startswith(NO_ANSWER)):
        return f"{what}：Spark 的进程已退出，多半是内存不足。请调大 spark.driver.memory，或等别的程序结束后重试。"
    return f"{what}：{(causes[-1] if causes else lines[0])[:300]}。"


def _has_workers(started: Any, master: str) -> None:
    """SparkError when no worker offers itself in time; Spark itself would wait for ever."""
    until = time.monotonic() + WORKER_PATIENCE
    tracker = started.sparkContext._jsc.sc().statusTracker()
    while len(tracker.getExecutorInfos()) < 2:  # the driver counts as one
        if started.sparkContext._jsc.sc().isStopped() or time.monotonic() > until:
            raise SparkError(
                f"Spark 主节点 {master} 没有分给我们工作节点（等了 {WORKER_PATIENCE:.0f} 秒）。"
                "请查看工作节点是否已启动、内存和核数是否被别的任务占满。"
            )
        time.sleep(0.1)


def _stop(started: Any) -> None:
    """Stop the session and its JVM, so that nothing of it outlives the run."""
    from pyspark import SparkContext

    gateway = started.sparkContext._gateway
    started.stop()
    process = getattr(gateway, "proc", None)
    gateway.shutdown()
    if process is not None:
        # The JVM ends when the pipe it was given as standard input closes.
        process.stdin.close()
        process.wait(timeout=60)
    SparkContext._gateway = None
    SparkContext._jvm = None
