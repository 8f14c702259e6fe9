from __future__ import annotations

from datetime import date

import pytest

from huqing.access.seal import unseal
from huqing.intake import actions
from huqing.intake.errors import IntakeError
from huqing.registry.models import Entry, Grid, Household, Label, Membership, Source

MAY, JUNE, JULY = date(2024, 5, 31), date(2024, 6, 30), date(2024, 7, 31)
CHANGE_COUNTS = ("added", "changed", "unchanged", "missing", "refused")


def counts(done) -> tuple[int, ...]:
    return tuple(done.counts[name] for name in CHANGE_COUNTS)


def problems(done) -> list[tuple[str, int, str]]:
    return [(one.severity, one.row_number, one.message) for one in done.problems.all()]


def test_a_new_household_gets_a_file_with_typed_values_and_sealed_numbers(take, rows, regions):
    done = take([rows.household()])
    household = Household.objects.get()
    assert counts(done) == (1, 0, 0, 0, 0)
    assert (household.number, household.village, household.member_count) == ("500236H0001", regions.village, 2)
    assert (household.head_name, household.head_pinyin) == ("张大山", "zds")
    assert household.items == {
        "household_type": "L06",
        "wage_income": 1_200_000,
        "arable_area": "3.50",
        "house_area": "80.00",
    }
    assert unseal(household.phone_sealed) == "16012345678"
    assert unseal(household.bank_account_sealed) == "6900001234567890123"
    assert household.created_by_source.on == JUNE
    assert not Entry.objects.exists()


def test_the_same_file_again_changes_nothing(take, rows):
    file = [rows.household(), rows.household(户编号="500236H0002", 户类型="脱贫享受政策户", 联系电话="")]
    take(file)
    before = list(Household.objects.order_by("id").values())
    labels = list(Label.objects.order_by("id").values())
    again = take(file)
    assert counts(again) == (0, 0, 2, 0, 0)
    assert list(Household.objects.order_by("id").values()) == before
    assert list(Label.objects.order_by("id").values()) == labels
    assert not Entry.objects.exists()


def test_only_values_that_differ_are_changed_and_quoted_with_numbers_masked(take, rows):
    take([rows.household()])
    done = take([rows.household(工资性收入="13000", 联系电话="16012349999", 银行卡号="6900009999999999999")], on=JULY)
    household = Household.objects.get()
    assert counts(done) == (0, 1, 0, 0, 0)
    assert Entry.objects.get().changes == {
        "wage_income": [1_200_000, 1_300_000],
        "phone": ["160****5678", "160****9999"],
        "bank_account": ["***************0123", "***************9999"],
    }
    assert household.items["wage_income"] == 1_300_000
    assert household.items["arable_area"] == "3.50"
    assert unseal(household.phone_sealed) == "16012349999"


def test_an_empty_cell_or_a_left_out_column_erases_nothing(take, rows):
    take([rows.household()])
    sparse = {key: value for key, value in rows.household(工资性收入="").items() if key != "住房面积"}
    done = take([sparse], on=JULY)
    assert counts(done) == (0, 0, 1, 0, 0)
    assert Household.objects.get().items["wage_income"] == 1_200_000


def test_values_of_a_later_date_stand_against_an_older_file(take, rows):
    take([rows.household()], on=MAY)
    take([rows.household(工资性收入="20000")], on=JULY)
    done = take([rows.household(工资性收入="15000", 住房面积="90")], on=JUNE)
    household = Household.objects.get()
    assert counts(done) == (0, 1, 0, 0, 0)
    assert household.items["wage_income"] == 2_000_000
    assert household.items["house_area"] == "90.00"


def test_a_file_made_later_is_not_overridden_by_an_older_one_but_filled_up(take, rows):
    take([{key: value for key, value in rows.household().items() if key != "住房面积"}], on=JULY)
    take([rows.household(工资性收入="1")], on=MAY)
    assert Household.objects.get().items["wage_income"] == 1_200_000
    assert Household.objects.get().items["house_area"] == "80.00"


def test_households_that_the_file_leaves_out_are_reported_and_kept(take, rows, make_household, regions):
    absent = make_household(village=regions.village)
    make_household(village=regions.next_village)
    done = take([rows.household()])
    assert done.counts["missing"] == 1
    assert [one.household for one in done.missing.all()] == [absent]
    assert Household.objects.count() == 3


