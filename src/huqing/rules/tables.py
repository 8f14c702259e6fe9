"""The tables of a plan while it grows: what each has as columns, and computing what their rows allow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ibis

from huqing.rules.calls import Caller, ibis_type
from huqing.rules.entities import COUNTY, HOUSEHOLD, PERSON, VILLAGE
from huqing.rules.language import Rule
from huqing.rules.library import IN_SCOPE, Input, Node
from huqing.rules.plans import FLAG, Step
from huqing.rules.sql import sql_of

LINKS = ("id", "household_id", "person_id")
VILLAGE_LINK = "region_code"
RESULT = "_result"
VALUE_BYTES = 8  # of a value while tables are joined, hash tables included
PEOPLE = 3.55  # in a household


class Tables:
    """The rows of every entity, and what is still to be computed (``pending``) or looked up elsewhere."""

    def __init__(
        self, caller: Caller, findings: list[str], *, county_given: bool, keep_values: bool, dialect: str
    ) -> None:
        self.caller, self.library, self.findings = caller, caller.library, findings
        self.county_given, self.keep, self.dialect = county_given, keep_values, dialect
        self.county: dict[str, Any] = {}
        self.steps: list[Step] = []
        closure = self._closure()
        self.rules: dict[Node, Rule] = {
            n: self.library.rules[n] for n in self.library.order if n in closure and n in self.library.rules
        }
        self.inputs: dict[Node, tuple[Input, ...]] = {node: self.library.inputs[node] for node in self.rules}
        self.flags: dict[str, Node] = {}
        for key in findings:
            rule = self.library.findings[key]
            self.flags[key] = Node(rule.of, f"{FLAG}{key}")
            self.rules[self.flags[key]] = rule
            self.inputs[self.flags[key]] = self.library.finding_inputs[key]
        self.pending = list(self.rules)
        self.undecided: dict[str, list[Node]] = {}
        self.lookups: set[tuple[str, Node]] = set()
        for node, rule in self.rules.items():
            self._note_lookups(rule.over or rule.of, (item.node for item in self.inputs[node]))
        for key in findings:
            self._note_lookups(self.library.findings[key].of, self.library.roots(key))
        self.tables: dict[str, Any] = {}
        self.columns: dict[str, dict[Node, str]] = {}
        self.heavy: set[str] = set()
        self.read: dict[str, list[str]] = {}
        self._open_tables(closure)

    def _closure(self) -> set[Node]:
        return self.library.closure(self.findings)

    def _note_lookups(self, reader: str, nodes: Iterable[Node | None]) -> None:
        self.lookups |= {(reader, node) for node in nodes if node and node.entity != reader}

    def _open_tables(self, closure: set[Node]) -> None:
        groupings = self.library.groupings
        involved = {node.entity for node in closure} | {rule.over or rule.of for rule in self.rules.values()}
        involved |= {groupings[name].over for name in involved & set(groupings)}
        for entity in sorted(involved - {COUNTY} - set(groupings)):
            types = self.library.tables[entity].columns
            used = {node.name for node in closure if node.entity == entity and node not in self.rules}
            if VILLAGE in involved and entity in (HOUSEHOLD, PERSON, VILLAGE):
                used.add(VILLAGE_LINK)
            used |= {*LINKS, *self.library.links(entity)}
            self.read[entity] = [name for name in types if name in used]
            self.tables[entity] = self._stored(entity)
            self.columns[entity] = {Node(entity, name): name for name in self.read[entity]}

    def _stored(self, entity: str) -> Any:
        types = self.library.tables[entity].columns
        return ibis.table({name: ibis_type(types[name]) for name in self.read[entity]}, name=entity)

    def _levels(self) -> None:
        """Compute every variable and finding whose inputs are there, level by level."""
        progress = True
        while progress:
            progress = False
            for entity in list(self.tables):
                ready = [
                    node
                    for node in self.pending
                    if node.entity == entity and self.rules[node].kind != "aggregate" and self._has_inputs(node)
                ]
                if ready:
                    later = set() if self.keep else set(self.flags.values())
                    self.undecided.setdefault(entity, []).extend(node for node in ready if node in later)
                    self._compute(entity, [node for node in ready if node not in later])
                    self.pending = [node for node in self.pending if node not in ready]
                    progress = True

    def _compute(self, entity: str, nodes: list[Node]) -> None:
        if nodes:
            new = {node.name: self._value(node, entity) for node in nodes}
            self.tables[entity] = self.tables[entity].mutate(**new)
            self.columns[entity].update({node: node.name for node in nodes})

    def _has_inputs(self, node: Node) -> bool:
        rule = self.rules[node]
        have = self.columns.get(rule.over or rule.of, {})
        scope = self._scope(rule)
        return (scope is None or scope in have) and all(item.node in have for item in self.inputs[node] if item.node)

    def _scope(self, rule: Rule) -> Node | None:
        """The variable that says whether a finding is decided for a row at all."""
        scope = Node(rule.of, IN_SCOPE)
        return scope if rule.kind == "finding" and rule.scoped and scope in self.rules else None

    def _reads(self, node: Node) -> set[Node]:
        """The values of the same row a rule reads."""
        return {node for node in (*(item.node for item in self.inputs[node]), self._scope(self.rules[node])) if node}

    def _value(self, node: Node, entity: str) -> Any:
        rule, table, have = self.rules[node], self.tables[entity], self.columns[entity]
        result = self.caller.call(rule, self.inputs[node], table, have)
        scope = self._scope(rule)
        return result if scope is None else table[have[scope]] & result

    def _value_or_column(self, node: Node) -> Any:
        column = self.columns[node.entity].get(node)
        return self.tables[node.entity][column] if column else self._value(node, node.entity)

    def _step(self, name: str, table: Any, *, whole: bool = False) -> Any:
        sql = sql_of(table, self.dialect, few_rows=self.county_given and not self.keep)
        rows = 1 if name.startswith(HOUSEHOLD) else PEOPLE
        weight = 0 if whole or RESULT in name else round(rows * VALUE_BYTES * len(table.columns))
        self.steps.append(Step(name, sql, whole, weight))
        return ibis.table(table.schema(), name=name)
