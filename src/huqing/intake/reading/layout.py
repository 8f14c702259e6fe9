"""From a sheet as stored to the rows that hold data: labels, merged cells filled down, titles and footers left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from huqing.intake.reading.packages import Merge
from huqing.intake.reading.shapes import ROW, plain

_TOTAL = re.compile(r"(本页|本村|本组|本镇)?(合计|总计|小计|累计|共计)([(:：（].*)?")
_FOOTER = re.compile(
    r"(填表|制表|填报|审核|复核|经办|采集|单位负责|负责|联系|分管领导|主要领导)(人|单位|日期|时间|者)?(签字|签名|盖章)?[:：(（].*"
    r"|(备注|说明|注|附注|填表说明)\d*[:：].*|[（(]?(单位)?盖章[）)]?.*|(填表|制表|填报|审核|复核|经办|负责)人.*|第\d+页.*"
)
SEARCHED_TAIL = 30


@dataclass
class Laid:
    """The data rows of a sheet under their labels."""

    columns: tuple[str, ...]
    table: pa.Table
    dropped: list[tuple[int, str]]
    notes: list[str]


def letters(index: int) -> str:
    """The letters of a 0-based column index: 0 → A, 26 → AA."""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def lay_out(
    columns: Sequence[pa.DictionaryArray],
    merges: Sequence[Merge],
    *,
    left: int,
    header_rows: tuple[int, ...],
    labels: Sequence[str],
) -> Laid:
    """Cut the data out of the stored columns. Row numbers count from 1 as Excel shows them."""
    codes = [column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32) for column in columns]
    rows = len(codes[0]) if codes else 0
    first = header_rows[-1] + 1 if header_rows else 0
    filled = np.zeros(rows, np.int32)
    for code in codes:
        filled += code >= 0
    keep = filled > 0
    keep[:first] = False
    notes: list[str] = []
    named = _named(labels, codes, columns, left=left, first=first, notes=notes)
    codes = _filled_down(codes, merges, left=left, first=first)
    dropped = _repeated_headers(columns, codes, header_rows, keep)
    dropped += _footers(columns, codes, filled, keep, first)
    for row, _ in dropped:
        keep[row - 1] = False
    kept = np.flatnonzero(keep)
    arrays: list[pa.Array] = [pa.array((kept + 1).astype(np.int32))]
    for index in named:
        code = codes[index][kept]
        indices = pa.array(code, pa.int32(), mask=code < 0)
        arrays.append(pa.DictionaryArray.from_arrays(indices, columns[index].dictionary))
    names = tuple(named.values())
    return Laid(names, pa.table(arrays, names=[ROW, *names]), sorted(dropped), notes)


def _named(
    labels: Sequence[str],
    codes: Sequence[np.ndarray],
    columns: Sequence[pa.DictionaryArray],
    *,
    left: int,
    first: int,
    notes: list[str],
) -> dict[int, str]:
    """Column index → unique label; columns without a label cannot be told from each other and are left out."""
    named: dict[int, str] = {}
    seen: dict[str, int] = {}
    for index in range(len(columns)):
        label = labels[index] if index < len(labels) else ""
        if not label:
            if (codes[index][first:] >= 0).any():
                notes.append(f"{letters(left + index)} 列没有列名，未取用；如需导入，请在表头写上列名。")
            continue
        seen[label] = seen.get(label, 0) + 1
        if seen[label] > 1:
            notes.append(
                f"列名「{label}」出现了 {seen[label]} 次，{letters(left + index)} 列按「{label}({seen[label]})」处理。"
            )
            label = f"{label}({seen[label]})"
        named[index] = label if label != ROW else f"{label}(1)"
    return named


def _filled_down(codes: Sequence[np.ndarray], merges: Sequence[Merge], *, left: int, first: int) -> list[np.ndarray]:
    """Repeat the value of a vertically merged cell in the rows it covers (a household's columns over its members)."""
    filled = list(codes)
    own: set[int] = set()
    for top, column, bottom, _ in merges:
        index = column - left
        if bottom <= top or top < first or not 0 <= index < len(filled) or top >= len(filled[index]):
            continue
        if index not in own:
            filled[index] = filled[index].copy()
            own.add(index)
        covered = filled[index][top + 1 : bottom + 1]
        covered[covered < 0] = filled[index][top]
    return filled


def _repeated_headers(
    columns: Sequence[pa.DictionaryArray], codes: Sequence[np.ndarray], header_rows: tuple[int, ...], keep: np.ndarray
) -> list[tuple[int, str]]:
    """Rows that say the header again, as printed lists do on every page."""
    if not header_rows:
        return []
    found: list[tuple[int, str]] = []
    for header in header_rows:
        same = np.zeros(len(keep), np.int32)
        known = 0
        for code in codes:
            if header < len(code) and code[header] >= 0:
                known += 1
                same += code == code[header]
        if known >= 2:
            again = np.flatnonzero(keep & (same >= max(2, int(np.ceil(known * 0.8)))))
            found += [(int(row) + 1, "重复的表头") for row in again]
    return sorted(set(found))


def _footers(
    columns: Sequence[pa.DictionaryArray], codes: Sequence[np.ndarray], filled: np.ndarray, keep: np.ndarray, first: int
) -> list[tuple[int, str]]:
    """Rows of totals anywhere, and signatures and notes at the end."""
    found: dict[int, str] = {}
    for index, column in enumerate(columns[:3]):
        totals = [
            code
            for code, text in enumerate(column.dictionary.to_pylist())
            if text and _TOTAL.fullmatch(re.sub(r"\s", "", text))
        ]
        if totals:
            before = np.zeros(len(keep), bool)
            for earlier in codes[:index]:
                before |= earlier >= 0
            for row in np.flatnonzero(keep & np.isin(codes[index], totals) & ~before):
                found[int(row)] = "合计行"
    data = np.flatnonzero(keep)
    tail = data[-SEARCHED_TAIL:]
    usual = int(np.median(filled[data])) if len(data) else 0
    footer_from = None
    for row in tail:
        text = re.sub(r"\s", "", _first_text(columns, codes, int(row)))
        if filled[row] <= max(3, usual // 2) and _FOOTER.fullmatch(text):
            footer_from = row if footer_from is None else footer_from
            found.setdefault(int(row), "表尾说明")
        elif footer_from is not None and filled[row] <= 2 < usual:
            found.setdefault(int(row), "表尾说明")
    return [(row + 1, why) for row, why in found.items()]


def _first_text(columns: Sequence[pa.DictionaryArray], codes: Sequence[np.ndarray], row: int) -> str:
    for column, code in zip(columns, codes, strict=True):
        if code[row] >= 0:
            return plain(column.dictionary[int(code[row])].as_py())
    return ""
