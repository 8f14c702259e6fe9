"""Until when an applicant must be answered."""

from __future__ import annotations

import datetime as dt

from huqing.access.calendar import workdays
from huqing.access.procedures import declared as procedures
from huqing.applications.kinds import declared
from huqing.packs.errors import PackError
from huqing.packs.procedures.declaration import chosen


def answer_due(region: str, day: dt.date) -> dt.date:
    """The last day for answering what came in on a day: the time of the first step of the procedure in force there.

    A villager is not turned away because no procedure is in force or one is written wrong: then ``answer_within``.
    """
    try:
        within = chosen(procedures(), region, day).start.within
    except (PackError, LookupError):
        within = None
    return (within or declared().answer_within).last_day(day, workdays())
