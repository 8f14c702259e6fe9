"""Which plants there are, how often each is made, and where in a town."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from huqing.demo.adjust import Town
from huqing.demo.model import Household, Person

Planting = Callable[[Town, Household], Household | Person | None]


@dataclass(frozen=True)
class Plant:
    """One finding to plant: how many per household of the county, in which households first, and how."""

    key: str
    rate: float
    prefers: Callable[[Household], bool]
    make: Planting


PLANTS: dict[str, Plant] = {}
MOVED_RATE = 0.001  # id03 is planted by listing people in two towns, not by a function


def _anywhere(_: Household) -> bool:
    return True


def plant(key: str, rate: float, prefers: Callable[[Household], bool] = _anywhere) -> Callable[[Planting], Planting]:
    """Register the decorated function as the way to plant finding ``key``; ``rate`` is per household of the county."""

    def register(make: Planting) -> Planting:
        PLANTS[key] = Plant(key, rate, prefers, make)
        return make

    return register


def fewest(households: int) -> int:
    """How often every finding appears at least in a county of this size."""
    return 1 if households < 1000 else 2 if households < 3000 else 3 if households < 10_000 else 5


def planned_counts(households: int, shares: list[int]) -> list[dict[str, int]]:
    """How often each finding is planted in each town, given the towns' household counts.

    Few plants go to different towns, so that no single town holds all the rare cases.
    """
    counts: list[dict[str, int]] = [{} for _ in shares]
    for turn, entry in enumerate(PLANTS.values()):
        wanted = max(fewest(households), round(entry.rate * households))
        exact = [wanted * share / households for share in shares]
        floors = [int(value) for value in exact]
        order = sorted(range(len(shares)), key=lambda i: (floors[i] - exact[i], (i + turn) % len(shares)))
        if wanted < len(shares):
            order = sorted(range(len(shares)), key=lambda i: (-shares[i] // 100, (i * 7 + turn * 3) % len(shares)))
            order = order[turn % max(1, len(shares) // 2) :] + order[: turn % max(1, len(shares) // 2)]
            floors = [0] * len(shares)
        for i in order[: wanted - sum(floors)]:
            floors[i] += 1
        for i, count in enumerate(floors):
            if count:
                counts[i][entry.key] = count
    return counts


def planted_in(town: Town, counts: dict[str, int]) -> list[tuple[str, Household, Person | None]]:
    """Plant ``counts`` of each finding in the town's households, at most one plant per household."""
    order = town.draw.shuffled(town.households)
    done: list[tuple[str, Household, Person | None]] = []
    for key, wanted in counts.items():
        entry = PLANTS[key]
        left = wanted
        for first_choice in (True, False):
            for h in order:
                if not left:
                    break
                if h.number in town.taken or entry.prefers(h) is not first_choice:
                    continue
                made = entry.make(town, h)
                if made is None:
                    continue
                town.taken.add(h.number)
                done.append((key, h, made if isinstance(made, Person) else None))
                left -= 1
    return done
