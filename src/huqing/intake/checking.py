"""Every cell of a sheet against the declarations: good rows as typed columns, refused rows with place and remedy.

A column is checked once per distinct value and the outcome is spread over its rows: of a county's 12 million cells
fewer than a million are distinct.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from huqing.access.seal import Kind, mask
from huqing.intake.duplicates import duplicates
from huqing.intake.mapping import missing_fields
from huqing.intake.problem_list import Finding, Problem, Problems, Severity
from huqing.intake.reading.shapes import CELL_ERROR, LONG_NUMBER, ROW, plain
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field, RecordKind
from huqing.standards.values import Problem as ValueProblem
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
    text/name/region/month/code/sealed → string, integer/year → int32, money → int64 fen, decimal → decimal128(18, scale),
    date → date32, boolean → bool, codes → list<string>. Missing is null. Sealed columns hold plain normalised text:
    keep them in memory only.
    `counts`: rows (non-blank rows read), good, refused, duplicates (left out because another row says the same),
    warnings (good rows with at least one warning).
    """

    table: pa.Table
    problems: Problems
    counts: MappingType[str, int]
    refused_rows: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Column:
    """One checked column: `codes` index `values` per row (-1 where there is nothing)."""

    label: str
    field: Field
    codes: np.ndarray
    values: pa.Array
    refused: np.ndarray
    texts: list[str | None] = field(repr=False)


@dataclass
class _Found:
    findings: list[Finding] = field(default_factory=list)
    rows: list[np.ndarray] = field(default_factory=list)

    def add(self, rows: np.ndarray, severity: Severity, column: str, value: str, message: str, remedy: str) -> None:
        """`rows` are row numbers of the file."""
        self.findings.append(Finding(severity, column[:100], value[:LONGEST_SHOWN], message[:300], remedy[:300]))
        self.rows.append(rows)


