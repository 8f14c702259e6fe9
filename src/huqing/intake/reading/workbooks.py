"""Workbooks in the helper process: cells as text, with the few things about them that text alone does not say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastexcel
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huqing.intake.reading import packages, spans
from huqing.intake.reading.faults import Fault
from huqing.intake.reading.packages import Merge, SheetFacts
from huqing.intake.reading.shapes import CELL_ERROR, LONG_NUMBER

Report = Callable[[str], None]

_RESAVE = "请在 Excel 或 WPS 中打开后另存为 .xlsx，再上传。"
_ERROR = re.compile(r"Error\((\w+)\)")
_ERRORS = {
    "Div0": "#DIV/0!",
    "NA": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]00:00:00(?:\.0+)?")


@dataclass
class RawSheet:
    """A sheet as stored: one dictionary-encoded string array per column, the first one for column index `left`."""

    name: str
    columns: list[pa.DictionaryArray]
    left: int = 0
    rows: int = 0
    visible: bool = True
    merges: list[Merge] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    encoding: str = ""
    delimiter: str = ""
    fault: Fault | None = None


class Workbook:
    """An open workbook of any format the reader knows; every failure comes out as a `Fault`."""

    def __init__(self, path: str, file_format: str, *, unpacked_bytes: int, columns: int, rows: int) -> None:
        self.path = path
        self.format = file_format
        self.unpacked_bytes = unpacked_bytes
        self.most_columns = columns
        self.most_rows = rows
        self.package = packages.open_package(path, most_bytes=unpacked_bytes) if file_format != "xls" else None
        self.parts = packages.sheet_parts(self.package) if self.package and file_format == "xlsx" else {}
        right_name = Path(path).suffix.lower() in {f".{file_format}", ".xlsm" if file_format == "xlsx" else ""}
        self.source: str | bytes = path if right_name else Path(path).read_bytes()
        with _native():
            self.reader = fastexcel.read_excel(self.source)
        self.names: list[str] = list(self.reader.sheet_names)
        self._spans: dict[str, list[Merge]] | None = None

    def sheet(self, name: str) -> RawSheet:
        """The whole sheet `name`."""
        with ThreadPoolExecutor(1) as beside:
            # The native reader lets other threads run, so the pass over the XML costs next to nothing.
            scanned = beside.submit(self._facts, name, 0)
            raw = self._load(self.reader, name)
            facts = scanned.result()
        if self.format == "xlsx":
            raw.merges = facts.merges
            _mark(raw, facts.long_numbers, LONG_NUMBER)
            if facts.unplaced or name not in self.parts:
                self._find_long_numbers(raw)
            if name not in self.parts:
                raw.notes.append("无法核对合并单元格；如有，请另存为新的 .xlsx 后重新上传。")
        else:
            raw.merges = self._merges(name)
            if self.format == "xlsb":
                raw.notes.append("xlsb 文件的合并单元格只读到左上一格；如有，请另存为 .xlsx 后重新上传。")
            self._find_long_numbers(raw)
        return raw

    def heads(self, most_rows: int, report: Report) -> Iterator[RawSheet]:
        """The first rows of every sheet; `rows` still counts the whole sheet."""
        found = {}
        for name in self.names:
            report(name)
            found[name] = self._facts(name, most_rows)
        short = {self.parts[name]: facts.head for name, facts in found.items() if facts.head is not None}
        reader = self.reader
        if short and self.package:
            with contextlib.suppress(Fault), _native():
                reader = fastexcel.read_excel(packages.shortened(self.package, short))
        for name in self.names:
            report(name)
            try:
                raw = self._load(reader, name, most_rows)
            except Fault as fault:
                yield RawSheet(name, [], fault=fault)
                continue
            raw.merges = [m for m in (found[name].merges or self._merges(name)) if m[0] < most_rows]
            if found[name].head is not None:
                raw.rows = max(raw.rows, found[name].rows)
            yield raw

    def _facts(self, name: str, head_rows: int) -> SheetFacts:
        part = self.parts.get(name)
        if not part or not self.package:
            return SheetFacts()
        return packages.scan(self.package, part, head_rows=head_rows, most_bytes=self.unpacked_bytes)

    def _load(self, reader: Any, name: str, most_rows: int | None = None) -> RawSheet:
        with _native(name):
            sheet = reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="string", n_rows=most_rows)
            rows, width = sheet.total_height, sheet.width
        if width > self.most_columns:
            raise Fault(
                f"有 {width} 列，超出 {self.most_columns} 列的上限。",
                "请删去数据右侧多余的列（包括只设过格式的空列），只留要导入的列，再上传。",
                sheet=name,
            )
        if rows > self.most_rows:
            raise Fault(f"有 {rows} 行，超出 {self.most_rows} 行的上限。", "请分成几个文件上传。", sheet=name)
        visible = sheet.visible == "visible"
        if not width or not rows:
            return RawSheet(name, [], visible=visible)
        with _native(name):
            left = min(column.absolute_index for column in sheet.selected_columns)
            batch, faulty = sheet.to_arrow_with_errors()
        del sheet
        raw = RawSheet(name, [encoded(batch.column(index)) for index in range(batch.num_columns)], left, rows, visible)
        errors = [(error.position, _ERROR.search(error.detail)) for error in (faulty.errors if faulty else ())]
        _mark(raw, [(row, left + column, _shown_error(said)) for (row, column), said in errors], CELL_ERROR)
        return raw

    def _merges(self, name: str) -> list[Merge]:
        if self.format == "ods" and self.package:
            if self._spans is None:
                self._spans = spans.merges_of(self.package)
            return self._spans.get(name, [])
        if self.format != "xls":
            return []
        from python_calamine import CalamineWorkbook

        with _native(name):
            ranges = CalamineWorkbook.from_path(self.path).get_sheet_by_name(name).merged_cell_ranges or []
        return [(top, left, bottom, right) for (top, left), (bottom, right) in ranges]

    def _find_long_numbers(self, raw: RawSheet) -> None:
        """Find numbers that lost their last digits where no XML can be scanned for them."""
        for index, column in enumerate(raw.columns):
            texts = column.dictionary.to_pylist()
            long = {code for code, text in enumerate(texts) if text and _may_be_number(text)}
            if not long:
                continue
            numeric = self._numeric(raw.name, raw.left + index)
            codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            hits = np.flatnonzero(np.isin(codes, list(long)) & numeric[: len(codes)])
            places = [(int(row), raw.left + index, _rounded(texts[codes[row]])) for row in hits]
            _mark(raw, places, LONG_NUMBER)

    def _numeric(self, name: str, column: int) -> np.ndarray:
        """Which rows of a column hold a number: read as booleans, numbers are true and texts are missing."""
        with _native(name):
            sheet = self.reader.load_sheet(name, header_row=None, skip_rows=0, dtypes="boolean", use_columns=[column])
            return np.asarray(sheet.to_arrow().column(0).is_valid().to_numpy(zero_copy_only=False))


def encoded(column: pa.Array) -> pa.DictionaryArray:
    """`column` dictionary-encoded, with blank cells null and midnight cut off dates."""
    array = pc.dictionary_encode(column)
    texts = array.dictionary.to_pylist()
    changed: dict[int, str | None] = {}
    for code, text in enumerate(texts):
        if not text.strip():
            changed[code] = None
        elif text[4:5] == "-" and (date := _MIDNIGHT.fullmatch(text)):
            changed[code] = date[1]
    if not changed:
        return array
    # Two texts may have become one, so the dictionary is made anew and the codes follow it.
    for code, text in changed.items():
        texts[code] = text
    again = pc.dictionary_encode(pa.array(texts, pa.string()))
    indices = pc.take(again.indices, array.indices)
    return pa.DictionaryArray.from_arrays(indices, again.dictionary)


def _mark(raw: RawSheet, places: list[tuple[int, int, str]], mark: str) -> None:
    by_column: dict[int, list[tuple[int, str]]] = {}
    for row, column, text in places:
        index = column - raw.left
        if 0 <= index < len(raw.columns) and row < len(raw.columns[index]):
            by_column.setdefault(index, []).append((row, text))
    for index, cells in by_column.items():
        column = raw.columns[index]
        codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).copy()
        texts = column.dictionary.to_pylist()
        known: dict[str, int] = {}
        for row, text in cells:
            if text not in known:
                known[text] = len(texts)
                texts.append(mark + text)
            codes[row] = known[text]
        indices = pa.array(codes, pa.int32(), mask=codes < 0)
        raw.columns[index] = pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()))


def _shown_error(said: re.Match[str] | None) -> str:
    return _ERRORS.get(said[1], f"#{said[1].upper()}") if said else "#ERROR"


def _may_be_number(text: str) -> bool:
    """Whether a text of 16 digits or more could be a double that was entered with 15 digits."""
    if len(text) <= 15 or len(text) > 300 or not (text.isascii() and text.isdigit()):
        return False
    rounded = _rounded(text)
    return text == rounded or int(text) == int(float(rounded))


def _rounded(digits: str) -> str:
    """`digits` with all but the first 15 significant ones made 0, which is what Excel has kept of them."""
    return str(int(Decimal(f"{Decimal(digits):.14E}")))


@contextlib.contextmanager
def _native(sheet: str = "") -> Iterator[None]:
    """Turn whatever the native reader throws, panics included, into a Fault."""
    try:
        yield
    except (Fault, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        said = str(error)
        if "password" in said.lower() or "encrypted" in said.lower():
            raise Fault("文件加了密码。", "请打开文件，去掉密码后另存，再上传。", sheet=sheet) from error
        if "limit exceeded" in said:
            raise Fault(
                "表格区域大得不合理（整行整列都设了格式或重复）。",
                "请把要导入的数据复制到新的工作簿，另存为 .xlsx，再上传。",
                sheet=sheet,
            ) from error
        raise Fault("文件内容已损坏，或不是真正的表格文件。", _RESAVE, sheet=sheet) from error
