"""Why two records might be one person, field by field, for a clerk. Sealed values are only ever equal or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from huqing.matching import model


class Agreement(TypedDict):
    """One line of an explanation. `weight` is in bits: +10 makes one person a thousand times likelier."""

    field: str
    row: str
    person: str
    agreement: str
    weight: float


_FIELDS = (
    ("name", "姓名", "shown_name"),
    ("born", "出生日期", "born"),
    ("place", "所在村", "village"),
    ("sex", "性别", "sex"),
    ("idt", "证件号码", ""),
    ("phone", "联系电话", ""),
)
_SEX = {"1": "男", "2": "女"}


def explain(pair: Mapping[str, Any]) -> list[Agreement]:
    """The lines of one scored pair, the heaviest evidence first; fields that are missing on a side say so, weight 0."""
    lines = [_line(pair, comparison, field, column) for comparison, field, column in _FIELDS]
    return sorted(lines, key=lambda line: -abs(line["weight"]))


def _line(pair: Mapping[str, Any], comparison: str, field: str, column: str) -> Agreement:
    level = pair[f"gamma_{comparison}"]
    weight = (pair.get(f"mw_{comparison}") or 0.0) + (pair.get(f"mw_tf_adj_{comparison}") or 0.0)
    row, person = _shown(pair, column, comparison, "l"), _shown(pair, column, comparison, "r")
    agreement = model.labels(comparison)[level] if level >= 0 else "缺，无法比对"
    return {"field": field, "row": row, "person": person, "agreement": agreement, "weight": round(weight, 2)}


def _shown(pair: Mapping[str, Any], column: str, comparison: str, side: str) -> str:
    if not column:
        return "已填" if pair[f"{comparison}_{side}"] else "未填"
    if comparison == "place":
        names = (pair[f"{name}_{side}"] for name in ("village_name", "village", "town_name", "town"))
        return next((name for name in names if name), "未填")
    value = pair[f"{column}_{side}"]
    return _SEX.get(value, value) if value else "未填"