def check(table: pa.Table, kind: RecordKind, mapping: MappingType[str, str], *, as_of: date) -> Checked:
    """Check every row of `table` (from `read_sheet`) under `mapping` (file column → field key).

    Raises `MappingError` when a required field has no column or the mapping does not fit the table or kind.
    """
    _fits(table, kind, mapping)
    numbers = table.column(ROW).combine_chunks().to_numpy(zero_copy_only=False).astype(np.int32)
    found = _Found()
    encoded = {label: _dictionary(table.column(label)) for label in mapping}
    blank = np.ones(len(numbers), bool)
    for array in encoded.values():
        blank &= array.indices.is_null().to_numpy(zero_copy_only=False)
    rows = ~blank
    columns = {}
    refused = np.zeros(len(numbers), bool)
    for label, key in mapping.items():
        column = _checked(encoded.pop(label), label, kind[key], numbers, rows, found, as_of)
        columns[key] = column
        refused |= column.refused
    for rows_warned, column, message, remedy in _contradictions(columns, rows & ~refused):
        shown = f"与{kind['id_number'].label}不符"
        found.add(numbers[rows_warned], "warning", column.label, shown, message, remedy)
    good = rows & ~refused
    typed = pa.table(
        [pa.array(numbers[good]), *(_taken(column, good) for column in columns.values())], names=[ROW, *columns]
    )
    same = duplicates(typed, kind)
    for finding, finding_rows in same.findings:
        found.add(finding_rows, *finding)
    if len(same.left_out) or len(same.refused):
        typed = typed.filter(pa.array(~np.isin(typed.column(ROW).to_numpy(), np.concatenate([same.left_out, same.refused]))))
    problems = Problems(found.findings, found.rows)
    refused_rows = np.union1d(numbers[refused], same.refused)
    kept = typed.column(ROW).to_numpy()
    warned = np.unique(problems.rows[problems.of_severity("warning")])
    return Checked(
        table=typed,
        problems=problems,
        counts={
            "rows": int(rows.sum()),
            "good": typed.num_rows,
            "refused": len(refused_rows),
            "duplicates": len(same.left_out),
            "warnings": int(np.isin(warned, kept).sum()),
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


def _checked(
    array: pa.DictionaryArray, label: str, declared: Field, numbers: np.ndarray, rows: np.ndarray, found: _Found, as_of: date
) -> _Column:
    """Check the distinct values of one column and note the rows of each problem."""
    codes = array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    texts = array.dictionary.to_pylist()
    used = np.bincount(codes[codes >= 0], minlength=len(texts)) > 0
    values: list[object] = [None] * len(texts)
    bad: dict[int, ValueProblem] = {}
    empty = check_value(declared, None, as_of=as_of)
    for code, text in enumerate(texts):
        if not used[code] or text is None:
            continue
        outcome = _value(declared, text, as_of)
        if isinstance(outcome, ValueProblem):
            bad[code] = outcome
            values[code] = outcome.value if outcome.warning else None
        else:
            values[code] = outcome
    refused = np.zeros(len(codes), bool)
    if isinstance(empty, ValueProblem):
        absent = rows & (codes < 0)
        if absent.any():
            refused |= absent
            found.add(numbers[absent], "refused", label, "", empty.message, empty.remedy)
    if bad:
        refused |= _noted(bad, texts, codes, label, declared, numbers, found)
    return _Column(label, declared, codes, _typed(declared, values), refused, texts)


def _noted(
    bad: dict[int, ValueProblem],
    texts: list[str | None],
    codes: np.ndarray,
    label: str,
    declared: Field,
    numbers: np.ndarray,
    found: _Found,
) -> np.ndarray:
    """Note the problems of the distinct values `bad`; returns which rows are refused for them."""
    positions = np.flatnonzero(np.isin(codes, list(bad)))
    order = np.argsort(codes[positions], kind="stable")
    positions = positions[order]
    starts = np.flatnonzero(np.diff(codes[positions], prepend=-2))
    refused = np.zeros(len(codes), bool)
    for group in np.split(positions, starts[1:]):
        problem = bad[int(codes[group[0]])]
        severity: Severity = "warning" if problem.warning else "refused"
        if not problem.warning:
            refused[group] = True
        value = plain(texts[int(codes[group[0]])])
        shown = mask(cast(Kind, declared.type), value.strip()) if declared.sealed else value
        found.add(numbers[group], severity, label, shown, problem.message, problem.remedy)
    return refused


def _value(declared: Field, text: str, as_of: date) -> object:
    mark = text[0]
    if mark == CELL_ERROR:
        return ValueProblem(f"「{declared.label}」的公式出错，显示为 {plain(text)}", "请改成正确的内容，没有就清空这一格")
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


def _taken(column: _Column, good: np.ndarray) -> pa.Array:
    codes = column.codes[good]
    return column.values.take(pa.array(codes, pa.int32(), mask=codes < 0))


def _contradictions(columns: dict[str, _Column], rows: np.ndarray) -> list[tuple[np.ndarray, _Column, str, str]]:
    """Rows whose sex or birth date says something else than a valid ID number: a warning, both are kept."""
    number = columns.get("id_number")
    if number is None or not ({"sex", "birth_date"} & set(columns)):
        return []
    texts = number.values.to_pylist()
    valid = [
        text is not None and len(text) == 18 and text[:17].isdigit() and text[6:8] in ("18", "19", "20") for text in texts
    ]
    trusted = np.array([*valid, False])[number.codes] & rows
    out = []
    sex = columns.get("sex")
    if sex is not None:
        said = np.array([*(text or "" for text in sex.values.to_pylist()), ""])[sex.codes]
        own = np.array([("1" if int(text[16]) % 2 else "2") if ok else "" for text, ok in zip(texts, valid, strict=True)] + [""])
        differs = trusted & np.isin(said, ["1", "2"]) & (own[number.codes] != said)
        if differs.any():
            label = number.field.label
            men = codelist(sex.field.codelist).label("1")
            remedy = f"请对照身份证核对性别和{label}（第 17 位单数为{men}）"
            out.append((differs, sex, f"「{sex.field.label}」与{label}第 17 位不一致", remedy))
    birth = columns.get("birth_date")
    if birth is not None:
        days = birth.values.cast(pa.int32()).fill_null(-(2**31)).to_numpy(zero_copy_only=False)
        said_days = np.array([*days, -(2**31)])[birth.codes]
        own_days = np.array([_day(text) if ok else -(2**31) for text, ok in zip(texts, valid, strict=True)] + [-(2**31)])
        here = own_days[number.codes]
        differs = trusted & (said_days != -(2**31)) & (here != -(2**31)) & (here != said_days)
        if differs.any():
            label = number.field.label
            out.append(
                (differs, birth, f"「{birth.field.label}」与{label}第 7 到 14 位不一致", f"请对照身份证核对出生日期和{label}")
            )
    return out


def _day(number: str) -> int:
    """Days since 1970 of the birth date in an 18-digit number, the lowest int32 when it is no date."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14])).toordinal() - 719163
    except ValueError:
        return -(2**31)


_ = pc
