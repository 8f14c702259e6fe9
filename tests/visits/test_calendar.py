"""What is due to whom, how towns keep the cadence, and the numbers of a method's report."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from huqing.visits import calendar
from huqing.visits.calendar import LATER, MONTH, OVERDUE, WEEK, cadence, due_for, of_household, total
from huqing.visits.indicators import indicators, report
from huqing.visits.methods import in_use
from huqing.visits.models import VisitTask
from huqing.visits.tasks import confirm_unchanged, visited

from .calendar_world import COUNTY, DAY, filled, listed, made_responsible, recorded, refreshed, task, use

pytestmark = pytest.mark.django_db
MAY = (dt.date(2024, 5, 1), dt.date(2024, 5, 31))


@pytest.fixture(autouse=True)
def stand_still(monkeypatch):
    """Today is the day of these tests wherever the product asks for it."""
    for module in ("huqing.visits.tasks", "huqing.visits.calendar", "huqing.teams.queries"):
        monkeypatch.setattr(f"{module}.working_day", lambda today: DAY)


@pytest.fixture
def visitor(users_by_role):
    return users_by_role["visitor"]


@pytest.mark.parametrize(
    ("due", "told"),
    [
        ("2024-05-31", OVERDUE),
        ("2024-06-01", WEEK),  # a Saturday; the week ends on Sunday
        ("2024-06-02", WEEK),
        ("2024-06-03", MONTH),
        ("2024-06-30", MONTH),
        ("2024-07-01", LATER),
    ],
)
def test_a_deadline_is_overdue_this_week_this_month_or_later(due, told):
    assert calendar.when(dt.date.fromisoformat(due), DAY) == told


def test_ones_calendar_holds_ones_own_visits_the_most_urgent_first(make_household, visitor, users_by_role):
    use()
    late, soon = listed(make_household(members=("王早",))), listed(make_household(members=("李晚",)))
    not_mine = listed(make_household())
    recorded(late, dt.date(2024, 4, 1))
    recorded(soon, dt.date(2024, 5, 20))
    for household in (late, soon):
        made_responsible(visitor, "helper", household=household)
    refreshed()
    told = due_for(visitor)
    assert [(item.task.household, item.visit.key, item.when) for item in told.due] == [
        (late, "cadre", OVERDUE),
        (soon, "cadre", MONTH),
    ]
    assert (told.due[0].words, told.due[0].actor) == ("逾期 31 天", "网格干部")
    assert told.counts == {OVERDUE: 1, WEEK: 0, MONTH: 1, LATER: 0}
    assert not_mine in {item.task.household for item in due_for(users_by_role["village"]).due}
    assert due_for(users_by_role["county"]).due == []


def test_a_household_page_shows_every_visit_due_there(make_household, regions):
    use()
    household = listed(make_household(members=("张三", "李四")))
    refreshed()
    assert sorted(item.title for item in of_household(household)) == [
        "医生巡访（张三）",
        "医生巡访（李四）",
        "干部走访",
    ]


@pytest.fixture
def county(make_household, regions, users_by_role, visitor):
    """Two towns: in the first one household visited in time, one late, one never; in the other one in time."""
    use()
    here = [listed(make_household(members=(name,))) for name in ("王一", "王二", "王三")]
    there = listed(make_household(members=("刘远",), village=regions.other_village))
    recorded(here[0], dt.date(2024, 5, 20))
    recorded(here[1], dt.date(2024, 3, 1))
    recorded(there, dt.date(2024, 5, 30))
    made_responsible(visitor, "helper", village=regions.village)
    refreshed()
    return here, there


def test_the_cadence_is_told_by_town_and_visit(county, users_by_role):
    rows = [row for row in cadence(users_by_role["county"]) if row.visit == "cadre"]
    assert [(row.place, row.due, row.in_time, row.waiting, row.overdue, row.share) for row in rows] == [
        ("朱衣镇", 3, 1, 1, 1, 50.0),
        ("甲高镇", 1, 1, 0, 0, 100.0),
    ]
    (all_towns,) = [row for row in total(cadence(users_by_role["county"])) if row.visit == "cadre"]
    assert (all_towns.due, all_towns.in_time, all_towns.overdue, all_towns.share) == (4, 2, 1, 66.7)
    never = next(row for row in cadence(users_by_role["county"]) if row.visit == "doctor")
    assert (never.waiting, never.share) == (3, None)


def test_a_town_is_told_by_village_and_sees_no_other_town(county, users_by_role):
    rows = cadence(users_by_role["town"], method="four_visits")
    assert {row.place for row in rows} == {"砚瓦村"}
    assert cadence(users_by_role["town"], method="nothing") == []
    assert {row.place for row in cadence(users_by_role["county"], region="500236102")} == {"龙潭村"}


def test_the_report_on_the_cadence_names_nobody(county, users_by_role, visitor):
    here, _ = county
    visited(filled("four_visits_cadre", visitor, DAY, household=here[0]))
    told = str(cadence(users_by_role["county"])) + str(total(cadence(users_by_role["county"])))
    assert VisitTask.objects.filter(last_by=visitor).exists()
    people = [visitor.display_name, visitor.username, "台账走访人", "王一", "王二", "王三", "刘远"]
    assert [name for name in people if name in told] == []


def values(**more):
    (method,) = in_use("four_visits")
    found = indicators(method, region=COUNTY, since=MAY[0], until=MAY[1], **more)
    return {value.indicator.key: value for value in found}


@pytest.fixture
def visits(county, users_by_role, visitor):
    """In May: two households visited three times by two people, one word on a third; one doctor's visit."""
    here, _ = county
    village = users_by_role["village"]
    numbers = {"problem_number": "2", "solved_number": "1"}
    form = "four_visits_cadre"
    first = filled(form, visitor, dt.date(2024, 5, 2), household=here[0], answers=_answers(form, **numbers))
    filled(form, village, dt.date(2024, 5, 31), household=here[0], answers=_answers(form, problem_number="3"))
    filled(form, visitor, dt.date(2024, 5, 9), household=here[1], answers=_answers(form))
    filled(form, visitor, dt.date(2024, 5, 9), household=here[1], state="replaced", answers=_answers(form))
    filled(form, visitor, dt.date(2024, 6, 1), household=here[2], answers=_answers(form, problem_number="50"))
    confirm_unchanged(task=task("cadre", household=here[2]), user=visitor, on=dt.date(2024, 5, 15), token="phone-0001")
    person = here[0].members.get()
    filled("four_visits_doctor", visitor, dt.date(2024, 5, 3), household=here[0], person=person)
    return first


