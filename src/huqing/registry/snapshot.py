"""Snapshots: the records of a region on one day as typed Parquet files, which rules read.

A snapshot is a folder ``DATA/snapshots/<region>/<as_of>-<n>/`` with one file per table of ``standards.tables`` and a
``manifest.json``. It holds tokens, never an ID number, phone or account. It is written into a hidden folder and renamed
when complete: a folder with a plain name is a whole snapshot, whatever was killed in between.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
from django.conf import settings
from django.db import connection
from django.utils import timezone

from huqing.access.instance import private_folder
from huqing.access.locks import exclusive
from huqing.registry import snapshot_rows
from huqing.registry.snapshot_read import Reader
from huqing.registry.snapshot_write import write_tables

Progress = Callable[[str, float], None]

UNFINISHED = ".unfinished-"
MANIFEST = "manifest.json"


class SnapshotError(Exception):
    """The records could not be read out or written; the message says why."""


def root() -> Path:
    """Where the snapshots of all regions lie."""
    return Path(settings.DATA) / "snapshots"


def folder(region: str, name: str) -> Path:
    """The folder of one snapshot."""
    return root() / region / name


def take(*, region: str, as_of: dt.date, progress: Progress | None = None) -> Path:
    """Write the active households of ``region`` (a code prefix) and all that belongs to them; returns the folder.

    All tables show the records at one instant. Two snapshots of a region wait for each other. ValueError when
    ``region`` is not a code prefix, SnapshotError when the records could not be read or written.
    """
    if not (region.isascii() and region.isdigit()):
        raise ValueError(f"快照的区划应为代码前缀，如 500236；收到的是 {region!r}。")
    report = progress or (lambda message, fraction: None)
    with exclusive(f"snapshot-{region}"):
        home = private_folder(root() / region)
        _remove_unfinished(home)
        work = private_folder(home / f"{UNFINISHED}{os.getpid()}")
        try:
            rows = _write_tables(work, region, report)
            name = _next_name(home, as_of)
            manifest = {
                "region": region,
                "as_of": as_of.isoformat(),
                "taken_at": timezone.now().isoformat(timespec="seconds"),
                "rows": rows,
            }
            _write_durably(work / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1))
            work.rename(home / name)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
    report("快照完成", 1.0)
    return home / name


def adopt(source: Path, *, region: str, as_of: dt.date) -> Path:
    """Copy a finished snapshot that lies elsewhere, such as in a lake, among ours; returns its folder."""
    with exclusive(f"snapshot-{region}"):
        home = private_folder(root() / region)
        work = private_folder(home / f"{UNFINISHED}{os.getpid()}")
        try:
            for file in source.iterdir():
                shutil.copyfile(file, work / file.name)
            return work.rename(home / _next_name(home, as_of))
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise


def one_household(household_id: int) -> dict[str, pa.Table]:
    """The same tables for one household, read now through Django's connection; all empty if it is not active."""
    return snapshot_rows.one_household(household_id)


def one_village(region_code: str) -> dict[str, pa.Table]:
    """A village's row and the rows of all its households and people, read now; its newest year only."""
    return snapshot_rows.one_village(region_code)


def prune(keep: int = 10, *, but: Path | None = None) -> list[Path]:
    """Delete all but the newest ``keep`` snapshots of every region; returns what was deleted.

    ``but`` stays in any case: after the clock was set back, the snapshot just taken looks like the oldest.
    """
    removed = []
    for home in _homes():
        taken = sorted(_finished(home), key=lambda path: (path.stat().st_mtime_ns, path.name))
        for path in taken[: max(len(taken) - keep, 0)]:
            if path == but:
                continue
            # Out of sight first: a half-deleted folder must not look like a snapshot.
            doomed = path.rename(home / f"{UNFINISHED}{path.name}")
            shutil.rmtree(doomed)
            removed.append(path)
    return removed


def remove_unfinished() -> None:
    """Delete what killed runs left; called at start-up, when no snapshot is being taken."""
    for home in _homes():
        with exclusive(f"snapshot-{home.name}"):
            _remove_unfinished(home)


def _write_tables(work: Path, region: str, report: Progress) -> dict[str, int]:
    if connection.in_atomic_block or (connection.vendor == "sqlite" and connection.is_in_memory_db()):
        # Only Django's own connection sees what its transaction has written.
        reader = Reader(region, [snapshot_rows.fetch], connection.vendor)
        return write_tables(reader, work, report)
    request = {"vendor": connection.vendor, "database": database_address(), "region": region, "work": str(work)}
    process = subprocess.Popen(
        [sys.executable, "-m", "huqing.registry.snapshot_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # numpy only looks ids up: the threads of its linear algebra would spin beside the readers.
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "OPENBLAS_NUM_THREADS": "1"},
        encoding="utf-8",
    )
    with process:
        assert process.stdin is not None  # noqa: S101  both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            return _listen(process.stdout, report)
        finally:
            process.kill()


def _listen(lines: Iterable[str], report: Progress) -> dict[str, int]:
    for line in lines:
        message = json.loads(line)
        if "progress" in message:
            report(*message["progress"])
        elif "rows" in message:
            return message["rows"]
        else:
            raise SnapshotError(f"快照没有完成：{message['error']}")
    raise SnapshotError("快照没有完成：读取数据的进程中途停止（可能内存不足）。请重试。")


def database_address() -> str:
    """Where the read-out finds the database: a path, or a connection address."""
    wanted = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(wanted["NAME"])
    user, password, host, name = (quote(str(wanted[key]), safe="") for key in ("USER", "PASSWORD", "HOST", "NAME"))
    return f"postgresql://{user}{':' if password else ''}{password}@{host}:{wanted['PORT'] or 5432}/{name}"


def _homes() -> list[Path]:
    return [path for path in root().iterdir() if path.is_dir()] if root().exists() else []


def _finished(home: Path) -> list[Path]:
    return [path for path in home.iterdir() if path.is_dir() and not path.name.startswith(UNFINISHED)]


def _remove_unfinished(home: Path) -> None:
    for path in home.glob(f"{UNFINISHED}*"):
        shutil.rmtree(path)


def _next_name(home: Path, as_of: dt.date) -> str:
    start = f"{as_of.isoformat()}-"
    numbers = [int(path.name.removeprefix(start)) for path in _finished(home) if path.name.startswith(start)]
    return f"{start}{max(numbers, default=0) + 1}"


def _write_durably(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
