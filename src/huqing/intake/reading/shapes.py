"""What reading a file gives back, what it refuses, and how far it goes before it refuses."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pyarrow as pa

ROW = "__row__"
"""The column of a read table that holds the row number a clerk sees in Excel (int32, 1-based)."""

# A cell that cannot be taken at its word keeps its text behind one of these marks, so that the check of distinct
# values can refuse it without a second look at the file. They are private-use characters: no keyboard writes them.
LONG_NUMBER = "\uf8f0"
CELL_ERROR = "\uf8f1"
_MARKS = (LONG_NUMBER, CELL_ERROR)

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".et")
TEXTS = (".csv", ".tsv", ".txt")


def plain(cell: str | None) -> str:
    """The text of a cell as the clerk sees it, without the mark of a doubtful cell."""
    if not cell:
        return ""
    return cell[1:] if cell[0] in _MARKS else cell


class ReadError(ValueError):
    """A file cannot be taken in: `place` (file, sheet, row, column), `what` is wrong, and `remedy`, what to do."""

    def __init__(self, place: str, what: str, remedy: str) -> None:
        super().__init__(f"{place}：{what}{remedy}")
        self.place = place
        self.what = what
        self.remedy = remedy


def _memory_default() -> int:
    """Half of the machine's memory in MB, between 1,500 and 4,000."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError, AttributeError):
        total = 4000
    return max(1500, min(4000, total // 2))


def _setting(name: str, default: int) -> int:
    return int(os.environ.get(name, default))


@dataclass(frozen=True)
class Limits:
    """How large a file may be and what reading it may cost. Sizes in bytes or MB as named, times in seconds."""

    file_bytes: int = field(default_factory=lambda: _setting("HUQING_INTAKE_FILE_MB", 200) * 2**20)
    unpacked_bytes: int = 3 * 2**30
    rows: int = 1_048_576
    columns: int = 500
    sheets: int = 100
    memory_mb: int = field(default_factory=lambda: _setting("HUQING_INTAKE_MEMORY_MB", _memory_default()))
    seconds: int = field(default_factory=lambda: _setting("HUQING_INTAKE_SECONDS", 180))


@dataclass(frozen=True)
class SheetPreview:
    """One sheet as the preview page shows it, with what was recognised in it.

    `header_row` is the last row of the header (the row above the first data row), `header_rows` all of them. `kind` is
    the key of the record kind that fits best, "" when none does; `scores` are the candidates, best first. `chosen` says
    that the sheet holds data to take in; otherwise `reason` says why not. `rows` counts every row of the sheet.
    """

    sheet: str
    rows: int
    columns: tuple[str, ...]
    header_row: int
    header_rows: tuple[int, ...]
    samples: tuple[tuple[str, ...], ...]
    sample_rows: tuple[int, ...]
    top: tuple[tuple[int, tuple[str, ...]], ...]
    kind: str
    scores: tuple[tuple[str, float], ...]
    chosen: bool
    reason: str = ""
    visible: bool = True
    encoding: str = ""
    delimiter: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A sheet read in full.

    `table` has one dictionary-encoded string column per file column, named by its (unique) label, and `ROW`. Blank
    cells are null, texts are as written, dates are ISO, numbers are written without exponent and without binary noise.
    Doubtful cells carry a mark (see `plain`). Title, footer, repeated header and blank rows are left out; `dropped`
    says which rows and why.
    """

    sheet: str
    columns: tuple[str, ...]
    header_row: int
    header_rows: tuple[int, ...]
    table: pa.Table
    dropped: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()
    encoding: str = ""
    delimiter: str = ""
