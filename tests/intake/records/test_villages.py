"""The table of villages: a row per village and year, found by code or by names, kept in versions, undone."""

from __future__ import annotations

from datetime import date

import pytest

from huqing.intake import actions
from huqing.registry import snapshot
from huqing.registry.models import DepartmentRecord, Region

JUNE, JULY = date(2024, 6, 30), date(2024, 7, 31)


@pytest.fixture
def village():
    """A function that makes a row of the table of villages."""

    def row(**columns: str) -> dict[str, str]:
        return {"乡(镇)": "朱衣镇", "行政村": "砚瓦村", "年度": "2023", "总户数": "300", "总人口": "980", **columns}

    return row


def rows_of(region: Region) -> list[dict]:
    taken = snapshot.one_village(region.code)["village"]
    return taken.select(["id", "region_code", "year", "households", "paved_road"]).to_pylist()


@pytest.fixture
def yanwa(regions):
    return Region.objects.get(name__startswith="砚瓦", valid_to=None)


def test_a_row_is_about_its_village_by_names_or_by_code(take, village, yanwa):
    done = take([village()], kind="village")
    assert (done.counts["added"], done.counts["linked"], done.counts["unlinked"]) == (1, 1, 0)
    again = take([village(行政村代码=yanwa.code)], kind="village", on=JULY)
    assert (again.counts["added"], again.counts["unchanged"]) == (0, 1)
    record = DepartmentRecord.objects.get(kind="village")
    assert (record.region_code, record.subject_name, record.household) == (yanwa.code, yanwa.name, None)


def test_a_changed_row_replaces_the_earlier_and_a_new_year_stands_beside_it(take, village, yanwa):
    take([village()], kind="village")
    changed = take([village(总户数="310")], kind="village", on=JULY)
    assert changed.counts["changed"] == 1
    take([village(年度="2024", 总户数="320", 到乡镇是否通硬化路="是")], kind="village", on=JULY)
    assert DepartmentRecord.objects.filter(kind="village", retired_by=None).count() == 2
    (row,) = rows_of(yanwa)
    assert row == {"id": yanwa.pk, "region_code": yanwa.code, "year": 2024, "households": 320, "paved_road": True}


def test_a_village_that_is_not_in_the_regions_is_sent_back_with_the_remedy(take, village):
    done = take([village(), village(行政村="仁和村"), village(行政村="没有的村")], kind="village")
    assert done.counts["added"] == 2
    problems = {one.row_number: (one.message, one.remedy) for one in done.problems.all()}
    assert set(problems) == {4}
    assert all(message and remedy for message, remedy in problems.values())


def test_two_rows_of_one_village_and_year_are_both_sent_back_however_they_spell_it(take, village):
    done = take([village(), village(行政村="砚瓦", 总户数="400"), village(行政村="仁和村")], kind="village")
    assert done.counts["added"] == 1
    assert [(one.row_number, one.message[:8]) for one in done.problems.all()] == [
        (2, "与第 3 行是同"),
        (3, "与第 2 行是同"),
    ]


def test_an_undone_import_leaves_no_village(take, village, yanwa):
    done = take([village()], kind="village")
    actions.undo(intake=done, by=None, background=False)
    assert rows_of(yanwa) == []


def test_a_snapshot_holds_the_newest_year_of_every_village(take, village, rows, yanwa):
    take([rows.household()])
    take([village(), village(年度="2022", 总户数="290"), village(行政村="仁和村", 总户数="100")], kind="village")
    taken = snapshot.take(region="500236", as_of=JUNE)
    from pyarrow import parquet

    table = parquet.read_table(taken / "village.parquet")
    assert sorted(table["households"].to_pylist()) == [100, 300]
    assert yanwa.pk in table["id"].to_pylist()
