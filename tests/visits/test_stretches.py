"""When the next visit falls due."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.packs.manifest import Cadence, Round
from huqing.visits.stretches import Stretch, next_stretch

MONTHLY, WEEKLY, QUARTERLY = Cadence(1, "months"), Cadence(1, "weeks"), Cadence(3, "months")
YEARLY, TEN_DAYS, ONCE = Cadence(1, "years"), Cadence(10, "days"), Cadence(once=True)
ROUNDS = Cadence(rounds=(Round("首轮", "03-01", "06-30"), Round("回访", "07-01", "12-15")))
THIS_YEAR = Cadence(rounds=(Round("专项", "2024-03-01", "2024-04-30"),))


def day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def known(text: str) -> Stretch | None:
    opens, _, due = text.partition("/")
    return Stretch(day(opens), day(due)) if text else None


@pytest.mark.parametrize(
    ("every", "last", "today", "before", "due"),
    [
        (MONTHLY, "2024-05-10", "2024-06-01", "", "2024-06-10"),
        (MONTHLY, "2024-01-31", "2024-02-01", "", "2024-02-29"),
        (MONTHLY, "2024-12-31", "2025-01-05", "", "2025-01-31"),
        (QUARTERLY, "2023-11-30", "2024-01-01", "", "2024-02-29"),
        (YEARLY, "2024-02-29", "2024-06-01", "", "2025-02-28"),
        (WEEKLY, "2024-06-01", "2024-06-01", "", "2024-06-08"),
        (TEN_DAYS, "2024-06-01", "2024-06-01", "", "2024-06-11"),
        # What the ledger knows counts: last seen long ago is overdue.
        (MONTHLY, "2024-01-10", "2024-06-01", "", "2024-02-10"),
        # Nobody has come: a whole stretch from now, and the promise is not put off afterwards.
        (MONTHLY, "", "2024-06-01", "", "2024-07-01"),
        (MONTHLY, "", "2024-06-20", "2024-06-01/2024-07-01", "2024-07-01"),
        (MONTHLY, "", "2024-08-20", "2024-06-01/2024-07-01", "2024-07-01"),
        # In a more frequent group since: sooner, never later.
        (MONTHLY, "", "2024-06-20", "2024-01-01/2025-01-01", "2024-07-20"),
        (YEARLY, "", "2024-06-20", "2024-06-01/2024-07-01", "2024-07-01"),
        (ONCE, "", "2024-06-01", "", "2025-06-01"),
        (ONCE, "2024-03-01", "2024-06-01", "", ""),
        # Rounds: the one that runs, else the next; a visit in it or after it settles it.
        (ROUNDS, "", "2024-04-01", "", "2024-06-30"),
        (ROUNDS, "2024-03-01", "2024-04-01", "", "2024-12-15"),
        (ROUNDS, "2024-02-29", "2024-04-01", "", "2024-06-30"),
        (ROUNDS, "2024-07-01", "2024-12-20", "", "2025-06-30"),
        (ROUNDS, "2023-12-20", "2024-01-10", "", "2024-06-30"),
        # A round that was missed stays due until somebody comes; a subject that is new never missed one.
        (ROUNDS, "", "2024-08-01", "2024-03-01/2024-06-30", "2024-06-30"),
        (ROUNDS, "2024-07-15", "2024-08-01", "2024-03-01/2024-06-30", "2025-06-30"),
        (ROUNDS, "", "2024-12-20", "", "2025-06-30"),
        (THIS_YEAR, "", "2024-04-30", "", "2024-04-30"),
        (THIS_YEAR, "", "2024-05-01", "", ""),
        (THIS_YEAR, "", "2024-05-01", "2024-03-01/2024-04-30", "2024-04-30"),
        (THIS_YEAR, "2024-05-02", "2024-05-03", "2024-03-01/2024-04-30", ""),
    ],
)
def test_the_next_deadline(every, last, today, before, due):
    told = next_stretch(every, last=day(last), today=day(today), known=known(before))
    assert told.due == day(due)


@pytest.mark.parametrize(
    ("every", "last", "opens"),
    [(MONTHLY, "2024-06-01", "2024-06-16"), (WEEKLY, "2024-06-01", "2024-06-04"), (MONTHLY, "", "2024-06-05")],
)
def test_a_visit_is_asked_for_from_the_middle_of_its_stretch_or_at_once_if_nobody_ever_came(every, last, opens):
    assert next_stretch(every, last=day(last), today=dt.date(2024, 6, 5)).opens == day(opens)
