"""A small village with households, for the registry's tests."""

from __future__ import annotations

import datetime as dt
import sqlite3

import pytest
from django.db import connection

from huqing.registry.models import Household, Membership, Person, Region, Source

NOW = dt.datetime(2024, 3, 1, 8, 30, 15, tzinfo=dt.UTC)


@pytest.fixture
def county(db):
    county = Region.objects.create(code="500236", name="奉节县", level=Region.Level.COUNTY)
    town = Region.objects.create(code="500236001", name="永安街道", level=Region.Level.TOWN, parent=county)
    for code, name in (("500236001001", "朝阳社区"), ("500236001002", "竹枝社区")):
        Region.objects.create(code=code, name=name, level=Region.Level.VILLAGE, parent=town)
    return county


@pytest.fixture
def village(county):
    return Region.objects.get(code="500236001001")


@pytest.fixture
def other_village(county):
    return Region.objects.get(code="500236001002")


@pytest.fixture
def roster(db):
    """The source of everything the test village holds at first."""
    return Source.objects.create(kind="roster", title="户信息表.xlsx", on=dt.date(2023, 12, 31), created_at=NOW)


@pytest.fixture
def make_household(village, roster):
    """Make a household with members given as (name, relation); returns it."""

    def make(number="H1", *members, place=None, **values):
        place = place or village
        household = Household.objects.create(
            number=number,
            village=place,
            region_code=place.code,
            head_name=members[0][0] if members else values.pop("head_name", "张三"),
            member_count=len(members) or None,
            created_by_source=roster,
            updated_at=NOW,
            **values,
        )
        for name, relation in members:
            person = Person.objects.create(
                name=name,
                household=household,
                relation=relation,
                region_code=place.code,
                created_by_source=roster,
                updated_at=NOW,
            )
            Membership.objects.create(
                person=person, household=household, relation=relation, joined_on=dt.date(2014, 1, 1), source=roster
            )
        return household

    return make


@pytest.fixture
def on_disk(transactional_db, tmp_path):
    """Call it when the rows are written: other connections then find them in a database file too."""

    def write_out():
        if connection.vendor == "sqlite" and connection.is_in_memory_db():
            path = tmp_path / "copy.sqlite3"
            with sqlite3.connect(path) as copy:
                connection.connection.backup(copy)
                copy.execute("PRAGMA journal_mode = WAL")
            copy.close()
            connection.settings_dict["NAME"] = str(path)

    name = connection.settings_dict["NAME"]
    yield write_out
    connection.settings_dict["NAME"] = name


@pytest.fixture(autouse=True)
def _own_data_folder(settings, tmp_path):
    settings.DATA = tmp_path / "data"
