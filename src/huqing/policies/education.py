"""Consistency of education entries with each other, with age and with the household's marks (ED01–ED13)."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.schooling import VOCATIONAL_GRADES
from huqing.policies.sources import check
from huqing.rules.language import Aggregate, Column, Param, Unit, aggregate, finding, variable
from huqing.rules.logic import any_of, is_true, known, missing

PRESCHOOL, KINDERGARTEN = "L01", "L02"
PRIMARY = ["L03"]
MIDDLE = ["L04", "L05", "L06"]
HIGH = [f"L{number:02d}" for number in range(7, 13)]
COLLEGE = ["L13", "L14", "L15", "L20", "L21", "L22", "L23", "L24"]
GRADUATE = ["L25"]
TAUGHT_AT_HOME = "L03"
LITTLE_SCHOOLING = ["01", "02"]
ILL_OR_DISABLED = ["L01", "L02"]
HEALTHY = "01"
Years = Annotated[Param, Unit("岁")]
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
    sentence="小学在校生的年龄低于或高于合理范围。",
)
def ed05(student_state: Column, age: Column, primary_age_from: Years, primary_age_to: Years) -> Column:
    """In primary school and younger or older than pupils are."""
    return known(student_state) & student_state.isin(PRIMARY) & ~age.between(primary_age_from, primary_age_to)


@finding(
    "初中在校年龄异常",
    of="person",
    basis=check("ED06"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="初中在校生的年龄低于或高于合理范围。",
)
def ed06(student_state: Column, age: Column, middle_age_from: Years, middle_age_to: Years) -> Column:
    """In middle school and younger or older than pupils are."""
    return known(student_state) & student_state.isin(MIDDLE) & ~age.between(middle_age_from, middle_age_to)


@finding(
    "高中、中职在校年龄异常",
    of="person",
    basis=check("ED07"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="高中或中职在校生的年龄低于或高于合理范围。",
)
def ed07(student_state: Column, age: Column, high_age_from: Years, high_age_to: Years) -> Column:
    """In high or vocational school and younger or older than pupils are."""
    return known(student_state) & student_state.isin(HIGH) & ~age.between(high_age_from, high_age_to)


@finding(
    "高职、本科在校年龄异常",
    of="person",
    basis=check("ED08"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="高职高专或本科在校生低于合理年龄。",
)
def ed08(student_state: Column, age: Column, college_age_from: Years) -> Column:
    """In college or university and younger than students are."""
    return known(student_state) & student_state.isin(COLLEGE) & (age < college_age_from)


@finding(
    "研究生在校年龄异常",
    of="person",
    basis=check("ED09"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="硕士研究生及以上在校生低于合理年龄。",
)
def ed09(student_state: Column, age: Column, graduate_age_from: Years) -> Column:
    """In graduate school and younger than students are."""
    return known(student_state) & student_state.isin(GRADUATE) & (age < graduate_age_from)


@finding(
    "学龄儿童仍登记为学前阶段",
    of="person",
    basis=check("ED10"),
    severity="notice",
    evidence=["age", "student_state"],
    resolve=AGE_RESOLVE,
    sentence="已过学前年龄，在校生状况仍是学龄前儿童或学前教育。",
)
def ed10(student_state: Column, age: Column, preschool_age_to: Years) -> Column:
    """Past the preschool years and still entered as a preschool child."""
    return known(student_state) & student_state.isin([PRESCHOOL, KINDERGARTEN]) & (age > preschool_age_to)


@finding(
    "青年文化程度为小学及以下",
    of="person",
    basis=check("ED11"),
    severity="low",
    evidence=["age", "edu_level"],
    resolve="核实文化程度；确未完成义务教育的写明原因，提供扫盲或技能培训。",
    sentence="刚过义务教育年龄的青年，文化程度是小学或文盲半文盲。",
)
def ed11(edu_level: Column, age: Column, low_schooling_age_from: Years, low_schooling_age_to: Years) -> Column:
    """Of the years after compulsory schooling and with no more than primary school."""
    young = age.between(low_schooling_age_from, low_schooling_age_to)
    return known(edu_level) & edu_level.isin(LITTLE_SCHOOLING) & young


@finding(
    "非中高职在校生登记雨露计划",
    of="person",
    basis=check("ED12"),
    severity="medium",
    evidence=["student_state", "yulu_grant"],
    resolve="核对学籍：在读中高职的改正在校生状况，已毕业或不在读的取消雨露计划登记。",
    sentence="登记享受雨露计划的人不是中高职在校生。",
)
def ed12(yulu_grant: Column, student_state: Column) -> Column:
    """A Yulu grant in the file of somebody who by the file is in no vocational school; a blank is no grant."""
    return is_true(yulu_grant) & ~is_true(student_state.isin(VOCATIONAL_GRADES))


@variable("档案显示适龄而不在校", of="person")
def out_of_school_by_file(of_school_age: Column, student_state: Column, dropout_reason: Column) -> Column:
    """Of compulsory school age, in no school year by the file, and not taught at home."""
    nowhere = missing(student_state) | is_true(student_state == PRESCHOOL)
    return of_school_age & nowhere & ~is_true(dropout_reason == TAUGHT_AT_HOME)


@aggregate("户内有适龄儿童档案显示不在校", of="household", over="person")
def child_out_of_school_by_file(out_of_school_by_file: Column, living: Column) -> Aggregate:
    """Whether some living child of school age is at no school by the file."""
    return any_of(living & out_of_school_by_file)


@finding(
    "标记失学辍学而无不在校儿童",
    of="household",
    basis=check("ED13"),
    severity="medium",
    evidence=["identify_dropout", "child_out_of_school", "child_out_of_school_by_file"],
    resolve="核实孩子是否已复学：已复学的更新三保障标记和措施，未复学的改正学籍和档案。",
    sentence="监测户标记有失学辍学，但学籍和档案中适龄儿童都在校，或者没有适龄儿童。",
)
def ed13(
    monitored: Column, identify_dropout: Column, child_out_of_school: Column, child_out_of_school_by_file: Column
) -> Column:
    """A monitored household is marked for a dropout; by register and file every child of school age is at school."""
    return monitored & is_true(identify_dropout) & ~child_out_of_school & ~child_out_of_school_by_file


@finding(
    "有不在校儿童而未标记失学辍学",
    of="household",
    basis=check("ED13"),
    severity="medium",
    evidence=["identify_dropout", "child_out_of_school", "child_out_of_school_by_file"],
    resolve="核实儿童去向；确属失学辍学的标记并落实劝返，已在校的更正学籍或档案。",
    sentence="监测户有适龄儿童不在校，三保障却没有标记失学辍学。",
)
def ed13_unmarked(
    monitored: Column, identify_dropout: Column, child_out_of_school: Column, child_out_of_school_by_file: Column
) -> Column:
    """A monitored household marked as having no dropout has a child of school age at no school by register or file."""
    return monitored & ~identify_dropout & (child_out_of_school | child_out_of_school_by_file)
