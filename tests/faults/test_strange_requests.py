"""Requests no page of ours would make: refused or ignored in plain words, never an error page, never a way in."""

from __future__ import annotations

import io
import logging
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.access import world

from huqing.access.instance import mark_demo
from huqing.office import places

pytestmark = pytest.mark.django_db

STRANGE = [
    "'", '"', "%", "%00", "\x00", "{{7*7}}", "../../etc/passwd", "-1", "9" * 30, "NaN", "1e309", "٣", "²", "a" * 3000,
    "\u202e", "𠮷" * 40, "'; DROP TABLE access_user;--", "\\", "*", "[", "(", "OR 1=1", "\r\nSet-Cookie: evil=1",
    "<script>alert(1)</script>", "5002361", "50023610120１", "999999",
]  # fmt: skip
LISTS = (
    "households",
    "alerts",
    "unknown",
    "imports",
    "links",
    "rules",
    "regions",
    "search",
    "import-add",
    "screenings",
)
ABOUT_AN_IMPORT = ("import", "import-columns", "import-problems")


@pytest.fixture
def county(users_by_role, regions, settings, tmp_path) -> Client:
    """A county clerk at work on one row of every kind."""
    settings.DATA = tmp_path
    mark_demo(tmp_path)
    places.forget()
    world.build(world.OWN, world.OWN_MARK, regions.village, regions.grid)
    client = Client(raise_request_exception=False)
    client.force_login(users_by_role["county"])
    return client


def names_in(page: str) -> set[str]:
    """What the links and forms of a page send."""
    return set(re.findall(r'name="([a-z_]+)"', page)) | set(re.findall(r"[?&;]([a-z_]+)=", page))


def test_strange_values_in_addresses_end_in_no_error_and_in_no_script(county):
    addresses = [reverse(f"office:{name}") for name in LISTS]
    addresses += [reverse(f"office:{name}", args=[world.OWN]) for name in ABOUT_AN_IMPORT]
    wrong = []
    for address in addresses:
        known = names_in(county.get(address).content.decode()) | {"region", "kind", "page", "after", "from", "s"}
        fields = sorted(known - {"csrfmiddlewaretoken", "viewport"})
        # All fields at once for every value; one field alone for the values that broke something once.
        asked = [dict.fromkeys(fields, value) for value in STRANGE]
        asked += [{name: value} for name in fields for value in ("OR 1=1", "'", "<script>alert(1)</script>")]
        for query in asked:
            response = county.get(address, query)
            if response.status_code >= 500 or "<script>alert" in response.content.decode():
                wrong.append(f"{response.status_code} {address}?{query}"[:200])
            assert "evil" not in response.cookies
    assert not wrong, "\n".join(wrong)


def test_strange_searches_end_in_no_error_and_in_no_script(county):
    for value in STRANGE:
        found = county.post(reverse("office:search"), {"q": value}, follow=True)
        # No database column of text takes a null character; a form with one is refused whole.
        assert found.status_code == (400 if "\0" in value else 200), value
        assert "<script>alert" not in found.content.decode()


def test_places_outside_the_county_leave_nothing_behind(county):
    county.get(reverse("office:households"))
    before = len(places._KEPT)
    for number in range(300):
        county.get(reverse("office:households"), {"region": f"{110000 + number}"})
    assert len(places._KEPT) == before


def test_the_sign_in_leads_to_pages_of_ours_only(users_by_role):
    for address in ("//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "https:evil.test"):
        for client in (Client(), Client()):
            answer = client.post(f"{reverse('account_login')}?next={address}", {"login": "village", "password": "x"})
            assert "evil.test" not in answer.headers.get("Location", "")
        client.force_login(users_by_role["village"])
        answer = client.get(reverse("account_login"), {"next": address})
        assert "evil.test" not in answer.headers.get("Location", "")


def test_a_stranger_cannot_fill_the_disk_with_uploads(client):
    upload = SimpleUploadedFile("x.bin", b"x" * 200_000)
    answer = client.post(reverse("account_login"), {"login": "x", "password": "y", "file": upload})
    assert answer.status_code == 400
    assert "没有被接受" in answer.content.decode()


def test_too_many_files_or_fields_are_refused_in_chinese(county):
    files = {f"file{number}": SimpleUploadedFile(f"{number}.csv", b"a,b\n") for number in range(101)}
    for sent in (files, {f"field{number}": "x" for number in range(2_000)}):
        answer = county.post(reverse("office:import-add"), sent)
        assert answer.status_code == 400
        assert "没有被接受" in answer.content.decode()


@pytest.mark.parametrize("host", ["evil.test", "127.0.0.1.evil.test", "127.0.0.1@evil.test", ""])
def test_a_foreign_host_name_is_refused(client, settings, host):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    answer = client.get(reverse("account_login"), headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.content.decode()


def test_every_form_needs_its_token(users_by_role, regions):
    client = Client(enforce_csrf_checks=True)
    client.force_login(users_by_role["village"])
    for name in ("office:search", "account_logout", "account_change_password"):
        answer = client.post(reverse(name), {"q": "x"})
        assert answer.status_code == 403
        assert "页面已过期" in answer.content.decode()


def test_an_upload_is_kept_under_its_digest_whatever_it_is_called(county, settings):
    names = (
        "../../../keys/seal.key.csv",
        "C:\\fakepath\\..\\户.csv",
        "a\x00b.csv",
        "/etc/passwd.csv",
        ".csv",
        f"{'长' * 300}.csv",
    )
    for name in names:
        upload = SimpleUploadedFile("x.csv", "户编号,户主姓名\n1,张三\n".encode())
        upload._name = name
        county.post(reverse("office:import-add"), {"file": upload, "region": "500236", "on": "2024-06-01"})
    stored = [path for path in settings.DATA.rglob("*") if path.is_file() and path.suffix == ".csv"]
    assert {path.parent for path in stored} == {settings.DATA / "files" / "imports"}
    assert all(re.fullmatch(r"[0-9a-f]{64}\.csv", path.name) for path in stored)
    assert len(stored) == 1


@pytest.mark.parametrize("field", ["display_name", "unit"])
def test_an_account_with_a_number_for_a_name_is_refused_beside_the_field(field, users_by_role, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    client = Client()
    client.force_login(users_by_role["security_admin"])
    names = {"display_name": "王芳", "unit": "镇政府"}
    answer = client.post(
        reverse("office:user-edit", args=[users_by_role["town"].pk]), {**names, field: "王芳 13812345678"}
    )
    assert answer.status_code == 422
    assert "不要写手机号或证件号码" in answer.content.decode()
    users_by_role["town"].refresh_from_db()
    assert "138" not in getattr(users_by_role["town"], field)


def test_a_refusal_is_one_line_of_the_log_with_its_reason(users_by_role, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    (handler,) = [one for one in logging.getLogger().handlers if one.get_name() == "console"]
    # Its own stream may be that of an earlier test, which is closed by now and cannot even be flushed.
    monkeypatch.setattr(handler, "stream", io.StringIO())
    client = Client()
    client.force_login(users_by_role["village"])
    assert client.get(reverse("office:users")).status_code == 403
    lines = handler.stream.getvalue().strip().splitlines()
    assert len(lines) == 1
    assert "不能查看用户" in lines[0]
