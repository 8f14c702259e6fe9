"""Cells of one row that contradict each other: told to the clerk, kept as they are, decided by nobody here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from huqing.intake.problem_list import Finding
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field

_NO_DAY = -(2**31)


@dataclass
class CheckedColumn:
    """One checked column: `codes` index `values` (and `sound`: nothing was wrong with it) per row, -1 for nothing."""

    label: str
    field: Field
    codes: np.ndarray
    values: pa.Array
    refused: np.ndarray
    sound: np.ndarray

    def taken(self, rows: np.ndarray) -> pa.Array:
        """The values of `rows` (a mask)."""
        codes = self.codes[rows]
        return self.values.take(pa.array(codes, pa.int32(), mask=codes < 0))


def contradictions(columns: dict[str, CheckedColumn], rows: np.ndarray) -> list[tuple[np.ndarray, Finding]]:
    """Which of `rows` say another sex or birth date than their valid ID number does."""
    number = columns.get("id_number")
    if number is None:
        return []
    texts = [
        text if text and len(text) == 18 and sound else None
        for text, sound in zip(number.values.to_pylist(), number.sound, strict=True)
    ]
    trusted = np.array([*(text is not None for text in texts), False])[number.codes] & rows
    value, label = f"与{number.field.label}不符", number.field.label
    found = []
    sex = columns.get("sex")
    if sex is not None:
        said = np.array([*(text or "" for text in sex.values.to_pylist()), ""])[sex.codes]
        own = np.array([*(("1" if int(text[16]) % 2 else "2") if text else "" for text in texts), ""])[number.codes]
        differs = trusted & np.isin(said, ["1", "2"]) & (own != said)
        man = codelist(sex.field.codelist).label("1")
        remedy = f"请对照身份证核对性别和{label}（第 17 位单数为{man}）"
        message = f"「{sex.field.label}」与{label}第 17 位不一致"
        found.append((differs, Finding("warning", sex.label, value, message, remedy)))
    birth = columns.get("birth_date")
    if birth is not None:
        days = birth.values.cast(pa.int32()).fill_null(_NO_DAY).to_numpy(zero_copy_only=False)
        said = np.array([*days, _NO_DAY])[birth.codes]
        own = np.array([*(_day(text) if text else _NO_DAY for text in texts), _NO_DAY])[number.codes]
        differs = trusted & (said != _NO_DAY) & (own != said)
        message = f"「{birth.field.label}」与{label}第 7 到 14 位不一致"
        remedy = f"请对照身份证核对出生日期和{label}"
        found.append((differs, Finding("warning", birth.label, value, message, remedy)))
    return [(differs, finding) for differs, finding in found if differs.any()]


def _day(number: str) -> int:
    """Days since 1970 of the birth date in a valid 18-digit number."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14])).toordinal() - date(1970, 1, 1).toordinal()
