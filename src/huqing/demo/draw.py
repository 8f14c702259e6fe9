"""Seeded randomness, fast enough to be asked a hundred million times.

Numbers come from a numpy ``Generator`` in blocks. Every town has its own stream, derived from the county's seed and the
town's place in the list, so that the county does not depend on how many processes made it.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 8192


class Weighted(Generic[T]):
    """Items with weights, ready to be drawn from."""

    __slots__ = ("cumulative", "items")

    def __init__(self, weights: Mapping[T, float]) -> None:
        self.items: Sequence[T] = tuple(weights)
        total = sum(weights.values())
        self.cumulative = [value / total for value in accumulate(weights.values())]
        self.cumulative[-1] = 1.0


class Draw:
    """One stream of random choices. ``u()`` is uniform in [0, 1), ``normal()`` has mean 0 and deviation 1."""

    def __init__(self, *seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
        self.u: Callable[[], float] = self._uniform().__next__
        self.normal: Callable[[], float] = self._normal().__next__

    def _uniform(self) -> Iterator[float]:
        while True:
            yield from self._rng.random(_BLOCK).tolist()

    def _normal(self) -> Iterator[float]:
        while True:
            yield from self._rng.standard_normal(_BLOCK // 8).tolist()

    def chance(self, share: float) -> bool:
        """True with probability ``share``."""
        return self.u() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.u() * (high - low + 1))

    def one(self, items: Sequence[T]) -> T:
        """One of ``items``, all equally likely."""
        return items[int(self.u() * len(items))]

    def of(self, weighted: Weighted[T]) -> T:
        """One item by weight."""
        return weighted.items[bisect(weighted.cumulative, self.u())]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All items in random order."""
        return [items[i] for i in self._rng.permutation(len(items)).tolist()]

    def day(self, first: date, last: date) -> date:
        """A day from ``first`` to ``last``, both included."""
        return first + timedelta(days=self.between(0, (last - first).days))

    def yuan(self, low: float, high: float, step: int = 1) -> int:
        """An amount in fen between ``low`` and ``high`` yuan, in whole steps of ``step`` yuan."""
        return int((low + self.u() * (high - low)) / step) * step * 100

    def cents(self, low: float, high: float) -> int:
        """An amount in fen between ``low`` and ``high`` yuan, to the fen."""
        return int((low + self.u() * (high - low)) * 100)
