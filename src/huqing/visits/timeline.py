"""All visits to one household on one line of time: of cadres, teachers, doctors and agronomists, however reported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from huqing.access.prepared import prepared
from huqing.access.scope import visible
from huqing.registry.models import DepartmentRecord, Household, Source
from huqing.standards.codelists import codelist
from huqing.visits.models import Confirmation, Form, Submission
from huqing.visits.queries import submissions

if TYPE_CHECKING:
    from huqing.access.models import User

LEDGER = "home_visit"
OTHER = "other"
MOST = 500
# What a line says of a form; the answers themselves stay where they are.
SUBMITTED = (
    *("instance_id", "visited_on", "state", "return_reason", "landed_at"),
    *("form__title", "form__visit_kind", "user__display_name", "person__name"),
)


@dataclass(frozen=True)
class Visited:
    """One visit. ``kind`` is a code of visit_kind, "" where the form counts as none.

    ``submission`` is there for a filled form; ``source`` says where the others come from.
    """

    on: dt.date
    kind: str
    title: str
    by: str
    person: str = ""
    note: str = ""
    source: str = ""
    submission: Submission | None = None

    @property
    def kind_label(self) -> str:
        """干部走访, 教师家访 … or 其他走访."""
        return codelist("visit_kind").label(self.kind) if self.kind in codelist("visit_kind") else "其他走访"


@dataclass
class Timeline:
    """The visits that are shown and how many there are of each kind: (code, label, count)."""

    visits: list[Visited] = field(default_factory=list)
    kinds: list[tuple[str, str, int]] = field(default_factory=list)
    total: int = 0
    chosen: str = ""


def timeline_of(household: Household, user: User, kind: str = "") -> Timeline:
    """The visits to a household the account may see, newest first; ``kind`` narrows to one code (``other``: none)."""
    told = sorted(
        (*_submitted(household, user), *_confirmed(household, user), *_recorded(household)),
        key=lambda visit: (visit.on, visit.submission.pk if visit.submission else 0),
        reverse=True,
    )
    counts: dict[str, int] = {}
    for visit in told:
        counts[_key(visit)] = counts.get(_key(visit), 0) + 1
    names = {**dict(codelist("visit_kind").items), OTHER: "其他走访"}
    kinds = [(code, label, counts[code]) for code, label in names.items() if code in counts]
    chosen = kind if kind in counts else ""
    shown = [visit for visit in told if not chosen or _key(visit) == chosen]
    return Timeline(shown, kinds, len(told), chosen)


def _key(visit: Visited) -> str:
    return visit.kind if visit.kind in codelist("visit_kind") else OTHER


def _submitted(household: Household, user: User) -> Iterable[Visited]:
    rows = submissions(user).filter(household=household).exclude(state=Submission.State.REPLACED)
    told = rows.select_related("form", "user", "person").only(*SUBMITTED)
    for row in told.order_by("-visited_on", "-pk")[:MOST]:
        yield Visited(
            on=row.visited_on,
            kind=row.form.visit_kind,
            title=row.form.title,
            by=row.user.display_name,
            person=row.person.name if row.person else "",
            submission=row,
        )


def _confirmed(household: Household, user: User) -> Iterable[Visited]:
    rows = visible(Confirmation.objects.filter(household=household), user)
    rows = list(rows.select_related("user", "task__method", "task__person").order_by("-on", "-pk")[:MOST])
    forms = {
        (form.method_id, form.visit): form
        for form in Form.objects.filter(method__in={row.task.method_id for row in rows}).order_by("-pk")
    }
    for row in rows:
        form = forms.get((row.task.method_id, row.task.visit))
        yield Visited(
            on=row.on,
            kind=form.visit_kind if form else "",
            title=f"{form.title if form else row.task.method.title}：确认无变化",
            by=row.user.display_name,
            person=row.task.person.name if row.task.person else "",
            source="手机一键确认",
        )


@prepared
def _ledger(household: int) -> QuerySet[DepartmentRecord]:
    rows = DepartmentRecord.objects.filter(household_id=household, kind=LEDGER, retired_by=None)
    return rows.exclude(source__kind=Source.Kind.VISIT).order_by("-on", "-pk")[:MOST]


def _recorded(household: Household) -> Iterable[Visited]:
    """Visits of the ledger that came as files; those that forms and confirmations wrote are told by themselves."""
    rows = _ledger(household.pk)
    sources = Source.objects.in_bulk({row.source_id for row in rows}) if rows else {}
    for row in rows:
        if row.on is None:
            continue
        kind = str(row.items.get("visit_kind") or "")
        yield Visited(
            on=row.on,
            kind=kind,
            title=codelist("visit_kind").label(kind) if kind in codelist("visit_kind") else "走访",
            by=str(row.items.get("visitor") or ""),
            note=str(row.items.get("note") or ""),
            source=sources[row.source_id].title,
        )
