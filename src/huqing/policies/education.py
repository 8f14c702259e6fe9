"""Consistency of education entries with each other and with age (ED01–ED09)."""

from __future__ import annotations

from huqing.policies.sources import check
from huqing.rules.language import Column, finding
from huqing.rules.logic import known, missing

PRESCHOOL = "L01"
PRIMARY = ["L03"]
MIDDLE = ["L04", "L05", "L06"]
HIGH = [f"L{number:02d}" for number in range(7, 13)]
COLLEGE = ["L13", "L14", "L15", "L20", "L21", "L22", "L23", "L24"]
GRADUATE = ["L25"]
ILL_OR_DISABLED = ["L01", "L02"]
HEALTHY = "01"
AGE_RESOLVE = "核对出生日期和在校生状况，改正填错的一项；确有其事的确认并写明原因。"


@finding(
    "文化程度、在校状况、未上学原因全部漏填",
    of="person",
    basis=check("ED01"),
    severity="low",
    evidence=["edu_level", "student_state", "dropout_reason"],
    resolve="在校的填在校生状况，不在校的填文化程度，适龄未上学的填原因。",
    sentence="文化程度、在校生状况、未上学原因都没有填。",
)
def ed01(edu_level: Column, student_state: Column, dropout_reason: Column) -> Column:
    """None of level of education, school year and reason of absence is given."""
    return missing(edu_level) & missing(student_state) & missing(dropout_reason)


@finding(
    "文化程度与在校状况同时填写",
    of="person",
    basis=check("ED02"),
    severity="low",
    evidence=["edu_level", "student_state"],
    resolve="在校生只填在校生状况，非在校生只填文化程度。",
    sentence="文化程度和在校生状况两项都填了。",
)
def ed02(edu_level: Column, student_state: Column) -> Column:
    """Both level of education and school year are given."""
    return known(edu_level) & known(student_state)


@finding(
    "适龄不在校未填原因",
    of="person",
    basis=check("ED03"),
    severity="medium",
    evidence=["age", "student_state", "dropout_reason"],
    resolve="核实是否在校：在校的填在校生状况，不在校的填未上学原因。",
    sentence="义务教育适龄儿童的档案没有在校年级，也没有未上学原因。",
)
def ed03(of_school_age: Column, student_state: Column, dropout_reason: Column) -> Column:
    """Of compulsory school age, not in a school year by the file, and no reason given."""
    return of_school_age & (missing(student_state) | (student_state == PRESCHOOL)) & missing(dropout_reason)


@finding(
    "因病因残未上学而健康状况为健康",
    of="person",
    basis=check("ED04"),
    severity="low",
    evidence=["dropout_reason", "health"],
    resolve="核实健康状况和未上学原因，改正填错的一项。",
    sentence="未上学原因是因病或因残，健康状况却只填了健康。",
)
def ed04(dropout_reason: Column, health: Column) -> Column:
    """Absent for illness or disability while the state of health is plainly healthy."""
    by_illness = known(dropout_reason) & dropout_reason.isin(ILL_OR_DISABLED)
    return by_illness & (health.length() == 1) & health.contains(HEALTHY)


@finding(
    "小学在校年龄异常",
    of="person",
    basis=check("ED05"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="小学在校生不满6岁或超过13岁。",
)
def ed05(student_state: Column, age: Column) -> Column:
    """In primary school and younger than 6 or older than 13."""
    return known(student_state) & student_state.isin(PRIMARY) & ~age.between(6, 13)


@finding(
    "初中在校年龄异常",
    of="person",
    basis=check("ED06"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="初中在校生不满12岁或超过17岁。",
)
def ed06(student_state: Column, age: Column) -> Column:
    """In middle school and younger than 12 or older than 17."""
    return known(student_state) & student_state.isin(MIDDLE) & ~age.between(12, 17)


@finding(
    "高中、中职在校年龄异常",
    of="person",
    basis=check("ED07"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="高中或中职在校生不满15岁或超过20岁。",
)
def ed07(student_state: Column, age: Column) -> Column:
    """In high or vocational school and younger than 15 or older than 20."""
    return known(student_state) & student_state.isin(HIGH) & ~age.between(15, 20)


@finding(
    "高职、本科在校年龄异常",
    of="person",
    basis=check("ED08"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="高职高专或本科在校生不满18岁。",
)
def ed08(student_state: Column, age: Column) -> Column:
    """In college or university and younger than 18."""
    return known(student_state) & student_state.isin(COLLEGE) & (age < 18)


@finding(
    "研究生在校年龄异常",
    of="person",
    basis=check("ED09"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="硕士研究生及以上在校生不满20岁。",
)
def ed09(student_state: Column, age: Column) -> Column:
    """In graduate school and younger than 20."""
    return known(student_state) & student_state.isin(GRADUATE) & (age < 20)
