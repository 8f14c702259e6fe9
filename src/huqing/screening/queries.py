"""Reading alerts, runs and what could not be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.access.models import Role, User
from huqing.access.permissions import may
from huqing.access.scope import code_range
from huqing.registry import snapshot
from huqing.registry.models import Household, Region
from huqing.rules.engine import quoted, read_county, rules_version
from huqing.rules.explain import Explanation, explain
from huqing.rules.library import library
from huqing.screening.actions import COUNTY_DIGITS, results_folder
from huqing.screening.models import Alert, Run

TOWN_DIGITS = 9


def alerts(
    user: User, *, state: str = Alert.State.OPEN, finding: str = "", severity: str = "", region: str = ""
) -> QuerySet[Alert]:
    """The alerts ``user`` may see, newest first, narrowed by the given filters."""
    found = Alert.objects.visible_to(user, within=region).filter(state=state)
    if finding:
        found = found.filter(finding=finding)
    if severity:
        found = found.filter(severity=severity)
    return found.select_related("household", "household__village", "person", "village", "waived_by").order_by("-id")


def of_household(household: Household) -> QuerySet[Alert]:
    """All alerts of one household: open ones first, then waived, then closed."""
    return household.alerts.select_related("person", "waived_by").order_by("closed_on", "state", "-opened_on", "id")


def of_village(village: Region) -> QuerySet[Alert]:
    """All alerts about one village itself, in the same order."""
    return village.alerts.select_related("village", "waived_by").order_by("closed_on", "state", "-opened_on", "id")


def open_by_severity(user: User) -> dict[str, int]:
    """How many open alerts of each severity ``user`` may see."""
    rows = Alert.objects.visible_to(user).filter(state=Alert.State.OPEN).values_list("severity").annotate(n=Count("id"))
    return dict(rows.order_by())


def open_by_finding(user: User) -> dict[str, int]:
    """How many open alerts of each finding ``user`` may see, most first."""
    rows = Alert.objects.visible_to(user).filter(state=Alert.State.OPEN).values_list("finding").annotate(n=Count("id"))
    return dict(rows.order_by("-n", "finding"))


def open_by_place(user: User) -> dict[str, dict[str, int]]:
    """Open alerts by the town (9 digits) they lie in and by severity: ``{town: {severity: n}}``."""
    from django.db.models.functions import Substr

    rows = (
        Alert.objects.visible_to(user)
        .filter(state=Alert.State.OPEN)
        .annotate(town=Substr("region_code", 1, TOWN_DIGITS))
        .values_list("town", "severity")
        .annotate(n=Count("id"))
        .order_by("town")
    )
    towns: dict[str, dict[str, int]] = {}
    for town, severity, n in rows:
        towns.setdefault(town, {})[severity] = n
    return towns


def trend(user: User, *, until: date, days: int = 30) -> list[tuple[date, int]]:
    """How many alerts were open at the end of each of the last ``days`` days."""
    since = until - timedelta(days=days - 1)
    mine = Alert.objects.visible_to(user)
    standing = mine.filter(opened_on__lt=since).filter(Q(closed_on__isnull=True) | Q(closed_on__gte=since)).count()
    opened = dict(
        mine.filter(opened_on__range=(since, until)).values_list("opened_on").annotate(n=Count("id")).order_by()
    )
    closed = dict(
        mine.filter(closed_on__range=(since, until)).values_list("closed_on").annotate(n=Count("id")).order_by()
    )
    result = []
    for offset in range(days):
        day = since + timedelta(days=offset)
        standing += opened.get(day, 0) - closed.get(day, 0)
        result.append((day, standing))
    return result


def last_run(region: str) -> Run | None:
    """The latest finished screening that covered ``region`` (any prefix inside or above a county)."""
    runs = Run.objects.filter(state=Run.State.DONE)
    if region:
        runs = runs.filter(code_range(region[:COUNTY_DIGITS]))
    return runs.order_by("-pk").first()


@dataclass(frozen=True)
class Unknown:
    """A finding that could not be judged for a household, person or village because a value is missing."""

    finding: str
    household_id: int | None
    person_id: int | None
    village_id: int | None


def unknown_counts(run: Run, user: User) -> dict[str, int]:
    """For each finding how many subjects that ``user`` may see could not be judged in ``run``, most first."""
    return dict(_query_unknown(run, user, "SELECT finding, count(*) FROM unknown GROUP BY finding ORDER BY 2 DESC, 1"))


def unknown_list(run: Run, user: User, finding: str, *, offset: int = 0, limit: int = 50) -> list[Unknown]:
    """A page of what could not be judged for one finding, in order of region code and household."""
    rows = _query_unknown(
        run,
        user,
        "SELECT finding, household_id, person_id, village_id FROM unknown WHERE finding = ? "
        "ORDER BY region_code, household_id, person_id LIMIT ? OFFSET ?",
        [finding, limit, offset],
    )
    return [Unknown(*row) for row in rows]


def _query_unknown(run: Run, user: User, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    findings = results_folder(run) / "findings.parquet"
    households = snapshot.folder(run.region_code, run.snapshot) / "household.parquet"
    villages = households.with_name("village.parquet")
    prefix = user.region_code
    if not may(user, "view_alerts") or not prefix.isdecimal() or not findings.exists() or not households.exists():
        return []
    with duckdb.connect() as db:
        db.execute("SET threads = 2")
        condition = f"f.state = 'unknown' AND starts_with(h.region_code, '{prefix}')"
        only_own = ""
        if user.role == Role.GRID:
            own = Household.objects.visible_to(user).values_list("pk", flat=True)
            db.register("own", pa.table({"id": pa.array(own, pa.int64())}))
            only_own = " AND h.id IN (SELECT id FROM own)"
        # A run from before villages were screened has neither their column nor their table.
        with_villages = villages.exists() and "village_id" in pq.read_schema(findings).names
        of_village = "f.village_id" if with_villages else "NULL::BIGINT AS village_id"
        # The paths are our own and the prefix is checked to be digits.
        chosen = f"SELECT f.finding, f.household_id, f.person_id, {of_village}, h.region_code "
        chosen += f"FROM read_parquet('{quoted(findings)}') f JOIN read_parquet"
        view = f"{chosen}('{quoted(households)}') h ON h.id = f.household_id WHERE {condition}{only_own}"
        if with_villages and user.role != Role.GRID:
            view += f" UNION ALL {chosen}('{quoted(villages)}') h ON h.id = f.village_id WHERE {condition}"
        db.execute(f"CREATE TEMP VIEW unknown AS {view}")
        return db.execute(sql, parameters or []).fetchall()


def explain_household(household: Household, *, as_of: date | None = None, finding: str | None = None) -> Explanation:
    """Why each finding (or one) holds, does not hold or cannot be judged for ``household``, value by value."""
    tables = snapshot.one_household(household.pk)
    if finding is None or finding in library().countywide:
        # What is compared is nearly always in the same village; the household's own rows are among these.
        tables["household"] = snapshot.one_village(household.region_code)["household"]
    return _explained(tables, household.region_code, as_of, finding, household_id=household.pk)


def explain_findings(
    household: Household, findings: Sequence[str], *, as_of: date, empty: frozenset[str] = frozenset()
) -> Explanation:
    """The same for some findings only, asked ones among them; none of them may compare households."""
    region = household.region_code[:COUNTY_DIGITS]
    run = last_run(region)
    return explain(
        snapshot.one_household(household.pk),
        as_of=as_of,
        region=region,
        findings=findings,
        empty=empty,
        county=read_county(results_folder(run)) if run else None,
        household_id=household.pk,
    )


def explain_village(village: Region, *, as_of: date | None = None, finding: str | None = None) -> Explanation:
    """The same for a village's findings, over all its households."""
    tables = snapshot.one_village(village.code)
    return _explained(tables, village.code, as_of, finding, village_id=village.pk)


def _explained(
    tables: Mapping[str, pa.Table], code: str, as_of: date | None, finding: str | None, **subject: int
) -> Explanation:
    region = code[:COUNTY_DIGITS]
    run = last_run(region)
    return explain(
        tables,
        as_of=as_of or working_day(timezone.localdate()),
        region=region,
        finding=finding,
        county=read_county(results_folder(run)) if run else None,
        **subject,
    )


def outdated(run: Run) -> bool:
    """Whether the rules have changed since ``run``."""
    return run.rules_version != rules_version()
