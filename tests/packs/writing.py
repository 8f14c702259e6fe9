"""Small forms and packs written as their authors write them."""

from __future__ import annotations

from pathlib import Path

from huqing.packs.forms import Conversion, convert
from huqing.rules.library import library

PICK = "| | select_one_from_file household.csv | household | 哪一户 | household | |"
METHOD = """key: {key}
title: 试用工作法
version: "1"
summary: 一种走访
source: 测试
actors:
  - {{key: cadre, title: 干部, role: 走访}}
visits:
  - {{key: home, title: 走访, actor: cadre, form: home, whom: listed, every: {{months: 1}}}}
"""


def form(*rows: str, header: str = "reads | writes", choices: str = "", version: str = "1") -> str:
    """A form in Markdown; each row has type, name, label and the cells of ``header``."""
    listed = f"\n| choices |\n| | list_name | name | label |\n{choices}" if choices else ""
    return (
        f"| survey |\n| | type | name | label | {header} |\n"
        + "\n".join(rows)
        + f"{listed}\n| settings |\n| | form_title | form_id | version |\n| | 试 | f | {version} |\n"
    )


def converted(text: str, name: str = "f.md") -> Conversion:
    return convert(text.encode(), name, library(()).parameters)


def complaints(text: str) -> str:
    """What the author of the form is told."""
    return "\n".join(str(problem) for problem in converted(text).problems)


def write_pack(folder: Path, *, method: str = "", files: dict[str, str] | None = None) -> Path:
    """A sound pack of one visit and one form, with ``files`` put in or (empty text) taken out."""
    texts = {
        "method.yaml": method or METHOD.format(key=folder.name),
        "README.md": "# 试用\n\n说明。\n",
        "forms/home.md": form(PICK, "| | text | note | 情况 | | |"),
        **(files or {}),
    }
    for name, text in texts.items():
        if not text:
            continue
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder
