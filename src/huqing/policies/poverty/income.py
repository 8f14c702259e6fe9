"""Incomes against a line: incidence, poverty gap, FGT(α), Gini; the Lorenz curve.

FGT(α) is the mean of ((z − y)/z)^α over the people with y < z, everybody else counting 0: α = 0 the incidence, 1 the
poverty gap, 2 its severity (Foster, Greer and Thorbecke, Econometrica 52 (1984), 761–766). An income below zero (costs
above earnings) counts as poor with the whole line missing, never more. Gini leaves incomes below zero out, because a
Lorenz curve needs shares, as the World Bank does; it says how many. A missing income is nobody's zero: those people are
left out and counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huqing.policies.poverty.samples import Design, Estimate, Flags, Floats, SampleError, ratio, standard_error


@dataclass(frozen=True)
class IncomeMeasures:
    """The measures of one group of people: those with a known income, and how many had none or one below zero."""

    group: str
    people: int
    unknown: int
    negative: int
    population: float
    mean: Estimate
    headcount: Estimate
    gap: Estimate
    severity: Estimate
    gini: Estimate


def shortfalls(incomes: Floats, line: float, alpha: float) -> Floats:
    """Each person's part in FGT(α): the missing share of the line to the power α, 0 for those at or above the line.

    Missing incomes stay missing. Raises SampleError for a line or an α that cannot be.
    """
    if not (math.isfinite(line) and line > 0):
        raise SampleError(f"收入线是 {line}。收入线须大于零。")
    if not (math.isfinite(alpha) and alpha >= 0):
        raise SampleError(f"FGT 的 α 是 {alpha}。α 须为不小于零的数，常用 0、1、2。")
    missing_share = np.clip((line - incomes) / line, 0.0, 1.0)
    poor = incomes < line
    return np.where(np.isnan(incomes), np.nan, np.where(poor, missing_share**alpha, 0.0))


def fgt(incomes: Floats, line: float, alpha: float, design: Design, *, within: Flags | None = None) -> Estimate:
    """FGT(α) of the people with known incomes, of those ``within`` a group if given."""
    parts = shortfalls(incomes, line, alpha)
    counted = ~np.isnan(parts) & (True if within is None else within)
    return ratio(np.where(counted, parts, 0.0), counted, design)


def gini(incomes: Floats, design: Design, *, within: Flags | None = None) -> Estimate:
    """The Gini coefficient of known incomes of zero or more; NaN when there are none or all are zero.

    Linearised by the influence of one person, (2·E max(Y, y) − (G + 1)(y + μ))/μ (Kovačević and Binder, Journal of
    Official Statistics 13 (1997), 41–58).
    """
    counted = (incomes >= 0) & (design.weights > 0) & (True if within is None else within)
    chosen = np.flatnonzero(counted)
    order = chosen[np.argsort(incomes[chosen], kind="stable")]
    y, w = incomes[order], design.weights[order]
    population, total = float(w.sum()), float(w @ y)
    if total <= 0:
        return Estimate(math.nan, math.nan)
    earned = np.cumsum(w * y)
    value = 1 - float(w @ (2 * earned - w * y)) / (population * total)
    mean = total / population
    last_equal = np.searchsorted(y, y, side="right") - 1
    expected_larger = (y * np.cumsum(w)[last_equal] + total - earned[last_equal]) / population
    influence = np.zeros(len(incomes))
    influence[order] = (2 * expected_larger - (value + 1) * (y + mean)) / (mean * population)
    return Estimate(value, standard_error(influence, design))


def lorenz(incomes: Floats, design: Design) -> tuple[Floats, Floats]:
    """The Lorenz curve: cumulated shares of people and of income from the poorest up, both from 0 to 1.

    People with a missing income or one below zero are left out, as in ``gini``; empty when all incomes are zero.
    """
    chosen = np.flatnonzero((incomes >= 0) & (design.weights > 0))
    order = chosen[np.argsort(incomes[chosen], kind="stable")]
    people, income = np.cumsum(design.weights[order]), np.cumsum(design.weights[order] * incomes[order])
    if not len(order) or income[-1] <= 0:
        return np.zeros(0), np.zeros(0)
    return np.concatenate(([0.0], people / people[-1])), np.concatenate(([0.0], income / income[-1]))


def measure(
    incomes: Floats,
    line: float,
    design: Design,
    *,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    whole: str = "全部",
) -> list[IncomeMeasures]:
    """All measures of every group, in order of the groups' names, and last of all people together (``whole``)."""
    everybody = np.ones(len(incomes), bool)
    if len(incomes) != len(design):
        raise SampleError(f"收入有 {len(incomes)} 个，抽样设计有 {len(design)} 人。请使两者一一对应。")
    rows = []
    if groups is not None:
        names, number = np.unique(np.asarray(groups), return_inverse=True)
        rows = [_measured(str(name), incomes, line, design, number == place) for place, name in enumerate(names)]
    return [*rows, _measured(whole, incomes, line, design, everybody)]


def _measured(group: str, incomes: Floats, line: float, design: Design, within: Flags) -> IncomeMeasures:
    if design.census:  # people outside the group say nothing about its errors: there are none
        incomes, design = incomes[within], _only(design, within)
        within = np.ones(len(incomes), bool)
    known = within & ~np.isnan(incomes)
    return IncomeMeasures(
        group=group,
        people=int(known.sum()),
        unknown=int((within & np.isnan(incomes)).sum()),
        negative=int((within & (incomes < 0)).sum()),
        population=float(design.weights @ known),
        mean=ratio(np.where(known, incomes, 0.0), known, design),
        headcount=fgt(incomes, line, 0, design, within=within),
        gap=fgt(incomes, line, 1, design, within=within),
        severity=fgt(incomes, line, 2, design, within=within),
        gini=gini(incomes, design, within=within),
    )


def _only(design: Design, within: Flags) -> Design:
    return Design(
        design.weights[within], design.strata[within], design.clusters[within], design.fractions[within], census=True
    )
