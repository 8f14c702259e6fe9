"""A table that somebody sends: its known columns by key, whatever they are headed and in whatever order they stand."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.core.exceptions import ValidationError

from huqing.intake.reading import ROW, ReadError, plain, read_sheet
from huqing.standards.text import fold


class Line(NamedTuple):
    """One row: where it stands in the file, its values by key, and its cells in the order of the labels."""

    number: int
    values: dict[str, str]
    cells: list[str]


def read_table(
    content: BinaryIO, name: str, columns: Mapping[str, Sequence[str]], needed: Sequence[str]
) -> tuple[list[str], list[Line]]:
    """The labels of the known columns and the rows; ``columns`` says by key how each may be headed.

    ValidationError if the file cannot be read, has none of a ``needed`` column, or two for the same.
    """
    with tempfile.TemporaryDirectory(prefix="huqing-table-") as folder:
        path = Path(folder) / f"table{Path(name).suffix.lower()}"
        path.write_bytes(content.read())
        try:
            sheet = read_sheet(path, name=name)
        except ReadError as error:
            raise ValidationError(str(error)) from error
    known = {fold(title): key for key, titles in columns.items() for title in titles}
    keys = {label: known[fold(label)] for label in sheet.columns if fold(label) in known}
    missing = [columns[key][0] for key in needed if key not in keys.values()]
    if missing:
        raise ValidationError(f"{name}：没有找到“{'”“'.join(missing)}”列。请下载模板，按模板的列名填写。")
    for key in dict.fromkeys(keys.values()):
        same = [label for label, meant in keys.items() if meant == key]
        if len(same) > 1:
            raise ValidationError(
                f"{name}：“{'”“'.join(same)}”都是{columns[key][0]}，不知道以哪一列为准。请只留一列，或改掉另一列的列名。"
            )
    lines = []
    for told in sheet.table.to_pylist():
        cells = [plain(told[label]).strip() for label in keys]
        lines.append(Line(int(told[ROW]), dict(zip(keys.values(), cells, strict=True)), cells))
    return list(keys), lines
