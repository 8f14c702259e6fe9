"""Plans that compute chosen values of every row of a table, instead of deciding findings."""

from __future__ import annotations

import datetime
from collections.abc import Sequence, Set
from typing import Any

import ibis

from huqing.rules.calls import Caller
from huqing.rules.compiler import _Compiler
from huqing.rules.errors import RuleError
from huqing.rules.library import Library, Node
from huqing.rules.plans import Plan


def wanted_nodes(library: Library, of: str, names: Sequence[str]) -> dict[str, Node]:
    """The values of a table by name; RuleError naming what is near if there is no such table or value."""
    if of not in library.tables and of not in library.groupings:
        raise RuleError("计算", f"没有表 {of}", library.suggest(of, (*library.tables, *library.groupings)))
    known = [*library.columns_of(of), *(node.name for node in library.rules if node.entity == of)]
    for name in names:
        if name not in known:
            raise RuleError("计算", f"表 {of} 没有变量 {name}", library.suggest(name, known))
    return {name: Node(of, name) for name in names}


def compile_values(
    library: Library, *, of: str, names: Sequence[str], as_of: datetime.date, region: str, dialect: str = "duckdb"
) -> Plan:
    """The plan whose last step has a row per row of ``of``: its id, the rows it belongs to, and the named values.

    ``values`` of the plan holds that step and its columns. Raises RuleError for a name that does not exist and
    ParameterError for a parameter without any value in the region on the run's day; a parameter looked up by a date of
    the row (``At``) is simply unknown where it has none.
    """
    wanted = wanted_nodes(library, of, names)
    fused = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = False
    try:
        return _Values(Caller(library, as_of=as_of, region=region), of, wanted, dialect).plan({})
    finally:
        ibis.options.sql.fuse_selects = fused


class _Values(_Compiler):
    def __init__(self, caller: Caller, of: str, wanted: dict[str, Node], dialect: str) -> None:
        self.of, self.wanted = of, wanted
        super().__init__(caller, [], county_given=False, keep_values=False, dialect=dialect)

    def _closure(self) -> set[Node]:
        return self.library.below(self.wanted.values())

    def _needed(self, entity: str, up: Set[Node] = frozenset(), down: Set[tuple[str, Node]] = frozenset()) -> set[Node]:
        have = self.columns[entity]
        return super()._needed(entity, up, down) | {node for node in self.wanted.values() if node in have}

    def plan(self, not_run: dict[str, str]) -> Plan:
        done = super().plan(not_run)
        table, have = self.tables[self.of], self.columns[self.of]
        keys = [name for name in table.columns if name == "id" or name in self._links()]
        columns = {**{key: key for key in keys}, **{name: have[node] for name, node in self.wanted.items()}}
        chosen = table.select(**{name: _wide(table[column]) for name, column in columns.items()})
        last = f"{self.of}_computed"
        self._step(last, chosen)
        return Plan(tuple(self.steps), done.columns, {}, {self.of: (last, {name: name for name in columns})})

    def _links(self) -> set[str]:
        return {"household_id", "person_id", *self.library.links(self.of)}


def _wide(value: Any) -> Any:
    return value.cast("int64") if value.type().is_integer() else value
