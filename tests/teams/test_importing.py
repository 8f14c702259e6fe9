"""Units, staff and duties from a table."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.exceptions import ValidationError

from huqing.papers.sheets import Column, Sheet, write_workbook
from huqing.registry.models import Grid, Region
from huqing.teams import importing
from huqing.teams.models import Posting, Responsibility, Staff, StaffImport, Unit

ON = dt.date(2024, 1, 1)
TITLES = ["姓名", "单位", "单位类别", "人员类别", "职级", "所在区划", "责任", "责任对象", "起始日期"]


def workbook(*rows: list[str], titles: list[str] | None = None) -> io.BytesIO:
    out = io.BytesIO()
    write_workbook(out, [Sheet("人员", [Column(title) for title in titles or TITLES], rows)])
    out.seek(0)
    return out


@pytest.fixture
def take_in(users_by_role):
    def take_in(*rows, name="人员.xlsx", **values):
        return importing.import_staff(content=workbook(*rows, **values), name=name, by=users_by_role["county"], on=ON)

    return take_in


def test_one_person_over_several_rows_is_one_person_with_several_duties(take_in, make_household, regions):
    first, second = make_household(), make_household()
    done = take_in(
        ["赵文军", "县教育局", "教育", "帮扶干部", "科级", "", "帮扶责任人", first.number, "2023-05-01"],
        ["赵文军", "县教育局", "", "帮扶干部", "", "", "帮扶责任人", second.number, ""],
        ["钱镇长", "朱衣镇政府", "", "村干部", "", "朱衣镇", "包村领导", "砚瓦村", ""],
        ["孙网格", "", "", "网格员", "", "500236101201", "网格员", "砚瓦一网格", ""],
    )
    assert done.refused == []
    assert done.counts == {
        "rows": 4, "units": 2, "staff": 3, "changed": 0, "duties": 4, "known": 0, "refused": 0,
    }  # fmt: skip
    zhao = Staff.objects.get(name="赵文军")
    assert (zhao.unit.name, zhao.unit.kind, zhao.rank, zhao.region_code) == ("县教育局", "5", "3", "500236000000")
    assert sorted(zhao.responsibilities.values_list("household", "since")) == [
        (first.pk, dt.date(2023, 5, 1)),
        (second.pk, ON),
    ]
    assert Responsibility.objects.get(role="village_leader").village == regions.village
    assert Responsibility.objects.get(role="grid_worker").grid == regions.grid
    assert Posting.objects.count() == 3


MORE = ["姓名", "人员类别", "所在区划", "责任", "责任对象", "对象姓名", "终止日期", "登录账号"]


def test_a_teacher_gets_one_pupil_of_a_household_until_a_day_and_signs_in_with_an_account(
    take_in, make_household, users_by_role
):
    household = make_household(members=("张三", "张小"))
    row = ["周老师", "教师", "", "结对教师", household.number, "张小", "2024-12-31", "visitor"]
    done = take_in(row, titles=MORE)
    assert done.refused == []
    line = Responsibility.objects.get()
    assert (line.person.name, line.household, line.until) == ("张小", household, dt.date(2024, 12, 31))
    assert line.staff.user == users_by_role["visitor"]
    again = take_in(row, titles=MORE)
    assert (again.counts["known"], again.counts["refused"], Responsibility.objects.count()) == (1, 0, 1)


@pytest.mark.parametrize(
    ("row", "column", "remedy"),
    [
        (["甲", "教师", "", "结对教师", "T0001", "张大", "", ""], "对象姓名", "这一户没有“张大”"),
        (["甲", "教师", "", "结对教师", "砚瓦村", "张小", "", ""], "对象姓名", "要写这个人所在户的户编号"),
        (["甲", "教师", "", "结对教师", "T0001", "", "2023-12-31", ""], "终止日期", "早于起始日期"),
        (["甲", "教师", "", "", "", "", "", "nobody"], "登录账号", "没有可用的账号"),
        (["甲", "教师", "甲高镇", "", "", "", "", "town"], "登录账号", "不在此人的所在区划"),
        (["甲", "教师", "朱衣镇", "家庭医生", "龙潭村", "", "", "town"], "登录账号", "管辖不到责任对象"),
    ],
)
def test_a_pupil_a_day_or_an_account_that_cannot_be_is_said(take_in, make_household, row, column, remedy):
    make_household(members=("张三", "张小"))
    done = take_in(row, titles=MORE)
    ((_, _, faults),) = done.refused
    assert remedy in faults[column]
    assert not Staff.objects.exists()


def test_one_account_is_never_given_to_two_people(take_in):
    done = take_in(
        ["甲", "教师", "", "", "", "", "", "visitor"], ["乙", "教师", "", "", "", "", "", "visitor"], titles=MORE
    )
    assert [list(faults) for _, _, faults in done.refused] == [["登录账号"]]
    refused = take_in(["乙", "教师", "", "", "", "", "", "visitor"], titles=MORE)
    assert "已是甲的" in refused.refused[0][2]["登录账号"]


NUMBERED = ["人员编号", "姓名", "单位", "人员类别", "所在区划", "责任", "责任对象", "登录账号"]


@pytest.mark.parametrize(
    ("row", "column", "remedy"),
    [
        (["N1", "钱甲", "", "帮扶干部", "", "", "", ""], "人员编号", "已于 2023-12-31 离任"),
        (["N2", "别人", "", "帮扶干部", "", "", "", ""], "人员编号", "编号 N2 登记的是孙乙"),
        (["N3", "外县人", "", "帮扶干部", "", "", "", ""], "人员编号", "已登记给别处的人"),
        (["", "李芳", "", "网格员", "", "", "", ""], "人员编号", "有 2 个人叫“李芳”"),
        (["", "孙乙", "", "网格员", "砚瓦村", "帮扶责任人", "砚瓦村", ""], "所在区划", "登记的孙乙在朱衣镇"),
        (["", "孙乙", "县教育局", "教师", "", "", "", "visitor"], "登录账号", "已是孙乙的（没有填单位）"),
    ],
)
def test_a_row_is_never_taken_for_somebody_it_may_not_mean(take_in, regions, users_by_role, row, column, remedy):
    people = [
        ("钱甲", "N1", regions.county.code, dt.date(2023, 12, 31), None),
        ("孙乙", "N2", regions.town.code, None, users_by_role["visitor"]),
        ("外县人", "N3", "500237000000", None, None),
        ("李芳", "N4", regions.village.code, None, None),
        ("李芳", "N5", regions.other_village.code, None, None),
    ]
    for name, number, place, left, user in people:
        Staff.objects.create(name=name, number=number, kind="1", region_code=place, left_on=left, user=user)
    done = take_in(row, titles=NUMBERED)
    ((_, _, faults),) = done.refused
    assert remedy in faults[column]
    assert Staff.objects.count() == len(people)
    assert not Responsibility.objects.exists()


@pytest.mark.parametrize(
    ("row", "column", "remedy", "kept"),
    [
        (["500236198001011234", "钱甲", "", "帮扶干部"], "人员编号", "不要写证件号码", ""),
        (["", "钱甲 500236198001011234", "", "帮扶干部"], "姓名", "不要写证件号码", "钱甲 "),
        (["", "钱甲", "县教育局13812345678", "帮扶干部"], "单位", "不要写证件号码", "县教育局"),
        (["", "钱" * 61, "", "帮扶干部"], "姓名", "最多 60 个字", "钱" * 61),
    ],
)
def test_no_private_number_and_no_cut_text_gets_into_an_entry(take_in, row, column, remedy, kept):
    done = take_in(row, titles=NUMBERED[:4])
    ((_, values, faults),) = done.refused
    assert remedy in faults[column]
    assert not Staff.objects.exists()
    # Nor into the rows that come back.
    assert not any(number in "".join(values) for number in ("198001011234", "13812345678"))
    assert values[NUMBERED.index(column)].startswith(kept)


def test_two_columns_for_the_same_are_not_guessed_between(take_in):
    with pytest.raises(ValidationError, match="“姓名”“责任人”都是姓名"):
        take_in(["钱甲", "孙乙", "帮扶干部"], titles=["姓名", "责任人", "人员类别"])


def test_one_number_for_two_names_is_refused(take_in, make_household):
    rows = [
        ["N1", name, "", "帮扶干部", "", "帮扶责任人", make_household(members=(name,)).number, ""]
        for name in ("钱甲", "孙乙")
    ]
    done = take_in(*rows, titles=NUMBERED)
    assert [(number, faults["人员编号"]) for number, _, faults in done.refused] == [
        (3, "第 2 行用同一编号写的是钱甲，一个编号只属于一个人，请核对。")
    ]
    assert list(Responsibility.objects.values_list("staff__name", flat=True)) == ["钱甲"]


def test_of_grids_and_villages_of_one_name_the_one_in_the_persons_town_is_meant(take_in, regions):
    Grid.objects.create(
        village=regions.other_village, number=1, name="砚瓦一网格", region_code=regions.other_village.code
    )
    done = take_in(
        ["甲", "网格员", "甲高镇", "网格员", "砚瓦一网格", "", "", ""],
        ["乙", "网格员", "", "网格员", "砚瓦一网格", "", "", ""],
        titles=MORE,
    )
    assert Responsibility.objects.get().grid.village == regions.other_village
    assert "在“所在区划”写明乡镇或村" in done.refused[0][2]["责任对象"]


def test_the_same_file_again_changes_nothing(take_in, make_household):
    row = ["赵文军", "县教育局", "教育", "帮扶干部", "", "", "帮扶责任人", make_household().number, ""]
    take_in(row)
    again = take_in(row)
    assert again.refused == []
    assert (again.counts["staff"], again.counts["duties"], again.counts["known"]) == (0, 0, 1)
    assert (Staff.objects.count(), Unit.objects.count(), Responsibility.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("row", "column", "remedy"),
    [
        (["", "", "", "帮扶干部", "", "", "", "", ""], "姓名", "请写姓名"),
        (["甲", "", "", "厨师", "", "", "", "", ""], "人员类别", "“厨师”不在可填的范围内"),
        (["甲", "", "", "教师", "", "巫山县", "", "", ""], "所在区划", "本辖区没有“巫山县”"),
        (["甲", "", "", "教师", "", "500237", "", "", ""], "所在区划", "不是本辖区"),
        (["甲", "", "", "教师", "", "", "结对教师", "没有的户", ""], "责任对象", "没有找到“没有的户”"),
        (["甲", "", "", "教师", "", "", "结对教师", "砚瓦村", "去年"], "起始日期", "请写成"),
        (["甲", "", "", "教师", "", "", "", "砚瓦村", ""], "责任", "还要写责任"),
    ],
)
def test_a_wrong_row_is_refused_with_what_to_write_and_the_others_are_taken_in(take_in, regions, row, column, remedy):
    done = take_in(row, ["乙", "", "", "教师", "", "", "", "", ""])
    assert [staff.name for staff in Staff.objects.all()] == ["乙"]
    (number, values, faults), *others = done.refused
    assert (number, values, others) == (2, row, [])
    assert remedy in faults[column]


def test_one_person_in_two_places_is_refused(take_in, regions):
    done = take_in(
        ["甲", "镇政府", "", "村干部", "", "朱衣镇", "", "", ""],
        ["甲", "镇政府", "", "村干部", "", "甲高镇", "", "", ""],
        ["乙", "", "", "驻村工作队员", "", "", "驻村工作队员", "砚瓦村", ""],
        ["乙", "", "", "驻村工作队员", "", "", "驻村工作队员", "龙潭村", ""],
    )
    assert [number for number, _, _ in done.refused] == [3, 5]
    assert "一个人只能在一处" in done.refused[0][2]["所在区划"]
    assert "不能同时在两处" in done.refused[1][2]["责任对象"]
    assert Responsibility.objects.count() == 1


def test_a_town_whose_code_is_kept_with_nine_digits_is_found_by_code_and_name(take_in, regions):
    Region.objects.filter(pk=regions.town.pk).update(code="500236101")
    rows = [["甲", "", "", "教师", "", "500236101", "", "", ""], ["乙", "", "", "教师", "", "朱衣镇", "", "", ""]]
    assert take_in(*rows).refused == []
    assert set(Staff.objects.values_list("region_code", flat=True)) == {"500236101000"}


def test_a_file_without_the_columns_is_refused_as_a_whole(take_in, regions):
    with pytest.raises(ValidationError, match="人员类别"):
        take_in(["甲", "x"], titles=["姓名", "单位"])
    with pytest.raises(ValidationError, match="pdf"):
        take_in(["甲"], titles=["姓名"], name="人员.pdf")
    assert not StaffImport.objects.exists()


def test_refused_rows_come_back_as_a_workbook_to_correct(take_in, users_by_role, regions):
    done = take_in(["甲", "", "", "厨师", "", "", "", "", ""])
    again = importing.import_staff(
        content=io.BytesIO(importing.problems_workbook(done, by=users_by_role["county"])),
        name="未入库.xlsx",
        by=users_by_role["county"],
        on=ON,
    )
    assert [faults.keys() for _, _, faults in again.refused] == [{"人员类别": 1}.keys()]


def test_the_template_is_read_by_the_import(users_by_role, regions):
    done = importing.import_staff(
        content=io.BytesIO(importing.template_workbook()), name="模板.xlsx", by=users_by_role["county"], on=ON
    )
    assert [list(faults) for _, _, faults in done.refused] == [["责任对象"]]
