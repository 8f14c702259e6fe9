"""The min-cost flow behind a pairing: helpers and targets of equal traits meet in nodes of their own.

A county's officials and households would have a hundred million possible pairs. What a pair costs depends on how near
the two places are and on a few traits beside, so flow runs helper → its kind of helper → the village, the town and the
whole area it reaches from there (each dearer than the one before) → the kinds of target there → target. Only people
and targets with existing pairs have a node of their own; the others are counted. The optimum is that of the flat
formulation with an arc for every pair: the cheapest way to a target costs what the pair costs, and equals are
exchangeable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
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

SOURCE = 0
UNIT_STEPS = 20
MOST_STEPS = 40
VILLAGE, TOWN, COUNTY, ANYWHERE = 12, 9, 6, 0
# How far a helper reaches under each limit, nearest first.
REACH = {
    "": (VILLAGE, TOWN, ANYWHERE),
    "county": (VILLAGE, TOWN, COUNTY),
    "town": (VILLAGE, TOWN),
    "village": (VILLAGE,),
}
Numbers = npt.NDArray[np.int64]


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
    unserved: dict[TargetClass, int] = field(default_factory=dict)
    unused: dict[HelperClass, int] = field(default_factory=dict)


def remainder(problem: Problem) -> Remainder:
    """Quotas and needs without what the fixed pairs already take."""
    quotas = {(helper.key, role): quota for helper in problem.helpers.values() for role, quota in helper.quotas.items()}
    needs = {(target.key, role): count for target in problem.targets.values() for role, count in target.needs.items()}
    for pair in problem.fixed:
        quota = quotas[pair.helper, pair.role]
        quotas[pair.helper, pair.role] = Quota(max(0, quota.least - 1), quota.most - 1)
        needs[pair.target, pair.role] -= 1
    return Remainder(quotas, needs)


class _Arcs:
    """Arcs in blocks of equal meaning; numbers of arcs are handed out in the order of adding."""

    def __init__(self) -> None:
        self.blocks: list[tuple[Numbers, ...]] = []
        self.count = 0

    def add(self, tails: Any, heads: Any, room: Any, costs: Any) -> range:
        """One block; single numbers stand for all its arcs. Returns their numbers."""
        parts = np.broadcast_arrays(*(np.asarray(part, np.int64) for part in (tails, heads, room, costs)))
        self.blocks.append(tuple(np.atleast_1d(part) for part in parts))
        first, self.count = self.count, self.count + len(self.blocks[-1][0])
        return range(first, self.count)

    def columns(self) -> list[Numbers]:
        """Tails, heads, room and costs of all arcs."""
        return [np.concatenate([block[place] for block in self.blocks]) for place in range(4)]


class Network:
    """Builds and solves the flow; ``alone`` are keys that get a class of their own, because of forbidden pairs."""

    def __init__(self, problem: Problem, left: Remainder, alone: frozenset[str] = frozenset()) -> None:
        self.problem = problem
        self.left = left
        self.alone = alone
        self.heavy = 4 * (problem.dearest() + 1) * MOST_STEPS
        self.nodes = 1
        self.arcs = _Arcs()
        self.supply: dict[int, int] = {}
        self.helper_classes: dict[HelperClass, list[Helper]] = defaultdict(list)
        self.target_classes: dict[TargetClass, list[Target]] = defaultdict(list)
        self.class_nodes: dict[Hashable, int] = {}
        self.helper_nodes: dict[tuple[str, str], int] = {}
        self.target_nodes: dict[tuple[str, str], int] = {}
        # What the blocks of arcs mean.
        self.required: list[tuple[range, Sequence[HelperClass]]] = []
        self.from_helpers: list[tuple[range, Sequence[tuple[HelperClass, list[str]]]]] = []
        self.to_targets: list[tuple[range, Sequence[tuple[TargetClass, str]]]] = []
        self.unserved: list[tuple[range, Sequence[TargetClass]]] = []
        self.direct: list[tuple[range, Sequence[tuple[HelperClass, TargetClass]]]] = []
        self.into_hubs: list[tuple[range, Sequence[tuple[int, HelperClass]]]] = []
        self.out_of_hubs: list[tuple[range, Sequence[tuple[int, TargetClass]]]] = []
        self.kept: list[tuple[range, Sequence[Pair]]] = []
        self.counted: dict[TargetClass, list[tuple[str, int]]] = defaultdict(list)

    def solve(self) -> Flow:
        """The cheapest flow that serves as many needs and as many required places as there can be."""
        usable = self._usable()
        self._helpers({(pair.helper, pair.role) for pair, _ in usable})
        self._targets({(pair.target, pair.role) for pair, _ in usable})
        self._hubs()
        self._alone()
        self._existing(usable)
        solver = min_cost_flow.SimpleMinCostFlow()
        tails, heads, room, costs = self.arcs.columns()
        solver.add_arcs_with_capacity_and_unit_cost(tails.astype(np.int32), heads.astype(np.int32), room, costs)
        solver.set_node_supply(SOURCE, sum(self.left.needs.values()))
        solver.set_nodes_supplies(
            np.fromiter(self.supply, np.int32, len(self.supply)),
            np.fromiter(self.supply.values(), np.int64, len(self.supply)),
        )
        status = solver.solve()
        if status != solver.OPTIMAL:
            raise RuntimeError(f"min-cost flow ended with status {status}")
        return self._read(solver.flows(np.arange(self.arcs.count, dtype=np.int32)))

    def _node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def _class_node(self, kind: Hashable) -> int:
        node = self.class_nodes.get(kind)
        if node is None:
            node = self.class_nodes[kind] = self._node()
        return node

    def helper_class(self, helper: Helper, role: str) -> HelperClass:
        """Helpers of one class cost every target the same."""
        return ("helpers", role, traits_of_helper(helper), helper.key if helper.key in self.alone else "")

    def target_class(self, target: Target, role: str) -> TargetClass:
        """Targets of one class cost every helper the same."""
        return ("targets", role, traits_of_target(target), target.key if target.key in self.alone else "")

    def may_meet(self, giving: HelperClass, taking: TargetClass) -> bool:
        """Whether a helper of the one class may be paired with a target of the other."""
        if giving[1] != taking[1] or (giving[3], taking[3]) in self.problem.forbidden:
            return False
        return self.problem.costs().between(giving[2], taking[2]) is not None

    def _usable(self) -> list[tuple[Pair, int]]:
        """The existing pairs that can be kept, with what each costs."""
        keep, found = self.problem.wishes.keep, []
        if not keep:
            return []
        costs, none = self.problem.costs(), Quota(0, 0)
        for pair in sorted(self.problem.existing):
            if self.left.needs.get((pair.target, pair.role)) and self.left.quotas.get(pair[::2], none).most:
                cost = costs.pair(pair)
                if cost is not None:
                    found.append((pair, cost - keep))
        return found

    def _helpers(self, own: set[tuple[str, str]]) -> None:
        """Nodes of helpers: one for each of ``own``, one for all others of a class and a quota."""
        groups: dict[tuple[HelperClass, int, int, str], list[str]] = defaultdict(list)
        for (key, role), quota in self.left.quotas.items():
            if quota.most:
                helper = self.problem.helpers[key]
                kind = self.helper_class(helper, role)
                self.helper_classes[kind].append(helper)
                groups[kind, quota.least, quota.most, key if (key, role) in own else ""].append(key)
        if not groups:
            return
        nodes = np.arange(self.nodes, self.nodes + len(groups))
        self.nodes += len(groups)
        self.helper_nodes = {
            (single, str(kind[1])): int(node)
            for (kind, _, _, single), node in zip(groups, nodes, strict=True)
            if single
        }
        kinds = [kind for kind, *_ in groups]
        many = np.fromiter((len(keys) for keys in groups.values()), np.int64, len(groups))
        least = np.fromiter((low for _, low, _, _ in groups), np.int64, len(groups))
        most = np.fromiter((high for _, _, high, _ in groups), np.int64, len(groups))
        must = np.flatnonzero(least)
        if len(must):
            arcs = self.arcs.add(SOURCE, nodes[must], (many * least)[must], -self.heavy)
            self.required.append((arcs, [kinds[place] for place in must]))
        for room in np.unique(most - least):
            these = np.flatnonzero(most - least == room)
            for step, part in enumerate(steps(int(room))):
                self.arcs.add(SOURCE, nodes[these], many[these] * part, self.problem.wishes.balance * (step + 1))
        heads = np.fromiter(map(self._class_node, kinds), np.int64, len(kinds))
        arcs = self.arcs.add(nodes, heads, many * most, 0)
        self.from_helpers.append((arcs, list(zip(kinds, groups.values(), strict=True))))

    def _targets(self, own: set[tuple[str, str]]) -> None:
        """Nodes of classes of targets, and of each of ``own``; what a class needs beside those is counted."""
        single: list[tuple[TargetClass, str]] = []
        total: Counter[TargetClass] = Counter()
        for (key, role), count in self.left.needs.items():
            if not count:
                continue
            target = self.problem.targets[key]
            kind = self.target_class(target, role)
            self.target_classes[kind].append(target)
            total[kind] += count
            if (key, role) in own:
                node = self.target_nodes[key, role] = self._node()
                self.supply[node] = -count
                single.append((kind, key))
            else:
                node = self._class_node(kind)
                self.supply[node] = self.supply.get(node, 0) - count
                self.counted[kind].append((key, count))
        if single:
            heads = [self.target_nodes[key, str(kind[1])] for kind, key in single]
            room = [self.left.needs[key, str(kind[1])] for kind, key in single]
            tails = [self._class_node(kind) for kind, _ in single]
            self.to_targets.append((self.arcs.add(tails, heads, room, 0), single))
        if total:
            heads = [self._class_node(kind) for kind in total]
            arcs = self.arcs.add(SOURCE, heads, list(total.values()), 2 * self.heavy)
            self.unserved.append((arcs, list(total)))

    def _hubs(self) -> None:
        """From each kind of helper to the village, town and area it reaches, and on to the kinds of target there."""
        wishes, costs = self.problem.wishes, self.problem.costs()
        levels = REACH[wishes.within]
        extra = {VILLAGE: 0, TOWN: wishes.same_village}
        far = wishes.same_village + wishes.same_town
        there: dict[tuple[str, int, str], list[TargetClass]] = defaultdict(list)
        for kind in self.target_classes:
            for level in levels:
                there[str(kind[1]), level, kind[2][0][:level]].append(kind)
        hubs: dict[Hashable, int] = {}
        into: list[tuple[int, HelperClass]] = []
        prices: list[int] = []
        out: list[tuple[int, TargetClass]] = []
        onward: list[int] = []
        for giving in self.helper_classes:
            role, (place, unit_kind, speaks), single = str(giving[1]), giving[2], giving[3]
            for level in () if single else levels:
                reached = there.get((role, level, place[:level]))
                if not reached:
                    continue
                name = (role, level, place[:level], unit_kind, speaks)
                hub = hubs.get(name)
                if hub is None:
                    hub = hubs[name] = self._node()
                    out += [(hub, taking) for taking in reached]
                    onward += [costs.beside(unit_kind, speaks, taking[2]) for taking in reached]
                into.append((hub, giving))
                prices.append(extra.get(level, far))
        limit = sum(self.left.needs.values())
        if into:
            tails = [self._class_node(giving) for _, giving in into]
            self.into_hubs.append((self.arcs.add(tails, [hub for hub, _ in into], limit, prices), into))
            heads = [self._class_node(taking) for _, taking in out]
            self.out_of_hubs.append((self.arcs.add([hub for hub, _ in out], heads, limit, onward), out))

    def _alone(self) -> None:
        """Whoever has forbidden pairs that matter gets an arc to each kind of target they may meet."""
        costs, limit = self.problem.costs(), sum(self.left.needs.values())
        found: list[tuple[HelperClass, TargetClass]] = []
        room: list[int] = []
        prices: list[int] = []
        for giving in self.helper_classes:
            for taking in self.target_classes if giving[3] else ():
                if self.may_meet(giving, taking):
                    found.append((giving, taking))
                    room.append(1 if taking[3] else limit)
                    prices.append(costs.between(giving[2], taking[2]) or 0)
        if found:
            tails = [self._class_node(giving) for giving, _ in found]
            heads = [self._class_node(taking) for _, taking in found]
            self.direct.append((self.arcs.add(tails, heads, room, prices), found))

    def _existing(self, usable: Sequence[tuple[Pair, int]]) -> None:
        if usable:
            tails = [self.helper_nodes[pair.helper, pair.role] for pair, _ in usable]
            heads = [self.target_nodes[pair.target, pair.role] for pair, _ in usable]
            arcs = self.arcs.add(tails, heads, 1, [cost for _, cost in usable])
            self.kept.append((arcs, [pair for pair, _ in usable]))

    def _read(self, flows: Numbers) -> Flow:
        found = Flow()
        room = self.arcs.columns()[2]
        for arcs, kinds in self.required:
            for kind, lacking in zip(kinds, (room - flows)[arcs.start : arcs.stop].tolist(), strict=True):
                if lacking:
                    found.unused[kind] = found.unused.get(kind, 0) + lacking
        found.unserved = dict(_used(self.unserved, flows))
        found.kept = [pair for pair, _ in _used(self.kept, flows)]
        for (kind, keys), amount in _used(self.from_helpers, flows):
            # Equal quotas, so an equal share for each is as balanced as it can be.
            share, more = divmod(amount, len(keys))
            for place, key in enumerate(keys):
                if share + (place < more):
                    found.helpers[kind][key] = share + (place < more)
        if not found.unserved:
            for taking, counts in self.counted.items():
                found.targets[taking] = dict(counts)
        for (taking, key), amount in _used(self.to_targets, flows):
            found.targets[taking][key] = amount
        found.between = Counter(dict(_used(self.direct, flows)))
        self._through_hubs(found.between, flows)
        return found

    def _through_hubs(self, between: dict[tuple[HelperClass, TargetClass], int], flows: Numbers) -> None:
        """Who meets whom in each hub: any way costs the same, so in the order of places."""
        given: dict[int, list[list[Any]]] = defaultdict(list)
        for (hub, giving), amount in _used(self.into_hubs, flows):
            given[hub].append([giving, amount])
        taken: dict[int, list[tuple[TargetClass, int]]] = defaultdict(list)
        for (hub, taking), amount in _used(self.out_of_hubs, flows):
            taken[hub].append((taking, amount))
        for hub, takers in taken.items():
            givers = iter(given[hub])
            giver: list[Any] = [None, 0]
            for taking, wanted in sorted(takers):
                left = wanted
                while left:
                    if not giver[1]:
                        giver = next(givers)
                    part = min(left, giver[1])
                    between[giver[0], taking] = between.get((giver[0], taking), 0) + part
                    giver[1] -= part
                    left -= part


def _used(blocks: Iterable[tuple[range, Sequence[Any]]], flows: Numbers) -> Iterator[tuple[Any, int]]:
    """What the arcs with flow mean, and their flow."""
    for arcs, meaning in blocks:
        part = flows[arcs.start : arcs.stop]
        for place in np.flatnonzero(part).tolist():
            yield meaning[place], int(part[place])


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
    if most == 1:
        return list(amounts)
    return [key for turn in range(most) for key, amount in amounts.items() if amount > turn]
