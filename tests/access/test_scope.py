"""Who sees which rows: the county's, the town's, the village's, the grid's, never the neighbour's."""

from __future__ import annotations

import datetime as dt

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import FieldDoesNotExist

from huqing.access.models import Role
from huqing.access.scope import ScopedManager, code_range, covers, prefix_of, sees, visible
from huqing.registry.models import DepartmentRecord, Entry, Grid, Household, Label, Person, Region, Source
from huqing.teams.models import Responsibility, Staff

NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def households(regions, make_household):
    return {
        "grid": make_household(grid=regions.grid, members=("甲",)),
        "next_grid": make_household(grid=regions.next_grid, members=("乙",)),
        "next_village": make_household(village=regions.next_village, members=("丙",)),
        "other_town": make_household(village=regions.other_village, members=("丁",)),
        "foreign": make_household(village=regions.foreign_village, members=("戊",)),
    }


SEES = {
    Role.COUNTY: {"grid", "next_grid", "next_village", "other_town"},
    Role.READER: {"grid", "next_grid", "next_village", "other_town"},
    Role.TOWN: {"grid", "next_grid", "next_village"},
    Role.VILLAGE: {"grid", "next_grid"},
    Role.GRID: {"grid"},
    Role.DEPARTMENT: set(),
    Role.VISITOR: set(),  # until the ledger names somebody: see below
    Role.SYSTEM_ADMIN: set(),
    Role.SECURITY_ADMIN: set(),
    Role.AUDIT_ADMIN: set(),
}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_the_households_and_people_of_its_place_only(role, users_by_role, households):
    expected = {households[name].pk for name in SEES[role]}
    user = users_by_role[role]
    assert set(Household.objects.visible_to(user).values_list("pk", flat=True)) == expected
    assert set(Person.objects.visible_to(user).values_list("household", flat=True)) == expected


@pytest.mark.parametrize("role", list(Role))
def test_narrowed_to_a_region_nobody_sees_more_than_before(role, users_by_role, households):
    user = users_by_role[role]
    before = set(Household.objects.visible_to(user))
    for code in {household.region_code for household in households.values()}:
        for within in (code, code[:9], code[:6]):
            inside = {household for household in before if covers(within, household.region_code)}
            assert set(Household.objects.visible_to(user, within=within)) == inside


@pytest.mark.parametrize("role", list(Role))
def test_what_hangs_on_a_household_is_seen_with_it(role, users_by_role, households):
    source = Source.objects.create(kind="manual", title="t", on=dt.date(2024, 1, 1), created_at=NOW)
    for household in households.values():
        Label.objects.create(kind="monitor", household=household, valid_from=dt.date(2024, 1, 1))
        Entry.objects.create(household=household, source=source, on=dt.date(2024, 1, 1), at=NOW)
    expected = {households[name].pk for name in SEES[role]}
    for model in (Label, Entry):
        rows = model.objects.visible_to(users_by_role[role])
        assert set(rows.values_list("household", flat=True)) == expected


def test_a_visitor_sees_the_households_the_ledger_names_while_it_names_them(users_by_role, households, regions):
    doctor = Staff.objects.create(
        name="医生", kind="3", user=users_by_role["visitor"], region_code=regions.village.code
    )

    def seen() -> set[int]:
        people = set(Person.objects.visible_to(doctor.user).values_list("household", flat=True))
        assert set(Household.objects.visible_to(doctor.user).values_list("pk", flat=True)) == people
        return people

    common = {"staff": doctor, "role": "family_doctor", "region_code": regions.village.code}
    ended = Responsibility.objects.create(
        **common, village=regions.next_village, since=dt.date(2024, 1, 1), until=dt.date(2024, 1, 31)
    )
    assert seen() == set()
    Responsibility.objects.create(**common, grid=regions.grid, since=dt.date(2024, 1, 1))
    assert seen() == {households["grid"].pk}
    Responsibility.objects.create(**common, household=households["next_grid"], since=dt.date(2024, 1, 1))
    Responsibility.objects.create(**common, household=households["foreign"], since=dt.date(2024, 1, 1))
    assert seen() == {households["grid"].pk, households["next_grid"].pk}
    ended.until = None
    ended.save()
    assert households["next_village"].pk in seen()


