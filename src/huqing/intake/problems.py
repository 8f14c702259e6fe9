"""The workbook of refused rows: corrected by the clerk and taken in again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from huqing.intake.problem_list import Problem
from huqing.intake.reading.shapes import ROW
from huqing.papers.sheets import REMEDY_TITLE, Cell, Column, Marking, Row, Sheet, write_workbook
from huqing.standards.fields import RecordKind

PROBLEM_COLUMN = REMEDY_TITLE
"""The label of the column that explains a row; a corrected workbook is taken in without it."""

_NUMBERS = frozenset({"integer", "decimal", "money", "year"})
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d{0,13})(\.\d{1,9})?")


def write_correction(
    path: Path,
    table: pa.Table,
    columns: tuple[str, ...],
    problems: Iterable[Problem],
    *,
    kind: RecordKind,
    mapping: Mapping[str, str],
    sheet: str,
    marking: Marking,
) -> int:
    """Write the refused rows of `table` (from `read_sheet`) to an xlsx at `path`; returns how many there are.

    The columns are those of the file, in its order and under its labels, so that the corrected workbook is taken in
    like the first one. Cells with a problem are coloured; a last column says row by row what is wrong and what to
    write. ID numbers are in full, as in the file the clerk uploaded: the caller records the export. Doubtful cells keep
    their mark, so that they are refused again unless they are corrected. Nothing in the workbook is a formula.
    """
    explained: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.severity == "refused":
            explained.setdefault(problem.row, []).append(problem)
    rows = table.filter(pa.array(np.isin(table.column(ROW).to_numpy(), list(explained))))
    numeric = {label for label, key in mapping.items() if kind[key].type in _NUMBERS}
    page = Sheet(
        name=sheet or "待改正的行",
        columns=[Column(label) for label in columns],
        rows=_rows(rows, columns, explained, numeric),
        remedies=True,
    )
    write_workbook(path, [page], marking=marking)
    return int(rows.num_rows)


def _rows(
    rows: pa.Table, columns: tuple[str, ...], explained: Mapping[int, list[Problem]], numeric: set[str]
) -> Iterator[Row]:
    places = {label: index for index, label in enumerate(columns)}
    for batch in rows.to_batches(max_chunksize=5_000):
        for row in batch.to_pylist():
            values = [_cell(row[label], number=label in numeric) for label in columns]
            yield Row(values, _faults(row[ROW], explained[row[ROW]], places))


def _cell(text: str | None, *, number: bool) -> Cell:
    return Decimal(text) if text and number and _PLAIN_NUMBER.fullmatch(text) else text


def _faults(number: int, problems: list[Problem], places: Mapping[str, int]) -> dict[int, str]:
    """Column index → what is wrong and what to write; what concerns the row as a whole comes behind the last column."""
    faults: dict[int, str] = {}
    for problem in problems:
        told = f"{problem.message}：{problem.remedy}"
        at = places.get(problem.column, len(places))
        faults[at] = f"{faults[at]}；{told}" if at in faults else told
    faults[len(places) + 1] = f"原第 {number} 行"
    return faults
