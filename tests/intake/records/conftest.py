"""Rosters and department files taken in the way a user does: a file is written, read, matched, checked and applied."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
JUNE = date(2024, 6, 30)


def id_number(birth: str = "19800101", sequence: int = 1, area: str = "990236") -> str:
    """An ID number with a correct check digit in an area that does not exist; odd sequences are men."""
    first = f"{area}{birth}{sequence:03d}"
    return first + "10X98765432"[sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True)) % 11]


HOUSEHOLD = {
    "户编号": "500236H0001",
    "乡(镇)": "朱衣镇",
    "行政村": "砚瓦村",
    "村民小组": "1组",
    "户主姓名": "张大山",
    "联系电话": "16012345678",
    "银行卡号": "6900001234567890123",
    "家庭人口数": "2",
    "户类型": "一般农户",
    "工资性收入": "12000",
    "耕地面积": "3.5",
    "住房面积": "80",
}
PERSON = {
    "户编号": "500236H0001",
    "姓名": "张大山",
    "性别": "男",
    "证件类型": "居民身份证",
    "证件号码": id_number(),
    "出生日期": "1980-01-01",
    "与户主关系": "户主",
    "民族": "汉族",
    "健康状况": "健康",
    "劳动技能": "普通劳动力",
}


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch) -> None:
    """Imports alone: no screening follows."""
    from huqing.intake.signals import applied

    monkeypatch.setattr(applied, "receivers", [])
    applied.sender_receivers_cache.clear()


def person(**columns: str) -> dict[str, str]:
    """A member roster row; birth date and sex follow the ID number unless they are given."""
    number = columns.get("证件号码", PERSON["证件号码"])
    born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return {**PERSON, "出生日期": born, "性别": "男" if int(number[16]) % 2 else "女", **columns}


@pytest.fixture
def rows() -> SimpleNamespace:
    """Functions that make roster rows: the given columns over a complete default row."""
    return SimpleNamespace(
        household=lambda **columns: {**HOUSEHOLD, **columns},
        person=person,
        id_number=id_number,
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes rows (dicts by column label) as a CSV file."""
    made = iter(range(1000))

    def write(rows: Sequence[dict[str, str]], name: str = "表") -> Path:
        path = tmp_path / f"{next(made)}" / f"{name}.csv"
        path.parent.mkdir()
        labels = list(dict.fromkeys(label for row in rows for label in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            sheet = csv.DictWriter(file, labels, restval="")
            sheet.writeheader()
            sheet.writerows(rows)
        return path

    return write


@pytest.fixture
def take(write, regions, settings, tmp_path) -> Callable[..., object]:
    """A function that takes rows in from start to end and returns the import."""
    from huqing.intake.taking import take_in

    settings.DATA = tmp_path / "data"

    def take(rows, kind: str = "household", on: date = JUNE, by=None, region: str = "500236"):
        (done,) = take_in(write(rows), kind=kind, by=by, data_date=on, region=region)
        return done

    return take
