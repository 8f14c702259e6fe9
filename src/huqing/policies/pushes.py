"""What departments push beside money and the three guarantees: a disaster at once, a new card, a worker's death.

Each is a prompt to look in: the county's rules decide on what follows. Items with a threshold of their own stand with
their topic (medical, schooling, work, housing, water); no department sends overdue loans or accidents yet.
"""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import DISABILITY_ALLOWANCES, MONITORING
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding
from huqing.rules.logic import any_of, days_before, in_window, largest, months_before, total

Months = Annotated[Param, Unit("月")]
Days = Annotated[Param, Unit("天")]


@aggregate("近期受灾核定损失", of="household", over="disaster", unit="元")
def recent_disaster_loss(happened_on: Column, loss: Column, as_of: Day, disaster_days: Days) -> Aggregate:
    """What disasters of the days looked back cost, relief not deducted."""
    return total(loss, in_window(happened_on, days_before(as_of, disaster_days), as_of))


@aggregate("最近一次受灾", of="household", over="disaster")
def last_disaster_on(happened_on: Column, as_of: Day) -> Aggregate:
    """The day of the newest disaster; missing without one."""
    return largest(happened_on, happened_on <= as_of)


@finding(
    "近期受灾待核查",
    of="household",
    basis=MONITORING + "，部门筛查预警（应急，灾后即报）",
    severity="medium",
    evidence=["last_disaster_on", "recent_disaster_loss"],
    resolve="灾后立即入户查看人员、住房、饮水和生产，落实应急救助；生活受严重影响的评议纳入监测。",
    sentence="最近规定天数内有核定的灾害损失。",
)
def disaster_recent(recent_disaster_loss: Column) -> Column:
    """A loss by a disaster within the days looked back, however small: somebody should look in at once."""
    return recent_disaster_loss > 0


@aggregate("残疾证发证日期", of="person", over="disability")
def card_issued_on(issued_on: Column, as_of: Day) -> Aggregate:
    """The day the newest card was issued; missing if the register names none."""
    return largest(issued_on, issued_on <= as_of)


@finding(
    "新办残疾证",
    of="person",
    basis=MONITORING + "，部门筛查预警（残联）；" + DISABILITY_ALLOWANCES,
    severity="low",
    evidence=["card_issued_on", "holds_card", "card_grade"],
    resolve="入户了解致残原因和照料需要，落实残疾人两项补贴、康复和辅具；家庭负担明显加重的评议纳入监测。",
    sentence="最近规定月数内新领（或换领）了残疾人证。",
)
def new_disability_card(holds_card: Column, card_issued_on: Column, as_of: Day, new_card_months: Months) -> Column:
    """Holds a card in force that was issued within the months looked back; a renewed card counts too."""
    return holds_card & (card_issued_on > months_before(as_of, new_card_months))


@aggregate("近期死亡", of="person", over="death")
def died_recently(died_on: Column, as_of: Day, bereavement_months: Months) -> Aggregate:
    """Whether the register of deaths has the person within the months looked back."""
    return any_of(in_window(died_on, months_before(as_of, bereavement_months), as_of))


@aggregate("有劳动力的家庭成员近期死亡", of="household", over="person")
def worker_died(died_recently: Column, can_work: Column) -> Aggregate:
    """Whether a member who could work died within the months looked back, whatever the file says about living."""
    return any_of(died_recently & can_work)


@finding(
    "家庭劳动力近期死亡",
    of="household",
    basis=MONITORING + "，部门筛查预警（公安）：因意外事故等突发严重困难",
    severity="high",
    evidence=["worker_died", "has_worker", "members"],
    resolve="及时入户慰问，核实丧葬支出、理赔和收入变化；收入骤减的评议纳入监测，未成年人和老人落实照料。",
    sentence="公安死亡登记中，有劳动力的家庭成员在最近规定月数内去世。",
)
def bereaved_of_worker(worker_died: Column) -> Column:
    """A member who could work died within the months looked back."""
    return worker_died
