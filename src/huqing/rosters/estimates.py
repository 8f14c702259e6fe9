"""Shares estimated from a sample, each with its 95 % interval; plain arithmetic on whole numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# The 97.5 % quantile of the standard normal distribution.
Z = 1.959963984540054
METHOD = (
    "每层为简单随机抽样，错误率的 95% 置信区间用 Wilson 法；全部合计按各层户数加权，区间用 Wilson 法，"
    "样本量取 Kish 有效样本量 1/Σ(W²/n)。没有见到的户不计入分母，另行列出。"
)


@dataclass(frozen=True)
class Share:
    """A share of ``of`` looked at, with its interval; None where nothing was looked at."""

    share: float | None
    low: float | None
    high: float | None


def wilson(hits: float, of: float) -> Share:
    """The Wilson score interval of ``hits`` among ``of`` (E. B. Wilson, 1927); also right at 0 and at all."""
    if of <= 0:
        return Share(None, None, None)
    share, square = hits / of, Z * Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z * math.sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return Share(share, max(0.0, middle - half), min(1.0, middle + half))


def stratified(strata: Iterable[tuple[int, int, int]]) -> Share:
    """The share in all strata together: each is (how many there are, how many were looked at, hits among those).

    Strata are weighted by their size, those nobody looked at left out. The interval is Wilson's for Kish's effective
    sample size, which takes no credit for strata being alike within: it is rather too wide than too narrow.
    """
    seen = [(size, looked, hits) for size, looked, hits in strata if looked > 0]
    whole = sum(size for size, _, _ in seen)
    if not whole:
        return Share(None, None, None)
    share = sum(size / whole * hits / looked for size, looked, hits in seen)
    effective = 1 / sum((size / whole) ** 2 / looked for size, looked, _ in seen)
    return wilson(share * effective, effective)
