"""Small rosters as a township keeps them, written as workbooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(birth: str, sequence: int) -> str:
    """An ID number with a correct check digit in an area that does not exist; odd sequences are men."""
    first = f"990236{birth}{sequence:03d}"
    return first + "10X98765432"[sum(int(d) * w for d, w in zip(first, WEIGHTS, strict=True)) % 11]


def household(number: int, head: str, **columns: Any) -> dict[str, Any]:
    """A row of the household roster: an ordinary household that lives on 4,000 yuan a year."""
    return {
        "户编号": f"500236H{number:04d}",
        "乡(镇)": "朱衣镇",
        "行政村": "砚瓦村",
        "村民小组": "1组",
        "户主姓名": head,
        "家庭人口数": 2,
        "户类型": "一般农户",
        "工资性收入": 3000,
        "生产经营性收入": 0,
        "财产性收入": 0,
        "转移性收入": 1000,
        "生产经营性支出": 0,
        **columns,
    }


def person(number: int, name: str, birth: str, sequence: int, **columns: Any) -> dict[str, Any]:
    """A row of the member roster; the first of a household is its head."""
    return {
        "户编号": f"500236H{number:04d}",
        "姓名": name,
        "性别": "男" if sequence % 2 else "女",
        "证件类型": "居民身份证",
        "证件号码": id_number(birth, sequence),
        "出生日期": f"{birth[:4]}-{birth[4:6]}-{birth[6:]}",
        "与户主关系": "户主",
        "民族": "汉族",
        "健康状况": "健康",
        "劳动技能": "普通劳动力",
        "是否健在": "是",
        **columns,
    }


def write(path: Path, title: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A workbook the way they come: a merged title line above the header, one sheet."""
    labels = list(dict.fromkeys(label for row in rows for label in row))
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet(title)
        sheet.merge_range(0, 0, 0, len(labels) - 1, f"朱衣镇{title}")
        sheet.write_row(1, 0, labels)
        for number, row in enumerate(rows, start=2):
            sheet.write_row(number, 0, [row.get(label, "") for label in labels])
    return path
