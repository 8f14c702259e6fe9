"""Reads the tables in policies/tables/benefits/others, which a policy officer can write, into rows of input tables."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import huqing.policies
from huqing.rules.library import Library, Node
from huqing.standards.codelists import codelist
from huqing.standards.money import fen_of

FOLDER = Path(huqing.policies.__path__[0]) / "tables" / "benefits" / "others"
DAY = datetime.date(2025, 6, 30)
REGION = "500236"
CHILDREN = {"往来": ("movement", "loan_id"), "日历": ("presence_day", "worker_month_id")}
KEYS = {"所在户": "household_id", "所属人员": "person_id"}
BLANK, UNKNOWN, REFUSED = "空", "未知", "不予："


@dataclass
class Case:
    """One row of a table: the rows it stands for and what comes out."""

    place: str
    title: str
    expected: str
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass
class Section:
    """All cases of one result of one table."""

    table: str
    result: str
    place: str
    cases: list[Case]

    def rows(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of all cases together."""
        merged: dict[str, list[dict[str, Any]]] = {}
        for case in self.cases:
            for table, given in case.rows.items():
                merged.setdefault(table, []).extend(given)
        return merged


def sections(rules: Library) -> Iterator[Section]:
    """Every table of the folder."""
    for file in sorted(FOLDER.glob("*.md")):
        if file.name == "README.md":
            continue
        lines = file.read_text(encoding="utf-8").splitlines()
        starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            yield _section(rules, file, lines, start, end)


def _section(rules: Library, file: Path, lines: list[str], start: int, end: int) -> Section:
    _, table, result, title = lines[start].split(maxsplit=3)
    assert rules.rules[Node(table, result)].title == title, f"{file.name}:{start + 1}"
    common: dict[str, str] = {}
    header: list[str] = []
    cases: list[Case] = []
    for number in range(start + 1, end):
        line = lines[number].strip()
        if line.startswith("共同："):
            common |= dict(part.split("=", 1) for part in line.removeprefix("共同：").split("，"))
        elif line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not header:
                header = cells
                continue
            given = {name: text for name, text in zip(header, cells, strict=True) if text}
            cases.append(_case(rules, table, f"{file.name}:{number + 1}", len(cases) + 1, common | given))
    return Section(table, result, f"{file.name}:{start + 1}", cases)


def _case(rules: Library, table: str, place: str, number: int, cells: dict[str, str]) -> Case:
    case = Case(place, cells.pop("情形"), cells.pop("结果"))
    cells.pop("算式", None)
    main: dict[str, Any] = {"id": number, **{f"{name}_id": number for name in rules.input_tables[table].belongs_to}}
    if table == "worker_month":
        main["worker"] = f"队员{number}"
    children: dict[str, dict[str, list[str]]] = {}
    for name, text in cells.items():
        if "." in name:
            short, label = name.split(".")
            children.setdefault(short, {})[label] = _spread(text)
        elif name in KEYS:
            main[KEYS[name]] = None if text == BLANK else number
        else:
            key, value = _value(rules, table, name, text)
            main[key] = value
    case.rows[table] = [main]
    for short, columns in children.items():
        child, link = CHILDREN[short]
        count = len(columns.get("日期", ()))
        case.rows[child] = [
            {"id": number * 100 + place, link: number}
            | dict(_value(rules, child, label, texts[min(place, len(texts) - 1)]) for label, texts in columns.items())
            for place in range(count)
        ]
    return case


def _spread(text: str) -> list[str]:
    """Values of several rows: apart by ；, or the days from one to another."""
    if "至" in text:
        first, last = (datetime.date.fromisoformat(part) for part in text.split("至"))
        return [str(first + datetime.timedelta(days=n)) for n in range((last - first).days + 1)]
    return text.split("；")


def _value(rules: Library, table: str, label: str, text: str) -> tuple[str, Any]:
    declared = next(item for item in rules.input_tables[table].fields if item.label == label)
    if text == BLANK:
        return declared.key, None
    match declared.type:
        case "money":
            return declared.key, fen_of(text)
        case "integer":
            return declared.key, int(text)
        case "date":
            return declared.key, datetime.date.fromisoformat(text)
        case "boolean":
            return declared.key, {"是": True, "否": False}[text]
        case "code":
            code = codelist(declared.codelist).code_of(text)
            assert code is not None, f"{label}: {text}"
            return declared.key, code
    return declared.key, text


def answer(value: Any, refusal: str | None) -> str:
    """A result as the tables write it."""
    if refusal:
        return REFUSED + refusal
    match value:
        case None:
            return UNKNOWN
        case bool():
            return "是" if value else "否"
    return f"{value // 100 if value >= 0 else -(-value // 100)}.{abs(value) % 100:02d}"
