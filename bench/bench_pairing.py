"""Pairing officials with households: ``python bench/bench_pairing.py``.

34,185 households and 10,000 officials with 22,775 pairs to keep; a county of 309,800 households and 15,198 staff; the 48
cadres of two ranks; each in a process of its own. The optimum is compared with the flat formulation (an arc for every
pair, with OR-Tools' own costs) at a size that formulation can still hold: 3,000 households × 600 officials.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from huqing.matching.pairing import Helper, Pair, Quota, Target, Wishes, propose
from machine import row, save

KEY, LINKED = "key_helper", "linked"
REPEAT = 5
KINDS = frozenset({("党群", "软村"), ("政法", "乱村"), ("经济", "穷村"), ("涉农", "专业村")})


def county(households: int, staff: int, kept: int, villages: int) -> tuple[list[Helper], list[Target], list[Pair]]:
    """Villages of unlike size in 33 towns, officials of 300 units with ranges that just suffice."""
    chance = random.Random(20261122)
    codes = [f"500236{100 + number % 33:03d}{200 + number // 33:03d}" for number in range(villages)]
    kinds = dict(zip(codes, chance.choices(["软村", "乱村", "穷村", "专业村", ""], k=villages), strict=True))
    weights = [chance.uniform(0.3, 3) for _ in codes]
    places = chance.choices(codes, weights, k=households)
    targets = [
        Target(f"h{number}", place, {KEY if number % 3 else LINKED: 1}, kind=kinds[place])
        for number, place in enumerate(places)
    ]
    units = [
        (f"u{number}", chance.choice(["党群", "政法", "经济", "涉农"]), chance.choice(codes)) for number in range(300)
    ]
    share = -(-households // staff)
    helpers = []
    for number in range(staff):
        unit, kind, place = units[number % len(units)]
        key, linked = -(-share * 2 // 3), -(-share // 3)
        helpers.append(
            Helper(
                f"s{number}", {KEY: Quota(0, key + 2), LINKED: Quota(0, linked + 2)}, place=place, unit=unit, kind=kind
            )
        )
    free = {(helper.key, role): quota.most for helper in helpers for role, quota in helper.quotas.items()}
    before = []
    for target in chance.sample(targets, kept):
        (role,) = target.needs
        helper = next(one for one in iter(lambda: chance.choice(helpers), None) if free[one.key, role])
        free[helper.key, role] -= 1
        before.append(Pair(helper.key, target.key, role))
    return helpers, targets, before


def cadres() -> tuple[list[Helper], list[Target], list[Pair]]:
    """The college's 48 cadres and 336 households."""
    helpers = [Helper(f"a{number}", {KEY: Quota(4, 4), LINKED: Quota(3, 3)}) for number in range(9)]
    helpers += [Helper(f"b{number}", {KEY: Quota(3, 3), LINKED: Quota(4, 4)}) for number in range(39)]
    return helpers, [Target(f"h{n}", "530302100201", {KEY if n < 153 else LINKED: 1}) for n in range(336)], []


CASES = {
    "middle": lambda: county(34_185, 10_000, 22_775, 376),
    "county": lambda: county(309_800, 15_198, 200_000, 376),
    "cadres": cadres,
}


def run(case: str) -> dict[str, Any]:
    """Median seconds over some runs, added peak memory, and what came out."""
    helpers, targets, before = CASES[case]()
    floor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times, found = [], None
    for _ in range(REPEAT):
        began = time.perf_counter()
        found = propose(helpers, targets, Wishes(kinds=KINDS), existing=before)
        times.append(time.perf_counter() - began)
    assert found is not None
    assert not found.obstacles, found.obstacles
    assert len(found.pairs) == len(targets)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": statistics.median(times),
        "memory": (peak - floor) * 1024,
        "process": peak * 1024,
        "kept": len(found.kept),
        "before": len(before),
    }


