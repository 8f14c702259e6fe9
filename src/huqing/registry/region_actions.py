"""Loading a year's region codes, settling what the tables leave open, and grids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from huqing.access import audit
from huqing.access.models import ADMINISTRATORS, User
from huqing.access.numbers import has_number
from huqing.access.permissions import Refused, require
from huqing.access.scope import covers, sees
from huqing.registry import region_changes
from huqing.registry.errors import RegistryError
from huqing.registry.models import Grid, Household, Region, RegionChange
from huqing.registry.region_loading import Loading
from huqing.registry.regions import Place, Summary
from huqing.standards.text import clean

DECISIONS = ("same", "merged", "abolished")


@transaction.atomic
def load_regions(
    *, table: Iterable[Place], year: int, by: User | None, progress: Callable[[str, float], None] | None = None
) -> Summary:
    """Load the codes of ``year``: new places, renames, new codes; what cannot be told goes to the list to decide.

    Counties that are not in ``table`` stay as they are. RegionFileError when a later year has been loaded already.
    """
    _may_manage(by)
    summary = Loading(list(table), year).run(progress or (lambda message, fraction: None))
    audit.record(
        by=by,
        action="regions_load",
        detail={"year": year, "places": summary.places, "added": summary.added, "renamed": summary.renamed}
        | {"recoded": summary.recoded, "closed": summary.closed, "unsure": summary.unsure},
    )
    return summary


@transaction.atomic
def settle_region_change(
    *, change: RegionChange, by: User | None, decision: str, code: str = "", on: dt.datetime | None = None
) -> RegionChange:
    """A person says what became of a place: ``same`` place under ``code``, ``merged`` into ``code``, or ``abolished``.

    Nothing happens to households before every place whose code is needed is settled too; until then the change is
    "decided". RegistryError says what does not fit.
    """
    _may_manage(by)
    if change.state != RegionChange.State.OPEN:
        raise RegistryError(f"这项变更已是“{change.get_state_display()}”，不能再判定。请刷新页面。")
    if decision not in DECISIONS:
        raise RegistryError("请选择：仍是同一个地方、并入另一个地方，或已撤销。")
    region = change.region
    if decision == "abolished" and Household.objects.filter(region_code=region.code, village=region).exists():
        raise RegistryError(f"{region.name}还有农户，不能直接撤销。请选择并入哪个村，或先把农户迁走。")
    if decision == "same" and code not in [*[row[0] for row in change.rows], region.code]:
        raise RegistryError(f"新表中 {code} 不是可能的去向。请从列出的代码中选择。")
    if (
        decision == "merged"
        and not Region.objects.filter(code=code, level=region.level, valid_to=None).exclude(pk=region.pk).exists()
    ):
        raise RegistryError(f"没有代码为 {code} 的现行{region.get_level_display()}。请核对代码。")
    taken = RegionChange.objects.filter(state=RegionChange.State.DECIDED, decision="same", target=code).first()
    if decision == "same" and taken:
        raise RegistryError(f"代码 {code} 已判定给{taken.region.name}，不能再给{region.name}。请选择别的去向。")
    change.decision, change.target = decision, code if decision != "abolished" else ""
    change.state, change.decided_by, change.decided_at = RegionChange.State.DECIDED, by, on or timezone.now()
    change.save()
    applied, households = region_changes.apply_decided()
    audit.record(
        by=by,
        action="region_settle",
        subject=change,
        region_code=change.region_code,
        detail={"place": region.name, "decision": decision, "code": code, "households": households}
        | {"applied": len(applied)},
    )
    change.refresh_from_db()
    return change


@transaction.atomic
def create_grid(*, village: Region, name: str, by: User | None, number: int | None = None) -> Grid:
    """Make a grid in a village; without a number it gets the next free one. Two of a village never have one name."""
    _may_divide(by, village.code)
    if village.level != Region.Level.VILLAGE:
        raise ValidationError({"village": "网格须建在行政村下，请选择行政村。"})
    if number is None:
        number = max(village.grids.values_list("number", flat=True), default=0) + 1
    grid = Grid(village=village, number=number, name=_grid_name(name, village), region_code=village.code)
    grid.full_clean()
    grid.save()
    audit.record(by=by, action="grid_create", subject=grid, region_code=village.code, detail={"name": grid.name})
    return grid


@transaction.atomic
def rename_grid(*, grid: Grid, name: str, by: User | None) -> Grid:
    """Give a grid another name; its households and duties stay with it."""
    _may_divide(by, grid.region_code)
    grid = Grid.objects.select_for_update().get(pk=grid.pk)
    before, grid.name = grid.name, _grid_name(name, grid.village, but=grid)
    grid.full_clean()
    grid.save(update_fields=["name"])
    detail = {"before": before, "name": grid.name}
    audit.record(by=by, action="grid_rename", subject=grid, region_code=grid.region_code, detail=detail)
    return grid


def _grid_name(name: str, village: Region, but: Grid | None = None) -> str:
    name = clean(name).strip()
    if not name:
        raise ValidationError({"name": "请写网格名称，例如“砚瓦村第3网格”。"})
    if has_number(name):
        raise ValidationError({"name": "网格名称里不要写证件号码、电话或账号。"})
    if village.grids.filter(name=name).exclude(pk=but.pk if but else None).exists():
        raise ValidationError({"name": f"本村已有叫“{name}”的网格，请换一个名称。"})
    return name


def _may_divide(by: User | None, code: str) -> None:
    if by is not None:
        require(by, "manage_grids")
        if by.role not in ADMINISTRATORS and not covers(by.region_code, code):
            raise Refused("这个村不在您的管辖范围内。")


@transaction.atomic
def assign_grid(*, households: Iterable[Household], grid: Grid | None, by: User | None) -> int:
    """Put households of one village into a grid (or none); returns how many changed."""
    if by is not None:
        require(by, "edit_household")
    chosen = list(households)
    for household in chosen:
        if by is not None and not sees(by, household):
            raise Refused("名单中有不在您管辖区划内的农户。")
        if grid is not None and household.village_id != grid.village_id:
            raise RegistryError(f"{household.head_name}户（{household.number}）不在{grid}所在的村，不能划入。")
    changed = (
        Household.objects.filter(pk__in=[household.pk for household in chosen]).exclude(grid=grid).update(grid=grid)
    )
    if chosen:
        audit.record(
            by=by,
            action="grid_assign",
            subject=grid,
            region_code=chosen[0].region_code,
            detail={"grid": str(grid or "无"), "households": changed},
        )
    return changed


def _may_manage(by: User | None) -> None:
    if by is not None:
        require(by, "manage_regions")


audit.name_actions(
    {
        "regions_load": "导入区划",
        "region_settle": "判定区划变更",
        "grid_create": "新建网格",
        "grid_rename": "网格改名",
        "grid_assign": "划分网格",
    }
)
