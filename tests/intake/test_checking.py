"""Good rows come out typed; bad ones are refused with the cell, what is wrong and what to write instead."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from huqing.intake.checking import MappingError, check
from huqing.intake.mapping import propose
from huqing.intake.reading import CELL_ERROR, LONG_NUMBER, ROW
from huqing.standards.fields import record_kinds
from huqing.standards.idnumbers import check_digit

AS_OF = date(2026, 1, 1)
PERSON = ("户编号", "姓名", "证件号码", "与户主关系")


def number(first_17: str) -> str:
    return first_17 + check_digit(first_17)


MAN = number("99000119900101001")
WOMAN = number("99000119920202002")


def table(columns, *rows, start=2):
    """A read table; the first row is row 2 of the file."""
    arrays = [pa.array([row[i] for row in rows], pa.string()).dictionary_encode() for i in range(len(columns))]
    return pa.table([pa.array(range(start, start + len(rows)), pa.int32()), *arrays], names=[ROW, *columns])


def checked(kind, columns, *rows):
    declared = record_kinds()[kind]
    return check(table(columns, *rows), declared, propose(columns, declared).fields, as_of=AS_OF)


def said(result):
    return [(problem.severity, problem.row, problem.column) for problem in result.problems]


def test_good_rows_come_out_typed():
    columns = (
        "户编号",
        "户主姓名",
        "家庭人口数",
        "工资性收入",
        "耕地面积",
        "识别监测时间",
        "是否危房户",
        "致贫返贫风险",
        "收入周期截止月",
    )
    result = checked(
        "household", columns, ("1", "张 三", "4", "１２,３４５.6", "1.255", "2024.3.5", "否", None, "2024年3月")
    )
    row = result.table.to_pylist()[0]
    assert row == {
        ROW: 2,
        "number": "1",
        "head_name": "张三",
        "member_count": 4,
        "wage_income": 1_234_560,
        "arable_area": Decimal("1.26"),
        "identified_on": date(2024, 3, 5),
        "dangerous_house": False,
        "risks": None,
        "income_period_end": "2024-03",
    }
    assert str(result.table.schema.field("arable_area").type) == "decimal128(18, 2)"
    assert dict(result.counts) == {"rows": 1, "good": 1, "refused": 0, "duplicates": 0, "warnings": 0}


def test_a_bad_cell_refuses_its_row_and_says_what_to_write():
    columns = (*PERSON, "性别")
    result = checked("person", columns, ("1", "张三", MAN, "户主", "男"), ("1", "李四", WOMAN, "邻居", "女人"))
    assert result.table.column(ROW).to_pylist() == [2]
    assert said(result) == [("refused", 3, "与户主关系"), ("refused", 3, "性别")]
    assert result.problems[0].value == "邻居"
    assert result.problems[0].remedy.startswith("请写 ")
    assert result.refused_rows == (3,)


def test_a_missing_required_cell_is_refused_in_its_row():
    result = checked("person", PERSON, ("1", None, MAN, "户主"))
    assert said(result) == [("refused", 2, "姓名")]


def test_a_file_without_a_required_column_is_not_checked_at_all():
    with pytest.raises(MappingError, match="必填的「姓名」、「与户主关系」没有对应的列"):
        checked("person", ("户编号", "证件号码"), ("1", MAN))


def test_sealed_values_are_masked_in_problems():
    result = checked("person", PERSON, ("1", "张三", MAN[:-1] + ("0" if MAN[-1] != "0" else "1"), "户主"))
    problem = result.problems[0]
    assert problem.severity == "warning"
    assert MAN[6:14] not in problem.value + problem.message + problem.remedy
    assert "*" in problem.value


def test_a_number_that_lost_its_last_digits_is_refused_where_digits_matter_and_taken_as_a_number():
    columns = (*PERSON, "务工月收入")
    result = checked(
        "person",
        columns,
        ("1", "张三", LONG_NUMBER + "990001199001010000", "户主", None),
        (LONG_NUMBER + "500236100000000000", "李四", WOMAN, "配偶", None),
    )
    assert said(result) == [("refused", 2, "证件号码"), ("refused", 3, "户编号")]
    assert "以数字存放，末位已被 Excel 改成 0" in result.problems[0].message
    assert "文本" in result.problems[0].remedy


def test_a_formula_error_is_refused_and_never_a_value():
    result = checked("person", (*PERSON, "就读学校"), ("1", "张三", MAN, "户主", CELL_ERROR + "#REF!"))
    assert said(result) == [("refused", 2, "就读学校")]
    assert "#REF!" in result.problems[0].message


def test_sex_and_birth_date_that_contradict_the_id_number_are_warnings():
    columns = (*PERSON, "性别", "出生日期")
    result = checked(
        "person",
        columns,
        ("1", "张三", MAN, "户主", "女", "1990-01-01"),
        ("1", "李四", WOMAN, "配偶", "女", "1992-02-03"),
    )
    assert said(result) == [("warning", 2, "性别"), ("warning", 3, "出生日期")]
    assert result.counts["good"] == 2
    assert result.counts["warnings"] == 2
    assert not any(digits in str(problem) for problem in result.problems for digits in (MAN, WOMAN))


def test_the_same_person_said_twice_alike_is_taken_once():
    result = checked("person", PERSON, ("1", "张三", MAN, "户主"), ("1", "张 三", f" {MAN}", "户主"))
    assert result.table.column(ROW).to_pylist() == [2]
    assert result.counts["duplicates"] == 1
    assert result.problems[0].message == "与第 2 行完全相同，只取一行"
    assert result.notes == ("有 1 行与前面的行完全相同，只取一行。",)


def test_the_same_person_said_differently_is_refused_in_both_rows_each_naming_the_other():
    result = checked(
        "person", PERSON, ("1", "张三", MAN, "户主"), ("2", "张三", MAN, "户主"), ("3", "李四", WOMAN, "户主")
    )
    assert result.table.column(ROW).to_pylist() == [4]
    assert [problem.message for problem in result.problems] == [
        "与第 3 行的证件号码、姓名相同，但「户编号」不同",
        "与第 2 行的证件号码、姓名相同，但「户编号」不同",
    ]


def test_two_namesakes_without_an_id_number_both_stay():
    columns = ("姓名", "身份证号", "行政村", "参保年度", "险种")
    rows = [
        ("张三", None, "甲村", "2025", "居民医保"),
        ("张三", None, "乙村", "2025", "居民医保"),
        ("张三", None, "甲村", "2025", "居民医保"),
    ]
    result = checked("insured", columns, *((*row[:4], "1") for row in rows))
    assert result.table.column(ROW).to_pylist() == [2, 3]


def test_a_placeholder_instead_of_an_id_number_makes_nobody_the_same_person():
    result = checked("person", PERSON, ("1", "张三", "0" * 18, "户主"), ("2", "张三", "0" * 18, "户主"))
    assert result.table.column(ROW).to_pylist() == [2, 3]


def test_rows_that_say_nothing_in_the_mapped_columns_are_not_counted():
    result = checked("person", (*PERSON, "备注栏目"), ("1", "张三", MAN, "户主", "x"), (None, None, None, None, "x"))
    assert (result.counts["rows"], result.counts["refused"]) == (1, 0)


def test_problems_of_a_wholly_wrong_file_stay_small_and_in_row_order():
    rows = [("1", "张三", MAN, "邻居")] * 50_000
    result = checked("person", PERSON, *rows)
    assert len(result.problems) == 50_000
    assert len(result.problems.findings) == 1
    assert [problem.row for problem in result.problems[:3]] == [2, 3, 4]
    assert result.problems.table().column_names == ["row_number", "severity", "column", "value", "message", "remedy"]


def test_a_file_of_no_rows_gives_an_empty_typed_table():
    declared = record_kinds()["person"]
    empty = table(PERSON, ("1", "张三", MAN, "户主")).slice(0, 0)
    result = check(empty, declared, propose(PERSON, declared).fields, as_of=AS_OF)
    assert result.table.num_rows == 0
    assert result.table.column_names == [ROW, "household_number", "name", "id_number", "relation"]
