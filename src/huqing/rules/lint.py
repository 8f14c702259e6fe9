"""Refuses expressions that mean something else on Spark than on DuckDB, before a county is screened with them.

Every rule is called with columns of the right types and its expression walked. What is written here was run on both
engines (tests/rules/test_spark_expressions.py); an operation nobody has compared yet is refused too, so that a rule
can never silently depend on the engine. The error names the line and what to write instead.
"""

from __future__ import annotations

import ast
import datetime
import inspect
import textwrap
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, NoReturn

import ibis
import ibis.expr.operations as ops

from huqing.rules.calls import Caller, ibis_type
from huqing.rules.errors import Place, RuleError
from huqing.rules.language import Aggregate, Rule
from huqing.rules.library import Input, Library, Node
from huqing.rules.lint_operations import ALLOWED, REFUSED, Refusal, conditional, result

UNCOMPARED = Refusal(
    "用了 {name}，还没有在两个引擎上核对过",
    "改用 rules/logic.py 里的写法；确有需要的，先在 tests/rules/test_spark_expressions.py 里核对，"
    "再登记到 rules/lint_operations.py",
)


class _Values(Caller):
    """Calls rules with some value of each parameter: what an expression is made of hardly depends on the amounts."""

    def _constant(self, item: Input, table: Any, have: Any) -> Any:
        if not item.parameter:
            return self.as_of
        first = self.library.parameters[item.parameter].values[0]
        dated = Caller(self.library, as_of=first.since, region=first.region or self.region)
        return dated._constant(item, table, have)


def check(library: Library) -> dict[Node, Any]:
    """The type of every variable's values; RuleError for the first rule whose answer could differ between engines."""
    caller = _Values(library, as_of=datetime.date(2025, 6, 30), region="000000")
    types: dict[Node, Any] = {}
    for node in library.order:
        if node in library.rules:
            rule = library.rules[node]
            types[node] = check_rule(library, caller, rule, library.inputs[node], types)
    for key, rule in library.findings.items():
        check_rule(library, caller, rule, library.finding_inputs[key], types)
    return types


def check_rule(library: Library, caller: Caller, rule: Rule, inputs: Iterable[Input], types: dict[Node, Any]) -> Any:
    """The type of a rule's result; RuleError if its expression is refused."""
    given = tuple(inputs)
    nodes = [item.node for item in given if item.node]
    columns = {f"{node.entity}__{node.name}": _type(library, node, types) for node in nodes}
    table = ibis.table(columns or {"id": "int64"}, name=rule.over or rule.of)
    made = caller.call(rule, given, table, {node: f"{node.entity}__{node.name}" for node in nodes})
    expression = made.expression if isinstance(made, Aggregate) else made
    refuse(rule, expression)
    if isinstance(made, Aggregate) and isinstance(made.empty, Decimal | float):
        refuse(rule, ibis.literal(made.empty))
    return expression.type()


def _type(library: Library, node: Node, types: dict[Node, Any]) -> Any:
    stored = library.stored(node)
    for known in (node, stored):
        if known in types:
            return types[known]
    return ibis_type(library.tables[stored.entity].columns[stored.name])


def refuse(rule: Rule, expression: Any) -> None:
    """RuleError, with the line if it can be told, when the expression contains what the engines do differently."""
    seen: set[Any] = set()
    waiting: list[tuple[Any, Any]] = [(expression.op(), None)]
    while waiting:
        operation, parent = waiting.pop()
        if isinstance(operation, ops.Relation) or (operation, type(parent)) in seen:
            continue
        seen.add((operation, type(parent)))
        refusal, below = _judge(operation, parent)
        if refusal is not None:
            _raise(rule, refusal, type(operation).__name__)
        waiting.extend((child, operation) for child in below)
    if unfit := result(expression.op()):
        _raise(rule, unfit, "")


def _raise(rule: Rule, refusal: Refusal, name: str) -> NoReturn:
    problem = refusal.problem.format(name=name)
    raise RuleError(_line(rule, refusal.written), f"规则 {rule.name} {problem}", refusal.remedy)


def _judge(operation: Any, parent: Any) -> tuple[Refusal | None, tuple[Any, ...]]:
    """Why an operation is refused, if it is, and what is still to be looked at below it."""
    name = type(operation).__name__
    check_operation: Callable[..., tuple[Refusal | None, tuple[Any, ...]]] | None = conditional(name)
    if check_operation is not None:
        return check_operation(operation, parent)
    if name in ALLOWED:
        return None, operation.__children__
    return REFUSED.get(name, UNCOMPARED), ()


def _line(rule: Rule, written: frozenset[str]) -> Place:
    """The line of the rule on which one of the refused names or operators stands, else where the rule begins."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(rule.function)))
    except (OSError, SyntaxError):
        return rule.place
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in written)
        or (isinstance(node, ast.BinOp) and type(node.op).__name__ in written)
    ]
    return Place(rule.place.file, rule.place.line + min(lines) - 1) if lines else rule.place
