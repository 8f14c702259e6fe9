"""The office's own writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from huqing.access import audit
from huqing.access.permissions import require

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.registry.models import Household, Person

ACTION_NAMES = {"print_household": "打印户档案", "print_bills": "打印医疗费用逐步计算"}


@transaction.atomic
def note_print(*, by: User, household: Household) -> None:
    """Record that somebody prepared a household's file for printing."""
    require(by, "print")
    audit.record(by=by, action="print_household", subject=household)


@transaction.atomic
def note_bill_print(*, by: User, person: Person) -> None:
    """Record that somebody prepared a person's statement of hospital bills for printing."""
    require(by, "print")
    audit.record(by=by, action="print_bills", subject=person)
