"""The one checker of values: what somebody typed or a spreadsheet holds becomes a stored value, or a problem in words.

Screens and imports use the same function, so a value that is refused in one is refused in the other with the same
words. A stored value is: text as str, money as int fen, decimals as str with `scale` digits, dates and months as ISO
text, years and integers as int, booleans as bool, codes as str, several codes as list of str; nothing as None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from math import isnan

from huqing.standards import idnumbers, money, periods, regioncodes, value_numbers, value_sealed
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field
from huqing.standards.personal_numbers import has_number, hide_numbers
from huqing.standards.text import clean, clean_lines, clean_name, fold
from huqing.standards.value_problems import Checked, Problem, Raw, Value, missing, wrote

_Checker = Callable[[str, Raw], Checked]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What people put into a cell that has nothing to say.
_NOTHING = _words("/ \\ - -- — —— N/A NA #N/A NULL null None none NaN nan 空") | {""}
_YES = _words("是 有 1 1.0 y yes true t √ ✓ ✔ 对 能 会 可以 已 合格")
_NO = _words("否 无 0 0.0 n no false f × ✗ ✘ x 不 没有 不是 不能 不会 不可以 未 不合格")
_DEAD = _words("去世 死亡 已故 已去世 已死亡")
_NEGATED = re.compile(r"(未|不|没有|没)(.+)")
_SPLIT = re.compile(r"[、,，;；|/\n]+|\s+")
_EARLIEST_DATE, _LATEST_DATE = "1850-01-01", "2199-12-31"
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2199
_ODD_IN_NAME = re.compile(r"[0-9?？*×+=<>#@\ufffd\ue000-\uf8ff]")
_FOREVER = {"长期", "长期有效", "永久", "永久有效"}
# Numbers of households and bills, as long as numbers of people: only a right ID number is told apart.
_IDENTIFIERS = frozenset({"number", "household_number", "bill_number"})
_ID_NUMBER = re.compile(r"(?<!\d)(\d{17}[\dXx])(?:\d\d|\d{4})?(?!\d)")
_NOT_HERE = "请把号码填到证件号码、联系电话、银行卡号的列里，这里不要写号码"


def check_value(field: Field, raw: Raw, *, as_of: date) -> Checked:
    """The stored form of `raw` for `field`, None when the cell says nothing, or a Problem.

    `as_of` is the day of the data: dates that are declared as past must not lie after it.
    """
    text = raw if isinstance(raw, str) else _as_text(raw)
    if text in _NOTHING or text.strip() in _NOTHING:
        return missing(field) if field.required else None
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
    if raw is None or (isinstance(raw, float) and isnan(raw)):
        return ""
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 1e15:
        return str(int(raw))
    return raw.isoformat() if isinstance(raw, date) else repr(raw)


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
            return missing(field) if field.required else None
        if field.key in _IDENTIFIERS:
            return _identifier(field, value)
        if has_number(value):
            message = f"「{field.label}」里写有证件号码、电话或银行账号，没有存号码"
            return Problem(message, _NOT_HERE, warning=True, value=hide_numbers(value))
        if "\ufffd" in value:
            return Problem(f"{wrote(field, text)}，其中有无法识别的字", "请对照原件改正该字", warning=True, value=value)
        return value

    return check


def _identifier(field: Field, value: str) -> Checked:
    if any(idnumbers.parse(number).valid for number in _ID_NUMBER.findall(value)):
        remedy = f"请填写{field.label}，身份证号码填到证件号码列"
        return Problem(f"「{field.label}」填的是身份证号码", remedy, warning=not field.required)
    return value


def _name(field: Field, _as_of: date) -> _Checker:
    longest = field.max_length or 60

    def check(text: str, _raw: Raw) -> Checked:
        numbered = has_number(text)
        value = clean_name(hide_numbers(text, " ") if numbered else text)
        if not any(ch.isalpha() or "\ue000" <= ch <= "\uf8ff" for ch in value):
            return Problem(f"{wrote(field, text)}，不是姓名", "请填写户口簿上的姓名")
        if len(value) > longest:
            return Problem(f"「{field.label}」有 {len(value)} 个字", f"请只填写姓名，不超过 {longest} 个字")
        if numbered:
            return Problem(f"「{field.label}」里写有号码，只取了姓名", _NOT_HERE, warning=True, value=value)
        if _ODD_IN_NAME.search(value):
            remedy = "请对照户口簿核对姓名，生僻字请用输入法打出原字"
            return Problem(f"{wrote(field, text)}，含有姓名中少见的符号", remedy, warning=True, value=value)
        return value

    return check


def _limits(field: Field, as_of: date, earliest: str, latest: str) -> tuple[str, str]:
    width = len(earliest)
    high = as_of.isoformat()[:width] if field.maximum == "as_of" else field.maximum
    return field.minimum or earliest, high or latest


def _dated(field: Field, text: str, value: str, low: str, high: str) -> Checked:
    if low <= value <= high:
        return value
    if value > high and field.maximum == "as_of":
        return Problem(f"{wrote(field, text)}，晚于数据日期 {high}", f"请核对，应不晚于 {high}")
    return Problem(f"{wrote(field, text)}，超出范围", f"请写 {low} 到 {high} 之间的{_NOUNS[field.type]}")


_NOUNS = {"date": "日期", "month": "月份", "year": "年份"}


def _date(field: Field, as_of: date) -> _Checker:
    low, high = _limits(field, as_of, _EARLIEST_DATE, _LATEST_DATE)

    def check(text: str, raw: Raw) -> Checked:
        if field.maximum != "as_of" and text.strip() in _FOREVER:
            return periods.FOREVER.isoformat()
        try:
            day = periods.date_of(text if raw is None or isinstance(raw, str) else raw)
        except periods.DateError as error:
            return Problem(f"{wrote(field, text)}，{error}", "请写成 2024-03-05 这样的年月日，不清楚就留空")
        return _dated(field, text, day.isoformat(), low, high)

    return check


def _month(field: Field, as_of: date) -> _Checker:
    low, high = _limits(field, as_of, _EARLIEST_DATE[:7], _LATEST_DATE[:7])

    def check(text: str, raw: Raw) -> Checked:
        try:
            value = periods.month_of(text if raw is None or isinstance(raw, str) else raw)
        except periods.DateError as error:
            return Problem(
                f"{wrote(field, text)}，{str(error).replace('日期', '年月')}",
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
            return Problem(f"{wrote(field, text)}，{str(error).replace('日期', '年份')}", "请写四位年份，如 2024")
        checked = _dated(field, text, value, low, high)
        return int(value) if isinstance(checked, str) else checked

    return check


def _boolean(field: Field, _as_of: date) -> _Checker:
    def check(text: str, _raw: Raw) -> Checked:
        answer = _yes_or_no(field.label, text.strip().lower())
        if answer is None:
            answer = _yes_or_no(field.label, fold(text))
        return answer if answer is not None else problem(text)

    def problem(text: str) -> Problem:
        return Problem(f"{wrote(field, text)}，看不出是或否", "请写 是 或 否，不清楚就留空")

    return check


def _yes_or_no(label: str, word: str) -> bool | None:
    """The answer in `word`; the question's own words answer it too: 享受, 已享受 and 未享受 to 是否享受低保."""
    if word in _YES or word in _NO:
        return word in _YES
    if word in _DEAD and "健在" in label:
        return False
    negated = _NEGATED.fullmatch(word)
    stem = negated[2] if negated else word.removeprefix("已")
    return not negated if len(stem) > 1 and stem in label else None


