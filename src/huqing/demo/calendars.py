"""The windows findings look back over, all ending on one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from huqing.demo.figures import PARAMETERS
from huqing.demo.model import add_months


@dataclass(frozen=True)
class Calendar:
    """The windows that end on ``as_of``: a date counts when it is after the start and not after ``as_of``."""

    as_of: date

    @cached_property
    def year(self) -> date:
        return add_months(self.as_of, -12)

    @cached_property
    def job_loss(self) -> date:
        return add_months(self.as_of, -int(PARAMETERS["job_loss_months"]))

    @cached_property
    def aid_ended(self) -> date:
        return add_months(self.as_of, -int(PARAMETERS["aid_ended_months"]))

    @cached_property
    def visit(self) -> date:
        return self.as_of - timedelta(days=int(PARAMETERS["no_visit_days"]))

    @cached_property
    def elderly_visit(self) -> date:
        return self.as_of - timedelta(days=int(PARAMETERS["elderly_visit_days"]))

    def within(self, day: date, start: date) -> bool:
        """Whether ``day`` lies in (start, as_of]."""
        return start < day <= self.as_of
