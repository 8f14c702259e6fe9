"""The demo county as a user gets it: files that open, numbers that belong to nobody, the same county every time."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from huqing import demo
from huqing.demo import truth
from huqing.demo.cells import Style, renderer
from huqing.demo.places import settle
from huqing.standards import idnumbers
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds

from .conftest import AS_OF, County


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def sheet_rows(path: Path) -> list[list[object]]:
    if path.suffix == ".csv":
        data = path.read_bytes()
        text = data.decode("utf-8-sig") if data.startswith(b"\xef\xbb\xbf") else data.decode("gb18030")
        return [list(row) for row in csv.reader(text.splitlines())]
    book = CalamineWorkbook.from_path(str(path))
    return book.get_sheet_by_name(book.sheet_names[-1]).to_python(skip_empty_area=False)


def test_the_same_size_seed_and_date_give_the_same_bytes_on_any_number_of_processes(
    county: County, tmp_path: Path
) -> None:
    demo.write(tmp_path / "again", households=500, as_of=AS_OF, processes=3)
    assert digest(tmp_path / "again") == digest(county.folder)


def test_another_seed_gives_other_people(county: County, tmp_path: Path) -> None:
    demo.write(tmp_path / "other", households=500, seed=7, as_of=AS_OF)
    people = {(row["name"], row["id_number"]) for row in truth.read(county.folder, "people")}
    others = {(row["name"], row["id_number"]) for row in truth.read(tmp_path / "other", "people")}
    assert not people & others


def test_every_household_asked_for_is_made(county: County) -> None:
    households = {row["household_number"] for row in truth.read(county.folder, "people")}
    assert len(households) == 500
    assert county.summary.people == len(truth.read(county.folder, "people"))
    assert sum(sum(counts.values()) for counts in settle(309_800, 1).values()) == 309_800


def test_id_numbers_are_well_formed_and_of_an_area_that_does_not_exist(county: County) -> None:
    planted_wrong = {
        (row["household_number"], row["member"])
        for row in truth.read(county.folder, "planted")
        if row["finding"] == "id01"
    }
    provinces = set(codelist("province").codes)
    for row in truth.read(county.folder, "people"):
        parsed = idnumbers.parse(row["id_number"], as_of=AS_OF)
        wrong = (row["household_number"], row["member"]) in planted_wrong
        assert parsed.state == ("bad_check" if wrong else "valid")
        assert row["id_number"][:2] == "99"
        assert "99" not in provinces


def test_id_numbers_are_unique_except_for_people_listed_in_two_households(county: County) -> None:
    people = truth.read(county.folder, "people")
    counted = Counter(row["id_number"] for row in people)
    twice = {number for number, count in counted.items() if count > 1}
    found = {
        (row["household_number"], row["member"])
        for row in truth.read(county.folder, "expected")
        if row["finding"] == "id03"
    }
    assert {(row["household_number"], row["member"]) for row in people if row["id_number"] in twice} == found
    assert found


def test_phones_can_be_told_from_real_ones_and_pass_for_phones(county: County) -> None:
    kind = record_kinds()["household"]
    place = [field.key for field in kind.fields].index("phone")
    for info in county.summary.files:
        if info.kind == "household" and info.name.endswith(".csv"):
            phones = [row[place] for row in sheet_rows(county.files / info.name)[1:] if row[place]]
            assert phones
            assert all(idnumbers.phone_state(str(phone)) == "mobile" for phone in phones)
            assert all(str(phone).startswith("16") for phone in phones)


@pytest.mark.parametrize("kind", sorted(record_kinds()))
def test_every_kind_of_record_has_files_whose_headers_are_the_declared_fields(county: County, kind: str) -> None:
    declared = record_kinds()[kind]
    names = {name for field in declared.fields for name in (field.label, *field.aliases)}
    infos = [info for info in county.summary.files if info.kind == kind]
    assert infos
    for info in infos:
        rows = sheet_rows(county.files / info.name)
        headers = next(
            row for row in rows if sum(bool(cell) for cell in row) == len(declared.fields) and len(set(row)) == len(row)
        )
        bare = [str(cell).replace("\n", "").split("（")[0] for cell in headers]
        known = {name.split("（")[0] for name in names}
        assert set(bare) <= known
        assert len(headers) == len(declared.fields)


def test_the_files_hold_the_rows_the_summary_counts(county: County) -> None:
    for info in county.summary.files:
        rows = sheet_rows(county.files / info.name)
        width = len(record_kinds()[info.kind].fields)
        header = next(i for i, row in enumerate(rows) if len([cell for cell in row if cell != ""]) == width)
        assert len(rows) - header - 1 == info.rows
        assert info.rows


def test_workbooks_open_in_another_reader_with_their_merged_cells(county: County) -> None:
    merged = 0
    for path in county.files.glob("家庭成员信息表_*.xlsx"):
        book = openpyxl.load_workbook(path)
        merged += sum(area.max_row - area.min_row > 0 for area in book.worksheets[-1].merged_cells.ranges)
        book.close()
    assert merged > 100


def test_bills_say_the_level_of_the_hospital(county: County) -> None:
    levels: dict[str, set[object]] = {}
    for path in county.files.glob("医保结算明细_*.csv"):
        head, *rows = sheet_rows(path)
        name = next(place for place, label in enumerate(head) if label in ("就诊机构", "医院名称"))
        level = head.index("医院级别")
        for row in rows:
            levels.setdefault("卫生院" if str(row[name]).endswith("卫生院") else str(row[name]), set()).add(row[level])
    assert levels["卫生院"] == {"乡镇级"}
    assert levels["奉节县人民医院"] == {"县级"}
    assert set.union(*levels.values()) == {"乡镇级", "县级", "市级"}


def test_both_text_encodings_are_met(county: County) -> None:
    starts = [path.read_bytes()[:3] for path in county.files.glob("*.csv")]
    assert any(start == b"\xef\xbb\xbf" for start in starts)
    assert any(start != b"\xef\xbb\xbf" for start in starts)


def test_an_amount_a_date_and_an_answer_are_written_in_the_way_of_the_department() -> None:
    fields = record_kinds()["disaster"].by_key
    assert renderer(fields["loss"], Style(money="comma"))(1_234_550) == "12,345.50"
    assert renderer(fields["happened_on"], Style(date="dot"))(date(2024, 3, 5)) == "2024.3.5"
    assert renderer(fields["happened_on"], Style(date="excel"))(date(2024, 3, 5)) == (45356,)
    lived_in = record_kinds()["housing"]["lived_in"]
    assert renderer(lived_in, Style(yes="√", no="×"))(False) == "×"


@pytest.mark.parametrize(
    ("change", "word"),
    [({"households": 499}, "500"), ({"households": 309_801}, "309800"), ({"region": "110101"}, "奉节县")],
)
def test_a_county_that_cannot_be_made_is_refused_in_words(tmp_path: Path, change: dict[str, object], word: str) -> None:
    wanted = {"households": 500, "as_of": AS_OF, **change}
    with pytest.raises(ValueError, match=word):
        demo.write(tmp_path, **wanted)  # type: ignore[arg-type]


def test_a_folder_with_somebody_elses_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "账本.xlsx").write_text("")
    with pytest.raises(ValueError, match="账本"):
        demo.write(tmp_path, households=500, as_of=AS_OF)
    assert [path.name for path in tmp_path.iterdir()] == ["账本.xlsx"]
