"""The list of households, the household page, and editing in place."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

from huqing.access.models import AuditEvent
from huqing.cases.actions import open_case
from huqing.matters.models import Matter
from huqing.matters.raising import raise_matter
from huqing.registry.models import Household, Label

from .conftest import HEAD_ID, PHONE
from .reading import text_of

HTMX = {"HX-Request": "true"}


def seen_of(client, url: str) -> str:
    """The hidden mark of the value that a form was drawn with."""
    return client.get(url).content.decode().split('name="seen" value="')[1].split('"')[0]


@pytest.fixture
def wage(family):
    return reverse("office:field", args=["household", family.pk, "wage_income"])


@pytest.fixture
def edit():
    """A function that types a value into the form of a field and saves it."""

    def save(client, url: str, value, *, on="2024-06-01", reason="入户核实", seen=None):
        data = {"value": value, "on": on, "reason": reason, "seen": seen or seen_of(client, url)}
        return client.post(url, data, headers=HTMX)

    return save


def test_the_household_page_shows_values_with_unit_source_and_date(as_role, family) -> None:
    text = text_of(as_role("county").get(reverse("office:household", args=[family.pk])))
    assert "王建国户" in text
    assert "朱衣镇 砚瓦村 3组" in text
    assert "工资性收入" in text
    assert "18,500.50 元/年" in text
    assert "页面修改 2024-05-20" in text
    assert "3.5 亩" in text
    assert "花名册导入 2024-03-31" in text
    assert "脱贫户 2018-12-31 起" in text
    assert "李秀英 低保 2019-01-01 至 2022-12-31" in text
    assert "居住危房" in text
    assert "医保结算明细" in text
    assert "来源：医保结算明细5月.csv 第 2 行" in text
    assert "12,000 改为 18,500.50" in text


def test_full_numbers_never_stand_on_the_household_page(as_role, family) -> None:
    content = as_role("county").get(reverse("office:household", args=[family.pk])).content.decode()
    assert HEAD_ID not in content
    assert PHONE not in content
    assert "138****5678" in content


@pytest.mark.parametrize("members", [1, 8])
def test_the_household_page_costs_the_same_for_every_family(
    members, as_role, make_household, django_assert_num_queries
) -> None:
    household = make_household(members=tuple(f"成员{number}" for number in range(members)))
    client = as_role("county")
    url = reverse("office:household", args=[household.pk])
    client.get(url)
    # Session, user, household, members, labels, entries, alerts, department rows, sources; visits by form, by word,
    # by ledger; cases, matters; methods in use.
    with django_assert_num_queries(15):
        client.get(url)


def test_the_household_page_lists_its_cases_and_matters_open_ones_first(
    as_role, make_household, regions, users_by_role, django_assert_num_queries
) -> None:
    household = make_household(members=("张三",))
    url = reverse("office:household", args=[household.pk])
    assert "没有办过的事项，也没有反映过问题" in text_of(as_role("village").get(url))
    case = open_case(household=household, source="1", clue="大病花费高", by=users_by_role["village"])
    told = {"village": regions.village, "household": household, "by": users_by_role["village"]}
    answered = raise_matter(kind="water", text="3组的水管坏了", **told)
    Matter.objects.filter(pk=answered.pk).update(closed_on=answered.raised_on, answer="已经修好")
    waiting = raise_matter(kind="road", text="门口的路塌了一块", **told)
    raise_matter(kind="conduct", text="村里分东西没有公开", past_village=True, **told)

    client = as_role("village")
    content = client.get(url).content.decode()
    for row, name in ((case, "case"), (waiting, "matter"), (answered, "matter")):
        assert reverse(f"office:{name}", args=[row.pk]) in content
        assert row.number in content
        assert row.state.title in content
    assert content.index("门口的路塌了一块") < content.index("3组的水管坏了")
    assert "办理和反映3" in text_of(client.get(url)).replace(" ", "")
    assert "村里分东西没有公开" not in content
    assert "村里分东西没有公开" in text_of(as_role("town").get(url))
    with django_assert_num_queries(15):
        client.get(url)


def test_other_areas_look_as_if_they_did_not_exist(as_role, family, make_household, regions) -> None:
    foreign = make_household(village=regions.foreign_village, members=("赵六",))
    next_village = make_household(village=regions.next_village, members=("钱七",))
    assert as_role("county").get(reverse("office:household", args=[foreign.pk])).status_code == 404
    assert as_role("village").get(reverse("office:household", args=[next_village.pk])).status_code == 404
    assert as_role("village").get(reverse("office:household", args=[family.pk])).status_code == 200


def test_printing_is_audited_and_names_who_printed(as_role, family) -> None:
    response = as_role("village").get(reverse("office:household-print", args=[family.pk]))
    assert "打印人：村级干部" in text_of(response)
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.subject_id) == ("print_household", str(family.pk))
    assert as_role("reader").get(reverse("office:household-print", args=[family.pk])).status_code == 403


def test_a_value_typed_in_place_is_saved_with_its_day_and_basis(as_role, family, wage, edit) -> None:
    client = as_role("village")
    response = edit(client, wage, "20,000.5")
    assert "20,000.50 元/年" in text_of(response)
    assert "已保存" in text_of(response)
    family.household.refresh_from_db()
    assert family.household.items["wage_income"] == 2000050
    text = text_of(client.get(reverse("office:household", args=[family.pk])))
    assert "页面修改：入户核实" in text


def test_a_wrong_value_is_answered_beside_the_field_with_what_to_write(as_role, family, wage, edit) -> None:
    response = edit(as_role("village"), wage, "一万二")
    assert response.status_code == 422
    assert "请写以元为单位的数" in text_of(response)
    assert 'aria-invalid="true"' in response.content.decode()
    assert 'value="一万二"' in response.content.decode()
    family.household.refresh_from_db()
    assert family.household.items["wage_income"] == 1850050


def test_everything_that_is_wrong_with_an_edit_is_said_at_once(as_role, wage, edit) -> None:
    text = text_of(edit(as_role("village"), wage, "一万二", on="2999-01-01", reason=""))
    assert "请写以元为单位的数" in text
    assert "不能晚于今天" in text
    assert "请选一个依据" in text


def test_a_value_that_somebody_else_changed_meanwhile_is_not_overwritten(as_role, family, wage, edit) -> None:
    village, town = as_role("village"), as_role("town")
    seen = seen_of(village, wage)
    edit(town, wage, "9000")
    response = edit(village, wage, "100", seen=seen)
    assert response.status_code == 422
    assert "别人把这一项改成了“9,000”" in text_of(response)
    family.household.refresh_from_db()
    assert family.household.items["wage_income"] == 900000


def test_an_older_value_becomes_history_and_the_page_says_so(as_role, family, wage, edit) -> None:
    response = edit(as_role("village"), wage, "8000", on="2024-01-01")
    assert "已记入历史" in text_of(response)
    family.household.refresh_from_db()
    assert family.household.items["wage_income"] == 1850050


def test_several_codes_are_chosen_by_ticking(as_role, family, edit) -> None:
    url = reverse("office:field", args=["household", family.pk, "risks"])
    client = as_role("village")
    assert 'type="checkbox"' in client.get(url).content.decode()
    codes = [
        line.split('"')[0]
        for line in client.get(url).content.decode().split('type="checkbox" name="value" value="')[1:]
    ]
    edit(client, url, codes[:2])
    family.household.refresh_from_db()
    assert family.household.items["risks"] == codes[:2]


def test_a_phone_is_typed_anew_and_shown_masked(as_role, family, edit) -> None:
    url = reverse("office:field", args=["household", family.pk, "phone"])
    client = as_role("village")
    assert PHONE not in client.get(url).content.decode()
    response = edit(client, url, "13998765432")
    assert "139****5432" in text_of(response)
    assert "13998765432" not in response.content.decode()


@pytest.mark.parametrize("key", ["number", "village_code", "head_id_number", "nothing"])
def test_what_is_not_typed_by_hand_has_no_form(key, as_role, family) -> None:
    url = reverse("office:field", args=["household", family.pk, key])
    response = as_role("village").get(url)
    assert response.status_code == 404


def test_readers_see_no_pencils_and_cannot_write(as_role, family, wage) -> None:
    client = as_role("reader")
    assert "修改工资性收入" not in text_of(client.get(reverse("office:household", args=[family.pk])))
    assert client.post(wage, {"value": "1"}).status_code == 403


def test_a_full_number_is_shown_once_for_a_reason(as_role, family) -> None:
    client = as_role("village")
    url = reverse("office:sealed", args=["household", family.pk, "phone"])
    assert PHONE not in client.get(url).content.decode()
    without = client.post(url, {}, headers=HTMX)
    assert without.status_code == 422
    assert "请选一个理由" in text_of(without)
    short = client.post(url, {"reason": "other", "other": "看"}, headers=HTMX)
    assert "至少 4 个字" in text_of(short)
    shown = client.post(url, {"reason": "入户前电话联系"}, headers=HTMX)
    assert PHONE in text_of(shown)
    event = AuditEvent.objects.latest("id")
    assert event.action == "show_sealed"
    assert event.detail["reason"] == "入户前电话联系"


def test_the_list_shows_place_labels_and_open_alerts(as_role, family) -> None:
    text = text_of(as_role("county").get(reverse("office:households")))
    assert "王建国" in text
    assert "朱衣镇 砚瓦村 3组" in text
    assert "脱贫户" in text
    assert "1 条" in text
    assert "共 1 户" in text


def test_the_list_costs_the_same_for_one_and_for_many(as_role, make_household, django_assert_num_queries) -> None:
    client = as_role("county")
    url = reverse("office:households")
    make_household()
    client.get(url)
    # Session, user, households, their labels, their alerts.
    with django_assert_num_queries(5):
        client.get(url)
    for _ in range(30):
        make_household(members=("张三", "李四"))
    with django_assert_num_queries(5):
        client.get(url)


def test_the_list_is_narrowed_by_place_group_label_and_alert(as_role, family, make_household, regions) -> None:
    make_household(village=regions.other_village, members=("孙八",))
    make_household(village=regions.village, members=("周九",))
    client = as_role("county")

    def listed(**filters: str) -> set[str]:
        response = client.get(reverse("office:households"), filters, headers=HTMX)
        assert "<html" not in response.content.decode()
        return {name for name in ("王建国", "孙八", "周九") if f">{name}</a>" in response.content.decode()}

    assert listed() == {"王建国", "孙八", "周九"}
    assert listed(town="500236102") == {"孙八"}
    assert listed(town="500236101", village="500236101201") == {"王建国", "周九"}
    assert listed(town="500236102", village="500236101201") == {"孙八"}
    assert listed(village="500236101201", group="3组") == {"王建国"}
    assert listed(label="tuopin") == {"王建国"}
    assert listed(label="dibao") == set()
    assert listed(finding="dangerous_house") == {"王建国"}
    assert listed(finding="no_visit") == set()
    assert listed(status="cancelled") == set()
    assert listed(town="500237101") == {"王建国", "孙八", "周九"}


def test_many_matches_are_found_the_other_way_round_alike(as_role, family, make_household, monkeypatch) -> None:
    monkeypatch.setattr("huqing.office.household_list.FEW", 0)
    other = make_household(members=("周九",))
    Label.objects.create(kind="monitor", household=other, valid_from=dt.date(2024, 1, 1))
    text = text_of(as_role("county").get(reverse("office:households"), {"label": "monitor"}))
    assert "周九" in text
    assert "王建国" not in text


def test_pages_of_the_list_follow_each_other_without_gap_or_repeat(as_role, make_household, regions) -> None:
    for number in range(120):
        make_household(village=regions.village if number % 3 else regions.other_village, members=(f"户主{number:03d}",))
    client = as_role("county")
    found: list[int] = []
    url = reverse("office:households")
    while url:
        page = client.get(url).context["page"]
        found += [row.pk for row in page.rows]
        url = page.next_url
    assert len(found) == len(set(found)) == Household.objects.count() == 120


def test_within_a_town_the_list_sorts_by_name_and_by_last_change(as_role, make_household) -> None:
    for name, initials in (("王一", "wy"), ("安二", "ae"), ("李三", "ls")):
        household = make_household(members=(name,))
        Household.objects.filter(pk=household.pk).update(head_pinyin=initials)
    client = as_role("town")
    url = reverse("office:households")
    assert [row.head_name for row in client.get(url, {"sort": "head"}).context["page"].rows] == ["安二", "李三", "王一"]
    assert [row.head_name for row in client.get(url, {"sort": "-head"}).context["page"].rows] == [
        "王一",
        "李三",
        "安二",
    ]
    assert "按户主排序" not in text_of(as_role("county").get(url))


def test_a_bent_cursor_or_sort_is_ignored(as_role, family) -> None:
    for query in ({"after": "x"}, {"after": "WzFd"}, {"sort": "items"}, {"after": "bnVsbA"}, {"region": "abc"}):
        assert as_role("town").get(reverse("office:households"), query).status_code == 200


def test_an_empty_county_says_what_to_do(as_role) -> None:
    assert "先导入户信息表" in text_of(as_role("county").get(reverse("office:households")))
    assert "请联系县或乡镇经办" in text_of(as_role("village").get(reverse("office:households")))


def test_a_person_has_a_page_with_file_and_department_rows(as_role, family) -> None:
    text = text_of(as_role("county").get(reverse("office:person", args=[family.people[0].pk])))
    assert "王建国户" in text
    assert "个人档案" in text
    assert "总费用" in text
    assert "12,000 元" in text
