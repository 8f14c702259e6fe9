"""The one checker of values: what somebody typed or a spreadsheet holds becomes a stored value, or a problem in words.

Screens and imports use the same function, so a value that is refused in one is refused in the other with the same
words. A stored value is: text as str, money as int fen, decimals as str with `scale` digits, dates and months as ISO
text, years and integers as int, booleans as bool, codes as str, several codes as list of str; nothing as None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from huqing.standards import idnumbers, money, periods, regioncodes
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field
from huqing.standards.text import clean, clean_lines, clean_name, fold

Value = str | int | bool | list[str] | None
Raw = str | int | float | date | None


@dataclass(frozen=True)
class Problem:
    """What is wrong with a value, and what to write instead, both in Chinese.

    A `warning` does not keep the row out: `value` is what is stored, and somebody should look at it. The message of a
    sealed field never repeats what was typed.
    """

    message: str
    remedy: str
    warning: bool = False
    value: Value = None

    def __str__(self) -> str:
        return f"{self.message}：{self.remedy}"


Checked = str | int | bool | list[str] | Problem | None
_Checker = Callable[[str, Raw], Checked]

# What people put into a cell that has nothing to say.
_NOTHING = {
    "",
    "/",
    "\\",
    "-",
    "--",
    "—",
    "——",
    "N/A",
    "NA",
    "#N/A",
    "NULL",
    "null",
    "None",
    "none",
    "NaN",
    "nan",
    "空",
}
_YES = {
    "是",
    "有",
    "1",
    "y",
    "yes",
    "true",
    "t",
    "√",
    "✓",
    "✔",
    "对",
    "能",
    "会",
    "可以",
    "已",
    "参加",
    "已参加",
    "享受",
    "已享受",
}
_YES |= {
    "领取",
    "已领取",
    "达标",
    "合格",
    "健在",
    "在世",
    "安全",
    "已通",
    "通",
    "1.0",
    "参保",
    "已参保",
    "寄宿",
    "已签约",
    "签约",
    "已签名",
}
_NO = {
    "否",
    "无",
    "0",
    "n",
    "no",
    "false",
    "f",
    "×",
    "✗",
    "✘",
    "x",
    "不",
    "没有",
    "不能",
    "不会",
    "不可以",
    "未",
    "未参加",
    "不享受",
}
_NO |= {
    "未享受",
    "未领取",
    "不领取",
    "不达标",
    "不合格",
    "去世",
    "死亡",
    "不安全",
    "未通",
    "不通",
    "0.0",
    "未参保",
    "不寄宿",
    "未签约",
}
_WHOLE = re.compile(r"[+-]?\d+")
_SPLIT = re.compile(r"[、,，;；|/\n]+|\s+")
_EARLIEST_DATE, _LATEST_DATE = "1850-01-01", "2199-12-31"
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2199
_ODD_IN_NAME = re.compile(r"[0-9?？*×+=<>#@\ufffd\ue000-\uf8ff]")
_FOREVER = {"长期", "长期有效", "永久", "永久有效"}
_EXAMPLES = {"date": "2024-03-05", "month": "2024-03", "year": "2024"}


def check_value(field: Field, raw: Raw, *, as_of: date) -> Checked:
    """The stored form of `raw` for `field`, None when the cell says nothing, or a Problem.

    `as_of` is the day of the data: dates that are declared as past must not lie after it.
    """
    text = raw if isinstance(raw, str) else _as_text(raw)
    if text in _NOTHING or text.strip() in _NOTHING:
        return _missing(field) if field.required else None
    return _checker(field, as_of)(text, raw)


def display(field: Field, value: Value) -> str:
    """A stored value as a person reads it: labels instead of codes, yuan with two decimals, 是/否, units left out."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if field.type == "money" and isinstance(value, int):
        return money.yuan_text(value)
    if field.codelist:
        codes = codelist(field.codelist)
        return "、".join(codes.label(code) for code in value) if isinstance(value, list) else codes.label(str(value))
    return str(value)


def _as_text(raw: int | float | date | None) -> str:
    if raw is None or raw != raw:  # NaN is the only value unequal to itself
        return ""
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    return raw.isoformat() if isinstance(raw, date) else repr(raw)