def _code(field: Field, _as_of: date) -> _Checker:
    codes = codelist(field.codelist)

    def check(text: str, _raw: Raw) -> Checked:
        code = codes.code_of(text)
        if code is not None:
            return code
        if text.strip() == "无":
            return missing(field) if field.required else None
        return Problem(f"{wrote(field, text)}，不在允许的内容里", f"请写 {codes.suggestion(clean(text))}")

    return check


def _codes(field: Field, _as_of: date) -> _Checker:
    codes = codelist(field.codelist)

    def check(text: str, _raw: Raw) -> Checked:
        whole = codes.code_of(text)
        if whole is not None:
            return [whole]
        if text.strip() == "无":
            return missing(field) if field.required else None
        found: list[str] = []
        for part in filter(None, _SPLIT.split(text.strip().strip("[]").replace('"', ""))):
            code = codes.code_of(part)
            if code is None:
                remedy = f"请写 {codes.suggestion(clean(part))}，多项之间用顿号隔开"
                return Problem(f"{wrote(field, text)}，其中“{hide_numbers(clean(part))[:20]}”不在允许的内容里", remedy)
            if code not in found:
                found.append(code)
        return found or None

    return check


def _region(field: Field, _as_of: date) -> _Checker:
    def check(text: str, _raw: Raw) -> Checked:
        try:
            return regioncodes.full(fold(text).removesuffix(".0"))
        except regioncodes.RegionCodeError as error:
            return Problem(f"{wrote(field, text)}，不是区划代码", str(error))

    return check


_MAKERS: dict[str, Callable[[Field, date], _Checker]] = {
    "text": _text,
    "name": _name,
    "integer": value_numbers.integer,
    "decimal": value_numbers.decimal,
    "money": value_numbers.money,
    "date": _date,
    "month": _month,
    "year": _year,
    "boolean": _boolean,
    "code": _code,
    "codes": _codes,
    "region": _region,
    "id_number": value_sealed.id_number,
    "phone": value_sealed.phone,
    "bank_account": value_sealed.bank_account,
}
