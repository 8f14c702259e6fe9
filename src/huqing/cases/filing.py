"""What a decision changes in the household's file: a person who decides does not type the decision a second time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from huqing.access.audit import Happened
from huqing.access.models import User
from huqing.cases.errors import CaseError
from huqing.cases.models import Case
from huqing.packs.procedures import Move
from huqing.registry.decisions import Decided, check, labels_of, locked_households, write_down
from huqing.registry.errors import RegistryError
from huqing.registry.models import Household, Label
from huqing.visits.rechecks import ask

MONITORED = "monitor"


@dataclass(frozen=True)
class Files:
    """The files of some households, locked, with all their labels as monitored households."""

    households: Mapping[int, Household]
    labels: Mapping[int, Sequence[Label]]

    def decided(self, case: Case, step: Move, day: dt.date) -> Decided:
        """What a step makes of the file of its household; CaseError if the file does not take it."""
        household, labels = self.households[case.household_id], self.labels.get(case.household_id, ())
        made = _decided(household, labels, step, day, f"办理事项 {case.number}：{step.title}")
        try:
            check(made, labels, day)
        except ValidationError as error:
            raise _refused(error) from error
        return made


def locked_files(cases: Iterable[Case]) -> Files:
    """Lock the households of these cases until the transaction ends."""
    pks = [case.household_id for case in cases]
    return Files(locked_households(pks), labels_of(pks, MONITORED))


def written_down(decided: Sequence[Decided], files: Files, *, by: User | None, day: dt.date) -> list[Happened]:
    """Label the households and date the decisions; returns the audit events to record last.

    The permission is that of the step, which has been looked at: the file follows the decision. CaseError if a file
    does not take it; nothing is written then. The households are checked again in the background.
    """
    if not decided:
        return []
    try:
        happened = write_down(decided, kind=MONITORED, labels=files.labels, on=day, by=by)
    except (RegistryError, ValidationError) as error:
        raise _refused(error) from error
    ask(one.household.pk for one in decided)
    return happened


def _refused(error: RegistryError | ValidationError) -> CaseError:
    words = error.messages if isinstance(error, ValidationError) else [str(error)]
    return CaseError(f"档案写不进去：{' '.join(words)}")


def _decided(household: Household, labels: Sequence[Label], step: Move, day: dt.date, reason: str) -> Decided:
    values = _values(household, step.does, day)
    begun = [label for label in labels if label.valid_from <= day]
    current = [label for label in begun if label.valid_to is None or label.valid_to > day]
    if step.does not in ("recognise", "restore"):
        return Decided(household, reason, ends=current, values=values)
    # A label counts to the end of its last day: one that ends today goes on tomorrow.
    ending = any(label.valid_to == day for label in labels)
    begins = None if current else day + dt.timedelta(days=int(ending))
    return Decided(household, reason, begins=begins, values=values)


def _values(household: Household, does: str, day: dt.date) -> dict[str, Any]:
    """The dates of the file: recognised anew after a clearing is recognised on that day."""
    cleared, identified = household.items.get("cleared_on"), household.items.get("identified_on")
    if does == "clear":
        return {"cleared_on": day.isoformat()}
    values: dict[str, Any] = {"cleared_on": ""} if cleared else {}
    if does == "recognise" and (cleared or not identified):
        values["identified_on"] = day.isoformat()
    return values if does in ("recognise", "restore") else {}
