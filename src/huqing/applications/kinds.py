"""What villagers may apply for, as ``data/kinds.yaml`` declares it: kinds, difficulties, and what they are told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from huqing.standards.codelists import codelist
from huqing.standards.workdays import Term


@dataclass(frozen=True)
class Kind:
    """One thing to apply for, and the clue a case begins with when it is accepted."""

    key: str
    title: str
    hint: str
    clue: str
    clue_source: str
    source: str


@dataclass(frozen=True)
class Difficulty:
    """One box to tick; ``risk`` are codes of the list risk_type."""

    key: str
    title: str
    risk: tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """Everything of the file."""

    answer_within: Term
    kept_days: int
    kinds: Mapping[str, Kind]
    difficulties: Mapping[str, Difficulty]
    notice: tuple[tuple[str, str], ...]
    consent: str

    @property
    def notice_digest(self) -> str:
        """What an application notes of the text its applicant saw."""
        told = json.dumps([self.notice, self.consent, self.kept_days], ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()

    def notice_for(self, village: str, town: str) -> list[tuple[str, str]]:
        """The text for one village."""
        return [(head, text.format(village=village, town=town, days=self.kept_days)) for head, text in self.notice]


@cache
def declared() -> Declared:
    """The declaration; ValueError if it names a code that no list has."""
    text = resources.files("huqing.applications").joinpath("data", "kinds.yaml").read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    number, unit = told["answer_within"].split()
    found = Declared(
        answer_within=Term(int(number), unit),
        kept_days=told["kept_days"],
        kinds={key: Kind(key=key, **one) for key, one in told["kinds"].items()},
        difficulties={
            key: Difficulty(key, one["title"], tuple(one["risk"])) for key, one in told["difficulties"].items()
        },
        notice=tuple((head, line) for head, line in told["notice"]["lines"]),
        consent=told["notice"]["consent"],
    )
    for kind in found.kinds.values():
        if kind.clue_source not in codelist("clue_source"):
            raise ValueError(f"kinds.yaml: {kind.key} names an unknown clue source")
    for difficulty in found.difficulties.values():
        if any(code not in codelist("risk_type") for code in difficulty.risk):
            raise ValueError(f"kinds.yaml: {difficulty.key} names an unknown risk")
    return found
