"""Dirt as clerks make it: numbers and names written oddly, mistyped, left out."""

from __future__ import annotations

from datetime import date

from huqing.demo.draw import Draw
from huqing.demo.identity import check_digit

# The same sound or shape in another character; traditional forms. One replacement makes a name variant.
VARIANTS = dict(
    zip(
        "芳英华明志红玉涛伟丽军云萍建国兰秀珍春永文清桂福才正成林宇浩梓涵雨佳静燕琼碧淑芬",
        "方瑛花铭智洪钰滔炜莉君芸苹健國蘭绣真椿勇雯青贵富财政诚琳羽皓子寒语家净艳穷璧叔分",
        strict=True,
    )
)
_WIDE = str.maketrans("0123456789Xx", "０１２３４５６７８９Ｘｘ")
COSMETIC = ("id_15", "id_wide", "id_lower_x", "id_spaces", "name_spaces")
HARD = ("id_typo", "id_swapped", "id_missing", "name_variant")


def short_id(number: str) -> str | None:
    """The 15-digit form of an 18-digit number; None for people born in this century or when it cannot extend back."""
    if not number.startswith("19", 6) or number[14:17] in ("996", "997", "998", "999"):
        return None
    return number[:6] + number[8:17]


def cosmetic(draw: Draw, kind: str, number: str, name: str) -> tuple[str, str] | None:
    """ID number and name written oddly in a way that loses nothing; None when this kind does not fit."""
    if kind == "id_15":
        short = short_id(number)
        return (short, name) if short else None
    if kind == "id_lower_x":
        return (number.lower(), name) if number.endswith("X") else None
    if kind == "id_wide":
        return number.translate(_WIDE), name
    if kind == "id_spaces":
        return f"{number[:6]} {number[6:14]} {number[14:]}", name
    gap = "　" if draw.chance(0.5) else " "
    return (number, gap.join(name)) if 2 <= len(name) <= 3 and "·" not in name else None


def mistyped(draw: Draw, number: str, kind: str = "id_typo", first: int = 6, last: int = 16) -> str | None:
    """The number with one digit wrong, or two neighbours swapped, so that its check digit no longer fits."""
    place = draw.between(first, last)
    if kind == "id_swapped":
        a, b = number[place - 1], number[place]
        return number[: place - 1] + b + a + number[place + 1 :] if a != b else None
    digit = str((int(number[place]) + draw.between(1, 9)) % 10)
    return number[:place] + digit + number[place + 1 :]


def variant(draw: Draw, name: str) -> str | None:
    """The name with one character exchanged, or without its middle dot; None when there is nothing to exchange."""
    if "·" in name:
        return name.replace("·", "")
    places = [i for i, character in enumerate(name) if i and character in VARIANTS]
    if not places:
        return None
    place = draw.one(places)
    return name[:place] + VARIANTS[name[place]] + name[place + 1 :]


def stranger(draw: Draw, sex: str, as_of: date) -> str:
    """The ID number of somebody who is in no household of the county."""
    birth = date(as_of.year - draw.between(18, 80), draw.between(1, 12), draw.between(1, 28))
    sequence = draw.between(0, 499) * 2 + (1 if sex == "1" else 0)
    first17 = f"991101{birth:%Y%m%d}{sequence:03d}"
    return first17 + check_digit(first17)
