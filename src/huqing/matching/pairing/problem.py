"""What a pairing is asked of: helpers with quotas, targets with needs, weighted wishes, pairs fixed or forbidden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeVar

Within = Literal["", "county", "town", "village"]
DIGITS: dict[str, int] = {"": 0, "county": 6, "town": 9, "village": 12}
WITHIN_WORDS = {"county": "限本县", "town": "限本乡镇", "village": "限本村"}


class PairingError(ValueError):
    """The question itself is wrong; the message names the helper or target and the remedy."""


class Pair(NamedTuple):
    """One helper for one target in one role (``key`` 重点帮扶, ``linked`` 联系 …)."""

    helper: str
    target: str
    role: str


@dataclass(frozen=True)
class Quota:
    """How many targets a helper takes in a role: exactly ``least`` if ``most`` is the same."""

    least: int
    most: int

    def __post_init__(self) -> None:
        if not 0 <= self.least <= self.most:
            raise PairingError(f"名额 {self.least} 至 {self.most} 不成范围。")


@dataclass(frozen=True)
class Helper:
    """Somebody who helps. ``place`` is a region code, ``kind`` that of the unit, ``speaks`` languages or peoples."""

    key: str
    quotas: Mapping[str, Quota]
    place: str = ""
    unit: str = ""
    kind: str = ""
    speaks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Target:
    """Who is helped. ``place`` is the village's 12-digit code, ``kind`` that village's, ``needs`` helpers by role."""

    key: str
    place: str
    needs: Mapping[str, int]
    kind: str = ""
    speaks: str = ""


@dataclass(frozen=True)
class Wishes:
    """What makes a pair better: whole weights, larger is more important; 0 switches a wish off.

    ``kinds`` are pairs of unit kind and village kind that belong together. ``within`` is no wish but a limit.
    ``balance`` spreads the load where quotas leave room.
    """

    same_village: int = 4
    same_town: int = 6
    kind: int = 5
    kinds: frozenset[tuple[str, str]] = frozenset()
    language: int = 8
    keep: int = 50
    balance: int = 2
    within: Within = ""

    def __post_init__(self) -> None:
        weights = (self.same_village, self.same_town, self.kind, self.language, self.keep, self.balance)
        if any(not 0 <= weight <= 1000 for weight in weights):
            raise PairingError("权重写 0 到 1000 的整数。")


@dataclass(frozen=True)
class Words:
    """How roles and places are called in what is told, what a role's targets are counted in and who they are."""

    roles: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    counted: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)

    def role(self, role: str) -> str:
        """A role's name."""
        return self.roles.get(role, role)

    def place(self, code: str) -> str:
        """A place's name."""
        return self.places.get(code, code)

    def unit(self, role: str) -> str:
        """What targets of a role are counted in: 户, 人, 个村."""
        return self.counted.get(role, "户")


Item = TypeVar("Item", Helper, Target)
HelperTraits = tuple[str, str, frozenset[str]]
TargetTraits = tuple[str, str, str]
HelperClass = tuple[str, str, HelperTraits, str]
TargetClass = tuple[str, str, TargetTraits, str]


@dataclass(frozen=True)
class Problem:
    """The whole question, checked: keys are unique, places known where a limit needs them, pairs name known people."""

    helpers: Mapping[str, Helper]
    targets: Mapping[str, Target]
    wishes: Wishes
    existing: frozenset[Pair] = frozenset()
    fixed: frozenset[Pair] = frozenset()
    forbidden: frozenset[tuple[str, str]] = frozenset()
    roles: tuple[str, ...] = field(default=())
    words: Words = field(default_factory=Words)

    def costs(self) -> Costs:
        """What pairs cost."""
        known = self.__dict__.get("_costs")
        if known is None:
            known = self.__dict__["_costs"] = Costs(self)
        return known

    def kind_matters(self, village_kind: str) -> bool:
        """Whether some kind of unit is meant for this kind of village."""
        return village_kind in self.costs().wanted

    def dearest(self) -> int:
        """A cost no single pair reaches."""
        wishes = self.wishes
        return wishes.same_village + wishes.same_town + wishes.kind + wishes.language + wishes.keep + wishes.balance


