"""From rules to SQL: functions are called level by level, each level is one ``mutate``, joins come once per pair.

Inlining every rule into one expression grows exponentially, so a level names its results before the next reads them. A
table that two others read is built once and kept. All aggregates over the same rows share one GROUP BY, all values
looked up in the same table share one join.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence, Set
from decimal import Decimal
from typing import Any, NamedTuple

import ibis
import ibis.expr.datatypes as dt

from huqing.rules.entities import COUNTY, SUBJECTS, entities
from huqing.rules.errors import RuleError
from huqing.rules.language import Aggregate, Rule
from huqing.rules.library import IN_SCOPE, Input, Library, Node
from huqing.rules.parameters import DECIMAL_DIGITS
from huqing.rules.plans import FLAG, Outcome, Plan, Step
from huqing.rules.selection import runnable
from huqing.rules.sql import sql_of

LINKS = ("id", "household_id", "person_id")
COUNTY_TABLE = "county_facts"
_TYPES = {
    "BIGINT": "int64",
    "INTEGER": "int32",
    "VARCHAR": "string",
    "VARCHAR[]": "array<string>",
    "DATE": "date",
    "BOOLEAN": "boolean",
}


def compile_plan(
    library: Library,
    *,
    as_of: datetime.date,
    region: str,
    findings: Sequence[str] | None = None,
    empty: Set[str] = frozenset(),
    one_household: bool = False,
    keep_values: bool = False,
) -> Plan:
    """The plan that decides the findings (all by default) on one day in one region.

    Findings that cannot be decided at all (a parameter without a value, a department file never taken in: ``empty``)
    are left out and listed in ``not_run``. With ``one_household`` what concerns the whole county is read from a table
    ``county_facts`` instead of being computed, and findings that compare households are left out. With ``keep_values``
    every intermediate value of every row stays readable, for explanation.
    """
    chosen, not_run = runnable(library, as_of=as_of, region=region, findings=findings, empty=empty)
    if one_household and not keep_values:
        chosen = [key for key in chosen if key not in library.countywide]
    fused = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = False
    try:
        return _Compiler(
            library,
            as_of=as_of,
            region=region,
            findings=chosen,
            county_given=one_household,
            keep_values=keep_values,
        ).plan(not_run)
    finally:
        ibis.options.sql.fuse_selects = fused


class Pair(NamedTuple):
    """Two tables of which one is to receive values from the other: up by aggregation, down by look-up."""

    direction: str
    target: str
    source: str


class _Compiler:
    def __init__(
        self,
        library: Library,
        *,
        as_of: datetime.date,
        region: str,
        findings: list[str],
        county_given: bool,
        keep_values: bool,
    ) -> None:
        self.library, self.as_of, self.region, self.findings = library, as_of, region, findings
        self.county_given, self.keep = county_given, keep_values
        self.county_types: dict[str, str] = {}
        self.county_schema: dict[str, Any] = {}
        self.steps: list[Step] = []
        closure = library.closure(findings)
        self.pending = [node for node in library.order if node in closure and node in library.rules]
        self.lookups: set[tuple[str, Node]] = set()
        for node in self.pending:
            rule = library.rules[node]
            self._note_lookups(rule.over or rule.of, (i.node for i in library.inputs[node]))
        for key in findings:
            self._note_lookups(library.findings[key].of, library.roots(key))
        self.leaves: dict[str, set[str]] = {}
        for node in closure - set(library.rules):
            if node.entity not in library.groupings:
                self.leaves.setdefault(node.entity, set()).add(node.name)
        self.tables: dict[str, Any] = {}
        self.columns: dict[str, dict[Node, str]] = {}
        self.heavy: set[str] = set()
        self.read: dict[str, list[str]] = {}
        involved = (
            {n.entity for n in closure}
            | {library.rules[n].over for n in self.pending}
            | {library.findings[key].of for key in findings}
        )
        involved |= {library.groupings[name].over for name in involved & set(library.groupings)}
        for entity in sorted(involved - {"", COUNTY} - set(library.groupings)):
            self._open(entity)

    def _note_lookups(self, reader: str, nodes: Iterable[Node | None]) -> None:
        self.lookups |= {(reader, node) for node in nodes if node and node.entity != reader}

    def _open(self, entity: str) -> None:
        types = entities()[entity].columns
        needed = [c for c in types if c in LINKS or c in self.leaves.get(entity, ())]
        self.read[entity] = needed
        schema = {name: _ibis_type(types[name]) for name in needed}
        self.tables[entity] = ibis.table(schema, name=entity)
        self.columns[entity] = {Node(entity, name): name for name in needed}

    def plan(self, not_run: dict[str, str]) -> Plan:
        while self.pending or self.lookups:
            self._levels()
            if not self._join():
                break
        if self.pending or self.lookups:
            raise AssertionError(f"undecided: {self.pending} {self.lookups}")
        outcomes: dict[str, list[Outcome]] = {}
        results: dict[str, str] = {}
        for subject in SUBJECTS:
            chosen = [key for key in self.findings if self.library.findings[key].of == subject]
            if chosen:
                outcomes[subject] = self._decide(subject, chosen)
                results[subject] = f"{subject}_result"
        values = self._keep_all() if self.keep else {}
        return Plan(tuple(self.steps), self.read, outcomes, results, values, self.county_types, not_run)

    def _levels(self) -> None:
        """Compute every variable whose inputs are there, level by level."""
        progress = True
        while progress:
            progress = False
            for entity in list(self.tables):
                ready = [n for n in self.pending if n.entity == entity and self._is_plain(n) and self._has_inputs(n)]
                if ready:
                    table, have = self.tables[entity], self.columns[entity]
                    new = {
                        node.name: self._call(self.library.rules[node], self.library.inputs[node], entity)
                        for node in ready
                    }
                    self.tables[entity] = table.mutate(**new)
                    have.update({node: node.name for node in ready})
                    self.pending = [node for node in self.pending if node not in ready]
                    progress = True

    def _is_plain(self, node: Node) -> bool:
        return self.library.rules[node].kind == "variable"

    def _has_inputs(self, node: Node) -> bool:
        rule = self.library.rules[node]
        have = self.columns.get(rule.over or rule.of, {})
        return all(item.node in have for item in self.library.inputs[node] if item.node)

    def _call(self, rule: Rule, inputs: tuple[Input, ...], entity: str) -> Any:
        have, table = self.columns[entity], self.tables[entity]
        arguments = {
            item.argument.name: table[have[item.node]] if item.node else self._constant(item) for item in inputs
        }
        try:
            result = rule.function(**arguments)
        except Exception as error:
            raise RuleError(
                rule.place, f"规则 {rule.name} 无法计算（{error}）", "检查参与运算的列的类型是否相配"
            ) from error
        expression = result.expression if isinstance(result, Aggregate) else result
        if (rule.kind == "aggregate") != isinstance(result, Aggregate):
            raise RuleError(
                rule.place, f"规则 {rule.name} 的返回值不对", "汇总规则返回 any_of、total 等的结果，其他规则返回列"
            )
        self._check_type(rule, expression)
        return result if isinstance(result, Aggregate) else expression

    @staticmethod
    def _check_type(rule: Rule, expression: Any) -> None:
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

    def _constant(self, item: Input) -> Any:
        if not item.parameter:
            return self.as_of
        value = self.library.parameters.require(item.parameter, self.as_of, self.region).value
        if isinstance(value, Decimal):
            return ibis.literal(value, type=dt.Decimal(18, DECIMAL_DIGITS))
        return value

    def _join(self) -> bool:
        """Bring values across: every pair of tables that is complete, or else the one with most values ready.

        A table still waiting for values of its own is read only when nothing else can be done: it is then built once.
        """
        ready: dict[Pair, list[Node]] = {}
        waiting: set[Pair] = set()
        county_open = any(node.entity == COUNTY for node in self.pending)
        for node in self.pending:
            rule = self.library.rules[node]
            if rule.kind == "aggregate":
                pair = Pair("up", rule.of, rule.over)
                if self._has_inputs(node) and self._group_ready(rule):
                    ready.setdefault(pair, []).append(node)
                else:
                    waiting.add(pair)
        for child, node in sorted(self.lookups):
            pair = Pair("down", child, node.entity)
            has = node in self.columns.get(node.entity, {}) and child in self.tables
            if has and not (node.entity == COUNTY and county_open):
                ready.setdefault(pair, []).append(node)
            else:
                waiting.add(pair)
        complete = [pair for pair in ready if pair not in waiting]
        growing = {pair.target for pair in (*ready, *waiting)}
        settled = [pair for pair in complete if pair.source not in growing]
        chosen = settled or complete or sorted(ready, key=lambda pair: len(ready[pair]), reverse=True)[:1]
        self._settle({pair: ready[pair] for pair in chosen})
        for pair in chosen:
            (self._aggregate if pair.direction == "up" else self._look_up)(pair.target, pair.source, ready[pair])
        return bool(chosen)

    def _group_ready(self, rule: Rule) -> bool:
        group = self.library.groupings.get(rule.of)
        return group is None or all(Node(group.over, name) in self.columns[group.over] for name in group.by)

    def _settle(self, chosen: dict[Pair, list[Node]]) -> None:
        """Build a joined table once before others read it, if more than one reads it or it is needed again."""
        for source in sorted({pair.source for pair in chosen} & self.heavy):
            readers = [pair for pair in chosen if pair.source == source]
            up = {node for pair in readers if pair.direction == "up" for node in chosen[pair]}
            down = {(pair.target, node) for pair in readers if pair.direction == "down" for node in chosen[pair]}
            if source == COUNTY or len(readers) > 1 or self._needed(source, up, down):
                self._cut(source)

    def _needed(self, entity: str, up: Set[Node] = frozenset(), down: Set[tuple[str, Node]] = frozenset()) -> set[Node]:
        """The values of an entity's rows that something still to come reads; ``up`` and ``down`` are already served."""
        have = self.columns[entity]
        if self.keep:
            return set(have)
        needed: set[Node] = set()
        for node in self.pending:
            rule = self.library.rules[node]
            if node not in up and (rule.over or rule.of) == entity:
                needed |= {item.node for item in self.library.inputs[node] if item.node}
                group = self.library.groupings.get(rule.of)
                needed |= {Node(entity, name) for name in group.by} if group else set()
        needed |= {node for child, node in self.lookups - down if node.entity == entity}
        for key in self.findings:
            if self.library.findings[key].of == entity:
                needed |= self.library.roots(key)
        return needed & set(have)

    def _cut(self, entity: str) -> None:
        have, table = self.columns[entity], self.tables[entity]
        keys = {*LINKS, *self._by(entity)}
        needed = self._needed(entity)
        names = [column for node, column in have.items() if node in needed or column in keys]
        self.columns[entity] = {node: column for node, column in have.items() if column in names}
        name = COUNTY_TABLE if entity == COUNTY else f"{entity}_{len(self.steps) + 1}"
        self.tables[entity] = self._step(name, table.select(*names))
        self.heavy.discard(entity)

    def _by(self, entity: str) -> tuple[str, ...]:
        group = self.library.groupings.get(entity)
        own = [n for g in self.library.groupings.values() if g.over == entity for n in g.by]
        return (group.by if group else ()) + tuple(own)

    def _step(self, name: str, table: Any) -> Any:
        self.steps.append(Step(name, sql_of(table)))
        return ibis.table(table.schema(), name=name)

    def _aggregate(self, target: str, source: str, nodes: list[Node]) -> None:
        rows = self.tables[source]
        results: dict[str, Aggregate] = {
            node.name: self._call(self.library.rules[node], self.library.inputs[node], source) for node in nodes
        }
        values = {name: result.expression for name, result in results.items()}
        self.pending = [node for node in self.pending if node not in nodes]
        if target == COUNTY:
            self._add_county(rows.aggregate(**values), nodes)
            return
        keys = self.library.join_key(source, target)
        if keys is None:
            raise AssertionError(f"{source} does not belong to {target}")
        rows = rows.filter([rows[key].notnull() for key in keys[0]])
        grouped = rows.group_by(*keys[0]).aggregate(**values)
        if target in self.library.groupings and target not in self.tables:
            self.tables[target] = grouped
            self.columns[target] = {Node(target, name): name for name in grouped.columns}
            self.heavy.add(target)
            return
        renamed = grouped.rename({f"{source}__{key}": key for key in keys[0]})
        table = self.tables[target]
        joined = table.left_join(
            renamed, [table[own] == renamed[f"{source}__{key}"] for key, own in zip(*keys, strict=True)]
        )
        kept = [table[name] for name in table.columns]
        no_rows = renamed[f"{source}__{keys[0][0]}"].isnull()
        brought = [
            (renamed[name] if result.empty is None else ibis.ifelse(no_rows, result.empty, renamed[name])).name(name)
            for name, result in results.items()
        ]
        self.tables[target] = joined.select(*kept, *brought)
        self.columns[target].update({node: node.name for node in nodes})
        self.heavy.add(target)

    def _add_county(self, row: Any, nodes: list[Node]) -> None:
        have = self.columns.setdefault(COUNTY, {})
        have.update({node: node.name for node in nodes})
        if self.county_given:
            self.county_types |= {name: _duckdb_type(kind) for name, kind in row.schema().items()}
            self.county_schema |= dict(row.schema().items())
            self.tables[COUNTY] = ibis.table(self.county_schema, name=COUNTY_TABLE)
            return
        self.tables[COUNTY] = self.tables[COUNTY].cross_join(row) if COUNTY in self.tables else row
        self.county_types |= {name: _duckdb_type(kind) for name, kind in row.schema().items()}
        self.heavy.add(COUNTY)

    def _look_up(self, child: str, parent: str, nodes: list[Node]) -> None:
        keys = self.library.join_key(child, parent)
        if keys is None:
            raise AssertionError(f"{child} does not belong to {parent}")
        have, table = self.columns[parent], self.tables[child]
        above = self.tables[parent]
        names = {f"{parent}__{node.name}": above[have[node]] for node in nodes}
        links = {f"{parent}__{key}__key": above[key] for key in keys[1]}
        side = above.select(**links, **names)
        if keys[0]:
            conditions = [table[own] == side[f"{parent}__{key}__key"] for own, key in zip(*keys, strict=True)]
            joined = table.left_join(side, conditions)
        else:
            joined = table.cross_join(side)
        self.tables[child] = joined.select(*[table[name] for name in table.columns], *[side[name] for name in names])
        self.columns[child].update({node: f"{parent}__{node.name}" for node in nodes})
        self.lookups -= {(child, node) for node in nodes}
        self.heavy.add(child)

    def _decide(self, subject: str, findings: list[str]) -> list[Outcome]:
        """The rows of a subject of which some finding is true or unknown, with flags and evidence."""
        table, have = self.tables[subject], self.columns[subject]
        scope = have.get(Node(subject, IN_SCOPE))
        flags = {}
        for key in findings:
            rule = self.library.findings[key]
            flag = self._call(rule, self.library.finding_inputs[key], subject)
            flags[f"{FLAG}{key}"] = table[scope] & flag if scope and rule.scoped else flag
        flagged = table.mutate(**flags)
        if self.keep:
            self.tables[subject] = table.mutate(**flags)
        else:
            hit = None
            for flag in flags:
                open_flag = flagged[flag].fill_null(True)
                hit = open_flag if hit is None else hit | open_flag
            flagged = flagged.filter(hit)
        outcomes = [
            Outcome(key, f"{FLAG}{key}", {name: have[node] for name, node in self.library.evidence[key].items()})
            for key in findings
        ]
        names = {name: None for name in ("id", "household_id") if name in flagged.columns}
        names |= dict.fromkeys(flags) | {column: None for outcome in outcomes for column in outcome.evidence.values()}
        self._step(f"{subject}_result", flagged.select(*names))
        return outcomes

    def _keep_all(self) -> dict[str, tuple[str, dict[str, str]]]:
        values = {}
        for entity in list(self.tables):
            self._step(f"{entity}_values", self.tables[entity])
            names = {(node.name if node.entity == entity else str(node)): c for node, c in self.columns[entity].items()}
            values[entity] = (f"{entity}_values", names)
        return values


def _ibis_type(name: str) -> str:
    return _TYPES.get(name) or name.lower()


def _duckdb_type(kind: Any) -> str:
    return next((name for name, ours in _TYPES.items() if ours == str(kind)), "VARCHAR")
