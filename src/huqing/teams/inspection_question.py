"""The question of an inspection's draw: which villages, which inspectors under which numbers, who must not meet whom.

The list is shown to everybody, so it names inspectors by number, surname and unit only. Who is behind a number is fixed
with the list: a keyed fingerprint of the person is part of what the commitment is made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from huqing.access.scope import visible
from huqing.access.seal import token
from huqing.matching.draws import Candidate
from huqing.registry.models import Region
from huqing.standards.regioncodes import spoken_name
from huqing.teams.ledger_queries import holding, today
from huqing.teams.models import InspectionDuty, InspectionRound, Responsibility, Staff, UnitDuty

if TYPE_CHECKING:
    from huqing.access.models import User

TOWN_DIGITS = 9
PRINT = "名册"
PRINT_DIGITS = 16


def named_places(villages: QuerySet[Region]) -> dict[str, Region]:
    """The villages by town and name, and code where that is not enough."""
    found = {}
    for village in villages.select_related("parent").order_by("code"):
        town = village.parent.name if village.parent else ""
        name = f"{town} {spoken_name(village.name)}".strip()
        found[name if name not in found else f"{name} {village.code}"] = village
    return found


def listed_people(people: QuerySet[Staff]) -> dict[str, Staff]:
    """The inspectors as everybody may read them: number, surname and unit."""
    rows = list(people.select_related("unit").order_by("pk"))
    digits = max(2, len(str(len(rows))))
    return {
        f"{place:0{digits}} {one.name[:1]}某" + (f"（{one.unit.name}）" if one.unit else ""): one
        for place, one in enumerate(rows, 1)
    }


def listed(people: dict[str, Staff]) -> tuple[Candidate, ...]:
    """The inspectors with what they avoid, their own unit and town, and the fingerprint of who they are."""
    return tuple(
        Candidate(
            name,
            marks=frozenset({_fingerprint(one)}),
            avoids=frozenset({f"乡镇{one.region_code[:TOWN_DIGITS]}", f"单位{one.unit_id}"}),
        )
        for name, one in people.items()
    )


def refuse_exchanged(round_: InspectionRound) -> None:
    """ValidationError if somebody else is behind a number than when the list was fixed."""
    printed = {
        one["key"]: next((mark for mark in one["marks"] if mark.startswith(PRINT)), "")
        for one in round_.question["inspectors"]
    }
    people = Staff.objects.in_bulk(round_.people.values())
    for name, fingerprint in printed.items():
        person = people.get(round_.people.get(name, 0))
        if fingerprint and (person is None or _fingerprint(person) != fingerprint):
            told = f"名单里的“{name}”与公布时不是同一个人，数据被改动过"
            raise ValidationError(f"{told}。请停止抽取并核查审计日志。")


def _fingerprint(person: Staff) -> str:
    return PRINT + token("", f"inspector {person.pk} {person.name}")[:PRINT_DIGITS]


def candidates(places: dict[str, Region], *, stratified: bool) -> tuple[Candidate, ...]:
    """The villages with the marks of their town and of the units whose people work there."""
    codes, day = [one.code for one in places.values()], today()
    lines = holding(Responsibility.objects.filter(region_code__in=codes), day).exclude(staff__unit=None)
    backing = UnitDuty.objects.filter(region_code__in=codes, since__lte=day).exclude(until__lt=day)
    marks: dict[str, set[str]] = {}
    for code, unit in {
        *lines.values_list("region_code", "staff__unit"),
        *backing.values_list("region_code", "unit"),
    }:
        marks.setdefault(code, set()).add(f"单位{unit}")
    return tuple(
        Candidate(
            name,
            stratum=_town(village) if stratified else "",
            marks=frozenset({f"乡镇{village.code[:TOWN_DIGITS]}", *marks.get(village.code, ())}),
        )
        for name, village in places.items()
    )


def _town(village: Region) -> str:
    return village.parent.name if village.parent else village.code[:TOWN_DIGITS]


def counts(places: dict[str, Region], per_town: int, total: int) -> dict[str, int]:
    """How many are drawn: of every town (all, where it has fewer), or of all together."""
    if not per_town:
        return {"": total}
    sizes = Counter(_town(village) for village in places.values())
    return {town: min(per_town, size) for town, size in sizes.items()}


def met(people: dict[str, Staff], places: dict[str, Region], rounds: int, by: User) -> frozenset[tuple[str, str]]:
    """Who was where in the last rounds, in the names of this one."""
    if not rounds:
        return frozenset()
    last: Sequence[Any] = list(
        visible(InspectionRound.objects.filter(state=InspectionRound.State.DRAWN), by)
        .order_by("-pk")
        .values_list("pk", flat=True)[:rounds]
    )
    names = {one.pk: name for name, one in people.items()}
    codes = {one.code: name for name, one in places.items()}
    pairs = InspectionDuty.objects.filter(target__round__in=last).values_list("staff", "target__region_code")
    return frozenset((names[staff], codes[code]) for staff, code in pairs if staff in names and code in codes)


def answering(people: dict[str, Staff], places: dict[str, Region]) -> frozenset[tuple[str, str]]:
    """Who answers for anything in which village, in the names of this round: nobody inspects their own work."""
    names = {one.pk: name for name, one in people.items()}
    codes = {one.code: name for name, one in places.items()}
    lines = holding(Responsibility.objects.filter(staff__in=list(names), region_code__in=list(codes)), today())
    return frozenset((names[staff], codes[code]) for staff, code in lines.values_list("staff", "region_code"))
