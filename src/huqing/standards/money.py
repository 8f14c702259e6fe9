"""Money: integer fen inside, yuan in files and on screens, and the one place where money is rounded.

Sums, comparisons and shares are exact; only `round_fen` and `share` decide about fractions of a fen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

LARGEST_FEN = 10**15
_YUAN = re.compile(r"([+-]?)(\d+|\d{1,3}(?:,\d{3})+)?(?:\.(\d*))?(万)?元?")
_TO_ASCII = str.maketrans("，．－＋―−０１２３４５６７８９", ",.-+--0123456789")


class MoneyError(ValueError):
    """The text is not an amount; the message says in Chinese what is wrong with it."""


def round_fen(amount: Decimal | Fraction) -> int:
    """`amount` fen as a whole number, halves away from zero: the only rounding of money in the product."""
    if isinstance(amount, Fraction):
        doubled = abs(amount) * 2 + 1
        whole = doubled.numerator // (doubled.denominator * 2)
        return whole if amount >= 0 else -whole
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def decimal_of(text: str) -> Decimal:
    """The exact number of yuan that `text` says: "1,234.50", "￥12", "3.2万元", "－5".

    Raises MoneyError for anything else, commas in the wrong place ("12,34") included.
    """
    plain = "".join(text.split()).translate(_TO_ASCII).replace("￥", "").replace("¥", "").removeprefix("人民币")
    match = _YUAN.fullmatch(plain)
    if not match or not (match[2] or match[3]):
        raise MoneyError("千分位逗号的位置不对" if "," in plain and plain.replace(",", "").isdigit() else "不是金额")
    yuan = Decimal(f"{match[1]}{(match[2] or '0').replace(',', '')}.{match[3] or '0'}")
    return yuan * 10000 if match[4] else yuan


def fen_of(text: str | int | Decimal) -> int:
    """Yuan to fen, exactly. Raises MoneyError for no amount, for part of a fen and beyond 10^13 yuan."""
    fen = (decimal_of(text) if isinstance(text, str) else Decimal(text)) * 100
    if not fen.is_finite() or abs(fen) > LARGEST_FEN:
        raise MoneyError("金额过大")
    if fen != fen.to_integral_value():
        raise MoneyError("小数超过两位")
    return int(fen)


def yuan_text(fen: int, *, grouped: bool = False) -> str:
    """Fen as yuan with two decimals: 123450 → "1234.50", or "1,234.50" when `grouped` for reading."""
    sign, yuan, rest = "-" if fen < 0 else "", abs(fen) // 100, abs(fen) % 100
    return f"{sign}{yuan:,}.{rest:02d}" if grouped else f"{sign}{yuan}.{rest:02d}"


def share(fen: int, weights: Sequence[int | Decimal | Fraction]) -> list[int]:
    """Split `fen` in proportion to `weights` so that the parts add up to exactly `fen`.

    Every part is rounded towards zero; the left-over fen go one each to the largest fractions, earlier ones first.
    Raises ValueError when a weight is negative or all are zero.
    """
    exact_weights = [Fraction(weight) for weight in weights]
    total = sum(exact_weights)
    if total <= 0 or any(weight < 0 for weight in exact_weights):
        raise ValueError("weights must not be negative and must not all be zero")
    sign = -1 if fen < 0 else 1
    exact = [abs(fen) * weight / total for weight in exact_weights]
    parts = [part.numerator // part.denominator for part in exact]
    by_fraction = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_fraction[: abs(fen) - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]


def share_equally(fen: int, count: int) -> list[int]:
    """Split `fen` into `count` parts that differ by at most one fen and add up to exactly `fen`."""
    return share(fen, [1] * count)


def per_head(fen: int, people: int) -> int:
    """`fen` divided by `people`, rounded once to the fen. Raises ValueError when there is nobody."""
    if people <= 0:
        raise ValueError("people must be positive")
    return round_fen(Fraction(fen, people))
