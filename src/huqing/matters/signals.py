"""What matters follow: findings of inspections, villages that got new codes, households that moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import F

from huqing.matters import rectification
from huqing.matters.models import Matter, MatterMeeting

if TYPE_CHECKING:
    from huqing.registry.models import Household
    from huqing.teams.models import FindingStep, InspectionFinding

TOWN_DIGITS = 9


def connect() -> None:
    """Listen to inspections and to the registry."""
    from huqing.intake.signals import undoing
    from huqing.registry.signals import household_changed, regions_recoded
    from huqing.teams.events import finding_added, finding_stepped

    finding_added.connect(on_finding_added, dispatch_uid="matters.finding")
    finding_stepped.connect(on_finding_stepped, dispatch_uid="matters.finding_step")
    regions_recoded.connect(on_regions_recoded, dispatch_uid="matters.recode")
    household_changed.connect(on_household_changed, dispatch_uid="matters.household_moved")
    undoing.connect(on_undoing, dispatch_uid="matters.undoing")


def on_finding_added(sender: object, finding: InspectionFinding, **kwargs: object) -> None:
    """Put a finding onto the board."""
    rectification.follow(finding)


def on_finding_stepped(sender: object, finding: InspectionFinding, step: FindingStep, **kwargs: object) -> None:
    """Let the matter of a finding take the same step."""
    rectification.stepped(finding, step)


def on_regions_recoded(
    sender: object, region_ids: Iterable[int], merged: Mapping[int, int] | None = None, **kwargs: object
) -> None:
    """Let matters and meetings go with their village, to the one it became part of where it was merged."""
    ids = list(region_ids)
    for gone, into in (merged or {}).items():
        Matter.objects.filter(village=gone).update(village=into)
        MatterMeeting.objects.filter(village=gone).update(village=into)
        ids.append(into)
    for matter in (
        Matter.objects.filter(village__in=ids).exclude(region_code=F("village__code")).select_related("village")
    ):
        past = matter.region_code.endswith("000")
        code = matter.village.code
        code = f"{code[:TOWN_DIGITS]}000" if past else code
        if code != matter.region_code:
            Matter.objects.filter(pk=matter.pk).update(region_code=code)
    for meeting in MatterMeeting.objects.filter(village__in=ids).exclude(region_code=F("village__code")):
        MatterMeeting.objects.filter(pk=meeting.pk).update(region_code=meeting.village.code)


def on_household_changed(sender: object, household: Household, **kwargs: object) -> None:
    """Leave an open matter where it was raised: a household that moves away does not take the village's lamp along.

    Only the link to a household of another village goes, so that the village goes on seeing its matter.
    """
    Matter.objects.filter(household=household, closed_on=None).exclude(region_code=household.region_code).exclude(
        village=household.village_id
    ).update(household=None)


def on_undoing(sender: object, intake: Any, **kwargs: object) -> None:
    """Households whose matters are known do not vanish with the file they came in."""
    from huqing.intake.errors import UndoRefused

    raised = Matter.objects.filter(household__created_by_source=intake.source).count()
    if raised:
        raise UndoRefused(
            f"不能撤销：这次导入新建的农户已有 {raised} 件村民事项。事项不能没有农户，请改用新的花名册更正。"
        )
