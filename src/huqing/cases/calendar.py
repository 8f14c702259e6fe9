"""The calendar that casework counts by: the county's, its mistakes told as those of a case."""

from __future__ import annotations

from huqing.access import calendar
from huqing.access.calendar import FILE, today
from huqing.cases.errors import CaseError
from huqing.standards.workdays import Workdays

__all__ = ["FILE", "today", "workdays"]


def workdays() -> Workdays:
    """The county's calendar; CaseError if its own days cannot be read."""
    try:
        return calendar.workdays()
    except calendar.CalendarError as error:
        raise CaseError(str(error)) from error
