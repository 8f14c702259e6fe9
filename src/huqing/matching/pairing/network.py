"""The min-cost flow behind a pairing: helpers and targets of equal traits meet in nodes of their own.

A county's officials and households would have a hundred million possible pairs. Helpers of one unit and households of
one village cost each other the same, so flow runs helper → its kind of helper → its kind of target → target, and only
existing pairs have an arc of their own. The optimum is that of the flat formulation: equal pairs are exchangeable.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ortools.graph.python import min_cost_flow

from huqing.matching.pairing.problem import (
    Helper,
    HelperClass,
    Pair,
    Problem,
    Quota,
    Target,
    TargetClass,
    traits_of_helper,
    traits_of_target,
)

SOURCE, SINK = "source", "sink"
UNIT_STEPS = 20
MOST_STEPS = 40


@dataclass
class Remainder:
    """What is left to decide once the fixed pairs stand: quotas and needs by (key, role)."""

    quotas: dict[tuple[str, str], Quota]
    needs: dict[tuple[str, str], int]


@dataclass
class Flow:
    """The solution by classes: units of each helper and target per class pair, existing pairs kept, what is lacking."""

    between: dict[tuple[HelperClass, TargetClass], int] = field(default_factory=dict)
    helpers: dict[HelperClass, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    targets: dict[TargetClass, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    kept: list[Pair] = field(default_factory=list)
    unserved: dict[tuple[str, str], int] = field(default_factory=dict)
    unused: dict[tuple[str, str], int] = field(default_factory=dict)


def remainder(problem: Problem) -> Remainder:
    """Quotas and needs without what the fixed pairs already take."""
    quotas = {(helper.key, role): quota for helper in problem.helpers.values() for role, quota in helper.quotas.items()}
    needs = {(target.key, role): count for target in problem.targets.values() for role, count in target.needs.items()}
    for pair in problem.fixed:
        quota = quotas[pair.helper, pair.role]
        quotas[pair.helper, pair.role] = Quota(max(0, quota.least - 1), quota.most - 1)
        needs[pair.target, pair.role] -= 1
    return Remainder(quotas, needs)


class Network:
    """Builds and solves the flow; ``alone`` are keys that get a class of their own, because of forbidden pairs."""

    def __init__(self, problem: Problem, left: Remainder, alone: frozenset[str] = frozenset()) -> None:
        self.problem = problem
        self.left = left
        self.alone = alone
        self.heavy = 4 * (problem.dearest() + 1) * MOST_STEPS
        self.numbers: dict[Hashable, int] = {SOURCE: 0, SINK: 1}
        self.tails: list[int] = []
        self.heads: list[int] = []
        self.room: list[int] = []
        self.costs: list[int] = []
        self.helper_classes: dict[HelperClass, list[Helper]] = defaultdict(list)
        self.target_classes: dict[TargetClass, list[Target]] = defaultdict(list)
        # What the arcs mean, by their number.
        self.required: dict[int, tuple[str, str]] = {}
        self.unserved: dict[int, tuple[str, str]] = {}
        self.of_helper: dict[int, tuple[HelperClass, str]] = {}
        self.of_target: dict[int, tuple[TargetClass, str]] = {}
        self.between: dict[int, tuple[HelperClass, TargetClass]] = {}
        self.kept: dict[int, Pair] = {}

    def solve(self) -> Flow:
        """The cheapest flow that serves as many needs and as many required places as there can be."""
        self._helpers()
        self._targets()
        self._between()
        self._existing()
        solver = min_cost_flow.SimpleMinCostFlow()
        solver.add_arcs_with_capacity_and_unit_cost(
            np.array(self.tails, np.int32),
            np.array(self.heads, np.int32),
            np.array(self.room, np.int64),
            np.array(self.costs, np.int64),
        )
        total = sum(self.left.needs.values())
        solver.set_node_supply(0, total)
        solver.set_node_supply(1, -total)
        status = solver.solve()
        if status != solver.OPTIMAL:
            raise RuntimeError(f"min-cost flow ended with status {status}")
        return self._read(solver.flows(np.arange(len(self.tails), dtype=np.int32)))

    def _node(self, name: Hashable) -> int:
        return self.numbers.setdefault(name, len(self.numbers))

    def _arc(self, tail: int, head: int, room: int, cost: int) -> int:
        self.tails.append(tail)
        self.heads.append(head)
        self.room.append(room)
        self.costs.append(cost)
        return len(self.tails) - 1

    def helper_class(self, helper: Helper, role: str) -> HelperClass:
        """Helpers of one class cost every target the same."""
        return ("helpers", role, traits_of_helper(helper), helper.key if helper.key in self.alone else "")

    def target_class(self, target: Target, role: str) -> TargetClass:
        """Targets of one class cost every helper the same."""
        return ("targets", role, traits_of_target(target), target.key if target.key in self.alone else "")

    def _helpers(self) -> None:
        balance = self.problem.wishes.balance
        for (key, role), quota in self.left.quotas.items():
            if not quota.most:
                continue
            helper = self.problem.helpers[key]
            node, kind = self._node(("helper", key, role)), self.helper_class(helper, role)
            self.helper_classes[kind].append(helper)
            if quota.least:
                self.required[self._arc(0, node, quota.least, -self.heavy)] = (key, role)
            for step, room in enumerate(steps(quota.most - quota.least)):
                self._arc(0, node, room, balance * (step + 1))
            self.of_helper[self._arc(node, self._node(kind), quota.most, 0)] = (kind, key)

    def _targets(self) -> None:
        for (key, role), count in self.left.needs.items():
            if not count:
                continue
            target = self.problem.targets[key]
            node, kind = self._node(("target", key, role)), self.target_class(target, role)
            self.target_classes[kind].append(target)
            self.of_target[self._arc(self._node(kind), node, count, 0)] = (kind, key)
            self._arc(node, 1, count, 0)
            self.unserved[self._arc(0, node, count, 2 * self.heavy)] = (key, role)

    def _between(self) -> None:
        by_role: dict[Hashable, list[tuple[TargetClass, int]]] = defaultdict(list)
        for targets in self.target_classes:
            by_role[targets[1]].append((targets, self.numbers[targets]))
        limit = sum(self.left.needs.values())
        costs = self.problem.costs()
        for helpers in self.helper_classes:
            tail, own, row = self.numbers[helpers], helpers[3], costs.row(helpers[2])
            for targets, head in by_role[helpers[1]]:
                cost = row[targets[2]]
                if cost is None or (own, targets[3]) in self.problem.forbidden:
                    continue
                room = 1 if own and targets[3] else limit
                self.between[self._arc(tail, head, room, cost)] = (helpers, targets)

    def _existing(self) -> None:
        keep = self.problem.wishes.keep
        costs = self.problem.costs()
        for pair in sorted(self.problem.existing):
            quota = self.left.quotas.get((pair.helper, pair.role))
            if not keep or not self.left.needs.get((pair.target, pair.role)) or quota is None or not quota.most:
                continue
            cost = costs.pair(pair)
            if cost is not None:
                tail = self.numbers["helper", pair.helper, pair.role]
                head = self.numbers["target", pair.target, pair.role]
                self.kept[self._arc(tail, head, 1, cost - keep)] = pair

    def _read(self, flows: np.ndarray[Any, np.dtype[np.int64]]) -> Flow:
        amounts = {int(arc): int(flows[arc]) for arc in np.flatnonzero(flows)}
        found = Flow()
        for arc, (key, role) in self.required.items():
            if amounts.get(arc, 0) < self.room[arc]:
                found.unused[key, role] = self.room[arc] - amounts.get(arc, 0)
        for arc, amount in amounts.items():
            if arc in self.of_target:
                taking, key = self.of_target[arc]
                found.targets[taking][key] = amount
            elif arc in self.of_helper:
                giving, key = self.of_helper[arc]
                found.helpers[giving][key] = amount
            elif arc in self.between:
                found.between[self.between[arc]] = amount
            elif arc in self.kept:
                found.kept.append(self.kept[arc])
            elif arc in self.unserved:
                found.unserved[self.unserved[arc]] = amount
        return found


def steps(room: int) -> list[int]:
    """A range of places in parts, each dearer than the one before so that the load spreads: single, then doubled."""
    parts = [1] * min(room, UNIT_STEPS)
    room -= len(parts)
    while room:
        parts.append(min(room, 2 * parts[-1]))
        room -= parts[-1]
    return parts


def units(amounts: Mapping[str, int]) -> list[str]:
    """Every key as often as it has units, those of one key together."""
    return [key for key, amount in amounts.items() for _ in range(amount)]


def in_turns(amounts: Mapping[str, int]) -> list[str]:
    """Every key as often as it has units, all first units before all second ones."""
    most = max(amounts.values(), default=0)
    return [key for turn in range(most) for key, amount in amounts.items() if amount > turn]
