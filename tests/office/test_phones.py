"""The link of one's own phone, and of the phones of others in one's area: shown once, never to strangers, revocable."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib

import pytest
from django.urls import reverse

from huqing.access.models import AuditEvent, User
from huqing.visits import links
from huqing.visits.models import AccessLink

from .reading import text_of

MINE = "/phone/"


def token_in(answer) -> str:
    found = re.search(r'href="http://testserver/field/#([\w-]{64})"', answer.content.decode())
    assert found, "the page shows no link"
    return found[1]


def test_the_link_is_shown_once_and_belongs_to_the_person(as_role, users_by_role):
    client = as_role("grid")
    answer = client.post(MINE, {"label": "我的手机"})
    token = token_in(answer)
    assert links.user_of(token) == users_by_role["grid"]
    assert token not in client.get(MINE).content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert answer.content.decode().count("<svg") >= 2
    assert not any(token in json.dumps(event.detail) for event in AuditEvent.objects.all())
    assert not AccessLink.objects.filter(token=token).exists()


def test_the_address_for_collect_opens_the_same_account(as_role, users_by_role):
    answer = as_role("village").post(MINE, {"label": "平板"})
    token = token_in(answer)
    assert f"http://testserver/key/{token}</code>" in html.unescape(answer.content.decode())
    told = json.loads(zlib.decompress(base64.b64decode(links.collect_settings(f"http://testserver/key/{token}"))))
    assert told["general"]["server_url"].endswith(token)


def test_the_page_says_what_to_do_when_the_phone_is_lost(as_role):
    text = text_of(as_role("grid").get(MINE))
    assert "手机丢了、换了怎么办" in text
    assert "作废" in text


@pytest.mark.parametrize(
    ("label", "said"), [("", "请写明是哪部手机"), ("电话13812345678", "不要写手机号"), ("长" * 61, "不要超过 60 个字")]
)
def test_a_label_that_does_not_fit_is_refused_beside_the_field(as_role, label, said):
    answer = as_role("grid").post(MINE, {"label": label})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not AccessLink.objects.exists()


def test_a_revoked_phone_gets_nothing_any_more(as_role):
    client = as_role("grid")
    token = token_in(client.post(MINE, {"label": "旧手机"}))
    link = AccessLink.objects.get()
    said = text_of(client.post(reverse("office:phone-revoke", args=[link.pk]), follow=True))
    assert "“旧手机”已作废" in said
    assert links.user_of(token) is None
    assert "已作废的（1）" in text_of(client.get(MINE))


def test_nobody_revokes_the_phones_of_others(as_role, users_by_role):
    link, token = links.create_link(user=users_by_role["village"], label="村里的", by=users_by_role["village"])
    for role in ("grid", "visitor"):
        assert as_role(role).post(reverse("office:phone-revoke", args=[link.pk])).status_code == 404
    assert links.user_of(token)


@pytest.mark.parametrize("role", ["reader", "department", "security_admin", "audit_admin", "system_admin"])
def test_those_who_do_not_visit_get_no_link(as_role, role):
    assert as_role(role).get(MINE).status_code == 403
    assert as_role(role).post(MINE, {"label": "x"}).status_code == 403
    assert as_role(role).get(reverse("office:phones")).status_code == 403


def test_a_plain_connection_is_warned_of(as_role, settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert "安全连接" not in text_of(as_role("grid").get(MINE, headers={"host": "localhost:8000"}))
    assert "安全连接" in text_of(as_role("grid").get(MINE, headers={"host": "10.1.2.3:8000"}))
    assert "安全连接" not in text_of(as_role("grid").get(MINE, headers={"host": "huqing.cn"}, secure=True))


class TestOthers:
    def test_a_town_gives_links_to_the_people_of_its_area(self, as_role, users_by_role):
        client = as_role("town")
        listed = text_of(client.get(reverse("office:phones")))
        assert "网格员" in listed
        assert "行业部门" not in listed
        grid = users_by_role["grid"]
        answer = client.post(reverse("office:phones-of", args=[grid.pk]), {"label": "替他办的"})
        assert links.user_of(token_in_codes(answer)) == grid
        assert "在这台手机上打开" not in text_of(answer)
        assert AuditEvent.objects.filter(action="link_create").count() == 1

    def test_people_elsewhere_do_not_exist(self, as_role, users_by_role, regions):
        foreign = User.objects.create(
            username="wushan", display_name="巫山某", role="grid", region_code=regions.foreign_village.code
        )
        county = users_by_role["county"]
        for client, pk in ((as_role("county"), foreign.pk), (as_role("town"), county.pk)):
            assert client.get(reverse("office:phones-of", args=[pk])).status_code == 404
            assert client.post(reverse("office:phones-of", args=[pk]), {"label": "x"}).status_code == 404
        assert "巫山某" not in text_of(as_role("county").get(reverse("office:phones"), {"text": "巫山"}))
        link, token = links.create_link(user=foreign, label="外县", by=foreign)
        assert as_role("county").post(reverse("office:phone-revoke", args=[link.pk])).status_code == 404
        assert links.user_of(token)

    def test_a_lost_phone_is_revoked_for_its_owner(self, as_role, users_by_role):
        link, token = links.create_link(user=users_by_role["grid"], label="丢了的", by=users_by_role["grid"])
        answer = as_role("town").post(reverse("office:phone-revoke", args=[link.pk]))
        assert answer.url == reverse("office:phones-of", args=[users_by_role["grid"].pk])
        assert links.user_of(token) is None

    def test_searching_narrows_the_people(self, as_role):
        client = as_role("county")
        assert "没有找到" in text_of(client.get(reverse("office:phones"), {"text": "无此人"}))
        assert client.get(reverse("office:phones"), {"text": "%' OR 1=1 --"}).status_code == 200


def token_in_codes(answer) -> str:
    found = re.search(r"/key/([\w-]{64})</code>", answer.content.decode())
    assert found
    return found[1]
