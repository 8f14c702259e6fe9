"""Small workbooks for the tests of intake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
import xlsxwriter

Cell = str | int | float | bool | date | None


def _workbook(path: Path, sheets: dict[str, Sequence[Sequence[Cell]]], merges: Sequence[str] = ()) -> Path:
    book = xlsxwriter.Workbook(str(path))
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, (name, rows) in enumerate(sheets.items()):
        sheet = book.add_worksheet(name)
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, str):
                    sheet.write_string(row, column, cell)
                elif isinstance(cell, date):
                    sheet.write_datetime(row, column, datetime(cell.year, cell.month, cell.day), day)  # noqa: DTZ001
                elif cell is not None:
                    sheet.write(row, column, cell)
        for area in merges if number == 0 else ():
            first = area.split(":")[0]
            column, row = ord(first[0]) - 65, int(first[1:]) - 1
            sheet.merge_range(area, rows[row][column] if column < len(rows[row]) else "")
    book.close()
    return path


@pytest.fixture
def workbook() -> Callable[..., Path]:
    """A function that writes an xlsx with `sheets` (name → rows); `merges` (like "A2:A4") apply to the first sheet."""
    return _workbook
