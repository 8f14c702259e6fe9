"""Text: what is stored keeps every visible character, what is compared ignores how it was typed."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.standards import text

RARE = Path(__file__).parents[1] / "fixtures" / "standards" / "rare_character_villages.csv"


def rare_rows() -> list[dict[str, str]]:
    with RARE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", rare_rows(), ids=lambda row: row["village"])
def test_rare_characters_survive_storing_and_comparing(row: dict[str, str]) -> None:
    assert text.clean(row["village"]) == row["village"]
    assert text.clean_name(row["village"]) == row["village"]
    assert set(row["chars_not_in_gb2312"]) <= set(text.fold(row["village"]))


def test_the_fixture_reaches_beyond_the_basic_plane() -> None:
    assert any(ord(character) > 0xFFFF for row in rare_rows() for character in row["village"])


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("　夔门街道　", "夔门街道"),
        ("白帝\u200b镇\ufeff", "白帝镇"),
        ("１２组", "12组"),
        ("第Ａ组", "第A组"),
        ("a\x00b", "ab"),
        ("一\t二\n三", "一 二 三"),
        ("高山，土房（危）", "高山，土房（危）"),
        ("\ud800", "\ufffd"),
        ("①②", "①②"),
    ],
)
def test_what_is_stored(written: str, stored: str) -> None:
    assert text.clean(written) == stored


def test_a_note_keeps_its_lines() -> None:
    assert text.clean_lines(" 一 \r\n　二\r三\n") == "一\n二\n三"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("与户主关系", "与 户主 关系"),
        ("乡(镇)", "乡（镇）"),
        ("是否C级", "是否Ｃ级"),
        ("身份证号\n", "身份证号"),
        ("Ⅱ型", "II型"),
        ("⼀户", "一户"),
        ("致贫【返贫】", "致贫(返贫)"),
        ("电话\u200b", "电话"),
        ("葛\U000e0100", "葛"),
    ],
)
def test_labels_that_only_look_different_are_equal(one: str, other: str) -> None:
    assert text.fold(one) == text.fold(other)


@given(st.text())
def test_storing_twice_changes_nothing_more(value: str) -> None:
    assert text.clean(text.clean(value)) == text.clean(value)
    assert text.fold(text.fold(value)) == text.fold(value)
    assert "\x00" not in text.clean(value)


@pytest.mark.parametrize(
    "written", ["阿布都·热合曼", "阿布都.热合曼", "阿布都•热合曼", "阿布都 ・ 热合曼", "阿布都．热合曼"]
)
def test_every_middle_dot_is_the_same_dot(written: str) -> None:
    assert text.clean_name(written) == "阿布都·热合曼"
    assert text.name_key(written) == "阿布都热合曼"


@pytest.mark.parametrize(
    ("written", "stored"),
    [("张 三", "张三"), (" 欧阳　修 ", "欧阳修"), ("John Smith", "John Smith"), ("𠮷 田", "𠮷田")],
)
def test_names_lose_their_padding(written: str, stored: str) -> None:
    assert text.clean_name(written) == stored


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("张三", "zs"),
        ("单雄信", "sxx"),
        ("曾国藩", "zgf"),
        ("解缙", "xj"),
        ("仇英", "qy"),
        ("尉迟恭", "ycg"),
        ("万俟卨", "mqx"),
        ("欧阳修", "oyx"),
        ("重庆", "cq"),
        ("阿布都·热合曼", "abdrhm"),
        ("覃勇", "qy ty"),
        ("", ""),
    ],
)
def test_initials_follow_the_reading_of_surnames(name: str, initials: str) -> None:
    assert text.pinyin_initials(name) == initials


@given(st.text(max_size=80))
def test_initials_fit_the_column_they_are_kept_in(name: str) -> None:
    assert len(text.pinyin_initials(name)) <= 30
