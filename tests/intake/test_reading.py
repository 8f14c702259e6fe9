"""What a clerk's file says survives the reading, wherever in the sheet it stands."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import pytest

from huqing.intake.reading import CELL_ERROR, LONG_NUMBER, ROW, Limits, ReadError, plain, read_sheet, read_tables

HEADER = ["户编号", "姓名", "证件号码", "与户主关系"]
ID = "990001199001010013"


def rows_of(sheet):
    return [[row[name] for name in sheet.columns] for row in sheet.table.to_pylist()]


def test_a_roster_is_recognised_with_its_header_below_a_title(tmp_path, workbook):
    path = workbook(
        tmp_path / "a.xlsx",
        {"Sheet1": [["某县家庭成员信息表"], ["单位：人"], HEADER, ["1", "张三", ID, "户主"]]},
        merges=["A1:D1"],
    )
    preview = read_tables(path)[0]
    assert (preview.kind, preview.header_row, preview.chosen) == ("person", 3, True)
    assert preview.columns == tuple(HEADER)
    assert preview.samples == (("1", "张三", ID, "户主"),)
    assert preview.sample_rows == (4,)


def test_row_numbers_are_those_of_excel_though_blank_rows_lie_between(tmp_path, workbook):
    path = workbook(
        tmp_path / "a.xlsx", {"人": [[], HEADER, ["1", "张三", ID, "户主"], [], ["", " "], ["1", "李四", "", "配偶"]]}
    )
    assert read_sheet(path).table.column(ROW).to_pylist() == [3, 6]


def test_merged_household_cells_are_filled_down_over_the_members(tmp_path, workbook):
    path = workbook(
        tmp_path / "a.xlsx",
        {
            "人": [
                HEADER,
                ["001", "张三", "", "户主"],
                ["", "李四", "", "配偶"],
                ["", "张五", "", "之子"],
                ["002", "王六", "", "户主"],
            ]
        },
        merges=["A2:A4"],
    )
    assert [row[0] for row in rows_of(read_sheet(path))] == ["001", "001", "001", "002"]


def opendocument(path: Path, rows: str) -> Path:
    """An ods workbook with one sheet whose rows are given as XML."""
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", "<manifest/>")
        package.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="人">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def cells(*texts: str, first: str = "", covered: bool = False) -> str:
    """A row of text cells; ``first`` are attributes of the first cell, which may be ``covered`` by the one above."""
    made = [
        f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>' for text in texts
    ]
    made[0] = made[0].replace("<table:table-cell", f"<table:table-cell {first}", 1)
    if covered:
        made[0] = "<table:covered-table-cell/>"
    return f"<table:table-row>{''.join(made)}</table:table-row>"


def test_merged_cells_of_an_ods_are_filled_down_as_those_of_an_xlsx(tmp_path):
    empty = '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>'
    rows = [
        empty,
        cells(*HEADER),
        cells("001", "张三", ID, "户主", first='table:number-rows-spanned="3"'),
        cells("", "李四", "无", "配偶", covered=True),
        cells("", "张五", "无", "之子", covered=True),
        cells("002", "王六", "无", "户主"),
        cells("", "王七", "无", "之子"),
    ]
    sheet = read_sheet(opendocument(tmp_path / "a.ods", "".join(rows)))
    assert [row[:2] for row in rows_of(sheet)] == [
        ["001", "张三"], ["001", "李四"], ["001", "张五"], ["002", "王六"], [None, "王七"],
    ]  # fmt: skip


def test_a_group_heading_over_two_columns_joins_their_labels_only_where_needed(tmp_path, workbook):
    rows = [
        ["户编号", "户主姓名", "识别时", "", "消除时", ""],
        ["", "", "住房出现安全问题", "饮水出现安全问题", "住房出现安全问题", "饮水出现安全问题"],
        ["1", "张三", "是", "否", "否", "否"],
    ]
    path = workbook(tmp_path / "户信息表.xlsx", {"户": rows}, merges=["A1:A2", "B1:B2", "C1:D1", "E1:F1"])
    sheet = read_sheet(path)
    assert sheet.header_rows == (1, 2)
    assert sheet.columns[:3] == ("户编号", "户主姓名", "识别时·住房出现安全问题")
    assert sheet.table.num_rows == 1


def test_totals_signatures_and_repeated_headers_are_left_out_and_named(tmp_path, workbook):
    people = [["1", f"张{number}", ID, "户主"] for number in "一二三四五"]
    rows = [HEADER, *people, HEADER, ["2", "李四", "", "户主"], ["合计", "6"], ["填表人：王某", "", "审核人：李某"]]
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", {"人": rows}))
    assert sheet.table.num_rows == 6
    assert sheet.dropped == ((7, "重复的表头"), (9, "合计行"), (10, "表尾说明"))


def test_a_long_number_kept_as_number_is_marked_and_the_same_digits_as_text_are_not(tmp_path, workbook):
    rows = [HEADER, ["1", "张三", 990001199001010016, "户主"], ["1", "李四", "990001199001010016", "配偶"]]
    cells = [row[2] for row in rows_of(read_sheet(workbook(tmp_path / "a.xlsx", {"人": rows})))]
    assert cells == [LONG_NUMBER + "990001199001010000", "990001199001010016"]
    assert plain(cells[0]) == "990001199001010000"


def test_minus_five_stays_a_number_and_looks_the_same_as_text(tmp_path, workbook):
    rows = [
        [*HEADER, "务工月收入"],
        ["1", "张三", "", "户主", -5],
        ["1", "李四", "", "配偶", "-5"],
        ["1", "王五", "", "之子", 0.1 + 0.2],
    ]
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", {"人": rows}))
    assert [row[4] for row in rows_of(sheet)] == ["-5", "-5", "0.3"]


def test_dates_come_as_iso_text_and_written_dates_as_written(tmp_path, workbook):
    rows = [[*HEADER, "出生日期"], ["1", "张三", "", "户主", date(1990, 1, 2)], ["1", "李四", "", "配偶", "1990.1.2"]]
    assert [row[4] for row in rows_of(read_sheet(workbook(tmp_path / "a.xlsx", {"人": rows})))] == [
        "1990-01-02",
        "1990.1.2",
    ]


def test_explanations_dictionaries_hidden_and_empty_sheets_are_not_chosen(tmp_path, workbook):
    path = workbook(tmp_path / "a.xlsx", {"填表说明": [HEADER], "人": [HEADER, ["1", "张三", "", "户主"]], "空": []})
    chosen = {preview.sheet: preview.reason for preview in read_tables(path)}
    assert chosen == {"填表说明": "看名称是说明或字典，不是数据", "人": "", "空": "空工作表"}
    assert read_sheet(path).sheet == "人"


@pytest.mark.parametrize(
    ("name", "header", "kind"),
    [
        ("某县城乡居民参保名单.csv", "姓名,身份证号,乡镇,行政村,参保年度,险种", "insured"),
        ("x.csv", "姓名,身份证号,救助类别,救助开始日期,月保障金（元/月）", "civil_affairs"),
        ("x.csv", "户编号,户主姓名,联系电话,家庭人口数", "household"),
        ("x.csv", "户编号,姓名,证件号码,与户主关系", "person"),
        ("x.csv", "结算单号,姓名,就诊类别,结算日期,总费用,个人自付", "medical_bill"),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_columns_and_name(tmp_path, name, header, kind):
    path = tmp_path / name
    path.write_text(f"{header}\n1,2,3,4,5,6\n", encoding="utf-8")
    assert read_tables(path)[0].kind == kind


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("gbk", "GBK"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_a_text_file_is_read_in_every_usual_encoding_and_form(tmp_path, encoding, shown, newline, delimiter):
    lines = [HEADER, ["1", f"张{delimiter}三", "", "户主"], ["2", '李"四', "", "配偶"]]
    quoted = [
        [f'"{cell.replace(chr(34), chr(34) * 2)}"' if {delimiter, '"'} & set(cell) else cell for cell in row]
        for row in lines
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(newline.join(delimiter.join(row) for row in quoted).encode(encoding))
    sheet = read_sheet(path)
    assert (sheet.encoding, sheet.delimiter) == (shown, delimiter)
    assert rows_of(sheet) == [["1", f"张{delimiter}三", None, "户主"], ["2", '李"四', None, "配偶"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gbk", "gb18030"])
def test_the_encoding_the_preview_found_may_be_given_back(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("户编号,姓名,证件号码,与户主关系\n1,张三,,户主\n".encode(encoding))
    sheet = read_sheet(path, encoding=read_tables(path)[0].encoding)
    assert sheet.columns == tuple(HEADER)


def test_a_wrongly_chosen_encoding_is_refused_with_the_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\n1,张三\n".encode("gbk"))
    with pytest.raises(ReadError, match="第 2 行：不是 UTF-8 编码的文字。请改选别的编码"):
        read_sheet(path, encoding="UTF-8")


def test_characters_only_gb18030_has_survive(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("户编号,姓名,证件号码,与户主关系\n1,王𬍛㛃,,户主\n".encode("gb18030"))
    sheet = read_sheet(path)
    assert sheet.encoding == "GB18030"
    assert rows_of(sheet)[0][1] == "王𬍛㛃"


def test_the_clerk_may_name_the_header_row(tmp_path, workbook):
    path = workbook(tmp_path / "a.xlsx", {"人": [["甲", "乙"], ["丙", "丁"], ["1", "2"]]})
    sheet = read_sheet(path, "人", 2)
    assert (sheet.columns, sheet.table.num_rows) == (("丙", "丁"), 1)
    with pytest.raises(ReadError, match=r"第 9 行.*没有列名"):
        read_sheet(path, "人", 9)


def test_columns_without_a_label_are_left_out_with_a_note_and_doubled_labels_are_numbered(tmp_path, workbook):
    rows = [["户编号", "姓名", "", "姓名", "证件号码", "与户主关系"], ["1", "张三", "旁注", "张三三", "", "户主"]]
    sheet = read_sheet(workbook(tmp_path / "a.xlsx", {"人": rows}))
    assert sheet.columns == ("户编号", "姓名", "姓名(2)", "证件号码", "与户主关系")
    assert sheet.notes[0] == "C 列没有列名，未取用；如需导入，请在表头写上列名。"


def test_a_quote_that_never_closes_is_refused_with_its_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('户编号,姓名,证件号码,与户主关系\n1,张三,,户主\n2,"李四,,配偶\n3,王五,,户主\n', encoding="utf-8")
    with pytest.raises(ReadError, match=r"a\.csv，第 3 行：.*引号"):
        read_sheet(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"<html><table><tr><td>1</td></tr></table>", "网页格式"),
        ("a.pdf", b"%PDF-1.7 x", "不认识后缀为 .pdf"),
        ("a.xlsx", b"%PDF-1.7 x", "是 PDF 文件"),
        ("a.zip", b"PK\x03\x04", "压缩文件"),
        ("a.xlsx", b"PK\x03\x04" + b"x" * 99, "损坏"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + b"x" * 2000, "损坏"),
        ("a.csv", b"", "文件是空的"),
        ("a.csv", b"a,b\n\xff\xff\x00\x81,1\n", "第 2 行：有无法识别的文字编码"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReadError, match=said) as refused:
        read_tables(path)
    assert str(refused.value).startswith(name)
    assert refused.value.remedy


def test_a_text_file_that_calls_itself_xls_is_read_all_the_same(tmp_path):
    path = tmp_path / "导出.xls"
    path.write_bytes("户编号\t姓名\t证件号码\t与户主关系\n1\t张三\t\t户主\n".encode("gbk"))
    assert rows_of(read_sheet(path)) == [["1", "张三", None, "户主"]]


def test_too_many_columns_name_the_sheet_and_the_way_out(tmp_path, workbook):
    path = workbook(tmp_path / "a.xlsx", {"宽表": [["x"] * 12]})
    with pytest.raises(ReadError, match=r"a\.xlsx，工作表「宽表」：有 12 列，超出 10 列的上限。请删去"):
        read_sheet(path, "宽表", limits=Limits(columns=10))


def test_a_formula_error_is_marked_in_its_cell():
    path = Path(__file__).parent.parent / "fixtures/nasty/calamine/errors.xlsx"
    cells = [cell for sheet in [read_sheet(path, "Feuil1", 1)] for row in rows_of(sheet) for cell in row]
    assert cells == [CELL_ERROR + text for text in ("#NAME?", "#VALUE!", "#NULL!", "#REF!", "#NUM!", "#N/A")]
