"""Lots anybody can draw again: nothing can be changed afterwards, and the rules of who may meet whom hold."""

from __future__ import annotations

import copy
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huqing.matching.draws import (
    Candidate,
    DrawError,
    Question,
    commitment,
    committed,
    draw,
    new_seed,
    question_of,
    record,
    record_text,
    verify,
)

SEED = "5a" * 32
VILLAGES = tuple(
    Candidate(f"村{number}", stratum=f"镇{number % 3}", marks=frozenset({f"镇{number % 3}"})) for number in range(12)
)
INSPECTORS = tuple(
    Candidate(f"检查员{number}", avoids=frozenset({f"镇{number % 3}"}), marks=frozenset()) for number in range(9)
)
ROUND = Question("第一轮", VILLAGES, {"镇0": 2, "镇1": 2, "镇2": 2}, INSPECTORS, each=2, most=2)


def test_every_stratum_gets_its_number_and_nobody_inspects_the_own_town() -> None:
    found = draw(ROUND, SEED, "17 4 22")
    towns = {village.key: village.stratum for village in VILLAGES}
    assert Counter(towns[name] for name in found.drawn) == {"镇0": 2, "镇1": 2, "镇2": 2}
    assert all(len(set(names)) == 2 for names in found.inspectors.values())
    assert max(Counter(name for names in found.inspectors.values() for name in names).values()) <= 2
    avoids = {inspector.key: inspector.avoids for inspector in INSPECTORS}
    assert not [1 for target, names in found.inspectors.items() for name in names if towns[target] in avoids[name]]


def test_the_answer_is_fixed_by_seed_words_and_question() -> None:
    found = draw(Question("演示", VILLAGES, {"镇0": 2, "镇1": 1}), SEED, "17 4 22")
    assert found.drawn == ("村0", "村10", "村3")  # computed by openssl dgst -mac HMAC as well
    assert draw(ROUND, SEED, "17 4 22") == draw(ROUND, SEED, "17 4 22")
    assert draw(ROUND, SEED, "17 4 22") != draw(ROUND, SEED, "17 4 23")
    assert len({new_seed() for _ in range(20)}) == 20


def test_question_and_record_are_written_as_the_published_rules_say() -> None:
    """Sorted keys, no spaces, UTF-8: what anybody's JSON library writes, also of names that need escaping."""
    odd = Question(
        '"引号"\n', (Candidate('a"\\', "层\t", frozenset({"乙", "甲"})), *VILLAGES), {"层\t": 1}, INSPECTORS, 1
    )
    for question in (odd, ROUND):
        text = question.canonical()
        assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert question_of(json.loads(text)) == committed(text) == question
        assert committed(text).canonical() == text
    told = json.dumps(record(ROUND, SEED, "17"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert record_text(ROUND, draw(ROUND, SEED, "17"), SEED, "17") == told


def test_a_record_repeats_and_every_change_of_it_is_noticed() -> None:
    told = json.loads(json.dumps(record(ROUND, SEED, "17 4 22"), ensure_ascii=False))
    assert verify(told) == verify(told, commitment(SEED, ROUND)) == []
    assert question_of(told["question"]) == ROUND
    assert verify(told, "0" * 64) == ["记录与您手中事先公布的承诺不符。"]
    others = [village.key for village in VILLAGES if village.key not in told["drawn"]]
    changes = {
        "drawn": [others[0], *told["drawn"][1:]],
        "said": "17 4 23",
        "seed": "5b" * 32,
        "inspectors": {**told["inspectors"], told["drawn"][0]: ["检查员0", "检查员1"]},
        "commitment": "0" * 64,
        "algorithm": "other",
    }
    for key, value in changes.items():
        assert verify({**told, key: value}), key
    fewer = copy.deepcopy(told)
    fewer["question"]["candidates"] = [one for one in fewer["question"]["candidates"] if one["key"] != others[0]]
    assert "事先公布的承诺不符" in verify(fewer)[0]
    assert verify({}) == verify([]) == verify(None) == ["这不是一份完整的抽取记录。请使用系统导出的原文件。"]


def test_nobody_goes_where_they_were_before() -> None:
    first = draw(ROUND, SEED, "一")
    met = frozenset((name, target) for target, names in first.inspectors.items() for name in names)
    again = draw(Question("第二轮", VILLAGES, ROUND.count, INSPECTORS, each=2, most=2, met=met), SEED, "一")
    assert not [1 for target, names in again.inspectors.items() for name in names if (name, target) in met]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (Question("少", VILLAGES, {"镇0": 5}), "“镇0”要抽 5 个，只有 4 个可抽"),
        (Question("无", VILLAGES, {}), "至少要抽 1 个"),
        (Question("负", VILLAGES, {"镇0": -1}), "不能小于 0"),
        (Question("双", VILLAGES, {"镇0": 4}, odd=True), "人数应为单数"),
        (Question("评议", VILLAGES, {"镇0": 3}, odd=True, at_least=15), "至少要抽 15 个"),
        (Question("重", (*VILLAGES, VILLAGES[0]), {"镇0": 1}), "村0 出现了两次"),
        (Question("缺人", VILLAGES, {"镇0": 4}, INSPECTORS[:3], each=2, most=1), "不够分配"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_numbers(question: Question, reason: str) -> None:
    with pytest.raises(DrawError, match=reason):
        draw(question, SEED, "一")


@pytest.mark.parametrize(("seed", "said"), [("abc", "一"), (SEED.upper(), "一"), (SEED, " "), (SEED, "一\n二")])
def test_a_wrong_seed_or_no_words_of_witnesses_are_refused(seed: str, said: str) -> None:
    with pytest.raises(DrawError):
        draw(ROUND, seed, said)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=6),
    st.integers(1, 2),
    st.integers(1, 3),
)
def test_inspectors_are_found_whenever_there_is_a_way(able: list[set[int]], each: int, most: int) -> None:
    targets = tuple(Candidate(f"t{number}", marks=frozenset({f"t{number}"})) for number in range(len(able)))
    inspectors = tuple(
        Candidate(f"i{one}", avoids=frozenset(f"t{number}" for number, who in enumerate(able) if one not in who))
        for one in range(6)
    )
    question = Question("任意", targets, {"": len(able)}, inspectors, each=each, most=most)
    try:
        found = draw(question, SEED, "一")
    except DrawError:
        assert not possible(able, each, most)
        return
    assert all(len(set(names)) == each for names in found.inspectors.values())
    assert all(int(name[1:]) in able[int(target[1:])] for target, names in found.inspectors.items() for name in names)
    assert all(count <= most for count in Counter(n for names in found.inspectors.values() for n in names).values())


def possible(able: list[set[int]], each: int, most: int) -> bool:
    """Hall's condition by a maximum flow."""
    from ortools.graph.python import max_flow

    flow = max_flow.SimpleMaxFlow()
    for number, who in enumerate(able):
        flow.add_arc_with_capacity(0, 2 + number, each)
        for one in who:
            flow.add_arc_with_capacity(2 + number, 20 + one, 1)
    for one in range(6):
        flow.add_arc_with_capacity(20 + one, 1, most)
    assert flow.solve(0, 1) == flow.OPTIMAL
    return flow.optimal_flow() == each * len(able)
