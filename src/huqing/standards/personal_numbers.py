"""Numbers of people (ID, phone, bank account) in free text: found, so that they are not kept, logged or audited."""

from __future__ import annotations

import re

HIDDEN = "〔号码已隐去〕"

# Long hexadecimal digests and UUIDs hold runs of digits by chance; they are stepped over as a whole.
_DIGEST = r"(?<![0-9A-Za-z])(?=\d*[a-fA-F])[0-9a-fA-F]{32,}(?![0-9A-Za-z])|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MONTH_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_NUMBER = (
    r"(?<!\d)(?:"
    r"\d{17}[\dXx](?:[1-7][1-4](?:\d\d)?)?"  # ID number, alone or at the start of a disability card
    r"|\d{6}[ -]\d{8}[ -]?\d{3}[\dXx]"  # ID number in groups
    rf"|[1-9]\d{{7}}{_MONTH_DAY}\d{{3}}"  # ID number of 15 digits
    r"|(?:(?:\+|00)?86[ -]?)?1[3-9]\d(?:\d{8}|[ -]\d{4}[ -]\d{4})"  # mobile phone
    r"|\d{16,22}|\d{4}(?:[ -]\d{4}){3}(?:[ -]?\d{1,3})?"  # bank card or account
    r")(?!\d)"
)
_PATTERN = re.compile(rf"(?P<digest>{_DIGEST})|(?P<number>{_NUMBER})")
# However a number is written, four of its digits stand together: most texts need no closer look.
_DIGITS = re.compile(r"\d{4}")

# One character for one, so that places found in the narrowed text are places of the text itself.
_NARROW = str.maketrans("０１２３４５６７８９Ｘｘ　－", "0123456789Xx -")


def has_number(text: str) -> bool:
    """Whether the text holds something that reads as an ID number, a mobile phone or a bank account."""
    if not _DIGITS.search(text):
        return False
    return any(match["number"] for match in _PATTERN.finditer(text.translate(_NARROW)))


def hide_numbers(text: str, remark: str = HIDDEN) -> str:
    """The text with every such number replaced by a remark."""
    if not _DIGITS.search(text):
        return text
    parts, end = [], 0
    for match in _PATTERN.finditer(text.translate(_NARROW)):
        if match["number"]:
            parts += [text[end : match.start()], remark]
            end = match.end()
    return "".join([*parts, text[end:]]) if parts else text