def _answers(form_id, **numbers):
    from huqing.visits.models import FormVersion

    paths = {
        item["name"]: item["path"] for item in FormVersion.objects.get(form__form_id=form_id).conversion["questions"]
    }
    return {paths[name]: value for name, value in numbers.items()}


def test_indicators_count_visits_households_people_and_visitors(visits, visitor):
    told = values()
    numbers = {key: value.text for key, value in told.items()}
    assert numbers["households_visited"] == "3"
    assert numbers["cadres"] == "2"
    assert (numbers["doctor_visits"], numbers["health_files"], numbers["doctors"]) == ("1", "1", "1")
    assert numbers["teachers"] == "0"
    assert told["households_visited"].records.count() == 3
    assert told["households_visited"].words.count() == 1


def test_the_share_covered_is_taken_of_those_the_visit_is_due_to(visits):
    covered = values()["cadre_covered"]
    assert (covered.value, covered.of) == (Decimal("75.0"), 4)


def test_a_sum_adds_what_was_answered_and_says_how_much_was_left_blank(visits):
    told = values()
    assert (told["problems_found"].value, told["problems_found"].unanswered) == (Decimal(5), 1)
    assert (told["problems_solved"].value, told["problems_solved"].unanswered) == (Decimal(1), 2)
    # Nobody answered at all: that is not nought.
    assert (told["techniques"].value, told["techniques"].text) == (None, "")


def test_an_account_counts_only_what_it_may_see(visits, users_by_role, regions):
    town = {key: value.text for key, value in values(user=users_by_role["town"]).items()}
    assert town["households_visited"] == "3"
    (method,) = in_use("four_visits")
    there = indicators(method, region=regions.other_town.code[:9], since=MAY[0], until=MAY[1])
    assert next(value for value in there if value.indicator.key == "households_visited").value == 0


def test_the_report_follows_the_outline_of_the_method(visits):
    (method,) = in_use("four_visits")
    parts = report(method, region=COUNTY, since=MAY[0], until=MAY[1])
    assert parts[0].title == "摘要"
    assert [value.indicator.key for value in parts[0].values] == [
        "households_visited",
        "pupils_visited",
        "doctor_visits",
        "farms_visited",
    ]
    assert parts[-1].values == ()


def test_days_in_the_wrong_order_are_refused(visits):
    (method,) = in_use("four_visits")
    with pytest.raises(ValueError, match="早于开始日期"):
        indicators(method, region=COUNTY, since=MAY[1], until=MAY[0])
