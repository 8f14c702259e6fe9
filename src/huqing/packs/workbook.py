"""A form as its author sees it: sheets of rows, each with the place to name in an error.

pyxform reads the four kinds of file (xlsx, xls, csv, md); text files are decoded before, because Chinese Windows still
saves CSV as GBK. In text files a place is a line of the file, in workbooks a row of a sheet.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from huqing.packs.errors import FormProblem
from huqing.packs.reasons import Reason, crashed, explained

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".csv", ".md")
TEXTS = (".csv", ".md")
LARGEST = 5 * 1024 * 1024
LARGEST_UNPACKED = 60 * 1024 * 1024
MOST_ROWS = 20_000
SHEETS = ("survey", "choices", "settings", "external_choices", "entities", "osm")
_CELLS = re.compile(r"\s*\|(.*)\|\s*")
_SEPARATOR = re.compile(r"^[|-]+$")
_COMMENT = re.compile(r"^(.*)(#[^|]+)$")


class Unreadable(ValueError):
    """A file is no form; ``problem`` says why and what to do."""

    def __init__(self, problem: FormProblem) -> None:
        self.problem = problem
        super().__init__(str(problem))


@dataclass
class Workbook:
    """The sheets of a form. ``rows`` maps a sheet to the row of the file (1 = header) each of its data rows stood in.

    ``header`` is a sheet's columns in order. ``lines`` maps (sheet, row) to the line of a text file.
    """

    name: str
    sheets: dict[str, list[dict[str, str]]]
    headers: dict[str, list[str]]
    sheet_names: list[str]
    rows: dict[str, list[int]] = field(default_factory=dict)
    lines: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The name of the file without its ending."""
        return PurePath(self.name).stem

    def problem(self, sheet: str, row: int, column: str, problem: str, remedy: str) -> FormProblem:
        """A mistake at a row of the file."""
        return FormProblem(self.name, sheet, row, column, problem, remedy, self.lines.get((sheet, row), 0))

    def row_of(self, sheet: str, counted: int) -> int:
        """The row of the file for the row pyxform counted (2 = the first below the header); 0 stays 0."""
        rows = self.rows.get(sheet, [])
        return rows[counted - 2] if 2 <= counted < len(rows) + 2 else counted

    def as_pyxform(self) -> dict[str, Any]:
        """The sheets as pyxform takes them."""
        made: dict[str, Any] = {"sheet_names": self.sheet_names, "fallback_form_name": self.stem}
        for sheet, rows in self.sheets.items():
            made[sheet] = [dict(row) for row in rows]
            header = self.headers.get(sheet, [])
            made[f"{sheet}_header"] = [dict.fromkeys(header)] if header else []
        return made


def read_workbook(content: bytes, name: str) -> Workbook:
    """The sheets of a file; Unreadable for one that is too large, broken or no form at all."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise Unreadable(_whole(name, f"不认识文件类型“{suffix or name}”", f"另存为 {'、'.join(SUFFIXES)} 之一"))
    if len(content) > LARGEST:
        raise Unreadable(_whole(name, f"文件超过 {LARGEST >> 20} MB", "删去图片和无关的表再上传"))
    if suffix in TEXTS:
        content = _decoded(content, name).encode()
    elif suffix != ".xls":
        _must_unpack(content, name)
    read = _parsed(content, name, suffix)
    sheets: dict[str, list[dict[str, str]]] = {}
    headers: dict[str, list[str]] = {}
    for sheet in SHEETS:
        found: Sequence[Mapping[str, Any]] | None = getattr(read, sheet)
        if found is None:
            continue
        if len(found) > MOST_ROWS:
            raise Unreadable(_whole(name, f"{sheet} 表超过 {MOST_ROWS} 行", "删去多余的行，长名单改用附件"))
        sheets[sheet] = [dict(row) for row in found]
        header = getattr(read, f"{sheet}_header") or [{}]
        headers[sheet] = list(header[0])
    book = Workbook(name, sheets, headers, list(read.sheet_names or []))
    book.rows = {sheet: list(range(2, len(rows) + 2)) for sheet, rows in sheets.items()}
    if suffix in TEXTS:
        lines = _lines(content.decode(), suffix)
        alone = len({sheet for sheet, _ in lines}) == 1  # pyxform takes a single sheet of any name for the survey
        book.lines = {("survey" if alone else sheet, row): line for (sheet, row), line in lines.items()}
    return book


def _whole(name: str, problem: str, remedy: str) -> FormProblem:
    return FormProblem(name, "", 0, "", problem, remedy)


def _decoded(content: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(_whole(name, "文字读不出来", "用 UTF-8 编码另存"))


def _must_unpack(content: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        return  # pyxform tries the other kinds and says that it is none
    if size > LARGEST_UNPACKED:
        raise Unreadable(_whole(name, "解开后太大，不像一份表单", "删去图片和无关的表再上传"))


def _parsed(content: bytes, name: str, suffix: str) -> Any:
    from pyxform.errors import PyXFormError
    from pyxform.xls2json_backends import Definition, definition_to_dict

    definition = Definition(data=io.BytesIO(content), file_type=None, file_path_stem=PurePath(name).stem)
    try:
        if suffix == ".xls":
            _opens(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl on parts of workbooks that no form has
            return definition_to_dict(definition=definition, file_type=suffix)
    except PyXFormError as error:
        reason = explained(str(error))[0]
    except TypeError as error:
        reason = crashed(error)
    except Exception as error:  # pyxform and the readers below it break on damaged files in many ways
        longer = isinstance(error, IndexError) and suffix in TEXTS
        problem = "有一行的格子比表头多" if longer else "文件损坏，读不出来"
        remedy = "给多出的格子补上列名，或删去" if longer else "用 Excel 打开，另存一份再上传"
        reason = Reason("", 0, "", problem, remedy)
    raise Unreadable(FormProblem(name, reason.sheet, reason.row, reason.column, reason.problem, reason.remedy))


def _opens(content: bytes) -> None:
    """Fails for a damaged workbook without printing what xlrd thinks of it, which pyxform would let it do."""
    from xlrd import open_workbook

    open_workbook(file_contents=content, logfile=io.StringIO()).release_resources()


def _lines(text: str, suffix: str) -> dict[tuple[str, int], int]:
    """The line of the file for each (sheet, row), rows counted as pyxform counts those of text files."""
    return _csv_lines(text) if suffix == ".csv" else _markdown_lines(text)


def _csv_lines(text: str) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    reader = csv.reader(io.StringIO(text, newline=""))
    sheet, row, line = "", 0, 1
    for cells in reader:
        begins, line = line, reader.line_num + 1
        if cells and cells[0].strip():
            sheet, row = cells[0].strip().lower(), 0
        if any(cell.strip() for cell in cells[1:]):
            row += 1
            found[sheet, row] = begins
    return found


def _markdown_lines(text: str) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    sheet, row = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#"):
            continue
        comment = _COMMENT.match(line)
        cells = _CELLS.match(comment[1] if comment else line)
        if not cells or _SEPARATOR.match(cells[1]):
            continue
        first, *rest = re.split(r"(?<!\\)\|", cells[1])
        if first.strip():
            sheet, row = first.strip().lower(), 0
        if sheet and any(cell.strip() for cell in rest):
            row += 1
            found[sheet, row] = number
    return found
