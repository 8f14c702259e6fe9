"""What makes the ledger follow: villages that got new codes or were merged, households that moved."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import F, Model, OuterRef, Q, QuerySet, Subquery

from huqing.access.scope import CODE_LENGTH, prefix_of

if TYPE_CHECKING:
    from huqing.registry.models import Household

ROSTERS = ("household", "person")
CHUNK = 300


def connect() -> None:
    """Listen to the registry and to intake."""
    from huqing.intake.signals import applied, undoing
    from huqing.registry.signals import household_changed, regions_recoded

    regions_recoded.connect(on_regions_recoded, dispatch_uid="teams.recode")
    household_changed.connect(on_household_changed, dispatch_uid="teams.household_moved")
    applied.connect(on_import_applied, dispatch_uid="teams.households_moved")
    undoing.connect(on_undoing, dispatch_uid="teams.undoing")


def on_regions_recoded(
    sender: object,
    region_ids: Iterable[int],
    codes: Mapping[str, str] | None = None,
    merged: Mapping[int, int] | None = None,
    on: dt.date | None = None,
    **kwargs: object,
) -> None:
    """Let duties, people, units, teams and everything drawn or proposed follow their place to its new code.

    What is about a merged village as a whole goes to the village it became part of; where its holder answers for that
    one already, the line ends the day before instead.
    """
    if merged and on is not None:
        _merge(merged, on)
    _replace_codes(codes or {})
    _follow_goals(Q(household__village__in=list(region_ids)), Q(village__in=list(region_ids)))


def on_household_changed(sender: object, household: Household, **kwargs: object) -> None:
    """Let what is about one household follow it to another village, and duties for a member who joined it that one."""
    _follow_people(Q(person__household=household))
    for model in _with("household"):
        model._default_manager.filter(household=household).exclude(region_code=household.region_code).update(
            region_code=household.region_code
        )


def on_import_applied(sender: object, intake: Any, **kwargs: object) -> None:
    """Let what is about households and people follow them after a roster that moved some."""
    if intake.record_kind in ROSTERS:
        _follow_people(Q(person__household__isnull=False))
        _follow_goals(Q(household__isnull=False), None)


def on_undoing(sender: object, intake: Any, **kwargs: object) -> None:
    """Households somebody was made responsible for do not vanish with the file they came in."""
    from huqing.intake.errors import UndoRefused
    from huqing.teams.models import Responsibility

    made = Q(household__created_by_source=intake.source) | Q(person__created_by_source=intake.source)
    held = Responsibility.objects.filter(made).count()
    if held:
        raise UndoRefused(
            f"不能撤销：这次导入新建的农户或人员已有 {held} 条责任（含已结束的）。台账不能删，请改用新的花名册更正。"
        )


def _models() -> list[type[Model]]:
    """The tables of this app that repeat a region code."""
    found = apps.get_app_config("teams").get_models()
    return [model for model in found if "region_code" in {field.name for field in model._meta.fields}]


def _with(name: str) -> list[type[Model]]:
    return [model for model in _models() if name in {field.name for field in model._meta.fields}]


def _replace_codes(codes: Mapping[str, str]) -> None:
    """Write new codes for old ones, all at once: two places may have swapped theirs. Towns are kept with 9 or 12
    digits, counties with 6 or 12."""
    pairs = {old: new for old, new in codes.items() if old != new}
    padded = {old.ljust(CODE_LENGTH, "0"): new.ljust(CODE_LENGTH, "0") for old, new in pairs.items()}
    pairs |= padded | {prefix_of(old): prefix_of(new) for old, new in padded.items()}
    if not pairs:
        return
    old = sorted(pairs)
    for model in _models():
        keys: dict[str, list[int]] = defaultdict(list)
        for start in range(0, len(old), CHUNK):
            rows = model._default_manager.filter(region_code__in=old[start : start + CHUNK])
            for key, code in rows.values_list("pk", "region_code").order_by():
                keys[pairs[code]].append(key)
        # Written only now: a row must not be met again under its new code.
        for code, mine in keys.items():
            for start in range(0, len(mine), CHUNK):
                model._default_manager.filter(pk__in=mine[start : start + CHUNK]).update(region_code=code)


def _follow_goals(households: Q, villages: Q | None) -> None:
    """Copy the code again from the household, the village or the grid a row is about."""
    for model in _with("household"):
        _copy(model._default_manager.filter(households), "household__region_code")
    if villages is not None:
        for model in _with("village"):
            _copy(model._default_manager.filter(villages), "village__code")
    for model in _with("grid"):
        _copy(model._default_manager.filter(grid__isnull=False), "grid__region_code")


def _follow_people(people: Q) -> None:
    """A duty for one person (a pupil, a patient) is about the household this person lives in now; history stays."""
    from huqing.registry.models import Person
    from huqing.teams.ledger_queries import today
    from huqing.teams.models import Responsibility

    running = Responsibility.objects.filter(people).filter(Q(until=None) | Q(until__gte=today()))
    keys = list(running.exclude(household=F("person__household")).values_list("pk", flat=True))
    home = Person.objects.filter(pk=OuterRef("person"))
    for start in range(0, len(keys), CHUNK):
        Responsibility.objects.filter(pk__in=keys[start : start + CHUNK]).update(
            household=Subquery(home.values("household")[:1]),
            region_code=Subquery(home.values("household__region_code")[:1]),
        )


def _copy(rows: QuerySet[Any], path: str) -> None:
    stale = rows.exclude(region_code=F(path)).values_list("pk", flat=True)
    source = rows.model._default_manager.filter(pk=OuterRef("pk")).values(path)[:1]
    keys = list(stale)
    for start in range(0, len(keys), CHUNK):
        rows.model._default_manager.filter(pk__in=keys[start : start + CHUNK]).update(region_code=Subquery(source))


def _merge(merged: Mapping[int, int], on: dt.date) -> None:
    from huqing.teams.models import Responsibility, UnitDuty, VillageTrait

    last = on - dt.timedelta(days=1)
    running = Q(until=None) | Q(until__gte=on)
    for gone, into in merged.items():
        for model, holder in ((Responsibility, "staff_id"), (UnitDuty, "unit_id")):
            rows = model._default_manager.filter(running)
            there = {(getattr(line, holder), line.role) for line in rows.filter(village=into)}
            for line in rows.filter(village=gone).order_by("since", "pk"):
                held = (getattr(line, holder), line.role)
                if held in there:
                    line.until = max(last, line.since)
                    line.save(update_fields=["until"])
                else:
                    line.village_id = into
                    line.save(update_fields=["village"])
                    there.add(held)
        # What kind of village it was ends with it; the other keeps its own.
        for trait in VillageTrait.objects.filter(village=gone, until=None):
            trait.until = max(last, trait.since)
            trait.save(update_fields=["until"])
