"""Deaths that the file or the payments have not followed."""

from __future__ import annotations

from huqing.policies.sources import ASSISTANCE, MONITORING
from huqing.rules.language import Aggregate, Column, Day, aggregate, finding
from huqing.rules.logic import any_of, largest


@aggregate("死亡登记", of="person", over="death")
def registered_dead(died_on: Column, as_of: Day) -> Aggregate:
    """Whether the police register of deaths has the person."""
    return any_of(died_on <= as_of)


@aggregate("登记死亡日期", of="person", over="death")
def registered_death_on(died_on: Column, as_of: Day) -> Aggregate:
    """The day of death in the register."""
    return largest(died_on, died_on <= as_of)


@finding(
    "死亡人员档案未更新",
    of="person",
    basis=MONITORING + "，部门数据比对（公安）",
    severity="high",
    evidence=["registered_death_on", "alive"],
    resolve="向家属或村核实后办理自然减员，更新家庭人口；信息有误的请公安部门更正。",
    sentence="公安死亡登记中有此人，档案仍登记为健在。",
)
def unlisted_death(registered_dead: Column) -> Column:
    """On the register of deaths while the file has the person living."""
    return registered_dead


@finding(
    "死亡后救助未停发",
    of="person",
    basis=ASSISTANCE + "：救助对象变化应及时核实、停发",
    severity="high",
    evidence=["registered_death_on", "on_any_aid"],
    resolve="由民政部门核实死亡日期，自次月起停发并追回多发金额。",
    sentence="公安死亡登记中有此人，低保、特困等救助却仍在发放。",
    scoped=False,
)
def death_still_paid(registered_dead: Column, on_any_aid: Column) -> Column:
    """On the register of deaths while assistance is still paid, whatever the file says about being alive."""
    return registered_dead & on_any_aid
