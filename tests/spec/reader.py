"""Reads rule tables a policy officer can write (README.md) into the tables of a small county."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huqing import policies
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field, record_kinds
from huqing.standards.money import fen_of

FOLDERS = (Path(policies.__file__).parent / "tables", Path(__file__).parent)
DAY = datetime.date(2025, 6, 30)
REGION = "500236"
FILLER = 10_000
SHORT = {
    "户": "household",
    "人": "person",
    "标签": "label",
    "账单": "medical_bill",
    "参保": "insured",
    "学籍": "school_enrolment",
    "残疾": "disability",
    "救助": "civil_affairs",
    "住房": "housing",
    "饮水": "water",
    "失业": "unemployment",
    "死亡": "death",
    "资产": "asset",
    "灾害": "disaster",
    "走访": "home_visit",
    "务工": "work",
    "措施": "measure",
    "村": "village",
}
STATES = {"发现": "found", "否": "not", "未知": "unknown"}
TERM = "2024-2025-2"
DEFAULTS: dict[str, dict[str, Any]] = {
    "school_enrolment": {"term": TERM},
    "insured": {"year": DAY.year},
    "label": {"valid_from": datetime.date(2021, 1, 1)},
    "civil_affairs": {"aid_from": datetime.date(2024, 1, 1)},
}
PLAIN = {
    ("household", "有无电话"): ("has_phone", "boolean"),
    ("household", "村代码"): ("region_code", "text"),
    ("household", "有无监测联系人电话"): ("has_contact_phone", "boolean"),
    ("household", "电话号码状态"): ("phone_state", "text"),
    ("household", "电话检索码"): ("phone_token", "text"),
    ("person", "证件号码判定"): ("id_state", "text"),
    ("person", "证件检索码"): ("id_token", "text"),
    ("person", "证件性别"): ("id_sex", "code:sex"),
    ("person", "证件类型"): ("id_type", "code:id_doc_type"),
    ("person", "电话号码状态"): ("phone_state", "text"),
    ("person", "电话检索码"): ("phone_token", "text"),
    ("person", "证件出生日期"): ("id_birth_date", "date"),
    ("label", "种类"): ("kind", "code:label_kind"),
    ("label", "起"): ("valid_from", "date"),
    ("label", "止"): ("valid_to", "date"),
}


@dataclass
class Case:
    """One row of a rule table: a household's (or a village's) rows by table, and what the rule must say."""

    finding: str
    title: str
    place: str
    household: int
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    expected: list[str] = field(default_factory=list)


@dataclass
class Section:
    """All rows of one rule."""

    finding: str
    place: str
    cases: list[Case]

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of all cases, and one household apart that gives every department file a row."""
        rows: dict[str, list[dict[str, Any]]] = {}
        for case in self.cases:
            for table, given in case.rows.items():
                rows.setdefault(table, []).extend(given)
        for table in set(SHORT.values()) - {"household", "person", "label", "village"}:
            filler = {"id": FILLER, "household_id": FILLER, "person_id": FILLER, **DEFAULTS.get(table, {})}
            rows.setdefault(table, []).append(filler)
        return rows


def sections() -> Iterator[Section]:
    """Every rule table that is shipped, and those that were put beside the tests."""
    for file in sorted(file for folder in FOLDERS for file in folder.glob("*.md")):
        if file.name != "README.md":
            yield from _file(file)


def _file(file: Path) -> Iterator[Section]:
    lines = file.read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("## ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        finding = lines[start].split()[1]
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
                else:
                    place = f"{file.name}:{number + 1}"
                    cases.append(_case(finding, place, len(cases) + 1, common | dict(zip(header, cells, strict=True))))
        yield Section(finding, f"{file.name}:{start + 1}", cases)


def _case(finding: str, place: str, household: int, cells: dict[str, str]) -> Case:
    case = Case(finding, cells.pop("情形"), place, household)
    case.expected = [STATES[text] for text in cells.pop("结果").split("；")]
    people = int(cells.pop("人数", "") or 1)
    columns: dict[str, dict[str, list[str]]] = {}
    for header, text in cells.items():
        name, label = header.split(".", 1)
        columns.setdefault(SHORT[name], {})[label] = [part.strip() for part in text.split("；")] if text else []
    if "village" in columns:
        return _village_case(case, columns)
    people = max([people, *(len(values) for values in columns.get("person", {}).values())])
    for table, given in columns.items():
        count = people if table == "person" else 1 if table == "household" else max(map(len, given.values()))
        case.rows[table] = [_row(table, given, index, household) for index in range(count)]
    case.rows.setdefault("household", [{"id": household}])
    case.rows.setdefault("person", [_row("person", {}, index, household) for index in range(people)])
    return case


def _village_case(case: Case, columns: dict[str, dict[str, list[str]]]) -> Case:
    """A case about a village: its row bears the case's number, and as many households as the cells say lie in it."""
    code = f"{REGION}{case.household:06}"
    told = {label: values[0] for label, values in columns["village"].items() if values}
    values = dict(_value("village", label, text) for label, text in told.items())
    case.rows["village"] = [{"id": case.household, "region_code": code, **values}]
    given = columns.get("household", {})
    households = max((len(cells) for cells in given.values()), default=0)
    case.rows["household"] = [
        {**_row("household", given, index, case.household * 10 + index), "region_code": code}
        for index in range(households)
    ]
    return case


def _row(table: str, given: dict[str, list[str]], index: int, household: int) -> dict[str, Any]:
    row: dict[str, Any] = dict(DEFAULTS.get(table, {}))
    texts = {label: _pick(values, index) for label, values in given.items()}
    member = int(texts.pop("成员", "") or 1)
    if table == "household":
        row["id"] = household
    else:
        row["household_id"] = household
    if table == "person":
        row["id"] = household * 10 + index + 1
    elif table != "household":
        row["person_id"] = household * 10 + member
    if table not in ("household", "person", "label"):
        row["id"] = household * 100 + index
    if years := texts.pop("年龄", ""):
        row["birth_date"] = DAY.replace(year=DAY.year - int(years), month=1, day=15)
    for label, text in texts.items():
        if text:
            key, value = _value(table, label, text)
            row[key] = value
    return row


def _pick(values: list[str], index: int) -> str:
    if len(values) == 1:
        return values[0]
    return values[index] if index < len(values) else ""


def _value(table: str, label: str, text: str) -> tuple[str, Any]:
    if (table, label) in PLAIN:
        key, kind = PLAIN[table, label]
        codes = kind.partition(":")[2]
        declaration = Field(key, label, kind.partition(":")[0], codelist=codes)  # type: ignore[arg-type]
    else:
        kind_fields = {item.label: item for item in record_kinds()[table].fields}
        assert label in kind_fields, f"{table} 没有字段“{label}”，有：{'、'.join(kind_fields)}"
        declaration = kind_fields[label]
    return declaration.key, _typed(declaration, text)


def _typed(declaration: Field, text: str) -> Any:
    match declaration.type:
        case "money":
            return fen_of(text)
        case "boolean":
            return {"是": True, "否": False}[text]
        case "integer" | "year":
            return int(text)
        case "date":
            return datetime.date.fromisoformat(text)
        case "code":
            return _code(declaration, text)
        case "codes":
            return [_code(declaration, part) for part in text.split("+")] if text != "（空）" else []
        case _:
            return text


def _code(declaration: Field, text: str) -> str:
    code = codelist(declaration.codelist).code_of(text)
    assert code, f"“{text}”不是 {declaration.label} 的代码"
    return code
