"""The real villages of the demo county, and how many households each gets."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

from huqing.demo.draw import Draw
from huqing.demo.figures import LARGEST, REGION, SMALLEST
from huqing.demo.model import Village

COUNTY = "奉节县"
_TAILS = ("居民委员会", "村民委员会")
_HOUSEHOLDS_PER_TOWN = 250
_FEWEST_TOWNS = 4


def short_name(name: str) -> str:
    """The village name as files write it: 朝阳社区居民委员会 → 朝阳社区, 五塝村村民委员会 → 五塝村."""
    for tail in _TAILS:
        if name.endswith(tail) and len(name) > len(tail):
            return name.removesuffix(tail)
    return name


@cache
def villages() -> tuple[Village, ...]:
    """All villages of the county in code order."""
    text = (resources.files("huqing.demo") / "data" / "villages.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        Village(r["village_code"], short_name(r["village"]), r["town_code"], r["town"])
        for r in sorted(rows, key=lambda r: r["village_code"])
    )


@cache
def regions() -> tuple[tuple[str, str, int], ...]:
    """Every region the demo needs as (code, official name, level 1 province … 5 village), parents first."""
    text = (resources.files("huqing.demo") / "data" / "villages.csv").read_text(encoding="utf-8")
    rows = sorted(csv.DictReader(text.splitlines()), key=lambda r: r["village_code"])
    towns = {r["town_code"]: r["town"] for r in rows}
    above = [("50", "重庆市", 1), ("5002", "县", 2), (REGION, COUNTY, 3)]
    return (
        *above,
        *((code, name, 4) for code, name in towns.items()),
        *((r["village_code"], r["village"], 5) for r in rows),
    )


def town_codes() -> list[str]:
    """The towns of the county in code order; a town's place in this list is its number everywhere in the demo."""
    return list(dict.fromkeys(v.town_code for v in villages()))


def settle(households: int, seed: int) -> dict[str, dict[str, int]]:
    """How many households each village of each used town has: town code → village code → households.

    A small county uses a few whole towns (one per 250 households, at least four) rather than a handful of households
    everywhere. Raises ValueError when ``households`` is outside what the demo can make.
    """
    if not SMALLEST <= households <= LARGEST:
        raise ValueError(f"户数应在 {SMALLEST} 到 {LARGEST} 之间，收到 {households}。")
    draw = Draw(seed, 1)
    towns = town_codes()
    wanted = min(len(towns), max(_FEWEST_TOWNS, households // _HOUSEHOLDS_PER_TOWN))
    used = set(draw.shuffled(towns)[:wanted])
    chosen = [v for v in villages() if v.town_code in used]
    sizes = [0.5 + draw.u() for _ in chosen]
    counts = shared_out(households, sizes)
    result: dict[str, dict[str, int]] = {}
    for village, count in zip(chosen, counts, strict=True):
        result.setdefault(village.town_code, {})[village.code] = count
    return result


def shared_out(total: int, weights: list[float]) -> list[int]:
    """``total`` split by ``weights`` into whole numbers that add up (largest remainder, earlier ones first)."""
    scale = total / sum(weights)
    exact = [weight * scale for weight in weights]
    counts = [int(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda i: (counts[i] - exact[i], i))
    for i in order[: total - sum(counts)]:
        counts[i] += 1
    return counts
