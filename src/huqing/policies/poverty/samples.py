"""Samples and their errors: weights, strata and clusters; ratios of totals with linearised standard errors.

The variance of a ratio R = Y/X is that of the total of z = (y − R·x)/X (Taylor linearisation), and the variance of a
total comes from the totals of the first-stage clusters within each stratum h, as if drawn with replacement:

    V = Σ_h (1 − f_h) · n_h/(n_h − 1) · Σ_c (z_hc − z̄_h)²,   z_hc = Σ_i w_i·z_i over the people of cluster c

Simple random sampling is the case of one stratum with every person a cluster. Sources: Särndal, Swensson and Wretman,
Model Assisted Survey Sampling (1992), §5.5–5.6; Wolter, Introduction to Variance Estimation (2007), ch. 6. A group of
people is a domain: people outside it stay in the sample with y = x = 0, so that the size of the group may vary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]


class SampleError(ValueError):
    """A sample cannot be used as it is; the message says in Chinese what is wrong and what to do."""


@dataclass(frozen=True)
class Estimate:
    """A share or mean and its standard error; 0 for a whole population, NaN where nobody is left to measure."""

    value: float
    error: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The confidence interval by the normal distribution."""
        reach = NormalDist().inv_cdf(0.5 + level / 2) * self.error
        return self.value - reach, self.value + reach


@dataclass(frozen=True)
class Design:
    """How people came into the data: one entry per person.

    ``census`` says that they are the whole population, so that there is no sampling error.
    """

    weights: Floats
    strata: Whole
    clusters: Whole
    fractions: Floats
    census: bool = False

    def __len__(self) -> int:
        return len(self.weights)


def census(people: int) -> Design:
    """Everybody, each counted once."""
    nothing = np.zeros(people, np.int64)
    return Design(np.ones(people), nothing, nothing, np.zeros(people), census=True)


def sample(
    people: int,
    *,
    weights: Sequence[float] | Floats | None = None,
    strata: Sequence[Any] | NDArray[Any] | None = None,
    clusters: Sequence[Any] | NDArray[Any] | None = None,
    population: Sequence[float] | Floats | None = None,
    leave_out_bad_weights: bool = False,
) -> Design:
    """A sample: weights (default 1 each), strata (default one), clusters (default each person one).

    ``population`` gives for each person how many first-stage units its stratum has in the population; without it no
    finite-population correction is made. With ``leave_out_bad_weights`` people whose weight is missing or negative
    weigh nothing, as if drawn and not answering. Otherwise raises SampleError for them, and always for strata with a
    single cluster.
    """
    given = np.ones(people) if weights is None else np.asarray(weights, float)
    for name, column in (("权数", given), ("层", strata), ("群", clusters), ("总体单位数", population)):
        if column is not None and len(column) != people:
            raise SampleError(f"{name}有 {len(column)} 个，人有 {people} 个。请使两者一一对应。")
    if leave_out_bad_weights:
        given = np.where(np.isfinite(given) & (given >= 0), given, 0.0)
    bad = np.flatnonzero(~np.isfinite(given) | (given < 0))
    if len(bad):
        raise SampleError(
            f"第 {bad[0] + 1} 人的权数是 {given[bad[0]]}。权数不能缺失，也不能是负数；不参加计算的人请先剔除。"
        )
    if people == 0 or given.sum() == 0:
        raise SampleError("样本中没有权数大于零的人。请检查抽样文件。")
    strata_of = np.zeros(people, np.int64) if strata is None else _numbered(strata)
    members = np.arange(people) if clusters is None else _numbered(clusters)
    clusters_of = _numbered(strata_of * (members.max() + 1) + members)
    sizes = _clusters_per_stratum(strata_of, clusters_of)
    single = np.flatnonzero(sizes == 1)
    if len(single):
        first = int(np.flatnonzero(strata_of == single[0])[0])
        name = "全体" if strata is None else str(strata[first])
        raise SampleError(f"层“{name}”只有一个抽样单位，无法估计误差。请把它与相近的层合并后再算。")
    fractions = np.zeros(people)
    if population is not None:
        fractions = sizes[strata_of] / np.asarray(population, float)
        if not np.all((fractions > 0) & (fractions <= 1)):
            raise SampleError("总体单位数缺失或小于样本单位数。请填写各层抽样单位的总数。")
    return Design(given, strata_of, clusters_of, fractions)


def _numbered(values: Sequence[Any] | NDArray[Any]) -> Whole:
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)


def _clusters_per_stratum(strata: Whole, clusters: Whole) -> Whole:
    stratum_of = np.zeros(clusters.max() + 1, np.int64)
    stratum_of[clusters] = strata
    return np.bincount(stratum_of).astype(np.int64)


def ratio(numerator: Floats | Flags, denominator: Floats | Flags, design: Design) -> Estimate:
    """The weighted ratio of two totals; NaN if the denominator is zero (nobody in the group)."""
    y, x = np.asarray(numerator, float), np.asarray(denominator, float)
    total = float(design.weights @ x)
    if total == 0:
        return Estimate(math.nan, math.nan)
    value = float(design.weights @ y) / total
    return Estimate(value, standard_error((y - value * x) / total, design))


def standard_error(linearised: Floats, design: Design) -> float:
    """The standard error of the weighted total of a linearised variable; 0 for a census."""
    if design.census:
        return 0.0
    totals = np.bincount(design.clusters, design.weights * linearised)
    stratum = np.zeros(len(totals), np.int64)
    stratum[design.clusters] = design.strata
    left = np.zeros(stratum.max() + 1)
    left[design.strata] = 1 - design.fractions
    size = np.bincount(stratum)
    middle = np.bincount(stratum, totals) / size
    spread = np.bincount(stratum, (totals - middle[stratum]) ** 2)
    return math.sqrt(float(np.sum(left * size / (size - 1) * spread)))
