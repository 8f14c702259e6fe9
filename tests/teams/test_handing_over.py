"""Handing duties over, standing in, moving and leaving."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.registry.household_actions import cancel_household
from huqing.registry.models import Region
from huqing.teams import actions, handing_over, ledger_queries, postings
from huqing.teams.models import Handover, Posting, Responsibility, Staff, Unit

SINCE, ON = dt.date(2024, 1, 1), dt.date(2024, 6, 1)
EVE = dt.date(2024, 5, 31)


@pytest.fixture
def staff(regions):
    """A function that registers somebody of the county."""
    unit = Unit.objects.create(name="县教育局", region_code="500236")

    def make(name, region=regions.county.code, **values):
        return Staff.objects.create(name=name, kind="1", unit=unit, region_code=region, **values)

    return make


@pytest.fixture
def held(staff, make_household, regions):
    """赵文军 with six households in two villages."""
    leaving = staff("赵文军")
    villages = [regions.village] * 3 + [regions.other_village] * 3
    lines = [
        Responsibility.objects.create(
            staff=leaving, role="helper", household=household, region_code=household.region_code, since=SINCE
        )
        for household in (make_household(village=village) for village in villages)
    ]
    return leaving, lines


@pytest.fixture
def county(users_by_role):
    return users_by_role["county"]


def test_all_duties_go_to_one_person_from_a_day_on(held, staff, county):
    leaving, lines = held
    receiver = staff("钱学农")
    done = handing_over.hand_over(
        staff=leaving, to={line.pk: receiver for line in lines}, on=ON, reason="工作调动", by=county
    )
    assert set(Responsibility.objects.filter(staff=leaving).values_list("until", flat=True)) == {EVE}
    begun = Responsibility.objects.filter(staff=receiver)
    assert {line.household_id for line in begun} == {line.household_id for line in lines}
    assert {(line.since, line.until) for line in begun} == {(ON, None)}
    assert done.lines.count() == len(lines)
    event = AuditEvent.objects.get(action="duty_hand_over")
    assert event.detail["lines"] == 6
    assert event.detail["roles"] == {"帮扶责任人": 6}


def test_several_receivers_share_evenly_and_keep_villages_together(held, staff):
    _, lines = held
    first, second = staff("甲"), staff("乙")
    shares = handing_over.spread(lines, [first, second])
    places = {
        person.name: {line.region_code for line in lines if shares[line.pk] == person} for person in (first, second)
    }
    assert [len([one for one in shares.values() if one == person]) for person in (first, second)] == [3, 3]
    assert not places["甲"] & places["乙"]


def test_who_already_holds_the_duty_only_keeps_it(held, staff, county):
    leaving, lines = held
    receiver = staff("钱学农")
    own = Responsibility.objects.create(
        staff=receiver, role="helper", household=lines[0].household, region_code=lines[0].region_code, since=SINCE
    )
    handing_over.hand_over(staff=leaving, to={line.pk: receiver for line in lines}, on=ON, reason="退休", by=county)
    assert list(Responsibility.objects.filter(staff=receiver, household=lines[0].household)) == [own]


@pytest.mark.parametrize(
    ("on", "why"), [(SINCE, "才开始"), (dt.date(2023, 1, 1), "才开始")], ids=["same day", "before they began"]
)
def test_a_day_before_the_duties_began_is_refused_and_nothing_is_written(held, staff, county, on, why):
    leaving, lines = held
    receiver = staff("钱学农")
    with pytest.raises(ValidationError, match=why):
        handing_over.hand_over(staff=leaving, to={lines[0].pk: receiver}, on=on, reason="退休", by=county)
    assert not Handover.objects.exists()
    assert not Responsibility.objects.filter(staff=receiver).exists()


def test_who_has_left_or_is_the_same_person_cannot_receive(held, staff, county):
    leaving, lines = held
    gone = staff("孙退休", left_on=dt.date(2024, 3, 1))
    for receiver, why in ((gone, "离任"), (leaving, "本人")):
        with pytest.raises(ValidationError, match=why):
            handing_over.hand_over(staff=leaving, to={lines[0].pk: receiver}, on=ON, reason="退休", by=county)
    assert not Responsibility.objects.filter(until__isnull=False).exists()


def test_a_town_hands_over_only_what_it_sees(held, staff, users_by_role, regions):
    leaving, lines = held
    receiver = staff("钱学农", region=regions.town.code)
    town = users_by_role["town"]
    with pytest.raises(ValidationError, match="3 条不属于"):
        handing_over.hand_over(staff=leaving, to={line.pk: receiver for line in lines}, on=ON, reason="退休", by=town)
    with pytest.raises(Refused):
        handing_over.hand_over(staff=leaving, to={lines[0].pk: staff("外镇人")}, on=ON, reason="退休", by=town)


def test_a_resident_cannot_be_in_two_villages_at_once(staff, regions, county):
    here, there = staff("驻村甲"), staff("驻村乙")
    for person, village in ((here, regions.village), (there, regions.other_village)):
        Responsibility.objects.create(
            staff=person, role="resident", village=village, region_code=village.code, since=SINCE
        )
    line = Responsibility.objects.get(staff=here)
    with pytest.raises(ValidationError, match="一个人不能同时在两处"):
        handing_over.hand_over(staff=here, to={line.pk: there}, on=ON, reason="轮换", by=county)


def test_standing_in_ends_by_itself_and_leaves_the_own_lines(held, staff, county):
    leaving, _ = held
    substitute = staff("代理人")
    until = dt.date(2024, 6, 30)
    assert handing_over.stand_in(staff=leaving, substitute=substitute, since=ON, until=until, by=county) == 6
    assert Responsibility.objects.filter(staff=leaving, until=None).count() == 6
    stood = Responsibility.objects.filter(staff=substitute)
    assert {(line.since, line.until, line.stands_in_for.staff) for line in stood} == {(ON, until, leaving)}
    with pytest.raises(ValidationError, match="重叠"):
        handing_over.stand_in(staff=leaving, substitute=substitute, since=until, until=until, by=county)
    with pytest.raises(ValidationError, match="早于"):
        handing_over.stand_in(staff=leaving, substitute=substitute, since=until, until=ON, by=county)


def test_whoever_stood_in_may_take_the_duties_over_and_stands_in_no_longer(held, staff, county):
    leaving, lines = held
    substitute = staff("钱学农")
    handing_over.stand_in(staff=leaving, substitute=substitute, since=SINCE, until=dt.date(2024, 12, 31), by=county)
    handing_over.hand_over(
        staff=leaving, to={line.pk: substitute for line in lines[:5]}, on=ON, reason="退休", by=county
    )
    spans = Responsibility.objects.filter(staff=substitute, household=lines[0].household).order_by("since")
    assert list(spans.values_list("since", "until", "stands_in_for")) == [(SINCE, EVE, lines[0].pk), (ON, None, None)]
    # One line more is ended by hand.
    actions.end_duty(by=county, duty=lines[5], on=EVE)
    assert set(Responsibility.objects.exclude(stands_in_for=None).values_list("until", flat=True)) == {EVE}


def test_a_town_lets_nobody_from_elsewhere_stand_in(held, staff, users_by_role, regions):
    leaving, _ = held
    elsewhere = staff("外镇人", region=regions.other_town.code)
    span = {"since": ON, "until": dt.date(2024, 6, 30)}
    with pytest.raises(Refused, match="外镇人 不在您的管辖范围内"):
        handing_over.stand_in(staff=leaving, substitute=elsewhere, by=users_by_role["town"], **span)
    assert not Responsibility.objects.filter(staff=elsewhere).exists()


def test_nobody_receives_what_their_account_does_not_reach(held, staff, county, users_by_role):
    leaving, lines = held
    receiver = staff("镇干部", user=users_by_role["town"])
    with pytest.raises(ValidationError, match="镇干部的账号 town 管辖不到"):
        handing_over.hand_over(staff=leaving, to={one.pk: receiver for one in lines}, on=ON, reason="调动", by=county)
    with pytest.raises(ValidationError, match="管辖不到"):
        handing_over.stand_in(staff=leaving, substitute=receiver, since=ON, until=dt.date(2024, 7, 1), by=county)
    assert not Responsibility.objects.filter(staff=receiver).exists()
    done = handing_over.hand_over(
        staff=leaving, to={one.pk: receiver for one in lines[:3]}, on=ON, reason="调动", by=county
    )
    assert done.lines.count() == 3


def test_whoever_only_stands_in_can_leave(held, staff, county):
    leaving, lines = held
    substitute = staff("钱学农")
    handing_over.stand_in(staff=leaving, substitute=substitute, since=SINCE, until=dt.date(2024, 12, 31), by=county)
    postings.leave(staff=substitute, on=EVE, reason="退休", by=county)
    assert set(Responsibility.objects.filter(staff=substitute).values_list("until", flat=True)) == {EVE}
    assert Responsibility.objects.filter(staff=leaving, until=None).count() == len(lines)


def test_nobody_leaves_while_duties_run_on(held, staff, county):
    leaving, lines = held
    with pytest.raises(ValidationError, match="还有 6 条责任"):
        postings.leave(staff=leaving, on=EVE, reason="退休", by=county)
    receiver = staff("钱学农")
    handing_over.hand_over(staff=leaving, to={line.pk: receiver for line in lines}, on=ON, reason="退休", by=county)
    postings.leave(staff=leaving, on=EVE, reason="退休", by=county)
    leaving.refresh_from_db()
    assert leaving.left_on == EVE


def test_a_move_keeps_where_somebody_worked_before(held, county, regions):
    leaving, _ = held
    other = Unit.objects.create(name="县水利局", region_code="500236")
    postings.move(staff=leaving, unit=other, position="副局长", region_code="500236101", on=ON, by=county)
    assert [(one.unit.name, one.until) for one in Posting.objects.filter(staff=leaving)] == [
        ("县教育局", EVE),
        ("县水利局", None),
    ]
    leaving.refresh_from_db()
    assert (leaving.unit.name, leaving.region_code) == ("县水利局", regions.town.code)
    with pytest.raises(ValidationError, match="调动日期"):
        postings.move(staff=leaving, unit=None, position="", region_code="500236", on=ON, by=county)


@pytest.mark.usefixtures("held")
def test_gaps_name_places_and_loads_name_people(county, make_household, regions, monkeypatch):
    monkeypatch.setattr(ledger_queries, "today", lambda: ON)
    alone = make_household(village=regions.village)
    by_town = {gap.place: (gap.households, gap.nobody) for gap in ledger_queries.gaps(county, role="helper")}
    assert by_town == {"500236101": (4, 1), "500236102": (3, 0)}
    assert [gap.place for gap in ledger_queries.gaps(county, region="500236101")] == [regions.village.code]
    assert list(ledger_queries.left_alone(county, role="helper")) == [alone]
    assert [(one.name, one.held) for one in ledger_queries.loads(county, at_least=6)] == [("赵文军", 6)]
    assert not ledger_queries.loads(county, at_least=7)


def test_a_cancelled_household_is_nobodys_load(held, county, users_by_role, monkeypatch):
    monkeypatch.setattr(ledger_queries, "today", lambda: ON)
    _, lines = held
    cancel_household(household=lines[0].household, reason="整户迁出", on=ON, by=users_by_role["county"])
    assert [(one.name, one.held) for one in ledger_queries.loads(county)] == [("赵文军", 5)]
    (contact,) = ledger_queries.contacts(Region.objects.get(code=lines[0].region_code), county)
    assert contact.households == 2


def test_a_grid_or_village_line_covers_its_households(county, staff, make_household, regions, monkeypatch):
    monkeypatch.setattr(ledger_queries, "today", lambda: ON)
    make_household(grid=regions.grid)
    make_household()
    Responsibility.objects.create(
        staff=staff("网格甲"), role="grid_worker", grid=regions.grid, region_code=regions.village.code, since=SINCE
    )
    assert [gap.nobody for gap in ledger_queries.gaps(county, role="grid_worker")] == [1]
    Responsibility.objects.create(
        staff=staff("领导"),
        role="village_leader",
        village=regions.village,
        region_code=regions.village.code,
        since=SINCE,
    )
    assert [gap.nobody for gap in ledger_queries.gaps(county)] == [0]


def test_the_database_itself_refuses_the_same_open_duty_twice(held):
    from django.db import IntegrityError, transaction

    _, lines = held
    with pytest.raises(IntegrityError), transaction.atomic():
        Responsibility.objects.create(
            staff=lines[0].staff, role="helper", household=lines[0].household, region_code="1", since=ON
        )
    assert Region.objects.exists()
