"""Living conditions: filled in, plausible, and dangers that are answered by a risk or a measure (LV)."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import check
from huqing.rules.language import Column, Param, Unit, finding, variable
from huqing.rules.logic import any_known, missing

Mu = Annotated[Param, Unit("亩")]
RISK_HOUSING, RISK_WATER = "08", "10"


@variable("档案或鉴定为危房", of="household")
def house_unsafe(lives_in_danger: Column, dangerous_house: Column) -> Column:
    """Whether the newest assessment or the file says that the family lives in danger; unknown if neither says."""
    return any_known(lives_in_danger, dangerous_house)


@variable("档案或评价为饮水不安全", of="household")
def water_unsafe(drinks_unsafe_water: Column, water_safe: Column) -> Column:
    """Whether the newest test or the file says that the water is unsafe; unknown if neither says."""
    return any_known(drinks_unsafe_water, ~water_safe)


@finding(
    "生产生活条件漏填",
    of="household",
    basis=check("LV01"),
    severity="medium",
    evidence=[
        "house_area",
        "dangerous_house",
        "water_safe",
        "sanitary_toilet",
        "domestic_power",
        "road_type",
        "arable_area",
        "forest_area",
        "returned_forest_area",
        "orchard_area",
        "grass_area",
        "water_area",
        "road_distance",
    ],
    resolve="入户核实后补填；没有的面积写 0。",
    sentence="脱贫户或监测户的住房、饮水、厕所、用电、入户路、土地面积、与村主干路距离中至少有一项没有填。",
)
def lv01(
    *,
    listed: Column,
    house_area: Column,
    dangerous_house: Column,
    water_safe: Column,
    sanitary_toilet: Column,
    domestic_power: Column,
    road_type: Column,
    arable_area: Column,
    forest_area: Column,
    returned_forest_area: Column,
    orchard_area: Column,
    grass_area: Column,
    water_area: Column,
    road_distance: Column,
) -> Column:
    """A formerly poor or monitored household, for whom the form is, leaves a living condition empty."""
    return listed & (
        missing(house_area)
        | missing(dangerous_house)
        | missing(water_safe)
        | missing(sanitary_toilet)
        | missing(domestic_power)
        | missing(road_type)
        | missing(arable_area)
        | missing(forest_area)
        | missing(returned_forest_area)
        | missing(orchard_area)
        | missing(grass_area)
        | missing(water_area)
        | missing(road_distance)
    )


@finding(
    "土地面积过大或为负",
    of="household",
    basis=check("LV02"),
    severity="low",
    evidence=["arable_area", "forest_area", "returned_forest_area", "orchard_area", "grass_area", "water_area"],
    resolve="核对承包合同和单位（亩），多半是小数点或单位写错；确有这么多的写明理由确认。",
    sentence="耕地、林地、退耕还林、林果、牧草地、水面中至少有一项超过规定面积，或是负数。",
)
def lv02(
    *,
    arable_area: Column,
    forest_area: Column,
    returned_forest_area: Column,
    orchard_area: Column,
    grass_area: Column,
    water_area: Column,
    land_limit_arable: Mu,
    land_limit_forest: Mu,
    land_limit_returned: Mu,
    land_limit_orchard: Mu,
    land_limit_grass: Mu,
    land_limit_water: Mu,
) -> Column:
    """One of six areas is larger than plausible or negative; a blank area says nothing."""
    return any_known(
        (arable_area > land_limit_arable) | (arable_area < 0),
        (forest_area > land_limit_forest) | (forest_area < 0),
        (returned_forest_area > land_limit_returned) | (returned_forest_area < 0),
        (orchard_area > land_limit_orchard) | (orchard_area < 0),
        (grass_area > land_limit_grass) | (grass_area < 0),
        (water_area > land_limit_water) | (water_area < 0),
    )


@finding(
    "住房离村主干路太远",
    of="household",
    basis=check("LV03"),
    severity="low",
    evidence=["road_distance"],
    resolve="核对距离和单位（公里）；确实偏远的写明理由确认，并考虑入户路或搬迁需求。",
    sentence="住房到村主干路的距离超过规定公里数。",
)
def lv03(road_distance: Column, road_distance_limit: Annotated[Param, Unit("公里")]) -> Column:
    """The house lies farther from the village's main road than plausible."""
    return road_distance > road_distance_limit


@finding(
    "退耕还林面积大于林地和牧草地",
    of="household",
    basis=check("LV04"),
    severity="medium",
    evidence=["returned_forest_area", "forest_area", "grass_area"],
    resolve="核对三项面积：退耕还林（草）的地应计入林地或牧草地。",
    sentence="退耕还林面积比林地与牧草地面积之和还大。",
)
def lv04_area(returned_forest_area: Column, forest_area: Column, grass_area: Column) -> Column:
    """More land returned to forest than there is forest and grassland."""
    return returned_forest_area > forest_area + grass_area


@finding(
    "有生态补偿金而没有相应的地",
    of="household",
    basis=check("LV04"),
    severity="medium",
    evidence=["ecology_amount", "returned_forest_area", "forest_area", "grass_area"],
    resolve="核实补偿金的来源，补填退耕还林、林地或牧草地面积，或更正金额。",
    sentence="领了生态补偿金，退耕还林、林地、牧草地面积却都是零。",
)
def lv04_subsidy(
    ecology_amount: Column, returned_forest_area: Column, forest_area: Column, grass_area: Column
) -> Column:
    """Paid for ecology without land returned to forest, forest or grassland."""
    return (ecology_amount > 0) & (returned_forest_area == 0) & (forest_area == 0) & (grass_area == 0)


@finding(
    "住房不安全而没有相应风险或措施",
    of="household",
    basis=check("LV05"),
    severity="high",
    evidence=["house_unsafe", "risks", "housing_measure"],
    resolve="入户核实：属实的登记“因安全住房”风险，落实住房安全保障或搬迁；不属实的更正档案或鉴定。",
    sentence="档案或鉴定为危房，既没有登记住房风险，也没有住房保障或搬迁措施。",
)
def lv05_house(house_unsafe: Column, risks: Column, housing_measure: Column) -> Column:
    """A dangerous house that neither a risk nor a measure answers."""
    return house_unsafe & ~risks.contains(RISK_HOUSING).fill_null(False) & ~housing_measure


@finding(
    "饮水不安全而没有相应风险或措施",
    of="household",
    basis=check("LV05"),
    severity="high",
    evidence=["water_unsafe", "risks", "water_measure"],
    resolve="入户核实：属实的登记“因安全饮水”风险，落实供水或净水措施；不属实的更正档案或评价。",
    sentence="档案或评价为饮水不安全，既没有登记饮水风险，也没有饮水保障措施。",
)
def lv05_water(water_unsafe: Column, risks: Column, water_measure: Column) -> Column:
    """Unsafe water that neither a risk nor a measure answers."""
    return water_unsafe & ~risks.contains(RISK_WATER).fill_null(False) & ~water_measure
