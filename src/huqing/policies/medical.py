"""Medical self-payment by month and by year, serious illness without aid, basic insurance."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import HARD_EXPENSE, MEDICAL_AID, MONITORING
from huqing.rules.language import Aggregate, Column, Day, Param, Unit, aggregate, finding, grouping, variable
from huqing.rules.logic import (
    any_known,
    any_of,
    in_window,
    is_true,
    known,
    largest_sure,
    month_of,
    months_before,
    only,
    total,
)

INPATIENT, OUTPATIENT, OUTPATIENT_SPECIAL = "1", "2", "3"
RESIDENT, EMPLOYEE = "1", "2"
Yuan = Annotated[Param, Unit("元")]
CHECK_BILLS = "核实医保目录外费用和报销是否到位，协助申请医疗救助、倾斜救助；支出仍难承受的，评议纳入监测。"


@variable("结算月份（近12个月内）", of="medical_bill")
def bill_month(settled_on: Column, as_of: Day) -> Column:
    """The month of settlement as 202406, for bills of the last 12 months; missing for others, which do not count."""
    return only(in_window(settled_on, months_before(as_of, 12), as_of), month_of(settled_on))


grouping("medical_month", "一人一个月的医疗费", over="medical_bill", by=["person_id", "bill_month"])


@aggregate("当月住院自付", of="medical_month", over="medical_bill", unit="元")
def inpatient_paid(self_paid: Column, care_kind: Column) -> Aggregate:
    """Self-payment for stays in hospital settled in the month."""
    return total(self_paid, care_kind == INPATIENT)


@aggregate("当月门诊和门诊慢特病自付", of="medical_month", over="medical_bill", unit="元")
def outpatient_paid(self_paid: Column, care_kind: Column) -> Aggregate:
    """Self-payment for outpatient care, chronic and special outpatient care included, settled in the month."""
    return total(self_paid, care_kind.isin([OUTPATIENT, OUTPATIENT_SPECIAL]))


@aggregate("当月自付", of="medical_month", over="medical_bill", unit="元")
def paid_in_month(self_paid: Column) -> Aggregate:
    """All self-payment settled in the month."""
    return total(self_paid)


@aggregate("当月有医疗救助支付", of="medical_month", over="medical_bill")
def aided_in_month(aid_paid: Column) -> Aggregate:
    """Whether medical assistance paid part of a bill; a bill that names no such amount had none."""
    return any_of(is_true(aid_paid > 0))


@aggregate("一个月住院自付最高额", of="person", over="medical_month", unit="元")
def most_inpatient_paid(inpatient_paid: Column) -> Aggregate:
    """The highest inpatient self-payment of one calendar month within 12 months."""
    return largest_sure(inpatient_paid, empty=0)


@aggregate("一个月门诊自付最高额", of="person", over="medical_month", unit="元")
def most_outpatient_paid(outpatient_paid: Column) -> Aggregate:
    """The highest outpatient self-payment of one calendar month within 12 months."""
    return largest_sure(outpatient_paid, empty=0)


@aggregate("近12个月本人自付", of="person", over="medical_month", unit="元")
def paid_in_year(paid_in_month: Column) -> Aggregate:
    """Self-payment of the person within 12 months."""
    return total(paid_in_month)


@aggregate("近12个月有医疗救助支付", of="person", over="medical_month")
def aided_in_year(aided_in_month: Column) -> Aggregate:
    """Whether medical assistance paid part of a bill within 12 months."""
    return any_of(aided_in_month)


@aggregate("近12个月全家自付", of="household", over="person", unit="元")
def family_paid_in_year(paid_in_year: Column, living: Column) -> Aggregate:
    """Self-payment of all living members within 12 months."""
    return total(paid_in_year, living)


@finding(
    "脱贫户、监测户住院自付过高",
    of="person",
    basis=MONITORING + "，部门筛查预警（医保）",
    severity="high",
    evidence=["most_inpatient_paid", "listed"],
    resolve=CHECK_BILLS,
    sentence="脱贫户或监测对象家庭成员近12个月内某一个月的住院自付达到预警额。",
)
def inpatient_burden(most_inpatient_paid: Column, listed: Column, inpatient_month_listed: Yuan) -> Column:
    """In one calendar month a member of a listed household paid at least the limit for hospital stays."""
    return listed & (most_inpatient_paid >= inpatient_month_listed)


@finding(
    "一般农户住院自付过高",
    of="person",
    basis=MONITORING + "，部门筛查预警（医保）",
    severity="high",
    evidence=["most_inpatient_paid", "listed"],
    resolve=CHECK_BILLS,
    sentence="一般农户成员近12个月内某一个月的住院自付达到预警额。",
)
def inpatient_burden_general(most_inpatient_paid: Column, listed: Column, inpatient_month_general: Yuan) -> Column:
    """In one calendar month a member of an ordinary household paid at least the (higher) limit for hospital stays."""
    return ~listed & (most_inpatient_paid >= inpatient_month_general)


@finding(
    "脱贫户、监测户门诊自付过高",
    of="person",
    basis=MONITORING + "，部门筛查预警（医保）",
    severity="medium",
    evidence=["most_outpatient_paid", "listed"],
    resolve="核实是否应办理门诊慢特病待遇；长期用药的由家庭医生跟进，费用高的申请医疗救助。",
    sentence="脱贫户或监测对象家庭成员近12个月内某一个月的门诊、门诊慢特病自付达到预警额。",
)
def outpatient_burden(most_outpatient_paid: Column, listed: Column, outpatient_month_listed: Yuan) -> Column:
    """In one calendar month a member of a listed household paid at least the limit for outpatient care."""
    return listed & (most_outpatient_paid >= outpatient_month_listed)


@finding(
    "全年自付医疗费占收入比例过高",
    of="household",
    basis=HARD_EXPENSE,
    severity="high",
    evidence=["family_paid_in_year", "net_income"],
    resolve=CHECK_BILLS,
    sentence="近12个月全家自付医疗费超过家庭纯收入的规定比例。",
)
def medical_burden_ratio(family_paid_in_year: Column, net_income: Column, burden_ratio: Param) -> Column:
    """The family paid something for care, and more than the given share of its yearly net income."""
    return (family_paid_in_year > 0) & (family_paid_in_year > net_income * burden_ratio)


@finding(
    "全年自付医疗费超过监测线",
    of="household",
    basis=MEDICAL_AID + "；自付超过监测线的由医保部门推送民政部门倾斜救助",
    severity="high",
    evidence=["family_paid_in_year", "members"],
    resolve="由医保部门核对后推送民政部门，办理倾斜救助或临时救助；必要时评议纳入监测。",
    sentence="近12个月全家自付医疗费超过监测线与人口数的乘积。",
)
def self_pay_above_line(
    family_paid_in_year: Column, members: Column, monitor_line: Annotated[Param, Unit("元/人·年")]
) -> Column:
    """The family paid more for care in 12 months than the monitoring line times its living members."""
    return family_paid_in_year > members * monitor_line


@finding(
    "大病患者未享受医疗救助",
    of="person",
    basis=MEDICAL_AID,
    severity="high",
    evidence=["major_disease", "medical_aid", "aided_in_year"],
    resolve="核对大病诊断和救助对象身份，协助申请医疗救助；已享受的更正档案。",
    sentence="监测对象、低保或特困家庭中患大病的成员没有享受医疗救助。",
)
def major_disease_unaided(
    *,
    major_disease: Column,
    monitored: Column,
    on_dibao: Column,
    on_tekun: Column,
    medical_aid: Column,
    aided_in_year: Column,
) -> Column:
    """A seriously ill person entitled by status, whose file and bills of 12 months show no medical assistance."""
    return known(major_disease) & (monitored | on_dibao | on_tekun) & ~medical_aid & ~aided_in_year


@aggregate("参保名单有当年数据", of="county", over="insured")
def insured_list_covers_year(year: Column, as_of: Day) -> Aggregate:
    """Whether the county's insurance list has rows for the year; without them nobody can be called uninsured."""
    return any_of(year == as_of.year)


