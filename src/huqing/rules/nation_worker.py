"""One process of a national run: screens the counties it is told to, one after another, and says how each went.

``python -m huqing.rules.nation_worker <settings>`` reads a task per line and answers with a line, both JSON. It ends
itself as soon as its input is closed, so no worker outlives a driver, however the driver died.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import duckdb

from huqing.rules import engine
from huqing.rules.errors import RuleError, TableError
from huqing.rules.parameters import lacking, load, own_folders
from huqing.rules.plans import Plan, package_folder
from huqing.standards.fields import department_kinds

FULL = "full"
GIB = 2**30
NO_SPACE = ("no space left", "disk quota", "max_temp_directory_size")
AGAIN = "请为该县重新取快照放进湖里，再运行一次"


@dataclass(frozen=True)
class Settings:
    """What all counties of a run have in common; ``memory`` in bytes and ``threads`` are this process's share."""

    as_of: str
    cache: str
    threads: int
    memory: int
    findings: list[str] | None = None

    @property
    def day(self) -> datetime.date:
        """The day of the screening."""
        return datetime.date.fromisoformat(self.as_of)


class Plans:
    """The plans of many counties: one for all that have the same amounts and the same department files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cache = Path(settings.cache)
        shipped = tuple(package_folder(package) / "parameters" for package in engine.PACKAGES)
        self._parameters = load(*shipped, *own_folders())
        self._made: dict[tuple[str, frozenset[str]], Plan] = {}

    def of(self, county: str, snapshot: Path) -> Plan:
        """The plan of a county: the steps of all counties like it, and the reasons for what is not run in its name."""
        sizes = engine.table_sizes(snapshot)
        empty = frozenset(table for table in department_kinds() if not sizes.get(table))
        scope, day = self._parameters.scope(county), self._settings.day
        if (scope, empty) not in self._made:
            with self._compiling(scope):
                self._made[scope, empty] = engine.plan_for(
                    as_of=day, region=scope, findings=self._settings.findings, empty=empty, cache=self._cache
                )
        shared = self._made[scope, empty]
        of_scope, of_county = lacking(scope, day), lacking(county, day)
        return replace(shared, not_run={key: why.replace(of_scope, of_county) for key, why in shared.not_run.items()})

    @contextlib.contextmanager
    def _compiling(self, scope: str) -> Iterator[None]:
        """Let one process compile what all need; a cache that cannot be written only costs time."""
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            lock = (self._cache / lock_name(scope)).open("a")
        except OSError:
            yield
            return
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def lock_name(scope: str) -> str:
    """The file locked while the plan of a scope is compiled."""
    return f"compiling-{scope or 'nation'}.lock"


def screen_one(task: dict[str, str], settings: Settings, plans: Plans) -> dict[str, Any]:
    """Screen one county into ``task["out"]``; returns its counts and seconds, or what was wrong and what to do."""
    began = time.perf_counter()
    snapshot = Path(task["snapshot"])
    try:
        counts = engine.screen(
            snapshot,
            Path(task["out"]),
            as_of=settings.day,
            region=task["county"],
            threads=settings.threads,
            memory=settings.memory,
            plan=plans.of(task["county"], snapshot),
        )
    except Exception as error:
        kind, reason = reason_of(error, snapshot, settings)
        detail = "".join(traceback.format_exception(error))
        return {"error": kind, "reason": reason, "detail": detail, "memory": peak_memory()}
    return {"counts": asdict(counts), "seconds": time.perf_counter() - began, "memory": peak_memory()}


def reason_of(error: Exception, snapshot: Path, settings: Settings) -> tuple[str, str]:
    """The kind of a failure (FULL, or the name of the error) and, in Chinese, where it is and what to do."""
    kind, first = type(error).__name__, str(error).partition("\n")[0]
    if is_full(error):
        kind, said = FULL, "磁盘空间不足，结果写不下。请清理结果文件夹所在的磁盘，再运行一次"
    elif isinstance(error, TableError | RuleError):
        said = str(error).rstrip("。")
    elif isinstance(error, duckdb.OutOfMemoryException | MemoryError):
        share = settings.memory / GIB
        said = f"内存不够：每个进程只有 {share:.2f} GB。请减小 --processes 或加大 --memory，再运行一次"
    elif isinstance(error, duckdb.Error):
        damaged = damaged_file(snapshot)
        what = f"快照文件 {damaged} 已损坏，读不出来" if damaged else f"快照 {snapshot} 的内容与声明的不符（{first}）"
        said = f"{what}。{AGAIN}"
    elif isinstance(error, OSError):
        said = f"读写文件出错（{error}）。请检查磁盘、路径和权限，再运行一次"
    else:
        said = f"程序出错（{kind}：{first}）。请把 summary.json 里这个县的 detail 发给维护人员"
    return kind, said


def is_full(error: Exception) -> bool:
    """Whether the disk, or what may be used of it, is used up."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or any(
        words in str(error).lower() for words in NO_SPACE
    )


def damaged_file(snapshot: Path) -> Path | None:
    """The first file of a snapshot that cannot be read to its end."""
    for file in sorted(snapshot.glob("*.parquet")):
        try:
            with duckdb.connect() as connection:
                connection.execute(f"SELECT count(COLUMNS(*)) FROM read_parquet('{engine.quoted(file)}')").fetchone()  # noqa: S608
        except duckdb.Error:
            return file
    return None


def peak_memory() -> int:
    """The most memory this process has held at once, in bytes; unlike ``getrusage`` without that of its parent."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return 0


def _listen(lines: TextIO, tasks: queue.Queue[str]) -> None:
    for line in lines:
        tasks.put(line)
    os._exit(1)  # the driver is gone: whatever is being computed, nobody will take it


def main() -> None:
    """Answer tasks until the driver closes the pipe; whatever libraries print goes to the log instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tasks: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(sys.stdin, tasks), daemon=True).start()
    settings = Settings(**json.loads(sys.argv[1]))
    plans = Plans(settings)
    while True:
        answer = screen_one(json.loads(tasks.get()), settings, plans)
        answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
