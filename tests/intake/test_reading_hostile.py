"""Files made to harm, or harmed themselves, cost one message in Chinese and nothing else."""

from __future__ import annotations

import contextlib
import os
import zipfile

import pytest

from huqing.intake.reading import Limits, ReadError, read_sheet, read_tables
from huqing.intake.reading.helper import close_helpers

BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="人" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>'
)
ROOT = RELS.replace("relationships/worksheet", "relationships/officeDocument").replace(
    "worksheets/sheet1", "xl/workbook"
)
OPEN = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'


@pytest.fixture(autouse=True)
def _fresh_helpers():
    """Each test bounds the memory in its own way and must leave no helper behind."""
    yield
    close_helpers()


def package(path, sheet, **parts):
    """An xlsx with the XML `sheet` and, by name, further parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("_rels/.rels", ROOT)
        book.writestr("xl/workbook.xml", BOOK)
        book.writestr("xl/_rels/workbook.xml.rels", RELS)
        book.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in parts.items():
            book.writestr(name.replace("__", "/") + ".xml", content)
    return path


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = package(tmp_path / "炸弹.xlsx", OPEN + "<sheetData/></worksheet>", xl__media="0" * 60_000_000)
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ReadError, match=r"^炸弹\.xlsx：文件展开后超出上限"):
        read_tables(path, limits=Limits(unpacked_bytes=50_000_000))


def test_more_cells_than_memory_end_the_helper_and_not_the_caller(tmp_path):
    cell = '<c t="inlineStr"><is><t>' + "长" * 200 + "</t></is></c>"
    row = "<row>" + cell * 100 + "</row>"
    path = package(tmp_path / "大.xlsx", OPEN + "<sheetData>" + row * 3000 + "</sheetData></worksheet>")
    with pytest.raises(ReadError, match=r"^大\.xlsx，工作表「人」：.*内存上限.*请删去数据区以外的空行空列"):
        read_sheet(path, "人", limits=Limits(memory_mb=100))


def test_after_a_helper_died_the_next_file_is_read_as_usual(tmp_path, workbook):
    test_more_cells_than_memory_end_the_helper_and_not_the_caller(tmp_path)
    good = workbook(
        tmp_path / "好.xlsx", {"人": [["户编号", "姓名", "证件号码", "与户主关系"], ["1", "张三", "", "户主"]]}
    )
    assert read_sheet(good).table.num_rows == 1


def test_a_file_that_takes_too_long_is_stopped(tmp_path):
    path = tmp_path / "慢.csv"
    path.write_text("户编号,姓名\n" + "1,张三\n" * 400_000, encoding="utf-8")
    with pytest.raises(ReadError, match=r"^慢\.csv：读取超过 0 秒仍未完成，已停止。"):
        read_sheet(path, limits=Limits(seconds=0))


def test_cells_at_the_far_corner_of_the_sheet_are_refused_and_not_allocated(tmp_path):
    corner = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    path = package(tmp_path / "角.xlsx", OPEN + f"<sheetData>{corner}</sheetData></worksheet>")
    with pytest.raises(ReadError, match=r"^角\.xlsx，工作表「人」：.*区域太大.*请删去数据区以外的空行空列"):
        read_sheet(path, "人")


def test_a_dimension_that_lies_is_not_believed(tmp_path):
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>{i}</v></c><c r="B{i}"><v>2</v></c></row>' for i in (1, 2))
    sheet = OPEN + f'<dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData></worksheet>'
    assert read_tables(package(tmp_path / "a.xlsx", sheet))[0].rows == 2


def test_deep_nesting_and_entities_are_harmless(tmp_path):
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(9)
    )
    deep = OPEN + "<a>" * 300_000 + "</a>" * 300_000 + "<sheetData/></worksheet>"
    bombs = [
        package(tmp_path / "deep.xlsx", deep),
        package(
            tmp_path / "entity.xlsx",
            f'{entities}]>{OPEN}<sheetData><row r="1"><c r="A1"><v>&j;</v></c></row></sheetData></worksheet>',
        ),
    ]
    for path in bombs:
        with contextlib.suppress(ReadError):
            assert not any(preview.chosen for preview in read_tables(path))


def test_a_workbook_cut_off_in_the_middle_is_refused(tmp_path, workbook):
    whole = workbook(
        tmp_path / "全.xlsx", {"人": [["姓名", "户编号"]] + [[f"张{i}", str(i)] for i in range(500)]}
    ).read_bytes()
    for share in (0.3, 0.6, 0.9):
        path = tmp_path / f"断{share}.xlsx"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ReadError, match="损坏"):
            read_tables(path)


def test_a_file_over_the_size_limit_is_not_opened(tmp_path):
    path = tmp_path / "大.csv"
    with open(path, "wb") as file:
        file.truncate(3 * 2**20)
    with pytest.raises(ReadError, match=r"大\.csv：文件有 3 MB，超出 2 MB 的上限。请分成几个文件"):
        read_tables(path, limits=Limits(file_bytes=2 * 2**20))


def test_more_rows_than_allowed_name_the_row(tmp_path):
    path = tmp_path / "长.csv"
    path.write_text("户编号,姓名\n" + "1,张三\n" * 50, encoding="utf-8")
    with pytest.raises(ReadError, match=r"长\.csv，第 41 行：超出 40 行的上限"):
        read_sheet(path, limits=Limits(rows=40))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system has no files in memory")
def test_cells_of_a_sheet_never_touch_the_disk(tmp_path, workbook, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    path = workbook(
        tmp_path / "a.xlsx",
        {"人": [["户编号", "姓名", "证件号码", "与户主关系"], ["1", "张三", "990001199001010013", "户主"]]},
    )
    read_sheet(path)
    assert list((tmp_path / "tmp").iterdir()) == []
