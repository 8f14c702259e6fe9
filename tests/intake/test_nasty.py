"""Every file of the collection of nasty tables: no crash, no hang, and other readers' word for what is in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import pytest

from huqing.intake.reading import CELL_ERROR, ReadError, plain, read_sheet, read_tables

T = TypeVar("T")
OWN = Path(__file__).parent.parent / "fixtures" / "nasty"
BESIDE = Path(__file__).parents[3] / "shared" / "data" / "nasty"
EVERYTHING = Path(os.environ.get("HUQING_NASTY") or BESIDE)
FOLDERS = [OWN, EVERYTHING] if EVERYTHING.is_dir() else [OWN]

# Where the answer differs from the other reader on purpose.
LARGER_FOR_OPENPYXL = {
    "calamine/issue_174.xlsx": "counts formatted cells without content",
    "calamine/merge_cells.xlsx": "counts covered cells of a merged range",
    "frictionless/merged-cells.xlsx": "counts covered cells of a merged range",
    "frictionless/table.xlsx": "counts formatted cells without content",
}
REFUSED_HERE = {
    "calamine/ptgexp-truncated-operand.xls": "the native reader gives up on its broken formula",
    "frictionless/wide.csv": "9,074 columns are no register",
    "agate/empty.csv": "nothing in it",
    "csvkit/empty.csv": "nothing in it",
    "frictionless/empty.csv": "nothing in it",
}


def files() -> list:
    found = {}
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name not in (
                "README.md",
                "LICENSE",
                "readers_oracle.json",
                "calamine_expected.json",
            ):
                found[str(path.relative_to(folder))] = path
    return [pytest.param(name, path, id=name) for name, path in found.items()]


@cache
def oracle() -> dict[str, dict]:
    return {
        row["file"]: row
        for folder in FOLDERS
        for row in json.loads((folder / "readers_oracle.json").read_text("utf-8"))
    }


def attempt(read: Callable[[], T]) -> tuple[T | None, ReadError | None]:
    """What `read` gives, or its refusal; anything else it raises fails the test."""
    try:
        return read(), None
    except ReadError as refused:
        return None, refused


@pytest.mark.parametrize(("name", "path"), files())
def test_a_nasty_file_is_read_or_refused_with_place_and_remedy(name, path):
    previews, refused = attempt(lambda: read_tables(path))
    known = oracle().get(name, {})
    if refused:
        assert refused.place.startswith(path.name)
        assert refused.remedy.startswith("请")
        readable = "openpyxl" in known or "xlrd" in known or known.get("decodes_as") == "utf-8-sig"
        assert not readable or name in REFUSED_HERE
        return
    for preview in previews:
        sheet, refused = attempt(partial(read_sheet, path, preview.sheet))
        if refused:
            assert preview.sheet in refused.place
            assert refused.remedy
        else:
            assert sheet.columns == preview.columns
    for sheet, (rows, _) in (known.get("openpyxl") or known.get("xlrd") or {}).items():
        found = next(preview for preview in previews if preview.sheet == sheet)
        # openpyxl says 1 × 1 of an empty sheet.
        assert found.rows == rows or (rows == 1 and found.rows == 0) or name in LARGER_FOR_OPENPYXL
    expected = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "gb18030": ("GB18030", "GBK")}.get(
        known.get("decodes_as", "")
    )
    if expected:
        assert previews[0].encoding in expected


# The JSON beside location_coordinates.csv gives another phone number than the CSV itself.
SPECTRUM = [
    path for path in sorted((OWN / "csv_spectrum" / "csvs").glob("*.csv")) if path.stem != "location_coordinates"
]


@pytest.mark.parametrize("path", SPECTRUM, ids=lambda path: path.stem)
def test_the_csv_spectrum_is_read_as_its_authors_say(path):
    expected = json.loads((OWN / "csv_spectrum" / "json" / f"{path.stem}.json").read_text("utf-8"))
    sheet = read_sheet(path)
    rows = [{name: row[name] or "" for name in sheet.columns} for row in sheet.table.to_pylist()]
    assert rows == expected


@pytest.mark.parametrize("name", ["date.xls", "date.xlsx", "date_1904.xlsx"])
def test_a_date_is_the_same_day_in_every_format_and_epoch(name):
    assert read_tables(OWN / "calamine" / name)[0].top[0][1][0] == "2021-01-01"


def test_error_cells_are_neither_text_nor_zero():
    sheet = read_sheet(OWN / "calamine" / "errors.xlsx", "Feuil1", 1)
    marked = [cell for row in sheet.table.to_pylist() for cell in (row[sheet.columns[0]],)]
    assert all(cell.startswith(CELL_ERROR) for cell in marked)


@pytest.mark.parametrize("name", ["pass_protected.xlsx", "pass_protected.ods", "issue_385.xls"])
def test_a_password_is_named_as_the_reason(name):
    with pytest.raises(ReadError, match=f"^{name}：文件加了密码。请打开文件，去掉密码后另存"):
        read_tables(OWN / "calamine" / name)


def test_naughty_strings_survive_a_workbook_and_a_text_file(tmp_path, workbook):
    strings = [
        text
        for text in json.loads((OWN / "blns" / "blns.json").read_text("utf-8"))
        if text.strip() and "\x00" not in text
    ]
    rows = [
        ["户编号", "姓名", "证件号码", "与户主关系"],
        *([str(i), text, "", "户主"] for i, text in enumerate(strings)),
    ]
    book = workbook(tmp_path / "a.xlsx", {"人": rows})
    quoted = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)
    (tmp_path / "a.csv").write_bytes(quoted.encode("utf-8"))
    for path in (book, tmp_path / "a.csv"):
        sheet = read_sheet(path)
        assert sheet.table.column("姓名").to_pylist() == strings, path.name


def test_cells_that_look_like_formulas_stay_text(tmp_path):
    given = json.loads((OWN / "csv_injection" / "payloads.json").read_text("utf-8"))
    cells = given["payloads"] + [f"{sign}1" for sign in "=+-@＝＋－＠"] + given["must_stay_numeric"]
    lines = ["户编号,姓名,证件号码,与户主关系"] + [
        f'{i},"{cell.replace(chr(34), chr(34) * 2)}",,户主' for i, cell in enumerate(cells)
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert list(map(plain, read_sheet(path).table.column("姓名").to_pylist())) == cells


@pytest.mark.parametrize(
    ("name", "encoding", "first", "rows"),
    [
        ("villages_gb18030_rare.csv", "GB18030", None, 48),
        ("villages_gbk_crlf.csv", "GBK", "451028100001", 173),
        ("villages_utf16le_tab.csv", "UTF-16", None, 173),
        ("villages_utf8_bom.csv", "UTF-8", None, 173),
    ],
)
def test_chinese_village_names_are_the_same_in_every_encoding(name, encoding, first, rows):
    sheet = read_sheet(OWN / "cn_encodings" / name)
    assert (sheet.encoding, sheet.table.num_rows) == (encoding, rows)
    assert first is None or sheet.table.column("行政区划代码")[0].as_py() == first
    assert not any("\ufffd" in (row["村"] or "") for row in sheet.table.to_pylist())
