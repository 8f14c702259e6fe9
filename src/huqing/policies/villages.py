"""Consistency of the villages' own table: what must be filled, land against the households', counts, roads (VL)."""

from __future__ import annotations

from decimal import Decimal

import ibis

from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, aggregate, finding, variable
from huqing.rules.logic import any_of, missing, only

NOTHING = ibis.literal(Decimal("0.00"), type="decimal(18, 2)")


def _sum(area: Column) -> Aggregate:
    """The sum of the areas that are known, in mu; exact, because areas are decimals."""
    return Aggregate(area.sum().cast("decimal(18, 2)").fill_null(NOTHING), NOTHING)


@aggregate("各户耕地面积之和", of="village", over="household", unit="亩")
def households_arable(arable_area: Column) -> Aggregate:
    """The arable land of all households that say how much they have."""
    return _sum(arable_area)


@aggregate("各户林地面积之和", of="village", over="household", unit="亩")
def households_forest(forest_area: Column) -> Aggregate:
    """The forest of all households that say how much they have."""
    return _sum(forest_area)


@aggregate("各户退耕还林面积之和", of="village", over="household", unit="亩")
def households_returned_forest(returned_forest_area: Column) -> Aggregate:
    """The land returned to forest of all households that say how much they have."""
    return _sum(returned_forest_area)


@aggregate("各户林果面积之和", of="village", over="household", unit="亩")
def households_orchard(orchard_area: Column) -> Aggregate:
    """The orchards of all households that say how much they have."""
    return _sum(orchard_area)


@aggregate("各户牧草地面积之和", of="village", over="household", unit="亩")
def households_grass(grass_area: Column) -> Aggregate:
    """The grassland of all households that say how much they have."""
    return _sum(grass_area)


@aggregate("各户水面面积之和", of="village", over="household", unit="亩")
def households_water(water_area: Column) -> Aggregate:
    """The ponds of all households that say how much they have."""
    return _sum(water_area)


@aggregate("有户没有填全土地面积", of="village", over="household")
def land_unsaid(
    *,
    arable_area: Column,
    forest_area: Column,
    returned_forest_area: Column,
    orchard_area: Column,
    grass_area: Column,
    water_area: Column,
) -> Aggregate:
    """Whether some household leaves one of the six areas empty, so that the sums may be larger."""
    return any_of(
        missing(arable_area)
        | missing(forest_area)
        | missing(returned_forest_area)
        | missing(orchard_area)
        | missing(grass_area)
        | missing(water_area)
    )


@variable("各户土地面积之和大于全村", of="village")
def land_exceeded(
    *,
    arable_area: Column,
    forest_area: Column,
    returned_forest_area: Column,
    orchard_area: Column,
    grass_area: Column,
    water_area: Column,
    households_arable: Column,
    households_forest: Column,
    households_returned_forest: Column,
    households_orchard: Column,
    households_grass: Column,
    households_water: Column,
) -> Column:
    """Whether the households together have more of one kind of land than their village; unknown by a missing area."""
    return (
        (households_arable > arable_area)
        | (households_forest > forest_area)
        | (households_returned_forest > returned_forest_area)
        | (households_orchard > orchard_area)
        | (households_grass > grass_area)
        | (households_water > water_area)
    )


@finding(
    "行政村信息漏填",
    of="village",
    basis=check("VL01"),
    severity="medium",
    evidence=[
        "households",
        "population",
        "dibao_people",
        "tekun_people",
        "disabled_people",
        "collective_income",
        "clinics",
        "doctors",
        "bus",
        "culture_rooms",
        "pension_insured",
    ],
    resolve="由村里核实后补填，没有的写 0 或“否”，再导入一次行政村信息表。",
    sentence="总户数、总人口、低保和特困及残疾人口、集体经济收入、卫生室、执业医师、客运班车、文化室、养老参保人数中"
    "至少有一项没有填。",
)
def vl01(
    *,
    households: Column,
    population: Column,
    dibao_people: Column,
    tekun_people: Column,
    disabled_people: Column,
    collective_income: Column,
    clinics: Column,
    doctors: Column,
    bus: Column,
    culture_rooms: Column,
    pension_insured: Column,
) -> Column:
    """One of the eleven required entries of the village's table is missing."""
    return (
        missing(households)
        | missing(population)
        | missing(dibao_people)
        | missing(tekun_people)
        | missing(disabled_people)
        | missing(collective_income)
        | missing(clinics)
        | missing(doctors)
        | missing(bus)
        | missing(culture_rooms)
        | missing(pension_insured)
    )


@finding(
    "各户土地面积之和大于全村面积",
    of="village",
    basis=check("VL02"),
    severity="medium",
    evidence=[
        "arable_area",
        "households_arable",
        "forest_area",
        "households_forest",
        "returned_forest_area",
        "households_returned_forest",
        "orchard_area",
        "households_orchard",
        "grass_area",
        "households_grass",
        "water_area",
        "households_water",
    ],
    resolve="核对村表与户表：户表多半是单位或小数点写错，改正后重新导入；确是村表旧了，更新村表。",
    sentence="村内各户某类土地面积加起来，超过了村表填的该类面积。",
)
def vl02(land_exceeded: Column, land_unsaid: Column) -> Column:
    """The households together have more of one kind of land than the village; unknown while an area is missing."""
    return land_exceeded | only(~land_unsaid, land_unsaid)


@finding(
    "饮水未解决户或危房户多于总户数",
    of="village",
    basis=check("VL03"),
    severity="medium",
    evidence=["households", "unsafe_water_households", "dangerous_households"],
    resolve="核对三个户数，改正填错的一项。",
    sentence="饮水安全未解决户数或危房户数大于全村总户数。",
)
def vl03(households: Column, unsafe_water_households: Column, dangerous_households: Column) -> Column:
    """More households with unsafe water, or in dangerous houses, than there are households."""
    return (unsafe_water_households > households) | (dangerous_households > households)


@finding(
    "到乡镇未通硬化路",
    of="village",
    basis=check("VL04"),
    severity="low",
    evidence=["paved_road", "town_distance"],
    resolve="核实道路现状；确未硬化的列入村级项目库，已硬化的更正村表。",
    sentence="行政村到乡镇的路还没有硬化。",
)
def vl04(paved_road: Column) -> Column:
    """The road from the village to its town is not paved."""
    return ~paved_road
