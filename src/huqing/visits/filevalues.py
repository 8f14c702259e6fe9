"""The values of the file that a form reads, as texts the way a form takes them.

Used for the lists that go to the phones and, when an answer comes back, for telling what somebody typed from what was
shown to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from huqing.packs import fits
from huqing.registry import values as file
from huqing.registry.models import DepartmentRecord, Household, Person, Region
from huqing.standards.fields import Field

_TOWN, _COUNTY = 9, 6
_CODE = 12


@dataclass
class Places:
    """Names of regions by their code, and what the newest record of each village says."""

    names: dict[str, str] = field(default_factory=dict)
    villages: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def name(self, code: str, digits: int = _CODE) -> str:
        """The name of the region around ``code`` that has so many significant digits."""
        return self.names.get(code[:digits].ljust(_CODE, "0"), "")


def places_of(codes: Iterable[str], *, villages: bool = False) -> Places:
    """The names around these village codes; with ``villages`` also their own records."""
    wanted = set(codes)
    names = dict(Region.objects.filter(code__in=around(wanted), valid_to=None).values_list("code", "name"))
    return Places(names, village_items(wanted) if villages else {})


def around(codes: Iterable[str]) -> set[str]:
    """These villages with their towns and counties, by code."""
    return {code[:digits].ljust(_CODE, "0") for code in codes for digits in (_COUNTY, _TOWN, _CODE)}


def village_items(codes: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """What the newest record of each of these villages says."""
    found: dict[str, Mapping[str, Any]] = {}
    rows = DepartmentRecord.objects.filter(kind="village", region_code__in=list(codes), retired_by=None, household=None)
    for record in rows.order_by("pk"):
        known = found.get(record.region_code)
        if known is None or (record.items.get("year") or 0) >= (known.get("year") or 0):
            found[record.region_code] = record.items
    return found


def household_value(household: Household, declared: Field, places: Places) -> Any:
    """A stored value of a household; the names of its places are those in force now."""
    match declared.key:
        case "county_name":
            return places.name(household.region_code, _COUNTY)
        case "town_name":
            return places.name(household.region_code, _TOWN)
        case "village_name":
            return places.name(household.region_code)
    return None if declared.linked or declared.sealed else file.read(household, declared)


def person_value(person: Person, household: Household, declared: Field, places: Places) -> Any:
    """A stored value of a person; what the roster repeats of the household comes from the household."""
    match declared.key:
        case "household_number":
            return household.number
        case "group_name" | "head_name" if declared.linked:
            return getattr(household, declared.key)
        case "town_name" | "village_name":
            return household_value(household, declared, places)
    return None if declared.linked or declared.sealed else file.read(person, declared)


def village_value(code: str, declared: Field, places: Places) -> Any:
    """A value of a village's newest record."""
    match declared.key:
        case "village_code":
            return code
        case "town_name":
            return places.name(code, _TOWN)
        case "village_name":
            return places.name(code)
    return places.villages.get(code, {}).get(declared.key)


def text_of(declared: Field, value: Any, *, words: bool = False) -> str:
    """A stored value as a form takes it; see ``packs.fits.prefill_text``."""
    return fits.prefill_text(declared, value, words=words)
