"""A phone's secret address: who may give one out, what it opens, when it ends, and where it never shows."""

from __future__ import annotations

import datetime as dt
import io
import logging

import pytest
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.urls import get_resolver
from tests.api.phone import Phone, attached, form_xml, instance_xml, publish, told

from huqing.access.errors import Reporter
from huqing.access.keys import PREFIX, hide_keys
from huqing.access.models import AuditEvent, Role, SignInFailure
from huqing.access.permissions import Refused
from huqing.api import openrosa
from huqing.api.tokens import with_token
from huqing.site.web import SievedLogger
from huqing.visits import links
from huqing.visits.models import AccessLink, Submission

pytestmark = pytest.mark.django_db

VISITING = {Role.COUNTY, Role.TOWN, Role.VILLAGE, Role.GRID, Role.VISITOR}
SIMPLE = instance_xml("simple_one")


def test_the_database_does_not_hold_the_token(users_by_role, data):
    link, token = links.create_link(user=users_by_role["grid"], label="手机", by=users_by_role["grid"])
    assert len(token) == 64
    kept = str(AccessLink.objects.values().get()) + str(list(AuditEvent.objects.values()))
    assert token not in kept
    assert links.user_of(token) == users_by_role["grid"]
    assert links.user_of(link.token) is None
    assert links.user_of("") is None


@pytest.mark.parametrize("role", list(Role))
def test_only_who_visits_gets_a_link(role, users_by_role, data):
    user = users_by_role[role]
    if role in VISITING:
        assert links.create_link(user=user, label="手机", by=user)
    else:
        with pytest.raises(Refused):
            links.create_link(user=user, label="手机", by=user)


def test_county_and_town_give_links_to_their_own_people_only(users_by_role, data):
    town, grid, village = (users_by_role[role] for role in ("town", "grid", "village"))
    assert links.create_link(user=grid, label="网格员的手机", by=town)
    with pytest.raises(Refused):
        links.create_link(user=town, label="手机", by=village)
    grid.region_code = "500237101201"
    grid.save()
    with pytest.raises(Refused, match="不在您的管辖范围内"):
        links.create_link(user=grid, label="手机", by=town)
    with pytest.raises(Refused):
        links.create_link(user=users_by_role["reader"], label="手机", by=users_by_role["county"])


@pytest.mark.parametrize("label", ["", "  ", "长" * 61, "张三 13812345678"])
def test_a_link_says_whose_phone_it_is_without_a_number(label, users_by_role, data):
    with pytest.raises(ValidationError):
        links.create_link(user=users_by_role["grid"], label=label, by=users_by_role["grid"])


def test_a_revoked_link_opens_nothing_more(linked, users_by_role):
    phone = linked("grid")
    assert phone.head().status_code == 204
    link = links.revoke_link(link=AccessLink.objects.get(), by=users_by_role["grid"])
    answer = phone.get("formList")
    assert answer.status_code == 403
    assert "已作废" in told(answer)[1]
    again = links.revoke_link(link=link, by=users_by_role["town"])
    assert again.revoked_at == link.revoked_at
    assert AuditEvent.objects.filter(action="link_revoke").count() == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_active": False}, "已停用"),
        ({"must_change_password": True}, "修改初始密码"),
        ({"role": Role.READER}, "不能走访填表"),
    ],
)
def test_what_the_account_may_not_the_phone_may_not(change, said, linked, users_by_role):
    publish(form_xml("simple"))
    phone, user = linked("town"), users_by_role["town"]
    for name, value in change.items():
        setattr(user, name, value)
    user.save()
    for answer in (phone.get("formList"), phone.send(SIMPLE)):
        assert answer.status_code == 403
        assert said in told(answer)[1]
    assert not Submission.objects.exists()


def test_the_day_of_the_last_use_is_kept(phone, django_assert_num_queries):
    phone.head()
    assert AccessLink.objects.get().used_on is not None
    with django_assert_num_queries(1):
        phone.head()
    AccessLink.objects.update(used_on=dt.date(2020, 1, 1))
    phone.head()
    assert AccessLink.objects.get().used_on > dt.date(2020, 1, 1)


