"""The table of villages: a row per village of the year before, in line with its households unless planted otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from huqing.demo.adjust import Town, monitored
from huqing.demo.measures import at_work
from huqing.demo.model import Fields, Household, Village

PLANTS = ("vl01", "vl02", "vl03", "vl04")
LAND = ("arable_area", "forest_area", "returned_forest_area", "orchard_area", "grass_area", "water_area")
_REQUIRED = ("collective_income", "clinics", "doctors", "bus", "culture_rooms", "pension_insured", "disabled_people")


def village_counts(villages_of_towns: list[int], fewest: int) -> list[dict[str, int]]:
    """How often each finding about villages is planted in each town: one village in fifty, spread over the towns."""
    wanted = max(fewest, sum(villages_of_towns) // 50)
    counts: list[dict[str, int]] = [{} for _ in villages_of_towns]
    left = list(villages_of_towns)
    turn = 0
    for key in PLANTS:
        for _ in range(wanted):
            town = next((i % len(left) for i in range(turn, turn + len(left)) if left[i % len(left)] > 1), None)
            if town is None:
                break
            counts[town][key] = counts[town].get(key, 0) + 1
            left[town] -= 1
            turn = town + 1
    return counts


def make_villages(town: Town, places: Iterable[Village], counts: dict[str, int]) -> Iterator[tuple[str, Village]]:
    """Fill ``town.villages`` with a row for every village that has households; yields what was planted where."""
    members: dict[str, list[Household]] = {}
    for h in town.households:
        members.setdefault(h.village.code, []).append(h)
    plants = [key for key in PLANTS for _ in range(counts.get(key, 0))]
    order = town.draw.shuffled([place for place in places if place.code in members])
    for place in order:
        row = _row(town, members[place.code])
        key = plants.pop(0) if plants else ""
        if key:
            _spoil(town, row, members[place.code], key)
            town.taken.add(place.code)
            yield key, place
        town.villages.append((place, row))
    town.villages.sort(key=lambda entry: entry[0].code)


def land_of(households: Iterable[Household], key: str) -> Decimal:
    """What the households have of one kind of land together, as far as they say."""
    return sum((Decimal(h.fields[key]) for h in households if key in h.fields), Decimal(0))


def _row(town: Town, households: list[Household]) -> Fields:
    draw = town.draw
    people = [p for h in households for p in h.living()]
    count = len(households)
    workers = sum(map(at_work, people))
    row: Fields = {
        "year": town.as_of.year - 1,
        "village_kind": draw.one(("脱贫村", "一般村", "一般村")),
        "terrain": draw.one(("山区", "丘陵")),
        "households": count,
        "resident_households": count * draw.between(60, 90) // 100,
        "monitored_households": sum(map(monitored, households)),
        "groups": draw.between(4, 9),
        "population": len(people),
        "dibao_people": sum(p.fields.get("dibao") is True for p in people),
        "tekun_people": sum(p.fields.get("tekun") is True for p in people),
        "disabled_people": sum("disability_type" in p.fields for p in people),
        "labour_people": sum(p.fields.get("labour") in ("01", "02", "05") for p in people),
        "migrant_people": workers,
        "party_members": draw.between(15, 70),
        "income_per_head": draw.yuan(13_000, 19_000, 10),
        "collective_income": draw.yuan(30_000, 400_000, 100),
        "medical_insured": len(people) * 97 // 100,
        "pension_insured": len(people) * 52 // 100,
        "bus": draw.chance(0.9),
        "town_distance": f"{1 + draw.u() * 22:.1f}0",
        "paved_road": True,
        "unsafe_water_households": 0,
        "hard_water_households": 0,
        "dangerous_households": sum(h.fields.get("dangerous_house") is True for h in households),
        "cooperatives": draw.between(0, 5),
        "clinics": 1,
        "doctors": draw.between(0, 2),
        "culture_rooms": 1,
        "broadband_households": count * draw.between(55, 95) // 100,
    }
    for key in LAND:
        row[key] = f"{float(land_of(households, key)) * (1.1 + draw.u() * 0.4) + draw.between(5, 200):.2f}"
    return row


def _spoil(town: Town, row: Fields, households: list[Household], key: str) -> None:
    draw = town.draw
    if key == "vl01":
        del row[draw.one(_REQUIRED)]
    elif key == "vl02":
        row["arable_area"] = f"{float(land_of(households, 'arable_area')) * 0.6:.2f}"
    elif key == "vl03":
        row[draw.one(("unsafe_water_households", "dangerous_households"))] = row["households"] + draw.between(1, 40)
    else:
        row["paved_road"] = False


def findings(row: Fields, households: list[Household]) -> Iterator[str]:
    """What there is to find in a village (DEFINITIONS.md, 行政村)."""
    if any(key not in row for key in (*_REQUIRED, "households", "population", "dibao_people", "tekun_people")):
        yield "vl01"
    if any(key in row and land_of(households, key) > Decimal(row[key]) for key in LAND):
        yield "vl02"
    bound = row.get("households")
    if bound is not None and any(
        row.get(key, 0) > bound for key in ("unsafe_water_households", "dangerous_households")
    ):
        yield "vl03"
    if row.get("paved_road") is False:
        yield "vl04"
