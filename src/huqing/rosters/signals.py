"""What rosters listen to: villages that got new codes, households that moved."""

from __future__ import annotations

from typing import Any


def connect() -> None:
    """Listen to the registry."""
    from huqing.registry.signals import household_changed, regions_recoded

    household_changed.connect(on_household_changed, dispatch_uid="rosters.moved")
    regions_recoded.connect(on_regions_recoded, dispatch_uid="rosters.recode")


def on_household_changed(sender: object, household: Any, **kwargs: object) -> None:
    """Let open work follow a household to its new village; a closed month keeps the place of its time."""
    from huqing.rosters.models import RecheckItem, ReviewLine, RosterDifference

    for model in (RecheckItem, ReviewLine, RosterDifference):
        rows = model.objects.filter(household=household).exclude(region_code=household.region_code)
        rows.update(region_code=household.region_code)


def on_regions_recoded(sender: object, region_ids: Any, **kwargs: object) -> None:
    """Let all rows follow the village to its new code, closed months too: the place is the same."""
    from django.db.models import OuterRef, Subquery

    from huqing.registry.models import Household
    from huqing.rosters.models import RecheckItem, ReviewLine, RosterChange, RosterDifference

    households = Household.objects.filter(village_id__in=list(region_ids)).values("pk")
    code = Household.objects.filter(pk=OuterRef("household_id")).values("region_code")[:1]
    for model in (RosterChange, RecheckItem, ReviewLine, RosterDifference):
        model.objects.filter(household_id__in=households).update(region_code=Subquery(code))
