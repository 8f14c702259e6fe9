"""The rules as data for the catalogue page: each finding in words, what it depends on, and its amounts over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from huqing.rules.display import value_text
from huqing.rules.entities import COUNTY, column_title, entities
from huqing.rules.language import SEVERITIES
from huqing.rules.library import Input, Library, Node, library
from huqing.rules.plans import FLAG


@dataclass(frozen=True)
class Vertex:
    """One thing a finding depends on, or the finding itself (``key`` is unique within the graph)."""

    key: str
    kind: Literal["finding", "variable", "aggregate", "column", "parameter", "day"]
    title: str
    entity: str
    unit: str = ""
    doc: str = ""


@dataclass(frozen=True)
class Amount:
    """A parameter's value from a day on, for a region."""

    since: str
    scope: str
    value: str
    source: str
    status: str


@dataclass(frozen=True)
class History:
    """A parameter with all its values, latest first."""

    key: str
    title: str
    unit: str
    note: str
    values: tuple[Amount, ...]


@dataclass(frozen=True)
class Entry:
    """One finding. ``edges`` run from what is needed to what needs it; ``evidence`` maps names to titles."""

    key: str
    title: str
    sentence: str
    doc: str
    of: str
    basis: str
    severity: str
    severity_text: str
    resolve: str
    module: str
    compares_households: bool
    files: tuple[str, ...]
    evidence: dict[str, str]
    vertices: tuple[Vertex, ...]
    edges: tuple[tuple[str, str], ...]
    parameters: tuple[History, ...]
    asked: bool = False


def catalogue(parameter_folders: tuple[Path, ...] | None = None) -> list[Entry]:
    """Every finding in the order of topics."""
    rules = library(parameter_folders)
    return [_entry(rules, key) for key in rules.findings]


def title_of(rules: Library, node: Node) -> str:
    """The Chinese title of a column or rule."""
    rule = rules.rules.get(node)
    return rule.title if rule else column_title(*rules.stored(node))


def _entry(rules: Library, key: str) -> Entry:
    rule = rules.findings[key]
    top = f"{FLAG}{key}"
    vertices = {top: Vertex(top, "finding", rule.title, rule.of, doc=rule.doc)}
    edges: dict[tuple[str, str], None] = {}
    _feed(rules, rules.finding_inputs[key], top, vertices, edges)
    closure = rules.closure([key])
    for node in sorted(closure):
        below = rules.inputs.get(node)
        vertices[str(node)] = _vertex(rules, node)
        if below is not None:
            _feed(rules, below, str(node), vertices, edges)
    return Entry(
        key=key,
        title=rule.title,
        sentence=rule.sentence,
        doc=rule.doc,
        of=rule.of,
        basis=rule.basis,
        severity=rule.severity,
        severity_text=SEVERITIES[rule.severity],
        resolve=rule.resolve,
        module=rule.module.rpartition(".")[2],
        compares_households=key in rules.countywide,
        files=tuple(sorted(entities()[name].title for name in rules.files_of(key))),
        evidence={name: title_of(rules, node) for name, node in rules.evidence[key].items()},
        vertices=tuple(vertices.values()),
        edges=tuple(edges),
        parameters=tuple(_history(rules, name) for name in rules.parameters_of(key)),
        asked=rule.asked,
    )


def _feed(
    rules: Library,
    inputs: tuple[Input, ...],
    target: str,
    vertices: dict[str, Vertex],
    edges: dict[tuple[str, str], None],
) -> None:
    for item in inputs:
        if item.node:
            key = str(item.node)
        elif item.parameter:
            key = f"parameter.{item.parameter}"
            parameter = rules.parameters[item.parameter]
            vertices[key] = Vertex(key, "parameter", parameter.title, "", parameter.unit, parameter.note)
        else:
            key = "day"
            vertices[key] = Vertex(key, "day", "筛查日期", COUNTY)
        edges[key, target] = None


def _vertex(rules: Library, node: Node) -> Vertex:
    rule = rules.rules.get(node)
    if rule is None:
        return Vertex(str(node), "column", title_of(rules, node), node.entity, rules.unit_of(node))
    kind: Literal["aggregate", "variable"] = "aggregate" if rule.kind == "aggregate" else "variable"
    return Vertex(str(node), kind, rule.title, node.entity, rule.unit, rule.doc)


def _history(rules: Library, key: str) -> History:
    parameter = rules.parameters[key]
    ordered = sorted(parameter.values, key=lambda value: (value.since, value.region), reverse=True)
    amounts = tuple(
        Amount(
            v.since.isoformat(),
            v.scope,
            value_text(v.value, unit=parameter.unit, codes=parameter.keys),
            v.source,
            v.status,
        )
        for v in ordered
    )
    return History(key, parameter.title, parameter.unit, parameter.note, amounts)
