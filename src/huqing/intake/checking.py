"""Every cell of a sheet against the declarations: good rows as typed columns, refused rows with place and remedy."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import pyarrow as pa

from huqing.standards.fields import RecordKind


@dataclass(frozen=True)
class Problem:
    """What is wrong in one row. `value` is already masked when the field is sealed; fits `RowProblem` of the models."""

    severity: Literal["refused", "warning"]
    row: int
    column: str
    value: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Checked:
    """The outcome of checking one sheet.

    `table`: the good rows: `ROW` (int32) and one column per mapped field, named by the field's key and typed:
    text/name/region/month/sealed → string, integer/year → int32, money → int64 fen, decimal → decimal128(18, scale),
    date → date32, boolean → bool, code → string, codes → list<string>. Missing is null. Sealed columns hold plain
    normalised text: keep them in memory only.
    `counts`: rows (non-blank rows read), good, refused, duplicates (dropped), warnings (rows taken in with a warning).
    """

    table: pa.Table
    problems: tuple[Problem, ...]
    counts: MappingType[str, int]
    refused_rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=())


def check(table: pa.Table, kind: RecordKind, mapping: MappingType[str, str], *, as_of: date) -> Checked:
    """Check every row of `table` (from `read_sheet`) under `mapping` (file column → field key)."""
    raise NotImplementedError
