"""Codes change between years; a village keeps its row and its households, and nobody moves because a code does."""

from __future__ import annotations

import csv
import datetime as dt
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huqing.access.models import AuditEvent
from huqing.registry import actions
from huqing.registry.errors import RegistryError
from huqing.registry.models import Grid, Household, Person, Region, RegionChange, RegionCode
from huqing.registry.region_matching import core, similar
from huqing.registry.regions import Place, RegionFileError, load_regions, load_shipped_regions, read_table

TIMELINE = Path(__file__).parent / "data" / "timeline.csv"
NOW = dt.datetime(2024, 3, 1, tzinfo=dt.UTC)


def timeline(year: int, county: str = "") -> list[Place]:
    places = {}
    with TIMELINE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if int(row["snapshot_year"]) == year and row["county_code"].startswith(county):
                for level in ("county", "town", "village"):
                    places[row[f"{level}_code"]] = Place(row[f"{level}_code"], row[level])
    return list(places.values())


def load(year: int, places: list[Place]):
    return actions.load_regions(table=places, year=year, by=None)


def settle_in(region: Region, number: str) -> Household:
    household = Household.objects.create(
        number=number, village=region, region_code=region.code, head_name="张三", updated_at=NOW
    )
    Person.objects.create(name="张三", household=household, region_code=region.code, updated_at=NOW)
    return household


def village(name: str, town: str = "") -> Region:
    found = Region.objects.filter(level=5, name=name, valid_to=None)
    return found.get(parent__name=town) if town else found.get()


def assert_consistent() -> None:
    current = list(Region.objects.filter(valid_to=None).values_list("code", flat=True))
    assert len(current) == len(set(current))
    for household in Household.objects.select_related("village"):
        assert household.village.valid_to is None
        assert household.region_code == household.village.code
        assert {person.region_code for person in household.members.all()} <= {household.region_code}
    for region in Region.objects.filter(valid_to=None).exclude(codes=None):
        assert region.codes.get(valid_to=None).code == region.code


@pytest.mark.django_db
class TestTimeline:
    def test_households_follow_their_village_through_all_years(self):
        load(2016, timeline(2016))
        homes = {}
        for number, region in enumerate(Region.objects.filter(level=5)):
            homes[settle_in(region, f"H{number}").pk] = region.pk
        for year in (2019, 2022, 2023):
            load(year, timeline(year))
            assert_consistent()
        assert dict(Household.objects.values_list("pk", "village_id")) == homes

    def test_a_code_given_to_another_village_takes_no_household_along(self):
        load(2016, timeline(2016, "530326"))
        old_holder = village("鱼洞居委会")
        assert old_holder.code == "530326003003"
        household = settle_in(old_holder, "H1")
        load(2019, timeline(2019, "530326"))
        household.refresh_from_db()
        assert household.region_code == "530326003011"
        load(2022, timeline(2022, "530326"))
        household.refresh_from_db()
        assert household.village == old_holder
        assert Region.objects.get(code="530326003003", valid_to=None).name == "石鼓社区居民委员会"
        assert household.region_code != "530326003003"

    def test_a_town_that_became_a_street_keeps_its_villages(self):
        load(2016, timeline(2016, "430725"))
        town, region = Region.objects.get(code="430725100"), village("漳江阁居委会")
        household = settle_in(region, "H1")
        load(2019, timeline(2019, "430725"))
        town.refresh_from_db()
        region.refresh_from_db()
        household.refresh_from_db()
        assert (town.code, town.name) == ("430725001", "漳江街道")
        assert (region.code, region.name, region.parent) == ("430725001002", "漳江阁社区", town)
        assert household.region_code == "430725001002"
        spans = list(region.codes.values_list("code", "name", "valid_from", "valid_to"))
        assert spans == [
            ("430725100001", "漳江阁居委会", dt.date(2016, 1, 1), dt.date(2019, 1, 1)),
            ("430725001002", "漳江阁社区", dt.date(2019, 1, 1), None),
        ]

    def test_two_names_that_changed_places_wait_for_a_person(self):
        load(2019, timeline(2019, "500236"))
        first, second = village("白龙村村民委员会"), village("三峡村村民委员会")
        household = settle_in(first, "H1")
        summary = load(2022, timeline(2022, "500236"))
        first.refresh_from_db()
        assert (first.code, first.name) == ("500236131200", "白龙村村民委员会")
        assert summary.unsure >= 2
        assert "判定" in str(summary)
        changes = {change.region_id: change for change in RegionChange.objects.all()}
        assert [row[0] for row in changes[first.pk].rows] == ["500236131200", "500236133204"]

        actions.settle_region_change(change=changes[first.pk], by=None, decision="same", code="500236133204")
        household.refresh_from_db()
        assert household.region_code == "500236131200", "the other village still holds that code"
        actions.settle_region_change(change=changes[second.pk], by=None, decision="same", code="500236131200")
        household.refresh_from_db()
        first.refresh_from_db()
        assert (first.code, first.parent.name) == ("500236133204", "五马镇")
        assert household.region_code == "500236133204"
        assert household.village == first
        assert_consistent()

    def test_a_rename_settled_by_a_person_keeps_the_code(self):
        load(2019, timeline(2019, "500236"))
        region = village("桥沟村村民委员会")
        load(2022, timeline(2022, "500236"))
        change = RegionChange.objects.get(region=region)
        actions.settle_region_change(change=change, by=None, decision="same", code="500236124202")
        region.refresh_from_db()
        assert (region.code, region.name) == ("500236124202", "红峡村村民委员会")
        assert AuditEvent.objects.filter(action="region_settle").count() == 1

    def test_what_was_left_open_is_asked_again_with_the_next_year(self):
        load(2019, timeline(2019, "500236"))
        load(2022, timeline(2022, "500236"))
        asked = set(RegionChange.objects.values_list("region__name", flat=True))
        load(2023, timeline(2023, "500236"))
        assert set(RegionChange.objects.values_list("region__name", flat=True)) == asked
        assert set(RegionChange.objects.values_list("year", flat=True)) == {2023}

    def test_loading_the_same_year_twice_changes_nothing(self):
        load(2022, timeline(2022))
        before = list(Region.objects.order_by("pk").values())
        summary = load(2022, timeline(2022))
        assert (summary.added, summary.renamed, summary.recoded, summary.closed, summary.unsure) == (0, 0, 0, 0, 0)
        assert list(Region.objects.order_by("pk").values()) == before
        assert RegionCode.objects.count() == Region.objects.count()

    def test_a_table_of_villages_alone_leaves_the_towns_as_they_are(self):
        load(2019, timeline(2019, "500236"))
        before = set(Region.objects.filter(level=4).values_list("pk", "code", "valid_to"))
        load(2022, [place for place in timeline(2022, "500236") if len(place.code) == 12 and place.code[6:9] != "004"])
        assert set(Region.objects.filter(level=4).values_list("pk", "code", "valid_to")) == before

    def test_an_older_year_is_refused(self):
        load(2022, timeline(2022, "500236"))
        with pytest.raises(RegionFileError, match="500236"):
            load(2019, timeline(2019, "500236"))

    def test_other_counties_stay_as_they_are(self):
        load(2019, timeline(2019))
        before = list(Region.objects.filter(code__startswith="430725").order_by("pk").values())
        load(2022, timeline(2022, "500236"))
        assert list(Region.objects.filter(code__startswith="430725").order_by("pk").values()) == before


