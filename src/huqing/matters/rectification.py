"""Rectification items of inspections as matters: the same board, deadlines and steps, kept by the inspection itself.

The inspection's finding is where such an item is written; this follows its signals, in the same transaction.
"""

from __future__ import annotations

from django.db import transaction

from huqing.matters.actions import lock
from huqing.matters.models import Matter
from huqing.matters.procedure import frozen_rectification, procedure_of
from huqing.matters.raising import save_numbered
from huqing.matters.steps import enter, record
from huqing.teams.ledger_queries import today
from huqing.teams.models import FindingStep, InspectionFinding


def follow(finding: InspectionFinding) -> Matter:
    """The matter of a finding, made now if it has none."""
    found = Matter.objects.filter(finding=finding).first()
    if found is not None:
        return found
    version = frozen_rectification()
    matter = Matter(
        village=finding.target.village,
        region_code=finding.region_code,
        kind=Matter.Kind.OTHER,
        channel=Matter.Channel.INSPECTION,
        text=finding.text,
        finding=finding,
        procedure=version,
        raised_on=finding.found_on,
        raised_by=finding.found_by,
    )
    enter(matter, procedure_of(version).start.key, finding.found_on)
    save_numbered(matter)
    return matter


def stepped(finding: InspectionFinding, step: FindingStep) -> None:
    """Take the step of a finding on its matter: what was done, or what the re-check saw, is the answer."""
    matter = lock(follow(finding))
    if matter.state.key == step.state:
        return
    move = next(one for one in procedure_of(matter.procedure).moves_from(matter.state.key) if one.to == step.state)
    matter.answer, matter.answered_on = step.text, step.on
    record(matter, move, by=step.by, day=max(step.on or today(), matter.entered_on), text=step.text)


def catch_up() -> int:
    """Put findings onto the board that were noted before there was one; returns how many."""
    waiting = InspectionFinding.objects.exclude(state=InspectionFinding.State.CLOSED).filter(matter=None)
    found = list(waiting.select_related("target__village"))
    for finding in found:
        with transaction.atomic():
            follow(finding)
            last = finding.steps.last()
            if last is not None:
                stepped(finding, last)
    return len(found)