def _missing(field: Field) -> Problem:
    return Problem(f"「{field.label}」没有填", f"请填写{field.label}{_hint(field)}")


def _hint(field: Field) -> str:
    if field.type in _EXAMPLES:
        return f"，如 {_EXAMPLES[field.type]}"
    if field.codelist:
        return f"：{codelist(field.codelist).suggestion('')}"
    return f"（单位：{field.unit}）" if field.unit else ""


def _wrote(field: Field, text: str) -> str:
    if field.sealed:
        return f"「{field.label}」填写的内容"
    shown = clean(text)
    return f"「{field.label}」填了“{shown[:30]}{'…' if len(shown) > 30 else ''}”"


@lru_cache(maxsize=4096)
def _checker(field: Field, as_of: date) -> _Checker:
    return _MAKERS[field.type](field, as_of)


def _text(field: Field, _as_of: date) -> _Checker:
    longest = field.max_length or 500

    def check(text: str, _raw: Raw) -> Checked:
        value = clean_lines(text) if "\n" in text else clean(text)
        if len(value) > longest:
            return Problem(f"「{field.label}」有 {len(value)} 个字", f"请缩短到 {longest} 个字以内")
        if not value:
            return _missing(field) if field.required else None
        if "\ufffd" in value:
            return Problem(
                f"{_wrote(field, text)}，其中有无法识别的字", "请对照原件改正该字", warning=True, value=value
            )
        return value

    return check


def _name(field: Field, _as_of: date) -> _Checker:
    longest = field.max_length or 60

    def check(text: str, _raw: Raw) -> Checked:
        value = clean_name(text)
        if not any(ch.isalpha() or "\ue000" <= ch <= "\uf8ff" for ch in value):
            return Problem(f"{_wrote(field, text)}，不是姓名", "请填写户口簿上的姓名")
        if len(value) > longest:
            return Problem(f"「{field.label}」有 {len(value)} 个字", f"请只填写姓名，不超过 {longest} 个字")
        if _ODD_IN_NAME.search(value):
            remedy = "请对照户口簿核对姓名，生僻字请用输入法打出原字"
            return Problem(f"{_wrote(field, text)}，含有姓名中少见的符号", remedy, warning=True, value=value)
        return value

    return check


def _without_unit(field: Field, text: str) -> str:
    if not field.unit or text[-1:].isdigit():
        return text
    unit = fold(field.unit)
    return text.removesuffix(unit).removesuffix(unit.split("/")[0])


def _number(field: Field, text: str) -> Decimal | None:
    try:
        plain = _without_unit(field, fold(text)).replace("−", "-").replace("—", "-")
        return money.decimal_of(plain) if "," in plain else Decimal(plain)
    except (InvalidOperation, money.MoneyError):
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
    return Problem(f"{_wrote(field, text)}，超出范围", f"请写 {allowed}{unit and f'（单位：{field.unit}）'}")


@lru_cache(maxsize=1024)
def _bounds(field: Field) -> tuple[Decimal | None, Decimal | None]:
    return (Decimal(field.minimum) if field.minimum else None, Decimal(field.maximum) if field.maximum else None)


def _unit_hint(field: Field) -> str:
    return f"请只写数字（单位：{field.unit}），不清楚就留空" if field.unit else "请只写数字，不清楚就留空"


def _integer(field: Field, _as_of: date) -> _Checker:
    def check(text: str, _raw: Raw) -> Checked:
        number = Decimal(text) if _WHOLE.fullmatch(text) and text.isascii() else _number(field, text)
        if number is None or not number.is_finite() or abs(number) > 2**31 - 1:
            return Problem(f"{_wrote(field, text)}，不是整数", _unit_hint(field))
        if number != number.to_integral_value():
            return Problem(f"{_wrote(field, text)}，不是整数", _unit_hint(field).replace("数字", "整数"))
        return _in_range(field, number, text) or int(number)

    return check


def _decimal(field: Field, _as_of: date) -> _Checker:
    step = Decimal(1).scaleb(-field.scale)

    def check(text: str, _raw: Raw) -> Checked:
        number = _number(field, text)
        if number is None or not number.is_finite() or abs(number) >= Decimal(10) ** (18 - field.scale):
            return Problem(f"{_wrote(field, text)}，不是数", _unit_hint(field))
        return _in_range(field, number, text) or str(number.quantize(step, rounding=ROUND_HALF_UP))

    return check


