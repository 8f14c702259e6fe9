"""Problems of a sheet, kept by the column: a file may hold millions, most of them the same few sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import pyarrow as pa

Severity = Literal["refused", "warning"]


@dataclass(frozen=True)
class Problem:
    """What is wrong in one row. `value` is already masked when the field is sealed; fits `RowProblem` of the models."""

    severity: Severity
    row: int
    column: str
    value: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """One distinct problem, without the row."""

    severity: Severity
    column: str
    value: str
    message: str
    remedy: str


class Problems(Sequence[Problem]):
    """The problems of a sheet by row and then by column; a sequence of `Problem`."""

    def __init__(self, findings: Sequence[Finding] = (), rows: Sequence[np.ndarray] = ()) -> None:
        """`rows[i]` are the row numbers `findings[i]` was made in."""
        self.findings = tuple(findings)
        numbers = np.concatenate([np.asarray(found, np.int32) for found in rows]) if rows else np.zeros(0, np.int32)
        which = np.repeat(np.arange(len(rows), dtype=np.int32), [len(found) for found in rows])
        order = np.lexsort((which, numbers))
        self.rows: np.ndarray = numbers[order]
        self.which: np.ndarray = which[order]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Problem: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Problem, ...]: ...
    def __getitem__(self, index: int | slice) -> Problem | tuple[Problem, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        found = self.findings[self.which[index]]
        return Problem(found.severity, int(self.rows[index]), found.column, found.value, found.message, found.remedy)

    def __iter__(self) -> Iterator[Problem]:
        return (self[index] for index in range(len(self)))

    def of_severity(self, severity: Severity) -> np.ndarray:
        """A mask over the problems."""
        wanted = np.array([found.severity == severity for found in self.findings], bool)
        return wanted[self.which] if len(wanted) else np.zeros(0, bool)

    def table(self) -> pa.Table:
        """The problems as an Arrow table with the columns of `RowProblem`: for writing them in bulk."""
        columns = {"row_number": pa.array(self.rows, pa.int32())}
        indices = pa.array(self.which, pa.int32())
        for name in ("severity", "column", "value", "message", "remedy"):
            texts = pa.array([getattr(found, name) for found in self.findings], pa.string())
            columns[name] = pa.DictionaryArray.from_arrays(indices, texts)
        return pa.table(columns)
