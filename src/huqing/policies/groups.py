"""Groups of people and households that are visited more often or in a way of their own; none of them is a finding."""

from __future__ import annotations

from typing import Annotated

from huqing.policies.risks import CHRONICALLY_ILL, ILLNESS, SERIOUSLY_ILL
from huqing.policies.schooling import TAUGHT_AT_HOME
from huqing.rules.language import Aggregate, Column, Param, Unit, aggregate, variable
from huqing.rules.logic import any_known, any_of, is_true, known

MENTALLY_ILL = "C04"
LESSONS_AT_HOME = "L03"
Years = Annotated[Param, Unit("岁")]


@variable("户内登记因病致贫返贫", of="household")
def poor_through_illness(risks: Column, main_cause: Column, other_causes: Column) -> Column:
    """Whether illness is among the recorded risks or causes of poverty; unknown if none of them is filled in."""
    return any_known(risks.contains(ILLNESS), main_cause == ILLNESS, other_causes.contains(ILLNESS))


@variable("因病致贫返贫户中的病人", of="person")
def ill_and_poor(living: Column, ill: Column, poor_through_illness: Column) -> Column:
    """A living member who is ill, in a household poor or at risk through illness; nothing recorded is no."""
    return living & is_true(ill) & is_true(poor_through_illness)


@variable("慢性病患者", of="person")
def chronically_ill(living: Column, health: Column, chronic_disease: Column) -> Column:
    """A living member with a chronic illness, in the state of health or by name; unknown if both are blank."""
    return living & any_known(health.contains(CHRONICALLY_ILL), chronic_disease.length() > 0)


@variable("大病患者", of="person")
def seriously_ill(living: Column, health: Column, major_disease: Column) -> Column:
    """A living member with a serious illness, in the state of health or by name; unknown if both are blank."""
    return living & (known(major_disease) | health.contains(SERIOUSLY_ILL))


@variable("严重精神障碍患者", of="person")
def mentally_ill(living: Column, chronic_disease: Column) -> Column:
    """A living member whose file names a severe mental disorder; a file that names no chronic illness has none."""
    return living & is_true(chronic_disease.contains(MENTALLY_ILL))


@variable("残疾人", of="person")
def disabled(living: Column, card_on_file: Column) -> Column:
    """A living member with a disability card, by the register or by the file."""
    return living & card_on_file


@variable("老年人", of="person")
def aged(living: Column, age: Column, health_visit_age: Years) -> Column:
    """A living member of the age from which doctors visit regularly."""
    return living & (age >= health_visit_age)


@variable("幼儿", of="person")
def young_child(living: Column, age: Column, child_health_age: Years) -> Column:
    """A living member not older than the age up to which children's health is managed."""
    return living & (age <= child_health_age)


@aggregate("学籍登记为送教上门", of="person", over="school_enrolment")
def enrolled_at_home(this_term: Column, enrolment_state: Column) -> Aggregate:
    """Whether this term's register has the pupil taught at home."""
    return any_of(this_term & (enrolment_state == TAUGHT_AT_HOME))


@variable("送教上门学生", of="person")
def taught_at_home(living: Column, enrolled_at_home: Column, dropout_reason: Column) -> Column:
    """A child who is taught at home, by the school register or by the file."""
    return living & (is_true(enrolled_at_home) | is_true(dropout_reason == LESSONS_AT_HOME))


@variable("脱贫户或监测对象的在校学生", of="person")
def listed_pupil(living: Column, listed: Column, at_school: Column, file_says_student: Column) -> Column:
    """A pupil or student of a listed household, by the school register or by the file."""
    return living & listed & (is_true(at_school) | is_true(file_says_student))


@variable("从事种养的脱贫户或监测户", of="household")
def listed_farm(listed: Column, arable_area: Column, orchard_area: Column, water_area: Column) -> Column:
    """A listed household with arable land, orchards or ponds; unknown if none of the areas is filled in."""
    return listed & any_known(arable_area > 0, orchard_area > 0, water_area > 0)