def test_a_department_sees_its_own_kinds_of_records_and_no_others(users_by_role, regions):
    source = Source.objects.create(kind="department", title="t", on=dt.date(2024, 1, 1), created_at=NOW)
    for kind, place in (
        ("insured", regions.village),
        ("disability", regions.village),
        ("insured", regions.foreign_village),
    ):
        DepartmentRecord.objects.create(kind=kind, fingerprint="f", region_code=place.code, source=source, row_number=1)
    seen = DepartmentRecord.objects.visible_to(users_by_role["department"])
    assert [(row.kind, row.region_code) for row in seen] == [("insured", regions.village.code)]


def test_places_are_seen_by_everyone_who_has_a_place(users_by_role, regions):
    assert set(Grid.objects.visible_to(users_by_role["department"])) == {regions.grid, regions.next_grid}
    assert regions.village in Region.objects.visible_to(users_by_role["grid"])
    assert regions.foreign_village not in Region.objects.visible_to(users_by_role["county"])
    assert not Region.objects.visible_to(users_by_role["audit_admin"]).exists()


def test_nobody_without_a_place_or_an_active_account_sees_anything(users_by_role, households):
    user = users_by_role["county"]
    user.region_code = ""
    assert not visible(Household.objects.all(), user).exists()
    user.region_code, user.is_active = "500236", False
    assert not visible(Household.objects.all(), user).exists()
    for nobody in (None, AnonymousUser()):
        assert not visible(Household.objects.all(), nobody).exists()


def test_a_grid_worker_without_a_grid_sees_nothing(users_by_role, households):
    user = users_by_role["grid"]
    user.grid_id = None
    assert not Household.objects.visible_to(user).exists()


def test_one_row_is_seen_or_not(users_by_role, households):
    assert sees(users_by_role["town"], households["grid"])
    assert not sees(users_by_role["town"], households["other_town"])


@pytest.mark.parametrize(
    ("prefix", "inside", "outside"),
    [
        ("500236", "500236999999", "500237000000"),
        ("500239", "500239999999", "500240000000"),
        ("99", "990000000000", "980000000000"),
        ("500236101201", "500236101201", "500236101202"),
    ],
)
def test_a_prefix_is_a_range_also_where_digits_carry_over(db, prefix, inside, outside):
    Region.objects.create(code=inside, name="内", level=5)
    Region.objects.create(code=outside, name="外", level=5)
    assert [row.name for row in Region.objects.filter(code_range(prefix, "code"))] == ["内"]
    assert [row.name for row in Region.objects.in_region(prefix)] == ["内"]


def test_an_empty_prefix_matches_nothing(regions):
    assert not Region.objects.filter(code_range("", "code")).exists()
    assert not covers("", "500236")


def test_the_range_is_answered_from_the_index(regions, households):
    plan = Household.objects.filter(code_range("500236")).order_by("region_code", "number").explain().lower()
    assert "household_region" in plan or "seq scan" in plan
    assert "like" not in plan


@pytest.mark.parametrize(
    ("code", "prefix"),
    [
        ("", ""),
        ("500236", "500236"),
        ("500236000000", "500236"),
        ("500236100000", "500236100"),
        ("500236100200", "500236100200"),
        ("500000000000", "50"),
        ("500100000000", "5001"),
    ],
)
def test_a_full_code_is_cut_to_what_it_says(code, prefix):
    assert prefix_of(code) == prefix


@pytest.mark.parametrize("code", ["5", "50023610", "五零", "500236abc000", "5002361012011"])
def test_what_is_no_region_code_is_refused(code):
    with pytest.raises(ValueError, match="区划代码"):
        prefix_of(code)


@pytest.mark.parametrize("app", ["registry", "intake", "screening"])
def test_every_model_with_a_region_is_read_through_the_scoped_manager(app):
    for model in apps.get_app_config(app).get_models():
        try:
            model._meta.get_field("region_code")
        except FieldDoesNotExist:
            continue
        assert isinstance(model._default_manager, ScopedManager), model
