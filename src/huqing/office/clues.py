"""The words a case begins with, taken from what it was found in: an alert, a department's row, a visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from huqing.cases.actions import TEXT_LENGTH
from huqing.office import wording
from huqing.office.views.alert_export import evidence_text
from huqing.registry.models import DepartmentRecord, Household
from huqing.registry.values import shown
from huqing.screening.models import Alert
from huqing.standards.fields import record_kinds
from huqing.visits.models import Submission

if TYPE_CHECKING:
    from huqing.access.models import User

OWN, STAFF, RULES = "1", "2", "3"  # clue_source: applied for, found by cadres, found by data
ITEMS = 6


@dataclass(frozen=True)
class Clue:
    """What is known when a case is opened; all of it may be changed before."""

    source: str = ""
    text: str = ""
    record: DepartmentRecord | None = None
    submission: Submission | None = None


def of_alert(alert: Alert) -> Clue:
    """An alert with the values it was found with."""
    who = f"（{alert.person.name}）" if alert.person else ""
    told = evidence_text(alert)
    text = f"{wording.finding_title(alert.finding)}{who}" + (f"：{told}" if told else "")
    return Clue(RULES, text[:TEXT_LENGTH])


def of_record(record: DepartmentRecord) -> Clue:
    """A row that a department pushed."""
    kind = record_kinds().get(record.kind)
    who = f"{record.person.name}，" if record.person else ""
    on = f"{record.on:%Y-%m-%d}，" if record.on else ""
    items = [
        f"{field.label}{shown(field, record.items[field.key])}"
        for field in (kind.items if kind else ())
        if record.items.get(field.key) not in (None, "")
    ]
    name = f"{kind.department}“{kind.name}”" if kind else "部门数据"
    return Clue(RULES, f"{name}：{who}{on}{'；'.join(items[:ITEMS])}"[:TEXT_LENGTH], record=record)


def of_visit(submission: Submission) -> Clue:
    """A visit; what it found is the clerk's to write."""
    told = f"{submission.user.display_name} {submission.visited_on:%Y-%m-%d} 走访（{submission.form.title}）发现："
    return Clue(STAFF, told[:TEXT_LENGTH], submission=submission)


def asked(household: Household, user: User, query: dict[str, str]) -> Clue:
    """What an address asks for: ``?record=`` or ``?visit=`` of the household; nothing if it is not there."""
    record, visit = query.get("record", ""), query.get("visit", "")
    if record.isdecimal():
        row = DepartmentRecord.objects.visible_to(user).filter(household=household, pk=record)
        found = row.select_related("person").first()
        return of_record(found) if found else Clue()
    if visit.isdecimal():
        rows = Submission.objects.visible_to(user).filter(household=household, pk=visit)
        submission = rows.select_related("user", "form").defer("xml").first()
        return of_visit(submission) if submission else Clue()
    return Clue()
