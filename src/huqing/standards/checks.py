"""The county's consistency checks as a list: what each looks at and how grave it is (``data/checks.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import yaml


@dataclass(frozen=True)
class Check:
    """One check: ``number`` such as LB01, what it is about, its gravity, and what it asks for in one sentence."""

    number: str
    of: Literal["person", "household", "village"]
    severity: Literal["error", "warning", "hint"]
    says: str


@cache
def checks() -> dict[str, Check]:
    """Every check by its number, in the order of the list."""
    text = (resources.files("huqing.standards") / "data" / "checks.yaml").read_text(encoding="utf-8")
    return {number: Check(number, **row) for number, row in yaml.safe_load(text)["checks"].items()}
