"""The office's own writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from huqing.access import audit
from huqing.access.permissions import require

if TYPE_CHECKING:
    from huqing.access.models import User
    from huqing.registry.models import Household

ACTION_NAMES = {"print_household": "打印户档案"}


@transaction.atomic
def note_print(*, by: User, household: Household) -> None:
    """Record that somebody prepared a household's file for printing."""
    require(by, "print")
    audit.record(by=by, action="print_household", subject=household)
