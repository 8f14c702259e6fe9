"""What makes the rules run again (a changed file, an applied import), and that a screening is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from huqing.access.instance import working_day

# Sent with ``run`` after a screening's alerts have been committed.
screened = Signal()

_paused: ContextVar[bool] = ContextVar("screening_paused", default=False)


@contextmanager
def paused() -> Iterator[None]:
    """No re-checks and no screening after imports inside the block: the caller screens once at its end."""
    token = _paused.set(True)
    try:
        yield
    finally:
        _paused.reset(token)


def connect() -> None:
    """Listen to the registry and to intake."""
    from huqing.intake.signals import applied
    from huqing.registry.signals import household_changed, regions_recoded

    household_changed.connect(on_household_changed, dispatch_uid="screening.recheck")
    applied.connect(on_import_applied, dispatch_uid="screening.after_import")
    regions_recoded.connect(on_regions_recoded, dispatch_uid="screening.recode")


def on_household_changed(sender: object, household: Any, **kwargs: object) -> None:
    """Check the household again as soon as its change is committed."""
    if _paused.get():
        return
    from huqing.screening import actions

    transaction.on_commit(lambda: actions.recheck(household=household))


def on_import_applied(sender: object, intake: Any, **kwargs: object) -> None:
    """Screen the import's county once the import is committed."""
    if _paused.get():
        return
    from huqing.screening.schedule import COUNTY_DIGITS, enqueue_after_import

    region = intake.region_code[:COUNTY_DIGITS]
    today = working_day(timezone.localdate()).isoformat()
    transaction.on_commit(lambda: enqueue_after_import(region, today))


def on_regions_recoded(sender: object, region_ids: Any, **kwargs: object) -> None:
    """Let alerts and waiting links follow their village, and the households in it, to its new code."""
    from django.db.models import OuterRef, Subquery

    from huqing.intake.models import LinkCandidate
    from huqing.registry.models import Household, Person, Region
    from huqing.screening.models import Alert

    households = Household.objects.filter(village_id__in=list(region_ids)).values("pk")
    code = Household.objects.filter(pk=OuterRef("household_id")).values("region_code")[:1]
    Alert.objects.filter(household_id__in=households).update(region_code=Subquery(code))
    code = Region.objects.filter(pk=OuterRef("village_id")).values("code")[:1]
    Alert.objects.filter(village_id__in=list(region_ids)).update(region_code=Subquery(code))
    code = Person.objects.filter(pk=OuterRef("person_id")).values("region_code")[:1]
    LinkCandidate.objects.filter(person__household_id__in=households).update(region_code=Subquery(code))
