"""The phone app's own files are served to everybody, and nothing beside them."""

from __future__ import annotations

import gzip
import json

import pytest
from django.test import Client

from huqing.api import shell

pytestmark = pytest.mark.django_db


def names() -> list[str]:
    return sorted(json.loads((shell.BUILT / "manifest.json").read_text(encoding="utf-8"))["files"])


def test_the_page_and_its_worker_are_asked_for_again_each_time_and_everything_else_is_kept():
    client = Client()
    for path in ("/field/", "/field/sw.js"):
        assert client.get(path).headers["Cache-Control"] == "no-cache"
    assert client.get("/field/sw.js").headers["Service-Worker-Allowed"] == "/field/"
    hashed = [name for name in names() if shell.HASHED.search(name)]
    assert hashed
    for name in hashed:
        assert "immutable" in client.get(f"/field/{name}").headers["Cache-Control"]


@pytest.mark.parametrize("name", names())
def test_each_file_comes_as_it_was_built_with_its_own_policies(name):
    path = "/field/" if name == "index.html" else f"/field/{name}"
    plain = Client().get(path)
    packed = Client().get(path, headers={"Accept-Encoding": "gzip"})
    assert plain.content == gzip.decompress(packed.content) == (shell.BUILT / name).read_bytes()
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert "geolocation=(self)" in plain.headers["Permissions-Policy"]
    policy = plain.headers["Content-Security-Policy"]
    assert "script-src 'self' 'wasm-unsafe-eval';" in policy
    assert "unsafe-inline" not in policy
    assert "http" not in policy
    again = Client().get(path, headers={"If-None-Match": plain.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["manifest.json", "index.html", "absent.js", "..%2F..%2Fshell.py", "%2Fetc%2Fpasswd"])
def test_what_is_not_part_of_the_app_is_not_there(name):
    assert Client().get(f"/field/{name}").status_code == 404


def test_nothing_is_sent_to_the_app_by_a_form():
    assert Client().post("/field/").status_code in (403, 405)
