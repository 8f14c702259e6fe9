"""One town of the demo county: made clean, planted with risks, evaluated. Runs in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from huqing.demo import expect_households
from huqing.demo.adjust import Town, listed
from huqing.demo.calendars import Calendar
from huqing.demo.draw import Draw
from huqing.demo.expect import Evaluation, shared_phones
from huqing.demo.households import Mover, make_household
from huqing.demo.identity import Numbers
from huqing.demo.lives import Lives
from huqing.demo.measures import settle
from huqing.demo.model import Household
from huqing.demo.names import Names
from huqing.demo.places import town_codes, villages
from huqing.demo.plants import PLANTS, planted_in
from huqing.demo.plants.measures import deviate
from huqing.demo.plants.money import old_bills_outside
from huqing.demo.villages import findings, make_villages


@dataclass(frozen=True)
class TownPlan:
    """What the county decided about one town: who lives where, what is planted, who is listed elsewhere as well."""

    code: str
    seed: int
    as_of: date
    settlement: dict[str, int]
    plants: dict[str, int]
    movers: tuple[Mover, ...]


@dataclass
class TownTruth:
    """What a town's findings are: expected (finding, household number, order or None) and planted (the same)."""

    expected: list[tuple[str, str, int | None]] = field(default_factory=list)
    planted: list[tuple[str, str, int | None]] = field(default_factory=list)


def make_town(plan: TownPlan) -> tuple[Town, TownTruth]:
    """The town's true state and what there is to find in it."""
    slot = town_codes().index(plan.code)
    draw = Draw(plan.seed, 3, slot)
    names, numbers = Names(draw), Numbers(slot)
    town = Town(draw, names, numbers, Lives(draw, names, numbers, plan.as_of), plan.as_of)
    movers = list(plan.movers)
    every = max(1, sum(plan.settlement.values()) // (len(movers) + 1))
    for village in villages():
        for serial in range(1, plan.settlement.get(village.code, 0) + 1):
            mover = movers.pop(0) if movers and (len(town.households) + 1) % every == 0 else None
            h = make_household(town, village, serial, mover)
            town.households.append(h)
            if mover is not None:
                town.taken.add(h.number)
            elif listed(h) and draw.chance(0.01):
                old_bills_outside(town, h)
    truth = TownTruth()
    done: dict[str, str] = {}
    for key, h, p in planted_in(town, {key: count for key, count in plan.plants.items() if key in PLANTS}):
        truth.planted.append((key, h.number, p.order if p else None))
        done[h.number] = key
    for h in town.households:
        settle(town, h, done.get(h.number, ""))
        deviate(town, h, done.get(h.number, ""))
    places = [place for place in villages() if place.code in plan.settlement]
    truth.planted += [(key, place.code, None) for key, place in make_villages(town, places, plan.plants)]
    truth.expected = _expected(town)
    return town, truth


def _expected(town: Town) -> list[tuple[str, str, int | None]]:
    """Everything there is to find in the town; a village stands under its code."""
    calendar = Calendar(town.as_of)
    found: list[tuple[str, str, int | None]] = []
    members: dict[str, list[Household]] = {}
    for h in town.households:
        found += [(key, h.number, order) for key, order in Evaluation(h, calendar).findings()]
        members.setdefault(h.village.code, []).append(h)
    found += [("id10", h.number, None) for h in shared_phones(town.households)]
    found += [("cl06", h.number, None) for h in expect_households.cleared_together(town.households, town.as_of)]
    for place, row in town.villages:
        found += [(key, place.code, None) for key in findings(row, members[place.code])]
    return found
