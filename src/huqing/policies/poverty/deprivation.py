"""Alkire–Foster: who is poor in several ways at once, how much so, and which deprivations make it up.

Each indicator has a weight; a person's score is the weight of the indicators they lack, and they are poor if it
reaches the cutoff k (a share of all weight: the smallest weight is the union, 1 the intersection). Of everybody H is
the share of the poor, A the mean score of the poor, M0 = H·A. The censored headcount of an indicator is the share of
people who are poor and lack it; the weighted censored headcounts add up to M0, and so do the regions by their shares
of people. With cardinal data M1 and M2 weigh each lack by its normalised gap and the square of it. Source: Alkire and
Foster, Journal of Public Economics 95 (2011), 476–487. All of these are means and ratios over people, so their
standard errors are those of ``samples.ratio`` with k and the weights fixed (Alkire et al., Multidimensional Poverty
Measurement (2015), ch. 8).

A missing deprivation is not "not deprived": somebody whose status hangs on it is unknown. People with anything missing
are left out ("drop_person"), or indicators missing of more than a stated share of people are left out first and the
weights of the others stretched ("drop_indicator"); both are counted, and ``bounds`` says between which values H lies
whatever the missing answers are. Weights and cutoff are fractions: reaching k is decided exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from huqing.policies.poverty.samples import Design, Estimate, Flags, Floats, SampleError, Whole, ratio

Missing = Literal["drop_person", "drop_indicator"]
LARGEST_SCALE = 10**15


@dataclass(frozen=True)
class Indicator:
    """One deprivation: its weight is a share of all weight."""

    key: str
    title: str
    dimension: str
    weight: Fraction


@dataclass(frozen=True)
class IndicatorResult:
    """An indicator among all counted people (``headcount``), among the poor, and what part of M0 it makes up."""

    indicator: Indicator
    headcount: Estimate
    censored: Estimate
    contribution: Estimate


@dataclass(frozen=True)
class GroupResult:
    """A group's own measures, its share of the people and its share of M0; the shares of all groups add up to 1."""

    group: str
    people: int
    unknown: int
    share: float
    headcount: Estimate
    intensity: Estimate
    adjusted: Estimate
    contribution: Estimate


@dataclass(frozen=True)
class Profile:
    """The measures of all counted people; ``dropped`` names indicators left out, ``missing`` counts by indicator.

    ``dimensions`` are shares of M0. ``unknown`` people were left out, ``undecided`` of them could be poor or not.
    """

    people: int
    unknown: int
    undecided: int
    missing: Mapping[str, int]
    dropped: tuple[str, ...]
    cutoff: Fraction
    headcount: Estimate
    intensity: Estimate
    adjusted: Estimate
    bounds: tuple[float, float]
    indicators: tuple[IndicatorResult, ...]
    dimensions: Mapping[str, Estimate]
    groups: tuple[GroupResult, ...]


def deprived(achievements: Floats, cutoffs: Sequence[float]) -> Floats:
    """1 where an achievement is below its cutoff, 0 where not, NaN where it is missing."""
    return np.where(np.isnan(achievements), np.nan, (achievements < np.asarray(cutoffs, float)).astype(float))


def gaps(achievements: Floats, cutoffs: Sequence[float]) -> Floats:
    """The normalised gap (z − x)/z of each lack, 0 where not deprived, NaN where missing."""
    limits = np.asarray(cutoffs, float)
    if np.any(limits <= 0):
        raise SampleError("各指标的临界值须大于零，才能计算归一化差距。")
    below = np.where(achievements < limits, (limits - achievements) / limits, 0.0)
    return np.where(np.isnan(achievements), np.nan, below)


def profile(
    lacks: Floats,
    indicators: Sequence[Indicator],
    cutoff: Fraction,
    design: Design,
    *,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    missing: Missing = "drop_person",
    tolerated: float = 0.0,
) -> Profile:
    """All measures from a table of people × indicators (1 deprived, 0 not, NaN unknown).

    With ``missing="drop_indicator"`` indicators missing of more than the share ``tolerated`` of people are left out.
    Raises SampleError when weights, cutoff or shapes cannot be, and when nothing is left to measure.
    """
    _check(lacks, indicators, cutoff, design)
    without = np.isnan(lacks)
    absent = {indicator.key: int(count) for indicator, count in zip(indicators, without.sum(axis=0), strict=True)}
    kept = list(range(len(indicators)))
    if missing == "drop_indicator":
        kept = [place for place in kept if absent[indicators[place].key] <= tolerated * len(lacks)]
        if not kept:
            raise SampleError("每个指标缺失的人都超过允许的比例，没有指标可算。请补齐数据，或提高允许的比例。")
    used = _stretched([indicators[place] for place in kept])
    table, without = lacks[:, kept], without[:, kept]
    whole, needed = _whole_weights(used, cutoff)
    least = np.where(without, 0, table == 1).astype(np.int64) @ whole
    most = least + without.astype(np.int64) @ whole
    counted: Flags = np.logical_not(without.any(axis=1))
    if not counted.any():
        raise SampleError("没有一个人的各项指标都齐全，无法计算。请补齐数据，或改为剔除缺失多的指标。")
    poor: Flags = counted & (least >= needed)
    scores = np.where(poor, least / whole.sum(), 0.0)
    results = _indicators(table, used, poor, scores, counted, design)
    return Profile(
        people=int(counted.sum()),
        unknown=int((~counted).sum()),
        undecided=int(((least < needed) & (most >= needed)).sum()),
        missing=absent,
        dropped=tuple(i.key for place, i in enumerate(indicators) if place not in kept),
        cutoff=cutoff,
        headcount=ratio(poor, counted, design),
        intensity=ratio(scores, poor, design),
        adjusted=ratio(scores, counted, design),
        bounds=(_share(least >= needed, design), _share(most >= needed, design)),
        indicators=results,
        dimensions=_dimensions(table, used, poor, scores, design),
        groups=_groups(groups, poor, scores, counted, design),
    )


