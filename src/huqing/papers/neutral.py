"""Cells that cannot become formulas.

Spreadsheets run text that begins with = + - @ (or a tab or line break before one) as a formula. In a workbook the text
stays as it is under Excel's own quote mark, which is not part of the value; in CSV there is no such mark, so an
apostrophe goes in front, and `restore` takes it off again. Text that simply is a number, like -5, is left alone.
"""

from __future__ import annotations

import re

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)?(\.\d+)?%?")
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LONGEST = 32_767
_CUT = "…（内容过长，已截断）"


def is_active(text: str) -> bool:
    """Whether a spreadsheet might run `text` as a formula."""
    return text.startswith(_STARTS) and not (_NUMBER.fullmatch(text) and any(map(str.isdigit, text)))


def neutral(text: str) -> str:
    """`text` for a CSV cell: an apostrophe in front of what might run."""
    return f"'{text}" if is_active(text.lstrip(" ")) else text


def restore(text: str) -> str:
    """What `neutral` was given: the apostrophe comes off only where it was put."""
    return text[1:] if text.startswith("'") and is_active(text[1:].lstrip(" ")) else text


def writable(text: str) -> str:
    """`text` as a cell can hold it: no illegal characters, plain line breaks, cut (and saying so) when too long."""
    if not text.isprintable():
        text = _ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)] + _CUT
