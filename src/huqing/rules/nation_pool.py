"""The processes of a national run: each has at most one county at a time, and one that dies is replaced."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

WORKER = (sys.executable, "-m", "huqing.rules.nation_worker")
Task = dict[str, str]
LOG_END = 2_000
PATIENCE = 30  # seconds for a process whose pipe is closed to be gone


@dataclass(frozen=True)
class Died:
    """A process ended without an answer: its exit status (negative: the signal), and what it printed last."""

    status: int
    log: str

    @property
    def reason(self) -> str:
        """What happened and what to do."""
        if self.status < 0:
            what = f"处理进程被系统终止（信号 {-self.status}），多半是内存不够"
            return f"{what}。请减小 --processes 或给机器加内存，再运行一次"
        last = (self.log.strip().splitlines() or ["没有留下信息"])[-1]
        return f"处理进程意外退出（{last}）。请再运行一次；仍不行就把 summary.json 发给维护人员"


class _Process:
    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        with log.open("wb") as printed:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                encoding="utf-8",
                env=os.environ | {"PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl+C in the terminal is for the driver alone
            )

    @property
    def output(self) -> IO[str]:
        assert self.process.stdout is not None  # noqa: S101  it is a pipe
        return self.process.stdout

    def ask(self, task: Task) -> bool:
        """Whether the process has taken the task."""
        assert self.process.stdin is not None  # noqa: S101  it is a pipe
        try:
            self.process.stdin.write(json.dumps(task, ensure_ascii=False) + "\n")
            self.process.stdin.flush()
        except OSError:
            return False
        return True

    def answer(self) -> dict[str, Any] | Died:
        """Its answer; waits until there is one or the process is gone."""
        line = self.output.readline()
        if line.endswith("\n"):
            answered: dict[str, Any] = json.loads(line)
            return answered
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        self.close()
        return Died(self.process.returncode, self.log.read_text(encoding="utf-8", errors="replace")[-LOG_END:])

    def close(self) -> None:
        """End it now, whatever it does."""
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()
        self.process.wait()


class Pool:
    """Up to ``number`` processes that run ``command``, with logs in ``folder``; all are gone when the block ends."""

    def __init__(self, command: Sequence[str], number: int, folder: Path) -> None:
        self._command, self._number, self._folder = command, number, folder
        self._idle: list[_Process] = []
        self._busy: dict[_Process, Task] = {}
        self._started = 0

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for process in (*self._idle, *self._busy):
            process.close()

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._busy)

    @property
    def free(self) -> bool:
        """Whether another task can be given."""
        return len(self._busy) < self._number

    def give(self, task: Task) -> None:
        """Let a process begin a task."""
        process = self._idle.pop() if self._idle else self._start()
        self._busy[process] = task
        if not process.ask(task):
            # It died while it had nothing to do, which is not the task's fault.
            del self._busy[process]
            process.close()
            process = self._start()
            self._busy[process] = task
            process.ask(task)

    def answers(self) -> Iterator[tuple[Task, dict[str, Any] | Died]]:
        """Wait until at least one process has answered or died; give all that have."""
        with selectors.DefaultSelector() as selector:
            for process in self._busy:
                selector.register(process.output, selectors.EVENT_READ, process)
            ready: list[_Process] = [key.data for key, _ in selector.select()]
        for process in ready:
            answer = process.answer()
            task = self._busy.pop(process)
            if not isinstance(answer, Died):
                self._idle.append(process)
            yield task, answer

    def _start(self) -> _Process:
        self._started += 1
        return _Process(self._command, self._folder / f"worker-{self._started}.log")
