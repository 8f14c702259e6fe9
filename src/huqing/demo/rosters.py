"""A town's two rosters as a county exports them: five layouts, odd spellings, doubled rows, rows to be refused."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from huqing.demo import dirt
from huqing.demo.adjust import Town
from huqing.demo.cells import Style, renderer
from huqing.demo.model import Fields, Household, Person
from huqing.demo.xlsx import BOLD, PLAIN, TITLE, Cell, Workbook
from huqing.standards.fields import Field, RecordKind, record_kinds

COUNTY = "奉节县"
HOUSEHOLD_LAYOUTS = ("plain", "titled", "gbk", "aliases")
PERSON_LAYOUTS = ("titled", "merged", "gbk", "aliases", "plain")
_STYLES = {
    "plain": Style(),
    "titled": Style(date="excel", month="words"),
    "gbk": Style(date="slash", money="text"),
    "aliases": Style(date="dot", money="comma"),
    "merged": Style(date="compact"),
}
# Aliases a clerk would use in a header; the national control numbers (aac001 …) are left to the exporting system.
_ODD_HEADERS = {
    "relation": "与户主\n关系",
    "id_number": "身份证号码",
    "head_name": "户主\n姓名",
    "income_per_head": "家庭人均\n纯收入",
}
_MERGED_KEYS = ("household_number", "town_name", "village_name", "group_name", "head_name")
_COSMETIC_SHARE, _DOUBLED_SHARE = 0.004, 0.001
_REFUSED_SHARE = {"household": 0.002, "person": 0.0008}


class Table(Protocol):
    """What rosters write to: a sheet or a text file."""

    def row(self, cells: Sequence[Cell], style: int = PLAIN) -> int: ...

    def merge(self, first_row: int, first_column: int, last_row: int, last_column: int) -> None: ...


class TextTable:
    """A CSV file; numbers a row as a spreadsheet would show it."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._file = path.open("w", encoding=encoding, newline="")
        self._writer = csv.writer(self._file)
        self.rows = 0

    def row(self, cells: Sequence[Cell], style: int = PLAIN) -> int:
        self._writer.writerow(cells)
        self.rows += 1
        return self.rows

    def merge(self, first_row: int, first_column: int, last_row: int, last_column: int) -> None:
        """Text files have no merged cells."""

    def close(self) -> None:
        self._file.close()


@dataclass
class Written:
    """What a town's rosters hold beside the plain truth: (file, sheet, row, …) tuples for the truth tables."""

    files: list[tuple[str, str, int]] = field(default_factory=list)  # name, kind, data rows
    refused: list[tuple[str, str, int, str, str, str]] = field(default_factory=list)  # …, column, field, why
    odd: list[tuple[str, str, int, str, str, int | None]] = field(default_factory=list)  # …, what, household, order


@contextmanager
def _open(
    path: Path, kind: RecordKind, layout: str, labels: Sequence[str], title: str
) -> Iterator[tuple[str, str, Table]]:
    """The file (``path`` without its ending) with its header written; yields file name, sheet name and the table."""
    width = len(labels)
    if layout == "gbk":
        # GB 18030 is GBK plus the rare characters of names; most files are plain GBK bytes.
        text = TextTable(path.with_suffix(".csv"), "gb18030")
        text.row(labels)
        try:
            yield f"{path.name}.csv", "", text
        finally:
            text.close()
        return
    with Workbook(path.with_suffix(".xlsx")) as book:
        name = {"plain": "Sheet1", "aliases": "数据"}.get(layout, kind.name)
        if layout == "aliases":
            notes = book.sheet("填表说明", 1)
            for line in ("填表说明", "1. 本表由村级填报，乡镇审核。", "2. 日期请按年.月.日填写，金额单位为元。"):
                notes.row([line])
            notes.close()
        sheet = book.sheet(name, width)
        if layout in ("titled", "merged", "aliases"):
            sheet.merge(sheet.row([title], TITLE), 0, 1, width - 1)
        if layout == "titled":
            sheet.row(
                [
                    f"填报单位：{title.removeprefix(COUNTY).removesuffix(kind.name)}",
                    *[None] * 4,
                    "单位：元、亩、公里、平方米",
                ]
            )
            _sections(sheet, kind, labels)
        else:
            sheet.row(labels, BOLD)
        yield f"{path.name}.xlsx", name, sheet
        sheet.close()


