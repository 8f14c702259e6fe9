"""Deadlines over holidays, shifted working days and the county's own days."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.standards.workdays import Term, Workdays, announced, months_later

CALENDAR = Workdays()


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("date", "works"),
    [
        ("2026-02-13", True),
        ("2026-02-14", True),  # a Saturday worked for the Spring Festival
        ("2026-02-16", False),  # a Monday of the Spring Festival
        ("2026-10-10", True),  # a Saturday worked for the National Day
        ("2026-10-05", False),
        ("2026-11-21", False),
        ("2026-11-23", True),
    ],
)
def test_offices_follow_the_yearly_notice(date: str, works: bool) -> None:
    assert CALENDAR.works(day(date)) is works


def test_a_county_has_days_of_its_own() -> None:
    own = Workdays(off={day("2026-11-23")}, on={day("2026-11-22")})
    assert own.next(day("2026-11-21")) == day("2026-11-22")
    assert own.add(day("2026-11-20"), 2) == day("2026-11-24")


def test_a_year_without_a_notice_counts_weekends_and_says_so() -> None:
    assert announced(2026)
    assert not announced(2099)
    assert not CALENDAR.works(day("2099-01-03"))
    assert CALENDAR.works(day("2099-01-01"))


@pytest.mark.parametrize(
    ("term", "start", "last"),
    [
        (Term(3), "2026-11-20", "2026-11-25"),  # Friday: Monday, Tuesday, Wednesday
        (Term(1), "2026-09-30", "2026-10-08"),  # over the National Day
        (Term(15), "2026-02-10", "2026-03-09"),  # over the Spring Festival with two worked Saturdays
        (Term(5, "calendar"), "2026-09-26", "2026-10-08"),  # its last day lies in the holidays
        (Term(1, "months"), "2026-01-31", "2026-02-28"),  # a worked Saturday, the month's last day
        (Term(6, "months"), "2026-08-31", "2027-03-01"),  # 28 February 2027 is a Sunday
    ],
)
def test_the_first_day_does_not_count_and_the_last_is_a_working_day(term: Term, start: str, last: str) -> None:
    assert term.last_day(day(start), CALENDAR) == day(last)


def test_a_posting_stands_for_full_days() -> None:
    assert Term(5, "calendar").full_days_end(day("2026-09-28"), CALENDAR) == day("2026-10-02")
    assert Term(6, "months").full_days_end(day("2026-05-01"), CALENDAR) == day("2026-10-31")
    assert Term(5).full_days_end(day("2026-09-28"), CALENDAR) == day("2026-10-09")  # 1 to 7 October are holidays
    assert Term(5).full_days_end(day("2026-09-19"), CALENDAR) == day("2026-09-24")  # a worked Sunday, 25 September off
    assert str(Term(5, "calendar")) == "5 天"


def test_days_between_are_counted_both_ways() -> None:
    assert CALENDAR.between(day("2026-11-20"), day("2026-11-25")) == 3
    assert CALENDAR.between(day("2026-11-25"), day("2026-11-20")) == -3
    assert CALENDAR.between(day("2026-11-25"), day("2026-11-25")) == 0


@pytest.mark.parametrize("number", range(25))
def test_months_later_stays_in_the_month(number: int) -> None:
    found = months_later(day("2025-01-31"), number)
    assert (found.year * 12 + found.month) - (2025 * 12 + 1) == number
    assert (found + dt.timedelta(days=1)).day == 1 or found.day == 31
