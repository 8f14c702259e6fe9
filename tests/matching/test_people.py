"""Linking: what is linked, what goes to a clerk and with which reasons, and what is left alone."""

from __future__ import annotations

import importlib.util
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest

from huqing.matching import Links, duplicates, link

SCHEMA = pa.schema(
    [
        ("name", pa.string()),
        ("id_token", pa.string()),
        ("birth_date", pa.date32()),
        ("sex", pa.string()),
        ("village", pa.string()),
        ("town", pa.string()),
        ("phone_token", pa.string()),
        ("village_name", pa.string()),
    ]
)
# Surnames and given names that give a county of people who are all told apart.
SURNAMES, GIVEN = "王李张刘陈杨黄赵周吴", "国强建军文华秀英桂兰志明玉梅春生永福海燕"


def registered(*special: dict) -> pa.Table:
    """400 people in 8 villages of 2 towns with ids from 1, and the special ones with ids from 1001."""
    rows = []
    for number in range(400):
        village = number % 8
        rows.append(
            {
                "person_id": number + 1,
                "name": SURNAMES[number % 10] + GIVEN[number % 20] + GIVEN[(number * 7) // 20 % 20],
                "id_token": f"token{number}",
                "birth_date": date(1940 + number % 70, 1 + number % 12, 1 + number % 28),
                "sex": "12"[number % 2],
                "village": f"5002361000{village:02d}",
                "town": f"50023610{village // 4}",
                "village_name": f"第{village}村",
            }
        )
    rows += [{"person_id": 1001 + place, **row} for place, row in enumerate(special)]
    return pa.Table.from_pylist(rows, schema=SCHEMA.append(pa.field("person_id", pa.int64())))


def listed(*rows: dict) -> pa.Table:
    numbered = [{"row_id": number, **row} for number, row in enumerate(rows, start=1)]
    return pa.Table.from_pylist(numbered, schema=SCHEMA.append(pa.field("row_id", pa.int64())))


ZHANG = {
    "name": "张明华",
    "id_token": "secret-token",
    "birth_date": date(1971, 5, 17),
    "sex": "1",
    "village": "500236100003",
    "town": "500236100",
    "phone_token": "secret-phone",
    "village_name": "砚瓦村",
}


def only_match(links: Links) -> tuple[int, str]:
    assert [match.row_id for match in links.matches] == [1]
    assert not links.candidates
    return links.matches[0].person_id, links.matches[0].method


def test_the_same_number_and_name_are_the_same_person() -> None:
    links = link(listed({"name": "张 明华", "id_token": "secret-token"}), registered(ZHANG))
    assert only_match(links) == (1001, "exact")
    assert links.matches[0].score == 1.0


def test_a_homophone_with_the_same_number_birth_and_village_is_the_same_person() -> None:
    assert only_match(link(listed({**ZHANG, "name": "张明花"}), registered(ZHANG))) == (1001, "model")


def test_a_lost_character_with_the_same_number_birth_and_village_is_the_same_person() -> None:
    assert only_match(link(listed({**ZHANG, "name": "张明?"}), registered(ZHANG))) == (1001, "model")


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "李秀英"},
        {"name": "张明花", "village": "500236100005", "town": "500236101"},
        {"name": "张大华", "village": "500236100005", "town": "500236101"},
    ],
)
def test_the_same_number_with_a_doubtful_name_goes_to_a_clerk(changed: dict) -> None:
    links = link(listed({**ZHANG, **changed}), registered(ZHANG))
    assert not links.matches
    assert [(candidate.row_id, candidate.person_id) for candidate in links.candidates] == [(1, 1001)]


@pytest.mark.parametrize("token", [None, "", "mistyped"])
def test_without_the_number_name_birth_and_village_are_enough_when_unique(token: str | None) -> None:
    assert only_match(link(listed({**ZHANG, "id_token": token, "phone_token": None}), registered(ZHANG)))[0] == 1001


def test_name_and_village_alone_go_to_a_clerk() -> None:
    row = {"name": "张明华", "village": ZHANG["village"], "town": ZHANG["town"]}
    links = link(listed(row), registered(ZHANG), sure=0.9999)
    assert not links.matches
    assert [candidate.person_id for candidate in links.candidates] == [1001]


def test_two_namesakes_born_the_same_day_in_a_village_go_to_a_clerk() -> None:
    other = {**ZHANG, "id_token": "other", "phone_token": "other"}
    links = link(listed({**ZHANG, "id_token": None, "phone_token": None}), registered(ZHANG, other))
    assert not links.matches
    assert {candidate.person_id for candidate in links.candidates} == {1001, 1002}


def test_a_number_and_name_registered_twice_go_to_a_clerk() -> None:
    links = link(listed(ZHANG), registered(ZHANG, ZHANG))
    assert not links.matches
    assert {candidate.person_id for candidate in links.candidates} == {1001, 1002}


