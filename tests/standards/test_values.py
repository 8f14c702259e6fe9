"""The value checker: what is stored, and what a clerk reads when a value cannot be."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.standards.codelists import codelist
from huqing.standards.fields import Field, record_kinds
from huqing.standards.values import Problem, check_value, display

AS_OF = date(2026, 3, 31)
VALID_ID = "11010519491231002X"


def field(name: str) -> Field:
    kind, key = name.split(".")
    return record_kinds()[kind][key]


def check(name: str, raw: object) -> object:
    return check_value(field(name), raw, as_of=AS_OF)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "raw", "stored"),
    [
        ("household.wage_income", "1,234.50", 123450),
        ("household.wage_income", 1234.5, 123450),
        ("household.wage_income", "3.2万元", 3200000),
        ("household.wage_income", "1200元/年", 120000),
        ("household.wage_income", 0.1 + 0.2, 30),
        ("household.wage_income", "33.333333333333336", 3333),
        ("household.wage_income", "1.5E+4", 1500000),
        ("household.income_per_head", "-5", -500),
        ("household.income_per_head", -5, -500),
        ("household.wage_income", "0", 0),
        ("household.wage_income", "", None),
        ("household.wage_income", "/", None),
        ("household.arable_area", "12.5亩", "12.50"),
        ("household.arable_area", 3, "3.00"),
        ("household.arable_area", 2.3000000000000003, "2.30"),
        ("household.arable_area", "２．５", "2.50"),
        ("household.member_count", "4人", 4),
        ("household.member_count", 4.0, 4),
        ("household.member_count", "４", 4),
        ("person.work_months", "0", 0),
        ("household.identified_on", "2024年3月5日", "2024-03-05"),
        ("household.identified_on", 45356, "2024-03-05"),
        ("household.identified_on", datetime(2024, 3, 5), "2024-03-05"),  # noqa: DTZ001
        ("household.helper_to", "长期", "2099-12-31"),
        ("disability.expires_on", "长期有效", "2099-12-31"),
        ("household.income_period_end", "2026年3月", "2026-03"),
        ("household.form_year", "2026年度", 2026),
        ("insured.year", 2026, 2026),
        ("household.military_family", "是", True),
        ("household.military_family", "√", True),
        ("household.military_family", 0, False),
        ("household.sanitary_toilet", "无", False),
        ("household.water_safe", "安全", True),
        ("household.water_safe", "不安全", False),
        ("person.dibao", "未享受", False),
        ("person.dibao", "已享受", True),
        ("person.resident_insurance", "已参加", True),
        ("person.alive", "健在", True),
        ("person.alive", "死亡", False),
        ("water.quality_ok", "不达标", False),
        ("person.sex", "男", "1"),
        ("person.sex", 2, "2"),
        ("person.nationality", "土家族", "15"),
        ("person.health", "长期慢性病、残疾", ["02", "04"]),
        ("person.health", "02,04", ["02", "04"]),
        ("person.health", "残疾；残疾", ["04"]),
        ("person.health", "健康", ["01"]),
        ("household.risks", "因病/因残", ["01", "03"]),
        ("household.village_code", "500236100203", "500236100203"),
        ("household.village_code", 500236100203, "500236100203"),
        ("person.id_number", VALID_ID, VALID_ID),
        ("person.id_number", "110105491231002", VALID_ID),
        ("person.id_number", "１１０１０５１９４９１２３１００２ｘ", VALID_ID),
        ("person.id_number", VALID_ID + "41", VALID_ID + "41"),
        ("disability.card_number", VALID_ID + "41", VALID_ID + "41"),
        ("person.phone", "+86 138 1234 5678", "13812345678"),
        ("person.phone", 13812345678, "13812345678"),
        ("household.bank_account", "6217 0000 1111 2222", "6217000011112222"),
        ("person.name", " 张　三 ", "张三"),
        ("person.name", "𠮷田", "𠮷田"),
        ("household.address", "白帝镇\x00１２组", "白帝镇12组"),
        ("home_visit.note", "一切正常\r\n无新情况", "一切正常\n无新情况"),
        ("household.risk_note", "-5", "-5"),
        ("household.risk_note", "=1+1", "=1+1"),
    ],
)
def test_what_is_stored(name: str, raw: object, stored: object) -> None:
    checked = check(name, raw)
    assert checked == stored
    assert type(checked) is type(stored)


@pytest.mark.parametrize(
    ("name", "raw", "message", "remedy"),
    [
        ("person.sex", "M", "「性别」填了“M”", "请写 男 或 女"),
        ("person.nationality", "土家人", "「民族」填了“土家人”", "土家族"),
        ("person.health", "健康;死", "其中“死”", "健康、长期慢性病、患有大病 或 残疾"),
        ("household.wage_income", "-5", "「工资性收入」填了“-5”，超出范围", "0 到 10000000"),
        ("household.wage_income", "12,34", "千分位", "1234.50"),
        ("household.wage_income", "约三万", "不是金额", "没有就写 0，不清楚就留空"),
        ("household.wage_income", "12.345", "小数超过两位", "写到分为止"),
        ("household.wage_income", "1e400", "「工资性收入」", "元"),
        ("household.arable_area", "三亩", "不是数", "单位：亩"),
        ("household.arable_area", "-1", "超出范围", "0 到 10000"),
        ("household.member_count", "2.5", "不是整数", "整数"),
        ("household.member_count", "0", "超出范围", "1 到 30"),
        ("household.identified_on", "2024-02-30", "没有这一天", "2024-03-05"),
        ("household.identified_on", "2024", "缺少月和日", "年月日"),
        ("household.identified_on", "2026-04-01", "晚于数据日期 2026-03-31", "不晚于 2026-03-31"),
        ("household.identified_on", "1999-01-01", "超出范围", "2013-01-01 到 2026-03-31"),
        ("household.income_period_end", "2024-13", "没有这个月份", "2024-03"),
        ("household.form_year", "二四", "不是年份", "四位年份"),
        ("household.military_family", "2", "看不出是或否", "请写 是 或 否"),
        ("household.dangerous_house", "安全", "看不出是或否", "请写 是 或 否"),
        ("person.name", "123", "不是姓名", "户口簿"),
        ("person.name", "", "「姓名」没有填", "请填写姓名"),
        ("household.village_code", "50023", "不是区划代码", "12 位"),
        ("household.number", "9" * 41, "41 个字", "40 个字以内"),
        ("medical_bill.settled_on", None, "「结算日期」没有填", "如 2024-03-05"),
    ],
)
def test_a_refusal_names_field_value_and_remedy(name: str, raw: object, message: str, remedy: str) -> None:
    checked = check(name, raw)
    assert isinstance(checked, Problem)
    assert not checked.warning
    assert message in checked.message
    assert remedy in checked.remedy


@pytest.mark.parametrize(
    ("name", "raw", "message", "stored"),
    [
        ("person.id_number", "110105194912310021", "校验码不对", "110105194912310021"),
        ("person.id_number", "12345", "位数不对", "12345"),
        ("person.id_number", "110105194902300020", "出生日期", "110105194902300020"),
        ("person.id_number", "999999199001011237", "占位号码", "999999199001011237"),
        ("person.phone", "1381234", "不是电话号码", "1381234"),
        ("household.bank_account", "12", "不是银行账号", "12"),
        ("disability.card_number", VALID_ID, "位数不对", VALID_ID),
        ("person.name", "张?", "少见的符号", "张?"),
        ("person.name", "张\ue123", "少见的符号", "张\ue123"),
    ],
)
def test_doubtful_values_are_stored_with_a_warning(name: str, raw: str, message: str, stored: str) -> None:
    checked = check(name, raw)
    assert isinstance(checked, Problem)
    assert checked.warning
    assert message in checked.message
    assert checked.value == stored


@pytest.mark.parametrize("raw", [5.00236e17, "5.00236E+17", 1.1010519491231002e17])
def test_numbers_that_a_spreadsheet_shortened_are_refused(raw: object) -> None:
    checked = check("person.id_number", raw)
    assert isinstance(checked, Problem)
    assert not checked.warning
    assert "文本" in checked.remedy


@pytest.mark.parametrize(
    "name", ["person.id_number", "person.phone", "household.bank_account", "household.helper_phone"]
)
def test_messages_about_sealed_values_never_repeat_them(name: str) -> None:
    for raw in ("1101051949123100", "12345678901234567", "张三13812345678", "abc98765", 98765432109876543210.0):
        checked = check(name, raw)
        if isinstance(checked, Problem):
            digits = "".join(ch for ch in str(raw) if ch.isdigit())
            assert digits[:5] not in str(checked)


@given(st.sampled_from([f for kind in record_kinds().values() for f in kind.fields]), st.text(max_size=60))
def test_no_text_breaks_the_checker_and_every_problem_is_in_words(declared: Field, raw: str) -> None:
    checked = check_value(declared, raw, as_of=AS_OF)
    if isinstance(checked, Problem):
        assert checked.message.startswith(f"「{declared.label}」")
        assert checked.remedy.startswith("请") or checked.remedy.startswith("区划代码")
        assert len(checked.message) <= 300
        assert len(checked.remedy) <= 300
    elif isinstance(checked, str):
        assert "\x00" not in checked


@given(st.sampled_from([f for kind in record_kinds().values() for f in kind.fields]), st.floats() | st.integers())
def test_no_number_breaks_the_checker(declared: Field, raw: float) -> None:
    check_value(declared, raw, as_of=AS_OF)


@pytest.mark.parametrize(
    ("name", "stored", "shown"),
    [
        ("household.wage_income", 123450, "1234.50"),
        ("person.sex", "1", "男"),
        ("person.health", ["02", "04"], "长期慢性病、残疾"),
        ("person.dibao", False, "否"),
        ("household.arable_area", "2.50", "2.50"),
        ("household.identified_on", "2024-03-05", "2024-03-05"),
        ("household.wage_income", None, ""),
    ],
)
def test_stored_values_are_shown_in_words(name: str, stored: object, shown: str) -> None:
    assert display(field(name), stored) == shown  # type: ignore[arg-type]


STORED = [
    ("household.wage_income", 123450),
    ("household.arable_area", "2.50"),
    ("household.identified_on", "2024-03-05"),
    ("household.income_period_end", "2024-03"),
    ("person.health", ["02", "04"]),
    ("person.relation", "03"),
    ("person.dibao", True),
    ("household.form_year", 2025),
]


@pytest.mark.parametrize(("name", "stored"), STORED)
def test_what_is_shown_can_be_taken_in_again(name: str, stored: object) -> None:
    assert check(name, display(field(name), stored)) == stored  # type: ignore[arg-type]


CODED = [f for kind in record_kinds().values() for f in kind.fields if f.codelist]


@pytest.mark.parametrize("declared", CODED, ids=lambda declared: declared.label)
def test_every_label_that_is_shown_can_be_taken_in_again(declared: Field) -> None:
    for code in codelist(declared.codelist).codes:
        stored = [code] if declared.type == "codes" else code
        assert check_value(declared, display(declared, stored), as_of=AS_OF) == stored
