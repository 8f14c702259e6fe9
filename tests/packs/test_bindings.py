"""``reads`` and ``writes``: what may be named, which question fits, and the prefill every client understands."""

from __future__ import annotations

import re

import pytest

from huqing.packs import fits
from huqing.packs.prefill import Need
from huqing.registry import values
from huqing.standards.fields import record_kinds

from .writing import PICK, complaints, converted, form

MEMBERS = "| | begin_repeat | people | 成员 | person | |"
END = "| | end_repeat | | | | |"


def xml(*rows: str) -> str:
    found = converted(form(*rows))
    assert found.form is not None, [str(problem) for problem in found.problems]
    return found.form.xml


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("| | text | a | 问 | household.adress | |", "没有字段“adress”。相近的：address（家庭住址）"),
        ("| | text | a | 问 | household.饮水是否安全 | |", "相近的：water_safe（饮水是否安全）"),
        ("| | text | a | 问 | house.address | |", "“house.address”不是档案里的字段"),
        ("| | text | a | 问 | household.phone | |", "“联系电话”是加密存放的号码，不带到手机上"),
        ("| | text | a | 问 | | household.bank_account |", "不能在表单里收集"),
        ("| | text | a | 问 | | household.number |", "只能在户档案里办理变更"),
        ("| | text | a | 问 | | household.town_name |", "不单独保存"),
        ("| | text | a | 问 | | village.direction |", "不是档案里的字段"),
        ("| | text | a | 问 | | household |", "没有写明写入哪个字段"),
        ("| | text | a | 问 | | household.water_safe |", "题型 text 与“饮水是否安全”（是否）不符。题型写 select_one"),
        ("| | integer | a | 问 | household.wage_income | |", "与“工资性收入”（金额）不符。题型写 decimal"),
        ("| | image | a | 问 | | household.address |", "题型 image 与“家庭住址”（文字）不符"),
        ("| | select_one level | a | 问 | | household.house_grade |", "题型写 select_one house_grade"),
        ("| | select_one abc | a | 问 | | household.house_grade |", "选项 X 不是“住房安全等级”的代码"),
        ("| | select_one ab | a | 问 | household.house_grade | |", "缺少选项 C、D，原来的值会丢"),
        ("| | select_one house_grade or_other | a | 问 | | household.house_grade |", "也不能另填其他"),
        ("| | calculate | a | | parameter.monitor_lin | |", "相近的：monitor_line"),
        ("| | text | a | 问 | parameter.monitor_line | |", "参数只能读到计算题"),
        ("| | text | a | 问 | person.name | |", "不知道是哪一个人的"),
        ("| | text | a | 问 | village.direction | |", "还没有选行政村"),
        ("| | text | a | 问 | person | |", "题型写 select_one_from_file person.csv 或 begin_repeat"),
    ],
)
def test_a_wrong_binding_is_refused_with_what_to_write(row: str, said: str) -> None:
    lists = "| | abc | A | 甲 |\n| | abc | X | 乙 |\n| | ab | A | 甲 |\n| | ab | B | 乙 |"
    told = complaints(form(PICK, row, choices=lists))
    assert said in told
    assert "第 4 行" in told


def test_all_wrong_rows_are_told_at_once() -> None:
    told = complaints(form("| | text | a | 问 | household.x | |", "| | text | b | 问 | | person.y |"))
    assert told.count("没有字段") == 2


def test_a_field_is_written_by_one_question_and_not_from_a_repeat() -> None:
    twice = form(PICK, *(f"| | text | {name} | 问 | | household.address |" for name in "ab"))
    assert "household.address 已由“a”写入" in complaints(twice)
    repeat = form(PICK, "| | begin_repeat | r | 组 | | |", "| | text | a | 问 | | household.address |", END)
    assert "重复填写的题目不能写入只有一个值的字段" in complaints(repeat)
    of_members = form(PICK, MEMBERS, "| | text | a | 问 | | household.address |", END)
    assert "逐个成员填写的题目不能写入户的字段" in complaints(of_members)


def test_the_household_is_chosen_before_anything_of_it_is_read() -> None:
    assert "还没有选农户" in complaints(form("| | text | a | 问 | household.address | |", PICK))
    assert "不知道是谁家的成员" in complaints(form(MEMBERS, END))


def test_reads_and_an_own_default_do_not_go_together() -> None:
    text = form(
        "| | select_one_from_file household.csv | household | 户 | household | | |",
        "| | text | a | 问 | household.address | | 无 |",
        header="reads | writes | default",
    )
    assert "写了 reads，又写了 default" in complaints(text)