class Costs:
    """The cost of a pair by the traits of both."""

    def __init__(self, asked: Problem) -> None:
        self.asked = asked
        self.wanted = frozenset(village for _, village in asked.wishes.kinds)
        self.digits = DIGITS[asked.wishes.within]

    def between(self, helper: HelperTraits, target: TargetTraits) -> int | None:
        """What such a helper and such a target cost each other; None where the limit forbids it."""
        place, kind, speaks = helper
        code, wishes = target[0], self.asked.wishes
        if code[: self.digits] != place[: self.digits]:
            return None
        cost = 0 if code == place[:12] else wishes.same_village
        if code[:9] != place[:9]:
            cost += wishes.same_town
        return cost + self.beside(kind, speaks, target)

    def beside(self, kind: str, speaks: frozenset[str], target: TargetTraits) -> int:
        """The part of the cost that does not depend on how far the two are from each other."""
        _, village_kind, language = target
        cost = 0
        if village_kind in self.wanted and (kind, village_kind) not in self.asked.wishes.kinds:
            cost += self.asked.wishes.kind
        if language and language not in speaks:
            cost += self.asked.wishes.language
        return cost

    def pair(self, pair: Pair) -> int | None:
        """What one pair costs without the bonus of being kept."""
        helper, target = self.asked.helpers[pair.helper], self.asked.targets[pair.target]
        return self.between(traits_of_helper(helper), traits_of_target(target))


def traits_of_helper(helper: Helper) -> HelperTraits:
    """What decides the cost of a helper."""
    return (helper.place, helper.kind, helper.speaks)


def traits_of_target(target: Target) -> TargetTraits:
    """What decides the cost of a target."""
    return (target.place, target.kind, target.speaks)


def problem(
    helpers: Iterable[Helper],
    targets: Iterable[Target],
    wishes: Wishes,
    *,
    existing: Iterable[Pair] = (),
    fixed: Iterable[Pair] = (),
    forbidden: Iterable[tuple[str, str]] = (),
    words: Words | None = None,
) -> Problem:
    """Check the question; PairingError names what is wrong. Existing pairs of people who are gone are left out."""
    by_key = _unique(helpers, "帮扶责任人")
    wanted = _unique(targets, "帮扶对象")
    for target in wanted.values():
        if any(count < 0 for count in target.needs.values()):
            raise PairingError(f"帮扶对象 {target.key} 需要的人数不能小于 0。")
    banned = frozenset(forbidden)
    held = frozenset(fixed)
    for pair in held:
        if pair.helper not in by_key or pair.target not in wanted:
            raise PairingError(f"指定的结对 {pair.helper}—{pair.target} 里有不在名单中的人。请先补进名单或取消指定。")
        if (pair.helper, pair.target) in banned:
            raise PairingError(f"{pair.helper}—{pair.target} 既指定结对又要求回避，请取消其中一项。")
    said = words or Words()
    _fits(Counter((pair.helper, pair.role) for pair in held), by_key, said)
    for (key, role), count in Counter((pair.target, pair.role) for pair in held).items():
        if count > wanted[key].needs.get(role, 0):
            needed = wanted[key].needs.get(role, 0)
            raise PairingError(f"帮扶对象 {key} 的“{said.role(role)}”指定了 {count} 人，多于需要的 {needed} 人。")
    doubled = [key for key, count in Counter((pair.helper, pair.target) for pair in held).items() if count > 1]
    if doubled:
        raise PairingError(f"{doubled[0][0]}—{doubled[0][1]} 指定了两次，同一人对同一户只结对一次。")
    roles = dict.fromkeys(role for target in wanted.values() for role in target.needs)
    roles |= dict.fromkeys(role for helper in by_key.values() for role in helper.quotas)
    present = {pair for pair in existing if pair.helper in by_key and pair.target in wanted}
    usable = frozenset(pair for pair in present - held if (pair.helper, pair.target) not in banned)
    return Problem(by_key, wanted, wishes, usable, held, banned, tuple(roles), said)


def _fits(counts: Mapping[tuple[str, str], int], helpers: Mapping[str, Helper], words: Words) -> None:
    for (key, role), count in counts.items():
        quota = helpers[key].quotas.get(role, Quota(0, 0))
        if count > quota.most:
            told = f"{key} 的“{words.role(role)}”指定了 {count} {words.unit(role)}，多于名额 {quota.most}。"
            raise PairingError(f"{told}请减少指定的结对，或增加名额。")


def _unique(items: Iterable[Item], what: str) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        if item.key in found:
            raise PairingError(f"{what} {item.key} 出现了两次。")
        found[item.key] = item
    return found