def test_guessing_is_slowed_down_and_harms_nobody_else(phone, settings):
    answers = [Phone("x" * 63 + chr(97 + number)).get("formList") for number in range(settings.HUQING_ADDRESS_FAILURES)]
    assert {answer.status_code for answer in answers[:-1]} == {403}
    late = Phone("y" * 64).get("formList")
    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) > 0
    assert phone.head().status_code == 204
    assert not SignInFailure.objects.exclude(key__startswith="link ").exists()


def test_a_stranger_sends_nothing_to_the_disk(data):
    phone = Phone("x" * 64)
    answer = phone.send(SIMPLE, attached("a.jpg", b"x" * 300_000))
    assert answer.status_code == 403
    assert not list(data.rglob("incoming/*"))


def test_a_signed_in_browser_is_not_signed_out_by_its_phone_app(phone, users_by_role):
    phone.client.force_login(users_by_role["reader"])
    session = phone.client.session
    session["huqing_seen_at"] = session["huqing_began_at"] = 1
    session.save()
    assert phone.head().status_code == 204
    assert phone.client.session["huqing_seen_at"] == 1


def test_every_address_below_a_link_checks_it():
    below = [entry for entry in _routes(get_resolver()) if str(entry[0]).startswith(PREFIX.strip("/"))]
    assert len(below) > 8
    assert [route for route, view in below if not getattr(view, "checks_token", False)] == []


def _routes(resolver, before=""):
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if hasattr(entry, "url_patterns"):
            yield from _routes(entry, route)
        else:
            yield route, entry.callback


@pytest.fixture
def lines():
    """What the console log says while a test runs."""
    (handler,) = [one for one in logging.getLogger().handlers if one.get_name() == "console"]
    # Not by setStream, which flushes the stream before: that may be one of an earlier test, closed with it.
    before, handler.stream = handler.stream, io.StringIO()
    yield handler.stream
    handler.stream = before


def test_the_token_is_in_no_log(phone, lines, monkeypatch):
    publish(form_xml("simple"))

    def broken(**_: object) -> None:
        raise RuntimeError(f"could not open https://huqing.example/key/{phone.key}/submission")

    monkeypatch.setattr(openrosa.receiving, "receive", broken)
    assert phone.send(SIMPLE).status_code == 500
    phone.get("nowhere")
    phone.client.delete(phone.path("formList"))
    logged = lines.getvalue()
    assert "/key/…/submission" in logged
    assert "RuntimeError" in logged
    assert phone.key not in logged


def test_the_token_is_on_no_error_page(phone):
    request = RequestFactory().get(phone.path("formList"))
    key = phone.key
    try:
        raise ValueError(key)
    except ValueError as error:
        reporter = Reporter(request, type(error), error, error.__traceback__)
    for report in (reporter.get_traceback_html(), reporter.get_traceback_text()):
        assert "ValueError" in report
        assert phone.key not in report


def test_the_token_is_in_no_access_log_of_the_web_server(phone):
    from gunicorn.config import Config

    config = Config()
    config.set("accesslog", "-")
    logger = SievedLogger(config)
    (handler,) = logger.access_log.handlers
    stream = handler.setStream(io.StringIO()) and handler.stream
    environ = {"REQUEST_METHOD": "POST", "RAW_URI": phone.path("submission"), "SERVER_PROTOCOL": "HTTP/1.1",
               "HTTP_REFERER": f"http://x{phone.path('formList')}"}  # fmt: skip
    response = type("Response", (), {"status": "201 Created", "sent": 1, "headers": []})()
    request = type("Request", (), {"headers": []})()
    logger.access(response, request, environ, dt.timedelta(seconds=1))
    assert "POST /key/…/submission HTTP/1.1" in stream.getvalue()
    assert phone.key not in stream.getvalue()
    for log in (logger.access_log, logger.error_log):
        for each in list(log.handlers):
            log.removeHandler(each)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /key/abc-_9/formList", "GET /key/…/formList"),
        ("%2Fkey%2Fabc%2FformList", "%2Fkey%2F…%2FformList"),
        ("see 'http://x/key/abc'", "see 'http://x/key/…'"),
        ("/monkey/abc", "/monkey/abc"),
    ],
)
def test_tokens_are_taken_out_of_addresses(text, shown):
    assert hide_keys(text) == shown


def test_views_of_json_are_refused_in_json():
    @with_token("GET")
    def view(request):
        raise AssertionError("nobody gets here")

    answer = view(RequestFactory().get("/key/x/packet"), key="x")
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/json"
