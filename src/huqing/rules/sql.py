"""Ibis expressions as SQL text that means what the expression means."""

from __future__ import annotations

from typing import Any

import ibis.backends.sql.compilers as compilers
from sqlglot import exp


def sql_of(table: Any, dialect: str = "duckdb") -> str:
    """The SELECT of a table expression.

    Ibis writes ``(~a).isnull()`` as ``NOT a IS NULL``, which SQL reads as ``NOT (a IS NULL)``; here every operand that is
    itself an operator gets its parentheses.
    """
    compiler = getattr(compilers, dialect).compiler
    tree = compiler.to_sqlglot(table)
    operators = (exp.Not, exp.Is, exp.In, exp.Between, exp.Binary)
    for node in list(tree.find_all(*operators)):
        if isinstance(node.parent, (*operators, exp.Neg)) and not isinstance(node, exp.Dot):
            wrapper = exp.Paren()
            node.replace(wrapper)
            wrapper.set("this", node)
    return str(tree.sql(dialect=compiler.dialect))
