"""Reading plans: one household's, what a case asks of it, and the list of a county with its gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from huqing.plans.lines import DONE, KIND, RUNNING, WAITING, Line, lines_of
from huqing.plans.models import Plan, PlannedMeasure
from huqing.registry.models import DepartmentRecord, Household, Label
from huqing.screening.models import Alert
from huqing.teams.models import Responsibility, Staff

if TYPE_CHECKING:
    from huqing.access.models import User

MONITOR = "monitor"
OVERDUE, SILENT, UNSUITED, LATE = "measure_overdue", "measure_no_result", "rk07", "ms01"
GAPS: Mapping[str, str] = {
    "plan": "没有计划",
    "measure": "没有措施",
    "late": "识别满一个月没有措施",
    "unsuited": "有风险没有对症措施",
    "overdue": "措施过期没有完成",
    "silent": "措施完成没有成效",
    "after": "消除后仍在帮扶",
}
_FINDINGS = {"overdue": OVERDUE, "silent": SILENT, "unsuited": UNSUITED, "late": LATE}


def open_plan(household: Household) -> Plan | None:
    """The household's plan that has not ended."""
    return Plan.objects.filter(household=household, closed_on=None).select_related("made_by", "household").first()


def monitored(households: QuerySet[Household], day: dt.date) -> QuerySet[Household]:
    """Those that are monitored on the day."""
    return households.filter(Exists(_labels(day)))


def why_no_plan(household: Household) -> str:
    """What a case lacks before it may go on to help: "" when there is a plan."""
    if Plan.objects.filter(household=household, closed_on=None).exists():
        return ""
    return "还没有一户一策计划，请先制定。"


def why_no_measure(household: Household, since: dt.date) -> str:
    """The same for measures: "" when at least one is carried out, or was ``since`` the household was looked at.

    Help that was over before says nothing about the risk at hand, and one that is done without a day is not known.
    """
    rows = DepartmentRecord.objects.filter(household=household, kind=KIND, retired_by=None).order_by("pk")
    for row in rows:
        state, last = row.items.get("state"), row.items.get("ended_on")
        if state == RUNNING and (not last or last >= since.isoformat()):
            return ""
        if state == DONE and (last or row.items.get("started_on") or "") >= since.isoformat():
            return ""
    return "还没有已经实施的帮扶措施，请在一户一策中落实至少一项。"


def help_goes_on(household: Household, day: dt.date) -> list[Line]:
    """Measures of the open plan that are not finished: help lasts to the end of contract, post or school stage."""
    plan = open_plan(household)
    return [line for line in lines_of(household, plan, day) if line.planned and line.open] if plan else []


def listed(user: User, *, day: dt.date, gap: str = "", region: str = "") -> QuerySet[Household]:
    """The households that are monitored, or whose plan is open, as far as the user sees them; with one gap only.

    Gaps that are findings come from the open alerts, so that list and rules never disagree.
    """
    rows = Household.objects.visible_to(user, within=region).filter(status=Household.Status.ACTIVE)
    plans = Plan.objects.filter(household=OuterRef("pk"), closed_on=None)
    if gap == "after":
        # Read first, they are few: in the order of a page a database would look at every household for them.
        watched = Exists(_watched(day).filter(household=OuterRef("household")))
        return rows.filter(pk__in=list(_planned().filter(~watched).values_list("household", flat=True)))
    if gap in _FINDINGS:
        rows = rows.filter(Exists(_alerts(gap)))
    if gap == "measure":
        rows = rows.filter(~Exists(_measures()))
    if gap == "plan":
        return rows.filter(Exists(_labels(day)), ~Exists(plans))
    return rows.filter(Exists(_labels(day)) | Exists(plans))


@dataclass(frozen=True)
class Summary:
    """What the list says of one household."""

    plan: Plan | None
    measures: int
    waiting: int
    overdue: int
    people: tuple[str, ...]


def summaries(households: list[Household], day: dt.date) -> dict[int, Summary]:
    """The summaries of a page of households, in three queries."""
    ids = [household.pk for household in households]
    plans = {plan.household_id: plan for plan in Plan.objects.filter(household__in=ids, closed_on=None)}
    people: dict[int, list[str]] = {}
    planned = PlannedMeasure.objects.filter(plan__in=plans.values(), dropped_on=None).select_related("staff")
    for one in planned.order_by("pk").values_list("plan__household_id", "staff__name"):
        people.setdefault(one[0], []).append(one[1] or "")
    rows: dict[int, list[Line]] = {}
    records = DepartmentRecord.objects.filter(household__in=ids, kind=KIND, retired_by=None)
    for record in records.order_by("pk"):
        rows.setdefault(record.household_id or 0, []).append(Line(record, None, day))
    return {
        pk: Summary(
            plan=plans.get(pk),
            measures=len(rows.get(pk, ())),
            waiting=sum(line.state == WAITING for line in rows.get(pk, ())),
            overdue=sum(line.overdue for line in rows.get(pk, ())),
            people=tuple(dict.fromkeys(name for name in people.get(pk, ()) if name)),
        )
        for pk in ids
    }


def gap_counts(user: User, *, day: dt.date, region: str = "") -> dict[str, int]:
    """How many households each gap concerns, for the filter."""
    found = Alert.objects.visible_to(user, within=region).filter(
        state=Alert.State.OPEN, finding__in=_FINDINGS.values(), person=None
    )
    by_finding = dict(found.values_list("finding").annotate(n=Count("household", distinct=True)).order_by())
    counts = {gap: by_finding.get(finding, 0) for gap, finding in _FINDINGS.items()}
    # From the few labels and plans to their households: the list's own way, along the households, would read them all.
    rows = Household.objects.visible_to(user, within=region).filter(status=Household.Status.ACTIVE)
    watched = rows.filter(pk__in=_watched(day))
    after = rows.filter(pk__in=_planned()).filter(~Exists(_labels(day)))
    counts["plan"] = watched.exclude(pk__in=_planned()).count()
    counts["measure"] = watched.filter(~Exists(_measures())).count() + after.filter(~Exists(_measures())).count()
    counts["after"] = after.count()
    return counts


def _labels(day: dt.date) -> QuerySet[Label]:
    return Label.objects.filter(household=OuterRef("pk"), kind=MONITOR, valid_from__lte=day).filter(
        Q(valid_to=None) | Q(valid_to__gt=day)
    )


def _watched(day: dt.date) -> QuerySet[Any]:
    held = Label.objects.filter(kind=MONITOR, valid_from__lte=day).filter(Q(valid_to=None) | Q(valid_to__gt=day))
    return held.values("household")


def _planned() -> QuerySet[Any]:
    return Plan.objects.filter(closed_on=None).values("household")


def _measures() -> QuerySet[DepartmentRecord]:
    return DepartmentRecord.objects.filter(household=OuterRef("pk"), kind=KIND, retired_by=None)


def _alerts(gap: str) -> QuerySet[Alert]:
    return Alert.objects.filter(household=OuterRef("pk"), finding=_FINDINGS[gap], state=Alert.State.OPEN)


def people_of(household: Household, day: dt.date) -> list[Staff]:
    """Who is responsible for the household today, by the ledger of duties: for itself, its grid or its village."""
    held = Q(household=household, person=None) | Q(village=household.village_id)
    if household.grid_id is not None:
        held |= Q(grid=household.grid_id)
    lines = Responsibility.objects.filter(held, since__lte=day).filter(Q(until=None) | Q(until__gte=day))
    own = lines.order_by("village", "grid", "pk").select_related("staff__unit")
    return list({line.staff_id: line.staff for line in own if line.staff.left_on is None}.values())
