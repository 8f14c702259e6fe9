"""All rules together: names resolved to columns, other rules and parameters; mistakes reported where they were made."""

from __future__ import annotations

import difflib
import graphlib
import importlib
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from huqing.rules.entities import COUNTY, HOUSEHOLD, PERSON, SUBJECTS, VILLAGE, declared, entities
from huqing.rules.errors import Place, RuleError
from huqing.rules.inputs import input_entities, links_of
from huqing.rules.language import DECLARED, Argument, Declared, Grouping, InputTable, Rule
from huqing.rules.parameters import Parameters, load, own_folders
from huqing.standards.codelists import codelists
from huqing.standards.fields import Field, department_kinds, record_kinds

PACKAGES = ("huqing.policies",)
IN_SCOPE = "in_scope"


class Node(NamedTuple):
    """A value of each row of an entity: a column or a rule's result."""

    entity: str
    name: str

    def __str__(self) -> str:
        return f"{self.entity}.{self.name}"


@dataclass(frozen=True)
class Input:
    """What one argument of a rule stands for: a node (column or rule), a parameter's key, or the day (both empty).

    A parameter looked up by a date of the row has that date in ``at``; the date is an input of its own besides.
    """

    argument: Argument
    node: Node | None = None
    parameter: str = ""
    at: Node | None = None