def test_a_refused_row_is_not_missing(take, rows):
    take([rows.household(), rows.household(户编号="500236H0002")])
    done = take([rows.household(), rows.household(户编号="500236H0002", 家庭人口数="很多")], on=JULY)
    assert counts(done) == (0, 0, 1, 0, 1)


@pytest.mark.parametrize(
    ("columns", "column", "message"),
    [
        ({"行政村": "没有村"}, "行政村", "朱衣镇没有这个行政村"),
        ({"乡(镇)": "没有镇"}, "乡镇", "您的管辖范围内没有这个乡镇"),
        ({"行政村": ""}, "行政村", "没有写行政村"),
        ({"行政村代码": "500236101299"}, "行政村代码", "2024 年没有这个行政村代码"),
        ({"行政村代码": "500237101201", "行政村": ""}, "行政村代码", "不在您的管辖范围内"),
        ({"行政村代码": "500236101202"}, "行政村代码", "这个代码是仁和村，与本行的砚瓦村不是同一个村"),
    ],
)
def test_a_row_whose_village_is_unknown_or_outside_is_refused(take, rows, columns, column, message):
    done = take([rows.household(), {**rows.household(户编号="500236H0002"), **columns}])
    refused = done.problems.get()
    assert (refused.severity, refused.row_number, refused.column, refused.message) == ("refused", 3, column, message)
    assert refused.remedy
    assert Household.objects.count() == 1
    assert (done.counts["good"], done.counts["refused"]) == (1, 1)


def test_names_of_places_may_leave_out_their_kind(take, rows, regions):
    take([{**rows.household(), "乡(镇)": "朱衣", "行政村": "砚瓦村村民委员会"}])
    assert Household.objects.get().village == regions.village


def test_a_code_that_went_to_another_village_does_not_move_households(take, rows, regions):
    from huqing.registry.models import RegionCode

    code = regions.village.code
    take([{**rows.household(), "行政村代码": code}], on=MAY)
    # In 2024 the code is taken from 砚瓦村 and given to 仁和村.
    RegionCode.objects.create(
        region=regions.village, code=code, name="砚瓦村", valid_from=date(2010, 1, 1), valid_to=date(2024, 6, 15)
    )
    RegionCode.objects.create(region=regions.next_village, code=code, name="仁和村", valid_from=date(2024, 6, 15))
    regions.village.code = "500236101209"
    regions.village.save()
    Household.objects.update(region_code="500236101209")
    done = take([{**rows.household(), "行政村代码": code}], on=JULY)
    assert done.counts["refused"] == 1
    assert Household.objects.get().village == regions.village
    done = take([{**rows.household(), "行政村代码": code}], on=MAY)
    assert counts(done) == (0, 0, 1, 0, 0)


def test_a_household_that_the_file_places_elsewhere_moves_with_a_warning(take, rows, regions):
    take([rows.household()])
    done = take([rows.household(行政村="仁和村")], on=JULY)
    household = Household.objects.get()
    assert (household.village, household.region_code) == (regions.next_village, regions.next_village.code)
    assert Entry.objects.get().changes == {"village_code": [regions.village.code, regions.next_village.code]}
    assert [one[0] for one in problems(done)] == ["warning"]
    assert done.counts["moved"] == 1


@pytest.mark.parametrize("said", ["砚瓦二网格", "2", "02", "第2网格", "二号网格"])
def test_a_grid_is_found_by_name_or_number_and_its_change_can_be_undone(take, rows, regions, said):
    take([rows.household(网格="1")])
    household = Household.objects.get()
    assert household.grid == regions.grid
    done = take([rows.household(网格=said)], on=JULY)
    household.refresh_from_db()
    assert household.grid == regions.next_grid
    assert Entry.objects.get().changes == {"网格": ["砚瓦一网格", "砚瓦二网格"]}
    assert not problems(done)
    again = take([rows.household(网格="", 村民小组="2组")], on=JULY)
    household.refresh_from_db()
    assert household.grid == regions.next_grid, "an empty cell says nothing"
    for intake in (again, done):
        actions.undo(intake=intake, by=None, background=False)
    household.refresh_from_db()
    assert household.grid == regions.grid


