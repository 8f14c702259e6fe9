"""What a decision changes in the household's file: a person who decides does not type the decision a second time."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError

from huqing.access.models import User
from huqing.cases.errors import CaseError
from huqing.cases.models import Case
from huqing.packs.procedures import Move
from huqing.registry.actions import end_label, set_label, set_values
from huqing.registry.errors import RegistryError
from huqing.registry.file_actions import manual_source
from huqing.registry.models import Household, Label
from huqing.screening.signals import paused
from huqing.visits.rechecks import ask

MONITORED = "monitor"


def written_down(case: Case, step: Move, *, by: User | None, day: dt.date) -> None:
    """Label the household and date the decision as the step ``does``; CaseError if the file does not take it.

    The permission is that of the step, which has been looked at: the file follows the decision.
    """
    if not step.does:
        return
    household = case.household
    reason = f"办理事项 {case.number}：{step.title}"
    told: dict[str, Any] = {"by": None, "reason": reason}
    told["source"] = manual_source(by=by, on=day, reason=reason, region_code=household.region_code)
    try:
        # Checked again in the background: two thousand decisions at once would otherwise wait for as many checks.
        with paused():
            if step.does in ("recognise", "restore"):
                _begin(household, day, told)
            else:
                _end(household, day, told)
            values = _values(household, step.does, day)
            if values:
                set_values(household=household, values=values, on=day, **told)
        ask([household.pk])
    except (RegistryError, ValidationError) as error:
        words = error.messages if isinstance(error, ValidationError) else [str(error)]
        raise CaseError(f"档案写不进去：{' '.join(words)}") from error


def _values(household: Household, does: str, day: dt.date) -> dict[str, Any]:
    """The dates of the file: recognised anew after a clearing is recognised on that day."""
    cleared, identified = household.items.get("cleared_on"), household.items.get("identified_on")
    if does == "clear":
        return {"cleared_on": day.isoformat()}
    values: dict[str, Any] = {"cleared_on": ""} if cleared else {}
    if does == "recognise" and (cleared or not identified):
        values["identified_on"] = day.isoformat()
    return values if does in ("recognise", "restore") else {}


def _current(household: Household, day: dt.date) -> list[Label]:
    labels = household.labels.filter(kind=MONITORED, person=None, valid_from__lte=day)
    return [label for label in labels.order_by("pk") if label.valid_to is None or label.valid_to > day]


def _begin(household: Household, day: dt.date, told: dict[str, Any]) -> None:
    if _current(household, day):
        return
    # A label counts to the end of its last day: one that ends today goes on tomorrow.
    ends = [label.valid_to for label in household.labels.filter(kind=MONITORED, person=None, valid_to=day)]
    set_label(household=household, kind=MONITORED, valid_from=day + dt.timedelta(bool(ends)), **told)


def _end(household: Household, day: dt.date, told: dict[str, Any]) -> None:
    for label in _current(household, day):
        end_label(label=label, on=day, **told)
