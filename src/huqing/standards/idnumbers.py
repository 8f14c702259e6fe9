"""Resident ID numbers (GB 11643-1999), disability card numbers, phone and bank account numbers.

`parse` never refuses: real rosters hold wrong numbers, and a wrong number is a finding, not a reason to lose the
row. It says what is wrong in `state`, and gives birth date, sex and area code wherever the digits can still be trusted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

State = Literal["valid", "valid_card", "missing", "bad_length", "bad_date", "bad_check", "placeholder"]
STATE_LABELS: dict[str, str] = {
    "valid": "正确",
    "valid_card": "正确的残疾人证号",
    "missing": "未填写",
    "bad_length": "位数不对",
    "bad_date": "出生日期段不是日期",
    "bad_check": "校验码不对",
    "placeholder": "占位号码",
}
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_NARROW = str.maketrans("０１２３４５６７８９ｘＸx×ΧхХ", "0123456789XXXXXXX")
_NOISE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff'’‘`\-—_.·]+")
_NO_NUMBER = {"", "无", "暂无", "没有", "未办理", "/", "NULL", "NONE", "NAN"}
_EARLIEST = date(1850, 1, 1)
_CARD_LENGTHS = (20, 22)


@dataclass(frozen=True)
class IdNumber:
    """A parsed number. `number` is the 18-digit form when there is one, else the normalised text.

    `birth_date`, `sex` ("1" male, "2" female) and `area` (6 digits) are given only when the state is 'valid',
    'valid_card' or 'bad_check': with a wrong check digit they may be wrong too. `from_15` tells an old number that was
    extended. A disability card number (20 or 22 characters) is judged by the ID number it begins with.
    """

    number: str
    state: State
    birth_date: date | None = None
    sex: str = ""
    area: str = ""
    from_15: bool = False

    @property
    def valid(self) -> bool:
        """Whether the number satisfies the standard and is no placeholder."""
        return self.state in ("valid", "valid_card")


@dataclass(frozen=True)
class DisabilityCard:
    """A disability card number: the ID number, the kind (1–7) and grade (1–4), and how often it was reissued."""

    number: str
    id_number: IdNumber
    disability_type: str
    disability_grade: str
    reissue: str = ""


def normalise(text: str) -> str:
    """Full-width digits narrowed, spaces, dashes, quotes and invisible characters removed, x in upper case."""
    if text.isascii() and text.isalnum():
        return text.upper()
    narrowed = _NOISE.sub("", text.translate(_NARROW)).upper()
    return narrowed if narrowed not in _NO_NUMBER else ""


def check_digit(first_17: str) -> str:
    """The 18th character for 17 digits."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True)) % 11]


def from_15_to_18(number: str) -> str:
    """The 18-digit form of a 15-digit number, all of which meant people born in the 1900s.

    Numbers ending 996–999 belonged to people born in the 1800s and cannot be extended by rule; ValueError.
    """
    if len(number) != 15 or not number.isdigit() or number[12:] in ("996", "997", "998", "999"):
        raise ValueError("not an extensible 15-digit number")
    first_17 = f"{number[:6]}19{number[6:]}"
    return first_17 + check_digit(first_17)


def parse(text: str | None, *, as_of: date | None = None) -> IdNumber:
    """What `text` says as a resident ID number; with `as_of`, a birth date after that day counts as 'bad_date'."""
    number = normalise(text or "")
    card = parse_disability_card(number, as_of=as_of) if len(number) in _CARD_LENGTHS else None
    if card is None:
        return _resident(number, as_of)
    return replace(card.id_number, state="valid_card") if card.id_number.valid else card.id_number


def _resident(number: str, as_of: date | None) -> IdNumber:
    if number in _NO_NUMBER:
        return IdNumber("", "missing")
    if _is_placeholder(number):
        return IdNumber(number, "placeholder")
    from_15 = len(number) == 15 and number.isascii() and number.isdigit()
    if from_15:
        if number[12:] in ("996", "997", "998", "999"):
            return IdNumber(number, "bad_length")
        number = from_15_to_18(number)
    if len(number) != 18 or not (number[:17].isascii() and number[:17].isdigit()) or number[17] not in "0123456789X":
        return IdNumber(number, "bad_length")
    born = _birth_date(number, as_of)
    if born is None:
        return IdNumber(number, "bad_date", from_15=from_15)
    state: State = "valid" if check_digit(number[:17]) == number[17] else "bad_check"
    sex = "1" if int(number[16]) % 2 else "2"
    return IdNumber(number, state, born, sex, number[:6], from_15)


def _is_placeholder(number: str) -> bool:
    """All first six characters equal (999999…, 000000…, XXXXXX…), or a counting row such as 123456789…"""
    return (len(number) >= 6 and len(set(number[:6])) == 1) or number.startswith("123456789")


def _birth_date(number: str, as_of: date | None) -> date | None:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return born if born >= _EARLIEST and (as_of is None or born <= as_of) else None


def parse_disability_card(text: str | None, *, as_of: date | None = None) -> DisabilityCard | None:
    """The parts of a 20- or 22-character disability card number; None when it is not one.

    The first 18 characters are the ID number (its own state tells whether it is right).
    """
    number = normalise(text or "")
    if len(number) not in _CARD_LENGTHS:
        return None
    kind, grade = number[18], number[19]
    if kind not in "1234567" or grade not in "1234":
        return None
    return DisabilityCard(number, _resident(number[:18], as_of), kind, grade, number[20:])


_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"(0\d{2,3})?[2-8]\d{6,7}(转?\d{1,5})?")
_PREFIX = re.compile(r"^(\+|00)?86(?=1[3-9]\d{9}$)")
_PHONE_NOISE = re.compile(r"[\s\-—_()（）.'‘’\u200b-\u200f\ufeff]+")


def normalise_phone(text: str) -> str:
    """A phone number without spaces, dashes, brackets and +86."""
    return _PREFIX.sub("", _PHONE_NOISE.sub("", text.translate(_NARROW)))


def phone_state(text: str | None) -> Literal["mobile", "landline", "missing", "bad"]:
    """Whether `text` is an 11-digit mobile number, a landline (7–8 digits, area code optional), nothing or neither."""
    number = normalise_phone(text or "")
    if number in _NO_NUMBER:
        return "missing"
    if _MOBILE.fullmatch(number) and len(set(number[3:])) > 1:
        return "mobile"
    return "landline" if _LANDLINE.fullmatch(number) and len(set(number)) > 2 else "bad"


def normalise_account(text: str) -> str:
    """A bank account without spaces and dashes."""
    return _NOISE.sub("", text.translate(_NARROW))


def account_is_valid(text: str) -> bool:
    """Whether `text` has the form of a Chinese bank card or passbook number: 12–21 digits, not all the same.

    The check digit is not tested: rural credit passbooks do not carry one.
    """
    number = normalise_account(text)
    return number.isascii() and number.isdigit() and 12 <= len(number) <= 21 and len(set(number)) > 1
