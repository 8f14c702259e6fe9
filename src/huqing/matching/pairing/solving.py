"""From the flow to named pairs, with what changed and why, or the reason no pairing meets every quota."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from huqing.matching.pairing.exact import exact
from huqing.matching.pairing.network import Flow, Network, in_turns, remainder, units
from huqing.matching.pairing.problem import (
    Helper,
    HelperClass,
    Pair,
    Problem,
    Target,
    TargetClass,
    Wishes,
    Words,
    problem,
)
from huqing.matching.pairing.reasons import obstacles, why

ROUNDS = 20


@dataclass(frozen=True)
class Proposal:
    """A pairing for a person to accept or change.

    ``pairs`` in the order of targets; ``obstacles`` in words and no pairs when no pairing meets every quota. ``cost``
    is that of the wishes (lower is better), ``kept`` and ``ended`` the existing pairs that stay and that do not.
    """

    pairs: tuple[Pair, ...] = ()
    reasons: dict[Pair, tuple[str, ...]] | None = None
    obstacles: tuple[str, ...] = ()
    cost: int = 0
    kept: frozenset[Pair] = frozenset()
    ended: frozenset[Pair] = frozenset()

    @property
    def added(self) -> frozenset[Pair]:
        """The pairs that are new."""
        return frozenset(self.pairs) - self.kept


def propose(
    helpers: Iterable[Helper],
    targets: Iterable[Target],
    wishes: Wishes | None = None,
    *,
    existing: Iterable[Pair] = (),
    fixed: Iterable[Pair] = (),
    forbidden: Iterable[tuple[str, str]] = (),
    words: Words | None = None,
) -> Proposal:
    """The best pairing that meets every quota and need, or why there is none; PairingError if the question is wrong.

    The flow is the optimum of all pairings in which somebody might meet a target twice; exchanging equals costs
    nothing, so a pairing found that way is best of all. Where no exchange helps, a small question is searched through
    (``exact``), and a large one is answered with who stands in the way.
    """
    before = frozenset(existing)
    asked = problem(
        helpers, targets, wishes or Wishes(), existing=before, fixed=fixed, forbidden=forbidden, words=words
    )
    left = remainder(asked)
    alone: frozenset[str] = frozenset()
    for _ in range(ROUNDS):
        network = Network(asked, left, alone)
        flow = network.solve()
        if flow.unserved or flow.unused:
            return Proposal(obstacles=obstacles(asked, left, network, flow), ended=before)
        named = _Naming(asked, network, flow)
        conflicts = named.settle()
        if not conflicts:
            return _proposal(asked, named.pairs, before)
        lonely = {key for pair in conflicts for key in (pair.helper, pair.target)}
        if lonely <= alone:
            break
        alone |= lonely
    found = exact(asked, left)
    if found:
        return _proposal(asked, found, before)
    told = "、".join(dict.fromkeys(f"{pair.helper}—{pair.target}" for pair in conflicts[:3]))
    proven = "无论怎样安排都避不开" if found is not None else "没有找到能避开的安排"
    return Proposal(
        obstacles=(
            f"同一人对同一对象只能结对一次，也不能违反回避：{told} 等处{proven}。请放宽名额、增加人员或取消回避。",
        ),
        ended=before,
    )


def _proposal(asked: Problem, pairs: list[Pair], before: frozenset[Pair]) -> Proposal:
    place = {key: number for number, key in enumerate(asked.targets)}
    role = {name: number for number, name in enumerate(asked.roles)}
    ranked = sorted((place[pair.target], role[pair.role], pair.helper, pair) for pair in (*pairs, *asked.fixed))
    ordered = tuple(pair for *_, pair in ranked)
    now, costs = frozenset(ordered), asked.costs()
    return Proposal(
        pairs=ordered,
        reasons=why(asked, ordered, before),
        cost=sum(costs.pair(pair) or 0 for pair in ordered),
        kept=now & before,
        ended=before - now,
    )


class _Naming:
    """Gives the units of flow names, then exchanges equal ones until nobody meets whom they must not."""

    def __init__(self, asked: Problem, network: Network, flow: Flow) -> None:
        self.asked = asked
        self.network = network
        self.kept = list(flow.kept)
        self.pairs: list[Pair] = []
        self.equal_helpers: dict[HelperClass, list[int]] = defaultdict(list)
        self.equal_targets: dict[TargetClass, list[int]] = defaultdict(list)
        self._name(flow)
        self.times = Counter((pair.helper, pair.target) for pair in (*self.pairs, *self.kept, *asked.fixed))

    def _name(self, flow: Flow) -> None:
        helpers = {kind: units(amounts)[::-1] for kind, amounts in flow.helpers.items()}
        targets = {kind: in_turns(amounts)[::-1] for kind, amounts in flow.targets.items()}
        # Villages one after the other: what one helper gets lies together.
        for (giving, taking), amount in sorted(flow.between.items(), key=lambda item: item[0][1]):
            for _ in range(amount):
                self.pairs.append(Pair(helpers[giving].pop(), targets[taking].pop(), str(giving[1])))

    def settle(self) -> list[Pair]:
        """The pairs that no exchange of equals could make lawful; ``pairs`` is then everything, kept ones included."""
        waiting = [number for number, pair in enumerate(self.pairs) if not self._lawful(pair)]
        if waiting:
            for number, pair in enumerate(self.pairs):
                self.equal_helpers[self._giving(pair)].append(number)
                self.equal_targets[self._taking(pair)].append(number)
        patience = 100 * len(waiting)
        chance = random.Random(len(self.pairs))  # noqa: S311  the same question has the same answer
        while waiting and patience:
            patience -= 1
            number = waiting.pop()
            pair = self.pairs[number]
            if self._lawful(pair):
                continue
            equals = self.equal_targets[self._taking(pair)] + self.equal_helpers[self._giving(pair)]
            other = next((other for other in equals if self._may_exchange(number, other)), None)
            if other is None:
                # No exchange mends both: mend this one, and look at the other's new partner next.
                usable = [other for other in equals if self._may_exchange(number, other, both=False)]
                if not usable:
                    waiting.append(number)
                    break
                other = chance.choice(usable)
                waiting.append(other)
            self._exchange(number, other)
        conflicts = [pair for pair in self.pairs if not self._lawful(pair)]
        self.pairs += self.kept
        return conflicts

    def _giving(self, pair: Pair) -> HelperClass:
        return self.network.helper_class(self.asked.helpers[pair.helper], pair.role)

    def _taking(self, pair: Pair) -> TargetClass:
        return self.network.target_class(self.asked.targets[pair.target], pair.role)

    def _lawful(self, pair: Pair) -> bool:
        """Whether these two may meet, and meet once."""
        return self.times[pair.helper, pair.target] == 1 and (pair.helper, pair.target) not in self.asked.forbidden

    def _may_exchange(self, number: int, place: int, *, both: bool = True) -> bool:
        """Whether the pair gets a lawful partner from the other, and (``both``) the other from the pair."""
        pair, other = self.pairs[number], self.pairs[place]
        if other.helper == pair.helper or other.target == pair.target:
            return False
        made = ((pair.helper, other.target), (other.helper, pair.target))[: 2 if both else 1]
        return not any(two in self.asked.forbidden or self.times[two] for two in made)

    def _exchange(self, number: int, place: int) -> None:
        pair, other = self.pairs[number], self.pairs[place]
        for mine, theirs in ((pair, other), (other, pair)):
            self.times[mine.helper, mine.target] -= 1
            self.times[mine.helper, theirs.target] += 1
        self.pairs[number] = Pair(pair.helper, other.target, pair.role)
        self.pairs[place] = Pair(other.helper, pair.target, pair.role)
