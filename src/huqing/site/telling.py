"""An explanation as indented text, for the command line."""

from __future__ import annotations

from collections.abc import Iterator

from huqing.registry.models import Household
from huqing.rules.explain import Decision, Explanation, Value

ORDER = {"found": 0, "unknown": 1, "not": 2}
STATE = {"found": "成立", "unknown": "数据不足", "not": "不成立"}
INDENT = "    "


def as_text(explanation: Explanation, household: Household) -> str:
    """What holds first, then what could not be judged, then what does not hold (by title only)."""
    names = dict(household.members.values_list("pk", "name"))
    lines = [f"{household.head_name}户（{household.number}），截至 {explanation.as_of:%Y-%m-%d}"]
    decisions = sorted(explanation.decisions, key=lambda d: (ORDER[d.state], d.finding, d.person_id or 0))
    several = len({decision.finding for decision in decisions}) > 1
    for decision in decisions:
        if several and decision.state == "not":
            continue
        lines += ["", *_decision(decision, names)]
    if several:
        told = {decision.title for decision in decisions if decision.state != "not"}
        fine = sorted({decision.title for decision in decisions} - told)
        lines += ["", f"不成立的规则 {len(fine)} 条：{'、'.join(fine)}"]
    for finding, reason in explanation.not_run.items():
        lines.append(f"没有运行：{finding}，{reason}")
    return "\n".join(lines)


def _decision(decision: Decision, names: dict[int, str]) -> Iterator[str]:
    whose = f"　{names.get(decision.person_id, '')}" if decision.person_id else ""
    yield f"［{STATE[decision.state]}］{decision.title}{whose}"
    yield f"{INDENT}规则：{decision.sentence}"
    yield f"{INDENT}依据：{decision.basis}"
    if decision.missing:
        yield f"{INDENT}缺少：{'、'.join(decision.missing)}"
    for value in decision.tree.inputs:
        yield from _value(value, 1)
    if decision.state == "found":
        yield f"{INDENT}解决：{decision.resolve}"


def _value(value: Value, depth: int) -> Iterator[str]:
    origin = f"（{value.source}，{value.since} 起）" if value.source else ""
    count = f"（{value.row_title} {value.row_count} 行）" if value.row_count else ""
    yield f"{INDENT * depth}· {value.title}：{value.text}{origin}{count}"
    for child in value.inputs:
        yield from _value(child, depth + 1)
    for row in value.rows:
        yield f"{INDENT * (depth + 1)}- {'；'.join(f'{item.title} {item.text}' for item in row.values)}"
