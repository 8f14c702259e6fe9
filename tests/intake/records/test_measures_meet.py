"""A measure written on the screen and the same measure in a file are one record."""

from __future__ import annotations

from datetime import date

from huqing.registry.models import DepartmentRecord
from huqing.registry.record_actions import fingerprint_of, put_record
from huqing.standards.fields import record_kinds

from .conftest import id_number

ROW = {
    "户主姓名": "张三",
    "措施类别": "产业帮扶",
    "措施子项": "产业奖补",
    "登记日期": "2024-05-10",
    "实施状态": "实施中",
    "开始日期": "2024-05-20",
}
VALUES = {"measure_group": "100A39", "measure_item": "3902", "registered_on": "2024-05-10", "state": "1"}
NOTE = "户主想养蜂"


def test_a_file_brings_a_written_measure_up_to_date_instead_of_a_second_one(take, regions, make_household) -> None:
    household = make_household(id_numbers=(id_number(),))
    written = put_record(
        kind="measure",
        household=household,
        values={**VALUES, "measure_note": NOTE},
        by=None,
        on=date(2024, 5, 10),
        reason="一户一策",
        permission="make_plans",
    )
    assert written.fingerprint == fingerprint_of(record_kinds()["measure"], household, written.items)
    done = take([{**ROW, "户编号": household.number, "户主身份证号": id_number()}], kind="measure")
    assert (done.counts["added"], done.counts["changed"]) == (0, 1)
    (row,) = DepartmentRecord.objects.filter(kind="measure", retired_by=None)
    assert (row.household, row.fingerprint, row.items["state"]) == (household, written.fingerprint, "2")
    assert row.items["measure_note"] == NOTE  # the file has no such column, so it says nothing about it
