"""The workbook of refused rows: corrected by the clerk and taken in again."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from huqing.intake.checking import Checked

PROBLEM_COLUMN = "问题"
"""The label of the column that explains a row; reading a corrected workbook leaves it out."""


def write_correction(
    path: Path, table: pa.Table, columns: tuple[str, ...], checked: Checked, *, sheet: str, made_by: str
) -> int:
    """Write the refused rows of `table` to an xlsx at `path` and return how many there are. The caller audits it."""
    raise NotImplementedError
