"""Reading the ledger of responsibilities."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.db.models import Q, QuerySet
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.access.models import Role
from huqing.access.scope import visible
from huqing.registry.models import Household
from huqing.teams.models import Responsibility

if TYPE_CHECKING:
    from huqing.access.models import User

# What an account of these roles is responsible for by itself, in its own grid or village.
OWN_DUTY = {Role.GRID: "grid_worker", Role.VILLAGE: "village_officer"}


def duties_of(user: User, *, on: dt.date | None = None, roles: tuple[str, ...] = ()) -> QuerySet[Responsibility]:
    """The lines of the ledger that hold for an account on a day, perhaps of certain roles only."""
    day = on or working_day(timezone.localdate())
    lines = Responsibility.objects.filter(staff__user=user, since__lte=day).filter(Q(until=None) | Q(until__gte=day))
    return lines.filter(role__in=roles) if roles else lines


def households_in_care(user: User, *, on: dt.date | None = None, roles: tuple[str, ...] = ()) -> QuerySet[Household]:
    """The households the ledger names the account for, directly or by their grid or village."""
    lines = duties_of(user, on=on, roles=roles)
    return Household.objects.filter(
        Q(pk__in=lines.exclude(household=None).values("household"))
        | Q(grid__in=lines.exclude(grid=None).values("grid"))
        | Q(village__in=lines.exclude(village=None).values("village"))
    )


def households_of(user: User, *, on: dt.date | None = None, roles: tuple[str, ...] = ()) -> QuerySet[Household]:
    """The active households an account looks after: those of the ledger, and its own grid's or village's.

    ``roles`` (codes of duty_role) narrows it to duties of those roles. County, town and readers look after none by
    themselves. Never more than the account may see.
    """
    mine = Q(pk__in=households_in_care(user, on=on, roles=roles).values("pk"))
    own = OWN_DUTY.get(Role(user.role))
    if own and (not roles or own in roles):
        mine |= Q(pk__in=visible(Household.objects.all(), user).values("pk"))
    return visible(Household.objects.filter(mine, status=Household.Status.ACTIVE), user)