@aggregate("当年在居民医保参保名单上", of="person", over="insured")
def listed_as_resident(year: Column, insurance_kind: Column, as_of: Day) -> Aggregate:
    """Whether the person is on the year's list of residents' insurance."""
    return any_of((year == as_of.year) & (insurance_kind == RESIDENT))


@aggregate("当年在职工医保参保名单上", of="person", over="insured")
def listed_as_employee(year: Column, insurance_kind: Column, as_of: Day) -> Aggregate:
    """Whether the person is on the year's list of employees' insurance."""
    return any_of((year == as_of.year) & (insurance_kind == EMPLOYEE))


@variable("当年在参保名单上", of="person")
def listed_as_insured(
    listed_as_resident: Column, listed_as_employee: Column, insured_list_covers_year: Column
) -> Column:
    """Whether the person is on the year's insurance list; unknown if the county has no list of that year."""
    found = listed_as_resident | listed_as_employee
    return found | only(insured_list_covers_year, found)


@variable("档案记载已参保", of="person")
def file_says_insured(resident_insurance: Column, employee_insurance: Column) -> Column:
    """Whether the file names either insurance; one blank beside a plain no means no, two blanks are unknown."""
    return any_known(resident_insurance, employee_insurance)


@variable("没有参加基本医保", of="person")
def uninsured(listed_as_insured: Column, file_says_insured: Column) -> Column:
    """Neither on the year's insurance list nor insured by the file."""
    return ~listed_as_insured & ~file_says_insured


@finding(
    "未参加基本医疗保险",
    of="person",
    basis=MEDICAL_AID,
    severity="high",
    evidence=["listed_as_insured", "file_says_insured"],
    resolve="核实是否在外地参保；未参保的动员参保，困难人员落实参保资助。",
    sentence="当年参保名单上没有此人，档案也没有记载参加居民医保或职工医保。",
)
def uninsured_member(uninsured: Column) -> Column:
    """Neither on the year's insurance list nor insured by the file."""
    return uninsured


@finding(
    "重复参加居民医保和职工医保",
    of="person",
    basis=MEDICAL_AID,
    severity="low",
    evidence=["listed_as_resident", "listed_as_employee"],
    resolve="由医保经办机构核对，保留一种参保关系，办理退费或停保。",
    sentence="同一人当年同时在居民医保和职工医保参保名单上。",
)
def double_insured(listed_as_resident: Column, listed_as_employee: Column) -> Column:
    """On both lists of the year."""
    return listed_as_resident & listed_as_employee