def adjusted_gap(
    depths: Floats, weights: Sequence[Fraction], cutoff: Fraction, alpha: float, design: Design
) -> Estimate:
    """M_α of cardinal data: the mean over people of the weighted gaps^α of the poor; α = 1 gives M1, 2 gives M2.

    ``depths`` are the ``gaps``; people with one missing are left out. α = 0 counts lacks and gives M0.
    """
    indicators = [Indicator(str(place), str(place), "", weight) for place, weight in enumerate(weights)]
    _check(np.where(np.isnan(depths), np.nan, (depths > 0).astype(float)), indicators, cutoff, design)
    whole, needed = _whole_weights(indicators, cutoff)
    counted: Flags = np.logical_not(np.isnan(depths).any(axis=1))
    lacking = np.where(np.isnan(depths), 0.0, depths) > 0
    poor = counted & (lacking.astype(np.int64) @ whole >= needed)
    depth = np.where(lacking & poor[:, None], np.where(lacking, depths, 1.0) ** alpha, 0.0)
    return ratio(depth @ (whole / whole.sum()), counted, design)


def _check(lacks: Floats, indicators: Sequence[Indicator], cutoff: Fraction, design: Design) -> None:
    if lacks.ndim != 2 or lacks.shape != (len(design), len(indicators)):
        raise SampleError(f"剥夺表是 {lacks.shape}，应为 {len(design)} 人 × {len(indicators)} 项指标。请核对行列。")
    if any(indicator.weight <= 0 for indicator in indicators) or sum(i.weight for i in indicators) != 1:
        total = sum(indicator.weight for indicator in indicators)
        raise SampleError(f"各指标的权重须大于零，合计须为 1，现在合计是 {total}。请改正权重。")
    if not 0 < cutoff <= 1:
        raise SampleError(f"贫困临界值 k 是 {cutoff}。k 须大于 0、不超过 1（占全部权重的比重）。")
    if not np.all(np.isnan(lacks) | (lacks == 0) | (lacks == 1)):
        raise SampleError("剥夺表里只能是 1（剥夺）、0（不剥夺）或缺失。请先按临界值判断。")


def _stretched(indicators: Sequence[Indicator]) -> list[Indicator]:
    total = sum((indicator.weight for indicator in indicators), Fraction(0))
    return [Indicator(i.key, i.title, i.dimension, i.weight / total) for i in indicators]


def _whole_weights(indicators: Sequence[Indicator], cutoff: Fraction) -> tuple[Whole, int]:
    """Weights as whole numbers, and the least score (on the same scale) that makes somebody poor."""
    scale = math.lcm(*(indicator.weight.denominator for indicator in indicators))
    if scale > LARGEST_SCALE:
        raise SampleError("各指标权重的分母太大，无法精确计算。请把权重写成简单的分数，例如 1/3、1/12。")
    return np.array([int(i.weight * scale) for i in indicators], np.int64), math.ceil(cutoff * scale)


def _share(flags: Flags, design: Design) -> float:
    return float(design.weights @ flags) / float(design.weights.sum())


def _indicators(
    table: Floats, used: Sequence[Indicator], poor: Flags, scores: Floats, counted: Flags, design: Design
) -> tuple[IndicatorResult, ...]:
    results = []
    for place, indicator in enumerate(used):
        lacking = table[:, place] == 1
        part = float(indicator.weight) * (lacking & poor)
        results.append(
            IndicatorResult(
                indicator=indicator,
                headcount=ratio(lacking & counted, counted, design),
                censored=ratio(lacking & poor, counted, design),
                contribution=ratio(part, scores, design),
            )
        )
    return tuple(results)


def _dimensions(
    table: Floats, used: Sequence[Indicator], poor: Flags, scores: Floats, design: Design
) -> dict[str, Estimate]:
    parts: dict[str, Floats] = {}
    for place, indicator in enumerate(used):
        part = float(indicator.weight) * ((table[:, place] == 1) & poor)
        parts[indicator.dimension] = parts.get(indicator.dimension, np.zeros(len(table))) + part
    return {dimension: ratio(part, scores, design) for dimension, part in parts.items()}


def _groups(
    groups: Sequence[Any] | NDArray[Any] | None, poor: Flags, scores: Floats, counted: Flags, design: Design
) -> tuple[GroupResult, ...]:
    if groups is None:
        return ()
    names, number = np.unique(np.asarray(groups), return_inverse=True)
    results = []
    for place, name in enumerate(names):
        inside = number == place
        here = counted & inside
        results.append(
            GroupResult(
                group=str(name),
                people=int(here.sum()),
                unknown=int((inside & ~counted).sum()),
                share=float(design.weights @ here) / float(design.weights @ counted),
                headcount=ratio(poor & here, here, design),
                intensity=ratio(np.where(here, scores, 0.0), poor & here, design),
                adjusted=ratio(np.where(here, scores, 0.0), here, design),
                contribution=ratio(np.where(here, scores, 0.0), scores, design),
            )
        )
    return tuple(results)
