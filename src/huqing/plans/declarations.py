"""Which measures answer which risk, how long help goes on, what is compared: ``data/plans.yaml``, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from huqing.standards.codelists import codelist


@dataclass(frozen=True)
class Answer:
    """The groups of which one must be there for a risk, and the items offered first."""

    groups: tuple[str, ...]
    suggest: tuple[str, ...]
    source: str
    status: str


@dataclass(frozen=True)
class Compared:
    """Which fields of a department's rows are shown, and which findings tell a difference from the file."""

    fields: tuple[str, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """Everything of the file. ``risk_of`` maps a finding to the risk it speaks for; ``lasting`` an item or group."""

    answers: Mapping[str, Answer]
    risk_of: Mapping[str, str]
    lasting: Mapping[str, str]
    lasting_titles: Mapping[str, str]
    lasting_source: str
    income: tuple[str, ...]
    compared: Mapping[str, Compared]

    def lasts(self, group: str, item: str) -> str:
        """How long such a measure goes on by its nature: contract, post, stage or ""."""
        return self.lasting.get(item) or self.lasting.get(group, "")


@cache
def declared() -> Declared:
    """The shipped declarations."""
    text = resources.files("huqing.plans").joinpath("data/plans.yaml").read_text(encoding="utf-8")
    told: dict[str, Any] = yaml.safe_load(text)
    return Declared(
        answers={
            risk: Answer(tuple(one["groups"]), tuple(one["suggest"]), one["source"], one["status"])
            for risk, one in told["answers"].items()
        },
        risk_of={finding: risk for risk, found in told["alerts"]["risks"].items() for finding in found},
        lasting=told["lasting"]["of"],
        lasting_titles=told["lasting"]["kinds"],
        lasting_source=told["lasting"]["source"],
        income=tuple(told["comparison"]["income"]),
        compared={
            kind: Compared(tuple(one["fields"]), tuple(one["findings"]))
            for kind, one in told["comparison"]["kinds"].items()
        },
    )


def group_of(item: str) -> str:
    """The group an item of the code list ``measure`` belongs to."""
    return codelist("measure").parents.get(item, "")


def labels(name: str, codes: list[str]) -> str:
    """Codes of a list in words, 、 between them."""
    return "、".join(codelist(name).label(code) for code in codes)
