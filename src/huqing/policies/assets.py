"""Assets that do not fit the label: a prompt to look, never a reason to remove anybody without looking."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import ASSISTANCE
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import any_of, is_true, missing

VEHICLE, HOUSE, BUSINESS, PAYROLL = "1", "2", "3", "4"
Yuan = Annotated[Param, Unit("元")]
BASIS = ASSISTANCE + "第九条（家庭财产状况）；是否影响认定以当地规定为准"
RESOLVE = "入户核实资产归属、用途和现状（如谋生工具、借名登记）；核实结果写入档案，由评议决定。"


@variable("截至筛查日已登记", of="asset")
def registered_by_now(registered_on: Column, as_of: Day) -> Column:
    """Whether the asset counts on the day; one without a date does."""
    return missing(registered_on) | is_true(registered_on <= as_of)


@aggregate("名下机动车超过限值", of="person", over="asset")
def owns_vehicle(asset_kind: Column, value: Column, registered_by_now: Column, asset_vehicle_value: Yuan) -> Aggregate:
    """Whether the person owns a vehicle worth more than the limit."""
    return any_of((asset_kind == VEHICLE) & registered_by_now & (value > asset_vehicle_value))


@aggregate("名下商品房超过限值", of="person", over="asset")
def owns_house(asset_kind: Column, value: Column, registered_by_now: Column, asset_house_value: Yuan) -> Aggregate:
    """Whether the person owns a flat worth more than the limit."""
    return any_of((asset_kind == HOUSE) & registered_by_now & (value > asset_house_value))


@aggregate("名下有工商登记", of="person", over="asset")
def owns_business(asset_kind: Column, registered_by_now: Column) -> Aggregate:
    """Whether a business is registered in the person's name."""
    return any_of((asset_kind == BUSINESS) & registered_by_now)


@aggregate("财政供养人员", of="person", over="asset")
def on_payroll(asset_kind: Column, registered_by_now: Column) -> Aggregate:
    """Whether the person is on the public payroll."""
    return any_of((asset_kind == PAYROLL) & registered_by_now)


@aggregate("户内有超限机动车", of="household", over="person")
def family_vehicle(owns_vehicle: Column, living: Column) -> Aggregate:
    """Whether a living member owns a vehicle worth more than the limit."""
    return any_of(living & owns_vehicle)


@aggregate("户内有超限商品房", of="household", over="person")
def family_house(owns_house: Column, living: Column) -> Aggregate:
    """Whether a living member owns a flat worth more than the limit."""
    return any_of(living & owns_house)


@aggregate("户内有工商登记", of="household", over="person")
def family_business(owns_business: Column, living: Column) -> Aggregate:
    """Whether a business is registered in a living member's name."""
    return any_of(living & owns_business)


@aggregate("户内有财政供养人员", of="household", over="person")
def family_payroll(on_payroll: Column, living: Column) -> Aggregate:
    """Whether a living member is on the public payroll."""
    return any_of(living & on_payroll)


@variable("监测对象或低保、特困家庭", of="household")
def helped(monitored: Column, supported: Column) -> Column:
    """Whether the household is monitored, or a member receives the subsistence allowance or destitute support."""
    return monitored | supported


@finding(
    "监测户、低保户名下有较高价值机动车",
    of="household",
    basis=BASIS,
    severity="medium",
    evidence=["monitored", "supported", "family_vehicle"],
    resolve=RESOLVE,
    sentence="监测对象、低保或特困家庭成员名下有估值超过限值的机动车。",
)
def asset_vehicle(helped: Column, family_vehicle: Column) -> Column:
    """A monitored or supported household with a vehicle worth more than the limit."""
    return helped & family_vehicle


@finding(
    "监测户、低保户名下有商品房",
    of="household",
    basis=BASIS,
    severity="medium",
    evidence=["monitored", "supported", "family_house"],
    resolve=RESOLVE,
    sentence="监测对象、低保或特困家庭成员名下有估值超过限值的商品房。",
)
def asset_house(helped: Column, family_house: Column) -> Column:
    """A monitored or supported household with a flat worth more than the limit."""
    return helped & family_house


@finding(
    "监测户、低保户名下有工商登记",
    of="household",
    basis=BASIS,
    severity="low",
    evidence=["monitored", "supported", "family_business"],
    resolve=RESOLVE,
    sentence="监测对象、低保或特困家庭成员名下有工商登记。",
)
def asset_business(helped: Column, family_business: Column) -> Column:
    """A monitored or supported household with a registered business."""
    return helped & family_business


@finding(
    "监测户、低保户有财政供养人员",
    of="household",
    basis=BASIS,
    severity="medium",
    evidence=["monitored", "supported", "family_payroll"],
    resolve=RESOLVE,
    sentence="监测对象、低保或特困家庭有财政供养人员。",
)
def asset_payroll(helped: Column, family_payroll: Column) -> Column:
    """A monitored or supported household with a member on the public payroll."""
    return helped & family_payroll
