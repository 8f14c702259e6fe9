"""Plain data in, files out: workbooks and CSV that are safe to open and say who made them."""

from huqing.papers.neutral import neutral, restore
from huqing.papers.sheets import (
    REMEDY_TITLE,
    Cell,
    Column,
    Marking,
    Row,
    Sheet,
    csv_lines,
    write_csv,
    write_workbook,
)

__all__ = [
    "REMEDY_TITLE",
    "Cell",
    "Column",
    "Marking",
    "Row",
    "Sheet",
    "csv_lines",
    "neutral",
    "restore",
    "write_csv",
    "write_workbook",
]