def test_a_grid_that_the_village_has_not_is_told_and_the_row_taken_in(take, rows, regions):
    Grid.objects.create(
        village=regions.next_village, number=9, name="仁和九网格", region_code=regions.next_village.code
    )
    take([rows.household(网格="1")])
    for said in ("9", "仁和九网格", "十十", "没有的网格"):
        done = take([rows.household(网格=said, 村民小组=f"{said}组")], on=JULY)
        household = Household.objects.get()
        assert household.grid == regions.grid
        assert household.group_name == f"{said}组"
        problem = done.problems.get()
        assert (problem.severity, problem.row_number, problem.column, problem.value) == ("warning", 2, "网格", said)
        assert "区划与网格" in problem.remedy


def test_a_town_cannot_take_another_towns_household(take, rows, make_household, regions, users_by_role):
    theirs = make_household(village=regions.other_village)
    done = take([rows.household(), rows.household(户编号=theirs.number)], by=users_by_role["town"], region="500236101")
    theirs.refresh_from_db()
    assert theirs.village == regions.other_village
    assert [one.message for one in done.problems.all()] == ["这个户编号已被管辖范围以外的农户使用"]


def test_an_account_takes_in_only_its_own_region_and_kinds(take, rows, users_by_role):
    with pytest.raises(IntakeError, match="不在您的管辖范围内"):
        take([rows.household()], by=users_by_role["town"], region="500236102")
    for role in ("village", "grid", "reader", "department", "system_admin"):
        with pytest.raises(IntakeError):
            take([rows.household()], by=users_by_role[role], region="500236101201")
    assert not Household.objects.exists()


def test_monitored_households_get_the_labels_of_their_type_and_dates(take, rows):
    cleared = {"风险消除时间": "2023-05-01"}
    take(
        [
            rows.household(户类型="脱贫不稳定户", 识别监测时间="2022-03-01", 脱贫年度="2018"),
            {**rows.household(户编号="500236H0002", 户类型="边缘易致贫户", 识别监测时间="2021-05-01"), **cleared},
        ]
    )
    held = sorted(Label.objects.values_list("household__number", "kind", "valid_from", "valid_to"))
    assert held == [
        ("500236H0001", "monitor", date(2022, 3, 1), None),
        ("500236H0001", "monitor_unstable", date(2022, 3, 1), None),
        ("500236H0001", "tuopin", date(2018, 12, 31), None),
        ("500236H0002", "monitor", date(2021, 5, 1), date(2023, 5, 1)),
        ("500236H0002", "monitor_marginal", date(2021, 5, 1), date(2023, 5, 1)),
    ]


def test_labels_follow_when_a_risk_is_cleared_and_when_a_household_becomes_an_ordinary_one(take, rows):
    monitored = {"户类型": "突发严重困难户", "识别监测时间": "2022-03-01"}
    take([{**rows.household(), **monitored}, {**rows.household(户编号="500236H0002"), **monitored}], on=MAY)
    cleared = {**rows.household(), **monitored, "风险消除时间": "2024-06-01"}
    take([cleared, rows.household(户编号="500236H0002")], on=JUNE)
    held = sorted(Label.objects.values_list("household__number", "kind", "valid_to"))
    assert held == [
        ("500236H0001", "monitor", date(2024, 6, 1)),
        ("500236H0001", "monitor_sudden", date(2024, 6, 1)),
        ("500236H0002", "monitor", JUNE),
        ("500236H0002", "monitor_sudden", JUNE),
    ]


def test_everything_an_import_wrote_names_its_source(take, rows):
    done = take([rows.household(户类型="脱贫享受政策户")])
    done.refresh_from_db()
    source = Source.objects.get()
    assert (done.source, source.kind, source.on) == (source, "roster", JUNE)
    assert Label.objects.get().source == source
    assert not Membership.objects.exists()


def test_a_file_without_a_single_good_row_is_not_taken_in(take, rows):
    with pytest.raises(IntakeError, match="没有一行可以入库"):
        take([rows.household(家庭人口数="很多")])
    assert not Household.objects.exists()
