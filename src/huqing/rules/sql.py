"""Ibis expressions as SQL text that means what the expression means."""

from __future__ import annotations

from typing import Any

from ibis.backends.sql import compilers
from sqlglot import exp, parse_one

OPERATORS = (exp.Not, exp.Is, exp.In, exp.Between, exp.Binary)
CHEAP_PARTS = {
    "year": "date_diff('year', DATE '1970-01-01', moment) + 1970",
    "month": "date_diff('month', date_trunc('year', moment), moment) + 1",
    "day": "date_diff('day', date_trunc('month', moment), moment) + 1",
}


def sql_of(table: Any, dialect: str = "duckdb", *, few_rows: bool = False) -> str:
    """The SELECT of a table expression; with ``few_rows`` written for the few rows of one household in DuckDB.

    Ibis writes ``(~a).isnull()`` as ``NOT a IS NULL``, which SQL reads as ``NOT (a IS NULL)``; here every operand that
    is itself an operator gets its parentheses. A sum cast twice (as in ``logic.total``) is cast once.
    """
    compiler = getattr(compilers, dialect).compiler
    tree = compiler.to_sqlglot(table)
    for node in list(tree.find_all(*OPERATORS)):
        parent = node.parent
        is_null_test = isinstance(parent, exp.Is) and node is parent.expression
        if isinstance(parent, (*OPERATORS, exp.Neg)) and not isinstance(node, exp.Dot) and not is_null_test:
            wrapper = exp.Paren()
            node.replace(wrapper)
            wrapper.set("this", node)
    for node in list(tree.find_all(exp.Cast)):
        inner = node.this
        summed = inner.this if isinstance(inner, exp.Cast) else None
        if isinstance(summed, exp.Sum) or (isinstance(summed, exp.Window) and isinstance(summed.this, exp.Sum)):
            node.set("this", inner.this)
    if few_rows:
        _quick_to_start(tree)
    return str(tree.sql(dialect=compiler.dialect))


def _quick_to_start(tree: Any) -> None:
    """Write the same in what DuckDB needs the least time to get ready for, which for few rows is nearly all the time.

    A hash join costs some 6 µs for each column it passes on, a nested loop 2: equal keys are asked for as "not larger
    and not smaller". Asking a date for its year, month or day fills a table of 80 years first (150 µs each).
    """
    for join in tree.find_all(exp.Join):
        condition = join.args.get("on")
        for equal in list(condition.find_all(exp.EQ)) if condition else ():
            one, other = equal.this, equal.expression
            if isinstance(one, exp.Column) and isinstance(other, exp.Column):
                same = exp.and_(exp.LTE(this=one.copy(), expression=other.copy()), exp.GTE(this=one, expression=other))
                join.set("on", same) if equal is condition else equal.replace(exp.Paren(this=same))
    for part in list(tree.find_all(exp.Extract)):
        cheap = parse_one(CHEAP_PARTS[part.this.name.lower()], dialect="duckdb")
        for moment in [column for column in cheap.find_all(exp.Column) if column.name == "moment"]:
            moment.replace(part.expression.copy())
        part.replace(exp.Paren(this=cheap))
