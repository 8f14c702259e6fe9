"""Procedures are declared: no case gets stuck, a deadline is what the declaration says, a mistake names its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from huqing.packs.errors import PackError
from huqing.packs.procedures import Procedure, procedures
from huqing.packs.procedures.declaration import chosen
from huqing.packs.procedures.diagram import elsewhere, mermaid
from huqing.standards.workdays import Workdays

SHIPPED = {key: made for key, made in procedures().items() if made.of == "case"}
CALENDAR = Workdays()
MINIMAL = """key: own
title: 本县程序
source: 本县文件
valid:
  - {region: "500236", from: 2025-01-01}
states:
  - {key: clue, title: 线索, kind: start, within: 3 working, late: town}
  - {key: posted, title: 公示, at_least: 5 days, within: 8 days, late: town}
  - {key: done, title: 办结, kind: end}
moves:
  - {key: post, title: 公示, from: clue, to: posted, by: [village]}
  - {key: finish, title: 期满, from: posted, to: done, auto: true, needs: [posting]}
"""


def write(folder: Path, text: str, name: str = "own.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def walk(made: Procedure, *moves: str) -> str:
    state = made.start.key
    for key in moves:
        move = made.move(key)
        assert state in move.start, f"{key} does not start at {state}"
        state = move.to
    return state


COMMON = ("accept", "send_verify", "verified", "compared", "post", "posting_over", "town_approve")


@pytest.mark.parametrize(
    ("key", "further", "postings"),
    [
        ("one_posting", ("county_approve",), 1),
        ("three_five_five", ("county_approve",), 1),
        ("two_postings", ("town_posting_over", "county_approve"), 2),
        ("three_postings", ("town_posting_over", "county_approve", "final"), 3),
    ],
)
def test_a_household_goes_the_ordinary_way_through_every_shipped_procedure(
    key: str, further: tuple[str, ...], postings: int
) -> None:
    made = SHIPPED[key]
    assert walk(made, *COMMON, *further) == "listed"
    assert walk(made, *COMMON, *further, "announced", "propose_removal", "removal_checked", "removal_post",
                "removal_posting_over", "clear", "roll_back") == "tracking"  # fmt: skip
    passed = {made.move(move).to for move in (*COMMON, *further)}
    assert sum(1 for state in made.states if state.at_least and state.key in passed) == postings


@pytest.mark.parametrize("made", SHIPPED.values(), ids=lambda made: made.key)
def test_wherever_a_family_stands_before_listing_it_may_withdraw_and_be_refused_with_a_reason(made: Procedure) -> None:
    before = {state.key for state in made.states if state.part == "recognition"}
    assert set(made.move("withdraw").start) == before
    assert {"evaluating", "town_review", "county_decision", "posted"} <= before
    assert all(move.reason for move in made.moves if move.to in ("rejected", "withdrawn", "unfounded", "ended"))
    decisions = [move for move in made.moves if move.to in ("listed", "cleared") and move.needs != ("posting",)]
    assert all(move.second or "posting" in move.needs for move in decisions)


def test_fifteen_days_in_all_and_five_days_of_posting_are_counted_as_the_law_counts() -> None:
    made = SHIPPED["one_posting"]
    began = dt.date(2026, 9, 21)
    assert made.due_in_all(began, CALENDAR) == dt.date(2026, 10, 8)  # 6 October lies in the holidays
    assert made.due("verifying", began, CALENDAR) == dt.date(2026, 9, 24)
    assert made.due("verifying", dt.date(2026, 9, 24), CALENDAR) == dt.date(2026, 9, 28)
    assert made.free_from("posted", began, CALENDAR) == dt.date(2026, 9, 26)
    assert made.due("tracking", began, CALENDAR) is None
    assert [move.key for move in made.moves_from("tracking")] == ["propose_removal", "end"]


@pytest.mark.parametrize("made", SHIPPED.values(), ids=lambda made: made.key)
def test_the_steps_of_the_ordinary_way_fit_into_the_whole_term(made: Procedure) -> None:
    assert made.total is not None
    state, days = made.total.start, 0
    while state != made.total.end:
        within = made.state(state).within
        assert within is not None
        days += within.number if within.unit == "calendar" else -(-within.number * 7 // 5)
        state = made.moves_from(state)[0].to
    whole = made.total.within
    assert days <= (whole.number if whole.unit == "calendar" else whole.number * 7 // 5)


def test_a_case_follows_the_closest_region_and_the_latest_start(tmp_path: Path) -> None:
    known = procedures(write(tmp_path, MINIMAL))
    assert chosen(known, "500236100201", dt.date(2025, 6, 1)).key == "own"
    assert chosen(known, "500236100201", dt.date(2024, 6, 1)).key == "one_posting"
    assert chosen(known, "620522100201", dt.date(2025, 6, 1)).key == "one_posting"
    with pytest.raises(LookupError, match="没有生效的办理程序"):
        chosen(known, "500236100201", dt.date(2020, 6, 1))


def test_a_county_changes_one_deadline_and_nothing_else(tmp_path: Path) -> None:
    text = """key: ours
