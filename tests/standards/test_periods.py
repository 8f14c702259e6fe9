"""Dates as they come in Chinese files, months, windows and ages."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.standards import periods

MARCH_5 = date(2024, 3, 5)


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-05",
        "2024-3-5",
        "2024年3月5日",
        "2024年03月05日",
        "2024 年 3 月 5 日",
        "2024年3月5号",
        "2024.3.5",
        "2024/3/5",
        "2024/03/05 00:00:00",
        "2024-03-05T00:00:00",
        "２０２４－０３－０５",
        "20240305",
        "20240305.0",
        20240305,
        45356,
        "45356",
        45356.0,
        "45356.25",
        MARCH_5,
        datetime(2024, 3, 5, 10, 30),  # noqa: DTZ001
    ],
)
def test_ways_of_writing_a_day(written: str | float | date) -> None:
    assert periods.date_of(written) == MARCH_5


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2024-02-30", "没有这一天"),
        ("2023年2月29日", "没有这一天"),
        ("20241301", "没有这一天"),
        ("2024-3", "缺少日"),
        ("2024", "缺少月和日"),
        ("24-3-5", "不是日期"),
        ("三月五日", "不是日期"),
        ("12", "不是日期"),
        ("", "不是日期"),
        (0, "不是日期"),
        (-5, "不是日期"),
        (60, "不是日期"),
        (999999, "不是日期"),
    ],
)
def test_what_is_no_day_is_refused_with_a_reason(written: str | int, reason: str) -> None:
    with pytest.raises(periods.DateError, match=reason):
        periods.date_of(written)


@given(st.dates(date(1900, 3, 1), date(2199, 12, 31)))
def test_excel_serials_give_their_day(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    assert periods.excel_date(serial) == day
    assert periods.date_of(day.isoformat()) == day
    assert periods.date_of(periods.chinese_date(day)) == day


@pytest.mark.parametrize(
    "written", ["2024-05", "2024年5月", "2024.5", "2024/05", "202405", 202405, "2024年05月", "2024-05-17"]
)
def test_ways_of_writing_a_month(written: str | int) -> None:
    assert periods.month_of(written) == "2024-05"


@pytest.mark.parametrize("written", ["2024-13", "5月", "202400", "abc", "2024"])
def test_what_is_no_month_is_refused(written: str) -> None:
    with pytest.raises(periods.DateError):
        periods.month_of(written)


@pytest.mark.parametrize("written", ["2024", "2024年", "2024年度", 2024, 2024.0, "2024.0", "2024-05-01"])
def test_ways_of_writing_a_year(written: str | float) -> None:
    assert periods.year_of(written) == 2024


def test_the_income_period_is_the_twelve_months_up_to_a_month() -> None:
    assert periods.twelve_months("2026-03") == ("2025-04", "2026-03")
    assert len(list(periods.months_between(*periods.twelve_months("2026-03")))) == 12
    assert periods.twelve_months_before(date(2026, 3, 31)) == (date(2025, 4, 1), date(2026, 3, 31))
    assert periods.twelve_months_before(date(2024, 2, 29)) == (date(2023, 3, 1), date(2024, 2, 29))


@pytest.mark.parametrize(
    ("day", "months", "shifted"),
    [
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2023, 12, 15), 1, date(2024, 1, 15)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_a_month_later_is_never_a_day_that_does_not_exist(day: date, months: int, shifted: date) -> None:
    assert periods.shift(day, months=months) == shifted


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2010, 9, 1), date(2016, 8, 31), 5),
        (date(2010, 9, 1), date(2016, 9, 1), 6),
        (date(2008, 2, 29), date(2014, 2, 28), 5),
        (date(2008, 2, 29), date(2014, 3, 1), 6),
        (date(2026, 4, 1), date(2026, 3, 31), -1),
    ],
)
def test_age_counts_completed_years(born: date, day: date, age: int) -> None:
    assert periods.age_on(born, day) == age


def test_completed_months_between_days() -> None:
    assert periods.whole_months_between(date(2025, 9, 30), date(2026, 3, 31)) == 6
    assert periods.whole_months_between(date(2025, 10, 1), date(2026, 3, 31)) == 5
