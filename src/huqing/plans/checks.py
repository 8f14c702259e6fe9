"""Whether what somebody writes into a plan fits together; ValidationError names each field and what to write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from huqing.access.calendar import today
from huqing.access.models import User
from huqing.access.numbers import hide_numbers
from huqing.plans.declarations import declared
from huqing.plans.lines import DONE, RUNNING, WAITING
from huqing.plans.models import Plan, PlannedMeasure
from huqing.standards.codelists import codelist
from huqing.standards.text import clean
from huqing.teams.models import Staff

SITUATION, AIM = 500, 300


def content(risks: Sequence[str], causes: Sequence[str], situation: str, aim: str) -> dict[str, Any]:
    """The plan's own fields, checked; ValidationError names what is wrong."""
    found = codes("risk_type", risks)
    if not found:
        raise ValidationError({"risks": "请至少选一项风险；都不是的选“其他”并写明情况。"})
    told = {"situation": hide_numbers(clean(situation)), "aim": hide_numbers(clean(aim))}
    for name, most in (("situation", SITUATION), ("aim", AIM)):
        if len(told[name]) > most:
            raise ValidationError({name: f"不能超过 {most} 个字，现在有 {len(told[name])} 个字。"})
    return {"risks": found, "causes": codes("poverty_cause", causes), **told}


def codes(name: str, codes: Sequence[str]) -> list[str]:
    """The codes once each, in their order; ValidationError if one is not in the list."""
    known = codelist(name)
    wrong = [code for code in codes if code not in known]
    if wrong:
        raise ValidationError(f"“{wrong[0]}”不在{known.name}代码表中，请重新选择。")
    return list(dict.fromkeys(codes))


def fen(planned: int | None) -> int | None:
    """An amount that is not below zero."""
    if planned is not None and planned < 0:
        raise ValidationError({"planned": "计划金额不能小于零。"})
    return planned


def lasting(lasts: str, until: dt.date | None) -> tuple[str, dt.date | None]:
    """How long a measure goes on by its nature and until when; a day needs a kind."""
    if lasts and lasts not in declared().lasting_titles:
        raise ValidationError({"lasts": "请从列表中选自然期限。"})
    if until is not None and not lasts:
        raise ValidationError({"lasts": "填了到期日的，请选是合同、岗位协议还是学段。"})
    return lasts, until


def staff_of(staff: Staff | None, plan: Plan, by: User | None) -> Staff:
    """Somebody of the county who has not left; ValidationError otherwise."""
    if staff is None:
        raise ValidationError({"staff": "请写责任人姓名；还没有登记的先到“人员和责任”登记。"})
    if staff.left_on is not None and staff.left_on < today():
        raise ValidationError({"staff": f"{staff.name}已离任，请换一个责任人。"})
    if by is not None and staff.region_code[:6] != plan.household.region_code[:6]:
        raise ValidationError({"staff": f"{staff.name}不是本县登记的工作人员，请重新选择。"})
    return staff


def check_item(values: Mapping[str, Any]) -> None:
    """Whether the item belongs to the group."""
    item, group = str(values.get("measure_item", "")), str(values.get("measure_group", ""))
    parents = codelist("measure").parents
    if item and parents.get(item) not in (None, group):
        raise ValidationError({"measure_item": "这一项不属于所选的措施类别，请重新选择。"})


def check_course(items: Mapping[str, Any], own: PlannedMeasure | None = None) -> None:
    """Whether state, dates and result fit together."""
    state, started, ended = str(items.get("state") or ""), items.get("started_on"), items.get("ended_on")
    wrong: dict[str, str] = {}
    if state in (RUNNING, DONE) and not started:
        wrong["started_on"] = "已经实施的请填写开始日期。"
    if state == WAITING and started:
        wrong["state"] = "填了开始日期的，状态应是实施中或已完成。"
    if state == DONE and not ended:
        wrong["ended_on"] = "已完成的请填写结束日期。"
    if state == DONE and ended and str(ended) > today().isoformat():
        wrong["ended_on"] = "结束日期在今天以后的，状态应是实施中。"
    if state == DONE and not str(items.get("result") or "").strip():
        wrong["result"] = "已完成的请写明成效：这一户的情况有什么变化。"
    if started and ended and str(ended) < str(started):
        wrong["ended_on"] = "结束日期不能早于开始日期。"
    until = own.lasts_until if own else None
    if state == DONE and until is not None and ended and str(ended) < until.isoformat():
        title = declared().lasting_titles[own.lasts] if own else ""
        wrong["ended_on"] = f"这项措施要到{title}（{until:%Y-%m-%d}），不能提前结束；确已提前终止的先改到期日。"
    if wrong:
        raise ValidationError(wrong)
