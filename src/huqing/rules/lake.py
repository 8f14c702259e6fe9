"""The Parquet lake: the snapshots of many counties and days, for engines that read them all.

``<lake>/county=<6 digits>/day=<YYYY-MM-DD>/<table>.parquet``: a partition is a whole snapshot. It is copied into a
hidden folder and renamed when complete, so a folder with a plain name is whole, whatever was killed in between.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import uuid
from pathlib import Path

from huqing.rules.errors import TableError

COUNTY, DAY = "county=", "day="
UNFINISHED = ".unfinished-"
CODE = re.compile(r"\d{6}")


def partition(county: str, day: datetime.date) -> str:
    """The path of a partition inside a lake; TableError unless ``county`` is a six-digit code."""
    if not CODE.fullmatch(county):
        raise TableError(f"数据湖按县存放，“{county}”不是 6 位县代码，例如 500236。")
    return f"{COUNTY}{county}/{DAY}{day.isoformat()}"


def put(lake: Path, snapshot: Path, *, county: str, day: datetime.date) -> Path:
    """Copy a finished snapshot into the lake and return its partition; an older one of that day is replaced.

    Whoever reads the old one at that moment may have to read again. OSError if the lake cannot be written.
    """
    place = lake / partition(county, day)
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (place.parent / f"{UNFINISHED}{uuid.uuid4().hex}" for _ in range(2))
    fresh.mkdir()
    try:
        for file in sorted(snapshot.iterdir()):
            shutil.copyfile(file, fresh / file.name)
            to_disk(fresh / file.name)
        if place.exists():
            place.rename(old)
        fresh.rename(place)
    finally:
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
    return place


def counties(lake: Path) -> list[str]:
    """The codes of the counties in the lake."""
    return [name for name in _names(lake, COUNTY) if CODE.fullmatch(name)]


def days(lake: Path, county: str) -> list[datetime.date]:
    """The days of which a county has a whole snapshot in the lake, in order."""
    found = []
    for name in _names(lake / f"{COUNTY}{county}", DAY):
        try:
            found.append(datetime.date.fromisoformat(name))
        except ValueError:
            continue
    return found


def find(lake: Path, *, county: str, day: datetime.date) -> Path:
    """The partition of a county and day; TableError saying what the lake has instead."""
    place = lake / partition(county, day)
    if place.is_dir():
        return place
    if not lake.is_dir():
        raise TableError(f"没有数据湖文件夹 {lake}。请核对 --lake 的路径，并确认它已挂载到本机。")
    raise TableError(missing(str(lake), county, day, counties(lake), days(lake, county)))


def missing(lake: str, county: str, day: datetime.date, others: list[str], known: list[datetime.date]) -> str:
    """What to say when a lake lacks a county, or a day of it."""
    if not known:
        shown = "、".join(others[:5]) + ("等" if len(others) > 5 else "")
        return f"数据湖 {lake} 里没有 {county} 的数据，现有的县：{shown or '无'}。请先为该县取快照放进湖里。"
    shown = "、".join(str(other) for other in known[-5:])
    return f"数据湖 {lake} 里没有 {county} 在 {day} 的数据，该县最近有：{shown}。请改日期，或先取快照放进湖里。"


def _names(folder: Path, prefix: str) -> list[str]:
    if not folder.is_dir():
        return []
    entries = (entry.name for entry in folder.iterdir() if entry.is_dir() and entry.name.startswith(prefix))
    return sorted(name.removeprefix(prefix) for name in entries)


def to_disk(file: Path) -> None:
    """Return when the file, or the names in the folder, are on the disk itself."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
