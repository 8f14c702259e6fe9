"""Why a pair was chosen, and, where no pairing meets every quota, the smallest set of facts that makes it so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from huqing.matching.pairing.problem import WITHIN_WORDS, HelperClass, Pair, Problem, TargetClass

if TYPE_CHECKING:
    from huqing.matching.pairing.network import Flow, Network, Remainder

NAMED = 3
One = TypeVar("One", HelperClass, TargetClass)
Other = TypeVar("Other", HelperClass, TargetClass)


def why(asked: Problem, pair: Pair, *, kept: bool) -> tuple[str, ...]:
    """What speaks for a pair and, marked so, what speaks against it."""
    if pair in asked.fixed:
        return ("指定结对",)
    helper, target = asked.helpers[pair.helper], asked.targets[pair.target]
    told = ["沿用原结对"] if kept else []
    if helper.place:
        if helper.place[:12] == target.place[:12]:
            told.append("同村")
        elif helper.place[:9] == target.place[:9]:
            told.append("同乡镇")
        else:
            told.append("不同乡镇")
    if asked.kind_matters(target.kind):
        fits = (helper.kind, target.kind) in asked.wishes.kinds
        told.append(f"{helper.kind or '其他'}单位{'对口' if fits else '不对口'}{target.kind}")
    if target.speaks:
        told.append(f"{'会' if target.speaks in helper.speaks else '不会'}{target.speaks}")
    return tuple(told)


def obstacles(asked: Problem, left: Remainder, network: Network, flow: Flow) -> tuple[str, ...]:
    """In words why quotas and needs cannot all be met; each sentence is one set of facts that exclude each other."""
    told = [text for role in asked.roles for text in _totals(asked, left, role)]
    if told:
        return tuple(told)
    reach = _Reach(network, left)
    for key, role in flow.unserved:
        told.append(reach.too_few_helpers(network.target_class(asked.targets[key], role), role))
    for key, role in flow.unused:
        told.append(reach.too_few_targets(network.helper_class(asked.helpers[key], role), role))
    return tuple(dict.fromkeys(told))


def _totals(asked: Problem, left: Remainder, role: str) -> list[str]:
    quotas = [quota for (_, name), quota in left.quotas.items() if name == role]
    least, most = sum(quota.least for quota in quotas), sum(quota.most for quota in quotas)
    needs = sum(count for (_, name), count in left.needs.items() if name == role)
    people = sum(1 for quota in quotas if quota.most)
    offered = f"{most}" if least == most else f"{least} 至 {most}"
    if needs > most:
        return [f"“{role}”：{people} 人的名额合计 {offered} 户，要结对的有 {needs} 户，缺 {needs - most} 个名额。"]
    if needs < least:
        return [f"“{role}”：{people} 人的名额合计 {offered} 户，要结对的只有 {needs} 户，多 {least - needs} 个名额。"]
    return []


class _Reach:
    """Who can be paired with whom, by classes, to find the few whose numbers do not fit each other."""

    def __init__(self, network: Network, left: Remainder) -> None:
        self.asked = network.problem
        self.left = left
        self.network = network
        self.able: dict[TargetClass, set[HelperClass]] = defaultdict(set)
        self.open: dict[HelperClass, set[TargetClass]] = defaultdict(set)
        for helpers, targets in network.between.values():
            self.able[targets].add(helpers)
            self.open[helpers].add(targets)

    def too_few_helpers(self, start: TargetClass, role: str) -> str:
        """The smallest set found of targets whose possible helpers have fewer places than they need."""
        for targets in self._growing(start, self.able, self.open):
            helpers = set().union(*(self.able[kind] for kind in targets)) if targets else set()
            needs = sum(self._need(kind) for kind in targets)
            places = sum(self._places(kind)[1] for kind in helpers)
            if needs > places:
                return (
                    f"{self._villages(targets)}有 {needs} 户要结对“{role}”，{self._limit()}能与他们结对的只有 "
                    f"{self._people(helpers)} 人，名额合计 {places} 户，缺 {needs - places} 个名额。"
                )
        return f"“{role}”：{self._villages({start})}有户没有人可以结对。请检查回避关系和指定结对。"

    def too_few_targets(self, start: HelperClass, role: str) -> str:
        """The smallest set found of helpers who must take more targets than there are for them."""
        for helpers in self._growing(start, self.open, self.able):
            targets = set().union(*(self.open[kind] for kind in helpers)) if helpers else set()
            least = sum(self._places(kind)[0] for kind in helpers)
            needs = sum(self._need(kind) for kind in targets)
            if least > needs:
                named = [helper.key for kind in helpers for helper in self.network.helper_classes[kind]]
                return (
                    f"{_few(named)} 共 {len(named)} 人至少要结对“{role}” {least} 户，{self._limit()}"
                    f"可结对的只有 {needs} 户，多 {least - needs} 个名额。"
                )
        return f"“{role}”：有人的名额用不完。请检查回避关系和指定结对。"

    def _growing(
        self, start: One, there: Mapping[One, set[Other]], back: Mapping[Other, set[One]]
    ) -> Iterator[set[One]]:
        """The class itself, then the classes that share a partner with it, wider and wider."""
        seen = {start}
        while True:
            yield seen
            wider = seen | {other for kind in seen for partner in there[kind] for other in back[partner]}
            if wider == seen:
                return
            seen = wider

    def _need(self, kind: TargetClass) -> int:
        role = str(kind[1])
        return sum(self.left.needs[target.key, role] for target in self.network.target_classes[kind])

    def _places(self, kind: HelperClass) -> tuple[int, int]:
        quotas = [self.left.quotas[helper.key, str(kind[1])] for helper in self.network.helper_classes[kind]]
        return sum(quota.least for quota in quotas), sum(quota.most for quota in quotas)

    def _people(self, kinds: set[HelperClass]) -> int:
        return len({helper.key for kind in kinds for helper in self.network.helper_classes[kind]})

    def _villages(self, kinds: set[TargetClass]) -> str:
        return f"{_few(sorted({str(kind[2][0]) for kind in kinds}))} "

    def _limit(self) -> str:
        words = WITHIN_WORDS.get(self.asked.wishes.within, "")
        return f"（{words}）" if words else ""


def _few(names: list[str]) -> str:
    told = "、".join(names[:NAMED])
    return f"{told} 等 {len(names)} 个" if len(names) > NAMED else told
