"""Education aid of one term: the aid of the stage, and 雨露计划 for vocational pupils of listed households.

Aid of a stage goes on to the end of the stage when the household left the list meanwhile. A pupil who is known not to
be enrolled gets nothing; when enrolment is not known, nor is the aid. A second claim of one person for one term is
refused.
"""

from __future__ import annotations

from typing import Annotated

import ibis

from huqing.rules.language import Aggregate, At, Column, Param, Unit, aggregate, grouping, input_table, variable
from huqing.rules.logic import is_true, known, missing, only, smallest
from huqing.standards.fields import Field

VOCATIONAL = ["7", "8"]

EDUCATION_CLAIM = input_table(
    "education_claim",
    "教育资助申请",
    belongs_to=["person"],
    fields=[
        Field("term", "学期", "text", meaning="如 2024-2025-2"),
        Field("term_on", "学期首日", "date"),
        Field("stage", "学段", "code", codelist="aid_stage"),
        Field("enrolled", "本学期在籍", "boolean"),
        Field("listed_now", "现为脱贫户或监测对象", "boolean"),
        Field("listed_at_start", "本学段开始时为脱贫户或监测对象", "boolean"),
    ],
)


grouping("same_claim", "重复申请", over="education_claim", by=["person_id", "term"], at_least=2)


@aggregate("最早的申请", of="same_claim", over="education_claim")
def first_claim(id: Column) -> Aggregate:
    """Of one person's claims for one term the first; missing if there is only one."""
    return smallest(id)


@variable("是重复申请", of="education_claim")
def claim_repeated(id: Column, first_claim: Column) -> Column:
    """Whether the same claim stands further up; only the first can be right."""
    return is_true(id > first_claim)


@variable("不予计算的原因", of="education_claim")
def claim_refusal(claim_repeated: Column) -> Column:
    """Why a claim is not computed; missing if nothing is wrong with it."""
    return ibis.cases((claim_repeated, "同一人同一学期重复申请"))


@variable("符合对象条件", of="education_claim")
def aid_entitled(enrolled: Column, listed_now: Column, listed_at_start: Column) -> Column:
    """Enrolled, and of a household listed now or when the stage began."""
    return enrolled & (listed_now | listed_at_start)


@variable("学段资助", of="education_claim", unit="元")
def stage_aid(
    *,
    person_id: Column,
    term: Column,
    claim_refusal: Column,
    aid_entitled: Column,
    stage: Column,
    education_stage_aid: Annotated[Param, Unit("元/学期"), At("term_on")],
) -> Column:
    """The aid of the stage for the term."""
    due = ibis.cases((aid_entitled, education_stage_aid.of(stage)), (~aid_entitled, 0))
    return only(missing(claim_refusal) & known(person_id) & known(term), due)


@variable("雨露计划补助", of="education_claim", unit="元")
def yulu_aid(
    *,
    person_id: Column,
    term: Column,
    claim_refusal: Column,
    aid_entitled: Column,
    stage: Column,
    education_yulu: Annotated[Param, Unit("元/学期"), At("term_on")],
) -> Column:
    """For vocational pupils; nothing in other stages."""
    gets = aid_entitled & stage.isin(VOCATIONAL)
    due = ibis.cases((gets, education_yulu), (~gets, 0))
    return only(missing(claim_refusal) & known(person_id) & known(term), due)


@variable("教育资助合计", of="education_claim", unit="元")
def education_aid(stage_aid: Column, yulu_aid: Column) -> Column:
    """All aid of the term."""
    return stage_aid + yulu_aid
