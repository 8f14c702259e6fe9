"""The rule tables that ship with the policies, as the catalogue shows them: which household, which answer.

The same files are what the tests run (``tests/spec``); how they are written is said in ``policies/tables/README.md``.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "huqing.policies"
COMMON = "共同："
OUTCOME = "结果"


@dataclass(frozen=True)
class Cases:
    """The table of one finding: what all its rows share, the columns, and a row per case with its outcome last."""

    finding: str
    common: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def outcome_column(self) -> int:
        """Which column says what the rule must answer."""
        return self.columns.index(OUTCOME)


def folder() -> Path:
    """Where the tables lie."""
    return Path(importlib.import_module(PACKAGE).__path__[0]) / "tables"


@cache
def all_cases() -> dict[str, tuple[Cases, ...]]:
    """The tables of every finding; a finding may have several."""
    found: dict[str, list[Cases]] = {}
    for file in sorted(folder().glob("*.md")):
        for section in re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            cases = _section(section)
            if cases.columns:
                found.setdefault(cases.finding, []).append(cases)
    return {finding: tuple(tables) for finding, tables in found.items()}


def _section(text: str) -> Cases:
    first, *lines = text.splitlines()
    common: list[str] = []
    rows: list[tuple[str, ...]] = []
    for line in (line.strip() for line in lines):
        if line.startswith(COMMON):
            common += line.removeprefix(COMMON).split("，")
        elif line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            rows.append(tuple(cell.strip() for cell in line.strip("|").split("|")))
    return Cases(first.split()[0], tuple(common), rows[0] if rows else (), tuple(rows[1:]))