def flat() -> dict[str, Any]:
    """The least cost of the formulation with an arc for every pair, and that of the pairing proposed."""
    import numpy as np
    from ortools.graph.python import min_cost_flow

    helpers, targets, before = county(3_000, 600, 2_000, 60)
    wishes = Wishes(kinds=KINDS)
    places = np.array([helper.place for helper in helpers])
    kinds = np.array([helper.kind for helper in helpers])
    number = {helper.key: place for place, helper in enumerate(helpers)}
    held = {pair.target: number[pair.helper] for pair in before}
    tails, heads, costs, rooms = [], [], [], []
    source, role_of = 0, {KEY: 1, LINKED: 1 + len(helpers)}
    first_target = 1 + 2 * len(helpers)
    towns = np.array([place[:9] for place in places])
    meant = {village: unit for unit, village in KINDS}
    for place, target in enumerate(targets):
        (role,) = target.needs
        price = wishes.same_village * (places != target.place) + wishes.same_town * (towns != target.place[:9])
        price = price + wishes.kind * (bool(target.kind) & (kinds != meant.get(target.kind, "")))
        if target.key in held:
            price[held[target.key]] -= wishes.keep
        tails.append(np.arange(len(helpers)) + role_of[role])
        heads.append(np.full(len(helpers), first_target + place))
        costs.append(price)
        rooms.append(np.ones(len(helpers), np.int64))
    for place, helper in enumerate(helpers):
        for role, start in role_of.items():
            most = helper.quotas[role].most
            tails.append(np.full(most, source))
            heads.append(np.full(most, start + place))
            costs.append(wishes.balance * np.arange(1, most + 1))
            rooms.append(np.ones(most, np.int64))
    began = time.perf_counter()
    flow = min_cost_flow.SimpleMinCostFlow()
    columns = [np.concatenate(part) for part in (tails, heads, rooms, costs)]
    flow.add_arcs_with_capacity_and_unit_cost(
        columns[0].astype(np.int32), columns[1].astype(np.int32), columns[2].astype(np.int64), columns[3]
    )
    flow.set_node_supply(source, len(targets))
    for place in range(len(targets)):
        flow.set_node_supply(first_target + place, -1)
    assert flow.solve() == flow.OPTIMAL
    seconds = time.perf_counter() - began
    found = propose(helpers, targets, wishes, existing=before)
    loads: dict[tuple[str, str], int] = {}
    for pair in found.pairs:
        loads[pair.helper, pair.role] = loads.get((pair.helper, pair.role), 0) + 1
    spread = sum(wishes.balance * step for load in loads.values() for step in range(1, load + 1))
    return {
        "flat": flow.optimal_cost(),
        "ours": found.cost + spread - wishes.keep * len(found.kept),
        "seconds": seconds,
    }


def main() -> None:
    rows = []
    limits = {"middle": 1.0, "county": 10.0, "cadres": 0.1}
    titles = {
        "middle": "34,185 households, 10,000 officials",
        "county": "309,800 households, 15,198 staff",
        "cadres": "48 cadres of two ranks, 336 households, exact",
    }
    for case, limit in limits.items():
        done = subprocess.run([sys.executable, __file__, "--run", case], check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        extra = f", {told['kept']:,} of {told['before']:,} existing pairs kept" if told["before"] else ""
        rows.append(row(f"{titles[case]}{extra}", told["seconds"], "s", limit=limit))
        if case != "cadres":
            rows.append(
                row("memory added by solving", told["memory"] / 2**20, "MiB", limit=200 if case == "middle" else None)
            )
    done = subprocess.run([sys.executable, __file__, "--run", "flat"], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    assert told["flat"] == told["ours"], told
    rows.append(row("3,000 × 600: cost above the flat formulation's optimum", told["ours"] - told["flat"], "", limit=0))
    save("pairing", "Pairing officials with households", rows)


if __name__ == "__main__":
    if "--run" in sys.argv:
        print(json.dumps(flat() if sys.argv[-1] == "flat" else run(sys.argv[-1])))
    else:
        main()
