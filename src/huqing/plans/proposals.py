"""A draft plan from what is known: the file's causes and risks, open alerts, measures there are, what others told."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from huqing.plans.declarations import declared, group_of
from huqing.plans.hints import hints
from huqing.plans.lines import Line, lines_of
from huqing.registry.models import Household
from huqing.rules.library import library
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist


@dataclass(frozen=True)
class Why:
    """A code that is proposed, and from where it is known."""

    code: str
    title: str
    why: str


@dataclass(frozen=True)
class Proposal:
    """What a person begins with; nothing of it is stored before that person says so."""

    causes: list[str] = field(default_factory=list)
    risks: list[Why] = field(default_factory=list)
    measures: list[Why] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def propose(household: Household, day: dt.date) -> Proposal:
    """The draft for a household on a day."""
    items, known = household.items, declared()
    risks: dict[str, list[str]] = {risk: ["户档案"] for risk in items.get("risks", [])}
    findings = library().findings
    keys = (
        Alert.objects.filter(household=household, state=Alert.State.OPEN)
        .order_by("pk")
        .values_list("finding", flat=True)
    )
    told = []
    for key in dict.fromkeys(keys):
        title = findings[key].title if key in findings else key
        told.append(("待处理预警", title))
        if key in known.risk_of:
            risks.setdefault(known.risk_of[key], []).append(f"预警“{title}”")
    lines = lines_of(household, None, day)
    held = {line.group for line in lines}
    wanted: dict[str, list[str]] = {}
    for risk in risks:
        answer = known.answers.get(risk)
        if answer and not held & set(answer.groups):
            for item in answer.suggest:
                wanted.setdefault(item, []).append(codelist("risk_type").label(risk))
    causes = [code for code in (items.get("main_cause"), *items.get("other_causes", [])) if code]
    return Proposal(
        causes=list(dict.fromkeys(causes)),
        risks=[Why(code, codelist("risk_type").label(code), "、".join(why)) for code, why in sorted(risks.items())],
        measures=[
            Why(
                item,
                f"{codelist('measure_group').label(group_of(item))}：{codelist('measure').label(item)}",
                "、".join(why),
            )
            for item, why in wanted.items()
        ],
        told=[*told, *hints(household)],
        lines=lines,
    )
