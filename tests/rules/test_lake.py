"""The lake: whole snapshots by county and day, replaced as a whole, and what is said when one is not there."""

from __future__ import annotations

import datetime
import shutil
from pathlib import Path

import pytest
from tests.rules.build import snapshot, tables

from huqing.rules import lake
from huqing.rules.errors import TableError

DAY = datetime.date(2025, 6, 30)


def made(folder: Path, households: int = 1) -> Path:
    """A snapshot with so many households."""
    return snapshot(folder, tables({"household": [{"id": number} for number in range(1, households + 1)]}))


def test_a_snapshot_is_found_again_by_county_and_day(tmp_path: Path) -> None:
    place = lake.put(tmp_path / "lake", made(tmp_path / "one"), county="500236", day=DAY)
    assert place == tmp_path / "lake" / "county=500236" / "day=2025-06-30"
    assert {file.name for file in place.iterdir()} == {file.name for file in (tmp_path / "one").iterdir()}
    assert lake.find(tmp_path / "lake", county="500236", day=DAY) == place
    assert (lake.counties(tmp_path / "lake"), lake.days(tmp_path / "lake", "500236")) == (["500236"], [DAY])


def test_a_later_snapshot_of_the_day_replaces_the_earlier_one_and_leaves_nothing(tmp_path: Path) -> None:
    first = (tmp_path / "lake", made(tmp_path / "one"))
    lake.put(*first, county="500236", day=DAY)
    place = lake.put(tmp_path / "lake", made(tmp_path / "two", 5), county="500236", day=DAY)
    assert (place / "household.parquet").read_bytes() == (tmp_path / "two" / "household.parquet").read_bytes()
    assert [entry.name for entry in place.parent.iterdir()] == ["day=2025-06-30"]


def test_what_was_interrupted_is_not_seen_and_the_earlier_snapshot_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = lake.put(tmp_path / "lake", made(tmp_path / "one"), county="500236", day=DAY)
    before = (place / "household.parquet").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        lake.put(tmp_path / "lake", made(tmp_path / "two", 5), county="500236", day=DAY)
    assert (place / "household.parquet").read_bytes() == before
    (place.parent / f"{lake.UNFINISHED}left").mkdir()
    (place.parent / "day=soon").mkdir()
    assert lake.days(tmp_path / "lake", "500236") == [DAY]


def test_what_is_missing_is_told_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="没有数据湖文件夹"):
        lake.find(tmp_path / "lake", county="500236", day=DAY)
    lake.put(tmp_path / "lake", made(tmp_path / "one"), county="500236", day=DAY)
    with pytest.raises(TableError, match="没有 500236 在 2025-07-01 的数据，该县最近有：2025-06-30"):
        lake.find(tmp_path / "lake", county="500236", day=datetime.date(2025, 7, 1))
    with pytest.raises(TableError, match="没有 500235 的数据，现有的县：500236"):
        lake.find(tmp_path / "lake", county="500235", day=DAY)
    with pytest.raises(TableError, match="不是 6 位县代码"):
        lake.put(tmp_path / "lake", made(tmp_path / "one"), county="50", day=DAY)
