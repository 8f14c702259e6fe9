"""What all topics share about households: living members, labels on the day, assistance in the family."""

from __future__ import annotations

from huqing.rules.language import Aggregate, Column, Day, aggregate, variable
from huqing.rules.logic import any_of, count_known, is_true, missing


@aggregate("在世家庭人口", of="household", over="person", unit="人")
def members(living: Column) -> Aggregate:
    """Living members; the declared number of members is not used."""
    return count_known(living)


@variable("纳入筛查", of="household")
def in_scope(members: Column) -> Column:
    """Only households with living members are screened."""
    return members > 0


@variable("标签有效", of="label")
def in_force(valid_from: Column, valid_to: Column, as_of: Day) -> Column:
    """Whether the label holds on the day; on its last day it has ended (risk removed, aid stopped)."""
    return (valid_from <= as_of) & (missing(valid_to) | is_true(valid_to > as_of))


@aggregate("防止返贫致贫对象", of="household", over="label")
def monitored(kind: Column, in_force: Column) -> Aggregate:
    """Whether the household is monitored on the day."""
    return any_of((kind == "monitor") & in_force)


@aggregate("脱贫户", of="household", over="label")
def out_of_poverty(kind: Column, in_force: Column) -> Aggregate:
    """Whether the household is a registered formerly poor household on the day."""
    return any_of((kind == "tuopin") & in_force)


@variable("脱贫户或监测对象", of="household")
def listed(monitored: Column, out_of_poverty: Column) -> Column:
    """Whether the stricter medical limits of listed households apply."""
    return monitored | out_of_poverty


@aggregate("户内有人享受低保或特困", of="household", over="person")
def supported(living: Column, on_dibao: Column, on_tekun: Column) -> Aggregate:
    """Whether some living member receives the subsistence allowance or destitute support."""
    return any_of(living & (on_dibao | on_tekun))


@aggregate("户内有人享受低保", of="household", over="person")
def has_dibao(living: Column, on_dibao: Column) -> Aggregate:
    """Whether some living member receives the subsistence allowance."""
    return any_of(living & on_dibao)


@aggregate("户内有劳动力", of="household", over="person")
def has_worker(living: Column, can_work: Column) -> Aggregate:
    """Whether some living member can work; unknown if that hangs on a member whose labour is missing."""
    return any_of(living & can_work)