class Library:
    """The rules of all policies with their parameters, checked.

    ``yes_or_no``: the variables that are true or false of a row, of the shipped library. They may choose households.
    """

    def __init__(self, declarations: Iterable[Declared], parameters: Parameters) -> None:
        items = list(declarations)
        self.parameters = parameters
        self.yes_or_no: frozenset[Node] = frozenset()
        self.input_tables = {item.name: item for item in items if isinstance(item, InputTable)}
        self.tables = entities() | input_entities(self.input_tables)
        self.groupings: dict[str, Grouping] = {}
        self.rules: dict[Node, Rule] = {}
        self.findings: dict[str, Rule] = {}
        for item in items:
            if isinstance(item, Grouping):
                self._add_grouping(item)
        for item in items:
            if isinstance(item, Rule):
                self._add(item)
        self.inputs: dict[Node, tuple[Input, ...]] = {node: self._inputs(rule) for node, rule in self.rules.items()}
        self.finding_inputs: dict[str, tuple[Input, ...]] = {k: self._inputs(r) for k, r in self.findings.items()}
        self.evidence: dict[str, dict[str, Node]] = {key: self._evidence(rule) for key, rule in self.findings.items()}
        self._check_groupings()
        self.order = self._ordered()
        self._check_county_rules()
        self._check_inputs_of_findings()

    def _add_grouping(self, group: Grouping) -> None:
        if group.name in self.tables or group.name in self.groupings:
            raise RuleError(group.place, f"分组名 {group.name} 已被使用", "换一个名字")
        if group.over not in self.tables:
            remedy = self.suggest(group.over, self.tables)
            raise RuleError(group.place, f"分组 {group.name} 的 over={group.over} 不存在", remedy)
        self.groupings[group.name] = group

    def _add(self, rule: Rule) -> None:
        for entity in filter(None, (rule.of, rule.over)):
            if entity not in self.tables and entity not in self.groupings:
                remedy = self.suggest(entity, [*self.tables, *self.groupings])
                raise RuleError(rule.place, f"规则 {rule.name} 所说的 {entity} 不存在", remedy)
        if rule.codelist and rule.codelist not in codelists():
            remedy = self.suggest(rule.codelist, codelists())
            raise RuleError(rule.place, f"规则 {rule.name} 的代码表 {rule.codelist} 不存在", remedy)
        if rule.kind == "finding":
            if rule.of not in SUBJECTS:
                remedy = "改为 household、person 或 village"
                raise RuleError(rule.place, f"规则 {rule.name} 的 of={rule.of} 不能有发现项", remedy)
            self._once(rule, self.findings.get(rule.name))
            self.findings[rule.name] = rule
            return
        node = Node(rule.of, rule.name)
        self._once(rule, self.rules.get(node))
        if rule.name in self.columns_of(rule.of):
            raise RuleError(rule.place, f"变量 {rule.name} 与{rule.of}表的列同名", "给变量换一个名字")
        if rule.kind == "aggregate" and self.join_key(rule.over, rule.of) is None:
            raise RuleError(rule.place, f"{rule.over} 的行不属于 {rule.of}，不能汇总", "检查 of= 与 over=")
        self.rules[node] = rule

    @staticmethod
    def _once(rule: Rule, earlier: Rule | None) -> None:
        if earlier is not None:
            raise RuleError(rule.place, f"规则 {rule.name} 已在 {earlier.place} 定义", "换一个名字，或删去一处")

    @staticmethod
    def suggest(name: str, choices: Iterable[str]) -> str:
        """A remedy for a name that does not exist: the names that look like it."""
        near = difflib.get_close_matches(name, list(choices), n=3, cutoff=0.5)
        return f"相近的名字：{'、'.join(near)}" if near else "检查拼写"

    def columns_of(self, entity: str) -> Sequence[str]:
        """The stored columns of an entity; of a grouping the values it groups by."""
        if entity in self.groupings:
            return self.groupings[entity].by
        return list(self.tables[entity].columns)

    def chain(self, entity: str) -> list[str]:
        """The entities whose values a rule on ``entity`` can read, nearest first."""
        if entity in self.groupings:
            parents = [target for target in SUBJECTS[::-1] if f"{target}_id" in self.groupings[entity].by]
            return [entity, *parents, COUNTY]
        if entity == COUNTY:
            return [COUNTY]
        own = self.tables[entity]
        if entity in self.input_tables:
            over = [name for name, group in self.groupings.items() if group.over == entity]
            return [entity, *over, *self.input_tables[entity].belongs_to, COUNTY]
        reads_person = own.key_of(PERSON) and entity not in ("label", PERSON) and self._person_subject(entity)
        up = [PERSON] if reads_person else []
        if own.key_of(HOUSEHOLD) and entity != HOUSEHOLD:
            up.append(HOUSEHOLD)
        if entity in (HOUSEHOLD, PERSON):
            up.append(VILLAGE)
        groups = [name for name, group in self.groupings.items() if group.over == entity]
        return [entity, *groups, *up, COUNTY]

    @staticmethod
    def _person_subject(entity: str) -> bool:
        kind = record_kinds().get(entity)
        return kind is None or kind.subject == "person"

    def join_key(self, child: str, parent: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The columns of ``child`` and ``parent`` that must be equal; empty tuples for the county; None: unrelated."""
        if parent == COUNTY:
            return (), ()
        if parent in self.groupings:
            group = self.groupings[parent]
            return (group.by, group.by) if child == group.over else None
        key = f"{parent}_id" if child in self.groupings else self.tables[child].key_of(parent)
        if key is None or key not in self.columns_of(child):
            return None
        return (key,), ("region_code" if parent == VILLAGE else "id",)

    def find(self, entity: str, name: str) -> Node | None:
        """The node a rule on ``entity`` means by ``name``."""
        for place in self.chain(entity):
            node = Node(place, name)
            if node in self.rules or name in self.columns_of(place):
                return node
        return None

    def unit_of(self, node: Node) -> str:
        """The unit of a column or rule."""
        rule = self.rules.get(node)
        if rule:
            return rule.unit
        field = self.field_of(self.stored(node))
        return field.unit if field else ""

    def field_of(self, node: Node) -> Field | None:
        """The declaration of a column; None for a structural one such as ``id``."""
        table = self.input_tables.get(node.entity)
        if table is None:
            return declared(*node)
        return next((field for field in table.fields if field.key == node.name), None)

    def links(self, entity: str) -> tuple[str, ...]:
        """The columns of an input table by which its rows are known and belong to others; () for other tables."""
        table = self.input_tables.get(entity)
        return links_of(table) if table else ()

    def stored(self, node: Node) -> Node:
        """The column behind a grouping's column (the grouped entity's own), else the node itself."""
        group = self.groupings.get(node.entity)
        return Node(group.over, node.name) if group and node not in self.rules else node

    def _inputs(self, rule: Rule) -> tuple[Input, ...]:
        found = []
        for argument in rule.arguments:
            item = self._input(rule, argument)
            if argument.at:
                day = self._must_find(rule, rule.over or rule.of, argument.at)
                found += [replace(item, at=day), Input(Argument(argument.at, "at"), node=day)]
            else:
                found.append(item)
        return tuple(found)

    def _input(self, rule: Rule, argument: Argument) -> Input:
        if argument.role == "day":
            return Input(argument)
        entity = rule.over or rule.of
        if argument.role == "parameter":
            if argument.name not in self.parameters:
                if self.find(entity, argument.name):
                    remedy = f"{argument.name} 是列或变量，请把注解改为 Column"
                else:
                    near = self.parameters.similar(argument.name)
                    remedy = f"相近的参数：{'、'.join(near)}" if near else "在 policies/parameters 中声明它"
                raise RuleError(rule.place, f"规则 {rule.name} 用到的参数 {argument.name} 没有声明", remedy)
            self._check_unit(rule, argument, self.parameters[argument.name].unit)
            return Input(argument, parameter=argument.name)
        node = self._must_find(rule, entity, argument.name)
        self._check_unit(rule, argument, self.unit_of(node))
        return Input(argument, node=node)

    def _must_find(self, rule: Rule, entity: str, name: str) -> Node:
        node = self.find(entity, name)
        if node is None:
            names = {n for place in self.chain(entity) for n in self.columns_of(place)}
            names |= {node.name for node in self.rules if node.entity in self.chain(entity)}
            remedy = self.suggest(name, names)
            if name in self.parameters:
                remedy = f"{name} 是参数，请把注解改为 Param"
            raise RuleError(rule.place, f"规则 {rule.name} 用到的 {name} 在 {entity} 及其上级中都找不到", remedy)
        return node

    @staticmethod
    def _check_unit(rule: Rule, argument: Argument, unit: str) -> None:
        if argument.unit and argument.unit != unit:
            raise RuleError(
                rule.place,
                f"规则 {rule.name} 要求 {argument.name} 的单位是“{argument.unit}”，实际是“{unit or '无'}”",
                "换用单位相符的量，或改正单位声明",
            )

    def _evidence(self, rule: Rule) -> dict[str, Node]:
        return {name: self._must_find(rule, rule.of, name) for name in rule.evidence}

    def _check_groupings(self) -> None:
        for group in self.groupings.values():
            for name in group.by:
                if Node(group.over, name) not in self.rules and name not in self.columns_of(group.over):
                    known = [*self.columns_of(group.over), *(n.name for n in self.rules if n.entity == group.over)]
                    raise RuleError(
                        group.place,
                        f"分组 {group.name} 的 {name} 不是 {group.over} 的列或变量",
                        self.suggest(name, known),
                    )

    def dependencies(self, node: Node) -> set[Node]:
        """The nodes a node is computed from directly."""
        found = {item.node for item in self.inputs.get(node, ()) if item.node}
        group = self.groupings.get(node.entity)
        if group:
            found |= {Node(group.over, name) for name in group.by}
        return found

    def _ordered(self) -> tuple[Node, ...]:
        graph = {node: self.dependencies(node) for node in self.rules}
        try:
            return tuple(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            path: list[Node] = error.args[1]
            shown = " → ".join(str(node) for node in reversed(path))
            place = next(self.rules[node].place for node in path if node in self.rules)
            raise RuleError(place, f"规则互相依赖成了环：{shown}", "去掉其中一个依赖") from error

    def closure(self, findings: Iterable[str]) -> set[Node]:
        """Every node the findings need, columns included."""
        return self.below(node for key in findings for node in self.roots(key))

    def below(self, nodes: Iterable[Node]) -> set[Node]:
        """The nodes and everything they are computed from."""
        todo = list(nodes)
        seen: set[Node] = set()
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo.extend(self.dependencies(node))
        return seen

    def roots(self, finding: str) -> set[Node]:
        """The nodes a finding reads directly: its arguments, evidence, and whether the row counts at all."""
        nodes = {item.node for item in self.finding_inputs[finding] if item.node}
        nodes |= set(self.evidence[finding].values())
        scope = Node(self.findings[finding].of, IN_SCOPE)
        return nodes | ({scope} if scope in self.rules and self.findings[finding].scoped else set())

    def parameters_of(self, finding: str) -> list[str]:
        """The parameters a finding depends on, directly or through other rules."""
        own = {item.parameter for item in self.finding_inputs[finding] if item.parameter}
        return sorted(own | {item.parameter for item in self.settings_below(self.closure([finding]))})

    def settings_below(self, closure: Iterable[Node]) -> list[Input]:
        """The arguments of these nodes' rules that are parameters."""
        return [item for node in closure for item in self.inputs.get(node, ()) if item.parameter]

    def files_of(self, finding: str) -> set[str]:
        """The department files a finding reads."""
        closure = self.closure([finding])
        read = {node.entity for node in closure} | {self.rules[node].over for node in closure if node in self.rules}
        read |= {self.groupings[name].over for name in read & set(self.groupings)}
        return read & set(department_kinds())

    @cached_property
    def countywide_groups(self) -> frozenset[str]:
        """Groupings whose rows may belong to different households."""
        return frozenset(
            name for name, group in self.groupings.items() if not {"household_id", "person_id"} & set(group.by)
        )

    @cached_property
    def countywide(self) -> frozenset[str]:
        """Findings that compare a household with others and so cannot be decided from one household's rows alone."""
        return frozenset(
            key
            for key, rule in self.findings.items()
            if rule.of == VILLAGE or any(self._over_households(node) for node in self.closure([key]))
        )

    def _over_households(self, node: Node) -> bool:
        summed = node.entity == VILLAGE and node in self.rules and self.rules[node].kind == "aggregate"
        return summed or node.entity in self.countywide_groups

    def _check_county_rules(self) -> None:
        """What is computed over the whole county comes first, so it can rest on nothing but the rows themselves.

        What a village says of itself is computed with it.
        """
        for node, rule in self.rules.items():
            if rule.of not in (COUNTY, VILLAGE) and rule.of not in self.countywide_groups:
                continue
            if rule.of == VILLAGE and rule.kind == "variable":
                continue
            todo, seen = [item.node for item in self.inputs[node] if item.node], set[Node]()
            while todo:
                below = todo.pop()
                foreign = below.entity != rule.over or (below in self.rules and self.rules[below].kind == "aggregate")
                if foreign or rule.kind != "aggregate":
                    raise RuleError(
                        rule.place,
                        f"全县或跨户的规则 {rule.name} 依赖了 {below}，它不是 {rule.over} 表自己的列或变量",
                        f"只用 {rule.over} 表自己的列和由它们算出的变量",
                    )
                if below not in seen:
                    seen.add(below)
                    todo.extend(self.dependencies(below))

    def _check_inputs_of_findings(self) -> None:
        for key, rule in self.findings.items():
            handed_in = sorted({node.entity for node in self.closure([key])} & set(self.input_tables))
            if handed_in:
                raise RuleError(
                    rule.place, f"发现项 {key} 读了输入表 {'、'.join(handed_in)}，筛查时没有它", "只读户、人和部门数据"
                )


