"""Tables as Excel workbooks and CSV: plain data in, files out, a million rows in constant memory.

Every export says who made it and when. A sheet may carry remedies: the wrong cells coloured and a last column that says
what to write instead, so that a clerk corrects the workbook and hands it in again.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import IO, Any, Literal

import xlsxwriter

from huqing.papers.neutral import is_active, neutral, writable
from huqing.standards.money import yuan_text

Cell = str | int | float | Decimal | date | bool | None
Kind = Literal["text", "integer", "decimal", "money", "date"]
REMEDY_TITLE = "问题与应填写（改完可直接重新导入）"
MOST_ROWS = 1_048_575  # of a sheet, below its header
_SAMPLE = 200
_LONGEST_EXACT = 10**15
# Named, so that Chinese is not set in whatever a machine puts in for a font without it.
_FONT = {"font_name": "宋体", "font_size": 11}
_A4, _A3 = 9, 8
_A4_HOLDS = 200  # characters side by side on landscape A4 before the print is too small to read


@dataclass(frozen=True)
class Column:
    """One column. Values of kind "money" are int fen and shown in yuan; `width` in characters, else by content."""

    title: str
    kind: Kind = "text"
    width: float | None = None


@dataclass(frozen=True)
class Row:
    """A row with faults: column index → what to write instead."""

    values: Sequence[Cell]
    faults: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """A table. `rows` is read once, from front to back. With `remedies` the faults of `Row`s are shown."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell] | Row]
    remedies: bool = False


@dataclass(frozen=True)
class Marking:
    """Who exported and when; `note` says what the file is."""

    by: str
    at: datetime
    note: str = ""

    @property
    def line(self) -> str:
        """The marking in one line."""
        note = f"{self.note}；" if self.note else ""
        return f"{note}导出人：{self.by}；导出时间：{self.at:%Y-%m-%d %H:%M}；内含个人信息，仅限工作使用，不得外传"


