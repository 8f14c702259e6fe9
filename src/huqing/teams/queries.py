"""Reading the ledger of responsibilities."""

from __future__ import annotations

import datetime as dt
import functools
import operator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.access.models import Role, User
from huqing.access.scope import covers, visible
from huqing.registry.models import Household, Region
from huqing.teams.models import Responsibility

# What an account of these roles is responsible for by itself, in its own grid or village.
OWN_DUTY = {Role.GRID: "grid_worker", Role.VILLAGE: "village_officer"}


def duties_of(user: User, *, on: dt.date | None = None, roles: tuple[str, ...] = ()) -> QuerySet[Responsibility]:
    """The lines of the ledger that hold for an account on a day, perhaps of certain roles only."""
    day = on or working_day(timezone.localdate())
    lines = Responsibility.objects.filter(staff__user=user, since__lte=day).filter(Q(until=None) | Q(until__gte=day))
    return lines.filter(role__in=roles) if roles else lines


@dataclass
class Duties:
    """In which roles (codes of duty_role) an account is responsible for what, on one day; read with two queries."""

    own: str = ""
    own_place: str = ""
    villages: dict[int, set[str]] = field(default_factory=dict)
    grids: dict[int, set[str]] = field(default_factory=dict)
    households: dict[int, set[str]] = field(default_factory=dict)
    people: dict[int, set[str]] = field(default_factory=dict)

    def towards(self, household: Household, person: int | None = None) -> set[str]:
        """The roles towards a household the account looks after; with a person, also those towards this person.

        A teacher of one child is responsible for the child, not for everything in the house.
        """
        roles = set(self.households.get(household.pk, ()))
        roles |= self.villages.get(household.village_id, set())
        if household.grid_id is not None:
            roles |= self.grids.get(household.grid_id, set())
        if person is not None:
            roles |= self.people.get(person, set())
        return roles | {self.own} if self.own else roles

    def towards_village(self, village: int, code: str) -> set[str]:
        """The roles towards a village itself."""
        roles = set(self.villages.get(village, ()))
        if self.own == OWN_DUTY[Role.VILLAGE] and self.own_place == code:
            roles.add(self.own)
        return roles

    @property
    def roles(self) -> set[str]:
        """All roles the account holds for anything."""
        held = {self.own} - {""}
        for lines in (self.villages, self.grids, self.households, self.people):
            held.update(*lines.values())
        return held


def duties_by_place(user: User, *, on: dt.date | None = None) -> Duties:
    """What an account is responsible for, for looking up many households."""
    found = Duties(own=OWN_DUTY.get(Role(user.role), ""), own_place=user.region_code)
    for role, village, grid, household, person in duties_of(user, on=on).values_list(
        "role", "village", "grid", "household", "person"
    ):
        if person is not None:
            found.people.setdefault(person, set()).add(role)
        elif household is not None:
            found.households.setdefault(household, set()).add(role)
        elif grid is not None:
            found.grids.setdefault(grid, set()).add(role)
        else:
            found.villages.setdefault(village, set()).add(role)
    return found


def villages_of(user: User, *, on: dt.date | None = None) -> QuerySet[Region]:
    """The villages an account is responsible for as a whole: those of the ledger, and a village officer's own."""
    mine = Q(pk__in=duties_of(user, on=on).exclude(village=None).values("village"))
    if user.role == Role.VILLAGE and user.region_code:
        mine |= Q(code=user.region_code, level=Region.Level.VILLAGE)
    return visible(Region.objects.filter(mine, valid_to=None), user)


def households_in_care(user: User, *, on: dt.date | None = None, roles: tuple[str, ...] = ()) -> QuerySet[Household]:
    """The households the ledger names the account for, directly or by their grid or village."""
    return Household.objects.filter(_in_care(user, on=on, roles=roles))


def _in_care(user: User, *, on: dt.date | None = None, roles: tuple[str, ...] = ()) -> Q:
    """The same as a condition. The few lines are read first: over subqueries a database would look at all households.

    The code of a village is repeated in its households, where it is indexed; the village itself is not.
    """
    lines = duties_of(user, on=on, roles=roles).values_list("household", "grid", "village__code")
    named: list[set[Any]] = [{value for value in column if value is not None} for column in zip(*lines, strict=True)]
    columns = ("pk__in", "grid__in", "region_code__in")
    conditions = [Q(**{column: sorted(values)}) for column, values in zip(columns, named, strict=False) if values]
    return functools.reduce(operator.or_, conditions) if conditions else Q(pk__in=[])


def cares_for(user: User, household: int, *, on: dt.date | None = None) -> str:
    """The region code of a household that is in the account's care, "" otherwise.

    Says of one household what ``visible`` says of all for an account that only visits, with two plain lookups.
    """
    found = Household.objects.filter(pk=household).values_list("region_code", "grid", "village").first()
    if found is None or not covers(user.region_code, found[0]):
        return ""
    place = Q(household=household) | Q(village=found[2])
    if found[1] is not None:
        place |= Q(grid=found[1])
    return found[0] if duties_of(user, on=on).filter(place).order_by().exists() else ""


def households_of(user: User, *, on: dt.date | None = None, roles: tuple[str, ...] = ()) -> QuerySet[Household]:
    """The active households an account looks after: those of the ledger, and its own grid's or village's.

    ``roles`` (codes of duty_role) narrows it to duties of those roles. County, town and readers look after none by
    themselves. Never more than the account may see.
    """
    rows = Household.objects.filter(status=Household.Status.ACTIVE)
    own = OWN_DUTY.get(Role(user.role))
    # What somebody sees who only visits is what is in their care today.
    seen_is_cared_for = user.role == Role.VISITOR and not roles and on is None
    if not (own and (not roles or own in roles)) and not seen_is_cared_for:
        rows = rows.filter(_in_care(user, on=on, roles=roles))
    # Who answers for the own grid or village answers for all that the account may see.
    return visible(rows, user)