def declared_in(packages: Sequence[str]) -> list[Declared]:
    """Import every module of the packages and return what they declare, in order of file and line."""
    for name in packages:
        package = importlib.import_module(name)
        for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"{name}.{module}")
    prefixes = tuple(f"{name}." for name in packages)
    unique: dict[tuple[Place, str], Declared] = {
        (item.place, item.name): item for item in DECLARED if item.module.startswith(prefixes)
    }
    return sorted(unique.values(), key=lambda item: (item.place.file, item.place.line))


def parameter_folders(packages: Sequence[str]) -> list[Path]:
    """The ``parameters`` folder of each rule package."""
    return [Path(importlib.import_module(name).__path__[0]) / "parameters" for name in packages]


def library(folders: tuple[Path, ...] | None = None) -> Library:
    """The rules with the shipped amounts and those of ``folders``, by default the installation's own."""
    chosen = own_folders() if folders is None else folders
    files = sorted(file for folder in chosen for file in folder.glob("*.yaml"))
    return _library(chosen, tuple((file, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=8)
def _library(folders: tuple[Path, ...], _stamps: tuple[tuple[Path, int], ...]) -> Library:
    from huqing.rules.lint import check

    made = Library(declared_in(PACKAGES), load(*parameter_folders(PACKAGES), *folders))
    made.yes_or_no = frozenset(node for node, type in check(made).items() if type.is_boolean())
    return made
