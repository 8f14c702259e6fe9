"""Whether a household's risk may be removed: each condition met, not met or unknown, with the values looked at.

The conditions are rules (``policies.removal``) with parameters and basis; a finding that holds is a condition that is
not met. A person decides; what is unknown stands in the way until it is known.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from huqing.access.scope import code_range
from huqing.registry.models import DepartmentRecord, Household
from huqing.rules.display import value_text
from huqing.rules.explain import Decision, Value
from huqing.rules.library import library
from huqing.screening.queries import explain_findings
from huqing.standards.fields import department_kinds

CONDITIONS = (
    "removal_months",
    "removal_measure",
    "removal_income",
    "removal_expense",
    "removal_schooling",
    "removal_insurance",
    "removal_housing",
    "removal_water",
    "removal_labour",
)
MET, UNMET, UNKNOWN = "met", "unmet", "unknown"
TITLES = {MET: "达到", UNMET: "没有达到", UNKNOWN: "无法判断"}
COUNTY_DIGITS = 6


@dataclass(frozen=True)
class Condition:
    """One condition. ``text`` says what stands in the way, ``resolve`` what to do; both "" when it is met."""

    key: str
    title: str
    state: str
    text: str
    resolve: str
    basis: str
    values: tuple[tuple[str, str], ...]

    @property
    def state_title(self) -> str:
        """The state in words."""
        return TITLES[self.state]


def conditions(household: Household, day: dt.date) -> list[Condition]:
    """Every condition for a household on a day, in their order."""
    told = explain_findings(household, CONDITIONS, as_of=day, empty=never_taken_in(household.region_code))
    decided = {decision.finding: decision for decision in told.decisions}
    rules, found = library().findings, []
    for key in CONDITIONS:
        rule, decision = rules[key], decided.get(key)
        title = rule.title.partition("：")[2]
        if decision is not None:
            found.append(_of(decision, title))
        else:
            why = told.not_run.get(key, "户内没有在世成员，无法判断")
            found.append(Condition(key, title, UNKNOWN, f"{why}。", "", rule.basis, ()))
    return found


def _of(decision: Decision, title: str) -> Condition:
    state = {"found": UNMET, "not": MET, "unknown": UNKNOWN}[decision.state]
    text = {MET: "", UNMET: decision.sentence}.get(state, f"缺少：{'、'.join(decision.missing)}。")
    values = tuple((value.title, _shown(value)) for value in decision.tree.inputs if value.kind != "day")
    return Condition(
        decision.finding, title, state, text, "" if state == MET else decision.resolve, decision.basis, values
    )


def _shown(value: Value) -> str:
    text = value.text or value_text(value.value, unit=value.unit)
    return f"{text}（{value.source}）" if value.kind == "parameter" and value.source else text


def never_taken_in(region_code: str) -> frozenset[str]:
    """Department files of which the county has no row at all; measures are written here as well, so none is none."""
    rows = DepartmentRecord.objects.filter(code_range(region_code[:COUNTY_DIGITS]), retired_by=None)
    return frozenset(kind for kind in department_kinds() if kind != "measure" and not rows.filter(kind=kind).exists())


def frozen(found: list[Condition]) -> list[dict[str, Any]]:
    """The conditions as a paper of a case keeps them."""
    return [
        {
            "key": one.key,
            "title": one.title,
            "state": one.state,
            "text": one.text,
            "basis": one.basis,
            "values": [list(pair) for pair in one.values],
        }
        for one in found
    ]


def unmet(content: list[dict[str, Any]]) -> list[str]:
    """What in such a paper stands in the way, in words."""
    return [f"{one['title']}：{TITLES[one['state']]}。{one['text']}" for one in content if one["state"] != MET]


def changed_at(household: Household) -> dt.datetime:
    """When anything the conditions look at was last changed: the file, its people, what departments sent."""
    people = household.members.aggregate(at=Max("updated_at"))["at"]
    rows = DepartmentRecord.objects.filter(household=household)
    came = rows.aggregate(at=Max("source__created_at"), gone=Max("retired_by__created_at"))
    return max(at for at in (household.updated_at, people, came["at"], came["gone"]) if at is not None)
