"""Reads tables of benefits a policy officer can write (policies/tables/benefits/README.md) into rows and results."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from huqing import policies
from huqing.rules.library import Node, library
from huqing.rules.schedules import MILLION
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field
from huqing.standards.money import fen_of

FOLDER = Path(policies.__file__).parent / "tables" / "benefits"
DAY = datetime.date(2025, 6, 30)
UNKNOWN = "未知"


@dataclass
class Case:
    """One row of a table: the input rows of one owner and, per row, the expected values by variable."""

    title: str
    place: str
    rows: list[dict[str, Any]]
    expected: list[dict[str, Any]]


@dataclass
class Section:
    """All cases of one section, to be computed together."""

    table: str
    title: str
    place: str
    region: str
    names: tuple[str, ...] = ()
    cases: list[Case] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The input rows of all cases."""
        return [row for case in self.cases for row in case.rows]


def sections() -> Iterator[Section]:
    """Every section of every table of benefits; no two rows have the same number."""
    numbers = itertools.count(1)
    for file in sorted(FOLDER.glob("*.md")):
        if file.name != "README.md":
            yield from _file(file, numbers)


def together(chosen: Iterable[Section]) -> list[Section]:
    """Sections of the same table and region as one, for engines that take seconds for the smallest question."""
    found: dict[tuple[str, str], Section] = {}
    for section in chosen:
        one = found.setdefault((section.table, section.region), replace(section, names=(), cases=[]))
        one.names = tuple(dict.fromkeys((*one.names, *section.names)))
        one.cases += section.cases
    return list(found.values())


def _file(file: Path, numbers: Iterator[int]) -> Iterator[Section]:
    lines = file.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        table, title = lines[start].removeprefix("## ").split(" ", 1)
        section = Section(table, title, f"{file.name}:{start + 1}", "")
        common: dict[str, str] = {}
        header: list[str] = []
        for number in range(start + 1, end):
            line = lines[number].strip()
            if line.startswith("共同："):
                common |= dict(part.split("=", 1) for part in line.removeprefix("共同：").split("，"))
                section.region = common.pop("区划", section.region)
            elif line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
                cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
                if header:
                    given = common | dict(zip(header, cells, strict=True))
                    section.cases.append(_case(section.table, next(numbers), f"{file.name}:{number + 1}", given))
                else:
                    header = cells
        section.names = tuple(section.cases[0].expected[0])
        yield section


def _case(table: str, order: int, place: str, cells: dict[str, str]) -> Case:
    title = cells.pop("情形")
    given = {name: text.split("；") for name, text in cells.items() if not name.startswith("=")}
    count = max(len(parts) for parts in given.values())
    owners = [name for name in library().links(table) if name != "id"]
    rows, expected = [], []
    for index in range(count):
        row: dict[str, Any] = {"id": order * 100 + index, **dict.fromkeys(owners, order)}
        for label, parts in given.items():
            declared = _field(table, label)
            row[declared.key] = _typed(declared, _part(parts, index))
        rows.append(row)
        wanted = {}
        for name, text in cells.items():
            if name.startswith("="):
                node = _variable(table, name.removeprefix("="))
                parts = text.split("；")
                assert len(parts) in (1, count), f"{place}：{name} 应有 {count} 个结果"
                wanted[node.name] = _result(node, _part(parts, index))
        expected.append(wanted)
    return Case(title, place, rows, expected)


def _part(parts: list[str], index: int) -> str:
    return (parts[0] if len(parts) == 1 else parts[index]).strip()


def _field(table: str, label: str) -> Field:
    fields = {declared.label: declared for declared in library().input_tables[table].fields}
    assert label in fields, f"{table} 没有字段“{label}”，有：{'、'.join(fields)}"
    return fields[label]


def _variable(table: str, title: str) -> Node:
    titles = {rule.title: node for node, rule in library().rules.items() if node.entity == table}
    assert title in titles, f"{table} 没有变量“{title}”，有：{'、'.join(titles)}"
    return titles[title]


def _typed(declared: Field, text: str) -> Any:
    if not text:
        return None
    match declared.type:
        case "money":
            return fen_of(text)
        case "date":
            return datetime.date.fromisoformat(text)
        case "boolean":
            return {"是": True, "否": False}[text]
        case "integer" | "year":
            return int(text)
        case "decimal":
            return Decimal(text)
        case "code":
            return _code(declared.codelist, text)
        case _:
            return text


def _code(codes: str, text: str) -> str:
    found = next((code for code, label in codelist(codes).items if label == text), None)
    assert found, f"“{text}”不在代码表 {codes} 中"
    return found


def _result(node: Node, text: str) -> Any:
    rule = library().rules[node]
    if text == UNKNOWN:
        return None
    if rule.codelist:
        return _code(rule.codelist, text) if text else ""
    if rule.unit.startswith("元"):
        return fen_of(text)
    if text.endswith("%"):
        return int(Decimal(text[:-1]) * MILLION / 100)
    if text in ("是", "否"):
        return text == "是"
    return int(text) if rule.unit else text
