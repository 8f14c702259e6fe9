"""Medical assistance and top-up assistance (倾斜救助): of what the layers before leave of the eligible cost.

Each has a yearly deductible, a rate and a yearly ceiling by kind of person.
"""

from __future__ import annotations

from huqing.policies.benefits_medical import BILL, PER_MILLION, Setting, cut_by_ceiling, in_year
from huqing.rules.language import Column, variable
from huqing.rules.logic import above, running_max, running_total, share_of


@variable("医疗救助基数", of=BILL, unit="元")
def aid_base(serious_base: Column, serious_pay: Column) -> Column:
    """Eligible cost left by both insurances."""
    return serious_base - serious_pay


@variable("本年度此前的医疗救助基数", of=BILL, unit="元")
def aid_base_before(
    aid_base: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column
) -> Column:
    """What both insurances left of the year's earlier bills."""
    return running_total(aid_base, before=True, **in_year(person_id, benefit_year, settled_on, id))


@variable("医疗救助剩余起付", of=BILL, unit="元")
def aid_deductible_now(medical_object: Column, aid_base_before: Column, aid_deductible: Setting) -> Column:
    """What the year's earlier bills left of the deductible."""
    return above(aid_deductible.of(medical_object), aid_base_before)


@variable("医疗救助比例", of=BILL, unit=PER_MILLION)
def aid_rate_now(medical_object: Column, aid_rate: Setting) -> Column:
    """The rate of the kind of person."""
    return aid_rate.of(medical_object)


@variable("医疗救助应付", of=BILL, unit="元")
def aid_entitled(aid_base: Column, aid_deductible_now: Column, aid_rate_now: Column) -> Column:
    """What medical assistance pays before the yearly ceiling."""
    return share_of(above(aid_base, aid_deductible_now), aid_rate_now)


@variable("医疗救助本年度应付累计", of=BILL, unit="元")
def aid_year(aid_entitled: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column) -> Column:
    """Entitlements of the year up to this bill."""
    return running_total(aid_entitled, **in_year(person_id, benefit_year, settled_on, id))


@variable("医疗救助年度限额", of=BILL, unit="元")
def aid_cap_now(
    *,
    medical_object: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
    aid_cap: Setting,
) -> Column:
    """The highest yearly ceiling so far."""
    return running_max(aid_cap.of(medical_object), **in_year(person_id, benefit_year, settled_on, id))


@variable("医疗救助支付", of=BILL, unit="元")
def aid_pay(
    *,
    aid_entitled: Column,
    aid_year: Column,
    aid_cap_now: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
) -> Column:
    """What medical assistance pays."""
    return aid_entitled - cut_by_ceiling(aid_year, aid_cap_now, in_year(person_id, benefit_year, settled_on, id))


@variable("倾斜救助基数", of=BILL, unit="元")
def tilt_base(aid_base: Column, aid_pay: Column) -> Column:
    """Eligible cost left by medical assistance."""
    return aid_base - aid_pay


@variable("本年度此前的倾斜救助基数", of=BILL, unit="元")
def tilt_base_before(
    tilt_base: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column
) -> Column:
    """What medical assistance left of the year's earlier bills."""
    return running_total(tilt_base, before=True, **in_year(person_id, benefit_year, settled_on, id))


@variable("倾斜救助剩余起付", of=BILL, unit="元")
def tilt_deductible_now(medical_object: Column, tilt_base_before: Column, tilt_deductible: Setting) -> Column:
    """What the year's earlier bills left of the deductible."""
    return above(tilt_deductible.of(medical_object), tilt_base_before)


@variable("倾斜救助比例", of=BILL, unit=PER_MILLION)
def tilt_rate_now(medical_object: Column, tilt_rate: Setting) -> Column:
    """The rate of the kind of person."""
    return tilt_rate.of(medical_object)


@variable("倾斜救助应付", of=BILL, unit="元")
def tilt_entitled(tilt_base: Column, tilt_deductible_now: Column, tilt_rate_now: Column) -> Column:
    """What top-up assistance pays before the yearly ceiling."""
    return share_of(above(tilt_base, tilt_deductible_now), tilt_rate_now)


@variable("倾斜救助本年度应付累计", of=BILL, unit="元")
def tilt_year(tilt_entitled: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column) -> Column:
    """Entitlements of the year up to this bill."""
    return running_total(tilt_entitled, **in_year(person_id, benefit_year, settled_on, id))


@variable("倾斜救助年度限额", of=BILL, unit="元")
def tilt_cap_now(
    *,
    medical_object: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
    tilt_cap: Setting,
) -> Column:
    """The highest yearly ceiling so far."""
    return running_max(tilt_cap.of(medical_object), **in_year(person_id, benefit_year, settled_on, id))


@variable("倾斜救助支付", of=BILL, unit="元")
def tilt_pay(
    *,
    tilt_entitled: Column,
    tilt_year: Column,
    tilt_cap_now: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
) -> Column:
    """What top-up assistance pays."""
    return tilt_entitled - cut_by_ceiling(tilt_year, tilt_cap_now, in_year(person_id, benefit_year, settled_on, id))
