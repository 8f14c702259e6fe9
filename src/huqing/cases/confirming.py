"""Papers that are computed and confirmed by a person: the comparison with departments, the removal conditions."""

from __future__ import annotations

from huqing.access.models import User
from huqing.cases import actions, steps
from huqing.cases.calendar import today
from huqing.cases.models import Case, Evidence
from huqing.cases.texts import written
from huqing.plans import comparison, removal
from huqing.registry.models import Household

NOTE_LENGTH = 1000


def confirm_comparison(*, case: Case, by: User, note: str) -> Evidence:
    """Freeze what the departments know today, with what the person says of it. CaseError: no authorisation yet."""
    steps.may_handle(by, case.household)
    text = written(note, "核对意见", most=NOTE_LENGTH)
    day = today()
    content = comparison.frozen(comparison.compare(case.household, day), text)
    return actions.record_evidence(case=case, kind="comparison", on=day, content=content, by=by)


def confirm_conditions(*, case: Case, by: User, note: str) -> Evidence:
    """Freeze how the removal conditions stand today, with what the person says of them."""
    steps.may_handle(by, case.household)
    text = written(note, "核对意见", most=NOTE_LENGTH)
    day = today()
    content = {"text": text, "conditions": removal.frozen(removal.conditions(case.household, day))}
    return actions.record_evidence(case=case, kind="conditions", on=day, content=content, by=by)


def known_of(household: Household) -> list[tuple[str, str]]:
    """What the cases of a household say that helps to write its plan: the clue, and what was seen at the house."""
    case = Case.objects.filter(household=household, closed_on=None).order_by("-pk").first()
    if case is None:
        return []
    found = [("办理事项线索", case.clue)]
    seen = case.evidence.filter(kind="home_check", withdrawn_at=None).order_by("pk").last()
    if seen is not None and seen.content.get("text"):
        found.append((f"{seen.on:%Y-%m-%d} 入户核实", str(seen.content["text"])))
    return found