def _sections(sheet: Table, kind: RecordKind, labels: Sequence[str]) -> None:
    """A header of two rows: sections merged over their fields, labels below."""
    sections: list[str | None] = []
    spans: list[tuple[int, int]] = []
    for index, declared in enumerate(kind.fields):
        if index and declared.section == kind.fields[index - 1].section:
            sections.append(None)
            spans[-1] = (spans[-1][0], index)
        else:
            sections.append(declared.section)
            spans.append((index, index))
    row = sheet.row(sections, BOLD)
    for first, last in spans:
        if last > first:
            sheet.merge(row, first, row, last)
    sheet.row(labels, BOLD)


def _labels(kind: RecordKind, layout: str) -> list[str]:
    if layout == "titled":
        return [
            f"{f.label}（{f.unit}）" if f.unit in ("亩", "公里", "平方米", "元/年") else f.label for f in kind.fields
        ]
    if layout == "aliases":
        return [_ODD_HEADERS.get(f.key) or _usual_alias(f) for f in kind.fields]
    return [f.label for f in kind.fields]


def _usual_alias(declared: Field) -> str:
    """Every third column goes by a Chinese alias, if it has one that no other field shares."""
    if sum(map(ord, declared.key)) % 3 == 0:
        for alias in declared.aliases:
            if not alias.isascii() and len(alias) > 2:
                return alias
    return declared.label


def household_row(h: Household) -> Fields:
    """The household's fields with the ones that serve linking."""
    return {
        **h.fields,
        "number": h.number,
        "county_name": COUNTY,
        "town_name": h.village.town,
        "village_name": h.village.name,
        "village_code": h.village.code,
        "head_id_number": h.members[0].fields["id_number"],
    }


def person_row(p: Person) -> Fields:
    """The person's fields with the ones that serve linking."""
    h = p.household
    return {
        **p.fields,
        "household_number": h.number,
        "town_name": h.village.town,
        "village_name": h.village.name,
        "group_name": h.fields["group_name"],
        "head_name": h.fields["head_name"],
    }


class _Roster:
    """Writes rows of one kind in one layout."""

    def __init__(self, kind: RecordKind, layout: str) -> None:
        self.kind = kind
        self.layout = layout
        self.labels = _labels(kind, layout)
        style = _STYLES[layout]
        self._renders = [(f.key, renderer(f, style)) for f in kind.fields]

    def cells(self, values: Fields) -> list[Cell]:
        """A row's cells in column order."""
        get = values.get
        return [None if (value := get(key)) is None else render(value) for key, render in self._renders]

    def heading(self, key: str) -> str:
        """The column's label in the file, on one line."""
        return self.labels[self.place(key)].replace("\n", "")

    def place(self, key: str) -> int:
        """The column of a field."""
        return next(i for i, (other, _) in enumerate(self._renders) if other == key)


def write_rosters(town: Town, folder: Path, turn: int) -> Written:
    """Write the town's two rosters; ``turn`` is the town's place among the used ones and decides the layouts."""
    written = Written()
    layout = HOUSEHOLD_LAYOUTS[turn % len(HOUSEHOLD_LAYOUTS)]
    _write_households(town, folder, layout, turn, written)
    layout = PERSON_LAYOUTS[turn % len(PERSON_LAYOUTS)]
    _write_people(town, folder, layout, turn, written)
    return written


def _write_households(town: Town, folder: Path, layout: str, turn: int, written: Written) -> None:
    draw, name = town.draw, town.households[0].village.town
    roster = _Roster(record_kinds()["household"], layout)
    bad = max(2, round(len(town.households) * _REFUSED_SHARE["household"]))
    places = set(draw.shuffled(range(len(town.households)))[:bad])
    title = f"{COUNTY}{name}{roster.kind.name}"
    with _open(folder / f"户信息表_{name}", roster.kind, layout, roster.labels, title) as (file, sheet, table):
        rows = 0
        for i, h in enumerate(town.households):
            cells = roster.cells(household_row(h))
            if draw.chance(_COSMETIC_SHARE) and "phone" in h.fields:
                phone = h.fields["phone"]
                cells[roster.place("phone")] = f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
                written.odd.append((file, sheet, table.row(cells), "phone_dashes", h.number, None))
            else:
                table.row(cells)
            rows += 1
            if draw.chance(_DOUBLED_SHARE):
                written.odd.append((file, sheet, table.row(cells), "doubled", h.number, None))
                rows += 1
            if i in places:
                rows += 1
                cells, key, why = _refused_household(town, roster, h, turn * 2 + len(written.refused))
                written.refused.append((file, sheet, table.row(cells), roster.heading(key), key, why))
    written.files.append((file, "household", rows))


