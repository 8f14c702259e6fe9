"""The lists forms choose from: one's own households only, the same bytes for the same file."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.utils import timezone

from huqing.registry.models import DepartmentRecord, Household, Source
from huqing.visits.lists import lists_for
from huqing.visits.methods import parameters_of
from huqing.visits.models import Method

from .building import converted, stored

SOURCE = """| survey |
| | type | name | label | reads | writes |
| | select_one_from_file household.csv | household | 哪一户 | household | |
| | decimal | area | 耕地 | household.arable_area | household.arable_area |
| | note | kind | 类型 | household.household_type | |
| | select_multiple risk_type | risks | 风险 | household.risks | |
| | decimal | wage | 工资 | household.wage_income | |
| | note | town | 乡镇 | household.town_name | |
| | calculate | line | | parameter.monitor_line | |
| | begin_repeat | members | 成员 | person | |
| | select_multiple health | health | 身体 | person.health | person.health |
| | note | number | 户编号 | person.household_number | |
| | end_repeat | | | | |
| settings |
| | form_title | form_id | version |
| | 试 | f | 1 |
"""


@pytest.fixture
def family(make_household, regions):
    return make_household(
        members=("王建国", "李, 秀英"),
        items={"arable_area": "3.50", "wage_income": 1850050, "risks": ["01", "02"], "note": "两\n行"},
    )


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_the_lists_hold_the_columns_that_are_read_as_a_form_takes_them(family, make_household) -> None:
    version = stored(converted(SOURCE))
    made = lists_for(version, Household.objects.filter(pk=family.pk))
    assert sorted(made) == ["household.csv", "parameter.csv", "person.csv"]
    [household] = rows(made["household.csv"])
    assert household == {
        "id": str(family.pk),
        "title": f"王建国 砚瓦村 {family.number}",
        "arable_area": "3.50",
        "household_type_words": "",
        "risks": "01 02",
        "town_name": "朱衣镇",
        "wage_income": "18500.50",
    }
    head, wife = rows(made["person.csv"])
    assert head["title"] == "王建国（户主）"
    assert wife == {
        "id": str(family.members.get(relation="03").pk),
        "title": "李, 秀英（之子）",
        "household": str(family.pk),
        "health": "",
        "household_number": family.number,
    }
    assert float(rows(made["parameter.csv"])[0]["monitor_line"]) > 1000


def test_the_same_file_makes_the_same_bytes_and_a_change_other_ones(family, make_household, regions) -> None:
    version = stored(converted(SOURCE))
    for name in ("赵六", "钱七"):
        make_household(village=regions.next_village, members=(name,))
    first = lists_for(version, Household.objects.all())
    assert lists_for(version, Household.objects.order_by("-pk")) == first
    assert [row["title"].split()[0] for row in rows(first["household.csv"])] == ["王建国", "赵六", "钱七"]
    family.items = {**family.items, "wage_income": 1}
    family.save()
    second = lists_for(version, Household.objects.all())
    assert second["household.csv"] != first["household.csv"]
    assert second["person.csv"] == first["person.csv"]


def test_no_number_of_a_person_goes_to_a_phone(make_household, regions) -> None:
    household = make_household(id_numbers=("990101195605124318",), phone="13812345678")
    made = lists_for(stored(converted(SOURCE)), Household.objects.filter(pk=household.pk))
    everything = b"".join(made.values()).decode()
    assert "990101195605124318" not in everything
    assert "13812345678" not in everything


def test_nobodys_households_make_lists_with_a_head_only(family) -> None:
    made = lists_for(stored(converted(SOURCE)), Household.objects.none())
    assert rows(made["household.csv"]) == rows(made["person.csv"]) == []
    assert made["household.csv"].startswith(b"id,title,arable_area")


def test_villages_show_what_their_newest_record_says(family, regions) -> None:
    source = Source.objects.create(
        kind="department", record_kind="village", title="村表", on=dt.date(2024, 1, 1), created_at=timezone.now()
    )
    for year, people in ((2023, 900), (2024, 880)):
        DepartmentRecord.objects.create(
            kind="village",
            fingerprint=str(year),
            region_code=regions.village.code,
            items={"year": year, "population": people},
            source=source,
            row_number=1,
        )
    form = (
        "| survey |\n| | type | name | label | reads |\n"
        "| | select_one_from_file village.csv | village | 哪个村 | village |\n"
        "| | integer | people | 人口 | village.population |\n"
        "| settings |\n| | form_title | form_id | version |\n| | 村 | v | 1 |\n"
    )
    [village] = rows(lists_for(stored(converted(form)), Household.objects.all())["village.csv"])
    assert village == {"id": str(regions.village.pk), "title": "砚瓦村 朱衣镇", "population": "880"}


def test_a_form_that_reads_nothing_has_no_lists(db, django_assert_num_queries) -> None:
    version = stored(
        converted(
            "| survey |\n| | type | name | label |\n| | text | a | 问 |\n"
            "| settings |\n| | form_title | form_id | version |\n| | 试 | f | 1 |\n"
        )
    )
    with django_assert_num_queries(0):
        assert lists_for(version, Household.objects.all()) == {}


def test_a_list_takes_few_queries_whatever_the_number_of_households(
    make_household, regions, django_assert_max_num_queries
) -> None:
    for _ in range(30):
        make_household(members=("甲", "乙", "丙"))
    version = stored(converted(SOURCE))
    with django_assert_max_num_queries(6):
        made = lists_for(version, Household.objects.all())
    assert len(rows(made["person.csv"])) == 90


def test_a_methods_own_parameters_are_read(db) -> None:
    row = Method(key="five_looks", title="五看法", version="1", digest="d")
    assert "look_line" in parameters_of(row)
