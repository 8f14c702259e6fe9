"""Calling a rule's function: arguments bound, the result's type checked against what the rule declares."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from huqing.rules.errors import RuleError
from huqing.rules.language import Aggregate, Latest, Rule
from huqing.rules.library import Input, Library, Node
from huqing.rules.logic import latest_row
from huqing.rules.settings import dated_setting, setting

_TYPES = {
    "BIGINT": "int64",
    "INTEGER": "int32",
    "VARCHAR": "string",
    "VARCHAR[]": "array<string>",
    "DATE": "date",
    "BOOLEAN": "boolean",
}


class Caller:
    """Calls rules for one day and region."""

    def __init__(self, library: Library, *, as_of: datetime.date, region: str) -> None:
        self.library, self.as_of, self.region = library, as_of, region

    def call(self, rule: Rule, inputs: tuple[Input, ...], table: Any, have: Mapping[Node, str]) -> Any:
        """The rule's expression (or ``Aggregate``) over the columns of ``table``; RuleError if it fails or is wrong."""
        arguments = {
            item.argument.name: table[have[item.node]] if item.node else self._constant(item, table, have)
            for item in inputs
            if item.argument.role != "at"
        }
        try:
            result = rule.function(**arguments)
        except Exception as error:
            raise RuleError(
                rule.place, f"规则 {rule.name} 无法计算（{error}）", "检查参与运算的列的类型是否相配"
            ) from error
        if (rule.kind == "aggregate") != isinstance(result, Aggregate):
            raise RuleError(
                rule.place, f"规则 {rule.name} 的返回值不对", "汇总规则返回 any_of、total 等的结果，其他规则返回列"
            )
        _check_type(rule, result.expression if isinstance(result, Aggregate) else result)
        return result

    def _constant(self, item: Input, table: Any, have: Mapping[Node, str]) -> Any:
        if not item.parameter:
            return self.as_of
        parameter = self.library.parameters[item.parameter]
        if item.at is not None:
            day = table[have[item.at]]
            values = [(since, dated.value) for since, dated in parameter.timeline(self.region)]
            return dated_setting(parameter, day, values)
        return setting(parameter, self.library.parameters.require(item.parameter, self.as_of, self.region).value)


def _check_type(rule: Rule, expression: Any) -> None:
    if not hasattr(expression, "type"):
        raise RuleError(rule.place, f"规则 {rule.name} 返回的不是列", "返回由参数算出的列，不要返回固定值")
    kind = expression.type()
    if rule.kind == "finding" and not kind.is_boolean():
        raise RuleError(rule.place, f"规则 {rule.name} 的结果是 {kind}，不是“是/否”", "返回比较或逻辑运算的结果")
    if rule.unit.startswith("元") and not kind.is_integer():
        raise RuleError(
            rule.place,
            f"规则 {rule.name} 的单位是“{rule.unit}”，结果却是 {kind}",
            "金额须为整数分，用 per_head 等取整",
        )
    if rule.unit and not kind.is_numeric():
        raise RuleError(rule.place, f"规则 {rule.name} 写了单位“{rule.unit}”，结果却是 {kind}", "去掉 unit=")
    if kind.is_floating():
        raise RuleError(rule.place, f"规则 {rule.name} 的结果是浮点数，各次计算可能不同", "改用整数或精确小数")


def grouped_by(rows: Any, keys: Sequence[str], results: Mapping[str, Aggregate], *, count: bool) -> Any:
    """``rows`` grouped by the keys with all aggregates; values of the same latest row are found together.

    With ``count`` the number of rows is added as ``rows_``.
    """
    plain = {name: result.expression for name, result in results.items() if result.latest is None}
    shared: dict[Any, dict[str, Latest]] = {}
    for name, result in results.items():
        if result.latest:
            parts = (result.latest.by, result.latest.row, result.latest.where)
            key = tuple(None if part is None else part.op() for part in parts)
            shared.setdefault(key, {})[name] = result.latest
    packed = {}
    for number, values in enumerate(shared.values()):
        one = next(iter(values.values()))
        fields = {f"value_{name}": latest.value for name, latest in values.items()}
        packed[f"latest_{number}"] = latest_row(fields, by=one.by, row=one.row, where=one.where)
    extra = {"rows_": rows.count()} if count else {}
    grouped = rows.group_by(*keys).aggregate(**plain, **packed, **extra)
    taken = {
        name: grouped[f"latest_{number}"][f"value_{name}"]
        for number, values in enumerate(shared.values())
        for name in values
    }
    return grouped.mutate(**taken).drop(*packed) if packed else grouped


def ibis_type(name: str) -> str:
    """The Ibis type of a declared DuckDB type."""
    return _TYPES.get(name) or name.lower()


def duckdb_type(kind: Any) -> str:
    """The DuckDB type of an Ibis type."""
    return next((name for name, ours in _TYPES.items() if ours == str(kind)), "VARCHAR")
