"""Two who write to one family wait for each other, never for good: the household is locked before its people."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from huqing.office import edits
from huqing.registry import actions
from huqing.standards.fields import record_kinds
from huqing.visits.models import Submission

from .building import converted, send, stored, text

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite 一次只让一个程序写"),
]
DAY = dt.date(2024, 6, 1)
LOCKED = re.compile(r'FROM "registry_(household|person)".* FOR UPDATE')
WRITTEN = re.compile(r'(?:UPDATE|INSERT INTO) "registry_(household|person)"')


def named_by_the_office(household, person, user):
    name = record_kinds()["person"]["name"]
    edits.edit_field(
        by=user, row=person, field=name, typed=["李四四"], on=DAY, reason="核实", seen=edits.fingerprint(name, person)
    )


def corrected_by_the_office(household, person, user):
    actions.set_values(household=household, person=person, values={"name": "李四四"}, by=user, on=DAY, reason="核实")


def left(household, person, user):
    actions.remove_member(person=person, by=user, on=DAY, leave_reason="08", reason="迁出")


def joined(household, person, user):
    values = {"name": "王小", "relation": "03"}
    actions.add_member(household=household, values=values, by=user, on=DAY, join_reason="06", reason="出生")


def made_head(household, person, user):
    head = household.members.get(relation="01")
    actions.change_head(household=household, head=person, relations={head.pk: "02"}, by=user, on=DAY, reason="户主变更")


def visited(household, person, user):
    rows = (
        "| | begin_repeat | members | 成员 | person | | |\n"
        "| | select_one yes_no | signed | 签约 | person.family_doctor | person.family_doctor | |\n"
        "| | end_repeat | | | | | |",
        "| | decimal | wage | 工资 | | household.wage_income | |",
    )
    turn = {"members_person": person.pk, "signed": "yes"}
    send(stored(converted(text(*rows))), {"household": household.pk, "members": [turn], "wage": "5000"}, user)
    assert len(Submission.objects.get().landing["applied"]) == 2


@pytest.mark.parametrize(
    "write",
    [named_by_the_office, corrected_by_the_office, left, joined, made_head, visited],
    ids=lambda one: one.__name__,
)
def test_whoever_writes_to_a_family_locks_the_household_before_its_people(write, make_household, users_by_role):
    household = make_household(members=("张三", "李四"))
    person = household.members.get(name="李四")
    with CaptureQueriesContext(connection) as told:
        write(household, person, users_by_role["county"])
    touched = [
        found.group(1)
        for query in told.captured_queries
        if (found := LOCKED.search(query["sql"]) or WRITTEN.search(query["sql"]))
    ]
    assert touched[0] == "household"
    assert "person" in touched
