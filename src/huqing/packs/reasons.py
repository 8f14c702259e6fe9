"""What pyxform says about a form, in the words of the person who wrote it: place, what is wrong, what to write instead.

pyxform tells mistakes by numbered messages (``ErrorCode``) and by plain sentences. Both are recognised from their text,
because it formats many of the numbered ones before raising them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from huqing.packs.reasons_table import NUMBERED, SENTENCES

_ROW = re.compile(r"^\[row : (\w+)\]\s*")
_NEXT = re.compile(r"\n(?=\[row : )")
_SHEET = re.compile(r"(?:On the|sheet:|sheet named) '([\w ]+)'")
_COLUMN = re.compile(r"the '([^']+)' value")
_TOKEN = re.compile(r"\\\{(\w+)\\\}")
UNTOLD = "unknown"  # what pyxform writes where it does not know
TYPES_OF_SECTION = {"group": "分组", "repeat": "重复组", "loop": "循环组"}


class Pattern(NamedTuple):
    """One message of pyxform and what to tell instead."""

    message: re.Pattern[str]
    problem: str
    remedy: str


@dataclass(frozen=True)
class Reason:
    """One mistake of a form.

    ``row`` is the row of the sheet as pyxform counts, 0 if it names none; ``about`` the name or type it speaks of, by
    which the row may still be found.
    """

    sheet: str
    row: int
    column: str
    problem: str
    remedy: str
    about: str = ""


def explained(message: str) -> list[Reason]:
    """The mistakes a message of pyxform tells, in Chinese; one it never told before is quoted."""
    return [_explained(part) for part in _NEXT.split(message.strip()) if part.strip()]


def crashed(error: BaseException) -> Reason:
    """What to say when pyxform did not refuse a form but broke on it."""
    text = str(error)
    unknown = re.search(r"unexpected keyword argument '(.+?)'", text)
    if unknown:
        return Reason(
            "",
            0,
            "",
            f"第一列写着“{unknown[1]}”，不是表的名称",
            "第一列只写 survey、choices 或 settings，题目从第二列写起",
        )
    if isinstance(error, RecursionError):
        return Reason("", 0, "", "分组套得太深，或公式太长", "减少分组的层数，把长公式拆成几个 calculate")
    return Reason(
        "",
        0,
        "",
        f"写法太特殊，转换不了（{type(error).__name__}）",
        "从最后改动的几行查起，对照另一个能用的表单改正",
    )


def _explained(message: str) -> Reason:
    found = _ROW.match(message)
    row = int(found[1]) if found and found[1].isdigit() else 0
    sheet, column = _SHEET.search(message), _COLUMN.search(message)
    where = (_known(sheet) or ("survey" if row else ""), row, _known(column))
    for pattern in _patterns():
        told = pattern.message.search(message)
        if told:
            words = {key: _words(key, value) for key, value in told.groupdict().items()}
            about = next((words[key] for key in ("other", "name", "q") if words.get(key)), "")
            return Reason(*where, pattern.problem.format(**words), pattern.remedy.format(**words), about)
    return Reason(*where, f"写法不被接受，原文是“{_bare(message)}”", "按原文所说的改正，或对照另一个能用的表单")


def _known(found: re.Match[str] | None) -> str:
    return found[1] if found and found[1] != UNTOLD else ""


def _bare(message: str) -> str:
    return _ROW.sub("", message).split("\n")[0][:200]


def _words(key: str, value: str | None) -> str:
    if value in (UNTOLD, "None"):
        return "空的列名" if key == "header" else "这里"
    if key == "type":
        return TYPES_OF_SECTION.get(value or "", value or "")
    if key in ("missing", "columns", "candidates", "accepted", "rejected"):
        return "、".join(re.findall(r"[^',]+", (value or "").replace("', '", "','")))
    return (value or "").strip()


@cache
def _patterns() -> tuple[Pattern, ...]:
    from pyxform.errors import ErrorCode

    found = []
    for code in ErrorCode:
        problem, remedy = NUMBERED[code.name]
        found.append(Pattern(_as_pattern(code.value.msg), problem, remedy))
    return (*(Pattern(re.compile(text, re.DOTALL), *told) for text, told in SENTENCES.items()), *found)


def _as_pattern(template: str) -> re.Pattern[str]:
    """A message with ``{tokens}`` as an expression that recognises it; a token said twice matches any text twice."""
    seen: set[str] = set()

    def group(found: re.Match[str]) -> str:
        if found[1] in seen:
            return ".*?"
        seen.add(found[1])
        return f"(?P<{found[1]}>.*?)"

    text = re.escape(template.replace("{{", "\0").replace("}}", "\1"))
    text = _TOKEN.sub(group, text)
    return re.compile(text.replace("\0", "\\{").replace("\1", "\\}"), re.DOTALL)
