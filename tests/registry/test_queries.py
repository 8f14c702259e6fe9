"""A file reads back with sources and dates; search finds what an account may see, and only that."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection

from huqing.access.models import User
from huqing.access.seal import seal, token
from huqing.registry import actions, queries
from huqing.registry.models import DepartmentRecord, Household
from huqing.standards.regioncodes import Level

DAY = dt.date(2024, 3, 1)
ID_NUMBER = "990236199001010019"
PHONE = "13912345678"


def user(region, role="county", **more):
    return User.objects.create(username=f"u{User.objects.count()}", role=role, region_code=region, **more)


@pytest.fixture
def household(make_household):
    items = {"wage_income": 1234567, "fuel": "04", "risks": ["01", "02"], "arable_area": "3.50"}
    household = make_household("5002360010010001", ("张建国", "01"), ("李梅", "02"), items=items)
    household.head_pinyin, household.group_name, household.address = "zjg", "3组", "朝阳社区3组12号"
    household.phone_sealed, household.phone_token = seal(PHONE), token("phone", PHONE)
    household.save()
    for person, initials in zip(household.members.order_by("relation"), ("zjg", "lm"), strict=True):
        person.name_pinyin = initials
        person.id_token = token("id_number", ID_NUMBER) if initials == "zjg" else ""
        person.save()
    return household


@pytest.fixture
def elsewhere(make_household, other_village):
    household = make_household("5002360010020001", ("张建军", "01"), place=other_village)
    household.head_pinyin = "zjj"
    household.save()
    household.members.update(name_pinyin="zjj")
    return household


def text(sections, key):
    return next(value for section in sections for value in section.values if value.field.key == key)


class TestFile:
    def test_values_read_with_labels_units_sources_and_dates(self, household):
        actions.set_values(household=household, values={"fuel": "柴草"}, by=None, on=DAY, reason="入户核实")
        sections = queries.file_of(Household.objects.get(pk=household.pk)).sections
        wage, fuel, risks = (text(sections, key) for key in ("wage_income", "fuel", "risks"))
        assert (wage.text, wage.source.title, wage.on) == ("12345.67元/年", "户信息表.xlsx", dt.date(2023, 12, 31))
        assert (fuel.text, fuel.source.title, fuel.on) == ("柴草", "页面修改：入户核实", DAY)
        assert risks.text.count("、") == 1
        assert text(sections, "house_area").text == ""
        assert text(sections, "house_area").source is None

    def test_every_declared_field_of_household_and_members_is_there(self, household):
        shown = queries.file_of(household)
        assert sum(len(section.values) for section in shown.sections) >= 72
        assert [person.name for person, _ in shown.members] == ["张建国", "李梅"]
        assert sum(len(section.values) for section in shown.members[0][1]) >= 47

    def test_a_sealed_value_is_shown_masked(self, household):
        phone = text(queries.file_of(household).sections, "phone")
        assert phone.text.startswith("139")
        assert PHONE not in phone.text

    def test_a_file_takes_four_queries_whatever_the_family(self, household, django_assert_max_num_queries):
        household = Household.objects.select_related("created_by_source").get(pk=household.pk)
        with django_assert_max_num_queries(4):
            queries.file_of(household)

    def test_the_history_reads_as_text_newest_first(self, household):
        for fuel, day in (("柴草", DAY), ("煤炭", DAY + dt.timedelta(days=1))):
            actions.set_values(household=household, values={"fuel": fuel}, by=None, on=day, reason="入户核实")
        events = queries.history(household)
        assert [(c.label, c.old, c.new) for event in events for c in event.changes] == [
            ("主要燃料类型", "柴草", "煤炭"),
            ("主要燃料类型", "清洁能源", "柴草"),
        ]

    def test_department_rows_are_grouped_by_kind_without_retired_ones(self, household, roster):
        row = {"household": household, "fingerprint": "f", "source": roster}
        bill = {"kind": "medical_bill", "items": {"self_paid": 500050, "care_kind": "1"}}
        DepartmentRecord.objects.create(**row, **bill, row_number=3, on=DAY)
        DepartmentRecord.objects.create(**row, **bill, row_number=4, retired_by=roster)
        DepartmentRecord.objects.create(**row, kind="water", row_number=2)
        facts = queries.record_facts(household)
        assert [group.kind.key for group in facts] == ["medical_bill", "water"]
        (_, values) = facts[0].rows[0]
        assert {value.field.key: value.text for value in values if value.text} == {
            "self_paid": "5000.50元",
            "care_kind": "住院",
        }


@pytest.mark.parametrize(
    ("typed", "person"),
    [
        ("张建国", "张建国"),
        ("张建", "张建国"),
        ("李梅", "李梅"),
        ("zjg", "张建国"),
        ("LM", "李梅"),
        (ID_NUMBER, "张建国"),
        ("990236 19900101 0019", "张建国"),
        (PHONE, None),
        ("5002360010010001", None),
        ("50023600100100", None),
        ("朝阳社区", None),
        ("朝阳社区3组", None),
        ("朝阳社区12号", None),
    ],
)
def test_search_finds_the_household_by(household, elsewhere, typed, person):
    hits = queries.search(user("500236001001"), typed)
    assert [hit.household for hit in hits] == [household]
    assert (hits[0].person.name if hits[0].person else None) == person


def test_search_keeps_to_what_the_account_sees(household, elsewhere):
    assert {hit.household for hit in queries.search(user("500236"), "张建")} == {household, elsewhere}
    assert [hit.household for hit in queries.search(user("500236001002", "village"), "张建")] == [elsewhere]
    for role, region in (("system_admin", ""), ("county", ""), ("county", "430725"), ("department", "500236")):
        for typed in ("张建", "zj", ID_NUMBER, PHONE, "500236001", "朝阳社区"):
            assert queries.search(user(region, role), typed) == []


def test_exact_names_come_before_longer_ones(make_household, county):
    make_household("H1", ("王建国", "01"))
    exact = make_household("H2", ("王建", "01"))
    assert queries.search(user("500236"), "王建")[0].household == exact


def test_nothing_typed_finds_nothing(household):
    assert queries.search(user("500236"), "  ") == []


@pytest.mark.parametrize("typed", ["张建", "zj", "50023600100", ID_NUMBER, PHONE])
def test_search_reads_no_table_from_end_to_end(household, typed, django_assert_max_num_queries):
    someone = user("500236")
    with django_assert_max_num_queries(6) as captured:
        queries.search(someone, typed)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for query in captured.captured_queries:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                plan = " ".join(row[3] for row in cursor.fetchall())
                assert "SCAN registry_" not in plan, plan
                assert "USING INDEX person_region" not in plan, plan
                assert "USING INDEX household_region" not in plan, plan


def test_places_count_their_active_households_and_people(household, elsewhere, make_household):
    make_household("H9", ("王五", "01"), status="cancelled")
    assert queries.counts_by_region("500236001", Level.VILLAGE) == {
        "500236001001": {"households": 1, "people": 3},
        "500236001002": {"households": 1, "people": 1},
    }
    town = user("500236001002", "village")
    assert queries.counts_by_region("500236", Level.TOWN, user=town) == {"500236001": {"households": 1, "people": 1}}
