"""From rules to SQL: functions are called level by level, each level is one ``mutate``, joins come once per pair.

Inlining every rule into one expression grows exponentially, so a level names its results before the next reads them. A
table that two others read is built once and kept. All aggregates over the same rows share one GROUP BY, all values
looked up in the same table share one join. What concerns the whole county is built first, so that the rest can be done
for a part of the households at a time.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence, Set
from functools import reduce
from typing import Any, NamedTuple

import ibis

from huqing.rules.calls import Caller, duckdb_type, grouped_by
from huqing.rules.entities import COUNTY, PERSON, SUBJECTS, VILLAGE
from huqing.rules.language import Aggregate, Rule
from huqing.rules.library import Library, Node
from huqing.rules.plans import Outcome, Plan
from huqing.rules.selection import runnable
from huqing.rules.tables import LINKS, RESULT, VILLAGE_LINK, Tables

COUNTY_TABLE = "county_facts"
INPUT_BYTES = 8  # of a finding's input in a row, where its answer takes one
TOGETHER = 100  # findings told from one relation: every branch that tells one reads all columns


def compile_plan(
    library: Library,
    *,
    as_of: datetime.date,
    region: str,
    findings: Sequence[str] | None = None,
    empty: Set[str] = frozenset(),
    one_household: bool = False,
    keep_values: bool = False,
    dialect: str = "duckdb",
) -> Plan:
    """The plan that decides the findings (all by default) on one day in one region.

    Findings that cannot be decided at all (a parameter without a value, a department file never taken in: ``empty``)
    are left out and listed in ``not_run``. With ``one_household`` what concerns the whole county is read from a table
    ``county_facts`` instead of being computed, and findings that compare households are left out. With ``keep_values``
    every intermediate value of every row stays readable, for explanation. ``dialect`` is the engine the SQL is for.
    """
    chosen, not_run = runnable(library, as_of=as_of, region=region, findings=findings, empty=empty)
    if one_household and not keep_values:
        chosen = [key for key in chosen if key not in library.countywide]
    fused = ibis.options.sql.fuse_selects
    ibis.options.sql.fuse_selects = False
    try:
        caller = Caller(library, as_of=as_of, region=region)
        compiler = _Compiler(caller, chosen, county_given=one_household, keep_values=keep_values, dialect=dialect)
        return compiler.plan(not_run)
    finally:
        ibis.options.sql.fuse_selects = fused


class Pair(NamedTuple):
    """Two tables of which one is to receive values from the other: up by aggregation, down by look-up."""

    direction: str
    target: str
    source: str


class _Compiler(Tables):
    """Joins the tables of a plan until everything asked for is decided."""

    def plan(self, not_run: dict[str, str]) -> Plan:
        """Everything in order: the county, then tables joined until every finding is decided, then the results."""
        self._levels()
        self._whole_county()
        while self.pending or self.lookups:
            self._levels()
            if not (self.pending or self.lookups):
                break
            if not self._join():
                raise AssertionError(f"undecided: {self.pending} {self.lookups}")
        outcomes = {}
        for subject in SUBJECTS:
            chosen = [key for key in self.findings if self.library.findings[key].of == subject]
            if chosen:
                outcomes[subject] = self._decide(subject, chosen)
        values = self._keep_all() if self.keep else {}
        county = {name: duckdb_type(kind) for name, kind in self.county.items()}
        return Plan(tuple(self.steps), self.read, outcomes, values, county, not_run)

    def _whole_county(self) -> None:
        """Build what is computed over the rows of the whole county."""
        pairs: dict[tuple[str, str], list[Node]] = {}
        for node in self.pending:
            rule = self.rules[node]
            if rule.kind == "aggregate" and (rule.of in (COUNTY, VILLAGE) or rule.of in self.library.countywide_groups):
                pairs.setdefault((rule.of, rule.over), []).append(node)
        rows = []
        for (target, source), nodes in pairs.items():
            if target == COUNTY:
                values = {node.name: self._value(node, source).expression for node in nodes}
                rows.append(self.tables[source].aggregate(**values))
                self.pending = [node for node in self.pending if node not in nodes]
            else:
                self._aggregate(target, source, nodes)
                self._cut(target)
        if rows:
            self._county_facts(rows)

    def _county_facts(self, rows: list[Any]) -> None:
        row = rows[0]
        for other in rows[1:]:
            row = row.cross_join(other)
        self.county = dict(row.schema().items())
        self.columns[COUNTY] = {Node(COUNTY, name): name for name in self.county}
        if self.county_given:
            self.tables[COUNTY] = ibis.table(self.county, name=COUNTY_TABLE)
        else:
            self.tables[COUNTY] = self._step(COUNTY_TABLE, row, whole=True)

    def _join(self) -> bool:
        """Bring values across: every pair of tables that is complete, or else the one with most values ready.

        A table still waiting for values of its own is read only when nothing else can be done: it is then built once.
        """
        ready: dict[Pair, list[Node]] = {}
        waiting: set[Pair] = set()
        for node in self.pending:
            rule = self.rules[node]
            if rule.kind == "aggregate":
                pair = Pair("up", rule.of, rule.over)
                if self._has_inputs(node) and self._group_ready(rule):
                    ready.setdefault(pair, []).append(node)
                else:
                    waiting.add(pair)
        for child, node in sorted(self.lookups):
            pair = Pair("down", child, node.entity)
            if node in self.columns.get(node.entity, {}) and child in self.tables:
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
            if len(readers) > 1 or self._needed(source, up, down):
                self._cut(source)

    def _needed(self, entity: str, up: Set[Node] = frozenset(), down: Set[tuple[str, Node]] = frozenset()) -> set[Node]:
        """The values of an entity's rows that something still to come reads; ``up`` and ``down`` are already served."""
        have = self.columns[entity]
        if self.keep:
            return set(have)
        needed: set[Node | None] = set()
        for node in self.pending:
            rule = self.rules[node]
            if node not in up and (rule.over or rule.of) == entity:
                needed |= {item.node for item in self.inputs[node]} | {self._scope(rule)}
                group = self.library.groupings.get(rule.of)
                needed |= {Node(entity, name) for name in group.by} if group else set()
        needed |= {node for child, node in self.lookups - down if node.entity == entity}
        for key, flag in self.flags.items():
            if flag.entity == entity:
                needed |= {flag, *self._computed_evidence(key)}
        needed |= {node for flag in self.undecided.get(entity, ()) for node in self._reads(flag)}
        return {node for node in have if node in needed}

    def _computed_evidence(self, key: str) -> set[Node]:
        """The evidence of a finding that is not simply a stored column of its own table, to be fetched at the end."""
        own = self.library.findings[key].of
        return {node for node in self.library.evidence[key].values() if node in self.rules or node.entity != own}

    def _decide_early(self, entity: str) -> None:
        """Decide the findings that can be, unless their inputs are kept anyway or take less room than the answers."""
        flags = self.undecided.pop(entity, [])
        others = self._needed(entity)
        extra = {flag: self._reads(flag) - others for flag in flags}
        if INPUT_BYTES * len(set().union(*extra.values())) < len(flags):
            self.undecided[entity] = flags
        else:
            self.undecided[entity] = [flag for flag in flags if not extra[flag]]
            self._compute(entity, [flag for flag in flags if extra[flag]])

    def _cut(self, entity: str) -> None:
        self._decide_early(entity)
        have, table = self.columns[entity], self.tables[entity]
        keys = {*LINKS, *self.library.links(entity), *self._by(entity)}
        keys |= {VILLAGE_LINK} if VILLAGE in self.tables else set()
        whole = entity == VILLAGE or entity in self.library.countywide_groups
        needed = self._needed(entity)
        names = [column for node, column in have.items() if node in needed or column in keys]
        self.columns[entity] = {node: column for node, column in have.items() if column in names}
        self.tables[entity] = self._step(f"{entity}_{len(self.steps) + 1}", table.select(*names), whole=whole)
        self.heavy.discard(entity)

    def _by(self, entity: str) -> tuple[str, ...]:
        group = self.library.groupings.get(entity)
        own = [name for name, g in self.library.groupings.items() if g.over == entity and self._waits_for(name)]
        return (group.by if group else ()) + tuple(by for name in own for by in self.library.groupings[name].by)

    def _waits_for(self, group: str) -> bool:
        waiting = any(self.rules[node].of == group for node in self.pending)
        return self.keep or waiting or any(node.entity == group for _, node in self.lookups)

    def _aggregate(self, target: str, source: str, nodes: list[Node]) -> None:
        rows = self.tables[source]
        results: dict[str, Aggregate] = {node.name: self._value(node, source) for node in nodes}
        self.pending = [node for node in self.pending if node not in nodes]
        keys = self.library.join_key(source, target)
        if keys is None:
            raise AssertionError(f"{source} does not belong to {target}")
        rows = rows.filter([rows[key].notnull() for key in keys[0]])
        group = self.library.groupings.get(target)
        grouped = grouped_by(rows, keys[0], results, count=group is not None)
        if group:
            self._new_group(target, grouped, group.at_least)
            return
        renamed = grouped.rename({f"{source}__{key}": key for key in keys[0]})
        table = self.tables[target]
        joined = table.left_join(
            renamed, [table[own] == renamed[f"{source}__{key}"] for key, own in zip(*keys, strict=True)]
        )
        no_rows = renamed[f"{source}__{keys[0][0]}"].isnull()
        brought = [
            (renamed[name] if result.empty is None else ibis.ifelse(no_rows, result.empty, renamed[name])).name(name)
            for name, result in results.items()
        ]
        self.tables[target] = joined.select(*[table[name] for name in table.columns], *brought)
        self.columns[target].update({node: node.name for node in nodes})
        self.heavy.add(target)

    def _new_group(self, target: str, grouped: Any, at_least: int) -> None:
        if at_least > 1:
            grouped = grouped.filter(grouped.rows_ >= at_least)
        self.tables[target] = grouped.drop("rows_")
        self.columns[target] = {Node(target, name): name for name in self.tables[target].columns}
        self.heavy.add(target)

    def _look_up(self, child: str, parent: str, nodes: list[Node]) -> None:
        keys = self.library.join_key(child, parent)
        if keys is None:
            raise AssertionError(f"{child} does not belong to {parent}")
        have, table, above = self.columns[parent], self.tables[child], self.tables[parent]
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
        """Build relations with the flags and evidence of a subject's findings, many findings in several of them."""
        if len(findings) <= TOGETHER:
            return self._tell(subject, findings, f"{subject}{RESULT}", sparse=subject == PERSON)
        self._cut(subject)
        groups = [findings[start : start + TOGETHER] for start in range(0, len(findings), TOGETHER)]
        told = [self._tell(subject, g, f"{subject}{RESULT}_{n}", sparse=True) for n, g in enumerate(groups, 1)]
        return [outcome for outcomes in told for outcome in outcomes]

    def _tell(self, subject: str, findings: list[str], name: str, *, sparse: bool) -> list[Outcome]:
        """Build one relation with flags and evidence; ``sparse``: only of the rows with something to tell.

        A filter over flags not yet stored decides them twice, which for households costs more than it saves.
        """
        table, have = self.tables[subject], self.columns[subject]
        flags = {self.flags[key].name: self._value_or_column(self.flags[key]) for key in findings}
        computed = {have[node]: None for key in findings for node in self._computed_evidence(key)}
        outcomes: list[Outcome] = []
        stored: dict[str, None] = {}
        for key in findings:
            evidence = self.library.evidence[key]
            columns = {k: have[n] if n in self._computed_evidence(key) else n.name for k, n in evidence.items()}
            stored |= {column: None for column in columns.values() if column not in computed}
            outcomes.append(Outcome(key, self.flags[key].name, columns, name))
        links = [name for name in ("id", "household_id") if name in table.columns]
        rows = table.select(*links, *[value.name(flag) for flag, value in flags.items()], *computed)
        if sparse:
            some = reduce(lambda left, right: left | right, (rows[flag] for flag in flags))
            rows = rows.filter(some.fill_null(True))
        if stored:
            source = self._stored(subject)
            base = source.select(stored_id=source.id, **{f"stored__{name}": source[name] for name in stored})
            joined = rows.inner_join(base, rows.id == base.stored_id)
            rows = joined.select(
                *[rows[name] for name in rows.columns], *[base[f"stored__{name}"].name(name) for name in stored]
            )
        self._step(name, rows, whole=subject == VILLAGE)
        return outcomes

    def _keep_all(self) -> dict[str, tuple[str, dict[str, str]]]:
        values = {}
        for entity in list(self.tables):
            self._step(f"{entity}_values", self.tables[entity])
            names = {(node.name if node.entity == entity else str(node)): c for node, c in self.columns[entity].items()}
            values[entity] = (f"{entity}_values", names)
        return values
