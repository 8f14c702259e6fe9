"""What visits follow: a finished screening, villages that got new codes, accounts that end."""

from __future__ import annotations

from typing import Any


def connect() -> None:
    """Listen to the registry, to screening and to accounts."""
    from django.db.models.signals import post_save

    from huqing.access.models import User
    from huqing.registry.signals import regions_recoded
    from huqing.screening.signals import screened

    screened.connect(on_screened, dispatch_uid="visits.screened")
    regions_recoded.connect(on_regions_recoded, dispatch_uid="visits.recode")
    post_save.connect(on_account_saved, sender=User, dispatch_uid="visits.account")


def on_screened(sender: object, run: Any, **kwargs: object) -> None:
    """Ask again whom to visit: the rules have just looked at everybody."""
    from huqing.visits.background import refresh_soon

    refresh_soon(run.region_code)


def on_account_saved(sender: object, instance: Any, created: bool, **kwargs: object) -> None:
    """Keep nothing ready for the phone of somebody who has stopped visiting."""
    from huqing.access.permissions import may
    from huqing.visits.prepared import forget_unless_visiting

    if not created and not may(instance, "visit"):
        forget_unless_visiting(instance)


def on_regions_recoded(sender: object, region_ids: Any, **kwargs: object) -> None:
    """Let visits, tasks and words follow their village, and the households in it, to its new code."""
    from django.db.models import OuterRef, Subquery

    from huqing.registry.models import Household, Region
    from huqing.visits.models import Confirmation, Submission, VisitTask

    households = Household.objects.filter(village_id__in=list(region_ids)).values("pk")
    code = Household.objects.filter(pk=OuterRef("household_id")).values("region_code")[:1]
    for model in (VisitTask, Submission, Confirmation):
        model.objects.filter(household_id__in=households).update(region_code=Subquery(code))
    code = Region.objects.filter(pk=OuterRef("village_id")).values("code")[:1]
    VisitTask.objects.filter(village_id__in=list(region_ids)).update(region_code=Subquery(code))
