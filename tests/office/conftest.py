"""A family with a full file, and signed-in clients of every role."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import Client

from huqing.office import places
from huqing.registry.models import DepartmentRecord, Entry, Label, Source
from huqing.screening.models import Alert, Run

NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
HEAD_ID = "990101195605124318"
PHONE = "13812345678"


@pytest.fixture(autouse=True)
def _nothing_kept():
    """Names of places and counts are kept for minutes; a test must not see another test's."""
    places.forget()
    cache.clear()


@pytest.fixture
def as_role(users_by_role, monkeypatch):
    """A function that gives a signed-in client of a role; the second factor has tests of its own."""
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)

    def sign_in(role: str) -> Client:
        client = Client()
        client.force_login(users_by_role[role])
        return client

    return sign_in


@pytest.fixture
def roster(db):
    return Source.objects.create(kind="roster", title="户信息表_朱衣镇.xlsx", on=dt.date(2024, 3, 31), created_at=NOW)


@pytest.fixture
def family(make_household, regions, roster, users_by_role):
    """王建国's household: three people, a label, values, a change, an alert of each state, two hospital bills."""
    household = make_household(
        grid=regions.grid,
        members=("王建国", "李秀英", "王小明"),
        id_numbers=(HEAD_ID,),
        phone=PHONE,
        items={"wage_income": 1850050, "house_grade": "2", "arable_area": "3.50", "helper_name": "赵文军"},
    )
    household.group_name, household.address = "3组", "砚瓦村3组21号"
    household.head_pinyin = "wjg"
    household.created_by_source = roster
    household.save()
    people = list(household.members.order_by("id"))
    for person, initials in zip(people, ("wjg", "lxy", "wxm"), strict=True):
        person.name_pinyin, person.created_by_source = initials, roster
        person.birth_date = dt.date(1956, 5, 12)
        person.save()
    Label.objects.create(kind="tuopin", household=household, valid_from=dt.date(2018, 12, 31), source=roster)
    Label.objects.create(
        kind="dibao",
        household=household,
        person=people[1],
        valid_from=dt.date(2019, 1, 1),
        valid_to=dt.date(2022, 12, 31),
        source=roster,
    )
    manual = Source.objects.create(
        kind="manual",
        title="页面修改：入户核实",
        on=dt.date(2024, 5, 20),
        created_at=NOW,
        created_by=users_by_role["town"],
    )
    Entry.objects.create(
        household=household, source=manual, on=dt.date(2024, 5, 20), at=NOW, changes={"wage_income": [1200000, 1850050]}
    )
    run = Run.objects.create(
        state="done",
        trigger="manual",
        as_of=dt.date(2024, 5, 31),
        region_code="500236",
        rules_version="1",
        started_at=NOW,
        finished_at=NOW,
        counts={"households": 1, "opened": 2, "closed": 1},
    )
    alert = {
        "household": household,
        "region_code": household.region_code,
        "evidence_hash": "0" * 64,
        "seen_on": NOW.date(),
    }
    Alert.objects.create(finding="dangerous_house", severity="high", opened_on=NOW.date(), opened_by_run=run, **alert)
    Alert.objects.create(
        finding="no_visit", severity="low", opened_on=NOW.date(), state="closed", closed_on=NOW.date(), **alert
    )
    bills = Source.objects.create(
        kind="department",
        record_kind="medical_bill",
        title="医保结算明细5月.csv",
        on=dt.date(2024, 5, 31),
        created_at=NOW,
    )
    for row, total in ((2, 1200000), (3, 85000)):
        DepartmentRecord.objects.create(
            kind="medical_bill",
            fingerprint=f"bill{row}",
            household=household,
            person=people[0],
            region_code=household.region_code,
            on=dt.date(2024, 5, row),
            items={"bill_number": f"YB{row}", "care_kind": "1", "total": total},
            source=bills,
            row_number=row,
        )
    return SimpleNamespace(household=household, people=people, pk=household.pk)