# From here on a fraction is a formula's result, not something a person wrote.
_COMPUTED_DECIMALS = 6


def _money(field: Field, _as_of: date) -> _Checker:
    def check(text: str, _raw: Raw) -> Checked:
        try:
            yuan = money.decimal_of(_without_unit(field, text.strip()))
        except money.MoneyError as error:
            yuan_or_none = _number(field, text) if "e" in text.lower() else None
            if yuan_or_none is None or not yuan_or_none.is_finite():
                remedy = f"请写以元为单位的数，如 1234.50；没有就写 0，不清楚就留空{_unit_note(field)}"
                return Problem(f"{_wrote(field, text)}，{error}", remedy)
            yuan = yuan_or_none
        fen = yuan * 100
        if abs(fen) > money.LARGEST_FEN:
            return Problem(f"{_wrote(field, text)}，金额过大", f"请核对后重写{_unit_note(field)}")
        if fen != fen.to_integral_value() and -int(yuan.normalize().as_tuple().exponent) < _COMPUTED_DECIMALS:
            return Problem(f"{_wrote(field, text)}，小数超过两位", "请写到分为止，如 1234.50")
        return _in_range(field, yuan, text) or money.round_fen(fen)

    return check


def _unit_note(field: Field) -> str:
    return f"（单位：{field.unit}）" if field.unit and field.unit != "元" else ""


def _limits(field: Field, as_of: date, earliest: str, latest: str) -> tuple[str, str]:
    width = len(earliest)
    high = as_of.isoformat()[:width] if field.maximum == "as_of" else field.maximum
    return field.minimum or earliest, high or latest


def _dated(field: Field, text: str, value: str, low: str, high: str) -> Checked:
    if low <= value <= high:
        return value
    if value > high and field.maximum == "as_of":
        return Problem(f"{_wrote(field, text)}，晚于数据日期 {high}", f"请核对，应不晚于 {high}")
    return Problem(f"{_wrote(field, text)}，超出范围", f"请写 {low} 到 {high} 之间的{_NOUNS[field.type]}")


_NOUNS = {"date": "日期", "month": "月份", "year": "年份"}


def _date(field: Field, as_of: date) -> _Checker:
    low, high = _limits(field, as_of, _EARLIEST_DATE, _LATEST_DATE)

    def check(text: str, raw: Raw) -> Checked:
        if field.maximum != "as_of" and text.strip() in _FOREVER:
            return periods.FOREVER.isoformat()
        try:
            day = periods.date_of(text if raw is None or isinstance(raw, str) else raw)
        except periods.DateError as error:
            return Problem(f"{_wrote(field, text)}，{error}", "请写成 2024-03-05 这样的年月日，不清楚就留空")
        return _dated(field, text, day.isoformat(), low, high)

    return check


def _month(field: Field, as_of: date) -> _Checker:
    low, high = _limits(field, as_of, _EARLIEST_DATE[:7], _LATEST_DATE[:7])

    def check(text: str, raw: Raw) -> Checked:
        try:
            value = periods.month_of(text if raw is None or isinstance(raw, str) else raw)
        except periods.DateError as error:
            return Problem(
                f"{_wrote(field, text)}，{str(error).replace('日期', '年月')}",
                "请写成 2024-03 这样的年月，不清楚就留空",
            )
        return _dated(field, text, value, low, high)

    return check


def _year(field: Field, as_of: date) -> _Checker:
    low, high = _limits(field, as_of, str(_EARLIEST_YEAR), str(_LATEST_YEAR))

    def check(text: str, raw: Raw) -> Checked:
        try:
            value = str(periods.year_of(raw if isinstance(raw, date) else text))
        except periods.DateError as error:
            return Problem(f"{_wrote(field, text)}，{str(error).replace('日期', '年份')}", "请写四位年份，如 2024")
        checked = _dated(field, text, value, low, high)
        return int(value) if isinstance(checked, str) else checked

    return check


