"""Pairing meets every quota, finds the best pairs there are, and says in words why it cannot."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from itertools import product

import numpy as np
import pytest
from ortools.graph.python import min_cost_flow

from huqing.matching.pairing import Helper, Pair, PairingError, Proposal, Quota, Target, Wishes, Words, propose
from huqing.matching.pairing.exact import exact
from huqing.matching.pairing.network import remainder
from huqing.matching.pairing.problem import problem

KEY, LINKED = "重点帮扶", "联系"
VILLAGES = ["500236100201", "500236100202", "500236101201"]


def exactly(**counts: int) -> dict[str, Quota]:
    return {role: Quota(count, count) for role, count in counts.items()}


def households(count: int, role: str, *, place: str = VILLAGES[0], start: int = 0) -> list[Target]:
    return [Target(f"{role}{start + number}", place, {role: 1}) for number in range(count)]


def loads(proposal: Proposal) -> Counter[tuple[str, str]]:
    return Counter((pair.helper, pair.role) for pair in proposal.pairs)


def test_the_quotas_of_48_cadres_of_two_ranks_close_exactly_over_336_households() -> None:
    cadres = [Helper(f"厅{number}", {KEY: Quota(4, 4), LINKED: Quota(3, 3)}) for number in range(9)]
    cadres += [Helper(f"处{number}", {KEY: Quota(3, 3), LINKED: Quota(4, 4)}) for number in range(39)]
    found = propose(cadres, [*households(153, KEY), *households(183, LINKED)])
    assert found.obstacles == ()
    assert len(found.pairs) == 336
    assert {pair.target for pair in found.pairs} == {
        target.key for target in [*households(153, KEY), *households(183, LINKED)]
    }
    assert all(
        loads(found)[f"厅{number}", KEY] == 4 and loads(found)[f"厅{number}", LINKED] == 3 for number in range(9)
    )
    assert all(
        loads(found)[f"处{number}", KEY] == 3 and loads(found)[f"处{number}", LINKED] == 4 for number in range(39)
    )


def test_quotas_that_cannot_close_are_told_in_numbers() -> None:
    cadres = [Helper(f"干部{number}", {KEY: Quota(3, 3), LINKED: Quota(4, 4)}) for number in range(48)]
    found = propose(cadres, [*households(153, KEY), *households(183, LINKED)])
    assert found.pairs == ()
    assert found.obstacles == (
        "“重点帮扶”：48 人的名额合计 144 户，要结对的有 153 户，缺 9 个名额。",
        "“联系”：48 人的名额合计 192 户，要结对的只有 183 户，多 9 个名额。",
    )


def test_where_the_sums_close_but_the_places_do_not_the_few_who_are_stuck_are_named() -> None:
    helpers = [
        Helper("甲", {KEY: Quota(0, 2)}, place=VILLAGES[0]),
        Helper("乙", {KEY: Quota(0, 9)}, place=VILLAGES[2]),
    ]
    targets = [*households(3, KEY), *households(4, KEY, place=VILLAGES[2], start=3)]
    found = propose(helpers, targets, Wishes(within="town"))
    assert found.obstacles == (
        f"{VILLAGES[0]} 有 3 户要结对“{KEY}”，（限本乡镇）能与他们结对的只有 1 人（甲），名额合计 2 户，缺 1 个名额。",
    )
    too_many = propose(
        [Helper("甲", {KEY: Quota(4, 4)}, place=VILLAGES[0]), Helper("乙", {KEY: Quota(0, 9)}, place=VILLAGES[2])],
        targets,
        Wishes(within="town"),
    )
    assert too_many.obstacles == ("甲 共 1 人至少要结对“重点帮扶” 4 户，（限本乡镇）可结对的只有 3 户，多 1 个名额。",)


def test_of_a_long_chain_of_villages_only_the_facts_that_exclude_each_other_are_told() -> None:
    """甲 must serve village 0; 乙 could serve all, but is asked for elsewhere only by those who can be served."""
    helpers = [
        Helper("甲", {KEY: Quota(0, 1)}, place=VILLAGES[0]),
        Helper("乙", {KEY: Quota(0, 3)}, place=VILLAGES[1]),
        Helper("丙", {KEY: Quota(0, 5)}, place=VILLAGES[2]),
    ]
    targets = [*households(3, KEY), *households(1, KEY, place=VILLAGES[1], start=3)]
    targets += households(4, KEY, place=VILLAGES[2], start=4)
    words = Words(roles={KEY: "重点"}, places={VILLAGES[0]: "砚瓦村"}, counted={KEY: "人"})
    found = propose(helpers, targets, Wishes(within="village"), words=words)
    assert found.obstacles == (
        "砚瓦村 有 3 人要结对“重点”，（限本村）能与他们结对的只有 1 人（甲），名额合计 1 人，缺 2 个名额。",
    )
    alone = propose(helpers[1:], targets, Wishes(within="village"), words=words)
    assert alone.obstacles == ("砚瓦村 有 3 人要结对“重点”，（限本村）没有人可以与他们结对。",)


def test_ranks_are_told_apart_where_the_sum_does_not_close() -> None:
    cadres = [Helper(f"厅{n}", {KEY: Quota(4, 4)}) for n in range(9)]
    cadres += [Helper(f"处{n}", {KEY: Quota(3, 3)}) for n in range(39)]
    found = propose(cadres, households(155, KEY))
    assert found.obstacles == (
        "“重点帮扶”：48 人的名额合计 153 户（9 人各 4，39 人各 3），要结对的有 155 户，缺 2 个名额。",
    )


def test_existing_pairs_stay_unless_their_weight_is_taken_away() -> None:
    helpers = [Helper(name, {KEY: Quota(1, 1)}, place=place) for name, place in zip("甲乙", VILLAGES, strict=False)]
    targets = [Target(f"{name}家", place, {KEY: 1}) for name, place in zip("甲乙", VILLAGES, strict=False)]
    before = [Pair("甲", "乙家", KEY), Pair("乙", "甲家", KEY)]
    kept = propose(helpers, targets, existing=before)
    assert set(kept.pairs) == kept.kept == set(before)
    assert kept.reasons is not None
    assert kept.reasons[before[0]] == ("沿用原结对", "同乡镇")
    anew = propose(helpers, targets, Wishes(keep=0), existing=before)
    assert set(anew.pairs) == anew.added == {Pair("甲", "甲家", KEY), Pair("乙", "乙家", KEY)}
    assert anew.ended == set(before)


def test_units_go_to_the_villages_they_are_meant_for_and_speakers_to_those_who_need_them() -> None:
    wishes = Wishes(kinds=frozenset({("党群", "软村"), ("政法", "乱村")}), same_village=0, same_town=0)
    helpers = [Helper("甲", {KEY: Quota(1, 1)}, kind="党群"), Helper("乙", {KEY: Quota(1, 1)}, kind="政法")]
    helpers.append(Helper("丙", {KEY: Quota(1, 1)}, speaks=frozenset({"苗语"})))
    targets = [
        Target("一", VILLAGES[0], {KEY: 1}, kind="乱村"),
        Target("二", VILLAGES[1], {KEY: 1}, kind="软村"),
        Target("三", VILLAGES[2], {KEY: 1}, speaks="苗语"),
    ]
    found = propose(helpers, targets, wishes)
    assert {(pair.helper, pair.target) for pair in found.pairs} == {("甲", "二"), ("乙", "一"), ("丙", "三")}
    assert found.reasons is not None
    assert found.reasons[Pair("丙", "三", KEY)] == ("会苗语",)


def test_relatives_are_never_paired_and_fixed_pairs_always_are() -> None:
    helpers = [Helper(name, {KEY: Quota(2, 2)}, place=VILLAGES[0]) for name in "甲乙"]
    targets = households(4, KEY)
    kin = [("甲", targets[0].key), ("甲", targets[1].key)]
    found = propose(helpers, targets, fixed=[Pair("乙", targets[0].key, KEY)], forbidden=kin)
    assert {pair.target for pair in found.pairs if pair.helper == "乙"} == {targets[0].key, targets[1].key}
    assert Pair("乙", targets[0].key, KEY) in found.pairs
    everybody = propose(helpers, targets, forbidden=[(name, targets[0].key) for name in "甲乙"])
    assert everybody.pairs == ()
    assert everybody.obstacles


def test_where_nobody_else_is_left_for_a_second_role_it_is_said() -> None:
    found = propose(
        [Helper("甲", {KEY: Quota(1, 1), LINKED: Quota(1, 1)})], [Target("户", VILLAGES[0], {KEY: 1, LINKED: 1})]
    )
    assert found.pairs == ()
    assert found.obstacles[0].startswith("同一人对同一对象只能结对一次，也不能违反回避：甲—户 等处无论怎样安排都避不开")


def test_where_quotas_leave_room_the_load_is_spread() -> None:
    helpers = [Helper(name, {KEY: Quota(1, 20)}) for name in "甲乙丙"]
    found = propose(helpers, households(12, KEY))
    assert sorted(loads(found).values()) == [4, 4, 4]


def test_one_target_gets_several_different_helpers() -> None:
    helpers = [Helper(name, {KEY: Quota(0, 5), LINKED: Quota(0, 5)}) for name in "甲乙丙丁"]
    targets = [Target(f"户{number}", VILLAGES[0], {KEY: 1, LINKED: 2}) for number in range(5)]
    found = propose(helpers, targets)
    assert len(found.pairs) == len({(pair.helper, pair.target) for pair in found.pairs}) == 15


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"helpers": [Helper("甲", {}), Helper("甲", {})]}, "甲 出现了两次"),
        ({"fixed": [Pair("丁", "户", KEY)]}, "不在名单中"),
        ({"fixed": [Pair("甲", "户", KEY)], "forbidden": [("甲", "户")]}, "要求回避"),
        ({"fixed": [Pair("甲", "户", LINKED)]}, "多于名额 0"),
        ({"targets": [Target("户", VILLAGES[0], {KEY: -1})]}, "不能小于 0"),
    ],
)
def test_a_wrong_question_is_refused_by_name(change: dict, reason: str) -> None:
    asked = {"helpers": [Helper("甲", {KEY: Quota(1, 1)})], "targets": [Target("户", VILLAGES[0], {KEY: 1})]} | change
    with pytest.raises(PairingError, match=reason):
        propose(asked.pop("helpers"), asked.pop("targets"), **asked)
    with pytest.raises(PairingError):
        Quota(3, 2)


@pytest.mark.parametrize("seed", range(40))
def test_the_answer_is_the_optimum_of_all_pairs_one_by_one(seed: int) -> None:
    chance = random.Random(seed)
    wishes = Wishes(kinds=frozenset({("党群", "软村"), ("经济", "穷村")}), keep=chance.choice([0, 5, 50]), balance=0)
    helpers = [
        Helper(
            f"干部{number}",
            {role: Quota(low := chance.randint(0, 2), low + chance.randint(0, 3)) for role in (KEY, LINKED)},
            place=chance.choice(VILLAGES),
            kind=chance.choice(["党群", "经济", ""]),
            speaks=frozenset(chance.sample(["苗语", "彝语"], chance.randint(0, 2))),
        )
        for number in range(7)
    ]
    targets = [
        Target(
            f"户{number}",
            (place := chance.choice(VILLAGES)),
            {chance.choice([KEY, LINKED]): 1},
            kind={VILLAGES[0]: "软村", VILLAGES[1]: "穷村"}.get(place, ""),
            speaks=chance.choice(["", "", "苗语"]),
        )
        for number in range(chance.randint(10, 22))
    ]
    role = {target.key: next(iter(target.needs)) for target in targets}
    before = {Pair(chance.choice(helpers).key, target.key, role[target.key]) for target in chance.sample(targets, 6)}
    kin = {(chance.choice(helpers).key, chance.choice(targets).key) for _ in range(8)}
    found = propose(helpers, targets, wishes, existing=before, forbidden=kin)
    best = flat(helpers, targets, wishes, before, kin)
    if best is None:
        assert found.pairs == ()
        assert found.obstacles
        return
    assert not found.obstacles
    assert not {(pair.helper, pair.target) for pair in found.pairs} & kin
    assert found.cost - wishes.keep * len(found.kept) == best


@pytest.mark.parametrize("seed", range(6))
def test_the_search_for_small_questions_finds_what_the_flow_finds(seed: int) -> None:
    chance = random.Random(seed)
    helpers = [
        Helper(f"干部{n}", {KEY: Quota(1, 4)}, place=chance.choice(VILLAGES), kind=chance.choice(["党群", ""]))
        for n in range(5)
    ]
    targets = [Target(f"户{n}", chance.choice(VILLAGES), {KEY: 1}, kind=chance.choice(["软村", ""])) for n in range(12)]
    wishes = Wishes(kinds=frozenset({("党群", "软村")}))
    before = [Pair(chance.choice(helpers).key, target.key, KEY) for target in targets[:3]]
    asked = problem(helpers, targets, wishes, existing=before)
    searched = exact(asked, remainder(asked))
    assert searched

    def worth(pairs: Iterable[Pair]) -> int:
        loads_ = Counter(pair.helper for pair in pairs).values()
        spread = sum(wishes.balance * step for load in loads_ for step in range(1, load))
        kept = wishes.keep * len(set(pairs) & set(before))
        return sum(asked.costs().pair(pair) or 0 for pair in pairs) + spread - kept

    assert worth(searched) == worth(propose(helpers, targets, wishes, existing=before).pairs)


def test_the_search_proves_that_there_is_no_pairing() -> None:
    asked = problem(
        [Helper("甲", {KEY: Quota(1, 1), LINKED: Quota(1, 1)})], [Target("户", "", {KEY: 1, LINKED: 1})], Wishes()
    )
    assert exact(asked, remainder(asked)) == []


def flat(helpers, targets, wishes, before, kin) -> int | None:
    """The least cost with an arc for every single pair; None if the quotas do not close."""
    flow, heavy = min_cost_flow.SimpleMinCostFlow(), 10_000
    node: dict[object, int] = {}

    def arc(tail: object, head: object, room: int, cost: int) -> int:
        return flow.add_arc_with_capacity_and_unit_cost(
            node.setdefault(tail, len(node)), node.setdefault(head, len(node)), room, cost
        )

    required, unserved = 0, []
    for helper in helpers:
        for role, quota in helper.quotas.items():
            arc("source", (helper.key, role), quota.least, -heavy)
            arc("source", (helper.key, role), quota.most - quota.least, 0)
            required += quota.least
    for helper, target in product(helpers, targets):
        (role,) = target.needs
        if (helper.key, target.key) in kin:
            continue
        cost = wishes.same_village * (helper.place != target.place) + wishes.same_town * (
            helper.place[:9] != target.place[:9]
        )
        wanted = [unit for unit, village in wishes.kinds if village == target.kind]
        cost += wishes.kind * bool(wanted and helper.kind not in wanted)
        cost += wishes.language * bool(target.speaks and target.speaks not in helper.speaks)
        cost -= wishes.keep * (Pair(helper.key, target.key, role) in before)
        arc((helper.key, role), target.key, 1, cost)
    for target in targets:
        arc(target.key, "sink", 1, 0)
        unserved.append(arc("source", target.key, 1, 2 * heavy))
    flow.set_node_supply(node["source"], len(targets))
    flow.set_node_supply(node["sink"], -len(targets))
    assert flow.solve() == flow.OPTIMAL
    if np.any(flow.flows(np.array(unserved))):
        return None
    cost = flow.optimal_cost() + heavy * required
    return cost if cost < heavy // 2 else None
