"""Social assistance that is missing, ended or doubled; people who live without anybody to lean on."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import ASSISTANCE, CHILDREN, FOUR_VISITS, LOW_INCOME, check
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding
from huqing.rules.logic import any_of, days_before, in_window, is_true, missing, months_before

DIBAO = "1"
NO_LABOUR = ["03", "04"]
Years = Annotated[Param, Unit("岁")]
Days = Annotated[Param, Unit("天")]
Line = Annotated[Param, Unit("元/人·年")]


@aggregate("近期停发低保", of="person", over="civil_affairs")
def dibao_ended(
    aid_kind: Column, aid_to: Column, as_of: Day, aid_ended_months: Annotated[Param, Unit("月")]
) -> Aggregate:
    """Whether a subsistence allowance of the person ended within the months looked back."""
    return any_of((aid_kind == DIBAO) & is_true(in_window(aid_to, months_before(as_of, aid_ended_months), as_of)))


@aggregate("户内近期停发低保", of="household", over="person")
def family_dibao_ended(dibao_ended: Column, living: Column) -> Aggregate:
    """Whether a living member's subsistence allowance ended recently."""
    return any_of(living & dibao_ended)


@aggregate("户内有达到照料年龄的人", of="household", over="person")
def has_grown_up(age: Column, living: Column, child_age: Years) -> Aggregate:
    """Whether some living member is old enough to look after the others."""
    return any_of(living & (age >= child_age))


@aggregate("户内有未到高龄的人", of="household", over="person")
def has_younger(age: Column, living: Column, elderly_age: Years) -> Aggregate:
    """Whether some living member is younger than the age of the very old."""
    return any_of(living & (age < elderly_age))


@finding(
    "低保停发后收入仍低于监测线",
    of="household",
    basis=LOW_INCOME,
    severity="high",
    evidence=["family_dibao_ended", "has_dibao", "net_income_per_head"],
    resolve="核实停发原因和家庭收支，符合条件的重新申请低保或纳入低保边缘、监测。",
    sentence="近期有人停发低保，现在全家无人享受低保，人均纯收入低于监测线。",
)
def aid_ended(family_dibao_ended: Column, has_dibao: Column, below_line: Column) -> Column:
    """A member's allowance ended recently, nobody receives it now, and income per head is below the line."""
    return family_dibao_ended & ~has_dibao & below_line


@finding(
    "收入低于低保标准而无人享受低保、特困",
    of="household",
    basis=ASSISTANCE + "第九条",
    severity="high",
    evidence=["net_income_per_head", "supported"],
    resolve="入户核实收入和财产，符合条件的协助申请低保，不符合的写明原因。",
    sentence="人均纯收入低于当地低保标准，全家无人享受低保或特困供养。",
)
def dibao_missing(net_income_per_head: Column, dibao_line: Line, supported: Column) -> Column:
    """Income per head is below the subsistence standard and nobody receives allowance or destitute support."""
    return (net_income_per_head < dibao_line) & ~supported


@finding(
    "疑似漏保特困人员",
    of="person",
    basis=ASSISTANCE + "第十四条",
    severity="high",
    evidence=["age", "labour", "members", "net_income_per_head", "on_tekun"],
    resolve="核实法定赡养人和财产状况，符合条件的协助申请特困人员救助供养。",
    sentence="独居老年人没有劳动能力、收入低于监测线，却没有享受特困供养。",
)
def tekun_missing(
    *, members: Column, age: Column, labour: Column, below_line: Column, on_tekun: Column, tekun_age: Years
) -> Column:
    """Lives alone, old, without labour, below the monitoring line, and without destitute support."""
    return (members == 1) & (age >= tekun_age) & labour.isin(NO_LABOUR) & below_line & ~on_tekun


@finding(
    "整户无劳动力而无人享受低保、特困",
    of="household",
    basis=check("LB09"),
    severity="high",
    evidence=["has_worker", "supported"],
    resolve="核实劳动能力和收入，符合条件的协助申请兜底保障，并标记整户无劳动能力兜底保障户。",
    sentence="全家没有劳动力，也无人享受低保或特困供养。",
)
def no_labour_no_support(has_worker: Column, supported: Column) -> Column:
    """Nobody can work and nobody receives allowance or destitute support."""
    return ~has_worker & ~supported


@finding(
    "未成年人独自生活",
    of="household",
    basis=CHILDREN,
    severity="high",
    evidence=["members", "has_grown_up"],
    resolve="立即入户核实监护情况，落实监护人或委托照护，符合条件的纳入困境儿童保障。",
    sentence="户内在世成员全部是未成年人。",
)
def children_alone(has_grown_up: Column) -> Column:
    """Every living member is younger than the age of being looked after."""
    return ~has_grown_up


@finding(
    "高龄独居无人走访",
    of="household",
    basis=FOUR_VISITS,
    severity="high",
    evidence=["members", "has_younger", "last_visit_on"],
    resolve="7日内安排干部或医生上门探访，落实定期探访和紧急联系人。",
    sentence="户内在世成员全部是高龄老人，规定天数内没有任何走访记录。",
)
def elderly_alone_unvisited(has_younger: Column, last_visit_on: Column, as_of: Day, elderly_visit_days: Days) -> Column:
    """Every living member is very old and nobody visited within the days looked back."""
    return ~has_younger & (missing(last_visit_on) | (last_visit_on <= days_before(as_of, elderly_visit_days)))


@finding(
    "同时享受低保和特困供养",
    of="person",
    basis=ASSISTANCE + "：特困人员供养与最低生活保障相衔接",
    severity="medium",
    evidence=["on_dibao", "on_tekun"],
    resolve="由民政部门核对，保留应享受的一项，停发并追回重复金额。",
    sentence="同一人同时在享低保和特困供养。",
)
def dibao_and_tekun(on_dibao: Column, on_tekun: Column) -> Column:
    """Receives the subsistence allowance and destitute support on the same day."""
    return on_dibao & on_tekun
