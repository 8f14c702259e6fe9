"""Compulsory education, education costs, teaching at home, vocational pupils' grants."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import COMPULSORY, MONITORING, check
from huqing.rules.language import Aggregate, Column, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import any_of, largest, total

ENROLLED, DROPPED_OUT, TAUGHT_AT_HOME = "1", "3", "4"
COMPULSORY_GRADES = ["L03", "L04", "L05", "L06"]
VOCATIONAL_GRADES = [f"L{number}" for number in range(10, 20)]
Years = Annotated[Param, Unit("岁")]


@aggregate("学籍名册最新学期", of="county", over="school_enrolment")
def newest_term(term: Column) -> Aggregate:
    """The newest term in the county's school register; older rows do not count."""
    return largest(term)


@variable("本学期学籍", of="school_enrolment")
def this_term(term: Column, newest_term: Column) -> Column:
    """Whether the row belongs to the newest term."""
    return term == newest_term


@aggregate("学籍在读或送教上门", of="person", over="school_enrolment")
def at_school(this_term: Column, enrolment_state: Column) -> Aggregate:
    """Whether this term's register has the person at school or taught at home."""
    return any_of(this_term & enrolment_state.isin([ENROLLED, TAUGHT_AT_HOME]))


@aggregate("学籍登记为辍学", of="person", over="school_enrolment")
def registered_dropout(this_term: Column, enrolment_state: Column) -> Aggregate:
    """Whether this term's register says that the person dropped out."""
    return any_of(this_term & (enrolment_state == DROPPED_OUT))


@aggregate("中高职在读", of="person", over="school_enrolment")
def vocational_pupil(this_term: Column, enrolment_state: Column, grade: Column) -> Aggregate:
    """Whether this term's register has the person in a vocational or technical school."""
    return any_of(this_term & (enrolment_state == ENROLLED) & grade.isin(VOCATIONAL_GRADES))


@aggregate("本学年非义务教育自付费用", of="person", over="school_enrolment", unit="元")
def own_education_cost(this_term: Column, grade: Column, education_paid: Column) -> Aggregate:
    """What was paid for schooling outside the compulsory grades."""
    return total(education_paid, this_term & grade.notin(COMPULSORY_GRADES))


@aggregate("全家非义务教育自付费用", of="household", over="person", unit="元")
def family_education_cost(own_education_cost: Column, living: Column) -> Aggregate:
    """What living members paid for schooling outside the compulsory grades."""
    return total(own_education_cost, living)


@variable("义务教育适龄", of="person")
def of_school_age(age: Column, school_age_from: Years, school_age_to: Years) -> Column:
    """Whether the person is of compulsory school age."""
    return age.between(school_age_from, school_age_to)


@variable("适龄而不在校", of="person")
def out_of_school(of_school_age: Column, at_school: Column) -> Column:
    """Of compulsory school age and neither at school nor taught at home."""
    return of_school_age & ~at_school


@aggregate("户内有适龄儿童不在校", of="household", over="person")
def child_out_of_school(out_of_school: Column, living: Column) -> Aggregate:
    """Whether some living child of school age is neither at school nor taught at home."""
    return any_of(living & out_of_school)


@finding(
    "义务教育适龄儿童不在校",
    of="person",
    basis=COMPULSORY + "；" + MONITORING,
    severity="high",
    evidence=["age", "at_school", "registered_dropout"],
    resolve="5日内入户核实去向；确属失学辍学的，由学校和村共同劝返，残疾儿童安排送教上门。",
    sentence="6至15岁儿童在本学期学籍名册上没有在读或送教上门的记录。",
)
def dropout(out_of_school: Column) -> Column:
    """Of compulsory school age without a register row of attending or being taught at home."""
    return out_of_school


@finding(
    "学籍登记为辍学",
    of="person",
    basis=COMPULSORY + "；" + MONITORING,
    severity="high",
    evidence=["age", "registered_dropout"],
    resolve="由学校、村和家长共同劝返复学，并在学籍系统更正状态。",
    sentence="6至15岁儿童在本学期学籍名册上的状态是辍学。",
)
def dropout_registered(of_school_age: Column, registered_dropout: Column) -> Column:
    """Of compulsory school age and registered as dropped out."""
    return of_school_age & registered_dropout


@finding(
    "非义务教育费用负担重",
    of="household",
    basis=MONITORING + "，部门筛查预警（教育）",
    severity="medium",
    evidence=["family_education_cost"],
    resolve="核实费用，落实国家助学金、雨露计划、生源地助学贷款；仍难承受的评议纳入监测。",
    sentence="全家本学年非义务教育阶段自付费用超过预警额。",
)
def education_burden(family_education_cost: Column, education_cost: Annotated[Param, Unit("元")]) -> Column:
    """The family paid more than the limit for schooling outside the compulsory grades."""
    return family_education_cost > education_cost


@finding(
    "重度残疾儿童未送教上门",
    of="person",
    basis=COMPULSORY + "；四访工作法：残疾儿童送教上门",
    severity="high",
    evidence=["age", "at_school", "severely_disabled"],
    resolve="由教育部门评估，安排随班就读、特殊学校就读或每周送教上门。",
    sentence="一、二级残疾的适龄儿童既不在校，也没有送教上门。",
)
def home_teaching_missing(out_of_school: Column, severely_disabled: Column) -> Column:
    """A severely disabled child of school age, neither at school nor taught at home."""
    return out_of_school & severely_disabled


@finding(
    "中高职学生未享受雨露计划",
    of="person",
    basis=check("ED12"),
    severity="medium",
    evidence=["vocational_pupil", "yulu_grant", "listed"],
    resolve="核实学籍后指导申请雨露计划补助；已享受的更正档案。",
    sentence="脱贫户或监测对象家庭的中高职在校生没有享受雨露计划。",
)
def yulu_missing(vocational_pupil: Column, listed: Column, yulu_grant: Column) -> Column:
    """A vocational pupil of a listed household whose file says no Yulu grant."""
    return listed & vocational_pupil & ~yulu_grant
