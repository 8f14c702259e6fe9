"""Fixtures for all tests: a small piece of one county and of another, an account of every role, households."""

from __future__ import annotations

import datetime as dt
import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.serving import Traffic

# The same examples every time; a busy machine makes them slowly, and that is nobody's fault.
settings.register_profile("huqing", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("huqing")

NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
PASSWORD = "Fengjie-2024!"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Milliseconds until what the screen does not say counts as never said; a machine that does much else draws a page late.
PATIENCE = 60_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--lang=zh-CN",
]


# What a process remembers for a while by codes and numbers that mean something else in the next test.
REMEMBERED = {
    "huqing.access.procedures": "_PARSED",
    "huqing.office.places": "_KEPT",
    "huqing.office.views.public": "_KEPT",
    "huqing.office.views.public_draws": "_KEPT",
    "huqing.office.views.public_matters": "_KEPT",
    "huqing.screening.actions": "_rechecker",
    "huqing.visits.lists": "_held",
}


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    """Every test begins like a process that has just started, whatever ran before it."""
    for module, name in REMEMBERED.items():
        if loaded := sys.modules.get(module):
            known = getattr(loaded, name)
            (known.clear if isinstance(known, dict) else known.cache_clear)()
    if loaded := sys.modules.get("django.core.cache"):
        loaded.cache.clear()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests; they are skipped only where there is none."""
    if CHROMIUM is None:
        pytest.skip("没有找到 Chromium（chromium、chromium-browser 或 google-chrome）")
    from django.db import connections
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    # Playwright keeps an event loop in this thread, which Django takes for asynchronous code: it would open a second
    # connection for the rest of the run, and the first one would be left open beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    kept = {alias: connections[alias] for alias in connections}
    with sync_playwright() as playwright:
        for alias, connection in kept.items():
            connections[alias] = connection
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def traffic(live_server) -> Traffic:
    """What goes on in the server that all tests of this process share."""
    return Traffic(live_server.thread.httpd)


@pytest.fixture
def served(transactional_db, live_server, traffic) -> Iterator[str]:
    """The address of the running product.

    A browser that hangs up does not stop the server: what it asked last is waited for before the tables are emptied,
    or its rows turn up in the next test and PostgreSQL has two that wait for each other.
    """
    yield live_server.url
    traffic.drain()


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """One Spark session for all tests of this process; starting one takes seconds."""
    from huqing.rules.spark_session import session

    with session("local[2]", settings={"spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "2"}) as started:
        yield started


@pytest.fixture
def regions(db) -> SimpleNamespace:
    """Two towns of one county with two villages and a grid each, and one village of another county."""
    from huqing.registry.models import Grid, Region

    level = Region.Level

    def add(code: str, name: str, at: int, parent: Region | None = None) -> Region:
        return Region.objects.create(code=code, name=name, level=at, parent=parent)

    county = add("500236000000", "奉节县", level.COUNTY)
    town = add("500236101000", "朱衣镇", level.TOWN, county)
    village = add("500236101201", "砚瓦村", level.VILLAGE, town)
    next_village = add("500236101202", "仁和村", level.VILLAGE, town)
    other_town = add("500236102000", "甲高镇", level.TOWN, county)
    other_village = add("500236102201", "龙潭村", level.VILLAGE, other_town)
    foreign_county = add("500237000000", "巫山县", level.COUNTY)
    foreign_town = add("500237101000", "庙宇镇", level.TOWN, foreign_county)
    foreign_village = add("500237101201", "永乐村", level.VILLAGE, foreign_town)
    grid = Grid.objects.create(village=village, number=1, name="砚瓦一网格", region_code=village.code)
    next_grid = Grid.objects.create(village=village, number=2, name="砚瓦二网格", region_code=village.code)
    return SimpleNamespace(
        county=county,
        town=town,
        village=village,
        next_village=next_village,
        other_town=other_town,
        other_village=other_village,
        foreign_county=foreign_county,
        foreign_village=foreign_village,
        grid=grid,
        next_grid=next_grid,
    )


@pytest.fixture
def users_by_role(regions) -> dict:
    """One account per role, for the county, town, village and grid of ``regions``; all have the password PASSWORD."""
    from django.contrib.auth.hashers import make_password

    from huqing.access.models import Role, User

    places = {
        Role.COUNTY: "500236",
        Role.TOWN: "500236101",
        Role.VILLAGE: regions.village.code,
        Role.GRID: regions.village.code,
        Role.DEPARTMENT: "500236",
        Role.READER: "500236",
        Role.VISITOR: "500236",
    }
    return {
        role.value: User.objects.create(
            username=role.value,
            display_name=role.label,
            role=role,
            region_code=places.get(role, ""),
            grid_id=regions.grid.pk if role == Role.GRID else None,
            department="医疗保障局" if role == Role.DEPARTMENT else "",
            password=make_password(PASSWORD),
        )
        for role in Role
    }


@pytest.fixture
def make_household(regions):
    """A function that makes a household with its members, by plain ORM; members are names, the first is the head."""
    from huqing.access.seal import seal, token
    from huqing.registry.models import Household, Membership, Person

    numbers = itertools.count(1)

    def make(*, village=None, grid=None, members=("张三",), items=None, id_numbers=(), phone="") -> Household:
        place = village or regions.village
        household = Household.objects.create(
            number=f"T{next(numbers):04d}",
            village=place,
            region_code=place.code,
            grid=grid,
            head_name=members[0],
            member_count=len(members),
            items=items or {},
            phone_sealed=seal(phone, "phone") if phone else None,
            phone_token=token("phone", phone) if phone else "",
            updated_at=NOW,
        )
        for index, name in enumerate(members):
            number = id_numbers[index] if index < len(id_numbers) else ""
            person = Person.objects.create(
                name=name,
                household=household,
                relation="01" if index == 0 else "03",
                region_code=place.code,
                id_number_sealed=seal(number, "id_number") if number else None,
                id_token=token("id_number", number) if number else "",
                updated_at=NOW,
            )
            Membership.objects.create(
                person=person, household=household, relation=person.relation, joined_on=dt.date(2020, 1, 1)
            )
        return household

    return make