def test_a_twin_is_not_taken_for_the_other() -> None:
    sister = {**ZHANG, "name": "张明月", "id_token": "twin", "sex": "1"}
    links = link(listed({**sister, "id_token": None}), registered(ZHANG))
    assert not links.matches


def test_somebody_who_is_not_registered_is_left_alone() -> None:
    stranger = {"name": "欧阳无忌", "id_token": "x", "birth_date": date(1999, 9, 9), "sex": "1", "village": "510000"}
    assert link(listed(stranger), registered(ZHANG)) == Links([], [])


def test_an_empty_number_links_nobody() -> None:
    nameless = {**ZHANG, "id_token": "", "phone_token": ""}
    links = link(listed({"name": "欧阳无忌", "id_token": "", "phone_token": ""}), registered(nameless))
    assert links == Links([], [])


def test_every_row_about_a_person_is_linked() -> None:
    links = link(listed(ZHANG, {**ZHANG, "name": "张明花"}, ZHANG), registered(ZHANG))
    assert sorted((match.row_id, match.person_id) for match in links.matches) == [(1, 1001), (2, 1001), (3, 1001)]


def test_names_of_other_peoples_are_compared_whatever_the_dot() -> None:
    person = {**ZHANG, "name": "阿布都·热合曼"}
    assert only_match(link(listed({**ZHANG, "name": "阿布都热合曼"}), registered(person))) == (1001, "exact")


def test_a_clerk_sees_each_field_in_words_and_no_token() -> None:
    links = link(listed({**ZHANG, "name": "李秀英", "sex": "2", "birth_date": None}), registered(ZHANG))
    (candidate,) = links.candidates
    lines = {line["field"]: line for line in candidate.explanation}
    assert set(lines) == {"姓名", "出生日期", "所在村", "性别", "证件号码", "联系电话"}
    assert (lines["姓名"]["row"], lines["姓名"]["person"], lines["姓名"]["agreement"]) == ("李秀英", "张明华", "不同")
    assert lines["证件号码"]["agreement"] == "相同"
    assert lines["出生日期"]["agreement"] == "缺，无法比对"
    assert (lines["所在村"]["row"], lines["所在村"]["agreement"]) == ("砚瓦村", "同村")
    assert (lines["性别"]["row"], lines["性别"]["person"]) == ("女", "男")
    assert lines["姓名"]["weight"] < 0 < lines["证件号码"]["weight"]
    assert "secret" not in str(candidate)


def test_lists_with_few_columns_and_empty_tables_are_fine() -> None:
    bare = pa.table({"row_id": [1], "name": ["张明华"], "id_token": ["secret-token"]})
    assert only_match(link(bare, registered(ZHANG))) == (1001, "exact")
    assert link(bare.slice(0, 0), registered(ZHANG)) == Links([], [])
    assert link(bare, registered(ZHANG).slice(0, 0)) == Links([], [])


def test_birth_dates_may_be_text() -> None:
    rows = listed({**ZHANG, "id_token": None})
    text = rows.set_column(rows.column_names.index("birth_date"), "birth_date", pa.array(["1971-05-17"]))
    assert only_match(link(text, registered(ZHANG)))[0] == 1001


def test_people_registered_twice_are_found() -> None:
    again = {**ZHANG, "id_token": "", "phone_token": "secret-phone"}
    homophone = {**ZHANG, "name": "张明花", "id_token": None}
    found = duplicates(registered(ZHANG, again, homophone))
    assert {(pair.first, pair.second) for pair in found} == {(1001, 1002), (1001, 1003), (1002, 1003)}
    assert all(pair.score >= 0.5 and pair.explanation for pair in found)


def test_twins_and_siblings_are_not_registered_twice() -> None:
    twin = {**ZHANG, "name": "张明月", "id_token": "twin"}
    brother = {**ZHANG, "name": "张明国", "id_token": "brother", "birth_date": date(1972, 5, 17)}
    assert duplicates(registered(ZHANG, twin, brother)) == []


def synthetic() -> ModuleType:
    path = Path(__file__).parents[2] / "tools" / "synthetic_people.py"
    spec = importlib.util.spec_from_file_location("synthetic_people", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["synthetic_people"] = module
    spec.loader.exec_module(module)
    return module


def test_a_list_full_of_mistakes_is_linked_right_or_left_to_a_clerk() -> None:
    make = synthetic()
    people = make.people(4000, villages=12, towns=4, seed=11)
    rows = make.listed(people, 2000, strangers=0.1, seed=12)
    truth = dict(zip(rows["row_id"].to_pylist(), rows["truth"].to_pylist(), strict=True))
    links = link(rows.drop_columns(["truth"]), people)
    known = [row for row, person in truth.items() if person]
    right = {match.row_id for match in links.matches if truth[match.row_id] == match.person_id}
    offered = {pair.row_id for pair in links.candidates if truth[pair.row_id] == pair.person_id}
    assert len(right) / len(links.matches) >= 0.999
    assert len(right) / len(known) >= 0.90
    assert len(right | offered) / len(known) >= 0.97
