"""Small questions searched through by constraint programming: where nobody may meet anybody twice, the flow may fail.

Only asked when exchanging equals did not help; it finds the best pairing or proves that there is none.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ortools.sat.python import cp_model

from huqing.matching.pairing.network import steps
from huqing.matching.pairing.problem import Pair, Problem

if TYPE_CHECKING:
    from huqing.matching.pairing.network import Remainder

MOST_PAIRS = 40_000
PATIENCE = 20.0  # of the solver's own deterministic seconds: the same question has the same answer everywhere


def exact(asked: Problem, left: Remainder) -> list[Pair] | None:
    """The best lawful pairs beside the fixed ones; [] if it is proved that there are none, None if nobody knows."""
    model = cp_model.CpModel()
    possible: dict[Pair, cp_model.IntVar] = {}
    costs, keep = asked.costs(), asked.wishes.keep
    met = {(pair.helper, pair.target) for pair in asked.fixed}
    price: list[tuple[cp_model.IntVar, int]] = []
    needed = [(key, role) for (key, role), count in left.needs.items() if count]
    for (helper, role), quota in left.quotas.items():
        for target, wanted in needed if quota.most else ():
            if wanted != role or (helper, target) in asked.forbidden or (helper, target) in met:
                continue
            pair = Pair(helper, target, role)
            cost = costs.pair(pair)
            if cost is None:
                continue
            if len(possible) == MOST_PAIRS:
                return None
            possible[pair] = model.new_bool_var("")
            price.append((possible[pair], cost - keep * (pair in asked.existing)))
    by_helper: dict[tuple[str, str], list[cp_model.IntVar]] = defaultdict(list)
    by_target: dict[tuple[str, str], list[cp_model.IntVar]] = defaultdict(list)
    by_two: dict[tuple[str, str], list[cp_model.IntVar]] = defaultdict(list)
    for pair, chosen in possible.items():
        by_helper[pair.helper, pair.role].append(chosen)
        by_target[pair.target, pair.role].append(chosen)
        by_two[pair.helper, pair.target].append(chosen)
    for together in by_two.values():
        if len(together) > 1:
            model.add_at_most_one(together)
    for key in needed:
        model.add(sum(by_target[key]) == left.needs[key])
    for key, quota in left.quotas.items():
        taken = by_helper[key]
        parts = [model.new_int_var(0, part, "") for part in steps(quota.most - quota.least)]
        model.add(sum(taken) == quota.least + sum(parts))
        price += [(part, asked.wishes.balance * (step + 1)) for step, part in enumerate(parts)]
    model.minimize(sum(chosen * cost for chosen, cost in price))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = PATIENCE
    status = solver.solve(model)
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return [pair for pair, chosen in possible.items() if solver.boolean_value(chosen)]
    return [] if status == cp_model.INFEASIBLE else None
