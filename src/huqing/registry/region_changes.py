"""Writing region changes: new codes and names with their dates, households that follow their village, settled doubts.

A household points at its village's row, so it never moves because a code does. ``region_code`` beside it repeats the
village's current code for fast lists; it is rewritten here, and only here, when the village's code changes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from huqing.registry.models import DepartmentRecord, Grid, Household, Person, Region, RegionChange, RegionCode
from huqing.registry.signals import regions_recoded
from huqing.standards import regioncodes
from huqing.standards.text import pinyin_initials

CHUNK = 500


@dataclass(frozen=True)
class Move:
    """What a region becomes from a day on: its code and name, and the place above it."""

    region: Region
    code: str
    name: str
    parent_id: int | None
    on: dt.date


def apply(moves: Sequence[Move]) -> int:
    """Give regions their new codes and names; returns how many households got a new code with theirs.

    Codes may be swapped among ``moves``.
    """
    recoded = [move for move in moves if move.code != move.region.code]
    followers = {move.region.pk: _followers(move.region) for move in recoded}
    codes = {move.region.code: move.code for move in recoded}
    # Codes are unique among current regions, so those that change are freed first.
    for move in recoded:
        Region.objects.filter(pk=move.region.pk).update(code=f"~{move.region.pk}")
    households = 0
    for move in moves:
        region = move.region
        _end_code(region, move.on)
        RegionCode.objects.create(region=region, code=move.code, name=move.name, valid_from=move.on)
        before, region.code, region.name = region.code, move.code, move.name
        region.pinyin, region.parent_id = pinyin_initials(move.name), move.parent_id
        region.save(update_fields=["code", "name", "pinyin", "parent"])
        if before != move.code:
            households += _rewrite(region, followers[region.pk])
    if recoded:
        ids = [move.region.pk for move in recoded]
        regions_recoded.send(sender=Region, region_ids=ids, codes=codes, merged={}, on=max(move.on for move in recoded))
    return households


def close(region: Region, on: dt.date) -> None:
    """The region is out of use from ``on``."""
    _end_code(region, on)
    region.valid_to = max(on, region.valid_from or on)
    region.save(update_fields=["valid_to"])


def merge(region: Region, into: Region, on: dt.date) -> int:
    """A person said that ``region`` became part of ``into``: its households and grids go there; returns how many."""
    followers = _followers(region)
    households = Household.objects.filter(region_code=region.code, village=region).update(village=into)
    taken = set(into.grids.values_list("number", flat=True))
    for grid in region.grids.order_by("number"):
        grid.number = grid.number if grid.number not in taken else max(taken) + 1
        taken.add(grid.number)
        grid.village = into
        grid.save(update_fields=["number", "village"])
    _rewrite(into, followers)
    close(region, on)
    codes, merged = {region.code: into.code}, {region.pk: into.pk}
    regions_recoded.send(sender=Region, region_ids=[into.pk], codes=codes, merged=merged, on=on)
    return households


def create(code: str, name: str, parent_id: int | None, on: dt.date, urban_rural: str = "") -> Region:
    """A region that is new from ``on``."""
    region = Region.objects.create(
        code=code,
        name=name,
        pinyin=pinyin_initials(name),
        level=int(regioncodes.level(code)),
        parent_id=parent_id,
        urban_rural=urban_rural,
        valid_from=on,
    )
    RegionCode.objects.create(region=region, code=code, name=name, valid_from=on)
    return region


def apply_decided() -> tuple[list[RegionChange], int]:
    """Apply every decided change whose new code is free, or held by a region that leaves it now too.

    Two villages that swapped codes are therefore applied together, once both are decided. Returns the changes and the
    number of households that got a new code.
    """
    ready = _ready()
    households = 0
    for change in ready:
        if change.decision == "merged":
            into = Region.objects.get(code=change.target, valid_to=None)
            households += merge(change.region, into, first_day(change.year))
        elif change.decision == "abolished":
            close(change.region, first_day(change.year))
    moves = []
    for change in ready:
        if change.decision == "same":
            name = next((name for code, name in change.rows if code == change.target), change.region.name)
            parent = parent_of(change.target, change.region.parent_id)
            moves.append(Move(change.region, change.target, name, parent, first_day(change.year)))
    households += apply(moves)
    for change in ready:
        change.state = RegionChange.State.APPLIED
        change.save(update_fields=["state"])
    _create_freed(ready)
    return ready, households


def _ready() -> list[RegionChange]:
    decided = RegionChange.objects.filter(state=RegionChange.State.DECIDED).select_related("region")
    ready = {change.region_id: change for change in decided}
    wanted = [change.target for change in ready.values()]
    holder = dict(Region.objects.filter(code__in=wanted, valid_to=None).values_list("code", "pk"))
    while True:
        blocked = [
            pk
            for pk, change in ready.items()
            if change.decision == "same" and holder.get(change.target, pk) != pk and holder[change.target] not in ready
        ]
        if not blocked:
            return list(ready.values())
        for pk in blocked:
            del ready[pk]


def parent_of(code: str, otherwise: int | None = None) -> int | None:
    """The current region above a code."""
    above = regioncodes.parent(code)
    if above is None:
        return None
    found = Region.objects.filter(code=regioncodes.prefix(above), valid_to=None).values_list("pk", flat=True).first()
    return found if found is not None else otherwise


def first_day(year: int) -> dt.date:
    """The day from which the codes of a year count."""
    return dt.date(year, 1, 1)


def _create_freed(changes: Iterable[RegionChange]) -> None:
    """Rows of the new table that no region turned out to be, and that nobody still asks about, are new places."""
    waiting = RegionChange.objects.exclude(state=RegionChange.State.APPLIED).values_list("rows", flat=True)
    still_asked = {code for rows in waiting for code, _ in rows}
    for change in changes:
        for code, name in change.rows:
            if code not in still_asked and not Region.objects.filter(code=code, valid_to=None).exists():
                create(code, name, parent_of(code), first_day(change.year))


def _end_code(region: Region, on: dt.date) -> None:
    open_codes = RegionCode.objects.filter(region=region, valid_to=None)
    if not open_codes.exists():
        RegionCode.objects.create(
            region=region, code=region.code, name=region.name, valid_from=min(region.valid_from or on, on), valid_to=on
        )
    # A table loaded again for the same year replaces what it said before.
    open_codes.filter(valid_from__gte=on).delete()
    open_codes.update(valid_to=on)


@dataclass(frozen=True)
class _Followers:
    households: list[int]
    people: list[int]
    records: list[int]


def _followers(region: Region) -> _Followers:
    """Everything whose ``region_code`` repeats this region's, found before any code changes."""
    if region.level != Region.Level.VILLAGE:
        return _Followers([], [], [])
    here = Q(region_code=region.code)
    inside = here & (Q(household__village=region) | Q(household=None))
    return _Followers(
        households=list(Household.objects.filter(here, village=region).values_list("pk", flat=True)),
        people=list(Person.objects.filter(inside).values_list("pk", flat=True)),
        records=list(DepartmentRecord.objects.filter(inside).values_list("pk", flat=True)),
    )


def _rewrite(region: Region, followers: _Followers) -> int:
    for model, ids in (
        (Household, followers.households),
        (Person, followers.people),
        (DepartmentRecord, followers.records),
    ):
        for start in range(0, len(ids), CHUNK):
            model.objects.filter(pk__in=ids[start : start + CHUNK]).update(region_code=region.code)
    Grid.objects.filter(village=region).update(region_code=region.code)
    return len(followers.households)
