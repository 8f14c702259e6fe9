"""Which column of a file is which declared field: proposed from labels and aliases, explained, saved as a template."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from huqing.standards.fields import Field, RecordKind
from huqing.standards.text import fold

Way = Literal["label", "alias", "close", "template", "ignored", "none"]
WAYS: MappingType[Way, str] = {
    "label": "列名一致",
    "alias": "常用别名",
    "close": "名称相近，请确认",
    "template": "沿用上次保存的对应",
    "ignored": "不取用",
    "none": "未对应，不取用",
}
# Columns that number, tick or explain rows carry no fact about a household.
IGNORED = frozenset(map(fold, ("序号", "编号序号", "行号", "No", "No.", "问题", "问题与应填写", "#")))
CLOSE = 0.72
_DECORATION = re.compile(r"[*※★·:：/\\_\-—]|[(（][^()（）]*[)）]$|^\d{1,2}[.,]")


@lru_cache(maxsize=16384)
def bare(label: str) -> str:
    """A label without line breaks, stars, numbering and the unit at its end: 「*工资性收入（元/年）」 → 工资性收入."""
    key = fold(label)
    previous = ""
    while key and key != previous:
        previous, key = key, _DECORATION.sub("", key)
    return key or fold(label)


@dataclass(frozen=True)
class ColumnMatch:
    """One column of the file and the field it was matched with ("" = left out)."""

    column: str
    field: str
    way: Way
    confidence: float = 0.0

    @property
    def note(self) -> str:
        """How the match came about, for the page."""
        return WAYS[self.way]


@dataclass(frozen=True)
class Mapping:
    """The proposal for one sheet. `missing` are required fields no column was found for."""

    kind: str
    columns: tuple[ColumnMatch, ...]
    missing: tuple[str, ...]

    @property
    def fields(self) -> dict[str, str]:
        """File column → field key, matched columns only: what `Import.mapping` stores and `check` takes."""
        return {match.column: match.field for match in self.columns if match.field}

    @property
    def sure(self) -> bool:
        """Whether nothing needs a person's look: required fields are there and no match is a guess."""
        return not self.missing and all(match.way != "close" for match in self.columns)


def columns_hash(columns: Sequence[str]) -> str:
    """The key of a saved template: SHA-256 over the folded column labels in file order."""
    return hashlib.sha256(json.dumps([fold(c) for c in columns], ensure_ascii=False).encode()).hexdigest()


def propose(columns: Sequence[str], kind: RecordKind, *, saved: MappingType[str, str] | None = None) -> Mapping:
    """Match columns with the fields of `kind`; `saved` (column → field key of a template) is followed where it fits.

    A field is given to one column only: exact labels first, then aliases, then the closest names above a threshold.
    """
    matches: dict[str, ColumnMatch] = {}
    taken: set[str] = set()

    def give(column: str, key: str, way: Way, confidence: float) -> None:
        matches[column] = ColumnMatch(column, key, way, round(confidence, 2))
        taken.add(key)

    if saved:
        by_fold = {fold(column): key for column, key in saved.items()}
        for column in columns:
            key = by_fold.get(fold(column), "")
            if key in kind.by_key and key not in taken:
                give(column, key, "template", 1.0)
    exact = vocabulary(kind)
    for way in ("label", "alias"):
        for normal, confidence in ((fold, 1.0), (bare, 0.95)):
            for column in columns:
                found = exact[way].get(normal(column)) if column not in matches else None
                if found and found not in taken:
                    give(column, found, way, confidence)
    for column in columns:
        if column not in matches and (bare(column) in IGNORED or fold(column) in IGNORED):
            matches[column] = ColumnMatch(column, "", "ignored")
    guesses = [
        (score, position, column, declared.key)
        for position, column in enumerate(columns)
        if column not in matches
        for declared in kind.fields
        if declared.key not in taken and (score := _closeness(bare(column), declared)) >= CLOSE
    ]
    for score, _, column, key in sorted(guesses, key=lambda guess: (-guess[0], guess[1])):
        if column not in matches and key not in taken:
            give(column, key, "close", min(score, 0.9))
    return Mapping(
        kind=kind.key,
        columns=tuple(matches.get(column, ColumnMatch(column, "", "none")) for column in columns),
        missing=missing_fields(kind, taken),
    )


def missing_fields(kind: RecordKind, fields: set[str]) -> tuple[str, ...]:
    """The labels of required fields that `fields` (keys) lack."""
    return tuple(f.label for f in kind.fields if f.required and f.key not in fields)


def explain(mapping: Mapping, kind: RecordKind) -> list[dict[str, object]]:
    """The proposal as rows for the page: column, field label, unit, required, how it was matched, confidence."""
    rows: list[dict[str, object]] = []
    for match in mapping.columns:
        declared = kind.by_key.get(match.field)
        rows.append(
            {
                "column": match.column,
                "field": match.field,
                "label": declared.label if declared else "",
                "unit": declared.unit if declared else "",
                "required": bool(declared and declared.required),
                "way": match.way,
                "note": match.note,
                "percent": round(match.confidence * 100),
            }
        )
    return rows


@lru_cache(maxsize=64)
def vocabulary(kind: RecordKind) -> dict[Way, dict[str, str]]:
    """The folded and bare labels and aliases of a kind → field key; a label always beats another field's alias."""
    labels: dict[str, str] = {}
    aliases: dict[str, str] = {}
    for declared in kind.fields:
        for key in (fold(declared.label), bare(declared.label)):
            labels.setdefault(key, declared.key)
        for alias in (*declared.aliases, declared.key):
            for key in (fold(alias), bare(alias)):
                aliases.setdefault(key, declared.key)
    return {"label": labels, "alias": {key: value for key, value in aliases.items() if key not in labels}}


def _closeness(label: str, declared: Field) -> float:
    if len(label) < 2:
        return 0.0
    return max(_ratio(label, bare(name)) for name in (declared.label, *declared.aliases))


@lru_cache(maxsize=65536)
def _ratio(label: str, name: str) -> float:
    """Likeness of two labels from 0 to 1; a name that contains the other counts at least 0.75."""
    if len(name) < 2:
        return 0.0
    ratio = SequenceMatcher(None, label, name, autojunk=False).ratio()
    if min(len(label), len(name)) >= 3 and (name in label or label in name):
        return max(ratio, 0.75)
    return ratio
