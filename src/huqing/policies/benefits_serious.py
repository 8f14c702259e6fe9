"""Serious-illness insurance: segments of what basic insurance leaves of the year's eligible cost.

Counties write segments in two ways: with the deductible counted in (12,000 deductible, then "12,000 to 30,000: 60 %")
or behind the deductible ("the first 30,000 above the deductible: 60 %"). Parameter ``serious_edges`` says which.
"""

from __future__ import annotations

from huqing.policies.benefits_medical import BILL, Setting, cut_by_ceiling, in_year
from huqing.rules.language import Column, variable
from huqing.rules.logic import above, larger, only, running_max, running_total, share_of
from huqing.rules.schedules import MILLION

GROSS, NET = "含起付线", "扣除起付线后"


@variable("大病保险基数", of=BILL, unit="元")
def serious_base(counted_eligible: Column, basic_pay: Column) -> Column:
    """Eligible cost left by basic insurance."""
    return counted_eligible - basic_pay


@variable("本年度此前的大病保险基数", of=BILL, unit="元")
def serious_base_before(
    serious_base: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column
) -> Column:
    """What basic insurance left of the year's earlier bills."""
    return running_total(serious_base, before=True, **in_year(person_id, benefit_year, settled_on, id))


@variable("大病保险起付线", of=BILL, unit="元")
def serious_deductible_now(
    medical_object: Column, serious_deductible: Setting, serious_deductible_cut: Setting
) -> Column:
    """The year's deductible, lowered for the kind of person."""
    whole = serious_deductible.of(medical_object)
    return share_of(whole, MILLION - serious_deductible_cut.of(medical_object))


@variable("大病保险分段自", of=BILL, unit="元")
def serious_start(serious_base_before: Column, serious_deductible_now: Column, serious_edges: Setting) -> Column:
    """Where in the segments the bill begins: edges count the deductible in, or begin behind it."""
    return _measure(serious_base_before, serious_deductible_now, serious_edges)


@variable("大病保险分段至", of=BILL, unit="元")
def serious_end(
    serious_base: Column, serious_base_before: Column, serious_deductible_now: Column, serious_edges: Setting
) -> Column:
    """Where in the segments the bill ends."""
    return _measure(serious_base_before + serious_base, serious_deductible_now, serious_edges)


def _measure(base: Column, deductible: Column, edges: Column) -> Column:
    return only(edges == GROSS, larger(base, deductible)).fill_null(only(edges == NET, above(base, deductible)))


@variable("大病保险应付", of=BILL, unit="元")
def serious_entitled(
    *,
    given_serious: Column,
    serious_start: Column,
    serious_end: Column,
    medical_object: Column,
    serious_segments: Setting,
    serious_bonus: Setting,
) -> Column:
    """What serious-illness insurance pays of the segments the bill runs through, points added to each rate."""
    segments = serious_segments.of(medical_object)
    return given_serious.fill_null(segments.paid(serious_start, serious_end, extra=serious_bonus.of(medical_object)))


@variable("大病保险本年度应付累计", of=BILL, unit="元")
def serious_year(
    serious_entitled: Column, person_id: Column, benefit_year: Column, settled_on: Column, id: Column
) -> Column:
    """Entitlements of the year up to this bill."""
    return running_total(serious_entitled, **in_year(person_id, benefit_year, settled_on, id))


@variable("大病保险年度限额", of=BILL, unit="元")
def serious_cap_now(
    person_id: Column, benefit_year: Column, settled_on: Column, id: Column, serious_cap: Setting
) -> Column:
    """The highest yearly ceiling so far."""
    return running_max(serious_cap, **in_year(person_id, benefit_year, settled_on, id))


@variable("大病保险支付", of=BILL, unit="元")
def serious_pay(
    *,
    problem: Column,
    given_serious: Column,
    serious_entitled: Column,
    serious_year: Column,
    serious_cap_now: Column,
    person_id: Column,
    benefit_year: Column,
    settled_on: Column,
    id: Column,
) -> Column:
    """What serious-illness insurance pays; an amount already settled is not cut."""
    cut = cut_by_ceiling(serious_year, serious_cap_now, in_year(person_id, benefit_year, settled_on, id))
    return only(problem == "", given_serious.fill_null(serious_entitled - cut))
