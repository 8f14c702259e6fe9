"""Names of towns and villages for the codes that rows carry.

A county has a few hundred places and nearly every page names some of them, so the names are kept in the process for a
few minutes instead of being joined to every list. (Django's local cache would unpickle all of them at every look-up.)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Count

from huqing.access.models import ADMINISTRATORS, Role
from huqing.access.scope import code_range
from huqing.registry.models import Grid, Household, Region
from huqing.standards.regioncodes import spoken_name

if TYPE_CHECKING:
    from huqing.access.models import User

Kept = TypeVar("Kept")

KEEP_SECONDS = 300
_KEPT: dict[str, tuple[float, object]] = {}
COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS = 6, 9, 12


@dataclass(frozen=True)
class Place:
    """A region as the pages name it: its significant code, name, pinyin initials and level."""

    code: str
    name: str
    pinyin: str
    level: int


def kept(key: str, make: Callable[[], Kept]) -> Kept:
    """What ``make`` returned, for a few minutes; every process keeps its own."""
    now = time.monotonic()
    until, value = _KEPT.get(key, (0.0, None))
    if until < now:
        value = make()
        _KEPT[key] = (now + KEEP_SECONDS, value)
    return value  # type: ignore[return-value]


def forget() -> None:
    """Read names and counts afresh: after regions were loaded, and between tests."""
    _KEPT.clear()


def below(prefix: str) -> dict[str, Place]:
    """The county of ``prefix`` itself, its towns and villages that are in force, by significant code, in code order."""
    county = prefix[:COUNTY_DIGITS]
    if len(county) != COUNTY_DIGITS or not (county.isascii() and county.isdecimal()):
        return {}
    return kept(f"places.{county}", lambda: _read(county))


def _read(county: str) -> dict[str, Place]:
    rows = Region.objects.filter(code_range(county, "code"), valid_to=None).order_by("code")
    found = {}
    for code, name, pinyin, level in rows.values_list("code", "name", "pinyin", "level"):
        short = code[: {3: COUNTY_DIGITS, 4: TOWN_DIGITS}.get(level, VILLAGE_DIGITS)]
        found[short] = Place(short, spoken_name(name), pinyin, level)
    return found


def name_of(code: str) -> str:
    """Town and village of a 12-digit code, the town of a 9-digit one, the county of a 6-digit one."""
    known = below(code)
    if len(code) <= COUNTY_DIGITS:
        return known[code].name if code in known else code
    names = [known[part].name for part in (code[:TOWN_DIGITS], code[:VILLAGE_DIGITS]) if part in known]
    return " ".join(dict.fromkeys(names)) or code


def towns(prefix: str) -> list[Place]:
    """The towns in reach of an account with this prefix: all of its county's, or the one it lies in."""
    return [
        place
        for code, place in below(prefix).items()
        if place.level == Region.Level.TOWN and (code.startswith(prefix) or prefix.startswith(code))
    ]


def villages(prefix: str, town: str) -> list[Place]:
    """The villages of a town in reach of an account with this prefix."""
    if not town:
        return []
    return [
        place
        for code, place in below(town).items()
        if place.level == Region.Level.VILLAGE
        and code.startswith(town)
        and (code.startswith(prefix) or prefix.startswith(code))
    ]


def scope_of(user: User) -> str:
    """What area an account is for, in words."""
    if user.role in ADMINISTRATORS:
        return "系统管理（不接触农户数据）"
    if not user.region_code:
        return "未设置管辖区划"
    name = name_of(user.region_code)
    if user.role == Role.GRID and user.grid_id:
        grid = Grid.objects.filter(pk=user.grid_id).first()
        return f"{name} {grid.name}" if grid else name
    return name


def household_counts(prefix: str) -> dict[str, int]:
    """How many active households each village of a county has, by 12-digit code; a few minutes old at most."""
    county = prefix[:COUNTY_DIGITS]
    return kept(f"households.{county}", lambda: _count(county))


def _count(county: str) -> dict[str, int]:
    rows = Household.objects.filter(code_range(county), status=Household.Status.ACTIVE)
    return dict(rows.values_list("region_code").annotate(n=Count("id")).order_by())


def households_in(prefix: str) -> int:
    """How many active households lie under a region prefix, from the cached counts."""
    return sum(n for code, n in household_counts(prefix).items() if code.startswith(prefix))
