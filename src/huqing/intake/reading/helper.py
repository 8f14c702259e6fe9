"""The calling side of the helper process: starts it, bounds its time, and turns its end into an error in words."""

from __future__ import annotations

import atexit
import contextlib
import json
import mmap
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from huqing.intake.reading.shapes import WORKBOOKS, Limits, ReadError

AT_ONCE = 2
READER = "huqing.intake.reading.worker"
# After a file of this size a helper holds memory that it may not give back: it is replaced.
LARGE_FILE = 20 * 2**20
_SMALLER = "请删去数据区以外的空行空列，或把数据复制到新的工作簿、分成几个文件后再上传。"


class Ended(Exception):
    """A helper is gone or took too long; `slow` tells which."""

    def __init__(self, *, slow: bool = False, at: str = "") -> None:
        super().__init__()
        self.slow = slow
        self.at = at


class Helper:
    """A process of ours that answers one JSON line with another, running ``module`` under a memory limit."""

    def __init__(self, memory_mb: int, module: str = READER) -> None:
        self.memory_mb = memory_mb
        self.module = module
        self.owner = os.getpid()
        keep = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, str(memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="ascii",
            env={
                **{name: os.environ[name] for name in keep if name in os.environ},
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "ARROW_DEFAULT_MEMORY_POOL": "system",
                "MALLOC_ARENA_MAX": "2",
                "OMP_NUM_THREADS": "1",
                "RAYON_NUM_THREADS": "4",
            },
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._next(time.monotonic() + 60)

    def _listen(self) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in self.process.stdout or ():
                self.lines.put(line)
        self.lines.put("")

    def _next(self, deadline: float) -> dict[str, Any]:
        try:
            line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
        except queue.Empty:
            raise Ended(slow=True) from None
        if not line:
            raise Ended
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to `request`; `Ended` when the helper died over it or took more than `seconds`."""
        at = ""
        deadline = time.monotonic() + seconds
        try:
            if self.process.stdin is None:
                raise Ended
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            while True:
                message = self._next(deadline)
                if "at" not in message:
                    return message
                at = message["at"]
        except (BrokenPipeError, OSError, ValueError) as error:
            raise Ended from error
        except Ended as ended:
            ended.at = at
            raise

    def alive(self) -> bool:
        """Whether it can take another request; never one that belongs to the process this one was forked from."""
        return self.owner == os.getpid() and self.process.poll() is None

    def close(self) -> None:
        """End it now."""
        if self.owner != os.getpid():
            return
        with contextlib.suppress(OSError):
            self.process.kill()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if stream:
                    stream.close()
        self.process.wait()


_idle: list[Helper] = []
_guard = threading.Lock()
_places = threading.BoundedSemaphore(AT_ONCE)


def take(memory_mb: int, module: str = READER) -> Helper:
    """An idle helper of this kind, or a new one; whoever takes it gives it back or closes it."""
    with _guard:
        for helper in [one for one in _idle if one.module == module]:
            _idle.remove(helper)
            if helper.alive() and helper.memory_mb == memory_mb:
                return helper
            helper.close()
    return Helper(memory_mb, module)


def give_back(helper: Helper) -> None:
    """Keep a helper for the next request."""
    with _guard:
        _idle.append(helper)


@atexit.register
def close_helpers() -> None:
    """End the idle helpers of this process."""
    with _guard:
        while _idle:
            _idle.pop().close()


def parse(
    path: Path, place: str, limits: Limits, *, sheet: str = "", head: int = 0, encoding: str = "", delimiter: str = ""
) -> tuple[dict[str, Any], pa.Table | None]:
    """What the helper says about the file, and the cells of the sheet when all of them are asked for (`head` 0).

    `place` is how messages call the file. Raises `ReadError` for everything that can go wrong with a file.
    """
    request = {
        "path": str(path.resolve()),
        "book": Path(place).suffix.lower() in WORKBOOKS,
        "sheet": sheet,
        "head": head,
        "encoding": encoding,
        "delimiter": delimiter,
        "limits": asdict(limits),
    }
    with _places, _landing(whole=not head) as (outs, landed):
        answer = _asked({**request, "outs": outs}, place, limits, path)
        if "fault" in answer:
            raise read_error(place, answer["fault"])
        return answer["done"], landed() if not head else None


def read_error(place: str, fault: dict[str, Any]) -> ReadError:
    """A fault of the helper as the error the clerk reads, with the file's name in front."""
    for text in (
        fault["sheet"] and f"，工作表「{fault['sheet']}」",
        fault["row"] and f"，第 {fault['row']} 行",
        fault["column"] and f"，{fault['column']} 列",
    ):
        place += text or ""
    return ReadError(place, fault["what"], fault["remedy"])


def _asked(request: dict[str, Any], place: str, limits: Limits, path: Path) -> dict[str, Any]:
    fresh = False
    while True:
        helper = None
        try:
            helper = take(limits.memory_mb)
            answer = helper.ask(request, limits.seconds)
        except Ended as ended:
            code = None
            if helper:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = helper.process.wait(timeout=5 if not ended.slow else 0.01)
                helper.close()
            if code == 0 and not fresh:
                fresh = True  # it had gone to sleep between two requests
                continue
            raise _why(ended, place, limits) from None
        if answer.get("memory") or path.stat().st_size > LARGE_FILE:
            helper.close()
        else:
            give_back(helper)
        if answer.get("memory"):
            raise ReadError(place, f"区域太大，展开后超出 {limits.memory_mb} MB 的内存上限。", _SMALLER)
        return answer


def _why(ended: Ended, place: str, limits: Limits) -> ReadError:
    if ended.at:
        place += f"，工作表「{ended.at}」"
    if ended.slow:
        return ReadError(place, f"读取超过 {limits.seconds} 秒仍未完成，已停止。", _SMALLER)
    return ReadError(place, "区域太大、展开后超出内存上限，或文件已损坏，读取已停止。", _SMALLER)


@contextlib.contextmanager
def _landing(*, whole: bool) -> Iterator[tuple[list[str], Any]]:
    """A place in memory, where the system has such files, for the cells: ID numbers must not stay on disk."""
    if not whole:
        yield [], None
        return
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("huqing-sheet")
        out = f"/proc/{os.getpid()}/fd/{descriptor}"
    else:
        descriptor, out = tempfile.mkstemp(prefix="huqing-sheet-")

    def landed() -> pa.Table:
        size = os.fstat(descriptor).st_size
        held = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ)
        return pa.ipc.open_file(pa.py_buffer(held)).read_all()

    try:
        yield [out], landed
    finally:
        os.close(descriptor)
        if not out.startswith("/proc/"):
            with contextlib.suppress(OSError):
                os.unlink(out)
