"""Dates, months, years and ages as they are written in Chinese files.

Dates are `datetime.date`, months "YYYY-MM" text, years int. Nothing here knows what day it is today.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta

# Excel counts 1900-02-29, a day that never was: serials from 61 on are days after 1899-12-30.
_EXCEL_EPOCH = date(1899, 12, 30)
_EXCEL_FROM, _EXCEL_TO = 61, 109574  # 1900-03-01 … 2199-12-31
FOREVER = date(2099, 12, 31)
_DATE = re.compile(
    r"(\d{4})[年./\-](\d{1,2})[月./\-](\d{1,2})日?(?:[ T]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\+08:00|Z)?)?"
)
_MONTH = re.compile(r"(\d{4})[年./\-](\d{1,2})月?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_SERIAL = re.compile(r"(\d{2,6})(?:\.\d+)?")
_YEAR = re.compile(r"(\d{4})(?:\.0)?(?:年度?)?")
_NARROW = str.maketrans("０１２３４５６７８９．－—／：〇　年", "0123456789.--/:0 年")


class DateError(ValueError):
    """The text is not a date; the message says in Chinese what is wrong."""


def excel_date(serial: float) -> date:
    """The date of an Excel serial number (45356 → 2024-03-05); DateError outside 1900-03-01 … 2199-12-31."""
    if not _EXCEL_FROM <= serial < _EXCEL_TO + 1:
        raise DateError("不是日期")
    return _EXCEL_EPOCH + timedelta(days=int(serial))


def date_of(value: str | int | float | date) -> date:
    """The day that `value` names: 2024-3-5, 2024年3月5日, 2024.3.5, 2024/03/05 00:00:00, 20240305, Excel serial 45356.

    Raises DateError for a month or year alone, two-digit years and days that do not exist.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float):
        whole = int(value)
        if whole != value and whole > _EXCEL_TO:
            raise DateError("不是日期")
        return _compact(str(whole)) if 18000101 <= whole <= 22001231 else excel_date(value)
    text = value.strip()
    match = _DATE.fullmatch(text) or _DATE.fullmatch(_plain(text))
    if match:
        return _day(int(match[1]), int(match[2]), int(match[3]))
    text = _plain(text)
    if _MONTH.fullmatch(text):
        raise DateError("缺少日")
    compact = text.removesuffix(".0")
    if len(compact) == 8 and compact.isdigit():
        return _compact(compact)
    serial = _SERIAL.fullmatch(text)
    if serial and len(serial[1]) >= 5:
        return excel_date(float(text))
    raise DateError("只有年份，缺少月和日" if _YEAR.fullmatch(text) else "不是日期")


def _plain(text: str) -> str:
    text = re.sub(r"\s*([年月日./\-])\s*", r"\1", text.translate(_NARROW).strip())
    return text.removesuffix("号") + "日" if text.endswith("号") else text


def _compact(digits: str) -> date:
    match = _COMPACT.fullmatch(digits)
    if not match or not match[3]:
        raise DateError("不是日期")
    return _day(int(match[1]), int(match[2]), int(match[3]))


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise DateError("没有这一天") from None


def month_of(value: str | int | float | date) -> str:
    """The month "YYYY-MM" that `value` names: 2024-05, 2024年5月, 2024.5, 202405, or any date in it; else DateError."""
    if isinstance(value, date):
        return f"{value.year:04d}-{value.month:02d}"
    text = str(int(value)) if isinstance(value, int | float) and value == int(value) else str(value)
    text = _plain(text).removesuffix(".0")
    match = _MONTH.fullmatch(text) or (_COMPACT.fullmatch(text) if len(text) == 6 else None)
    if match:
        year, month = int(match[1]), int(match[2])
        if not 1 <= month <= 12:
            raise DateError("没有这个月份")
        if 1900 <= year <= 2199:
            return f"{year:04d}-{month:02d}"
        raise DateError("年份不对")
    day = date_of(value)
    return f"{day.year:04d}-{day.month:02d}"


def year_of(value: str | int | float | date) -> int:
    """The year that `value` names: 2024, 2024年, 2024年度, or any date in it. DateError otherwise."""
    if isinstance(value, date):
        return value.year
    text = _plain(str(value))
    match = _YEAR.fullmatch(text)
    if not match:
        return date_of(value).year
    year = int(match[1])
    if not 1900 <= year <= 2199:
        raise DateError("年份不对")
    return year


def month_start(month: str) -> date:
    """The first day of a "YYYY-MM" month."""
    return date(int(month[:4]), int(month[5:7]), 1)


def month_end(month: str) -> date:
    """The last day of a "YYYY-MM" month."""
    year, number = int(month[:4]), int(month[5:7])
    return date(year, number, monthrange(year, number)[1])


def add_months(month: str, count: int) -> str:
    """The month `count` months after `month` (before, when negative)."""
    index = int(month[:4]) * 12 + int(month[5:7]) - 1 + count
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def shift(day: date, *, months: int) -> date:
    """The same day of another month, or that month's last day: 2024-03-31 minus one month is 2024-02-29."""
    month = add_months(month_of(day), months)
    return min(month_start(month) + timedelta(days=day.day - 1), month_end(month))


def twelve_months(last: str) -> tuple[str, str]:
    """First and last month of the 12 months that end with `last`: the income period before an application."""
    return add_months(last, -11), last


def twelve_months_before(day: date) -> tuple[date, date]:
    """First and last day of the 12 months before `day`, which itself is the last day: 2024-03-05 → 2023-03-06 … ."""
    return shift(day, months=-12) + timedelta(days=1), day


def months_between(first: str, last: str) -> Iterator[str]:
    """Every month from `first` to `last`, both included."""
    while first <= last:
        yield first
        first = add_months(first, 1)


def age_on(born: date, day: date) -> int:
    """Completed years on `day`; somebody born on 29 February turns older on 1 March of a common year.

    Negative when `day` is before the birth.
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def whole_months_between(first: date, last: date) -> int:
    """Completed months from `first` to `last`: 2024-01-31 to 2024-02-29 is 0, to 2024-03-31 is 2."""
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)


def chinese_date(day: date) -> str:
    """2024年3月5日, as in an official letter: no leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"
