"""A form as its author writes it: questions found, files of every kind read, mistakes placed."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import Workbook

from huqing.packs.forms import convert
from huqing.packs.workbook import LARGEST

from .writing import PICK, complaints, converted, form


def workbook(**sheets: list[list[str]]) -> bytes:
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_questions_are_listed_with_path_type_label_and_whether_an_answer_is_needed() -> None:
    text = form(
        "| | text | who | 谁来过 | yes |",
        "| | begin_repeat | child | 孩子 | |",
        "| | select_one grade | level | 年级 | ${who} != '' |",
        "| | end_repeat | | | |",
        header="required",
        choices="| | grade | g1 | 一年级 |\n| | grade | g2 | 二年级 |",
    )
    found = converted(text).form
    assert found is not None
    assert (found.form_id, found.version, found.title) == ("f", "1", "试")
    who, child, level = found.questions
    assert (who.path, who.type, who.label, who.required, who.repeat) == ("/data/who", "text", "谁来过", "yes", "")
    assert (child.path, child.type) == ("/data/child", "repeat")
    assert (level.path, level.repeat, level.type) == ("/data/child/level", "/data/child", "select_one")
    assert level.choices == (("g1", "一年级"), ("g2", "二年级"))
    assert level.required == "${who} != ''"


def test_a_form_needs_a_version_and_a_title_to_be_published() -> None:
    result = converted("| survey |\n| | type | name | label |\n| | text | a | 问 |\n")
    assert result.form is not None
    assert [problem.problem for problem in result.problems] == ["没有版本号", "没有表单名称"]


def test_a_mistake_in_a_workbook_is_placed_by_sheet_row_and_column() -> None:
    rows = [["type", "name", "label"], ["text", "a", "问"], [], ["text", "b c", "问"]]
    [problem] = convert(workbook(survey=rows), "表.xlsx").problems
    assert (problem.sheet, problem.row, problem.column) == ("survey", 4, "name")
    assert str(problem).startswith("表.xlsx survey 表第 4 行“name”列：name 的写法不对。")


def test_a_mistake_in_a_text_file_is_placed_by_its_line() -> None:
    text = "# 说明\n\n| survey |\n| | type | name | label |\n| | | | |\n\n# 又一句\n| | text | a | ${b} |\n"
    [problem] = convert(text.encode(), "表.md").problems
    assert str(problem).startswith("表.md 第 8 行（survey 表）“label”列：label 里引用了不存在的题目“b”。")
    csv = "survey,,,\n,type,name,label\n,text,a,问\n,text,a,问\n"
    [problem] = convert(csv.encode(), "表.csv").problems
    assert "第 4 行" in str(problem)


def test_a_question_named_in_a_message_without_row_is_found() -> None:
    text = form("| | text | a | 问 |", "| | text | b | |", header="hint")
    [problem] = converted(text).problems
    assert (problem.row, problem.problem) == (3, "题目“b”没有文字")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_as_chinese_office_programs_save_it_is_read(encoding: str) -> None:
    text = "survey,,,\n,type,name,label\n,text,a,家庭住址\nsettings,,,\n,form_title,form_id,version\n,试,f,1\n"
    found = convert(text.encode(encoding), "表.csv").form
    assert found is not None
    assert found.questions[0].label == "家庭住址"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "a.xlsx", "打不开，内容不是表单"),
        (b"PK\x03\x04 broken", "a.xlsx", "打不开，内容不是表单"),
        (b"\xd0\xcf\x11\xe0 broken", "a.xls", "。"),
        (b"\xff\xfe\xff", "a.md", "文字读不出来"),
        (b"hello", "a.md", "打不开，内容不是表单"),
        (b"x", "a.docx", "不认识文件类型“.docx”"),
        (b"x", "a", "不认识文件类型“a”"),
        (b"x" * (LARGEST + 1), "a.csv", "文件超过 5 MB"),
    ],
)
def test_a_file_that_is_no_form_is_refused_with_a_reason(content: bytes, name: str, said: str) -> None:
    result = convert(content, name)
    assert result.form is None
    [problem] = result.problems
    assert said in str(problem)


def test_a_workbook_that_unpacks_to_too_much_is_not_opened() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (61 * 1024 * 1024))
    [problem] = convert(made.getvalue(), "bomb.xlsx").problems
    assert problem.problem == "解开后太大，不像一份表单"


def test_a_calculation_that_needs_its_own_result_is_refused() -> None:
    text = form("| | calculate | a | | ${b} + 1 |", "| | calculate | b | | ${a} + 1 |", header="calculation")
    assert "公式绕回了自己" in complaints(text)
    alone = form("| | integer | a | 数 | |", "| | calculate | b | | ${b} + ${a} |", header="calculation")
    assert "公式绕回了自己：b → b" in complaints(alone)


def test_bounds_without_a_message_and_curly_quotes_are_noted_not_refused() -> None:
    text = form("| | integer | a | “几”口人 | . > 0 |", header="constraint")
    result = converted(text)
    assert result.problems == ()
    assert [note.problem for note in result.notes] == ["“a”限制了取值，却没有写提示", "弯引号会变成直引号"]


def test_media_of_the_author_and_lists_of_the_product_are_told_apart() -> None:
    rows = (PICK, "| | select_one_from_file crops.csv | crop | 作物 | | |")
    found = converted(form(*rows)).form
    assert found is not None
    assert (found.media, found.lists) == (("crops.csv",), ("household.csv",))


def test_a_row_longer_than_its_header_and_a_damaged_workbook_are_told_apart() -> None:
    long = "| survey |\n| | type | name |\n| | text | a | 问 |\n"
    [problem] = convert(long.encode(), "a.md").problems
    assert problem.problem == "有一行的格子比表头多"
    broken = bytearray(workbook(survey=[["type", "name", "label"], ["text", "a", "问"]]))
    broken[len(broken) // 2] ^= 0xFF
    assert convert(bytes(broken), "a.xlsx").form is None


def test_a_column_without_a_name_may_be_empty_but_hold_nothing() -> None:
    empty = convert("| survey |\n| | type | name | label | |\n| | text | a | 问 | |\n".encode(), "a.md")
    assert empty.form is not None
    filled = convert("| survey |\n| | type | name | label | | x |\n| | text | a | 问 | 备忘 | |\n".encode(), "a.md")
    assert [problem.problem for problem in filled.problems] == ["survey 表没有表头行，或“空的列名”不在表头里"]
