"""Every cell of a sheet against the declarations: good rows as typed columns, refused rows with place and remedy.

A column is checked once per distinct value and the outcome is spread over its rows: of a county's 12 million cells
fewer than a million are distinct.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import cast

import numpy as np
import pyarrow as pa

from huqing.access.numbers import hide_numbers
from huqing.access.seal import Kind, mask
from huqing.intake.contradictions import CheckedColumn, contradictions
from huqing.intake.duplicates import duplicates
from huqing.intake.mapping import missing_fields
from huqing.intake.problem_list import Finding, Problem, Problems, Severity
from huqing.intake.reading.shapes import CELL_ERROR, LONG_NUMBER, ROW, plain
from huqing.standards.fields import Field, RecordKind
from huqing.standards.value_problems import Problem as ValueProblem
from huqing.standards.values import check_value

__all__ = ["Checked", "MappingError", "Problem", "Problems", "check"]

LONGEST_SHOWN = 200
_NUMERIC = frozenset({"integer", "decimal", "money"})
_TYPES = {
    "integer": pa.int32(),
    "year": pa.int32(),
    "money": pa.int64(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "codes": pa.list_(pa.string()),
}


class MappingError(ValueError):
    """The mapping cannot be checked against: a required field has no column, or a column is not in the sheet."""


@dataclass(frozen=True)
class Checked:
    """The outcome of checking one sheet.

    `table`: the good rows: `ROW` (int32) and one column per mapped field, named by the field's key and typed:
    text/name/region/month/code/sealed → string, integer/year → int32, money → int64 fen, decimal → decimal128(18,
    scale), date → date32, boolean → bool, codes → list<string>. Missing is null. Sealed columns hold plain normalised
    text: keep them in memory only.
    `counts`: rows (non-blank rows read), good, refused, duplicates (left out because another row says the same),
    warnings (good rows with at least one warning).
    """

    table: pa.Table
    problems: Problems
    counts: MappingType[str, int]
    refused_rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Sheet:
    """What the check of every column needs: row numbers, which rows are not blank, and where problems are noted."""

    numbers: np.ndarray
    rows: np.ndarray
    as_of: date
    findings: list[Finding] = field(default_factory=list)
    found_in: list[np.ndarray] = field(default_factory=list)

    def note(self, rows: np.ndarray, finding: Finding) -> None:
        """Note `finding` for `rows`, given as row numbers of the file."""
        cut = replace(
            finding,
            column=finding.column[:100],
            value=finding.value[:LONGEST_SHOWN],
            message=finding.message[:300],
            remedy=finding.remedy[:300],
        )
        self.findings.append(cut)
        self.found_in.append(rows)


def check(table: pa.Table, kind: RecordKind, mapping: MappingType[str, str], *, as_of: date) -> Checked:
    """Check every row of `table` (from `read_sheet`) under `mapping` (file column → field key).

    Raises `MappingError` when a required field has no column or the mapping does not fit the table or kind.
    """
    _fits(table, kind, mapping)
    encoded = {label: _dictionary(table.column(label)) for label in mapping}
    numbers = table.column(ROW).to_numpy().astype(np.int32)
    blank = np.ones(len(numbers), bool)
    for array in encoded.values():
        blank &= array.indices.is_null().to_numpy(zero_copy_only=False)
    sheet = _Sheet(numbers, ~blank, as_of)
    columns = {key: _checked(sheet, encoded.pop(label), label, kind[key]) for label, key in mapping.items()}
    refused = np.zeros(len(numbers), bool)
    for column in columns.values():
        refused |= column.refused
    good = sheet.rows & ~refused
    for rows, finding in contradictions(columns, good):
        sheet.note(numbers[rows], finding)
    typed = pa.table([pa.array(numbers[good]), *(column.taken(good) for column in columns.values())], [ROW, *columns])
    same = duplicates(typed, kind)
    for finding, finding_rows in same.findings:
        sheet.note(finding_rows, finding)
    dropped = np.concatenate([same.left_out, same.refused])
    if len(dropped):
        typed = typed.filter(pa.array(~np.isin(typed.column(ROW).to_numpy(), dropped)))
    problems = Problems(sheet.findings, sheet.found_in)
    refused_rows = np.union1d(numbers[refused], same.refused)
    warned = np.unique(problems.rows[problems.of_severity("warning")])
    return Checked(
        table=typed,
        problems=problems,
        counts={
            "rows": int(sheet.rows.sum()),
            "good": typed.num_rows,
            "refused": len(refused_rows),
            "duplicates": len(same.left_out),
            "warnings": int(np.isin(warned, typed.column(ROW).to_numpy()).sum()),
        },
        refused_rows=tuple(map(int, refused_rows)),
        notes=(f"有 {len(same.left_out)} 行与前面的行完全相同，只取一行。",) if len(same.left_out) else (),
    )


def _fits(table: pa.Table, kind: RecordKind, mapping: MappingType[str, str]) -> None:
    missing = missing_fields(kind, set(mapping.values()))
    if missing:
        raise MappingError(f"必填的{'、'.join(f'「{label}」' for label in missing)}没有对应的列，请先选定是哪一列。")
    absent = [label for label in mapping if label not in table.column_names]
    if absent:
        raise MappingError(f"文件里没有列{'、'.join(f'「{label}」' for label in absent)}，请重新对应各列。")
    unknown = [key for key in mapping.values() if key not in kind.by_key]
    if unknown or len(set(mapping.values())) != len(mapping):
        raise MappingError(f"列的对应有误：{'、'.join(unknown) or '同一字段对应了两列'}，请重新对应各列。")


def _dictionary(column: pa.ChunkedArray) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    if column.num_chunks > 1:
        column = column.unify_dictionaries()
    return cast(pa.DictionaryArray, column.combine_chunks())


def _checked(sheet: _Sheet, array: pa.DictionaryArray, label: str, declared: Field) -> CheckedColumn:
    """Check the distinct values of one column and note the rows of each problem."""
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    texts = array.dictionary.to_pylist()
    used = np.bincount(codes[codes >= 0], minlength=len(texts)) > 0
    values: list[object] = [None] * len(texts)
    bad: dict[int, ValueProblem] = {}
    for code in np.flatnonzero(used).tolist():
        outcome = _value(declared, texts[code], sheet.as_of)
        if isinstance(outcome, ValueProblem):
            bad[code] = outcome
            values[code] = outcome.value if outcome.warning else None
        else:
            values[code] = outcome
    refused = np.zeros(len(codes), bool)
    empty = check_value(declared, None, as_of=sheet.as_of)
    if isinstance(empty, ValueProblem):
        refused = sheet.rows & (codes < 0)
        if refused.any():
            sheet.note(sheet.numbers[refused], Finding("refused", label, "", empty.message, empty.remedy))
    for code, rows in _rows_of(codes, bad):
        problem, value = bad[code], plain(texts[code])
        if not problem.warning:
            refused[rows] = True
        shown = mask(cast(Kind, declared.type), value.strip()) if declared.sealed else hide_numbers(value)
        severity: Severity = "warning" if problem.warning else "refused"
        sheet.note(sheet.numbers[rows], Finding(severity, label, shown, problem.message, problem.remedy))
    sound = np.array([code not in bad for code in range(len(texts))], bool)
    return CheckedColumn(label, declared, codes, _typed(declared, values), refused, sound)


def _rows_of(codes: np.ndarray, wanted: MappingType[int, object]) -> Iterator[tuple[int, np.ndarray]]:
    """For each of the `wanted` codes that occurs, the positions where it does."""
    positions = np.flatnonzero(np.isin(codes, list(wanted)))
    if len(positions):
        positions = positions[np.argsort(codes[positions], kind="stable")]
        for rows in np.split(positions, np.flatnonzero(np.diff(codes[positions])) + 1):
            yield int(codes[rows[0]]), rows


def _value(declared: Field, text: str, as_of: date) -> object:
    mark = text[0]
    if mark == CELL_ERROR:
        return ValueProblem(
            f"「{declared.label}」的公式出错，显示为 {plain(text)}", "请改成正确的内容，没有就清空这一格"
        )
    if mark == LONG_NUMBER:
        if declared.type not in _NUMERIC:
            return ValueProblem(
                f"「{declared.label}」以数字存放，末位已被 Excel 改成 0",
                "请把这一列设为“文本”格式，再对照原件重新填写完整号码",
            )
        text = plain(text)
    return check_value(declared, text, as_of=as_of)


def _typed(declared: Field, values: list[object]) -> pa.Array:
    if declared.type == "decimal":
        decimals = [None if value is None else Decimal(cast(str, value)) for value in values]
        return pa.array(decimals, pa.decimal128(18, declared.scale))
    if declared.type == "date":
        return pa.array(values, pa.string()).cast(pa.date32())
    return pa.array(values, _TYPES.get(declared.type, pa.string()))
