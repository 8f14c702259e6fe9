"""A fault of a file as the helper process reports it; the caller adds the name the user gave the file."""

from __future__ import annotations


class Fault(Exception):
    """What is wrong with a file and what to do, both whole Chinese sentences; sheet, row and column where known."""

    def __init__(self, what: str, remedy: str, *, sheet: str = "", row: int = 0, column: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.sheet = sheet
        self.row = row
        self.column = column
