"""The survey sheet by the usual names of its columns, whatever spelling the author chose, and what a type means."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from huqing.packs.workbook import Workbook

# Spellings of the columns this package looks into; pyxform knows more, and sees the author's own.
_ALIASES = {
    "command": "type",
    "tag": "name",
    "value": "name",
    "caption": "label",
    "calculate": "calculation",
    "bind::calculate": "calculation",
    "bind:calculate": "calculation",
    "bind::constraint": "constraint",
    "bind:constraint": "constraint",
    "constraining_message": "constraint_message",
    "bind::jr:constraintmsg": "constraint_message",
    "bind:jr:constraintmsg": "constraint_message",
    "count": "repeat_count",
    "jr:count": "repeat_count",
    "预填": "reads",
    "写入": "writes",
}
_PLAIN = {
    "string": "text",
    "int": "integer",
    "q string": "text",
    "q int": "integer",
    "q decimal": "decimal",
    "q date": "date",
    "q note": "note",
    "q calculate": "calculate",
}
_SELECT = re.compile(
    r"(?P<kind>select[_ ]?one|select1|select[_ ]multiple|select all that apply|rank)"
    r"(?P<file>[_ ]from[_ ]file)?(?: from)? (?P<list>\S+)(?P<other> or[_ ](?:specify )?other)?\Z"
)
_SECTION = re.compile(r"(?P<end>begin|end)[_ ](?P<what>group|repeat|loop)\b")
_REFERENCE = re.compile(r"\$\{\s*(?:last-saved#)?([^}\s]+)\s*\}")


@dataclass(frozen=True)
class Type:
    """A type of question: ``kind`` (text, select_one, begin_repeat …), and of a select its list, ``choices``."""

    kind: str
    choices: str = ""
    from_file: bool = False
    other: bool = False


@dataclass(frozen=True)
class Row:
    """One row of the survey sheet: ``index`` in the sheet's rows, ``row`` of the file, cells by usual column name.

    ``sections`` are the names of the groups and repeats around it, ``repeats`` those of them that repeat.
    """

    index: int
    row: int
    cells: dict[str, str]
    sections: tuple[str, ...]
    repeats: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the question."""
        return self.cells.get("name", "")

    @property
    def type(self) -> Type:
        """Its type."""
        return type_of(self.cells.get("type", ""))

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def usual(header: str | None) -> str:
    """The usual name of a column; "" for one without a name."""
    plain = "_".join((header or "").split()).lower()
    return _ALIASES.get(plain, plain)


def type_of(text: str) -> Type:
    """What a cell of the type column means."""
    words = " ".join(text.split())
    select = _SELECT.match(words)
    if select:
        many = "multiple" in select["kind"] or "all" in select["kind"]
        kind = "rank" if select["kind"] == "rank" else "select_multiple" if many else "select_one"
        return Type(kind, select["list"], bool(select["file"]), bool(select["other"]))
    section = _SECTION.match(words.lower())
    if section:
        return Type(f"{section['end']}_{section['what']}")
    return Type(_PLAIN.get(words.lower(), words.lower()))


def references(text: str) -> list[str]:
    """The questions an expression refers to."""
    return _REFERENCE.findall(text)


def survey_rows(book: Workbook) -> Iterator[Row]:
    """The rows of the survey sheet, each knowing the groups it stands in; disabled and empty ones left out."""
    columns = {header: usual(header) for header in book.headers.get("survey", [])}
    open_sections: list[tuple[str, bool]] = []
    for index, cells in enumerate(book.sheets.get("survey", [])):
        named = {columns.get(header, usual(header)): str(value).strip() for header, value in cells.items() if value}
        kind = type_of(named.get("type", "")).kind
        named.pop("", None)
        if not kind or named.get("disabled", "").lower() in ("yes", "true", "true()"):
            continue
        if kind.startswith("end_") and open_sections:
            open_sections.pop()
        names = tuple(name for name, _ in open_sections)
        repeats = tuple(name for name, repeats in open_sections if repeats)
        yield Row(index, book.rows["survey"][index], named, names, repeats)
        if kind.startswith("begin_"):
            open_sections.append((named.get("name", ""), kind != "begin_group"))


def choice_lists(book: Workbook) -> dict[str, list[str]]:
    """The codes of every list on the choices sheet."""
    columns = {header: usual(header) for header in book.headers.get("choices", [])}
    found: dict[str, list[str]] = {}
    for cells in book.sheets.get("choices", []):
        named = {columns.get(header, usual(header)): value for header, value in cells.items() if value}
        if named.get("list_name") and named.get("name"):
            found.setdefault(str(named["list_name"]).strip(), []).append(str(named["name"]).strip())
    return found
