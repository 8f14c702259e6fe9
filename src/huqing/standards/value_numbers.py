"""Checkers of numbers: integers, decimals and money."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from huqing.standards.fields import Field
from huqing.standards.money import LARGEST_FEN, MoneyError, decimal_of, round_fen
from huqing.standards.text import fold
from huqing.standards.value_problems import Checked, Problem, Raw, wrote

Checker = Callable[[str, Raw], Checked]
_WHOLE = re.compile(r"[+-]?\d+")


def _without_unit(field: Field, text: str) -> str:
    if not field.unit or text[-1:].isdigit():
        return text
    unit = fold(field.unit)
    return text.removesuffix(unit).removesuffix(unit.split("/")[0])


def _number(field: Field, text: str) -> Decimal | None:
    try:
        plain = _without_unit(field, fold(text)).replace("−", "-").replace("—", "-")
        return decimal_of(plain) if "," in plain else Decimal(plain)
    except (InvalidOperation, MoneyError):
        return None


def _in_range(field: Field, number: Decimal, text: str) -> Problem | None:
    low, high = _bounds(field)
    if (low is None or number >= low) and (high is None or number <= high):
        return None
    unit = f" {field.unit}" if field.unit else ""
    if low is not None and high is not None:
        allowed = f"{low} 到 {high} 之间的数"
    else:
        allowed = f"不小于 {low} 的数" if low is not None else f"不大于 {high} 的数"
    return Problem(f"{wrote(field, text)}，超出范围", f"请写 {allowed}{unit and f'（单位：{field.unit}）'}")


@lru_cache(maxsize=1024)
def _bounds(field: Field) -> tuple[Decimal | None, Decimal | None]:
    return (Decimal(field.minimum) if field.minimum else None, Decimal(field.maximum) if field.maximum else None)


def _unit_hint(field: Field) -> str:
    return f"请只写数字（单位：{field.unit}），不清楚就留空" if field.unit else "请只写数字，不清楚就留空"


def integer(field: Field, _as_of: date) -> Checker:
    """Whole numbers; a unit or thousands separators may be written."""

    def check(text: str, _raw: Raw) -> Checked:
        number = Decimal(text) if _WHOLE.fullmatch(text) and text.isascii() else _number(field, text)
        if number is None or not number.is_finite() or abs(number) > 2**31 - 1:
            return Problem(f"{wrote(field, text)}，不是整数", _unit_hint(field))
        if number != number.to_integral_value():
            return Problem(f"{wrote(field, text)}，不是整数", _unit_hint(field).replace("数字", "整数"))
        return _in_range(field, number, text) or int(number)

    return check


def decimal(field: Field, _as_of: date) -> Checker:
    """Decimals, rounded half up to the scale of the field; stored as text so that no digit is lost."""

    step = Decimal(1).scaleb(-field.scale)

    def check(text: str, _raw: Raw) -> Checked:
        number = _number(field, text)
        if number is None or not number.is_finite() or abs(number) >= Decimal(10) ** (18 - field.scale):
            return Problem(f"{wrote(field, text)}，不是数", _unit_hint(field))
        return _in_range(field, number, text) or str(number.quantize(step, rounding=ROUND_HALF_UP))

    return check


# From here on a fraction is a formula's result, not something a person wrote.
_COMPUTED_DECIMALS = 6


def money(field: Field, _as_of: date) -> Checker:
    """Yuan to fen; more than two decimals are refused unless a formula produced them."""

    def check(text: str, _raw: Raw) -> Checked:
        try:
            yuan = decimal_of(_without_unit(field, text.strip()))
        except MoneyError as error:
            yuan_or_none = _number(field, text) if "e" in text.lower() else None
            if yuan_or_none is None or not yuan_or_none.is_finite():
                remedy = f"请写以元为单位的数，如 1234.50；没有就写 0，不清楚就留空{_unit_note(field)}"
                return Problem(f"{wrote(field, text)}，{error}", remedy)
            yuan = yuan_or_none
        fen = yuan * 100
        if abs(fen) > LARGEST_FEN:
            return Problem(f"{wrote(field, text)}，金额过大", f"请核对后重写{_unit_note(field)}")
        if fen != fen.to_integral_value() and -int(yuan.normalize().as_tuple().exponent) < _COMPUTED_DECIMALS:
            return Problem(f"{wrote(field, text)}，小数超过两位", "请写到分为止，如 1234.50")
        return _in_range(field, yuan, text) or round_fen(fen)

    return check


def _unit_note(field: Field) -> str:
    return f"（单位：{field.unit}）" if field.unit and field.unit != "元" else ""
