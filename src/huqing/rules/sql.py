"""Ibis expressions as SQL text that means what the expression means."""

from __future__ import annotations

from typing import Any

from ibis.backends.sql import compilers
from sqlglot import exp

OPERATORS = (exp.Not, exp.Is, exp.In, exp.Between, exp.Binary)


def sql_of(table: Any, dialect: str = "duckdb") -> str:
    """The SELECT of a table expression.

    Ibis writes ``(~a).isnull()`` as ``NOT a IS NULL``, which SQL reads as ``NOT (a IS NULL)``; here every operand that
    is itself an operator gets its parentheses. A sum cast twice (``logic.total``) is cast once.
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
        if isinstance(inner, exp.Cast) and isinstance(inner.this, exp.Sum):
            node.set("this", inner.this)
    return str(tree.sql(dialect=compiler.dialect))