def test_choices_of_a_coded_field_come_from_its_code_list() -> None:
    found = converted(
        form(
            PICK,
            "| | select_one house_grade | grade | 等级 | household.house_grade | household.house_grade |",
            "| | select_one yes_no | water | 安全 | household.water_safe | household.water_safe |",
        )
    ).form
    assert found is not None
    grade, water = found.question("grade"), found.question("water")
    assert grade is not None
    assert water is not None
    assert [code for code, _ in grade.choices] == ["A", "B", "C", "D"]
    assert water.choices == (("yes", "是"), ("no", "否"))
    assert (grade.reads, grade.writes) == ("household.house_grade", "household.house_grade")


def test_a_read_field_is_filled_in_at_first_and_whenever_another_household_is_chosen() -> None:
    made = xml(PICK, "| | text | where | 住址 | household.address | |")
    value = "instance('household')/root/item[id =  /data/household ]/address"
    assert f'<setvalue ref="/data/where" event="odk-instance-first-load" value="{value}"/>' in made
    assert f'<setvalue ref="/data/where" event="xforms-value-changed" value="{value}"/>' in made
    assert "value=\"if(count(instance('household')/root/item) = 1" in made
    assert '<instance id="household" src="jr://file-csv/household.csv"/>' in made


def test_notes_show_words_and_calculations_codes() -> None:
    found = converted(
        form(
            PICK,
            "| | note | shown | 现在 | household.house_grade | |",
            "| | calculate | code | | household.house_grade | |",
            "| | calculate | line | | parameter.monitor_line | |",
        )
    ).form
    assert found is not None
    assert found.needs == (
        Need("household", "house_grade", words=True),
        Need("household", "house_grade"),
        Need("parameter", "monitor_line"),
    )
    assert found.needs[0].column == "house_grade_words"
    assert "/house_grade_words" in found.xml
    assert found.lists == ("household.csv", "parameter.csv")


def test_a_repeat_over_members_turns_once_per_member_and_keeps_whom_it_is_about() -> None:
    rows = (
        PICK,
        MEMBERS,
        "| | select_multiple health | health | 健康 | person.health | person.health |",
        END,
    )
    found = converted(form(*rows)).form
    assert found is not None
    assert (found.members, found.member) == ("/data/people", "/data/people/people_person")
    assert found.subjects == {"household": "/data/household"}
    assert "count(instance('person')/root/item[household =  /data/household ])" in found.xml
    assert re.search(r'ref="/data/people/people_person" event="odk-new-repeat"', found.xml)
    assert "instance('person')/root/item[id =  current()/../people_person ]/health" in found.xml


def test_a_form_about_one_person_offers_the_people_of_the_household() -> None:
    pick = "| | select_one_from_file person.csv | who | 哪个人 | person | |"
    made = xml(PICK, pick, "| | text | school | 学校 | person.school | person.school |")
    assert "instance('person')/root/item[household =  /data/household ]" in made
    assert "instance('person')/root/item[id =  /data/who ]/school" in made


def test_the_authors_rows_are_counted_as_they_stand_though_rows_are_put_in() -> None:
    text = form(PICK, MEMBERS, END, "| | text | a | ${nobody} | | |")
    [problem] = converted(text).problems
    assert problem.row == 5
    assert problem.line == 6


def test_the_columns_may_have_chinese_names() -> None:
    text = form(PICK, "| | text | a | 问 | household.address | household.address |", header="预填 | 写入")
    found = converted(text).form
    assert found is not None
    assert found.subjects == {"household": "/data/household"}


FIELDS = [field for kind in ("household", "person") for field in record_kinds()[kind].fields]
SAMPLES = {
    "text": ("文字", "文字", "文字"),
    "name": ("王建国", "王建国", "王建国"),
    "integer": (3, "3", "3"),
    "year": (2024, "2024", "2024"),
    "decimal": ("3.50", "3.50", "3.50"),
    "money": (123450, "1234.50", "1234.50"),
    "date": ("2024-03-05", "2024-03-05", "2024-03-05"),
    "month": ("2024-03", "2024-03-01", "2024-03"),
    "boolean": (True, "yes", True),
}


@pytest.mark.parametrize("field", [field for field in FIELDS if field.type in SAMPLES], ids=lambda field: field.key)
def test_a_stored_value_goes_into_a_form_and_comes_back(field) -> None:
    stored, shown, answered = SAMPLES[field.type]
    assert fits.prefill_text(field, stored) == shown
    assert fits.answer_value(field, shown) == answered
    assert fits.prefill_text(field, None) == ""
    assert fits.answer_value(field, " ") is None


def test_codes_are_apart_by_blanks_and_told_in_words() -> None:
    health = record_kinds()["person"]["health"]
    assert fits.prefill_text(health, ["02", "04"]) == "02 04"
    assert fits.prefill_text(health, ["02", "04"], words=True) == "长期慢性病、残疾"
    assert fits.answer_value(health, "02 04") == ["02", "04"]


def test_what_forms_may_write_is_what_the_file_lets_be_written() -> None:
    assert fits.FIXED == values.FIXED
