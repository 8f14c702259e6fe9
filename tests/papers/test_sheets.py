"""Exports: safe to open, nothing lost on the way out and back, and marked with who made them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huqing.papers import (
    REMEDY_TITLE,
    Column,
    Marking,
    Row,
    Sheet,
    csv_lines,
    neutral,
    restore,
    sheets,
    write_csv,
    write_workbook,
)

MARKING = Marking("王芳（县级经办）", datetime(2026, 3, 31, 10, 5, tzinfo=UTC), "监测对象名单")
COLUMNS = [
    Column("姓名"),
    Column("身份证号"),
    Column("收入", "money"),
    Column("日期", "date"),
    Column("人数", "integer"),
]
DANGEROUS = ["=1+1", "+SUM(A1)", "-2+3", "@SUM(1)", "\t=1", "\r=1", "=cmd|' /C calc'!A0", "＝1+1", "- 未填", "-"]
HARMLESS = ["-5", "+5", "-1,234.50", "-0.5%", "张三", "1+1", "a=b", "'引号", "", "—"]


def workbook(*tables: Sheet, marking: Marking | None = None) -> Any:
    target = io.BytesIO()
    write_workbook(target, tables, marking=marking)
    target.seek(0)
    return openpyxl.load_workbook(target)


def values(page: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in page.iter_rows()]


def test_values_come_back_with_their_types() -> None:
    row = ["张三", "110105194912310021", 123456, date(2024, 3, 5), 4]
    page = workbook(Sheet("户", COLUMNS, [row]))["户"]
    assert values(page)[0] == ["姓名", "身份证号", "收入", "日期", "人数"]
    assert values(page)[1] == ["张三", "110105194912310021", 1234.56, datetime(2024, 3, 5), 4]  # noqa: DTZ001
    assert page.freeze_panes == "A2"
    assert page["C2"].number_format == "#,##0.00"


def test_chinese_has_a_font_and_a_wide_table_a_larger_paper() -> None:
    many = [Column(f"{day}日", width=10) for day in range(1, 32)]
    book = workbook(Sheet("户", COLUMNS, [["张三", "", 0, None, 1]]), Sheet("日历", many, [["在村"] * 31]))
    assert book["户"]["A1"].font.name == book["户"]["A2"].font.name == "宋体"
    a4, a3 = "9", "8"
    assert (str(book["户"].page_setup.paperSize), str(book["日历"].page_setup.paperSize)) == (a4, a3)


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_could_run_is_text_in_both_formats(text: str) -> None:
    page = workbook(Sheet("表", [Column("备注")], [[text]]))["表"]
    cell = page["A2"]
    assert cell.data_type in ("s", "inlineStr")
    assert cell.quotePrefix
    assert cell.value.strip() == text.strip()
    (_, line) = csv_lines(Sheet("表", [Column("备注")], [[text]]))
    assert next(csv.reader(io.StringIO(line, newline="")))[0] == f"'{text}".replace("\r", "\n")


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert neutral(text) == text


def test_negative_numbers_stay_numbers() -> None:
    row = [-500, -5, Decimal("-2.50"), -0.5]
    columns = [Column("a", "money"), Column("b", "integer"), Column("c", "decimal"), Column("d", "decimal")]
    assert values(workbook(Sheet("表", columns, [row]))["表"])[1] == [-5, -5, -2.5, -0.5]
    assert list(csv_lines(Sheet("表", columns, [row])))[1] == "-5.00,-5,-2.5,-0.5\r\n"


@given(st.text(max_size=30))
def test_neutralising_can_be_undone(text: str) -> None:
    assert restore(neutral(text)) == text


def test_long_numbers_and_rare_characters_survive() -> None:
    row = ["𠮷野𡐓", 621700001111222233, "0012", True, None]
    page = workbook(Sheet("表", [Column(str(i)) for i in range(5)], [row]))["表"]
    assert values(page)[1] == ["𠮷野𡐓", "621700001111222233", "0012", "是", None]


def test_what_no_cell_can_hold_is_left_out_or_said_to_be_cut() -> None:
    row = ["a\x00b\x1f\ud800c", "长" * 40_000, float("nan"), float("inf"), date(1890, 1, 1)]
    page = workbook(Sheet("表", [Column(str(i)) for i in range(5)], [row]))["表"]
    first, long, nothing, endless, old = values(page)[1]
    assert first == "abc"
    assert len(long) <= 32_767
    assert long.endswith("…（内容过长，已截断）")
    assert (nothing, endless, old) == ("nan", "inf", "1890-01-01")


def test_wrong_cells_are_coloured_and_say_what_to_write() -> None:
    faulty = Row(["张三", "12", None], {1: "请填写 18 位居民身份证号码", 2: "「性别」请写 男 或 女"})
    columns = [Column("姓名"), Column("身份证号"), Column("性别")]
    page = workbook(Sheet("待改正", columns, [faulty, ["李四", "", "男"]], remedies=True))["待改正"]
    assert page["D1"].value == REMEDY_TITLE
    assert page["D2"].value == "身份证号：请填写 18 位居民身份证号码；「性别」请写 男 或 女"
    assert page["D3"].value is None
    assert page["B2"].fill.fgColor.rgb.endswith("F8CBAD")
    assert page["C2"].fill.fgColor.rgb.endswith("F8CBAD")
    assert page["A2"].fill.fgColor.rgb == "00000000"
    # What the clerk types over it stays text: 18 digits do not become a rounded number.
    assert page["B2"].number_format == "@"
    assert page.column_dimensions["B"].width >= 8
    lines = list(csv_lines(Sheet("待改正", columns, [faulty], remedies=True)))
    assert "请填写 18 位居民身份证号码" in lines[1]


def test_an_export_says_who_made_it_and_when() -> None:
    book = workbook(Sheet("户", COLUMNS, [["张三", "", 0, None, 1]]), marking=MARKING)
    assert "王芳（县级经办）" in book["户"].oddFooter.left.text
    explained = {row[0]: row[1] for row in values(book["导出说明"])}
    assert explained["导出人"] == "王芳（县级经办）"
    assert explained["导出时间"] == "2026-03-31 10:05"
    assert explained["行数"] == "1"
    assert book.properties.creator == "王芳（县级经办）"
    last = list(csv_lines(Sheet("户", COLUMNS, []), marking=MARKING))[-1]
    assert "王芳（县级经办）" in last
    assert "2026-03-31 10:05" in last


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 10)
    book = workbook(Sheet("户", [Column("号", "integer")], ([number] for number in range(25))))
    assert book.sheetnames == ["户", "户(2)", "户(3)"]
    assert [row[0] for name in book.sheetnames for row in values(book[name])[1:]] == list(range(25))


def test_rows_are_read_as_they_are_written() -> None:
    drawn: list[int] = []
    seen: list[int] = []

    def rows() -> Iterator[list[int]]:
        for number in range(5000):
            drawn.append(number)
            yield [number]

    def progress(written: int) -> None:
        seen.append(written)
        assert len(drawn) <= written + 1

    assert write_workbook(io.BytesIO(), [Sheet("户", [Column("号")], rows())], progress=progress) == 5000
    assert seen == [1000, 2000, 3000, 4000, 5000]


@pytest.mark.parametrize(
    ("names", "given_names"),
    [
        (["户", "户"], ["户", "户(2)"]),
        (["a/b:c*[d]", ""], ["abcd", "表"]),
        (["很" * 40], ["很" * 31]),
        (["History"], ["History(2)"]),
        (["'引用'"], ["引用"]),
    ],
)
def test_sheet_names_are_made_acceptable(names: list[str], given_names: list[str]) -> None:
    assert workbook(*(Sheet(name, [Column("a")], []) for name in names)).sheetnames == given_names


def test_csv_opens_in_excel_and_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "户.csv"
    write_csv(path, Sheet("户", [Column("姓名"), Column("备注")], [["𠮷田", "一\n二"], ["李四", '说"好"']]))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert path.read_bytes().count(b"\xef\xbb\xbf") == 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["姓名", "备注"], ["𠮷田", "一\n二"], ["李四", '说"好"']]


def test_no_formula_and_no_link_is_in_the_file() -> None:
    target = io.BytesIO()
    rows = [[text] for text in (*DANGEROUS, "http://example.com", "{=A1}")]
    write_workbook(target, [Sheet("表", [Column("备注")], rows)], marking=MARKING)
    with ZipFile(target) as archive:
        assert all("<f>" not in archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml"))
        assert not [name for name in archive.namelist() if "hyperlink" in name.lower() or "worksheets/_rels" in name]
