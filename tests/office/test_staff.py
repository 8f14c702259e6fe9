"""Staff, duties and the calendar that follows them."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse
from tests.visits import calendar_world

from huqing.access.models import AuditEvent
from huqing.registry.models import Label
from huqing.teams.models import Responsibility, Staff
from huqing.visits.models import VisitTask

from .reading import text_of

TODAY = dt.date(2026, 6, 30)
PERSON = {"name": "赵文军", "kind": "1", "unit": "县教育局", "position": "科长", "region_code": "500236101"}


@pytest.fixture(autouse=True)
def on_that_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)


@pytest.fixture
def staff(db):
    return Staff.objects.create(name="赵文军", kind="1", region_code="500236101201")


def test_somebody_is_registered_with_an_account(as_role, users_by_role):
    data = {**PERSON, "user": users_by_role["village"].pk}
    said = text_of(as_role("county").post(reverse("office:staff-add"), data, follow=True))
    assert "赵文军已登记" in said
    made = Staff.objects.get()
    assert (made.unit.name, made.user) == ("县教育局", users_by_role["village"])
    assert "赵文军" in text_of(as_role("town").get(reverse("office:staff"), {"text": "教育"}))
    assert AuditEvent.objects.filter(action="staff_save").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "必填"),
        ({"name": "赵文军13812345678"}, "不要写证件号码"),
        ({"kind": "99"}, "99"),
        ({"region_code": "500237101"}, "不在您的管辖范围内"),
        ({"region_code": "abc"}, "区划代码"),
        ({"unit": "长" * 101}, "100"),
        ({"user": "999999"}, ""),
    ],
)
def test_what_does_not_fit_is_refused_beside_its_field(as_role, wrong, said):
    answer = as_role("county").post(reverse("office:staff-add"), {**PERSON, **wrong})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not Staff.objects.exists()


def give(client, staff, **data):
    told = {"role": "helper", "since": "2024-01-01", **data}
    return client.post(reverse("office:duty-add", args=[staff.pk]), told, follow=True)


def test_duties_for_households_are_given_all_or_none(as_role, staff, family, make_household, regions):
    other = make_household(members=("陈静",))
    foreign = make_household(village=regions.foreign_village, members=("赵六",))
    client = as_role("town")
    numbers = f"{family.household.number}\n{other.number}"
    wrong = give(client, staff, households=f"{numbers}\n{foreign.number}")
    assert wrong.status_code == 422
    assert f"没有这些户编号，或不在您的管辖范围内：{foreign.number}" in text_of(wrong)
    assert not Responsibility.objects.exists()
    assert "已安排 2 项责任" in text_of(give(client, staff, households=numbers))
    assert "已有这项责任" in text_of(give(client, staff, households=other.number))
    assert Responsibility.objects.count() == 2


def test_a_village_or_one_grid_of_it(as_role, staff, regions):
    client, code = as_role("county"), regions.village.code
    assert "责任已安排" in text_of(give(client, staff, role="village_officer", village=code))
    assert "责任已安排" in text_of(give(client, staff, role="grid_worker", village=code, grid=regions.grid.pk))
    for data, said in (
        ({}, "填一样，只填一样"),
        ({"village": code, "households": "x"}, "填一样，只填一样"),
        ({"village": "500236101999"}, "没有代码为"),
        ({"village": regions.foreign_village.code}, "不在您的管辖范围内"),
        ({"village": code, "since": "2024-02-01", "until": "2024-01-01"}, ""),
    ):
        answer = give(client, staff, role="linked", **data)
        assert answer.status_code == 422, data
        assert said in text_of(answer)
    assert Responsibility.objects.count() == 2


def test_a_duty_is_ended_and_kept(as_role, staff, family):
    give(as_role("town"), staff, households=family.household.number)
    line = Responsibility.objects.get()
    client, url = as_role("town"), reverse("office:duty-end", args=[line.pk])
    early = client.post(url, {"on": "2023-01-01", "reason": "调离"})
    assert "终止日期不能早于" in text_of(early)
    yesterday = TODAY - dt.timedelta(days=1)
    said = text_of(client.post(url, {"on": yesterday.isoformat(), "reason": "调离"}, follow=True))
    assert "责任已终止" in said
    assert "以往责任（1 项）" in said
    line.refresh_from_db()
    assert line.until == yesterday


def test_staff_and_duties_elsewhere_do_not_exist(as_role, make_household, regions):
    foreign = make_household(village=regions.foreign_village)
    other = Staff.objects.create(name="巫山某", kind="1", region_code=regions.foreign_village.code)
    line = Responsibility.objects.create(
        staff=other, role="helper", region_code=foreign.region_code, household=foreign, since=TODAY
    )
    client = as_role("county")
    assert "巫山某" not in text_of(client.get(reverse("office:staff")))
    assert client.get(reverse("office:staff-member", args=[other.pk])).status_code == 404
    assert client.post(reverse("office:staff-edit", args=[other.pk]), PERSON).status_code == 404
    assert client.post(reverse("office:duty-end", args=[line.pk]), {"on": TODAY}).status_code == 404


@pytest.mark.parametrize("role", ["village", "grid", "reader", "visitor", "department"])
def test_other_roles_do_not_arrange_duties(as_role, staff, role):
    client = as_role(role)
    assert client.get(reverse("office:staff")).status_code == 403
    assert client.post(reverse("office:staff-add"), PERSON).status_code == 403
    assert give(client, staff, village="500236101201").status_code == 403


class TestCalendar:
    @pytest.fixture
    def due(self, family, users_by_role, roster, staff):
        """A cadre's visit to 王建国, due ten days ago, and the cadre's duty."""
        method = calendar_world.use("four_visits")
        staff.user = users_by_role["visitor"]
        staff.save()
        Responsibility.objects.create(
            staff=staff,
            role="helper",
            region_code=family.household.region_code,
            household=family.household,
            since=TODAY - dt.timedelta(days=100),
        )
        assert Label.objects.exists()
        return VisitTask.objects.create(
            method=method,
            visit="cadre",
            household=family.household,
            region_code=family.household.region_code,
            due_on=TODAY - dt.timedelta(days=10),
            opens_on=TODAY - dt.timedelta(days=40),
        )

    def test_it_lists_what_is_due_to_the_person_who_is_responsible(self, as_role, due):
        page = reverse("office:visit-calendar")
        mine = text_of(as_role("visitor").get(page))
        assert "已逾期" in mine
        assert "王建国户" in mine
        assert "逾期 10 天" in mine
        assert "王建国户" not in text_of(as_role("county").get(page))
        assert "您不用走访" in text_of(as_role("reader").get(page))
        assert "我的走访已逾期" in text_of(as_role("visitor").get(reverse("office:home")))

    def test_the_cadence_counts_places_and_names_nobody(self, as_role, due):
        text = text_of(as_role("county").get(reverse("office:visit-cadence")))
        assert "朱衣镇" in text
        assert "赵文军" not in text
        assert "王建国" not in text
        narrowed = as_role("county").get(
            reverse("office:visit-cadence"), {"town": "500236101", "method": "four_visits"}
        )
        assert "砚瓦村" in text_of(narrowed)

    @pytest.mark.parametrize("query", ["town=500237101", "town=abc", "town=5", "method=../x", "town=%E4%B8%80"])
    def test_strange_filters_show_the_own_area(self, as_role, due, query):
        answer = as_role("town").get(f"{reverse('office:visit-cadence')}?{query}")
        assert answer.status_code == 200
        assert "庙宇镇" not in text_of(answer)

    def test_without_a_method_it_says_who_puts_one_to_use(self, as_role):
        assert "还没有启用工作法" in text_of(as_role("village").get(reverse("office:visit-calendar")))
        assert "还没有启用工作法" in text_of(as_role("county").get(reverse("office:visit-cadence")))

    def test_the_household_page_says_what_is_due(self, as_role, due, family):
        text = text_of(as_role("county").get(reverse("office:household", args=[family.pk])))
        assert "干部走访 逾期 10 天" in text
