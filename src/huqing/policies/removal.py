"""What stands in the way of a removal: each finding is one condition that is not met, decided only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from huqing.policies.sources import REMOVAL
from huqing.rules.language import Aggregate, Column, Day, Param, Rule, Unit, aggregate, finding
from huqing.rules.logic import any_known, count_of, is_true, months_before

Line = Annotated[Param, Unit("元/人·年")]


def condition(
    what: str, *, evidence: list[str], resolve: str, sentence: str, because: str = ""
) -> Callable[[Callable[..., Column]], Rule]:
    """A finding that one condition of a removal is not met; ``because`` is the part of its basis that asks for it."""
    return finding(
        f"消除条件：{what}",
        of="household",
        basis=f"{REMOVAL}：{because}" if because else REMOVAL,
        severity="medium",
        evidence=evidence,
        resolve=resolve,
        sentence=sentence,
        asked=True,
    )


@aggregate("已实施的帮扶措施", of="household", over="measure", unit="项")
def measures_done(implemented: Column) -> Aggregate:
    """Measures that are being, or have been, carried out."""
    return count_of(implemented)


@condition(
    "识别满规定月数",
    evidence=["identified_on"],
    resolve="继续帮扶和跟踪，识别满规定月数后再办理；识别监测时间没有填的先补登。",
    sentence="从识别到现在不满规定月数。",
)
def removal_months(identified_on: Column, as_of: Day, clear_months: Annotated[Param, Unit("月")]) -> Column:
    """Recognised less than the required months ago."""
    return identified_on > months_before(as_of, clear_months)


@condition(
    "落实过帮扶措施",
    evidence=["measures_done"],
    resolve="按一户一策落实至少规定项数的措施，并登记开始日期和实施状态。",
    sentence="实施中和已完成的帮扶措施不到规定项数。",
)
def removal_measure(measures_done: Column, clear_measures: Annotated[Param, Unit("项")]) -> Column:
    """Fewer measures carried out than required."""
    return measures_done < clear_measures


@condition(
    "收入高于监测线",
    evidence=["net_income_per_head", "net_income", "members"],
    resolve="核实近12个月收支；确实没有超过的继续帮扶，填错的更正收入。",
    sentence="人均纯收入没有超过当年监测线。",
)
def removal_income(net_income_per_head: Column, monitor_line: Line) -> Column:
    """Income per head is not above this year's line."""
    return net_income_per_head <= monitor_line


@condition(
    "自付医疗费已不过高",
    because="刚性支出问题已解决",
    evidence=["family_paid_in_year", "net_income"],
    resolve="核实自付费用，该报销、救助的落实后再办理。",
    sentence="近12个月全家自付医疗费超过家庭纯收入的规定比例。",
)
def removal_expense(family_paid_in_year: Column, net_income: Column, burden_ratio: Param) -> Column:
    """What the family paid for care is still more than the given share of its income."""
    return (family_paid_in_year > 0) & (family_paid_in_year > net_income * burden_ratio)


@condition(
    "适龄儿童都在校",
    because="“三保障”持续巩固",
    evidence=["child_out_of_school"],
    resolve="劝返、送教上门或办理转学，学籍更新后再办理。",
    sentence="户内有义务教育阶段适龄儿童不在校。",
)
def removal_schooling(child_out_of_school: Column) -> Column:
    """A living child of school age is neither at school nor taught at home."""
    return child_out_of_school


@condition(
    "全家都参加基本医保",
    because="“三保障”持续巩固",
    evidence=["has_uninsured"],
    resolve="动员参保并落实参保资助；在外地参保的补登档案。",
    sentence="有家庭成员没有参加基本医疗保险。",
)
def removal_insurance(has_uninsured: Column) -> Column:
    """A living member is not insured this year."""
    return has_uninsured


@condition(
    "住房安全",
    because="“三保障”持续巩固",
    evidence=["lives_in_danger", "dangerous_house"],
    resolve="落实危房改造或其他安全住房，鉴定或档案更新后再办理。",
    sentence="住房鉴定或户档案显示仍住危房。",
)
def removal_housing(lives_in_danger: Column, dangerous_house: Column) -> Column:
    """The register or the file has the family in a dangerous house; unknown only if neither says anything."""
    return any_known(lives_in_danger, dangerous_house)


@condition(
    "饮水安全",
    because="饮水安全持续巩固",
    evidence=["drinks_unsafe_water", "water_safe"],
    resolve="落实供水或净水措施，评价或档案更新后再办理。",
    sentence="饮水评价或户档案显示饮水不安全。",
)
def removal_water(drinks_unsafe_water: Column, water_safe: Column) -> Column:
    """The register or the file has unsafe water; unknown only if neither says anything."""
    return any_known(drinks_unsafe_water, ~water_safe)


@condition(
    "不是整户无劳动力",
    because="整户无劳动能力的暂不标注消除",
    evidence=["no_labour_safety_net", "has_worker"],
    resolve="整户无劳动力的继续兜底保障，不办理消除。",
    sentence="整户没有劳动力，或已标记为整户无劳动能力兜底保障户。",
)
def removal_labour(no_labour_safety_net: Column, has_worker: Column) -> Column:
    """The household is marked as one without labour, or nobody in it can work."""
    return is_true(no_labour_safety_net) | ~has_worker
