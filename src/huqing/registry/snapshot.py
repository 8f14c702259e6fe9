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
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.utils import timezone

from huqing.access.instance import private_folder
from huqing.access.locks import exclusive
from huqing.registry import snapshot_read, snapshot_rows
from huqing.standards.fields import department_kinds
from huqing.standards.tables import table_schemas

Progress = Callable[[str, float], None]

ROW_GROUP = 100_000
UNFINISHED = ".unfinished-"
MANIFEST = "manifest.json"


def root() -> Path:
    """Where the snapshots of all regions lie."""
    return Path(settings.DATA) / "snapshots"


def folder(region: str, name: str) -> Path:
    """The folder of one snapshot."""
    return root() / region / name


def take(*, region: str, as_of: dt.date, progress: Progress | None = None) -> Path:
    """Write the active households of ``region`` (a code prefix) and all that belongs to them; returns the folder.

    All tables show the records at one instant. Two snapshots of a region wait for each other. ValueError when
    ``region`` is not a code prefix.
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


def one_household(household_id: int) -> dict[str, pa.Table]:
    """The same tables for one household, read now through Django's connection; all empty if it is not active."""
    return snapshot_rows.one_household(household_id)


def prune(keep: int = 10) -> list[Path]:
    """Delete all but the newest ``keep`` snapshots of every region; returns what was deleted."""
    removed = []
    for home in _homes():
        taken = sorted(_finished(home), key=lambda path: (path.stat().st_mtime_ns, path.name))
        for path in taken[: max(len(taken) - keep, 0)]:
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
    counts = {}
    with snapshot_read.reader(region) as read:
        steps = {"household": 0.25, "person": 0.7, "membership": 0.78, "label": 0.8}
        for table, done in steps.items():
            with TableWriter(work, table) as writer:
                for typed in read.table(table):
                    writer.write(typed)
            counts[table] = writer.rows
            report(f"快照：{table}", done)
        writers = {kind: TableWriter(work, kind) for kind in department_kinds()}
        try:
            for kind, typed in read.records():
                writers[kind].write(typed)
        finally:
            for writer in writers.values():
                writer.close()
        counts |= {kind: writer.rows for kind, writer in writers.items()}
    return counts


class TableWriter:
    """One Parquet file, written in row groups of about ``ROW_GROUP`` rows whatever the size of the pieces."""

    def __init__(self, work: Path, table: str) -> None:
        schema = snapshot_rows.arrow_schema(table)
        assert list(schema.names) == list(table_schemas()[table])  # noqa: S101  same source, same order
        self._file = pq.ParquetWriter(work / f"{table}.parquet", schema, compression="lz4")
        self._waiting: list[pa.Table] = []
        self.rows = 0

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def write(self, typed: pa.Table) -> None:
        """Append rows that already have the table's schema."""
        self._waiting.append(typed)
        self.rows += typed.num_rows
        if sum(piece.num_rows for piece in self._waiting) >= ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what waits and end the file."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting), row_group_size=2 * ROW_GROUP)
            self._waiting.clear()


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