def county(*villages: tuple[str, str]) -> list[Place]:
    return [Place("500236", "奉节县"), Place("500236100", "白帝镇"), *[Place(*each) for each in villages]]


A, B, C = "500236100001", "500236100002", "500236100003"


@pytest.mark.django_db
class TestCases:
    def test_codes_swapped_within_a_town_are_swapped_for_the_households_too(self):
        load(2021, county((A, "白龙村"), (B, "三峡村")))
        first = settle_in(village("白龙村"), "H1")
        second = settle_in(village("三峡村"), "H2")
        grid = Grid.objects.create(village=first.village, number=1, name="一网格", region_code=A)
        summary = load(2022, county((A, "三峡村"), (B, "白龙村")))
        for row in (first, second, grid):
            row.refresh_from_db()
        assert (first.region_code, second.region_code, grid.region_code) == (B, A, B)
        assert (summary.recoded, summary.households, summary.unsure) == (2, 2, 0)
        assert_consistent()

    def test_a_village_that_vanished_with_households_in_it_stays_until_a_person_says_where(self):
        load(2021, county((A, "白龙村"), (B, "三峡村")))
        gone, into = village("白龙村"), village("三峡村")
        household = settle_in(gone, "H1")
        load(2022, county((B, "三峡村")))
        gone.refresh_from_db()
        assert gone.valid_to is None
        change = RegionChange.objects.get(region=gone)
        with pytest.raises(RegistryError, match="还有农户"):
            actions.settle_region_change(change=change, by=None, decision="abolished")
        actions.settle_region_change(change=change, by=None, decision="merged", code=B)
        household.refresh_from_db()
        gone.refresh_from_db()
        assert (household.village, household.region_code, gone.valid_to) == (into, B, dt.date(2022, 1, 1))
        assert household.members.get().region_code == B

    def test_an_empty_village_that_vanished_is_closed(self):
        load(2021, county((A, "白龙村"), (B, "三峡村")))
        assert load(2022, county((B, "三峡村"))).closed == 1
        assert Region.objects.get(name="白龙村").valid_to == dt.date(2022, 1, 1)

    def test_a_new_code_that_an_undecided_village_still_holds_is_taken_when_it_is_settled(self):
        load(2021, county((A, "白龙村"), (B, "三峡村")))
        mover, holder = settle_in(village("白龙村"), "H1"), settle_in(village("三峡村"), "H2")
        load(2022, county((B, "白龙村"), (A, "坪上村"), (C, "石岗村")))
        mover.refresh_from_db()
        assert mover.region_code == A
        assert_consistent()
        change = RegionChange.objects.get(region=holder.village)
        actions.settle_region_change(change=change, by=None, decision="merged", code=C)
        mover.refresh_from_db()
        holder.refresh_from_db()
        assert (mover.region_code, holder.region_code) == (B, C)
        assert village("坪上村").code == A
        assert_consistent()

    def test_a_county_that_became_a_district_keeps_everything_in_it(self):
        load(2021, county((A, "白龙村")))
        household = settle_in(village("白龙村"), "H1")
        renumbered = [
            Place("500257", "奉节区"), Place("500257100", "白帝镇"), Place("500257100001", "白龙村"),
        ]  # fmt: skip
        load(2022, renumbered)
        household.refresh_from_db()
        assert household.region_code == "500257100001"
        assert Region.objects.filter(valid_to=None).count() == 3
        assert_consistent()

    @given(st.data())
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def test_no_random_shuffle_of_codes_and_names_breaks_the_rules(self, data):
        names = ["白龙村", "三峡村", "坪上村", "石岗村", "石岗社区", "长坪村", "常坪村", "新民村委会"]
        codes = [f"500236{town}{number:03d}" for town in (100, 101) for number in range(1, 5)]
        towns = [Place("500236", "奉节县"), Place("500236100", "白帝镇"), Place("500236101", "朱衣镇")]
        one_table = st.dictionaries(st.sampled_from(codes), st.sampled_from(names), min_size=1)
        tables = data.draw(st.lists(one_table, min_size=3, max_size=3))
        picks = data.draw(st.lists(st.integers(0, 7), min_size=16, max_size=16))
        with transaction.atomic():
            self.run_through([towns + [Place(*each) for each in table.items()] for table in tables], picks)
            transaction.set_rollback(True)

    def run_through(self, tables, picks):
        load(2019, tables[0])
        homes = {}
        for region in Region.objects.filter(level=5):
            homes[settle_in(region, f"H{region.pk}").pk] = region.pk
        for year, table in zip((2020, 2021), tables[1:], strict=True):
            load(year, table)
            assert_consistent()
            assert dict(Household.objects.values_list("pk", "village_id")) == homes
        for change, pick in zip(list(RegionChange.objects.filter(state="open")), picks, strict=False):
            choices = [code for code, _ in change.rows] or [change.region.code]
            with suppress(RegistryError):
                actions.settle_region_change(change=change, by=None, decision="same", code=choices[pick % len(choices)])
            assert_consistent()
        assert dict(Household.objects.values_list("pk", "village_id")) == homes


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("镰刀湾村村委会", "镰刀湾"),
        ("朝阳社区居民委员会", "朝阳"),
        ("金泉村民委员会", "金泉"),
        ("漳江镇", "漳江"),
        ("永安街道办事处", "永安"),
        ("中村村民委员会", "中村"),
    ],
)
def test_a_places_name_is_compared_without_what_says_its_kind(name, kernel):
    assert core(name) == kernel


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("回龙庵居委会", "廻龙庵社区", True),
        ("新福村委会", "新富村委会", True),
        ("白竹村委会", "白竹田村委会", True),
        ("桥沟村村民委员会", "红峡村村民委员会", False),
        ("白龙村", "三峡村", False),
    ],
)
def test_spellings_of_one_name_are_told_from_two_names(one, other, expected):
    assert similar(one, other) is expected


