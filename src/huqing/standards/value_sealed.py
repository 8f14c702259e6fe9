"""Checkers of sealed values: ID numbers, phone numbers, bank accounts.

Their problems never repeat what was typed. A wrong number is a warning: it is stored, and the rules find it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from huqing.standards import idnumbers
from huqing.standards.fields import Field
from huqing.standards.value_problems import Checked, Problem, Raw, missing

Checker = Callable[[str, Raw], Checked]


def _lost_digits(raw: Raw, text: str) -> bool:
    """Whether a spreadsheet kept the number as a number and so lost its last digits."""
    return (isinstance(raw, float) and abs(raw) >= 1e15) or bool(re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text.strip()))


def _as_number(field: Field) -> Problem:
    remedy = "请把这一列设为“文本”格式，再重新填写完整号码"
    return Problem(f"「{field.label}」被表格软件存成了数字，末几位已经丢失", remedy)


def id_number(field: Field, as_of: date) -> Checker:
    """Resident ID numbers and disability cards; anything wrong is a warning, lost digits are refused."""
    remedies = {
        "bad_length": "请填写 18 位居民身份证号码",
        "bad_date": "请对照身份证核对第 7 到 14 位",
        "bad_check": "请对照身份证逐位核对",
        "placeholder": "请填写真实的身份证号码，没有就留空",
    }
    card = field.key == "card_number"

    def check(text: str, raw: Raw) -> Checked:
        if _lost_digits(raw, text):
            return _as_number(field)
        number = idnumbers.normalise(text.removesuffix(".0"))
        disability = idnumbers.parse_disability_card(number, as_of=as_of)
        if disability is not None:
            number, parsed = disability.number, disability.id_number
        else:
            parsed = idnumbers.parse(number, as_of=as_of)
            number = parsed.number
        if parsed.state == "missing":
            return missing(field) if field.required else None
        if parsed.valid and (disability or not card):
            return number
        message = f"「{field.label}」{idnumbers.STATE_LABELS[parsed.state]}"
        if card and disability is None:
            return Problem(
                f"「{field.label}」位数不对", "请填写 20 位或 22 位残疾人证号", warning=True, value=number[:40]
            )
        return Problem(message, remedies[parsed.state], warning=True, value=number[:40])

    return check


def phone(field: Field, _as_of: date) -> Checker:
    """Mobile and landline numbers."""

    def check(text: str, raw: Raw) -> Checked:
        number = idnumbers.normalise_phone(text.removesuffix(".0"))
        state = idnumbers.phone_state(number)
        if state == "missing":
            return missing(field) if field.required else None
        if state == "bad":
            remedy = "请填写 11 位手机号，或区号加固定电话"
            return Problem(f"「{field.label}」不是电话号码", remedy, warning=True, value=number[:40])
        return number

    return check


def bank_account(field: Field, _as_of: date) -> Checker:
    """Bank cards and passbooks."""

    def check(text: str, raw: Raw) -> Checked:
        if _lost_digits(raw, text):
            return _as_number(field)
        number = idnumbers.normalise_account(text)
        if number in ("", "无", "暂无"):
            return missing(field) if field.required else None
        if not idnumbers.account_is_valid(number):
            remedy = "请对照银行卡填写 12 到 21 位数字"
            return Problem(f"「{field.label}」不是银行账号", remedy, warning=True, value=number[:40])
        return number

    return check
