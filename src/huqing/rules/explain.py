"""Explaining one household: the same plan on its rows alone, with every intermediate value kept and shown as a tree."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa

from huqing.rules.display import codes_of, value_text
from huqing.rules.engine import plan_for
from huqing.rules.entities import COUNTY, HOUSEHOLD, PERSON, VILLAGE, column_title, entities
from huqing.rules.errors import RuleError
from huqing.rules.language import Rule
from huqing.rules.library import Input, Library, Node, library
from huqing.rules.parameters import Dated
from huqing.rules.plans import Plan
from huqing.rules.recheck import load_tables, set_county

MOST_ROWS = 60
Kind = Literal["finding", "variable", "aggregate", "column", "parameter", "day"]


@dataclass(frozen=True)
class Value:
    """One value in the tree: what it is, what it is for this household, and what it came from.

    ``text`` is the value in words; ``rows`` are the rows an aggregate ran over (their number in ``row_count``);
    ``source``, ``scope`` and ``since`` say where a parameter's value comes from.
    """

    kind: Kind
    name: str
    title: str
    value: Any
    text: str
    unit: str = ""
    doc: str = ""
    inputs: tuple[Value, ...] = ()
    rows: tuple[Row, ...] = ()
    row_count: int = 0
    row_title: str = ""
    source: str = ""
    scope: str = ""
    since: str = ""


@dataclass(frozen=True)
class Row:
    """One row an aggregate ran over: a member, a bill, a month; with the values it contributed."""

    entity: str
    id: int | None
    person_id: int | None
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Decision:
    """What one finding says of the household, one of its people or the village, and why.

    ``missing`` names what made it unknown.
    """

    finding: str
    title: str
    sentence: str
    basis: str
    severity: str
    resolve: str
    household_id: int | None
    person_id: int | None
    village_id: int | None
    state: Literal["found", "not", "unknown"]
    missing: tuple[str, ...]
    tree: Value


@dataclass(frozen=True)
class Explanation:
    """Everything the rules say of one household or village; ``not_run``: findings that cannot be decided, and why."""

    household_id: int | None
    as_of: datetime.date
    region: str
    decisions: tuple[Decision, ...]
    not_run: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: dates and decimals as text."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def explain(
    tables: Mapping[str, pa.Table],
    *,
    household_id: int | None = None,
    village_id: int | None = None,
    as_of: datetime.date,
    region: str,
    finding: str | None = None,
    findings: Sequence[str] | None = None,
    empty: frozenset[str] = frozenset(),
    county: Mapping[str, Any] | None = None,
    parameter_folders: tuple[Path, ...] | None = None,
    cache: Path | None = None,
) -> Explanation:
    """Decide the household (or the village) again and say why, for one finding, for several, or for all.

    ``tables`` hold the household's rows, typed as in a snapshot; rows of other households may be among them where a
    finding compares households (the other people with the same document number), and a village's finding needs the
    rows of all its households. ``county`` is ``county.json`` of the
    last screening; ``empty`` are department files the county never took in. Raises RuleError for a finding that does
    not exist.
    """
    rules = library(parameter_folders)
    chosen = [finding] if finding is not None else list(findings) if findings is not None else None
    for key in chosen or ():
        if key not in rules.findings:
            raise RuleError("解释", f"没有规则 {key}", "从规则目录中选择一条规则的代号")
    plan = plan_for(
        as_of=as_of,
        region=region,
        findings=chosen,
        empty=empty,
        one_household=True,
        keep_values=True,
        parameter_folders=parameter_folders,
        cache=cache,
    )
    facts = dict((county or {}).get("facts", {}))
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        load_tables(connection, plan, tables)
        set_county(connection, plan, facts)
        for step in plan.steps:
            connection.execute(f'CREATE TEMP TABLE "{step.name}" AS {step.sql}')
        values = {entity: _rows(connection, plan, entity) for entity in plan.values if entity != COUNTY}
    teller = _Teller(rules, values, facts, as_of=as_of, region=region)
    decisions = [
        teller.decide(outcome.finding, row)
        for subject, outcomes in plan.outcomes.items()
        for outcome in outcomes
        for row in values[subject]
        if (row["id"] == village_id if subject == VILLAGE else _household_of(subject, row) == household_id)
    ]
    not_run = plan.not_run | {
        key: reason for key, reason in (county or {}).get("not_run", {}).items() if chosen is None or key in chosen
    }
    return Explanation(household_id, as_of, region, tuple(decisions), not_run)


def _rows(connection: duckdb.DuckDBPyConnection, plan: Plan, entity: str) -> list[dict[str, Any]]:
    relation, names = plan.values[entity]
    flags = {o.flag: o.flag for o in plan.outcomes.get(entity, ())}
    columns = {**names, **flags}
    listed = ", ".join(f'"{column}"' for column in columns.values())
    cursor = connection.execute(f'SELECT {listed} FROM "{relation}"')  # noqa: S608 - names come from the plan
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return sorted(rows, key=lambda row: (row.get("id") is None, row.get("id")))


def _household_of(subject: str, row: Mapping[str, Any]) -> int | None:
    household: int | None = row["id" if subject == HOUSEHOLD else "household_id"]
    return household


class _Teller:
    """Walks the rules along the values of one household."""

    def __init__(
        self,
        rules: Library,
        values: dict[str, list[dict[str, Any]]],
        facts: dict[str, Any],
        *,
        as_of: datetime.date,
        region: str,
    ) -> None:
        self.rules, self.values, self.facts, self.as_of, self.region = rules, values, facts, as_of, region

    def decide(self, key: str, row: dict[str, Any]) -> Decision:
        rule = self.rules.findings[key]
        flag = row[f"finding__{key}"]
        inputs = tuple(self.input(item, rule.of, row) for item in self.rules.finding_inputs[key])
        state: Literal["found", "not", "unknown"] = "unknown" if flag is None else "found" if flag else "not"
        text = {"found": "成立", "not": "不成立", "unknown": "缺少数据，无法判定"}[state]
        tree = Value("finding", key, rule.title, flag, text, doc=rule.doc, inputs=inputs)
        missing = tuple(dict.fromkeys(_missing(tree))) if state == "unknown" else ()
        return Decision(
            finding=key,
            title=rule.title,
            sentence=rule.sentence,
            basis=rule.basis,
            severity=rule.severity,
            resolve=rule.resolve,
            household_id=None if rule.of == VILLAGE else _household_of(rule.of, row),
            person_id=row["id"] if rule.of == PERSON else None,
            village_id=row["id"] if rule.of == VILLAGE else None,
            state=state,
            missing=missing,
            tree=tree,
        )

    def input(self, item: Input, reader: str, row: dict[str, Any]) -> Value:
        """The value an argument had for a row of ``reader``."""
        if item.parameter:
            return self.parameter(item.parameter, item.at and self.value(item.at, reader, row))
        if item.node is None:
            return Value("day", "as_of", "筛查日期", self.as_of, self.as_of.isoformat())
        return self.value(item.node, reader, row)

    def parameter(self, key: str, day: Value | None = None) -> Value:
        """The value in force on the run's day, or on a date of the row; missing if there was none on that date."""
        parameter = self.rules.parameters[key]
        if day is None:
            dated: Dated | None = self.rules.parameters.require(key, self.as_of, self.region)
        else:
            dated = None if day.value is None else parameter.at(day.value, self.region)
        value = dated and dated.value
        return Value(
            "parameter",
            key,
            parameter.title,
            value,
            value_text(value, unit=parameter.unit, codes=parameter.keys),
            unit=parameter.unit,
            doc=parameter.note,
            source=dated.source if dated else "",
            scope=dated.scope if dated else "",
            since=dated.since.isoformat() if dated else "",
        )

    def value(self, node: Node, reader: str, row: dict[str, Any]) -> Value:
        """The value of a node for a row of ``reader``, found on that row or on the one it belongs to."""
        if node.entity == COUNTY:
            return self._county(node)
        own = row if node.entity == reader else self._above(reader, row, node.entity)
        rule = self.rules.rules.get(node)
        if own is None:
            title = rule.title if rule else column_title(*self.rules.stored(node))
            return Value("column", node.name, title, None, "没有", row_title=self._title(node.entity))
        if rule is None:
            return self._leaf(node, own.get(node.name))
        if rule.kind == "aggregate":
            return self._aggregate(rule, node, own)
        inputs = tuple(self.input(item, node.entity, own) for item in self.rules.inputs[node])
        return self._named(rule, node, own.get(node.name), inputs=inputs)

    def _county(self, node: Node) -> Value:
        rule = self.rules.rules[node]
        value = self.facts.get(node.name)
        text = value_text(value, unit=rule.unit, codes=rule.codelist)
        return Value("column", node.name, rule.title, value, text, unit=rule.unit, doc=rule.doc, row_title="全县")

    def _aggregate(self, rule: Rule, node: Node, own: dict[str, Any]) -> Value:
        keys = self.rules.join_key(rule.over, rule.of) or ((), ())
        wanted = tuple(own[key] for key in keys[1])
        rows = [row for row in self.values[rule.over] if tuple(row[key] for key in keys[0]) == wanted]
        shown = tuple(
            Row(
                rule.over,
                row.get("id"),
                row["id"] if rule.over == "person" else row.get("person_id"),
                (
                    *self._group_keys(rule.over, keys[0], row),
                    *(self.input(item, rule.over, row) for item in self.rules.inputs[node] if item.node),
                ),
            )
            for row in rows[:MOST_ROWS]
        )
        others = tuple(self.input(item, rule.over, {}) for item in self.rules.inputs[node] if item.node is None)
        return self._named(rule, node, own.get(node.name), inputs=others, rows=shown, row_count=len(rows))

    def _group_keys(self, entity: str, joined: tuple[str, ...], row: dict[str, Any]) -> tuple[Value, ...]:
        """What tells the rows of a grouping apart (which month's bills), where people can read it."""
        group = self.rules.groupings.get(entity)
        if group is None:
            return ()
        found = []
        for key in group.by:
            rule = self.rules.rules.get(Node(group.over, key))
            if rule and key not in joined and row.get(key) is not None:
                found.append(self._named(rule, Node(group.over, key), row[key]))
        return tuple(found)

    def _named(self, rule: Rule, node: Node, value: Any, **details: Any) -> Value:
        text = value_text(value, unit=rule.unit, codes=codes_of(self.rules, node))
        kind: Kind = "aggregate" if rule.kind == "aggregate" else "variable"
        row_title = self._title(rule.over) if rule.over else ""
        shown = "无法判定" if value is None and rule.kind == "variable" else text
        return Value(
            kind, node.name, rule.title, value, shown, unit=rule.unit, doc=rule.doc, row_title=row_title, **details
        )

    def _leaf(self, node: Node, value: Any) -> Value:
        stored = self.rules.stored(node)
        unit = self.rules.unit_of(node)
        text = value_text(value, unit=unit, codes=codes_of(self.rules, node))
        return Value(
            "column", node.name, column_title(*stored), value, text, unit=unit, row_title=self._title(node.entity)
        )

    def _title(self, entity: str) -> str:
        group = self.rules.groupings.get(entity)
        return group.title if group else entities()[entity].title

    def _above(self, reader: str, row: dict[str, Any], parent: str) -> dict[str, Any] | None:
        keys = self.rules.join_key(reader, parent) or ((), ())
        wanted = tuple(row.get(key) for key in keys[0])
        if None in wanted:
            return None
        return next((r for r in self.values[parent] if tuple(r[key] for key in keys[1]) == wanted), None)


def _missing(value: Value) -> Iterator[str]:
    """The titles of the inputs that made a value unknown."""
    below = [child for child in (*value.inputs, *(v for row in value.rows for v in row.values)) if child.value is None]
    for child in below:
        yield from _missing(child)
    if not below and value.value is None:
        if value.kind == "aggregate" and not value.row_count:
            yield f"没有{value.row_title}记录（{value.title}）"
        elif value.kind != "finding":
            yield f"{value.row_title}：{value.title}" if value.row_title else value.title


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
