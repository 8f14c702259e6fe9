"""Spreadsheets and text files in: previews with what was recognised, and whole sheets as Arrow tables of strings.

Nothing of a foreign file is parsed in the calling process: a helper process with limited memory and time does it, so
that a hostile or broken file costs one clear message.
"""

from __future__ import annotations

from huqing.intake.reading.shapes import (
    CELL_ERROR,
    LONG_NUMBER,
    ROW,
    Limits,
    ReadError,
    Sheet,
    SheetPreview,
    plain,
)

__all__ = [
    "CELL_ERROR",
    "LONG_NUMBER",
    "ROW",
    "Limits",
    "ReadError",
    "Sheet",
    "SheetPreview",
    "plain",
    "read_sheet",
    "read_tables",
]


def read_tables(path, *, limit=None, name="", limits=None):
    """Every sheet of a file with its first rows (`limit`, default 20), header, kind and whether to take it in.

    `name` is the name the user gave the file (uploads are stored under another one); messages use it and its words
    help to recognise the kind. Raises `ReadError`.
    """
    raise NotImplementedError


def read_sheet(path, sheet="", header_row=None, *, name="", encoding="", delimiter="", limits=None):
    """One sheet in full (`sheet` "" means the first one chosen). `header_row` is the last header row, None detects it.

    Raises `ReadError`.
    """
    raise NotImplementedError