@pytest.mark.django_db
def test_the_shipped_codes_hold_a_county_with_all_levels_above_it():
    summary = load_shipped_regions("500236", year=2023)
    assert Region.objects.filter(level=5).count() == 392
    chaoyang = Region.objects.get(code="500236001001")
    assert [chaoyang.parent.name, chaoyang.parent.parent.name, chaoyang.parent.parent.parent.parent.name] == [
        "永安街道",
        "奉节县",
        "重庆市",
    ]
    assert Region.objects.get(name="竹枝社区居民委员会").pinyin.startswith("zz")
    assert summary.added == Region.objects.count()


@pytest.mark.django_db
def test_a_folder_of_five_files_is_loaded_as_one_table(tmp_path):
    (tmp_path / "provinces.csv").write_text('code,name\n50,"重庆市"\n', encoding="utf-8")
    (tmp_path / "areas.csv").write_text('code,name,cityCode\n500236,"奉节县",5002\n', encoding="utf-8-sig")
    (tmp_path / "villages.csv").write_text("区划代码,名称,城乡分类\n500236100001,白龙村,220\n", encoding="gb18030")
    load_regions(tmp_path, year=2023)
    assert Region.objects.get(code="500236100001").urban_rural == "220"
    assert Region.objects.count() == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "空的"),
        ("甲,乙\n1,2\n", "表头"),
        ("code,name\n50023,奉节\n", "第 2 行"),
        ("code,name\n500236,\n", "第 2 行"),
        ("code,name\n500236,奉节县\n500236000000,巫山县\n", "两个名称"),
        ("code,name\n", "没有区划"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(tmp_path, content, message):
    file = tmp_path / "区划.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RegionFileError, match=message):
        read_table(file)
