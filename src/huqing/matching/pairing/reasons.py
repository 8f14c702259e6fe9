"""Why a pair was chosen, and, where no pairing meets every quota, the smallest set of facts that makes it so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from huqing.matching.pairing.problem import (
    WITHIN_WORDS,
    HelperClass,
    Pair,
    Problem,
    Quota,
    TargetClass,
    traits_of_helper,
    traits_of_target,
)

if TYPE_CHECKING:
    from huqing.matching.pairing.network import Flow, Network, Remainder

NAMED = 3
RANGES_TOLD = 4
MOST_TOLD = 8
# Sets of more classes than this are told as they are found, without looking for a part that says the same.
SHRINKABLE = 60
One = TypeVar("One", HelperClass, TargetClass)
Other = TypeVar("Other", HelperClass, TargetClass)


def why(asked: Problem, pairs: Iterable[Pair], before: frozenset[Pair]) -> dict[Pair, tuple[str, ...]]:
    """For each pair what speaks for it and, marked so, what speaks against it."""
    known: dict[object, tuple[str, ...]] = {}
    found: dict[Pair, tuple[str, ...]] = {}
    for pair in pairs:
        if pair in asked.fixed:
            found[pair] = ("指定结对",)
            continue
        helper, target = asked.helpers[pair.helper], asked.targets[pair.target]
        key = (traits_of_helper(helper), traits_of_target(target), pair in before)
        if key not in known:
            known[key] = _why(asked, pair, kept=key[2])
        found[pair] = known[key]
    return found


def _why(asked: Problem, pair: Pair, *, kept: bool) -> tuple[str, ...]:
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
    reach = _Reach(network, left, flow)
    alone = {kind for kind in flow.unserved if not reach.able(kind)}
    told = [reach.nobody({kind for kind in alone if kind[1] == role}) for role in asked.roles]
    told += [reach.too_few_helpers(kind) for kind in flow.unserved if kind not in alone]
    told += [reach.too_few_targets(kind) for kind in flow.unused]
    found = list(dict.fromkeys(filter(None, told)))
    if len(found) > MOST_TOLD:
        found = [*found[:MOST_TOLD], f"另有 {len(found) - MOST_TOLD} 处同样的情况，先解决上面的再算。"]
    return tuple(found)


def _totals(asked: Problem, left: Remainder, role: str) -> list[str]:
    quotas = [quota for (_, name), quota in left.quotas.items() if name == role and quota.most]
    least, most = sum(quota.least for quota in quotas), sum(quota.most for quota in quotas)
    needs = sum(count for (_, name), count in left.needs.items() if name == role)
    name, unit = asked.words.role(role), asked.words.unit(role)
    offered = f"{most}" if least == most else f"{least} 至 {most}"
    chosen = f"（{asked.words.chosen[role]}）" if role in asked.words.chosen else ""
    start = f"“{name}”：{len(quotas)} 人的名额合计 {offered} {unit}{_shares(quotas)}"
    if needs > most:
        return [f"{start}，要结对的{chosen}有 {needs} {unit}，缺 {needs - most} 个名额。"]
    if needs < least:
        return [f"{start}，要结对的{chosen}只有 {needs} {unit}，多 {least - needs} 个名额。"]
    return []


def _shares(quotas: Iterable[Quota]) -> str:
    """How the places come about: （9 人各 4，39 人各 3）; "" where it says nothing new."""
    counts = Counter((quota.least, quota.most) for quota in quotas)
    if not 1 < len(counts) <= RANGES_TOLD:
        return ""
    told = (f"{many} 人各 {least if least == most else f'{least} 至 {most}'}" for (least, most), many in counts.items())
    return f"（{'，'.join(told)}）"


class _Reach:
    """Who can be paired with whom, by classes, to find the few whose numbers do not fit each other.

    Whoever is left over could change places with anybody served by the same helpers, and so on: the classes reached
    that way are a set that cannot be served, as no helper among them has a place left.
    """

    def __init__(self, network: Network, left: Remainder, flow: Flow) -> None:
        self.asked = network.problem
        self.left = left
        self.network = network
        self.serving: dict[TargetClass, set[HelperClass]] = defaultdict(set)
        self.served: dict[HelperClass, set[TargetClass]] = defaultdict(set)
        kept = (
            (
                network.helper_class(self.asked.helpers[pair.helper], pair.role),
                network.target_class(self.asked.targets[pair.target], pair.role),
            )
            for pair in flow.kept
        )
        for giving, taking in (*flow.between, *kept):
            self.serving[taking].add(giving)
            self.served[giving].add(taking)
        self._able: dict[TargetClass, set[HelperClass]] = {}
        self._open: dict[HelperClass, set[TargetClass]] = {}

    def able(self, taking: TargetClass) -> set[HelperClass]:
        """The kinds of helper who may be paired with such a target."""
        if taking not in self._able:
            self._able[taking] = {kind for kind in self.network.helper_classes if self.network.may_meet(kind, taking)}
        return self._able[taking]

    def open(self, giving: HelperClass) -> set[TargetClass]:
        """The kinds of target such a helper may be paired with."""
        if giving not in self._open:
            self._open[giving] = {kind for kind in self.network.target_classes if self.network.may_meet(giving, kind)}
        return self._open[giving]

    def nobody(self, targets: set[TargetClass]) -> str:
        """The targets of one role whom nobody may be paired with at all, in one sentence; "" if there are none."""
        if not targets:
            return ""
        role = str(next(iter(targets))[1])
        needs, unit = sum(map(self._need, targets)), self.asked.words.unit(role)
        return (
            f"{self._villages(targets)}有 {needs} {unit}要结对“{self.asked.words.role(role)}”，"
            f"{self._limit()}没有人可以与他们结对。"
        )

    def too_few_helpers(self, start: TargetClass) -> str:
        """The smallest set found of targets whose possible helpers have fewer places than they need."""
        role = str(start[1])
        name, unit = self.asked.words.role(role), self.asked.words.unit(role)

        def lacking(targets: set[TargetClass]) -> int:
            helpers = _union(self.able, targets)
            return sum(map(self._need, targets)) - sum(self._places(kind)[1] for kind in helpers)

        targets = _smallest(start, self.able, self.served, lacking)
        lack = lacking(targets)
        if lack <= 0:
            return f"“{name}”：{self._villages({start})}有对象没有人可以结对。请检查回避和指定结对。"
        helpers = _union(self.able, targets)
        needs = sum(map(self._need, targets))
        return (
            f"{self._villages(targets)}有 {needs} {unit}要结对“{name}”，{self._limit()}能与他们结对的只有 "
            f"{self._people(helpers)} 人{self._named(helpers)}，名额合计 {needs - lack} {unit}，缺 {lack} 个名额。"
        )

    def too_few_targets(self, start: HelperClass) -> str:
        """The smallest set found of helpers who must take more targets than there are for them."""
        role = str(start[1])
        name, unit = self.asked.words.role(role), self.asked.words.unit(role)

        def spare(helpers: set[HelperClass]) -> int:
            targets = _union(self.open, helpers)
            return sum(self._places(kind)[0] for kind in helpers) - sum(map(self._need, targets))

        helpers = _smallest(start, self.open, self.serving, spare)
        more = spare(helpers)
        if more <= 0:
            return f"“{name}”：有人的名额用不完。请检查回避和指定结对。"
        least = sum(self._places(kind)[0] for kind in helpers)
        named = [helper.key for kind in sorted(helpers, key=str) for helper in self.network.helper_classes[kind]]
        return (
            f"{_few(named)} 共 {len(named)} 人至少要结对“{name}” {least} {unit}，{self._limit()}"
            f"可结对的只有 {least - more} {unit}，多 {more} 个名额。"
        )

    def _need(self, kind: TargetClass) -> int:
        role = str(kind[1])
        return sum(self.left.needs[target.key, role] for target in self.network.target_classes[kind])

    def _places(self, kind: HelperClass) -> tuple[int, int]:
        quotas = [self.left.quotas[helper.key, str(kind[1])] for helper in self.network.helper_classes[kind]]
        return sum(quota.least for quota in quotas), sum(quota.most for quota in quotas)

    def _people(self, kinds: set[HelperClass]) -> int:
        return len({helper.key for kind in kinds for helper in self.network.helper_classes[kind]})

    def _named(self, kinds: set[HelperClass]) -> str:
        """The people themselves, where they are few."""
        keys = sorted({helper.key for kind in kinds for helper in self.network.helper_classes[kind]})
        return f"（{'、'.join(keys)}）" if len(keys) <= NAMED else ""

    def _villages(self, kinds: set[TargetClass]) -> str:
        """Whom a sentence is about: single targets where only they are meant, else the villages."""
        single = sorted(kind[3] for kind in kinds)
        if all(single):
            return f"{_few(single)} "
        return f"{_few([self.asked.words.place(code) for code in sorted({str(kind[2][0]) for kind in kinds})])} "

    def _limit(self) -> str:
        words = WITHIN_WORDS.get(self.asked.wishes.within, "")
        return f"（{words}）" if words else ""


def _union(partners: Callable[[One], set[Other]], kinds: Iterable[One]) -> set[Other]:
    found: set[Other] = set()
    for kind in kinds:
        found |= partners(kind)
    return found


def _smallest(
    start: One,
    partners: Callable[[One], set[Other]],
    back: Mapping[Other, set[One]],
    excess: Callable[[set[One]], int],
) -> set[One]:
    """The classes that ``start`` could change places with, without those that are not needed for an excess."""
    found = {start}
    while excess(found) <= 0:
        wider = found | {other for partner in _union(partners, found) for other in back.get(partner, ())}
        if wider == found:
            return found
        found = wider
    if len(found) <= SHRINKABLE:
        for kind in sorted(found - {start}, key=str):
            if excess(found - {kind}) > 0:
                found = found - {kind}
    return found


def _few(names: list[str]) -> str:
    told = "、".join(names[:NAMED])
    return f"{told} 等 {len(names)} 个" if len(names) > NAMED else told
