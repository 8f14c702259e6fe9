"""What goes to a phone: one's own households, only what has changed, and never a number of anybody."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from huqing.access.numbers import has_number
from huqing.registry.models import DepartmentRecord, Entry, Grid, Household, Label, Person, Source
from huqing.screening.models import Alert
from huqing.teams.actions import end_duty
from huqing.teams.models import Responsibility
from huqing.teams.queries import households_of
from huqing.visits import cursor
from huqing.visits.lists import lists_for
from huqing.visits.models import FormVersion, VisitTask
from huqing.visits.packet import MOST_HOUSEHOLDS
from huqing.visits.packet import packet_for as made_for
from huqing.visits.tasks import visited

from .calendar_world import DAY, filled, listed, made_responsible, recorded, refreshed, said, use

pytestmark = pytest.mark.django_db
ID_NUMBER, PHONE = "990000199003077596", "13900001111"


@pytest.fixture(autouse=True)
def stand_still(monkeypatch):
    """Today is the day of these tests wherever the product asks for it."""
    for module in ("huqing.visits.tasks", "huqing.visits.refreshing", "huqing.visits.packet", "huqing.teams.queries"):
        monkeypatch.setattr(f"{module}.working_day", lambda today: DAY)


@pytest.fixture
def visitor(users_by_role):
    return users_by_role["visitor"]


@pytest.fixture
def family(make_household, visitor):
    """A listed household of three that the visitor helps, with an alert, a visit and the method in use."""
    use()
    household = listed(
        make_household(
            members=("张三", "李四", "张小"),
            id_numbers=(ID_NUMBER,),
            phone=PHONE,
            items={"water_safe": False, "income_per_head": 456_700, "arable_area": "3.50"},
        )
    )
    said(household.members.get(name="李四"), health=["02"])
    Alert.objects.create(
        finding="unsafe_water",
        household=household,
        region_code=household.region_code,
        severity="high",
        evidence_hash="0" * 64,
        opened_on=dt.date(2024, 5, 2),
        seen_on=DAY,
    )
    recorded(household, dt.date(2024, 5, 20))
    made_responsible(visitor, "helper", household=household)
    refreshed()
    return household


def packet_for(user, since: str = "") -> dict:
    """A packet as the phone reads it."""
    return json.loads(made_for(user, since).encoded())


def one(packet: dict) -> dict:
    (household,) = packet["households"]
    return household


def test_a_full_packet_tells_what_somebody_at_the_door_needs(family, visitor):
    packet = packet_for(visitor)
    told = one(packet)
    assert (packet["full"], packet["day"], packet["user"]["name"]) == (True, "2024-06-01", visitor.display_name)
    assert (told["number"], told["head"], told["labels"]) == (family.number, "张三", ["脱贫户"])
    assert ["饮水是否安全", "否", ""] in told["facts"]
    assert ["人均纯收入", "4,567 元/人·年", ""] in told["facts"]
    assert (told["members"][0]["name"], told["members"][0]["relation"]) == ("张三", "户主")
    assert next(member for member in told["members"] if member["name"] == "李四")["notes"] == ["长期慢性病"]
    assert told["alerts"][0]["since"] == "2024-05-02"
    assert told["alerts"][0]["resolve"]
    assert told["visits"] == [
        {"on": "2024-05-20", "kind": "1", "title": "干部走访", "by": "台账走访人", "state": "台账", "reason": ""}
    ]
    (cadre,) = told["tasks"]
    assert (cadre["title"], cadre["form"], cadre["due"], cadre["last"], cadre["unchanged"]) == (
        "干部走访",
        "four_visits_cadre",
        "2024-06-20",
        "2024-05-20",
        True,
    )
    assert told["read"]["household"]["water_safe"] == "no"
    assert packet["villages"][0]["title"] == "砚瓦村"


def test_a_phone_gets_only_the_forms_and_tasks_of_ones_own_duties(family, users_by_role, visitor):
    assert [form["form_id"] for form in packet_for(visitor)["forms"]] == ["four_visits_cadre"]
    Responsibility.objects.all().delete()
    child = family.members.get(name="李四")
    made_responsible(visitor, "family_doctor", person=child)
    packet = packet_for(visitor)
    assert [form["form_id"] for form in packet["forms"]] == ["four_visits_doctor"]
    assert [task["person"] for task in one(packet)["tasks"]] == [child.pk]
    assert one(packet)["tasks"][0]["group"] == "慢性病患者"


def test_a_form_comes_with_all_that_it_needs_to_be_filled_in(family, visitor):
    (form,) = packet_for(visitor)["forms"]
    assert form["xml"] == f"forms/{form['pk']}/form.xml"
    assert {"household.csv", "person.csv"} <= set(form["lists"])
    assert {"subject": "household", "key": "water_safe", "words": False} in form["needs"]
    assert form["subjects"]["household"].startswith("/")
    assert (form["method"], form["visit"], form["kind"]) == ("four_visits", "cadre", "1")


def test_no_number_of_anybody_goes_to_a_phone(family, visitor, users_by_role):
    for user in (visitor, users_by_role["village"], users_by_role["grid"]):
        text = made_for(user).encoded().decode()
        assert ID_NUMBER not in text
        assert PHONE not in text
        assert not [word for word in json.loads(text)["households"] if has_number(json.dumps(word["members"]))]


def test_nothing_changed_is_nothing_sent(family, visitor):
    first = packet_for(visitor)
    second = packet_for(visitor, first["cursor"])
    assert (second["full"], second["households"], second["gone"]) == (False, [], [])
    assert second["cursor"] == first["cursor"]


def changed_name(family):
    family.head_name = "张老三"
    family.save()


def moved_member(family):
    Person.objects.filter(name="张小").update(household=None)


def closed_alert(family):
    Alert.objects.update(state="closed", closed_on=DAY)


def lost_label(family):
    Label.objects.update(valid_to=dt.date(2024, 5, 31))


def new_value(family):
    source = Source.objects.create(kind="manual", title="x", on=DAY, created_at=family.updated_at)
    Entry.objects.create(household=family, source=source, on=DAY, at=family.updated_at, changes={"water_safe": [0, 0]})


def undone_ledger(family):
    DepartmentRecord.objects.update(retired_by=Source.objects.first())


def other_deadline(family):
    VisitTask.objects.filter(visit="cadre").update(due_on=dt.date(2024, 6, 2))


@pytest.mark.parametrize(
    "change", [changed_name, moved_member, closed_alert, lost_label, new_value, undone_ledger, other_deadline]
)
def test_whatever_changes_about_a_household_comes_with_the_next_packet(change, family, visitor, make_household):
    other = make_household()
    made_responsible(visitor, "linked", household=other)
    before = packet_for(visitor)
    change(family)
    after = packet_for(visitor, before["cursor"])
    assert not after["full"]
    assert family.pk in {household["id"] for household in after["households"]}
    assert packet_for(visitor, after["cursor"])["households"] == []


def test_the_state_of_ones_record_comes_with_the_next_packet(family, visitor):
    before = packet_for(visitor)
    record = filled("four_visits_cadre", visitor, DAY, household=family)
    visited(record)
    after = packet_for(visitor, before["cursor"])
    assert one(after)["visits"][0]["state"] == "待审核"
    record.state, record.return_reason = "returned", "请补照片"
    record.save()
    again = packet_for(visitor, after["cursor"])
    assert (one(again)["visits"][0]["state"], one(again)["visits"][0]["reason"]) == ("已退回", "请补照片")


def test_a_household_that_is_no_longer_ones_own_is_named_as_gone(family, visitor, make_household):
    made_responsible(visitor, "helper", household=make_household())
    before = packet_for(visitor)
    end_duty(by=None, duty=Responsibility.objects.get(household=family), on=DAY - dt.timedelta(1), reason="调整")
    after = packet_for(visitor, before["cursor"])
    assert after["gone"] == [family.pk]
    assert family.pk not in {household["id"] for household in after["households"]}


def test_without_a_right_cursor_everything_comes(family, visitor, users_by_role):
    right = packet_for(visitor)["cursor"]
    village = packet_for(users_by_role["village"])["cursor"]
    for wrong in (
        "x",
        "AAAA",
        right[:-3],
        right[:9] + ("A" if right[9] != "A" else "B") + right[10:],
        village,
        "é" * 9,
        "0" * 200_000,
    ):
        packet = packet_for(visitor, wrong)
        assert (packet["full"], len(packet["households"]), packet["gone"]) == (True, 1, [])


def test_a_cursor_of_a_thousand_households_fits_an_address():
    contents = {7_000_000 + 13 * number: str(number).encode() for number in range(1000)}
    made = cursor.made(contents)
    text = cursor.written(made, 42)
    assert len(text) < 3600
    assert cursor.read(text, 42) == made
    contents[7_000_000 + 13 * 5] = b"other"
    told = cursor.changed(made, contents)
    assert 7_000_065 in told
    assert len(told) < 10


def test_more_households_cost_no_more_queries(family, visitor, make_household):
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as told:
            packet_for(visitor)
        return len(told)

    # What never changes, such as a published form, is read the first time only.
    queries()
    few = queries()
    for _ in range(12):
        made_responsible(visitor, "linked", household=listed(make_household(members=("甲", "乙"))))
    refreshed()
    assert queries() == few


def test_a_phone_carries_no_more_than_it_can(family, visitor, make_household, monkeypatch):
    made_responsible(visitor, "linked", household=make_household())
    monkeypatch.setattr("huqing.visits.packet.MOST_HOUSEHOLDS", 1)
    packet = packet_for(visitor)
    assert (len(packet["households"]), packet["left_out"]) == (1, 1)
    assert MOST_HOUSEHOLDS > 1000


def test_households_that_share_nothing_are_carried_too(users_by_role, regions):
    numbers = range(1, 1_101)
    grids = Grid.objects.bulk_create(
        Grid(village=regions.village, number=number + 10, name=f"{number}网格", region_code=regions.village.code)
        for number in numbers
    )
    Household.objects.bulk_create(
        Household(
            number=f"G{number}",
            village=regions.village,
            region_code=regions.village.code,
            grid=grid,
            head_name=f"户主{number}",
            updated_at=timezone.now(),
        )
        for number, grid in zip(numbers, grids, strict=True)
    )
    told = packet_for(users_by_role["village"])["households"]
    assert {home["number"]: home["grid"] for home in told} == {f"G{number}": f"{number}网格" for number in numbers}


def test_a_village_officer_gets_the_visits_to_the_village_itself(make_household, users_by_role, regions):
    use("five_looks")
    make_household()
    refreshed()
    (village,) = packet_for(users_by_role["village"])["villages"]
    assert village["id"] == regions.village.pk
    assert [task["title"] for task in village["tasks"]] == ["季度书面报告"]
    assert packet_for(users_by_role["grid"])["villages"] == []


def test_whoever_looks_after_nobody_gets_an_empty_packet(family, users_by_role):
    for role in ("county", "town"):
        packet = packet_for(users_by_role[role])
        assert (packet["households"], packet["full"]) == ([], True)


@pytest.mark.parametrize("key", ["four_visits", "linked_visits", "five_looks"])
def test_the_packet_and_the_lists_for_other_clients_say_the_same(key, make_household, visitor, regions):
    use(key)
    items = {
        "water_safe": False,
        "income_per_head": 456_700,
        "house_grade": "C",
        "risks": ["01"],
        "arable_area": "3.50",
    }
    household = listed(make_household(members=("张三", "李四"), items=items))
    said(household.members.get(name="李四"), health=["02", "04"], labour="01")
    for role in ("helper", "village_officer", "paired_teacher", "home_teacher", "family_doctor", "agronomist"):
        made_responsible(visitor, role, household=household)
    made_responsible(visitor, "village_leader", village=regions.village)
    made_responsible(visitor, "backing_unit", village=regions.village)
    packet = packet_for(visitor)
    told = one(packet)
    rows = {"household.csv": {str(told["id"]): told["read"]["household"]}, "person.csv": told["read"]["person"]}
    rows["village.csv"] = {str(village["id"]): village["read"] for village in packet["villages"]}
    compared = 0
    for form in packet["forms"]:
        version = FormVersion.objects.select_related("form").get(pk=form["pk"])
        for name, content in lists_for(version, households_of(visitor)).items():
            needed = {
                need["key"] + "_words" * need["words"] for need in form["needs"] if f"{need['subject']}.csv" == name
            }
            for row in csv.DictReader(io.StringIO(content.decode())):
                same = packet["parameters"] if name == "parameter.csv" else rows[name].get(row.get("id", ""), {})
                assert {column: row[column] for column in needed} == {column: same.get(column, "") for column in needed}
                compared += len(needed)
    assert compared > 3
