"""The same thing twice in one file: said alike, one row is enough; said differently, only the clerk can choose."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from huqing.intake.problem_list import Finding
from huqing.intake.reading.shapes import ROW
from huqing.standards.fields import RecordKind
from huqing.standards.idnumbers import parse

_MOST_NAMED = 3


@dataclass
class Duplicates:
    """Row numbers left out because an earlier row says the same, row numbers refused, and what to tell the clerk."""

    left_out: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    refused: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    findings: list[tuple[Finding, np.ndarray]] = field(default_factory=list)


def duplicates(table: pa.Table, kind: RecordKind) -> Duplicates:
    """Duplicates among the good rows of a file. Rows whose identity is incomplete (no ID number, or a placeholder) are
    compared as a whole: alike they are one, otherwise they may be two people and both stay."""
    numbers = table.column(ROW).to_numpy()
    identity = [key for key in kind.identity if key in table.column_names]
    if not identity or not len(numbers):
        return Duplicates()
    parts = [_identity_codes(table.column(key), kind[key].type) for key in identity]
    complete = np.ones(len(numbers), bool)
    for part in parts:
        complete &= part >= 0
    groups = np.full(len(numbers), -1, np.int64)
    groups[complete] = _combined([part[complete] for part in parts])
    groups = np.where(complete, groups, -1)
    repeated = _repeated(groups)
    rest = np.flatnonzero(~complete)
    if len(rest):
        whole = [_codes(table.column(key))[rest] for key in table.column_names if key != ROW]
        same = _combined(whole) + (groups.max() + 1 if len(groups) else 0) + 1
        groups[rest] = same
        repeated |= _repeated(np.where(complete, -1, groups))
    positions = np.flatnonzero(repeated)
    if not len(positions):
        return Duplicates()
    return _judged(table, kind, identity, positions, groups[positions])


def _judged(
    table: pa.Table, kind: RecordKind, identity: list[str], positions: np.ndarray, groups: np.ndarray
) -> Duplicates:
    numbers = table.column(ROW).to_numpy()
    few = table.take(pa.array(positions)).drop_columns([ROW])
    whole = _combined([_codes(column) for column in few.columns])
    labels = "、".join(kind[key].label for key in identity)
    left_out: list[int] = []
    refused: list[int] = []
    findings: list[tuple[Finding, np.ndarray]] = []
    order = np.argsort(groups, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        rows = numbers[positions[group]]
        if len(np.unique(whole[group])) == 1:
            left_out += rows[1:].tolist()
            message = f"与第 {rows[0]} 行完全相同，只取一行"
            findings.append((Finding("warning", "", "", message, "不用处理；如确是两条，请写明区别"), rows[1:]))
            continue
        refused += rows.tolist()
        differing = "、".join(_differing(few, kind, group))
        for row in rows:
            others = [str(other) for other in rows if other != row]
            named = "、".join(others[:_MOST_NAMED]) + (" 等" if len(others) > _MOST_NAMED else "")
            message = f"与第 {named} 行的{labels}相同，但{differing}不同"
            findings.append(
                (Finding("refused", labels, "", message, "请核对后只保留正确的一行"), np.array([row], np.int32))
            )
    return Duplicates(np.array(left_out, np.int32), np.array(refused, np.int32), findings)


def _differing(few: pa.Table, kind: RecordKind, group: np.ndarray) -> list[str]:
    """The labels of up to three fields in which the rows differ; never their values."""
    rows = few.take(pa.array(group))
    found = [f"「{kind[key].label}」" for key in rows.column_names if len(np.unique(_codes(rows.column(key)))) > 1]
    return found[:_MOST_NAMED] + ([f"等 {len(found)} 项"] if len(found) > _MOST_NAMED else [])


def _identity_codes(column: pa.ChunkedArray, field_type: str) -> np.ndarray:
    """Like `_codes`; a placeholder instead of an ID number (000000…) identifies nobody and counts as missing."""
    codes = _codes(column)
    if field_type != "id_number":
        return codes
    repeated = np.flatnonzero(np.bincount(codes[codes >= 0]) > 1) if (codes >= 0).any() else np.zeros(0, np.int64)
    texts = column.combine_chunks().dictionary_encode().dictionary
    nobody = [code for code in repeated.tolist() if parse(texts[code].as_py()).state == "placeholder"]
    return np.where(np.isin(codes, nobody), -1, codes)


def _codes(column: pa.ChunkedArray) -> np.ndarray:
    """A number for every distinct value, -1 for a missing one."""
    if pa.types.is_list(column.type):
        column = pa.chunked_array(
            [pa.array([None if v is None else "\x1f".join(v) for v in column.to_pylist()], pa.string())]
        )
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _combined(parts: list[np.ndarray]) -> np.ndarray:
    """A number for every distinct combination."""
    groups = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        groups = groups * (int(part.max(initial=-1)) + 2) + part + 1
        groups = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    return groups


def _repeated(groups: np.ndarray) -> np.ndarray:
    counts = np.bincount(groups[groups >= 0]) if (groups >= 0).any() else np.zeros(1, np.int64)
    repeated = np.zeros(len(groups), bool)
    there = groups >= 0
    repeated[there] = counts[groups[there]] > 1
    return repeated
