"""Users, the audit log, regions and the home pages of every role."""

from __future__ import annotations

import datetime as dt

from django.db import connection
from django.urls import reverse
from django.utils import timezone

from huqing.access import audit, lockout
from huqing.access.models import User

from .reading import text_of

NEW = {
    "display_name": "陈村干",
    "username": "chencun",
    "unit": "砚瓦村",
    "role": "village",
    "region_code": "500236101201",
}


def test_home_lists_what_needs_doing_first(as_role, family) -> None:
    text = text_of(as_role("county").get(reverse("office:home")))
    assert "紧急预警待处理" in text
    assert "居住危房" in text
    assert "在册农户 1 户" in text
    assert "最近一次全县筛查" in text
    assert "2024-05-31" in text
    assert "朱衣镇" in text


def test_home_of_an_empty_county_says_where_to_begin(as_role) -> None:
    assert "导入花名册" in text_of(as_role("county").get(reverse("office:home")))


def test_every_chart_has_its_table(as_role, family) -> None:
    content = as_role("county").get(reverse("office:home")).content.decode()
    assert content.count('<figure class="chart"') == content.count('class="chart-table') >= 2


def test_home_costs_a_fixed_number_of_queries(as_role, family, make_household, django_assert_max_num_queries) -> None:
    client = as_role("county")
    url = reverse("office:home")
    client.get(url)
    for _ in range(20):
        make_household()
    # One for each kind of thing that may wait for somebody, however many wait.
    with django_assert_max_num_queries(34):
        client.get(url)


def test_administrators_see_their_own_work_and_no_household(as_role, family) -> None:
    for role, words in (("security_admin", "账号情况"), ("audit_admin", "审计情况"), ("system_admin", "系统情况")):
        client = as_role(role)
        text = text_of(client.get(reverse("office:home")))
        assert words in text
        assert "王建国" not in text
        assert client.get(reverse("office:households")).status_code == 403


def test_a_department_sees_its_imports(as_role, family) -> None:
    text = text_of(as_role("department").get(reverse("office:home")))
    assert "医疗保障局" in text
    assert "还没有导入过数据" in text


def test_menus_hold_only_what_the_role_may_enter(as_role) -> None:
    assert "审计日志" not in text_of(as_role("county").get(reverse("office:home")))
    text = text_of(as_role("audit_admin").get(reverse("office:home")))
    assert "审计日志" in text
    assert "农户档案" not in text


def test_a_new_account_gets_a_password_that_is_shown_once(as_role, regions) -> None:
    client = as_role("security_admin")
    response = client.post(reverse("office:user-add"), NEW)
    user = User.objects.get(username="chencun")
    password = response.context["password"]
    assert user.check_password(password)
    assert password in text_of(response)
    assert password not in text_of(client.get(reverse("office:user", args=[user.pk])))
    assert "未改初始密码" in text_of(client.get(reverse("office:users"), {"state": "first"}))


def test_what_is_wrong_with_a_new_account_stands_beside_its_field(as_role, regions) -> None:
    client = as_role("security_admin")
    response = client.post(reverse("office:user-add"), {**NEW, "region_code": "500236"})
    assert response.status_code == 422
    assert "12 位村级代码" in text_of(response)
    assert "用手机号" in text_of(client.post(reverse("office:user-add"), {**NEW, "username": "13812345678"}))
    assert not User.objects.filter(display_name="陈村干").exists()


def test_a_grid_worker_is_given_a_grid_of_the_village(as_role, regions) -> None:
    client = as_role("security_admin")
    without = client.post(reverse("office:user-add"), {**NEW, "role": "grid"})
    assert "网格员须指定网格" in text_of(without)
    assert "砚瓦一网格" in text_of(without)
    client.post(reverse("office:user-add"), {**NEW, "role": "grid", "grid_id": regions.grid.pk})
    assert User.objects.get(username="chencun").grid_id == regions.grid.pk


