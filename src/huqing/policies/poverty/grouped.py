"""Measures from a published table of income shares, where no person's income is known: the quadratic Lorenz curve.

The curve L(p) solves L(1 − L) = A(p² − L) + B·L(p − 1) + C(p − L) (Villaseñor and Arnold, Journal of Econometrics 40
(1989), 327–338; formulas in Datt, Computational Tools for Poverty Measurement and Analysis, FCND Discussion Paper 50
(1998)). The World Bank reads grouped tables so; its ``wbpip`` (MIT) is the reference for the figures. Its mean
logarithms (Watts, MLD) are sums over a coarse grid that counts the first interval twice; they differ from the integral
from the third digit on. ``on_world_bank_grid`` gives the figure comparable with its publications, the default the
integral itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from huqing.policies.poverty.samples import Floats, SampleError

TOLERANCE = 1e-9
MLD_STEP = 0.001
WATTS_STEPS = 100
LEAST_A_AND_C = 0.9
HALVINGS = 60


@dataclass(frozen=True)
class QuadraticLorenz:
    """A fitted curve with the mean income it belongs to."""

    mean: float
    a: float
    b: float
    c: float

    @property
    def _e(self) -> float:
        return -(self.a + self.b + self.c + 1)

    @property
    def _m(self) -> float:
        return self.b**2 - 4 * self.a

    @property
    def _n(self) -> float:
        return 2 * self.b * self._e - 4 * self.c

    @property
    def _r(self) -> float:
        return math.sqrt(self._n**2 - 4 * self._m * self._e**2)

    @property
    def is_valid(self) -> bool:
        """Whether it is a Lorenz curve at all: starts at 0, rises, is convex, ends at 1 (Datt 1998, section 4)."""
        if self._e > 0 or self.c < 0 or self._n**2 < 4 * self._m * self._e**2 or self.a + self.c < LEAST_A_AND_C:
            return False
        limit = math.inf if self._e == 0 else self._n**2 / (4 * self._e**2)
        return self._m < 0 or (self._m < limit and (self._n >= 0 or self._m < -self._n / 2))

    def _root(self, shares: Floats) -> Floats:
        return np.sqrt(np.clip(self._m * shares**2 + self._n * shares + self._e**2, 0.0, None))

    def share(self, people: float) -> float:
        """The share of all income that the poorest ``people`` (0 to 1) have."""
        return float(-0.5 * (self.b * people + self._e + self._root(np.array([people]))[0]))

    def incomes(self, ranks: Floats) -> Floats:
        """The income at each rank (0 poorest to 1), as a multiple of the mean."""
        return -self.b / 2 - (2 * self._m * ranks + self._n) / (4 * self._root(ranks))

    def headcount(self, line: float) -> float:
        """The share of people below the line."""
        slope = self.b + 2 * line / self.mean
        if slope**2 <= self._m or self._m == 0:
            raise SampleError(f"收入线 {line} 超出拟合曲线能判断的范围。请用接近平均收入 {self.mean:.2f} 的线。")
        rank = -(self._n + self._r * slope / math.sqrt(slope**2 - self._m)) / (2 * self._m)
        return min(max(rank, 0.0), 1.0)

    def gap(self, line: float) -> float:
        """The poverty gap, FGT(1)."""
        poor = self.headcount(line)
        return poor - self.mean / line * self.share(poor)

    def severity(self, line: float) -> float:
        """The squared poverty gap, FGT(2)."""
        poor = self.headcount(line)
        if poor == 0:
            return 0.0
        s1, s2 = (self._r - self._n) / (2 * self._m), -(self._r + self._n) / (2 * self._m)
        logarithm = math.log((1 - poor / s1) / (1 - poor / s2))
        squares = self.a * poor + self.b * self.share(poor) - self._r / 16 * logarithm
        return 2 * self.gap(line) - poor - (self.mean / line) ** 2 * squares

    def gini(self) -> float:
        """The Gini coefficient, one minus twice the area below the curve."""
        m, n, r, e = self._m, self._n, self._r, self._e
        top, ends = 2 * m + n, abs(self.a + self.c - 1)
        straight = 1 + self.b / 2 + e + top / (4 * m) * ends - n * abs(e) / (4 * m)
        if m > 0:
            root = math.sqrt(m)
            bend = math.log(abs((top + 2 * root * ends) / (n + 2 * root * abs(e))))
            return straight - r**2 / (8 * root**3) * bend
        angle = math.asin(min(max(top / r, -1.0), 1.0)) - math.asin(n / r)
        return straight + r**2 / (8 * m) * angle / math.sqrt(-m)

    def median(self) -> float:
        """The income of the person in the middle."""
        return self.mean * float(self.incomes(np.array([0.5]))[0])

    def deciles(self) -> list[float]:
        """The share of income of each tenth of the people, poorest first."""
        cumulated = [0.0, *(self.share(tenth / 10) for tenth in range(1, 10)), 1.0]
        return [upper - lower for lower, upper in pairwise(cumulated)]

    def polarization(self) -> float:
        """Wolfson's index of how far incomes lie from the middle."""
        return 2 * (1 - self.gini() - 2 * self.share(0.5)) * self.mean / self.median()

    def watts(self, line: float, *, on_world_bank_grid: bool = False) -> float:
        """Watts' index: the mean over all people of ln(line / income), the non-poor counting 0."""
        poor = self.headcount(line)
        if poor == 0:
            return 0.0
        logs = (
            self._on_grid(poor / WATTS_STEPS, WATTS_STEPS, first=poor / WATTS_STEPS)
            if on_world_bank_grid
            else self._integral(poor)
        )
        return math.log(line / self.mean) * poor - logs

    def mld(self, *, on_world_bank_grid: bool = False) -> float:
        """The mean logarithmic deviation: the mean of ln(mean income / income)."""
        if on_world_bank_grid:
            return -self._on_grid(MLD_STEP, round(1 / MLD_STEP) - 1, first=MLD_STEP)
        return -self._integral(1.0)

    def _on_grid(self, step: float, steps: int, *, first: float) -> float:
        """The sum of ln(income/mean) the World Bank's programs take: trapezia after an extra first interval."""
        ranks = np.arange(steps + 1, dtype=np.float64) * step
        incomes = self._positive(self.incomes(ranks))
        extra = float(np.log(self.incomes(np.array([first / 2]))[0])) * first
        return extra + float(np.sum(np.log(incomes[:-1]) + np.log(incomes[1:]))) * step / 2

    def _integral(self, upper: float) -> float:
        """∫ ln(income/mean) over the ranks up to ``upper``, by Gauss–Legendre on intervals that shrink to both ends."""
        nodes, weights = np.polynomial.legendre.leggauss(20)
        edge = 0.5 ** np.arange(HALVINGS, 0, -1)
        cuts = upper * np.concatenate(([0.0], edge, 1 - edge[:-1][::-1], [1.0]))
        middle, half = (cuts[1:] + cuts[:-1]) / 2, (cuts[1:] - cuts[:-1]) / 2
        ranks = (middle[:, None] + half[:, None] * nodes).ravel()
        values = np.log(self._positive(self.incomes(ranks))).reshape(-1, len(nodes))
        return float(np.sum(half * (values @ weights)))

    @staticmethod
    def _positive(incomes: Floats) -> Floats:
        if not np.all(incomes > 0):
            raise SampleError("拟合曲线最穷的一端收入不大于零，对数指标无法计算。请改用其他指标。")
        return incomes


