"""The workbook of refused rows goes back to the clerk, is corrected, and comes in again."""

from __future__ import annotations

import zipfile
from datetime import date, datetime

import pyarrow as pa

from huqing.intake.checking import check
from huqing.intake.mapping import propose
from huqing.intake.problems import PROBLEM_COLUMN, write_correction
from huqing.intake.reading import CELL_ERROR, ROW, Sheet, read_sheet
from huqing.papers.sheets import Marking
from huqing.standards.fields import record_kinds

AS_OF = date(2026, 1, 1)
MARKING = Marking(by="王某", at=datetime(2026, 1, 2, 3, 4))  # noqa: DTZ001
KIND = record_kinds()["person"]
HEADER = ["户编号", "姓名", "证件号码", "与户主关系", "务工月收入", "就读学校"]


def errors_in(label):
    row = {
        **dict(zip(HEADER, ["1", "张三", "990001199001010013", "户主", "1", ""], strict=True)),
        label: CELL_ERROR + "#REF!",
    }
    return pa.table({ROW: pa.array([2], pa.int32()), **{name: pa.array([cell]) for name, cell in row.items()}})


def taken(path):
    sheet = read_sheet(path)
    mapping = propose(sheet.columns, KIND).fields
    return sheet, mapping, check(sheet.table, KIND, mapping, as_of=AS_OF)


def correction(tmp_path, workbook, rows):
    sheet, mapping, checked = taken(workbook(tmp_path / "原表.xlsx", {"人": [HEADER, *rows]}))
    path = tmp_path / "待改正.xlsx"
    count = write_correction(
        path, sheet.table, sheet.columns, checked.problems, kind=KIND, mapping=mapping, sheet="人", marking=MARKING
    )
    return path, count


def test_only_refused_rows_are_written_under_the_original_labels_with_the_reason(tmp_path, workbook):
    rows = [["1", "张三", "990001199001010013", "户主", 800, "某小学"], ["1", "李四", "", "邻居", -5, "=1+1"]]
    path, count = correction(tmp_path, workbook, rows)
    sheet = read_sheet(path)
    assert count == 1
    assert sheet.columns == (*HEADER, PROBLEM_COLUMN)
    row = sheet.table.to_pylist()[0]
    assert [row[label] for label in HEADER] == ["1", "李四", None, "邻居", "-5", "=1+1"]
    assert "原第 3 行" in row[PROBLEM_COLUMN]
    assert "「与户主关系」填了“邻居”" in row[PROBLEM_COLUMN]
    assert "「证件号码」没有填：请填写" in row[PROBLEM_COLUMN]


def test_a_corrected_workbook_is_recognised_and_its_explanations_are_ignored(tmp_path, workbook):
    path, _ = correction(tmp_path, workbook, [["1", "李四", "990001199001010013", "邻居", 800, ""]])
    _, mapping, checked = taken(path)
    assert PROBLEM_COLUMN not in mapping
    assert set(mapping) == set(HEADER)
    assert {problem.column for problem in checked.problems} >= {"与户主关系"}


def test_a_number_that_lost_digits_is_refused_again_when_it_comes_back_uncorrected(tmp_path, workbook):
    path, _ = correction(tmp_path, workbook, [["1", "李四", 990001199001010016, "户主", 800, ""]])
    *_, checked = taken(path)
    assert checked.counts["refused"] == 1
    assert "末位已被 Excel 改成 0" in checked.problems[0].message


def test_a_formula_error_is_refused_again_when_it_comes_back_uncorrected(tmp_path):
    sheet = Sheet("人", tuple(HEADER), 1, (1,), errors_in("就读学校"))
    mapping = propose(sheet.columns, KIND).fields
    checked = check(sheet.table, KIND, mapping, as_of=AS_OF)
    path = tmp_path / "待改正.xlsx"
    write_correction(
        path, sheet.table, sheet.columns, checked.problems, kind=KIND, mapping=mapping, sheet="人", marking=MARKING
    )
    *_, again = taken(path)
    assert [problem.message for problem in again.problems] == ["「就读学校」的公式出错，显示为 #REF!"]


def test_nothing_in_the_workbook_is_a_formula(tmp_path, workbook):
    cells = ["=1+1", "+1", "-1x", "@SUM(A1)", "\t=1", "＝1+1"]
    path, count = correction(tmp_path, workbook, [["1", cell, "", "邻居", cell, cell] for cell in cells])
    assert count == len(cells)
    with zipfile.ZipFile(path) as package:
        page = package.read("xl/worksheets/sheet1.xml").decode()
        styles = package.read("xl/styles.xml").decode()
    assert "<f>" not in page
    assert "quotePrefix" in styles
    assert [row["就读学校"] for row in read_sheet(path).table.to_pylist()] == cells
