"""What the county pays of a person's yearly premium for basic medical insurance, and what the person pays.

The share depends on what kind of person it is; whoever the region does not name gets none only if it says so (其余: 0),
otherwise the answer is unknown. The subsidy is rounded to the fen, the person pays the rest, so that both add up to the
premium. A second application for the same person and year is refused.
"""

from __future__ import annotations

from typing import Annotated

import ibis

from huqing.rules.language import Aggregate, At, Column, Param, Unit, aggregate, grouping, input_table, variable
from huqing.rules.logic import is_true, known, missing, only, share_of, smallest
from huqing.standards.fields import Field

PREMIUM_CLAIM = input_table(
    "premium_claim",
    "参保缴费",
    belongs_to=["person"],
    fields=[
        Field("cover_on", "保障年度首日", "date"),
        Field("insured_as", "对象类别", "code", codelist="medical_object"),
    ],
)


grouping("same_cover", "重复缴费", over="premium_claim", by=["person_id", "cover_on"], at_least=2)


@aggregate("最早的缴费", of="same_cover", over="premium_claim")
def first_cover(id: Column) -> Aggregate:
    """Of one person's entries for one year the first; missing if there is only one."""
    return smallest(id)


@variable("是重复缴费", of="premium_claim")
def cover_repeated(id: Column, first_cover: Column) -> Column:
    """Whether the same entry stands further up; only the first can be right."""
    return is_true(id > first_cover)


@variable("不予计算的原因", of="premium_claim")
def premium_refusal(cover_repeated: Column) -> Column:
    """Why an entry is not computed; missing if nothing is wrong with it."""
    return ibis.cases((cover_repeated, "同一人同一年度重复缴费"))


@variable("个人缴费标准", of="premium_claim", unit="元")
def premium_due(
    premium_refusal: Column, person_id: Column, premium_standard: Annotated[Param, Unit("元/人·年"), At("cover_on")]
) -> Column:
    """The year's premium; missing if the entry is refused."""
    return only(missing(premium_refusal) & known(person_id), premium_standard)


@variable("资助比例", of="premium_claim", unit="百万分之一")
def premium_rate_used(insured_as: Column, premium_rate: Annotated[Param, Unit("比例"), At("cover_on")]) -> Column:
    """The county's share for this kind of person, per million."""
    return premium_rate.of(insured_as)


@variable("参保资助", of="premium_claim", unit="元")
def premium_subsidy(premium_due: Column, premium_rate_used: Column) -> Column:
    """What the county pays of the premium."""
    return share_of(premium_due, premium_rate_used)


@variable("个人实缴", of="premium_claim", unit="元")
def premium_own(premium_due: Column, premium_subsidy: Column) -> Column:
    """What is left for the person."""
    return premium_due - premium_subsidy