def fit(people: Sequence[float], income: Sequence[float], mean: float) -> QuadraticLorenz:
    """The curve through a table of cumulated shares of people and of income, both rising to 1, by least squares.

    Raises SampleError when the table is no Lorenz curve or too short, and when the fitted curve is none.
    """
    p, share = np.asarray(people, float), np.asarray(income, float)
    if len(p) != len(share) or len(p) < 5:
        raise SampleError("分组表至少要有 5 组，人口和收入的累计比重须一一对应。")
    if not (mean > 0 and math.isfinite(mean)):
        raise SampleError(f"平均收入是 {mean}。平均收入须大于零。")
    if abs(p[-1] - 1) > TOLERANCE or abs(share[-1] - 1) > TOLERANCE:
        raise SampleError("最后一组的累计比重须为 1（100%）。请按从低收入到高收入逐组累计。")
    slopes = np.diff(share, prepend=0.0) / np.diff(p, prepend=0.0)
    if np.any(np.diff(p, prepend=0.0) <= 0) or np.any(np.diff(slopes) < -TOLERANCE) or np.any(slopes < 0):
        raise SampleError("分组须按收入从低到高排列，累计比重逐组增加。请检查分组表的顺序和数值。")
    p, share = p[:-1], share[:-1]
    rows = np.stack([p**2 - share, share * (p - 1), p - share], axis=1)
    coefficients = np.linalg.lstsq(rows, share * (1 - share), rcond=None)[0]
    curve = QuadraticLorenz(mean, *(float(value) for value in coefficients))
    if not curve.is_valid:
        raise SampleError("这张分组表拟合不出合格的洛伦兹曲线。请检查分组，或增加分组。")
    return curve