def write_workbook(
    target: Path | IO[bytes],
    sheets: Iterable[Sheet],
    *,
    marking: Marking | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write `sheets` as an xlsx workbook; returns the number of data rows.

    `progress` is called with the rows written so far, every thousand. Tables longer than a sheet go on in the next one.
    The marking stands in the print footer, the file's properties and a last sheet 导出说明.
    """
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_format_properties": _FONT,
    }
    with xlsxwriter.Workbook(target if not isinstance(target, Path) else str(target), options) as book:
        writer = _Writer(book, marking, progress)
        for sheet in sheets:
            writer.write(sheet)
        if marking:
            writer.write_marking(marking)
        return writer.rows


class _Writer:
    def __init__(self, book: Any, marking: Marking | None, progress: Callable[[int], None] | None) -> None:
        self.book = book
        self.marking = marking
        self.progress = progress
        self.rows = 0
        self.names: set[str] = set()
        line = {"border": 1, "border_color": "#BFBFBF", "valign": "vcenter"}
        header = {**line, "bold": True, "bg_color": "#DCE6F1", "text_wrap": True}
        self.header = book.add_format(header)
        self.header_quoted = book.add_format({**header, "quote_prefix": True})
        self.formats = {
            "text": book.add_format({"num_format": "@"}),
            "integer": book.add_format({"num_format": "0"}),
            "decimal": book.add_format({"num_format": "0.00##"}),
            "money": book.add_format({"num_format": "#,##0.00"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        self.quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        self.wrong = book.add_format({"num_format": "@", "bg_color": "#F8CBAD"})
        self.wrong_quoted = book.add_format({"num_format": "@", "bg_color": "#F8CBAD", "quote_prefix": True})
        remedy = {"num_format": "@", "font_color": "#C00000", "text_wrap": True}
        self.remedy = book.add_format(remedy)
        self.remedy_quoted = book.add_format({**remedy, "quote_prefix": True})
        if marking:
            book.set_properties({"author": marking.by, "comments": marking.line, "created": marking.at})

    def write(self, sheet: Sheet) -> None:
        rows = iter(sheet.rows)
        first = list(islice(rows, _SAMPLE))
        widths = _widths(sheet, first)
        page, at = self._open(sheet, widths), 0
        for row in chain(first, rows):
            if at == MOST_ROWS:
                page, at = self._open(sheet, widths), 0
            at += 1
            self._write_row(page, at, sheet, row)
            self.rows += 1
            if self.progress and self.rows % 1000 == 0:
                self.progress(self.rows)

    def _open(self, sheet: Sheet, widths: list[float]) -> Any:
        page = self.book.add_worksheet(self._name(sheet.name))
        page.freeze_panes(1, 0)
        page.set_row(0, 30)
        for index, column in enumerate(sheet.columns):
            page.set_column(index, index, widths[index], self.formats[column.kind])
            title = writable(column.title)
            page.write_string(0, index, title, self.header_quoted if is_active(title) else self.header)
        if sheet.remedies:
            page.set_column(len(sheet.columns), len(sheet.columns), 60, self.remedy)
            page.write_string(0, len(sheet.columns), REMEDY_TITLE, self.header)
        page.set_landscape()
        page.set_paper(_A4 if sum(widths) <= _A4_HOLDS else _A3)
        page.repeat_rows(0)
        page.fit_to_pages(1, 0)
        footer = f"&L{_footer(self.marking.line)}" if self.marking else ""
        page.set_footer(f"{footer}&R第 &P 页，共 &N 页")
        return page

    def _write_row(self, page: Any, at: int, sheet: Sheet, row: Sequence[Cell] | Row) -> None:
        faults = row.faults if isinstance(row, Row) else {}
        values = row.values if isinstance(row, Row) else row
        for index, (column, value) in enumerate(zip(sheet.columns, values, strict=False)):
            self._write_cell(page, at, index, column.kind, value, wrong=index in faults)
        if sheet.remedies and faults:
            told = _remedies(sheet, faults)
            page.write_string(at, len(sheet.columns), told, self.remedy_quoted if is_active(told) else self.remedy)

    def _write_cell(self, page: Any, at: int, index: int, kind: Kind, value: Cell, *, wrong: bool) -> None:
        shown = _shown(kind, value)
        if shown is None:
            if wrong:
                page.write_blank(at, index, None, self.wrong)
        elif isinstance(shown, str):
            plain, quoted = (self.wrong, self.wrong_quoted) if wrong else (self.formats["text"], self.quoted)
            page.write_string(at, index, shown, quoted if is_active(shown) else plain)
        elif isinstance(shown, date):
            page.write_datetime(at, index, shown, self.formats["date"])
        else:
            page.write_number(at, index, shown, self.formats[kind if kind != "text" else "integer"])

    def _name(self, wanted: str) -> str:
        """A sheet name Excel accepts and this workbook does not have yet."""
        base = "".join(ch for ch in writable(wanted) if ch not in "[]:*?/\\").strip("' ")[:31] or "表"
        name, number = base, 2
        while name.lower() in self.names or name.lower() == "history":
            name, number = f"{base[:26]}({number})", number + 1
        self.names.add(name.lower())
        return name

    def write_marking(self, marking: Marking) -> None:
        page = self.book.add_worksheet(self._name("导出说明"))
        page.set_column(0, 0, 12)
        page.set_column(1, 1, 60)
        lines = [
            ("内容", marking.note),
            ("导出人", marking.by),
            ("导出时间", f"{marking.at:%Y-%m-%d %H:%M}"),
            ("行数", str(self.rows)),
            ("注意", "内含个人信息，仅限工作使用，不得外传"),
        ]
        for at, (title, text) in enumerate(lines):
            page.write_string(at, 0, title, self.header)
            page.write_string(at, 1, writable(text), self.quoted if is_active(text) else self.formats["text"])


def _shown(kind: Kind, value: Cell) -> str | int | float | date | None:
    """What goes into the cell: numbers as numbers unless a spreadsheet would lose digits, days as days, else text."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        return day if day.year >= 1900 else day.isoformat()
    return _number(kind, value)


def _number(kind: Kind, value: int | float | Decimal) -> str | int | float:
    if not isfinite(value) or not -_LONGEST_EXACT < value < _LONGEST_EXACT:
        return str(value)
    if kind == "money":
        return float(Decimal(value) / 100)
    return float(value) if isinstance(value, Decimal) else value


def _remedies(sheet: Sheet, faults: Mapping[int, str]) -> str:
    parts = []
    for index, text in sorted(faults.items()):
        title = sheet.columns[index].title if 0 <= index < len(sheet.columns) else ""
        parts.append(f"{title}：{text}" if title and f"「{title}」" not in text else text)
    return writable("；".join(parts))


def _widths(sheet: Sheet, rows: Sequence[Sequence[Cell] | Row]) -> list[float]:
    widths = [min(max(_width(column.title) / 2 + 4, 8.0), 40.0) for column in sheet.columns]
    for row in rows:
        values = row.values if isinstance(row, Row) else row
        for index, (column, value) in enumerate(zip(sheet.columns, values, strict=False)):
            widths[index] = max(widths[index], min(_width(str(_shown(column.kind, value) or "")) + 2, 40.0))
    return [column.width or width for column, width in zip(sheet.columns, widths, strict=True)]


def _width(text: str) -> float:
    """The width of the first line in characters; Chinese characters are two wide."""
    return sum(2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text[:60].split("\n", 1)[0])


def _footer(line: str) -> str:
    # "&" starts a code in a print footer, and Excel refuses footers of more than 255 characters.
    return line.replace("&", "&&")[:180]


def csv_lines(sheet: Sheet, *, marking: Marking | None = None) -> Iterator[str]:
    """The lines of `sheet` as CSV (quoted where needed, CRLF), for a response that streams.

    The marking is the last line, alone in its first cell.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")

    def line(cells: Iterable[str]) -> str:
        writer.writerow([neutral(cell) for cell in cells])
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    titles = [column.title for column in sheet.columns]
    yield line([*titles, REMEDY_TITLE] if sheet.remedies else titles)
    for row in sheet.rows:
        values = row.values if isinstance(row, Row) else row
        cells = [_csv_cell(column.kind, value) for column, value in zip(sheet.columns, values, strict=False)]
        if sheet.remedies:
            faults = row.faults if isinstance(row, Row) else {}
            cells = [*cells, *[""] * (len(titles) - len(cells)), _remedies(sheet, faults) if faults else ""]
        yield line(cells)
    if marking:
        yield line([f"（{marking.line}）"])


def _csv_cell(kind: Kind, value: Cell) -> str:
    if kind == "money" and isinstance(value, int) and not isinstance(value, bool):
        return yuan_text(value)
    shown = _shown(kind, value)
    return "" if shown is None else str(shown)


def write_csv(
    target: Path | IO[bytes], sheet: Sheet, *, marking: Marking | None = None, encoding: str = "utf-8-sig"
) -> None:
    """Write `sheet` as CSV; the default encoding opens correctly in Excel and in everything else."""
    if isinstance(target, Path):
        with target.open("wb") as file:
            write_csv(file, sheet, marking=marking, encoding=encoding)
        return
    codec = encoding
    for text in csv_lines(sheet, marking=marking):
        target.write(text.encode(codec, errors="replace"))
        codec = "utf-8" if codec == "utf-8-sig" else codec
