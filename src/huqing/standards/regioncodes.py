"""12-digit statistical region codes: 2 province, 2 city, 2 county, 3 town, 3 village digits.

Scope is a prefix everywhere: the code of a county without its trailing zeros begins every code inside it. Source: the
national rules for statistical region codes; see ``docs/glossary.md`` for the terms.
"""

from __future__ import annotations

from enum import IntEnum

LENGTH = 12
_WIDTHS = (2, 4, 6, 9, 12)


class Level(IntEnum):
    """The level of a place, as in the registry."""

    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    TOWN = 4
    VILLAGE = 5

    @property
    def width(self) -> int:
        """How many digits a code of this level uses."""
        return _WIDTHS[self - 1]


class RegionCodeError(ValueError):
    """The text is not a region code; the message says in Chinese what to write."""


def full(code: str) -> str:
    """The 12-digit code of a full or short code: "500236" → "500236000000".

    Raises RegionCodeError unless it is 2, 4, 6, 9 or 12 digits of a province that can exist.
    """
    if len(code) not in _WIDTHS or not (code.isascii() and code.isdigit()) or code[0] == "0":
        raise RegionCodeError("区划代码应为 12 位数字（县 6 位、乡镇 9 位也可以）")
    return code.ljust(LENGTH, "0")


def level(code: str) -> Level:
    """The level of a full or short code; a code like 500236000000 is the county, not a village numbered 000."""
    digits = full(code)
    for found in reversed(Level):
        if digits[_WIDTHS[found - 2] if found > 1 else 0 : found.width].strip("0"):
            return found
    raise RegionCodeError("区划代码不能全为 0")


def prefix(code: str) -> str:
    """The digits that begin every code inside the place: "500236000000" → "500236"."""
    return full(code)[: level(code).width]


def next_prefix(code_prefix: str) -> str:
    """The first prefix after all codes that begin with `code_prefix`: inside means ``prefix <= code < next_prefix``.

    "500236" → "500237"; "99" → ":" (the character after 9), so that the range stays right for the last prefix.
    """
    if not code_prefix:
        return ":"
    head, last = code_prefix[:-1], code_prefix[-1]
    if last == "9" and not head.strip("9"):
        return ":"
    if last == "9":
        return next_prefix(head)
    return head + chr(ord(last) + 1)


def parent(code: str) -> str | None:
    """The 12-digit code of the place above; None for a province."""
    found = level(code)
    if found == Level.PROVINCE:
        return None
    return full(code)[: _WIDTHS[found - 2]].ljust(LENGTH, "0")


def ancestors(code: str) -> list[str]:
    """The 12-digit codes of all places above, from the province down."""
    found: list[str] = []
    above = parent(code)
    while above:
        found.insert(0, above)
        above = parent(above)
    return found


def contains(outer: str, inner: str) -> bool:
    """Whether the place `outer` is or contains the place `inner`; both full or short codes."""
    return full(inner).startswith(prefix(outer))


def county(code: str) -> str:
    """The 6-digit county code."""
    return full(code)[:6]


def town(code: str) -> str:
    """The 9-digit town code."""
    return full(code)[:9]


def spoken_name(name: str) -> str:
    """A place as people say it: 砚瓦村 for 砚瓦村村民委员会, 九里社区 for 九里社区居民委员会."""
    for ending, kind in (("村民委员会", "村"), ("居民委员会", "社区")):
        if name.endswith(ending) and len(name) > len(ending):
            short = name.removesuffix(ending)
            return short if short.endswith(kind) else short + kind
    return name
