"""Which deprivations a county measures, with what weights and cutoff, read from YAML.

``profiles/county.yaml`` is the one shipped; a county may hand in its own. A deprivation is a finding of the rules, so
that it is decided as in screening (unknown included), or a column of the household file and the values that mean
deprived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from huqing.policies.poverty.deprivation import Indicator
from huqing.rules.entities import HOUSEHOLD, entities

SHIPPED = Path(__file__).parent / "profiles" / "county.yaml"
PARTS = {"title", "status", "source", "cutoff", "dimensions"}
INDICATOR_PARTS = ({"key", "title", "weight", "finding"}, {"key", "title", "weight", "column", "values"})


class ProfileError(ValueError):
    """The file is not understood; the message names it, what is wrong and what to write."""


@dataclass(frozen=True)
class Deprivation:
    """An indicator and where its answer comes from: a finding, or a household column and the values meaning yes."""

    indicator: Indicator
    finding: str = ""
    column: str = ""
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Deprivations:
    """All deprivations measured together."""

    title: str
    status: str
    source: str
    cutoff: Fraction
    items: tuple[Deprivation, ...]


def read(file: Path = SHIPPED) -> Deprivations:
    """The deprivations of a file. ProfileError for anything not understood."""
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ProfileError(f"{file.name} 读不出来（{error}）。请检查文件路径、编码（UTF-8）和缩进。") from error
    if not isinstance(raw, dict) or set(raw) != PARTS or not isinstance(raw["dimensions"], dict):
        raise ProfileError(f"{file.name} 须有且只有 {'、'.join(sorted(PARTS))} 五项，dimensions 下按维度列出指标。")
    items = [
        _item(file.name, str(dimension), entry)
        for dimension, listed in raw["dimensions"].items()
        for entry in listed or ()
    ]
    keys = [item.indicator.key for item in items]
    doubled = next((key for key in keys if keys.count(key) > 1), None)
    if doubled:
        raise ProfileError(f"{file.name} 中指标 {doubled} 写了两次。请删去一个或换一个代号。")
    total = sum((item.indicator.weight for item in items), Fraction(0))
    if total != 1:
        raise ProfileError(f"{file.name} 中各指标权重合计是 {total}，应为 1。请改正权重，例如 1/4、1/8。")
    cutoff = _fraction(file.name, "cutoff", raw["cutoff"])
    if cutoff > 1:
        raise ProfileError(f"{file.name} 的 cutoff 是 {cutoff}，不能超过 1。请写占全部权重的比重，例如 1/3。")
    return Deprivations(str(raw["title"]), str(raw["status"]), str(raw["source"]), cutoff, tuple(items))


def _item(name: str, dimension: str, entry: Any) -> Deprivation:
    if not isinstance(entry, Mapping) or set(entry) not in INDICATOR_PARTS:
        raise ProfileError(
            f"{name} 的维度“{dimension}”中有一项写得不对：{entry}。"
            "请写 key、title、weight 和 finding（规则代号），或 key、title、weight、column 和 values。"
        )
    key = str(entry["key"])
    indicator = Indicator(key, str(entry["title"]), dimension, _fraction(name, key, entry["weight"]))
    if "finding" in entry:
        return Deprivation(indicator, finding=str(entry["finding"]))
    column, values = str(entry["column"]), entry["values"]
    if column not in entities()[HOUSEHOLD].columns:
        raise ProfileError(f"{name} 的指标 {key} 用了户表没有的列 {column}。可用的列见 docs/generated/fields.md。")
    if not isinstance(values, list) or not values:
        raise ProfileError(f"{name} 的指标 {key} 没有写哪些取值算剥夺。请在 values 中列出，例如 [false]。")
    return Deprivation(indicator, column=column, values=tuple(values))


def _fraction(name: str, key: str, raw: Any) -> Fraction:
    try:
        value = Fraction(str(raw))
    except (ValueError, ZeroDivisionError):
        raise ProfileError(f"{name} 的 {key} 是“{raw}”，不是数。请写成 1/3 或 0.25 的形式。") from None
    if value <= 0:
        raise ProfileError(f"{name} 的 {key} 是 {raw}，须大于零。")
    return value
