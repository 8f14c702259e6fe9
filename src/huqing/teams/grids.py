"""Grids and the people in them: a worker put in or changed, two grids made one."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet

from huqing.access import audit
from huqing.access.models import User
from huqing.access.permissions import Refused, require
from huqing.access.scope import sees
from huqing.registry.actions import assign_grid
from huqing.registry.models import Grid, Household
from huqing.teams import handing_over
from huqing.teams.actions import give_duty
from huqing.teams.ledger_queries import GRID_WORKER, holding
from huqing.teams.models import Responsibility, Staff, UnitDuty

ONE_DAY = dt.timedelta(days=1)


def workers(village: int, day: dt.date) -> dict[int, list[Responsibility]]:
    """Who works in which grid of a village on a day, by grid."""
    found: dict[int, list[Responsibility]] = {}
    lines = holding(Responsibility.objects.filter(grid__village=village, role=GRID_WORKER), day)
    for line in lines.select_related("staff").order_by("since", "pk"):
        found.setdefault(line.grid_id or 0, []).append(line)
    return found


@transaction.atomic
def set_worker(*, grid: Grid, staff: Staff, on: dt.date, by: User) -> None:
    """``staff`` works in the grid from ``on``; whoever did until then hands the grid over, which is kept as such."""
    _may(by, grid)
    lines = _running(grid).filter(role=GRID_WORKER, stands_in_for=None).select_related("staff")
    if any(line.staff_id == staff.pk for line in lines):
        raise ValidationError({"staff": f"{staff.name}已经是这个网格的网格员。"})
    if not lines:
        give_duty(by=by, staff=staff, role=GRID_WORKER, since=on, grid=grid)
    for line in lines:
        handing_over.hand_over(staff=line.staff, to={line.pk: staff}, on=on, reason="调整网格员", by=by)


@transaction.atomic
def merge(*, grid: Grid, into: Grid, on: dt.date, by: User) -> bool:
    """All households of ``grid`` go to ``into``, and what people answered for in it ends the day before ``on``.

    Returns whether the empty grid is gone: one that stands in the ledger or belongs to an account stays, empty.
    """
    _may(by, grid)
    if grid.pk == into.pk or grid.village_id != into.village_id:
        raise ValidationError({"into": "只能并入本村的另一个网格。"})
    late = _running(grid).filter(since__gte=on).order_by("-since").first()
    if late is not None:
        raise ValidationError({"on": f"{late.staff.name} 从 {late.since} 起负责这个网格，合并日期要在这之后。"})
    assign_grid(households=Household.objects.filter(grid=grid).select_related("village"), grid=into, by=by)
    ended = _running(grid).filter(Q(until=None) | Q(until__gte=on)).update(until=on - ONE_DAY)
    UnitDuty.objects.filter(grid=grid, since__lt=on).filter(Q(until=None) | Q(until__gte=on)).update(until=on - ONE_DAY)
    detail = {"from": grid.name, "into": into.name, "ended": ended}
    audit.record(by=by, action="grid_merge", subject=into, region_code=into.region_code, detail=detail)
    if _known(grid):
        return False
    grid.delete()
    return True


def _known(grid: Grid) -> bool:
    """Whether something still speaks of the grid: a line of the ledger, an account, a household that was struck off."""
    return (
        Responsibility.objects.filter(grid=grid).exists()
        or UnitDuty.objects.filter(grid=grid).exists()
        or User.objects.filter(grid_id=grid.pk).exists()
        or Household.objects.filter(grid=grid).exists()
    )


def _running(grid: Grid) -> QuerySet[Responsibility]:
    return Responsibility.objects.filter(grid=grid, until=None)


def _may(by: User, grid: Grid) -> None:
    require(by, "manage_duties")
    require(by, "manage_grids")
    if not sees(by, grid):
        raise Refused("这个网格不在您的管辖范围内。")
