"""Applications follow their village to its new code, and keep the household they were matched with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import OuterRef, Subquery

from huqing.applications.models import Application
from huqing.registry.models import Region


def connect() -> None:
    """Listen to the registry and to intake."""
    from huqing.intake.signals import undoing
    from huqing.registry.signals import regions_recoded

    regions_recoded.connect(on_regions_recoded, dispatch_uid="applications.recode")
    undoing.connect(on_undoing, dispatch_uid="applications.undoing")


def on_regions_recoded(
    sender: object, region_ids: Iterable[int], merged: Mapping[int, int] | None = None, **kwargs: object
) -> None:
    """Copy the codes again."""
    for gone, into in (merged or {}).items():
        Application.objects.filter(village=gone).update(village=into)
    code = Region.objects.filter(pk=OuterRef("village")).values("code")[:1]
    Application.objects.filter(village__in=list(region_ids)).update(region_code=Subquery(code))


def on_undoing(sender: object, intake: Any, **kwargs: object) -> None:
    """Households that applied do not vanish with the file they came in."""
    from huqing.intake.errors import UndoRefused

    asked = Application.objects.filter(household__created_by_source=intake.source).count()
    if asked:
        raise UndoRefused(f"不能撤销：这次导入新建的农户已有 {asked} 件申请。申请不能没有农户，请改用新的花名册更正。")
