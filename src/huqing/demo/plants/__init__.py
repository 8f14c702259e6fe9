"""Risks planted in a clean county: one function per finding, each changing the true state of one household.

A plant returns the household or person it made findable, or None when the household does not lend itself to it. What
else follows from a plant (a low income is also a 低保 question) is not said here: ``huqing.demo.expect`` works it out.
"""

from __future__ import annotations

from huqing.demo.plants import checks, conditions, guarantees, labour, measures, money, pushes, subsidies, support, work
from huqing.demo.plants.registry import PLANTS, Plant, planned_counts, planted_in

__all__ = [
    "PLANTS",
    "Plant",
    "checks",
    "conditions",
    "guarantees",
    "labour",
    "measures",
    "money",
    "planned_counts",
    "planted_in",
    "pushes",
    "subsidies",
    "support",
    "work",
]