def _boolean(field: Field, _as_of: date) -> _Checker:
    def check(text: str, _raw: Raw) -> Checked:
        key = text.strip().lower()
        if key not in _YES and key not in _NO:
            key = fold(text)
        if key in _YES:
            return True
        if key in _NO:
            return False
        return Problem(f"{_wrote(field, text)}，看不出是或否", "请写 是 或 否，不清楚就留空")

    return check


def _code(field: Field, _as_of: date) -> _Checker:
    codes = codelist(field.codelist)

    def check(text: str, _raw: Raw) -> Checked:
        code = codes.code_of(text)
        if code is not None:
            return code
        if text.strip() == "无":
            return _missing(field) if field.required else None
        return Problem(f"{_wrote(field, text)}，不在允许的内容里", f"请写 {codes.suggestion(clean(text))}")

    return check


def _codes(field: Field, _as_of: date) -> _Checker:
    codes = codelist(field.codelist)

    def check(text: str, _raw: Raw) -> Checked:
        whole = codes.code_of(text)
        if whole is not None:
            return [whole]
        if text.strip() == "无":
            return _missing(field) if field.required else None
        found: list[str] = []
        for part in filter(None, _SPLIT.split(text.strip().strip("[]").replace('"', ""))):
            code = codes.code_of(part)
            if code is None:
                remedy = f"请写 {codes.suggestion(clean(part))}，多项之间用顿号隔开"
                return Problem(f"{_wrote(field, text)}，其中“{clean(part)[:20]}”不在允许的内容里", remedy)
            if code not in found:
                found.append(code)
        return found or None

    return check


def _region(field: Field, _as_of: date) -> _Checker:
    def check(text: str, _raw: Raw) -> Checked:
        try:
            return regioncodes.full(fold(text).removesuffix(".0"))
        except regioncodes.RegionCodeError as error:
            return Problem(f"{_wrote(field, text)}，不是区划代码", str(error))

    return check


def _lost_digits(raw: Raw, text: str) -> bool:
    """Whether a spreadsheet kept the number as a number and so lost its last digits."""
    return (isinstance(raw, float) and abs(raw) >= 1e15) or bool(re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", text.strip()))


def _as_number(field: Field) -> Problem:
    remedy = "请把这一列设为“文本”格式，再重新填写完整号码"
    return Problem(f"「{field.label}」被表格软件存成了数字，末几位已经丢失", remedy)


def _id_number(field: Field, as_of: date) -> _Checker:
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
            return _missing(field) if field.required else None
        if parsed.valid and (disability or not card):
            return number
        message = f"「{field.label}」{idnumbers.STATE_LABELS[parsed.state]}"
        if card and disability is None:
            return Problem(
                f"「{field.label}」位数不对", "请填写 20 位或 22 位残疾人证号", warning=True, value=number[:40]
            )
        return Problem(message, remedies[parsed.state], warning=True, value=number[:40])

    return check


def _phone(field: Field, _as_of: date) -> _Checker:
    def check(text: str, raw: Raw) -> Checked:
        number = idnumbers.normalise_phone(text.removesuffix(".0"))
        state = idnumbers.phone_state(number)
        if state == "missing":
            return _missing(field) if field.required else None
        if state == "bad":
            remedy = "请填写 11 位手机号，或区号加固定电话"
            return Problem(f"「{field.label}」不是电话号码", remedy, warning=True, value=number[:40])
        return number

    return check


def _bank_account(field: Field, _as_of: date) -> _Checker:
    def check(text: str, raw: Raw) -> Checked:
        if _lost_digits(raw, text):
            return _as_number(field)
        number = idnumbers.normalise_account(text)
        if number in ("", "无", "暂无"):
            return _missing(field) if field.required else None
        if not idnumbers.account_is_valid(number):
            remedy = "请对照银行卡填写 12 到 21 位数字"
            return Problem(f"「{field.label}」不是银行账号", remedy, warning=True, value=number[:40])
        return number

    return check


_MAKERS: dict[str, Callable[[Field, date], _Checker]] = {
    "text": _text,
    "name": _name,
    "integer": _integer,
    "decimal": _decimal,
    "money": _money,
    "date": _date,
    "month": _month,
    "year": _year,
    "boolean": _boolean,
    "code": _code,
    "codes": _codes,
    "region": _region,
    "id_number": _id_number,
    "phone": _phone,
    "bank_account": _bank_account,
}
