"""What cases follow: households that move, villages that get new codes or become part of another, files taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import F, OuterRef, QuerySet, Subquery

from huqing.cases.calendar import today
from huqing.cases.models import BatchLine, Case, Evaluation, Evaluator, Objection, PostingProof, PublicPosting
from huqing.registry.models import Household, Region

if TYPE_CHECKING:
    from django.db.models import Model

ROSTERS = ("household", "person")
# They belong to a village, whoever of it they are about; what hangs on a posting goes where the posting goes.
OF_VILLAGE: tuple[type[Model], ...] = (Evaluator, Evaluation, PublicPosting)
OF_POSTING: tuple[type[Model], ...] = (Objection, PostingProof)
OF_HOUSEHOLD: tuple[type[Model], ...] = (Case, BatchLine)


def connect() -> None:
    """Listen to the registry and to intake."""
    from huqing.intake.signals import applied, undoing
    from huqing.registry.signals import household_changed, regions_recoded

    regions_recoded.connect(on_regions_recoded, dispatch_uid="cases.recode")
    household_changed.connect(on_household_changed, dispatch_uid="cases.household_moved")
    applied.connect(on_import_applied, dispatch_uid="cases.households_moved")
    undoing.connect(on_undoing, dispatch_uid="cases.undoing")


def on_household_changed(sender: object, household: Household, **kwargs: object) -> None:
    """Let its cases go with a household to its new village: who sees the household must be able to handle them.

    Meetings and postings stay with the village that held them.
    """
    for model in OF_HOUSEHOLD:
        model._default_manager.filter(household=household).exclude(region_code=household.region_code).update(
            region_code=household.region_code
        )


def on_import_applied(sender: object, intake: Any, **kwargs: object) -> None:
    """The same after a roster that moved some."""
    if intake.record_kind in ROSTERS:
        for model in OF_HOUSEHOLD:
            _follow(model._default_manager.exclude(region_code=F("household__region_code")))


def on_regions_recoded(
    sender: object,
    region_ids: Iterable[int],
    merged: Mapping[int, int] | None = None,
    on: dt.date | None = None,
    **kwargs: object,
) -> None:
    """Let everything go with its village, to the one it became part of where it was merged.

    A posting is seen by the code of its village: one that runs must go on being seen.
    """
    ids = list(region_ids)
    for gone, into in (merged or {}).items():
        here = Evaluator.objects.filter(village=gone, left_on=None)
        for group, name in Evaluator.objects.filter(village=into, left_on=None).values_list("group_name", "name"):
            here.filter(group_name=group, name=name).update(left_on=on or today())
        for model in OF_VILLAGE:
            model._default_manager.filter(village=gone).update(village=into)
        ids.append(into)
    code = Region.objects.filter(pk=OuterRef("village")).values("code")[:1]
    for model in OF_VILLAGE:
        model._default_manager.filter(village__in=ids).update(region_code=Subquery(code))
    code = PublicPosting.objects.filter(pk=OuterRef("posting")).values("region_code")[:1]
    for model in OF_POSTING:
        model._default_manager.filter(posting__village__in=ids).update(region_code=Subquery(code))
    for model in OF_HOUSEHOLD:
        _follow(model._default_manager.filter(household__village__in=ids))


def on_undoing(sender: object, intake: Any, **kwargs: object) -> None:
    """Households with cases do not vanish with the file they came in."""
    from huqing.intake.errors import UndoRefused

    made = Case.objects.filter(household__created_by_source=intake.source).count()
    if made:
        raise UndoRefused(
            f"不能撤销：这次导入新建的农户已有 {made} 件办理事项。事项不能没有农户，请改用新的花名册更正。"
        )


def _follow(rows: QuerySet[Any]) -> None:
    code = Household.objects.filter(pk=OuterRef("household")).values("region_code")[:1]
    rows.model._default_manager.filter(pk__in=rows.order_by().values("pk")).update(region_code=Subquery(code))
