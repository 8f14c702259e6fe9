"""The members of an area with their month: what waits, how many days count, which care visits are missing."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from huqing.access.scope import code_range, covers, visible
from huqing.rules.library import library
from huqing.teams.models import PresenceDay, Provision, Responsibility, TeamNote
from huqing.teams.presence import HERE, OVERTIME, RESIDENT, TRIP, members, today
from huqing.teams.team_notes import CARE

if TYPE_CHECKING:
    from huqing.access.models import User

COUNTED = (HERE, OVERTIME, TRIP)
WAITING, SHORT, CARED = "waiting", "short", "care"
S = PresenceDay.State


def last_of(month: dt.date) -> dt.date:
    """The last day of a month."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def least_days(region: str, month: dt.date) -> int | None:
    """How many days a month must have; None where nothing is laid down."""
    return _whole("presence_days", region, month)


def least_in_year(region: str, month: dt.date) -> int | None:
    """How many days a year must have; None where nothing is laid down."""
    return _whole("presence_year_days", region, month)


def counted_in_year(staff: int, year: int) -> int:
    """The confirmed days of a year that count."""
    rows = PresenceDay.objects.filter(staff=staff, day__year=year, state=S.CONFIRMED, kind__in=COUNTED)
    return rows.count()


def month_lines(user: User, month: dt.date, *, place: str = "", only: str = "") -> QuerySet[Responsibility]:
    """The residents of the area in a month with ``waiting`` and ``counted`` days and care visits by kind.

    Whoever stayed only for a part of it is among them, by the last village: their days are confirmed and paid too.
    ``only``: those with days that wait, with too few days, or with too few care visits.
    """
    on = min(last_of(month), today())
    stayed = visible(Responsibility.objects.filter(role=RESIDENT, since__lte=on).exclude(village=None), user)
    stayed = stayed.exclude(until__lt=month)
    later = stayed.filter(staff=OuterRef("staff"), since__gt=OuterRef("since"))
    lines = stayed.filter(~Exists(later)).select_related("staff__unit", "village").order_by("region_code", "staff")
    if place and covers(user.region_code, place):
        lines = lines.filter(code_range(place))
    days = PresenceDay.objects.filter(day__range=(month, last_of(month)))
    visits = TeamNote.objects.filter(on__range=(month, last_of(month)))
    kinds = {kind.value: visits.filter(kind=kind) for kind in CARE}
    lines = lines.annotate(
        waiting=_of_staff(days.filter(state=S.DECLARED)),
        counted=_of_staff(days.filter(state=S.CONFIRMED, kind__in=COUNTED)),
        **{kind: _of_staff(rows) for kind, rows in kinds.items()},
    )
    if only == WAITING:
        lines = lines.filter(waiting__gt=0)
    if only == SHORT:
        least = least_days(user.region_code, month)
        lines = lines.none() if least is None else lines.filter(counted__lt=least)
    if only == CARED:
        lines = lines.filter(_care_lacking(user.region_code, month))
    return lines


def _care_lacking(region: str, month: dt.date) -> Q:
    lacking = Q(pk__in=[])
    for kind, key in CARE.items():
        least = _whole(key, region, month)
        if least is not None:
            lacking |= Q(**{f"{kind.value}__lt": least})
    return lacking


def without_provision(user: User, year: int, kind: str) -> QuerySet[Responsibility]:
    """The residents of a year without a finished check-up, or without an insurance that runs or was taken out."""
    on = min(dt.date(year, 12, 31), today())
    done = Provision.objects.filter(kind=kind, done_on__isnull=False)
    runs = Q(year=year) if kind == Provision.Kind.CHECKUP else Q(until__gte=on)
    return members(user, on=on).exclude(staff__in=done.filter(runs).values("staff"))


def _of_staff(rows: QuerySet[Any, Any]) -> Coalesce:
    """How many of the rows are about the line's person."""
    counted = rows.order_by().filter(staff=OuterRef("staff")).values("staff").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _whole(key: str, region: str, month: dt.date) -> int | None:
    dated = library().parameters[key].at(month, region)
    return int(dated.value) if dated else None  # type: ignore[arg-type]
