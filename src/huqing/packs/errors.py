"""Mistakes in a pack, with place, what is wrong, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PackProblem:
    """One mistake; ``str()`` is what the author of the pack reads."""

    place: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}：{self.problem}。{self.remedy}。"


@dataclass(frozen=True)
class FormProblem:
    """One mistake in a form: which sheet, row (0: none in particular) and column. ``line`` is that of a text file."""

    file: str
    sheet: str
    row: int
    column: str
    problem: str
    remedy: str
    line: int = 0

    @property
    def place(self) -> str:
        """Where to look, as the author's program counts."""
        where = f"第 {self.line} 行" if self.line else ""
        if self.sheet:
            row = f"第 {self.row} 行" if self.row and not self.line else ""
            where += f"（{self.sheet} 表{row}）" if where else f"{self.sheet} 表{row}"
        column = f"“{self.column}”列" if self.column else ""
        return " ".join(part for part in (self.file, where + column) if part)

    def __str__(self) -> str:
        return f"{self.place}：{self.problem}。{self.remedy}。"

    def in_folder(self, folder: str) -> PackProblem:
        """The same as a mistake of the pack the form belongs to."""
        return PackProblem(f"{folder}/{self.place}", self.problem, self.remedy)


class PackError(ValueError):
    """A pack cannot be used; ``problems`` lists every mistake that was found, not only the first."""

    def __init__(self, problems: list[PackProblem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))