def test_accounts_are_stopped_started_unlocked_and_given_new_passwords(as_role, users_by_role) -> None:
    client, user = as_role("security_admin"), users_by_role["village"]

    def do(what: str) -> str:
        return text_of(client.post(reverse(f"office:user-{what}", args=[user.pk]), follow=True))

    assert "账号已停用" in do("disable")
    user.refresh_from_db()
    assert not user.is_active
    assert "账号已启用" in do("enable")
    for _ in range(5):
        lockout.begin(username=user.username, address="127.0.0.1")
    assert "解除锁定" in text_of(client.get(reverse("office:user", args=[user.pk])))
    assert "已锁定" in text_of(client.get(reverse("office:users"), {"state": "locked"}))
    assert "账号已解锁" in do("unlock")
    assert lockout.locked_until(user.username) is None
    assert "一次性密码" in do("password")


def test_administrator_accounts_and_ones_own_are_out_of_reach(as_role, users_by_role) -> None:
    client = as_role("security_admin")
    for role in ("audit_admin", "security_admin"):
        url = reverse("office:user", args=[users_by_role[role].pk])
        assert "停用账号" not in text_of(client.get(url))
    refused = client.post(reverse("office:user-disable", args=[users_by_role["audit_admin"].pk]), follow=True)
    assert "管理员账号由部署人员" in text_of(refused)
    assert (
        as_role("audit_admin").post(reverse("office:user-disable", args=[users_by_role["town"].pk])).status_code == 403
    )


def test_role_and_place_of_an_account_are_changed(as_role, users_by_role, regions) -> None:
    client, user = as_role("security_admin"), users_by_role["village"]
    url = reverse("office:user-role", args=[user.pk])
    assert client.post(url, {"role": "town", "region_code": "500236102"}).status_code == 302
    user.refresh_from_db()
    assert (user.role, user.region_code) == ("town", "500236102")
    wrong = client.post(url, {"role": "town", "region_code": "50023"})
    assert wrong.status_code == 422


def test_the_log_is_filtered_and_explained_in_words(as_role, users_by_role, family) -> None:
    audit.record(
        by=users_by_role["town"],
        action="show_sealed",
        subject=family.household,
        detail={"field": "phone", "reason": "入户前电话联系"},
    )
    event = audit.record(
        by=users_by_role["county"], action="user_role", detail={"before": {"role": "town"}, "after": {"role": "county"}}
    )
    client = as_role("audit_admin")
    url = reverse("office:audit")
    text = text_of(client.get(url, {"action": "show_sealed"}))
    assert "查看完整号码" in text
    assert f"农户 {family.pk} 号" in text
    assert text.count("乡镇经办（town）") == 1
    assert "没有符合条件的记录" in text_of(client.get(url, {"actor": "查无此人"}))
    today = timezone.localdate()
    assert "变更角色" in text_of(client.get(url, {"since": today.isoformat(), "action": "user_role"}))
    assert "没有符合条件的记录" in text_of(client.get(url, {"until": (today - dt.timedelta(days=1)).isoformat()}))
    detail = text_of(client.get(reverse("office:audit-event", args=[event.pk])))
    assert "变更前·角色 乡镇经办" in detail
    assert "变更后·角色 县级经办" in detail


def test_the_auditor_sees_whether_the_log_is_whole(as_role, users_by_role) -> None:
    for number in range(3):
        event = audit.record(by=users_by_role["town"], action="sign_in", detail={"address": f"10.0.0.{number}"})
    client = as_role("audit_admin")
    verify = reverse("office:audit-verify")
    assert "审计记录完整" in text_of(client.post(verify, headers={"HX-Request": "true"}))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE access_auditevent SET actor_name = '别人' WHERE id = %s", [event.pk])
    assert "审计记录不完整" in text_of(client.post(verify, headers={"HX-Request": "true"}))


def test_regions_lead_from_towns_to_grids(as_role, make_household, regions) -> None:
    make_household(grid=regions.grid)
    client = as_role("county")
    towns = text_of(client.get(reverse("office:regions")))
    assert "朱衣镇 500236101 村 2 个 网格 2 个 在册农户 1 户" in towns
    villages = text_of(client.get(reverse("office:region", args=["500236101"])))
    assert "砚瓦村" in villages
    grids = text_of(client.get(reverse("office:region", args=["500236101201"])))
    assert "砚瓦一网格 1 户" in grids
    assert client.get(reverse("office:region", args=["500237101"])).status_code == 404
    assert as_role("town").get(reverse("office:region", args=["500236102"])).status_code == 404
    assert client.get(reverse("office:region", args=["nonsense"])).status_code == 404
