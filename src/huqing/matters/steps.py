"""The one place where a matter changes its state: the step is recorded, deadlines begin, the end has its date."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from huqing.access import audit
from huqing.access.calendar import workdays
from huqing.access.procedures import NEVER
from huqing.matters.models import Matter, MatterStep
from huqing.matters.procedure import procedure_of
from huqing.packs.procedures import Move

if TYPE_CHECKING:
    from huqing.access.models import User

Actor = MatterStep.Actor


def enter(matter: Matter, key: str, day: dt.date) -> None:
    """Put a matter (not saved here) into a state of its procedure: deadline, who is told, end."""
    made, calendar = procedure_of(matter.procedure), workdays()
    state = made.state(key)
    due = made.due(key, day, calendar)
    if matter.finding is not None and state.kind == "start":
        due = matter.finding.due_on
    matter.state = matter.procedure.states.get(key=key)
    matter.entered_on = day
    matter.due_on = due or NEVER
    matter.late_role = state.late if due else ""
    matter.higher_on = made.told_later(key, due, calendar)[1] or NEVER
    matter.free_from = made.free_from(key, day, calendar)
    matter.closed_on = day if state.kind == "end" else None


def record(
    matter: Matter, move: Move, *, by: User | None, day: dt.date, text: str = "", actor: str = Actor.OFFICE
) -> MatterStep:
    """Take a step on a locked matter and save it; the step, its lateness and the audit event are written together."""
    taken = MatterStep.objects.create(
        matter=matter,
        turn=matter.turn + 1,
        move=move.key,
        title=move.title,
        before=matter.state.key,
        after=move.to,
        actor=actor,
        by=by,
        on=day,
        at=timezone.now(),
        text=text,
        late_by=late_by(matter, day),
    )
    matter.turn += 1
    enter(matter, move.to, day)
    matter.save()
    note(matter, "matter_step", by=by, move=move.key, **{"from": taken.before, "to": move.to, "turn": matter.turn})
    return taken


def note(matter: Matter, action: str, *, by: User | None, **detail: Any) -> None:
    """Write the audit event of a change."""
    audit.record(by=by, action=action, subject=matter, region_code=matter.region_code, detail=detail)


def late_by(matter: Matter, day: dt.date) -> int:
    """By how many working days the state at hand is late; 0 when it is not."""
    return workdays().between(matter.due_on, day) if day > matter.due_on else 0
