"""Rules for every template and every rendered page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template.loader import get_template
from django.urls import reverse

from huqing.office import icons
from huqing.registry.models import Label
from huqing.teams.models import Responsibility, Staff
from huqing.visits.models import AccessLink

from . import reported
from .reading import text_of

TEMPLATES = Path(__file__).parents[2] / "src" / "huqing" / "office" / "templates"
FILES = sorted(TEMPLATES.rglob("*.html"))
# Keys on the keyboard, an example of pinyin and of a user name, and what the test accounts are called.
LATIN = {"Esc", "Tab", "Shift", "wjg", "zhangsan", "csv", "xlsx", "YB"}
ROLES = ["county", "town", "village", "grid", "reader", "department", "system_admin", "security_admin", "audit_admin"]


def name(path: Path) -> str:
    return str(path.relative_to(TEMPLATES))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_template_compiles(path: Path) -> None:
    get_template(name(path))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_templates_keep_the_content_security_policy_and_name_known_icons(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son[a-z]+=|hx-on|javascript:|<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"https?://", text)
    assert set(re.findall(r'\{% icon "([^"]+)"', text)) <= icons.names()


def pages(household: int, person: int, user: int) -> list[str]:
    return [
        reverse("office:home"),
        reverse("office:households"),
        reverse("office:household", args=[household]),
        reverse("office:household-print", args=[household]),
        reverse("office:household-history", args=[household]),
        reverse("office:person", args=[person]),
        reverse("office:field", args=["household", household, "wage_income"]),
        reverse("office:field", args=["household", household, "other_causes"]),
        reverse("office:field", args=["person", person, "health"]),
        reverse("office:sealed", args=["household", household, "phone"]),
        reverse("office:search"),
        reverse("office:regions"),
        reverse("office:region", args=["500236101"]),
        reverse("office:region", args=["500236101201"]),
        reverse("office:users"),
        reverse("office:user-add"),
        reverse("office:user", args=[user]),
        reverse("office:audit"),
        reverse("account_change_password"),
        reverse("mfa_index"),
        reverse("mfa_activate_totp"),
        reverse("account_reauthenticate"),
        "/no-such-page/",
    ]


@pytest.fixture
def visit_pages(family, users_by_role) -> list[str]:
    """The pages of visits, with a household's and a village's record, a person with a duty and a phone."""
    version = reported.shipped("four_visits", "doctor", "3")
    head = family.people[0]
    answers = {"/data/household": str(family.pk), "/data/patient": str(head.pk), "/data/file/health": "01"}
    visits = [
        reported.submit(version, users_by_role["grid"], answers, family.household, person=head),
        reported.submit(version, users_by_role["grid"], {}, region_code="500236101201"),
    ]
    staff = Staff.objects.create(name="赵文军", kind="1", region_code="500236101201")
    duty = Responsibility.objects.create(
        staff=staff, role="helper", region_code="500236101201", household=family.household, since=visits[0].visited_on
    )
    label = Label.objects.filter(household=family.household).first()
    AccessLink.objects.create(
        user=users_by_role["grid"],
        token="1",
        label="旧手机",
        created_at=reported.NOW,
        created_by=users_by_role["town"],
    )
    form, person = version.form_id, family.people[1].pk
    return [
        reverse("office:visits"),
        *(reverse("office:visit", args=[visit.pk]) for visit in visits),
        reverse("office:visit-forms"),
        reverse("office:visit-table", args=[form]),
        reverse("office:visit-calendar"),
        reverse("office:visit-cadence"),
        reverse("office:phone"),
        reverse("office:phones"),
        reverse("office:phones-of", args=[users_by_role["grid"].pk]),
        reverse("office:staff"),
        reverse("office:staff-add"),
        reverse("office:staff-member", args=[staff.pk]),
        reverse("office:duty-end", args=[duty.pk]),
        reverse("office:forms"),
        reverse("office:form", args=[form]),
        reverse("office:form-add"),
        reverse("office:methods"),
        *(
            reverse(f"office:{name}", args=[family.pk])
            for name in ("member-add", "head-change", "household-split", "label-add", "household-grid")
        ),
        reverse("office:member-leave", args=[person]),
        reverse("office:member-transfer", args=[person]),
        reverse("office:label-end", args=[label.pk]),
        reverse("office:household", args=[family.pk]),
        reverse("office:home"),
    ]


@pytest.mark.parametrize("role", [*ROLES, "visitor"])
def test_pages_of_visits_speak_chinese_and_leave_nothing_undefined(role, as_role, visit_pages, users_by_role) -> None:
    client = as_role(role)
    # Keys of forms and methods, names of products and of the sheets of a form.
    latin = {"ODK", "Collect", "Excel", "CSV", "Parquet", "csv", "xls", "md", "uuid", "https"}
    latin |= {"four", "visits", "doctor", "survey", "choices", "settings", "version"}
    names = {part for user in users_by_role.values() for part in user.username.split("_")}
    seen = 0
    for url in visit_pages:
        response = client.get(url)
        assert response.status_code in (200, 403, 404), url
        text = text_of(response)
        assert "未定义变量" not in text, url
        english = set(re.findall(r"[A-Za-z]{2,}", text)) - LATIN - latin - names
        assert not english, f"{url} as {role}: {english}"
        seen += response.status_code == 200
    assert seen


@pytest.mark.parametrize("role", ROLES)
def test_pages_speak_chinese_and_leave_nothing_undefined(role, as_role, family, users_by_role) -> None:
    client = as_role(role)
    names = {user.username for user in users_by_role.values()} | {"admin", "system", "security", "audit"}
    for url in pages(family.pk, family.people[0].pk, users_by_role["village"].pk):
        response = client.get(url)
        assert response.status_code in (200, 302, 403, 404), url
        if response.status_code == 302:
            continue
        text = text_of(response)
        assert "未定义变量" not in text, url
        # The secret of the authenticator is letters by nature.
        text = re.sub(r"\b[A-Z2-7]{16,}\b", "", text)
        english = set(re.findall(r"[A-Za-z]{2,}", text)) - LATIN - names
        assert not english, f"{url} as {role}: {english}"


@pytest.mark.parametrize("role", ROLES)
def test_refused_pages_say_why_and_what_to_do(role, as_role, family, users_by_role) -> None:
    client = as_role(role)
    refused = 0
    for url in pages(family.pk, family.people[0].pk, users_by_role["village"].pk):
        response = client.get(url)
        if response.status_code == 403:
            refused += 1
            assert "没有权限" in text_of(response)
            assert "安全管理员" in text_of(response)
    assert refused or role == "county"


def test_a_refused_fragment_stays_small(as_role, family) -> None:
    url = reverse("office:field", args=["household", family.pk, "wage_income"])
    response = as_role("reader").get(url, headers={"HX-Request": "true"})
    assert response.status_code == 403
    assert "<html" not in response.content.decode()
    assert "不能修改农户档案" in text_of(response)


def test_the_error_page_shows_no_data(client, settings) -> None:
    from huqing.office.views.errors import broken

    page = broken(type("Request", (), {"headers": {}})())
    assert page.status_code == 500
    assert "系统出错了" in text_of(page)


def test_sign_in_page_speaks_chinese_and_says_whom_to_ask(client, db) -> None:
    response = client.get(reverse("account_login"))
    text = text_of(response)
    assert "用户名" in text
    assert "安全管理员" in text
    assert not set(re.findall(r"[A-Za-z]{2,}", text))
    wrong = client.post(reverse("account_login"), {"login": "nobody", "password": "wrong"})
    assert "用户名或密码不对" in text_of(wrong)
