"""Mistakes in rules and parameters, reported with place, what is wrong, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A file and line; ``str()`` is what error messages show."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file} 第 {self.line} 行"


class RuleError(ValueError):
    """A rule is written wrongly; the message names file, line and remedy."""

    def __init__(self, place: Place | str, problem: str, remedy: str) -> None:
        self.place = str(place)
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{place}：{problem}。{remedy}。")


class ParameterError(RuleError):
    """A parameter file is wrong, or has no value for the region and date asked for."""


class TableError(ValueError):
    """The tables handed to the rules lack a table or column the rules need."""