def _refused_household(town: Town, roster: _Roster, like: Household, turn: int) -> tuple[list[Cell], str, str]:
    """A household that is in no other file and has one fault a roster must not have."""
    values = {**household_row(like), "number": f"{like.village.code}{9000 + turn:04d}", "phone": town.numbers.phone()}
    cells = roster.cells(values)
    key, text, why = (
        ("head_name", None, "missing_required"),
        ("household_type", "深度困难户", "unknown_code"),
        ("identified_on", "2023-02-30", "impossible_date"),
        ("number", None, "missing_required"),
        ("house_area", "八十多", "not_a_number"),
    )[turn % 5]
    cells[roster.place(key)] = text
    return cells, key, why


def _write_people(town: Town, folder: Path, layout: str, turn: int, written: Written) -> None:
    draw, name = town.draw, town.households[0].village.town
    roster = _Roster(record_kinds()["person"], layout)
    people = sum(len(h.members) for h in town.households)
    bad = max(3, round(people * _REFUSED_SHARE["person"]))
    places = set(draw.shuffled(range(len(town.households)))[:bad])
    merged = [roster.place(key) for key in _MERGED_KEYS] if layout == "merged" else []
    title = f"{COUNTY}{name}{roster.kind.name}"
    refused = turn * 3
    with _open(folder / f"家庭成员信息表_{name}", roster.kind, layout, roster.labels, title) as (file, sheet, table):
        rows = 0
        for i, h in enumerate(town.households):
            lines: list[tuple[list[Cell], str, str, int | None]] = []  # cells, refused column, what, order
            for p in h.members:
                cells, what = _person_cells(town, roster, p)
                lines.append((cells, "", what, p.order))
                if draw.chance(_DOUBLED_SHARE):
                    lines.append((list(cells), "", "doubled", p.order))
            if i in places:
                cells, key, why = _refused_person(town, roster, h.members[-1], refused)
                lines.append((cells, key, why, None))
                refused += 1
            first = 0
            for place, (cells, key, what, order) in enumerate(lines):
                if place:
                    for column in merged:
                        cells[column] = None
                number = table.row(cells)
                first = first or number
                if key:
                    written.refused.append((file, sheet, number, roster.heading(key), key, what))
                elif what:
                    written.odd.append((file, sheet, number, what, h.number, order))
            if len(lines) > 1:
                for column in merged:
                    table.merge(first, column, first + len(lines) - 1, column)
            rows += len(lines)
    written.files.append((file, "person", rows))


def _person_cells(town: Town, roster: _Roster, p: Person) -> tuple[list[Cell], str]:
    cells = roster.cells(person_row(p))
    draw = town.draw
    if draw.chance(_COSMETIC_SHARE) and not p.moved:
        kind = draw.one(dirt.COSMETIC)
        odd = dirt.cosmetic(draw, kind, p.fields["id_number"], p.fields["name"])
        if odd is not None:
            cells[roster.place("id_number")], cells[roster.place("name")] = odd
            return cells, kind
    return cells, ""


def _refused_person(town: Town, roster: _Roster, like: Person, turn: int) -> tuple[list[Cell], str, str]:
    """Somebody who is in no other file and has one fault a roster must not have."""
    birth = town.lives.birth(40)
    number = town.numbers.id_number(town.draw, birth, "1")
    name = town.names.full(town.names.surname(), "1", 40)
    values = {**person_row(like), "name": name, "sex": "1", "id_number": number, "birth_date": birth, "relation": "21"}
    for key in ("student_state", "school", "phone", "dropout_reason", "yulu_grant"):
        values.pop(key, None)
    cells = roster.cells({**values, "edu_level": "03"})
    key, text, why = (
        ("birth_date", "1985-13-05", "impossible_date"),
        ("relation", "干亲", "unknown_code"),
        ("id_number", None, "missing_required"),
        ("name", None, "missing_required"),
        ("relation", None, "missing_required"),
        ("work_months", "一年多", "not_a_number"),
    )[turn % 6]
    cells[roster.place(key)] = text
    return cells, key, why
