"""What several views need."""

from __future__ import annotations

from django.db.models import QuerySet

from huqing.office import places
from huqing.registry.models import Region


def region_choices() -> QuerySet[Region]:
    """Counties, towns and villages in force, for the list behind a region code's input."""
    return (
        Region.objects.filter(valid_to=None, level__gte=Region.Level.COUNTY)
        .order_by("code")
        .only("code", "name", "level")
    )


def county_of(prefix: str) -> str:
    """The six digits of the county a region prefix lies in."""
    return prefix[: places.COUNTY_DIGITS]
