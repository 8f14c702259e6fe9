"""Two who do the same at once, or one who sends a form twice: it is done once, and the other is told."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest
from django.core.exceptions import ValidationError
from tests.cases.test_at_once import at_once

from huqing.access.models import Role, User
from huqing.office.views.assessments import methods
from huqing.registry.models import Region
from huqing.teams import absences, allowances, assessments, inspections, presence, units
from huqing.teams.models import (
    Absence,
    AllowanceRun,
    Assessment,
    InspectionRound,
    PresenceDay,
    Responsibility,
    Staff,
    Unit,
    UnitDuty,
)

TODAY, JUNE = dt.date(2024, 7, 5), dt.date(2024, 6, 1)
HALF_YEAR = {"first": dt.date(2024, 1, 1), "last": dt.date(2024, 6, 30)}


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr("huqing.teams.ledger_queries.working_day", lambda day: TODAY)


@pytest.fixture
def member(regions, users_by_role):
    unit = Unit.objects.create(name="县水利局", region_code="500236")
    staff = Staff.objects.create(
        name="驻村甲", kind="7", rank="3", unit=unit, user=users_by_role["visitor"], region_code=regions.county.code
    )
    Responsibility.objects.create(
        staff=staff, role="resident", village=regions.village, region_code=regions.village.code,
        since=dt.date(2024, 1, 1),
    )  # fmt: skip
    return staff


def answers(run, number: int = 2) -> Counter[str]:
    """What those who do this at once are told."""
    found: Counter[str] = Counter()

    def one() -> None:
        try:
            run()
        except ValidationError:
            found["told"] += 1
        except Exception as error:
            found[repr(error)] += 1
        else:
            found["done"] += 1

    at_once(number, one)
    return found


@pytest.mark.django_db(transaction=True)
def test_what_is_sent_twice_is_done_once(member, regions, users_by_role):
    county, visitor = users_by_role["county"], users_by_role["visitor"]
    once = {"done": 1, "told": 1}
    leave = {"kind": "31", "first": dt.date(2024, 7, 10), "last": dt.date(2024, 7, 11), "reason": "家事"}
    assert answers(lambda: absences.ask(staff=member, by=visitor, **leave)) == once
    days = {"first": JUNE, "last": dt.date(2024, 6, 20), "kind": "1"}
    assert answers(lambda: presence.declare(staff=member, by=visitor, **days)) == {"done": 2}
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    assert answers(lambda: allowances.compute(region="500236", month=JUNE, by=county)) == once
    backing = {"role": "backing_unit", "since": JUNE, "until": dt.date(2025, 6, 1), "village": regions.village}
    assert answers(lambda: units.give(unit=member.unit, by=county, **backing)) == once
    method = next(one for one in methods().values() if "resident" in one.duties_of(one.assessments[0].actor))
    asked = {"title": "上半年", "method": method, "plan": method.assessments[0].key, "region": "500236", **HALF_YEAR}
    assert answers(lambda: assessments.make(by=county, **asked)) == once
    drawn = {
        "title": "夜查", "villages": Region.objects.filter(pk=regions.other_village.pk), "inspectors": [member],
        "total": 1, "each": 1, "most": 1, "rounds_apart": 0,
    }  # fmt: skip
    assert answers(lambda: inspections.commit(by=county, **drawn)) == once
    made = (Absence, AllowanceRun, UnitDuty, Assessment, InspectionRound)
    assert [model.objects.count() for model in made] == [1] * len(made)
    assert PresenceDay.objects.count() == 20


@pytest.mark.django_db(transaction=True)
def test_a_day_is_not_taken_back_while_it_is_being_paid(member, users_by_role):
    presence.declare(staff=member, first=JUNE, last=dt.date(2024, 6, 20), kind="1", by=users_by_role["visitor"])
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["village"])
    run = allowances.compute(region="500236", month=JUNE, by=users_by_role["county"])
    other = User.objects.create(username="xian2", display_name="另一经办", role=Role.COUNTY, region_code="500236")
    day = PresenceDay.objects.filter(day=JUNE)
    both = [
        lambda: allowances.approve(run=run, by=other),
        lambda: presence.refuse(days=day, reason="不在村", by=users_by_role["town"]),
    ]

    def either() -> None:
        both.pop()()

    assert answers(either) == {"done": 1, "told": 1}
    assert (AllowanceRun.objects.get().state, day.get().state) in (("approved", "confirmed"), ("computed", "refused"))
