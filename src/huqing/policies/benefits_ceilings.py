"""What is left to the patient: the hospital's waiver, the ceilings of a year's self-payment, and the sums of the bill.

The year's self-payment is at most an amount and at most a share of the year's whole cost (Mengshan: 2,000 yuan and
10 %); what exceeds the lower of the two is made up. What was made up is not claimed back when later bills raise the
share. A person who becomes another kind of person within the year has the ceiling of the new kind for the bills since.
"""

from __future__ import annotations

from huqing.policies.benefits_medical import BILL, Setting, cut_by_ceiling, in_year
from huqing.rules.language import Column, variable
from huqing.rules.logic import above, first_that_holds, known, only, running_max, running_total, share_of, smaller

ALL_COSTS, ELIGIBLE_COSTS = "全部自付", "政策范围内自付"


@variable("政策范围内自付", of=BILL, unit="元")
def eligible_self(tilt_base: Column, tilt_pay: Column) -> Column:
    """Eligible cost left by the four layers."""
    return tilt_base - tilt_pay


@variable("减免前自付", of=BILL, unit="元")
def self_before_waiver(counted_total: Column, counted_eligible: Column, eligible_self: Column) -> Column:
    """What the four layers leave of the whole bill."""
    return counted_total - counted_eligible + eligible_self


@variable("医院减免", of=BILL, unit="元")
def waiver(medical_object: Column, self_before_waiver: Column, waiver_rate: Setting, waiver_cap: Setting) -> Column:
    """What the hospital waives of a stay, up to its ceiling."""
    return smaller(share_of(self_before_waiver, waiver_rate.of(medical_object)), waiver_cap.of(medical_object))


@variable("计入兜底的自付", of=BILL, unit="元")
def topup_base(self_before_waiver: Column, eligible_self: Column, waiver: Column, topup_scope: Setting) -> Column:
    """Self-payment the yearly ceilings look at: of the whole bill, or of the eligible cost only."""
    eligible = above(eligible_self, waiver)
    whole = self_before_waiver - waiver
    return only(topup_scope == ALL_COSTS, whole).fill_null(only(topup_scope == ELIGIBLE_COSTS, eligible))


@variable("计入兜底的本年度自付", of=BILL, unit="元")
def topup_year(
    *,
    topup_base: Column,
    medical_object: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
) -> Column:
    """The year's self-payment up to this bill, before anything is made up."""
    return running_total(topup_base, **in_year(person_id, benefit_year, settled_on, id, medical_object))


@variable("本年度总费用", of=BILL, unit="元")
def total_year(
    *,
    counted_total: Column,
    medical_object: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
) -> Column:
    """The year's whole cost up to this bill."""
    return running_total(counted_total, **in_year(person_id, benefit_year, settled_on, id, medical_object))


@variable("本年度自付上限", of=BILL, unit="元")
def topup_limit_now(
    *,
    medical_object: Column,
    total_year: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
    topup_limit: Setting,
    topup_share: Setting,
) -> Column:
    """The lower of the amount and the share of the year's cost; the highest of the year so far holds."""
    limit = smaller(topup_limit.of(medical_object), share_of(total_year, topup_share.of(medical_object)))
    return running_max(limit, **in_year(person_id, benefit_year, settled_on, id, medical_object))


@variable("兜底补助", of=BILL, unit="元")
def topup_pay(
    *,
    topup_year: Column,
    topup_limit_now: Column,
    medical_object: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
) -> Column:
    """By how much more than before the bill the year's self-payment exceeds its ceiling."""
    so_far = in_year(person_id, benefit_year, settled_on, id, medical_object)
    return cut_by_ceiling(topup_year, topup_limit_now, so_far)


@variable("报销合计", of=BILL, unit="元")
def paid_total(
    *, basic_pay: Column, serious_pay: Column, aid_pay: Column, tilt_pay: Column, waiver: Column, topup_pay: Column
) -> Column:
    """All layers together."""
    return basic_pay + serious_pay + aid_pay + tilt_pay + waiver + topup_pay


@variable("个人自付", of=BILL, unit="元")
def self_pay(counted_total: Column, paid_total: Column) -> Column:
    """What the patient pays of the whole bill."""
    return counted_total - paid_total


@variable("本年度较早的问题账单数", of=BILL, unit="张")
def problems_before(problem: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column) -> Column:
    """How many of the person's earlier bills of the year could not be computed."""
    return running_total((problem != "").cast("int64"), before=True, **in_year(person_id, benefit_year, settled_on, id))


@variable("无法计算的原因", of=BILL, codelist="bill_problem")
def reason(problem: Column, rate_day: Column, problems_before: Column, self_pay: Column) -> Column:
    """Why a bill has no result: its own problem, an earlier bill's, or amounts not set; "" if it has one."""
    return first_that_holds(
        (known(self_pay), ""),
        (problem != "", problem),
        (~known(rate_day), "no_rate_day"),
        (problems_before > 0, "earlier_problem"),
        (~known(self_pay), "no_setting"),
    )
