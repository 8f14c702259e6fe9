"""Code lists: text codes, known sources, and the ways people write a code."""

from __future__ import annotations

import pytest

from huqing.standards.codelists import STATUSES, codelist, codelists

LISTS = codelists()


@pytest.mark.parametrize("key", LISTS)
def test_every_list_says_where_it_comes_from_and_how_sure_it_is(key: str) -> None:
    found = LISTS[key]
    assert found.name
    assert found.source
    assert found.status in STATUSES
    assert found.items


@pytest.mark.parametrize("key", LISTS)
def test_codes_are_text_and_lead_back_to_themselves(key: str) -> None:
    found = LISTS[key]
    for code, label in found.items:
        assert isinstance(code, str)
        assert found.code_of(code) == code
        assert found.label(code) == label
    for marked in (*found.inferred, *found.local, *found.parents, *found.parents.values()):
        assert marked in found


@pytest.mark.parametrize("key", LISTS)
def test_labels_lead_to_their_code_unless_two_items_share_one(key: str) -> None:
    found = LISTS[key]
    labels = [label for _, label in found.items]
    for code, label in found.items:
        if labels.count(label) == 1:
            assert found.code_of(label) == code


def test_codes_that_look_like_numbers_stay_text() -> None:
    assert codelist("nationality").code_of("壮族") == "08"
    assert codelist("risk_disaster").code_of("其他") == "0299"
    assert "0299" in codelist("risk_disaster")


def test_the_56_nationalities_are_there() -> None:
    assert len([code for code in codelist("nationality").codes if int(code) <= 56]) == 56


@pytest.mark.parametrize(
    ("key", "written", "code"),
    [
        ("sex", "男", "1"),
        ("sex", "女性", "2"),
        ("sex", " 女 ", "2"),
        ("sex", "1", "1"),
        ("sex", "1.0", "1"),
        ("nationality", "汉", "01"),
        ("nationality", "土家", "15"),
        ("nationality", "1", "01"),
        ("nationality", "8", "08"),
        ("nationality", "01 汉族", "01"),
        ("nationality", "01-汉族", "01"),
        ("nationality", "０１", "01"),
        ("marital", "未婚", "10"),
        ("marital", "已婚", "20"),
        ("health", "健康", "01"),
        ("health", "慢性病", "02"),
        ("house_grade", "C级", "C"),
        ("house_grade", "c", "C"),
        ("house_grade", "D级危房", "D"),
        ("house_grade", "A级(安全)", "A"),
        ("disability_grade", "1级", "1"),
        ("disability_type", "肢体", "4"),
        ("relation_to_head", "长子", "03"),
        ("relation_to_head", "子", "03"),
        ("relation_to_head", "妻", "02"),
        ("work_region", "乡（镇）内", "01"),
        ("work_region", "乡镇内", "01"),
        ("household_type_2021", "脱贫不稳定户", "100A03001"),
        ("household_type_2021", "100a03001", "100A03001"),
        ("label_kind", "脱贫不稳定户(旧类型)", "monitor_unstable"),
        ("care_kind", "门特", "3"),
        ("insurance_kind", "居民医保", "1"),
    ],
)
def test_usual_ways_of_writing_are_understood(key: str, written: str, code: str) -> None:
    assert codelist(key).code_of(written) == code


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("sex", "M"),
        ("sex", "3"),
        ("nationality", "汉人"),
        ("nationality", "02 汉族"),
        ("health", ""),
        ("house_grade", "安全"),
    ],
)
def test_what_could_mean_anything_is_not_guessed(key: str, written: str) -> None:
    assert codelist(key).code_of(written) is None


def test_a_refusal_suggests_what_to_write() -> None:
    assert codelist("sex").suggestion("M") == "男 或 女"
    assert "土家族" in codelist("nationality").suggestion("土家人")
    assert "共 28 项" in codelist("relation_to_head").suggestion("邻居")


def test_an_unknown_list_is_named() -> None:
    with pytest.raises(KeyError, match="no_such_list"):
        codelist("no_such_list")


def test_measures_know_their_group() -> None:
    measures = codelist("measure")
    assert measures.parents["3901"] == "100A39"
    assert measures.attributes["100A39"]["developmental"] == "true"
    assert measures.code_of("其他") is None
