"""Applications follow their village to its new code, and to the village it became part of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db.models import OuterRef, Subquery

from huqing.applications.models import Application
from huqing.registry.models import Region


def connect() -> None:
    """Listen to the registry."""
    from huqing.registry.signals import regions_recoded

    regions_recoded.connect(on_regions_recoded, dispatch_uid="applications.recode")


def on_regions_recoded(
    sender: object, region_ids: Iterable[int], merged: Mapping[int, int] | None = None, **kwargs: object
) -> None:
    """Copy the codes again."""
    for gone, into in (merged or {}).items():
        Application.objects.filter(village=gone).update(village=into)
    code = Region.objects.filter(pk=OuterRef("village")).values("code")[:1]
    Application.objects.filter(village__in=list(region_ids)).update(region_code=Subquery(code))
