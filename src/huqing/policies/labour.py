"""Consistency of ability to work with age, health, schooling and work (LB01–LB09)."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.sources import check
from huqing.rules.language import Column, Param, Unit, finding, variable
from huqing.rules.logic import is_true, known

ABLE, ORDINARY, LOST, NONE = ["01", "02"], "01", "03", "04"
UNABLE = [LOST, NONE]
HEALTHY, SERIOUSLY_ILL, DISABLED = "01", "03", "04"
LIMB, SEVERE = "4", ["1", "2"]
SKILLED, COLLEGE = "02", ["05", "06"]
Years = Annotated[Param, Unit("岁")]


@variable("健康状况只填健康", of="person")
def healthy(health: Column) -> Column:
    """Whether the state of health is plainly healthy; unknown if it is not given."""
    return (health.length() == 1) & health.contains(HEALTHY)


@variable("档案登记在校", of="person")
def file_says_student(student_state: Column) -> Column:
    """Whether the file gives a school year (never unknown: people out of school leave it blank)."""
    return known(student_state)


@variable("劳动年龄内", of="person")
def of_labour_age(age: Column, labour_age_from: Years, labour_age_to: Years) -> Column:
    """Whether the person is of the age at which people are taken to work."""
    return age.between(labour_age_from, labour_age_to)


@variable("健康、不在校的劳动年龄人口", of="person")
def fit_to_work(of_labour_age: Column, healthy: Column, file_says_student: Column) -> Column:
    """Of working age, healthy and out of school."""
    return of_labour_age & healthy & ~file_says_student


@variable("无劳动力或丧失劳动力", of="person")
def unable_to_work(labour: Column) -> Column:
    """Whether the file has the person without labour; unknown if it does not say."""
    return labour.isin(UNABLE)


@finding(
    "健康的劳动年龄人口未登记为劳动力",
    of="person",
    basis=check("LB01"),
    severity="low",
    evidence=["age", "health", "labour"],
    resolve="核实劳动能力：能劳动的改为普通或技能劳动力，不能的补登健康状况和原因。",
    sentence="劳动年龄内、健康、不在校的人，劳动技能不是普通劳动力或技能劳动力。",
)
def lb01(fit_to_work: Column, labour: Column) -> Column:
    """Fit to work by age, health and schooling, yet not entered as ordinary or skilled labour."""
    return fit_to_work & labour.notin(ABLE)


@finding(
    "未到劳动年龄登记为劳动力",
    of="person",
    basis=check("LB02"),
    severity="medium",
    evidence=["age", "labour"],
    resolve="核对出生日期；未到劳动年龄的改为无劳动力。",
    sentence="未到劳动年龄的人，劳动技能没有登记为无劳动力。",
)
def lb02(age: Column, labour: Column, labour_age_from: Years) -> Column:
    """Younger than working age and not entered as without labour."""
    return (age < labour_age_from) & (labour != NONE)


@finding(
    "超过劳动年龄登记为劳动力或丧失劳动力",
    of="person",
    basis=check("LB03"),
    severity="low",
    evidence=["age", "labour"],
    resolve="核对出生日期；超过劳动年龄的按实际改为弱劳动力或半劳动力、无劳动力。",
    sentence="超过劳动年龄的人登记为普通劳动力、技能劳动力或丧失劳动力。",
)
def lb03(age: Column, labour: Column, labour_age_to: Years) -> Column:
    """Older than working age and entered as ordinary, skilled or lost labour."""
    return (age > labour_age_to) & labour.isin([*ABLE, LOST])


@finding(
    "在校生登记为劳动力",
    of="person",
    basis=check("LB04"),
    severity="low",
    evidence=["student_state", "labour"],
    resolve="核实是否在校：在校的改为无劳动力，已毕业的改填文化程度。",
    sentence="在校生的劳动技能没有登记为无劳动力。",
)
def lb04(file_says_student: Column, labour: Column) -> Column:
    """A pupil or student not entered as without labour."""
    return file_says_student & (labour != NONE)


@finding(
    "残疾、大病人员登记为劳动力",
    of="person",
    basis=check("LB05"),
    severity="low",
    evidence=["health", "labour"],
    resolve="核实劳动能力，按实际改为弱劳动力、丧失劳动力等；确能正常劳动的确认并写明。",
    sentence="残疾或患大病的人登记为普通劳动力或技能劳动力。",
)
def lb05(health: Column, labour: Column) -> Column:
    """Disabled or seriously ill, and entered as ordinary or skilled labour."""
    return (health.contains(SERIOUSLY_ILL) | health.contains(DISABLED)) & labour.isin(ABLE)


@finding(
    "一、二级肢体残疾登记为普通劳动力",
    of="person",
    basis=check("LB06"),
    severity="medium",
    evidence=["disability_type", "disability_grade", "labour"],
    resolve="核对残疾人证和劳动能力，改正残疾等级或劳动技能。",
    sentence="档案登记一级或二级肢体残疾的人，劳动技能却是普通劳动力。",
)
def lb06(disability_type: Column, disability_grade: Column, labour: Column) -> Column:
    """A severe disability of the limbs in the file, and entered as ordinary labour."""
    return is_true(disability_type == LIMB) & disability_grade.isin(SEVERE) & (labour == ORDINARY)


@finding(
    "务工或计划务工的人登记为无劳动力",
    of="person",
    basis=check("LB07"),
    severity="medium",
    evidence=["working_now", "plans_work", "labour"],
    resolve="核实是否务工和劳动能力，改正填错的一项。",
    sentence="正在务工或计划务工的人登记为无劳动力或丧失劳动力。",
)
def lb07(working_now: Column, plans_work: Column, unable_to_work: Column) -> Column:
    """Works or plans to, and is entered as without labour."""
    return (working_now | is_true(plans_work)) & unable_to_work


@finding(
    "有技能或大专以上文化而无务工就业记录",
    of="person",
    basis=check("LB08"),
    severity="low",
    evidence=["labour", "edu_level", "work_months", "public_post"],
    resolve="核实就业情况，补登务工就业；确未就业的了解意愿，推荐岗位并写明原因。",
    sentence="劳动年龄内、不在校的技能劳动力或大专以上文化的人，没有务工、公益性岗位记录。",
)
def lb08(
    *,
    of_labour_age: Column,
    file_says_student: Column,
    labour: Column,
    edu_level: Column,
    has_work_record: Column,
) -> Column:
    """Skilled or with a college education, of working age and out of school, and without any record of work."""
    qualified = (labour == SKILLED) | edu_level.isin(COLLEGE)
    return of_labour_age & ~file_says_student & qualified & ~has_work_record


@finding(
    "整户无劳动力而未作兜底保障标记",
    of="household",
    basis=check("LB09"),
    severity="low",
    evidence=["monitored", "has_worker", "no_labour_safety_net"],
    resolve="核实劳动能力；确无劳动力的标记为整户无劳动能力兜底保障户，否则改正成员的劳动技能。",
    sentence="监测户全家没有劳动力，却没有标记为整户无劳动能力兜底保障户。",
)
def lb09_unmarked(monitored: Column, has_worker: Column, no_labour_safety_net: Column) -> Column:
    """A monitored household nobody of which can work, without the mark that says so (a blank is no mark)."""
    return monitored & ~has_worker & ~is_true(no_labour_safety_net)
