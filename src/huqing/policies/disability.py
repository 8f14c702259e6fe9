"""Disabled people: allowances, the card, and whether the file knows."""

from __future__ import annotations

from huqing.policies.sources import DISABILITY_ALLOWANCES, check
from huqing.rules.language import Aggregate, Column, Day, aggregate, finding, variable
from huqing.rules.logic import any_of, is_true, known, latest, missing

SEVERE = ["1", "2"]
RECORDED_DISABLED = "04"


@aggregate("在持证残疾人名册上", of="person", over="disability")
def has_card(id: Column) -> Aggregate:
    """Whether the disability register has the person."""
    return any_of(known(id))


@aggregate("残疾证有效期至", of="person", over="disability")
def card_expires_on(expires_on: Column, issued_on: Column, id: Column) -> Aggregate:
    """The last day of the newest card; missing if it names none."""
    return latest(expires_on, by=issued_on, row=id)


@aggregate("残疾证等级", of="person", over="disability", codelist="disability_grade")
def card_grade(disability_grade: Column, issued_on: Column, id: Column) -> Aggregate:
    """The grade on the newest card."""
    return latest(disability_grade, by=issued_on, row=id)


@aggregate("领取困难残疾人生活补贴", of="person", over="disability")
def paid_living_allowance(living_allowance: Column, issued_on: Column, id: Column) -> Aggregate:
    """Whether the register says that the living allowance is paid."""
    return latest(living_allowance, by=issued_on, row=id)


@aggregate("领取重度残疾人护理补贴", of="person", over="disability")
def paid_care_allowance(care_allowance: Column, issued_on: Column, id: Column) -> Aggregate:
    """Whether the register says that the care allowance is paid."""
    return latest(care_allowance, by=issued_on, row=id)


@variable("持有效残疾证", of="person")
def holds_card(has_card: Column, card_expires_on: Column, as_of: Day) -> Column:
    """Whether the newest card is in force on the day; a card without an end is."""
    return has_card & (missing(card_expires_on) | is_true(card_expires_on >= as_of))


@variable("一、二级残疾", of="person")
def severely_disabled(card_grade: Column, disability_grade: Column) -> Column:
    """Grade 1 or 2 by the register, else by the file; a person neither names is not disabled."""
    return is_true(card_grade.coalesce(disability_grade).isin(SEVERE))


@finding(
    "低保残疾人未领生活补贴",
    of="person",
    basis=DISABILITY_ALLOWANCES,
    severity="high",
    evidence=["holds_card", "on_dibao", "paid_living_allowance"],
    resolve="核对低保和残疾证信息，协助申请困难残疾人生活补贴，按规定补发。",
    sentence="持有效残疾证并享受低保的人没有领取困难残疾人生活补贴。",
)
def disability_no_living_allowance(holds_card: Column, on_dibao: Column, paid_living_allowance: Column) -> Column:
    """A card holder on subsistence allowance who is not paid the living allowance."""
    return holds_card & on_dibao & ~paid_living_allowance


@finding(
    "重度残疾人未领护理补贴",
    of="person",
    basis=DISABILITY_ALLOWANCES,
    severity="high",
    evidence=["holds_card", "card_grade", "paid_care_allowance"],
    resolve="核对残疾等级，协助申请重度残疾人护理补贴，按规定补发。",
    sentence="持有效一、二级残疾证的人没有领取重度残疾人护理补贴。",
)
def disability_no_care_allowance(holds_card: Column, card_grade: Column, paid_care_allowance: Column) -> Column:
    """A holder of a grade 1 or 2 card who is not paid the care allowance."""
    return holds_card & card_grade.isin(SEVERE) & ~paid_care_allowance


@finding(
    "残疾人名册有而档案未登记残疾",
    of="person",
    basis=check("RK03"),
    severity="low",
    evidence=["holds_card", "card_grade"],
    resolve="核对残疾证后，在档案补登健康状况、残疾类别和等级。",
    sentence="持有效残疾证，而档案的健康状况、残疾类别和等级都没有登记残疾。",
)
def disability_unrecorded(
    holds_card: Column, health: Column, disability_type: Column, disability_grade: Column
) -> Column:
    """A card holder whose file gives a state of health without disability and no kind or grade of disability."""
    unnoticed = is_true(~health.contains(RECORDED_DISABLED))
    return holds_card & unnoticed & missing(disability_type) & missing(disability_grade)


@finding(
    "残疾证已过期",
    of="person",
    basis=DISABILITY_ALLOWANCES,
    severity="medium",
    evidence=["card_expires_on", "card_grade"],
    resolve="提醒并协助到残联换证，避免两项补贴中断。",
    sentence="残疾人证的有效期已过。",
)
def disability_card_expired(has_card: Column, card_expires_on: Column, as_of: Day) -> Column:
    """The newest card has run out."""
    return has_card & is_true(card_expires_on < as_of)
