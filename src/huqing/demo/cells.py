"""Values as the cells of a file: every department writes dates, amounts and yes/no its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from huqing.demo.xlsx import Cell
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field

Render = Callable[[Any], Cell]
_EPOCH = date(1899, 12, 30).toordinal()


@dataclass(frozen=True)
class Style:
    """How one file writes: ``date`` iso, dot, slash, compact, words or excel; ``money`` number, text or comma."""

    date: str = "iso"
    money: str = "number"
    yes: str = "是"
    no: str = "否"
    month: str = "iso"


_DATES: dict[str, Callable[[date], Cell]] = {
    "iso": lambda d: d.isoformat(),
    "dot": lambda d: f"{d.year}.{d.month}.{d.day}",
    "slash": lambda d: f"{d.year}/{d.month}/{d.day}",
    "compact": lambda d: f"{d.year}{d.month:02d}{d.day:02d}",
    "words": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "excel": lambda d: (d.toordinal() - _EPOCH,),
}
_MONEY: dict[str, Callable[[int], Cell]] = {
    "number": lambda fen: fen // 100 if fen % 100 == 0 else fen / 100,
    "text": lambda fen: f"{fen // 100}.{fen % 100:02d}",
    "comma": lambda fen: f"{fen // 100:,}.{fen % 100:02d}",
}


def _same(value: Any) -> Cell:
    text: Cell = value
    return text


@cache
def renderer(field: Field, style: Style) -> Render:
    """How ``style`` writes a value of ``field`` (never called with a missing value)."""
    labels = dict(codelist(field.codelist).items) if field.codelist else {}
    renderers: dict[str, Render] = {
        "money": _MONEY[style.money],
        "date": cache(_DATES[style.date]),
        "boolean": lambda value: style.yes if value else style.no,
        "code": labels.__getitem__,
        "codes": lambda codes: "、".join(labels[code] for code in codes),
        "month": (lambda month: f"{month[:4]}年{int(month[5:])}月") if style.month == "words" else _same,
        "decimal": float if style.money == "number" else _same,
    }
    return renderers.get(field.type, _same)
