"""Recognising a sheet: which rows are its header, which record kind it holds, whether there is anything to take in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from huqing.intake.mapping import bare, vocabulary
from huqing.intake.reading.packages import Merge
from huqing.standards.fields import RecordKind, record_kinds
from huqing.standards.text import fold

SEARCHED_ROWS = 40
MOST_HEADER_ROWS = 3
# A label two kinds share says less than one of a single kind; a word in the file's name says as much as three columns.
NAME_WORTH = 3.0
MISSING_COST = 0.5
_AUXILIARY = re.compile(r"说明|字典|代码表|码表|码值|目录|参数|封面|示例|样表|下拉|数据源|填表须知|指标解释")


@dataclass(frozen=True)
class Recognised:
    """Header rows (0-based), the label of every column ("" without one), the kinds that fit, best first."""

    header_rows: tuple[int, ...]
    labels: tuple[str, ...]
    scores: tuple[tuple[str, float], ...]
    matched: int = 0

    @property
    def kind(self) -> str:
        """The best kind, "" when no kind fits."""
        return self.scores[0][0] if self.scores else ""


@cache
def _known() -> dict[str, dict[str, str]]:
    """Folded or bare label → {kind: field}, over all kinds."""
    known: dict[str, dict[str, str]] = {}
    for kind in record_kinds().values():
        for names in vocabulary(kind).values():
            for label, field in names.items():
                known.setdefault(label, {}).setdefault(kind.key, field)
    return known


def kinds_of(label: str) -> dict[str, str]:
    """The kinds that know `label`, with the field each means by it."""
    known = _known()
    return known.get(fold(label)) or known.get(bare(label)) or {}


def recognise(
    cells: Sequence[Sequence[str]], merges: Sequence[Merge], *, left: int, hints: str, header_row: int | None = None
) -> Recognised:
    """What the first rows of a sheet say about it; `header_row` (0-based) fixes the last header row.

    `hints` are the file's and the sheet's name. Every run of up to three rows is tried as a header; the one most of
    whose labels some kind knows wins, the shorter and upper one at a tie.
    """
    # Below its header a sheet has thousands of cells and hardly a label among them: such rows are no header.
    labelled = [any(cell and kinds_of(cell) for cell in row) for row in cells[:SEARCHED_ROWS]]
    best: tuple[tuple[int, ...], tuple[str, ...], int] | None = None
    for last in range(min(len(cells), SEARCHED_ROWS)) if header_row is None else [header_row]:
        if last >= len(cells):
            break
        for count in range(1, min(MOST_HEADER_ROWS, last + 1) + 1):
            rows = tuple(range(last - count + 1, last + 1))
            if not any(cells[rows[0]]):
                break
            if header_row is None and best is not None and not any(labelled[row] for row in rows):
                continue
            labels = labels_of(cells, merges, rows, left)
            matched = _matched(labels)
            if best is None or matched > best[2]:
                best = (rows, labels, matched)
    if best is None:
        return Recognised((), (), ())
    rows, labels, matched = best
    if matched < 2 and header_row is None:
        rows = (_first_full_row(cells),)
        labels = labels_of(cells, merges, rows, left)
        matched = _matched(labels)
    return Recognised(rows, labels, scored(labels, hints), matched)


def _matched(labels: Sequence[str]) -> int:
    """How many distinct fields of one kind the labels name, for the kind with the most."""
    fields: dict[str, set[str]] = {}
    for label in labels:
        for kind, field in kinds_of(label).items() if label else ():
            fields.setdefault(kind, set()).add(field)
    return max((len(found) for found in fields.values()), default=0)


def _width(row: Sequence[str]) -> int:
    return sum(1 for cell in row if cell.strip())


def _first_full_row(cells: Sequence[Sequence[str]]) -> int:
    """The first row that fills more than half of the widest row's cells: a header nobody declared."""
    widths = [_width(row) for row in cells[:SEARCHED_ROWS]]
    return next((i for i, width in enumerate(widths) if width * 2 > max(widths)), 0)


def labels_of(
    cells: Sequence[Sequence[str]], merges: Sequence[Merge], rows: tuple[int, ...], left: int
) -> tuple[str, ...]:
    """The label of every column under header `rows`: the lowest text, with the group above it where that is needed."""
    width = max((len(cells[row]) for row in rows), default=0)
    texts = {(row, column): cells[row][column].strip() for row in rows for column in range(len(cells[row]))}
    for top, first, bottom, final in merges:
        origin = (top, first - left)
        if origin not in texts:
            continue
        for row in range(max(top, rows[0]), min(bottom, rows[-1]) + 1):
            for column in range(first - left, min(final - left + 1, width)):
                texts[row, column] = texts[origin]
    if not merges:
        for row in rows[:-1]:
            _spread(texts, row, rows[-1], width)
    stacks = []
    for column in range(width):
        stack: list[str] = []
        for row in rows:
            text = texts.get((row, column), "")
            if "\n" in text or "\r" in text:
                text = re.sub(r"\s*[\r\n]+\s*", "", text)
            if text and text not in stack:
                stack.append(text)
        stacks.append(stack)
    lowest = Counter(stack[-1] for stack in stacks if stack)
    return tuple(_label(stack, lowest) for stack in stacks)


def _spread(texts: dict[tuple[int, int], str], row: int, last: int, width: int) -> None:
    """Give a group label to the blank cells on its right that have a label below them (text files merge nothing)."""
    group = ""
    for column in range(width):
        text = texts.get((row, column), "")
        group = text or (group if texts.get((last, column)) else "")
        texts[row, column] = group


def _label(stack: list[str], lowest: Counter[str]) -> str:
    if len(stack) < 2:
        return stack[0][:60] if stack else ""
    joined = "·".join(stack)
    if kinds_of("".join(stack)) or lowest[stack[-1]] > 1:
        return joined[:60]
    return stack[-1][:60]


def scored(labels: Sequence[str], hints: str) -> tuple[tuple[str, float], ...]:
    """The record kinds that fit labels and names, best first; one with few of the labels must have all it requires."""
    known = [(label, kinds_of(label)) for label in labels if label]
    scores = []
    for kind in record_kinds().values():
        found: dict[str, float] = {}
        for _, kinds in known:
            if kind.key in kinds:
                found.setdefault(kinds[kind.key], 1 / len(kinds))
        missing = sum(1 for f in kind.fields if f.required and f.key not in found)
        fits = len(found) >= 3 and (len(found) >= 0.3 * len(known) or not missing)
        if fits or (len(found) == 2 and not missing):
            score = sum(found.values()) - MISSING_COST * missing + NAME_WORTH * _named(kind, hints)
            scores.append((kind.key, round(score, 2)))
    return tuple(sorted(scores, key=lambda item: -item[1]))


def _named(kind: RecordKind, hints: str) -> bool:
    folded = fold(hints)
    return any(fold(name) in folded for name in (*kind.file_names, kind.name))


def refusal(sheet: str, recognised: Recognised, *, data_rows: int, visible: bool) -> str:
    """Why a sheet is not taken in by itself, "" when it is. A clerk may still choose it."""
    if data_rows == 0 and not any(recognised.labels):
        return "空工作表"
    if _AUXILIARY.search(sheet):
        return "看名称是说明或字典，不是数据"
    if not visible:
        return "隐藏的工作表"
    if not recognised.kind:
        return "没有认出列名：请指定表头所在行，或对照样表修改列名"
    if data_rows == 0:
        return "只有表头，没有数据"
    return ""
