"""What the rules propose when a holder of social aid is reviewed, each with its reasons; a person decides.

Only prompts: income is told, never decided on, because the allowance's own reckoning of income differs from the file's.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from huqing.intake.labels import OF_AID
from huqing.registry.models import DepartmentRecord, Label, Person
from huqing.registry.values import shown
from huqing.rosters.models import ReviewLine
from huqing.rosters.reasons import Why, fates
from huqing.rules.errors import ParameterError
from huqing.rules.library import library
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.money import yuan_text

X = ReviewLine.Outcome
# What a person must look at first, and what speaks for leaving: findings of the rules that are open on the household.
LOOK_FIRST = ("asset_vehicle", "asset_house", "asset_business", "asset_payroll", "wk09", "wk09_able")
DOUBLE = "dibao_and_tekun"
ABLE, UNABLE = ("01", "02", "05"), ("03", "04")
CATEGORIES = {"labour": "有劳动能力", "no_labour": "整户无劳动能力", "unclear": "劳动能力没有登记全"}
_AID_OF = {label: aid for aid, label in OF_AID.items()}


@dataclass(frozen=True)
class Settings:
    """The dated parameters a review uses."""

    months: Mapping[str, int]
    stale: int
    line: int | None  # fen a year and head


@dataclass
class Facts:
    """What is known of one holder."""

    label: Label
    fate: Why | None
    category: str
    death: DepartmentRecord | None
    aid: DepartmentRecord | None
    alerts: set[str]
    heard_on: dt.date | None  # how old the newest department roster is


@dataclass
class Proposal:
    """What is proposed for one holder."""

    outcome: str
    reasons: list[str]
    amount: int | None = None
    category: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


def settings_of(kind: str, region: str, day: dt.date) -> Settings:
    """The parameters in force in a region on a day."""
    parameters = library().parameters

    def whole(key: str) -> int:
        return int(parameters.require(key, day, region).value)  # type: ignore[arg-type]

    months = {"labour": whole("review_months_labour"), "no_labour": whole("review_months_no_labour")}
    try:
        line = whole("dibao_line") if kind == "dibao" else None
    except ParameterError:
        line = None
    return Settings({**months, "unclear": months["labour"]}, whole("review_stale_months"), line)


def proposals(labels: Sequence[Label], *, settings: Settings, day: dt.date) -> dict[int, Proposal]:
    """For each label what is proposed; some seven queries for all of them."""
    homes = {label.household_id for label in labels}
    people = {label.person_id for label in labels if label.person_id}
    gone = fates(labels)
    abilities: dict[int, list[str]] = defaultdict(list)
    for home, items in Person.objects.filter(household__in=homes).values_list("household_id", "items"):
        if items.get("alive") is not False:
            abilities[home].append(items.get("labour") or "")
    records: dict[tuple[int, str], list[DepartmentRecord]] = defaultdict(list)
    rows = DepartmentRecord.objects.filter(person__in=people, kind__in=("civil_affairs", "death"), retired_by=None)
    for record in rows.order_by("on", "pk"):
        records[record.person_id or 0, record.kind].append(record)
    alerts: dict[int, set[str]] = defaultdict(set)
    found = Alert.objects.filter(household__in=homes, state=Alert.State.OPEN, finding__in=(*LOOK_FIRST, DOUBLE))
    for home, finding in found.values_list("household_id", "finding"):
        alerts[home].add(finding)
    heard = DepartmentRecord.objects.filter(kind="civil_affairs", retired_by=None).order_by("-source__on")
    heard_on = heard.values_list("source__on", flat=True).first()
    told = {}
    for label in labels:
        deaths = records.get((label.person_id or 0, "death"), [])
        facts = Facts(
            label,
            gone.get(label.pk),
            _category(abilities[label.household_id]),
            deaths[-1] if deaths else None,
            _aid(records.get((label.person_id or 0, "civil_affairs"), []), label.kind, day),
            alerts[label.household_id],
            heard_on,
        )
        told[label.pk] = propose(facts, settings, day)
    return told


def propose(facts: Facts, settings: Settings, day: dt.date) -> Proposal:
    """Leave, unknown, amount or continue, in this order of weight, with every reason that was found."""
    reasons: dict[str, list[str]] = defaultdict(list)
    if facts.fate is not None:
        reasons[X.LEAVE].append(f"{facts.fate.title}：{facts.fate.detail}。")
    if facts.death is not None:
        reasons[X.LEAVE].append(f"公安死亡名单：{facts.death.items.get('died_on')} 死亡。")
    _department(facts, settings, day, reasons)
    if DOUBLE in facts.alerts and facts.label.kind == "dibao":
        reasons[X.UNKNOWN].append("户内有人同时享受低保和特困，请核实后保留一种。")
    titles = library().findings
    for finding in sorted(facts.alerts & set(LOOK_FIRST)):
        if finding in titles:
            reasons[X.UNKNOWN].append(f"有未处理的预警“{titles[finding].title}”，请先核实。")
    amount = facts.aid.items.get("monthly_amount") if facts.aid is not None else None
    if amount is not None and settings.line is not None and amount * 12 > settings.line:
        told = f"月保障金 {_yuan(amount)} 元，超过低保标准（{_yuan(settings.line)} 元/人·年）的每月数。"
        reasons[X.AMOUNT].append(told)
    outcome = next((one for one in (X.LEAVE, X.UNKNOWN, X.AMOUNT) if reasons[one]), X.CONTINUE)
    listed = [text for one in (X.LEAVE, X.UNKNOWN, X.AMOUNT) for text in reasons[one]]
    if outcome == X.CONTINUE:
        listed.append("人在、在户，部门名册仍在发放，没有需要先核实的预警。")
    return Proposal(outcome, [*listed, *_income(facts, settings)], amount, facts.category)


def _department(facts: Facts, settings: Settings, day: dt.date, reasons: dict[str, list[str]]) -> None:
    label, aid = facts.label, facts.aid
    if label.person_id is None:
        reasons[X.UNKNOWN].append("标签记在户上，没有写明是哪个人，与民政名册对不上。")
    elif aid is None:
        reasons[X.UNKNOWN].append(f"民政名册里没有这个人的{codelist('label_kind').label(label.kind)}记录。")
    else:
        stopped = aid.items.get("aid_to")
        if stopped and stopped < day.isoformat():
            reasons[X.LEAVE].append(f"民政名册：{stopped} 起停止救助。")
    if facts.heard_on is not None and (day - facts.heard_on).days > settings.stale * 31:
        reasons[X.UNKNOWN].append(f"民政名册是 {facts.heard_on} 的，太旧了，请先导入新的。")


def _income(facts: Facts, settings: Settings) -> list[str]:
    declared = record_kinds()["household"]["income_per_head"]
    income = facts.label.household.items.get("income_per_head")
    if income is None:
        return ["档案没有人均纯收入，请入户核算。"]
    told = f"档案人均纯收入 {shown(declared, income)} 元/人·年"
    if settings.line is None:
        return [f"{told}。"]
    side = "高于" if income > settings.line else "不高于"
    return [f"{told}，{side}低保标准 {_yuan(settings.line)} 元；低保核算收入的口径与档案不同，只供参考。"]


def _category(abilities: Sequence[str]) -> str:
    if any(one in ABLE for one in abilities):
        return "labour"
    return "no_labour" if abilities and all(one in UNABLE for one in abilities) else "unclear"


def _aid(records: Sequence[DepartmentRecord], kind: str, day: dt.date) -> DepartmentRecord | None:
    """The record of this kind of aid that runs, else the one that stopped last."""
    own = [one for one in records if one.items.get("aid_kind") == _AID_OF.get(kind)]
    running = [one for one in own if not one.items.get("aid_to") or one.items["aid_to"] >= day.isoformat()]
    return (running or own or [None])[-1]


def _yuan(fen: int) -> str:
    return yuan_text(fen, grouped=True)
