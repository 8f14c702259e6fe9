"""What is said when Spark cannot be had: one sentence with what to install or to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from huqing.rules import spark_session
from huqing.rules.spark_session import SparkError, session, told


def java_saying(folder: Path, version: str) -> Path:
    """A folder with a ``java`` that gives a version and does nothing else."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-16' >&2\n")
    program.chmod(0o755)
    return folder


def refused(master: str) -> str:
    """What is said instead of a session."""
    with pytest.raises(SparkError) as caught, session(master, patience=1.0):
        raise AssertionError("there must be no session")
    return str(caught.value)


def test_without_pyspark_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_session, "find_spec", lambda name: None)
    said = refused("local[1]")
    assert "没有安装 PySpark" in said
    assert "-r requirements/spark.lock" in said


def test_without_java_or_with_an_old_one_java_17_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    assert "没有找到 Java" in refused("local[1]")
    monkeypatch.setenv("JAVA_HOME", str(java_saying(tmp_path / "old", "11.0.22")))
    assert "本机的 Java 是 11，Spark 引擎需要 Java 17" in refused("local[1]")
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "没有找到 Java" in refused("local[1]")


@pytest.mark.parametrize("master", ["spark://host", "spark://:7077", "spark://host:port"])
def test_an_address_that_is_none_is_told(master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_saying(tmp_path, "17.0.15")))
    assert "不是 Spark 主节点的地址。请写成 spark://主机:7077" in refused(master)


def test_a_master_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(java_saying(tmp_path, "17.0.15")))
    asked: list[tuple[tuple[str, int], float]] = []

    def nobody(address: tuple[str, int], timeout: float) -> None:
        asked.append((address, timeout))
        raise TimeoutError("timed out")

    monkeypatch.setattr(spark_session.socket, "create_connection", nobody)
    said = refused("spark://one:7077,two:7078")
    assert asked == [(("one", 7077), 1.0), (("two", 7078), 1.0)]
    assert "连不上 Spark 主节点 one:7077" in said
    assert "two:7078" in said


def test_a_jvm_that_died_is_told_as_want_of_memory_and_other_faults_with_javas_reason() -> None:
    from py4j.protocol import Py4JError, Py4JNetworkError

    java = "An error occurred while calling o1.count.\n: org.apache.spark.SparkException: disk quota\n\tat org.x"
    for error, reason in (
        (Py4JNetworkError("Answer from Java side is empty"), "多半是内存不足"),
        (Py4JError("An error occurred while calling o631.count."), "多半是内存不足"),
        (Py4JError(java), "disk quota"),
    ):
        with pytest.raises(SparkError, match=reason) as caught, told("Spark 筛查中断"):
            raise error
        assert str(caught.value).startswith("Spark 筛查中断：")
        assert "\n" not in str(caught.value)
