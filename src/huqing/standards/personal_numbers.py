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


# The first two digits of region codes; a household number begins with the code of its village. 62 (Gansu) is looked at
# more closely: bank cards begin with it too, and a card with a mistyped digit must stay hidden.
_PROVINCES = frozenset(
    f"{first}{second}"
    for first, seconds in (
        ("1", "12345"),
        ("2", "123"),
        ("3", "1234567"),
        ("4", "123456"),
        ("5", "01234"),
        ("6", "1345"),
    )
    for second in seconds
)
_HOUSEHOLD_DIGITS = 16
# County, town and village as they are numbered in Gansu's prefectures 01 to 09. Those with higher numbers share their
# beginnings with common cards (621226, 622922), so household numbers from there stay hidden.
_IN_GANSU = re.compile(r"620[1-9](?:0[1-9]|2\d|8[1-9])[0-2]\d\d[02]\d\d\d{4}")


def _household_number(number: str) -> bool:
    """Whether 16 digits are a household's number rather than a card's: a region's beginning, and no card's check digit.

    One household number in ten has a card's check digit by chance; it is hidden rather than a card shown.
    """
    if len(number) != _HOUSEHOLD_DIGITS or not number.isdigit():
        return False
    somewhere = number[:2] in _PROVINCES and "01" <= number[2:4] <= "90"
    return (somewhere or bool(_IN_GANSU.fullmatch(number))) and not _passes_luhn(number)


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(two - 9 if two > 9 else two for two in doubled)) % 10 == 0


def _personal(match: re.Match[str]) -> bool:
    number = match["number"]
    return bool(number) and not _household_number(number)


def has_number(text: str) -> bool:
    """Whether the text holds something that reads as an ID number, a mobile phone or a bank account."""
    if not _DIGITS.search(text):
        return False
    return any(_personal(match) for match in _PATTERN.finditer(text.translate(_NARROW)))


def hide_numbers(text: str, remark: str = HIDDEN) -> str:
    """The text with every such number replaced by a remark."""
    if not _DIGITS.search(text):
        return text
    parts, end = [], 0
    for match in _PATTERN.finditer(text.translate(_NARROW)):
        if _personal(match):
            parts += [text[end : match.start()], remark]
            end = match.end()
    return "".join([*parts, text[end:]]) if parts else text
