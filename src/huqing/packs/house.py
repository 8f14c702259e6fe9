"""What the house asks of a form beyond what pyxform does: a version, a title, no calculation that needs itself."""

from __future__ import annotations

import graphlib
import re
from collections.abc import Iterator

from huqing.packs.errors import FormProblem
from huqing.packs.survey import references, survey_rows, usual
from huqing.packs.workbook import Workbook

_CURLY = re.compile(r"[“”‘’]")


def setting(book: Workbook, *names: str) -> str:
    """A value of the settings sheet, by any of its names."""
    rows = book.sheets.get("settings") or [{}]
    return next((str(value).strip() for key, value in rows[0].items() if usual(key) in names and value), "")


def house_problems(book: Workbook, version: str) -> list[FormProblem]:
    """What keeps a form from being published."""
    found = []
    if not version:
        found.append(
            book.problem("settings", 2, "version", "没有版本号", "写上版本号，如 2026.1；每次改动表单都要换一个")
        )
    if not setting(book, "form_title", "set_form_title", "title"):
        found.append(book.problem("settings", 2, "form_title", "没有表单名称", "写上给填表人看的中文名称"))
    return [*found, *_circles(book)]


def house_notes(book: Workbook) -> list[FormProblem]:
    """What is worth a look: bounds that do not say what to enter, quotation marks that will change."""
    found = []
    for row in survey_rows(book):
        message = row["constraint_message"] or any(key.startswith("constraint_message") for key in row.cells)
        if row["constraint"] and not message:
            found.append(
                book.problem(
                    "survey", row.row, "constraint_message", f"“{row.name}”限制了取值，却没有写提示", "写明应当填什么"
                )
            )
        for column in ("label", "hint", "constraint_message", "required_message"):
            if _CURLY.search(row[column]):
                found.append(book.problem("survey", row.row, column, "弯引号会变成直引号", "需要引号的地方用「」"))
    return found


def _circles(book: Workbook) -> Iterator[FormProblem]:
    """Calculations that need their own result: clients show them as blank and say nothing."""
    rows = [row for row in survey_rows(book) if row["calculation"] and not row["trigger"]]
    by_name = {row.name: row for row in rows}
    if len(by_name) != len(rows):
        by_name = {row.name: row for row in rows if sum(other.name == row.name for other in rows) == 1}
    graph = {name: [ref for ref in references(row["calculation"]) if ref in by_name] for name, row in by_name.items()}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1]
        row = by_name[circle[0]]
        yield book.problem(
            "survey", row.row, "calculation", f"公式绕回了自己：{' → '.join(reversed(circle))}", "去掉其中一处引用"
        )