title: 本县一次公示式
source: 本县文件
based_on: one_posting
valid: [{region: "500236", from: 2025-01-01}]
states:
  - {key: verifying, title: 入户核实, within: 5 working, late: town, part: recognition}
"""
    made = procedures(write(tmp_path, text))["ours"]
    base = SHIPPED["one_posting"]
    assert str(made.state("verifying").within) == "5 个工作日"
    assert [state.key for state in made.states] == [state.key for state in base.states]
    assert made.moves == base.moves
    assert made.total == base.total


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("within: 3 working, late", "late", "own.yaml 第 7 行：状态“线索”没有时限。"),
        (", late: town}\n  - {key: posted", "}\n  - {key: posted", "own.yaml 第 7 行：状态“线索”没有写超期告诉谁。"),
        ("3 working", "3 weeks", "own.yaml 第 7 行：期限“3 weeks”写法不对。写成 3 working、5 days 或 6 months。"),
        ("within: 8 days", "within: 4 days", "own.yaml 第 8 行：状态“公示”至少 5 天，时限却只有 4 天。放宽时限。"),
        ("to: posted", "to: postet", "own.yaml 第 11 行：“公示”提到没有的状态“postet”。相近的：posted。"),
        ("from: posted", "from: clue", "own.yaml 第 12 行：“期满”自动办理，却没有期满之日。在来的状态写 at_least。"),
        ("to: done", "to: clue", "own.yaml 第 7 行：从状态“线索”走不到任何办结状态。"),
        ("kind: end", "kind: open", "own.yaml 第 9 行："),
        ("by: [village]", "by: [chief]", "own.yaml 第 11 行：没有角色“chief”。"),
        ("by: [village]}", "by: [village], auto: true}", "own.yaml 第 11 行：“公示”要么由人办理，要么自动。"),
        ("needs: [posting]", "needs: [luck]", "own.yaml 第 12 行：没有前提“luck”。"),
        ('region: "500236"', "region: 5002", ""),
        ('region: "500236"', "region: abc", "own.yaml 第 5 行：“abc”不是区划代码。"),
        ("from: 2025-01-01", "from: soon", "own.yaml 第 5 行：from 应是日期。"),
        ("from: 2025-01-01", "from: 2025-01-01, to: 2024-01-01", "own.yaml 第 5 行：终止日期早于起始日期。"),
        (
            "key: own\n",
            "key: own\nbased_on: one_postin\n",
            "own.yaml 第 2 行：没有程序“one_postin”。相近的：one_posting。",
        ),
        ("key: own\n", "key: own\ncolour: red\n", "own.yaml 第 2 行：不认识“colour”。"),
        ("title: 本县程序\n", "", "缺少 title。"),
        ("  - {key: done, title: 办结, kind: end}\n", "", "“期满”提到没有的状态“done”"),
        ("kind: start, ", "", "kind 为 start 的状态有 0 个"),
        ("states:", "states: 3\nother:", "states 应是一列"),
        (MINIMAL, "- 1\n", "own.yaml 第 1 行："),
    ],
)
def test_a_mistake_is_told_with_its_line_and_remedy(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in MINIMAL
    write(tmp_path, MINIMAL.replace(old, new, 1))
    if not told:
        assert "own" in procedures(tmp_path)
        return
    with pytest.raises(PackError) as caught:
        procedures(tmp_path)
    assert told in str(caught.value)


def test_the_drawing_shows_every_state_and_move() -> None:
    made = SHIPPED["three_postings"]
    drawn, below = mermaid(made), elsewhere(made)
    assert all(f"  {state.key} : {state.title}" in drawn for state in made.states)
    assert all(f" : {move.title}" in drawn or any(move.title == row[0] for row in below) for move in made.moves)
    assert "公示，满 5 天，8 天内" in drawn
