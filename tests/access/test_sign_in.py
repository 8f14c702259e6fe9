"""Signing in as a user does it: the lock, the second factor, the first password, the idle time-out."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from huqing.access import lockout, middleware
from huqing.access.instance import mark_demo
from huqing.access.models import AuditEvent, SignInFailure
from huqing.access.passwords import EXPIRES_AFTER

PASSWORD = "Fengjie-2024!"
LOGIN = "/account/login/"
MINUTE = dt.timedelta(minutes=1)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

pytestmark = pytest.mark.urls("tests.access.pages")


@pytest.fixture
def now(monkeypatch):
    """The time of day, held still; call it with a span to let time pass."""
    clock = {"now": timezone.now()}

    def passes(span: dt.timedelta) -> None:
        clock["now"] += span

    monkeypatch.setattr(timezone, "now", lambda: clock["now"])
    monkeypatch.setattr(middleware, "seconds", lambda: timezone.now().timestamp())
    return passes


@pytest.fixture(autouse=True)
def library_templates(settings):
    """The sign-in library's own pages: the office's look is the office's tests' business."""
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": []}]


@pytest.fixture(autouse=True)
def empty_cache():
    """The sign-in library remembers used codes in the cache, by the keys of users that tests use again."""
    cache.clear()


@pytest.fixture(autouse=True)
def fresh_passwords(users_by_role):
    type(users_by_role["town"]).objects.update(password_changed_at=timezone.now())


def sign_in(client: Client, username: str, password: str = PASSWORD, **extra: str):
    return client.post(LOGIN, {"login": username, "password": password}, **extra)


def signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def events(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def code() -> str:
    return format_hotp_value(hotp_value(SECRET, next(yield_hotp_counters_from_time())))


def test_the_right_password_signs_in_and_is_audited(client):
    assert sign_in(client, "Town").status_code == 302
    assert signed_in(client)
    event = AuditEvent.objects.get(action="sign_in")
    assert event.actor.username == "town"
    assert event.detail == {"address": "127.0.0.1"}


def test_signing_in_changes_the_session_so_that_a_planted_one_is_worthless(client):
    client.get("/open/")
    client.session.save()
    before = client.session.session_key
    sign_in(client, "town")
    assert client.session.session_key != before


def test_a_wrong_password_says_so_in_chinese_and_names_nobody(client):
    for name in ("town", "nobody"):
        page = sign_in(client, name, "wrong").content.decode()
        assert "用户名或密码不对" in page
    assert events("sign_in_failed") == 2
    assert "nobody" not in str(list(AuditEvent.objects.values()))
    assert not SignInFailure.objects.filter(key="nobody").exists()


def test_five_wrong_passwords_lock_the_account_for_a_quarter_of_an_hour(client, now):
    for _ in range(5):
        assert "用户名或密码不对" in sign_in(client, "town", "wrong").content.decode()
    failures = AuditEvent.objects.filter(action="sign_in_failed").order_by("id")
    assert [event.detail["locked"] for event in failures] == [False] * 4 + [True]
    assert "请 15 分钟后再试" in sign_in(client, "town").content.decode()
    now(14 * MINUTE)
    assert "请 1 分钟后再试" in sign_in(client, "town").content.decode()
    now(2 * MINUTE)
    assert sign_in(client, "town").status_code == 302


def test_a_lock_holds_from_another_address_and_for_this_account_only(client):
    for _ in range(5):
        sign_in(client, "town", "wrong")
    assert "再试" in sign_in(client, "town", REMOTE_ADDR="10.0.0.9").content.decode()
    assert sign_in(client, "village").status_code == 302


def test_the_right_password_forgets_earlier_mistakes(client):
    for _ in range(3):
        for _ in range(4):
            sign_in(client, "town", "wrong")
        assert sign_in(client, "town").status_code == 302


def test_mistakes_far_apart_do_not_add_up(client, now):
    for _ in range(6):
        sign_in(client, "town", "wrong")
        now(16 * MINUTE)
    assert sign_in(client, "town").status_code == 302


def test_many_names_from_one_address_lock_the_address(client, settings):
    settings.HUQING_ADDRESS_FAILURES = 7
    for n in range(7):
        sign_in(client, f"guess{n}", "wrong")
    assert "再试" in sign_in(client, "town").content.decode()
    assert sign_in(Client(), "town", REMOTE_ADDR="10.0.0.9").status_code == 302


def test_attempts_at_the_same_moment_are_all_counted(db):
    counted = [lockout.begin(username="town", address="10.0.0.1") for _ in range(7)]
    assert [until is None for until in counted] == [True] * 5 + [False] * 2


def test_a_disabled_account_does_not_get_in_and_open_sessions_end(client, users_by_role):
    sign_in(client, "town")
    user = users_by_role["town"]
    user.is_active = False
    user.save()
    assert not signed_in(client)
    sign_in(client, "town")
    assert not signed_in(client)


def test_nobody_registers_or_asks_for_mail(client):
    for name in ("account_signup", "account_reset_password", "account_email", "account_set_password"):
        assert client.get(reverse(name)).status_code == 404
        assert client.post(reverse(name), {"username": "x"}).status_code == 404


def test_after_half_an_hour_without_a_click_the_session_ends(client, now):
    sign_in(client, "town")
    for _ in range(3):
        now(29 * MINUTE)
        assert signed_in(client)
    now(31 * MINUTE)
    response = client.get("/")
    assert response.status_code == 302
    assert response.url.startswith(LOGIN)
    assert events("idle_sign_out") == 1
    assert not signed_in(client)


def test_after_twelve_hours_everybody_signs_in_again(client, now):
    sign_in(client, "town")
    for _ in range(36):
        assert signed_in(client)
        now(20 * MINUTE)
    now(MINUTE)
    assert not signed_in(client)
    assert "已满 12 小时" in client.get(LOGIN).content.decode()


def test_a_page_that_refreshes_itself_does_not_keep_the_session_alive(client, now):
    sign_in(client, "town")
    client.get("/")
    for _ in range(3):
        now(11 * MINUTE)
        response = client.get("/", headers={"X-Background": "1"})
    assert response.status_code == 302


def test_a_fragment_request_after_the_session_moves_the_whole_page(client):
    response = client.get("/", headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response["HX-Redirect"] == LOGIN


def test_a_first_password_must_be_changed_before_anything_else(client, users_by_role):
    user = users_by_role["town"]
    user.must_change_password = True
    user.save()
    sign_in(client, "town")
    assert client.get("/").url == reverse("account_change_password")
    assert client.get(reverse("mfa_index")).url == reverse("account_change_password")
    fields = {"oldpassword": PASSWORD, "password1": PASSWORD, "password2": PASSWORD}
    assert "最近 3 次" in client.post(reverse("account_change_password"), fields).content.decode()
    new = "Yanwa-village-7"
    client.post(reverse("account_change_password"), {**fields, "password1": new, "password2": new})
    assert signed_in(client)
    assert events("password_change") == 1
    assert sign_in(Client(), "town", new).status_code == 302


def test_an_expired_password_must_be_changed(client, users_by_role):
    user = users_by_role["town"]
    user.password_changed_at = timezone.now() - EXPIRES_AFTER - MINUTE
    user.save()
    sign_in(client, "town")
    assert client.get("/").url == reverse("account_change_password")


def test_guessing_the_old_password_locks_too(client):
    sign_in(client, "town")
    fields = {"oldpassword": "wrong", "password1": "Yanwa-village-7", "password2": "Yanwa-village-7"}
    for _ in range(5):
        client.post(reverse("account_change_password"), fields)
    assert (
        "再试" in client.post(reverse("account_change_password"), {**fields, "oldpassword": PASSWORD}).content.decode()
    )


@pytest.mark.parametrize("role", ["county", "system_admin", "security_admin", "audit_admin"])
def test_these_roles_add_a_second_factor_before_anything_else(role, client):
    sign_in(client, role)
    response = client.get("/")
    assert response.url == reverse("mfa_activate_totp")
    page = client.get(response.url)
    assert page.status_code == 200
    assert client.get("/rules/").status_code == 302


def test_adding_a_second_factor_seals_its_secret_and_opens_the_door(
    client, users_by_role, django_capture_on_commit_callbacks
):
    sign_in(client, "county")
    client.get(reverse("mfa_activate_totp"))
    session = client.session
    session["mfa.totp.secret"] = SECRET
    session.save()
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(reverse("mfa_activate_totp"), {"code": code()})
    assert response.status_code == 302
    assert signed_in(client)
    stored = Authenticator.objects.get(user=users_by_role["county"], type="totp")
    assert SECRET not in str(stored.data)
    assert events("second_factor_add") == 2


@pytest.fixture
def enrolled(users_by_role):
    user = users_by_role["county"]
    TOTP.activate(user, SECRET)
    RecoveryCodes.activate(user)
    return user


def test_with_a_second_factor_the_password_alone_is_not_enough(client, enrolled):
    assert sign_in(client, "county").url == reverse("mfa_authenticate")
    assert not signed_in(client)
    page = client.post(reverse("mfa_authenticate"), {"code": "000000"}).content.decode()
    assert "动态码不对" in page
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert signed_in(client)
    assert events("sign_in_code_failed") == 1


def test_a_code_somebody_has_looked_over_the_shoulder_for_does_not_work_again(enrolled):
    shown = code()
    for expected in (True, False):
        client = Client()
        sign_in(client, "county")
        client.post(reverse("mfa_authenticate"), {"code": shown})
        cache.clear()  # what one process remembers the next one does not
        assert signed_in(client) is expected


def test_a_recovery_code_works_once(enrolled):
    recovery = RecoveryCodes(Authenticator.objects.get(user=enrolled, type="recovery_codes")).get_unused_codes()[0]
    for expected in (True, False):
        client = Client()
        sign_in(client, "county")
        client.post(reverse("mfa_authenticate"), {"code": recovery})
        assert signed_in(client) is expected


def test_wrong_codes_lock_like_wrong_passwords(client, enrolled):
    sign_in(client, "county")
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "再试" in client.post(reverse("mfa_authenticate"), {"code": code()}).content.decode()
    assert not signed_in(client)


def test_a_required_second_factor_cannot_be_switched_off(client, enrolled):
    sign_in(client, "county")
    client.post(reverse("mfa_authenticate"), {"code": code()})
    page = client.post(reverse("mfa_deactivate_totp"))
    assert "不能停用" in page.content.decode() or page.status_code == 302
    assert Authenticator.objects.filter(user=enrolled, type="totp").exists()


def test_a_demonstration_does_not_insist_on_the_second_factor(client, settings, tmp_path):
    settings.DATA = tmp_path
    sign_in(client, "county")
    assert not signed_in(client)
    mark_demo(tmp_path)
    assert signed_in(client)


def test_a_view_that_declares_nothing_is_refused_to_everybody(client):
    assert client.get("/undeclared/").status_code == 403
    sign_in(client, "town")
    assert client.get("/undeclared/").status_code == 403


def test_who_wrote_at_length_until_the_session_was_over_gets_the_words_back_and_nothing_else(client):
    wrote = "入户看到老人独自在家，<b>屋顶漏雨</b>，\n儿子在外务工半年没有回来。"
    page = client.post("/", {"text": wrote, "id_number": "500236199001011234", "password1": "p" * 30, "kind": "1"})
    told = page.content.decode()
    assert page.status_code == 403
    assert "&lt;b&gt;屋顶漏雨&lt;/b&gt;" in told
    assert "500236199001011234" not in told
    assert "pppp" not in told
    assert page["Cache-Control"] == "no-store"
    assert client.post("/", {"kind": "1"}).status_code == 302


def test_a_refusal_gives_the_reason(client, users_by_role):
    client.force_login(users_by_role["village"])
    response = client.get("/audit-only/")
    assert response.status_code == 403


def test_every_page_carries_the_headers_and_inner_pages_are_not_kept(client):
    sign_in(client, "town")
    inner, outer = client.get("/"), Client().get("/open/")
    for response in (inner, outer):
        assert "default-src 'self'" in response["Content-Security-Policy"]
        assert not re.search(r"unsafe|https?:|\*", response["Content-Security-Policy"])
        assert response["X-Frame-Options"] == "DENY"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Referrer-Policy"] == "same-origin"
    assert inner["Cache-Control"] == "no-store"
    for cookie in client.cookies.values():
        assert cookie["samesite"] == "Lax"
    assert client.cookies["sessionid"]["httponly"]


def test_a_form_without_its_token_is_refused():
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(LOGIN, {"login": "town", "password": PASSWORD}).status_code == 403
