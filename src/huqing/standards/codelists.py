"""Code lists: what every coded value may be, where the list comes from and how sure it is.

`codelist(key)` gives the list; `code_of` accepts what people write (the code, the label, a usual variant, a code whose
leading zero a spreadsheet ate) and returns the stored code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, Literal

import yaml

from huqing.standards.text import fold

Status = Literal["V", "V3", "G", "L"]
STATUSES: Mapping[str, str] = {
    "V": "官方文本中见到",
    "V3": "仅在第三方系统或转载中见到",
    "G": "通行做法，使用前请核对",
    "L": "本地约定",
}
_BRACKETED = re.compile(r"\([^)]*\)")
_CODE_THEN_LABEL = re.compile(r"([0-9a-z]+)[\s.\-_:,、|)]*(.+)")


@dataclass(frozen=True)
class CodeList:
    """One code list. `items` are (code, label) pairs in file order; `status` says how well the list is documented."""

    key: str
    name: str
    source: str
    status: Status
    items: tuple[tuple[str, str], ...]
    note: str = ""
    local_codes: bool = False
    inferred: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    parents: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _labels: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    _lookup: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __contains__(self, code: object) -> bool:
        return code in self._labels

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes in file order."""
        return tuple(code for code, _ in self.items)

    def label(self, code: str) -> str:
        """The label of `code`; an unknown code is shown as it is, never as an empty cell."""
        return self._labels.get(code, code)

    def code_of(self, text: str) -> str | None:
        """The code meant by `text`, or None when nothing or more than one thing could be meant."""
        return self._lookup.get(text) or self._search(text)

    def _search(self, text: str) -> str | None:
        key = fold(text)
        found = self._lookup.get(key)
        if found or not key:
            return found
        if key.endswith(".0") and key[:-2].isdigit():
            return self._lookup.get(key[:-2])
        both = _CODE_THEN_LABEL.fullmatch(key)
        if both:
            by_code, by_label = self._lookup.get(both[1]), self._lookup.get(both[2])
            return by_code if by_code and by_code == by_label else None
        return self._lookup.get(_BRACKETED.sub("", key)) if "(" in key else None

    def suggestion(self, text: str, *, most: int = 6) -> str:
        """What to write instead of `text`, in words: the labels of a short list, the nearest ones of a long list."""
        labels = [label for _, label in self.items if not label.startswith("未")] or [label for _, label in self.items]
        near = get_close_matches(text, labels, n=3, cutoff=0.5) if len(labels) > most else []
        shown = near or labels[:most]
        words = "、".join(shown[:-1]) + " 或 " + shown[-1] if len(shown) > 1 else shown[0]
        return words if near or len(labels) <= most else f"{words} 等（共 {len(labels)} 项）"


def _variants(label: str) -> set[str]:
    key = fold(label)
    bare = _BRACKETED.sub("", key)
    return {key, bare, key.replace("(", "").replace(")", ""), *_without_affix(bare)}


def _without_affix(label: str) -> set[str]:
    """A label without the suffix or prefix that people leave out: 汉族 → 汉, 肢体残疾 keeps its meaning as 肢体."""
    shorter = set()
    if label.endswith("族") and len(label) > 1:
        shorter.add(label[:-1])
    if label.startswith("之") and len(label) > 1:
        shorter.add(label[1:])
    if label.endswith("其他") or label.startswith("其他"):
        shorter.add(label.replace("其他", "其它"))
    return shorter


def _lookup_table(items: Mapping[str, str], aliases: Mapping[str, str]) -> dict[str, str]:
    meant: dict[str, set[str]] = {}
    for code, label in items.items():
        for variant in _variants(label) - {""}:
            meant.setdefault(variant, set()).add(code)
    lookup = {variant: next(iter(codes)) for variant, codes in meant.items() if len(codes) == 1}
    # A label's own text beats the shortened form of another label.
    lookup.update({fold(label): code for code, label in items.items() if list(items.values()).count(label) == 1})
    lookup.update({fold(alias): code for alias, code in aliases.items()})
    shortened = {code.lstrip("0"): code for code in items if code.isdigit()}
    lookup.update({short: code for short, code in shortened.items() if short and short not in items})
    lookup.update({fold(code): code for code in items})
    lookup.update({code: code for code in items})
    return lookup


def _read(key: str, raw: Mapping[str, Any]) -> CodeList:
    rows = {code: item if isinstance(item, dict) else {"label": item} for code, item in raw["items"].items()}
    labels = {code: row["label"] for code, row in rows.items()}
    return CodeList(
        key=key,
        name=raw["name"],
        source=raw["source"],
        status=raw["status"],
        items=tuple(labels.items()),
        note=raw.get("note", ""),
        local_codes=raw.get("local_codes", False),
        inferred=frozenset(raw.get("inferred", ())),
        local=frozenset(raw.get("local", ())),
        parents={code: row["parent"] for code, row in rows.items() if "parent" in row},
        attributes={
            code: {name: value for name, value in row.items() if name not in ("label", "parent")}
            for code, row in rows.items()
            if len(row) > 1
        },
        _labels=labels,
        _lookup=_lookup_table(labels, raw.get("aliases", {})),
    )


@cache
def codelists() -> Mapping[str, CodeList]:
    """All code lists by key."""
    path = resources.files("huqing.standards") / "data" / "codelists.yaml"
    # BaseLoader reads every scalar as text: 08 and 0299 cannot turn into numbers even when someone forgets the quotes.
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    for entry in raw.values():
        entry["local_codes"] = entry.get("local_codes") == "true"
    return {key: _read(key, entry) for key, entry in raw.items()}


def codelist(key: str) -> CodeList:
    """The code list `key`; KeyError names the key when no such list is declared."""
    return codelists()[key]
