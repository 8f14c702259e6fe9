"""What all topics share about people: who counts, age, labour, social assistance received."""

from __future__ import annotations

from huqing.rules.language import Aggregate, Column, Day, aggregate, variable
from huqing.rules.logic import any_of, is_true, missing, years_between

DIBAO, TEKUN, DIBAO_MARGINAL, RIGID_EXPENSE = "1", "2", "3", "4"


@variable("在世", of="person")
def living(alive: Column) -> Column:
    """Whether the file takes the person for living; a file that does not say so does."""
    return alive.fill_null(True)


@variable("纳入筛查", of="person")
def in_scope(living: Column) -> Column:
    """Only living members are screened."""
    return living


@variable("出生日期（档案或证件号码）", of="person")
def born_on(birth_date: Column, id_birth_date: Column) -> Column:
    """The birth date of the file, else the one in the ID number."""
    return birth_date.coalesce(id_birth_date)


@variable("年龄", of="person", unit="岁")
def age(born_on: Column, as_of: Day) -> Column:
    """Completed years on the day of the run."""
    return years_between(born_on, as_of)


@variable("救助在享", of="civil_affairs")
def aid_in_force(aid_from: Column, aid_to: Column, as_of: Day) -> Column:
    """Whether the assistance is paid on the day, its last day included."""
    return (aid_from <= as_of) & (missing(aid_to) | is_true(aid_to >= as_of))


@aggregate("在享低保", of="person", over="civil_affairs")
def on_dibao(aid_kind: Column, aid_in_force: Column) -> Aggregate:
    """Whether the person receives the subsistence allowance on the day."""
    return any_of((aid_kind == DIBAO) & aid_in_force)


@aggregate("在享特困供养", of="person", over="civil_affairs")
def on_tekun(aid_kind: Column, aid_in_force: Column) -> Aggregate:
    """Whether the person is supported as destitute on the day."""
    return any_of((aid_kind == TEKUN) & aid_in_force)


@aggregate("在享低保、特困、低保边缘或刚性支出困难救助", of="person", over="civil_affairs")
def on_any_aid(aid_kind: Column, aid_in_force: Column) -> Aggregate:
    """Whether the person receives any continuing assistance on the day (not temporary relief)."""
    return any_of(aid_kind.isin([DIBAO, TEKUN, DIBAO_MARGINAL, RIGID_EXPENSE]) & aid_in_force)


@variable("有劳动能力", of="person")
def can_work(labour: Column) -> Column:
    """Ordinary, skilled or weak labour; lost or no labour is no; unknown if the file does not say."""
    return labour.isin(["01", "02", "05"])
