"""Addresses of further pages that somebody wrote by hand."""

from __future__ import annotations

import base64
import json

import pytest
from django.urls import reverse


@pytest.mark.parametrize(
    ("name", "cursor"),
    [
        ("office:public-draws", ["乡镇"]),
        ("office:public-draws", ["\0"]),
        ("office:inspections", ["去年", 1]),
        ("office:units", ["\0", 1]),
    ],
)
def test_a_next_page_that_cannot_be_is_the_first_page(as_role, name, cursor):
    after = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
    assert as_role("county").get(reverse(name), {"after": after}).status_code == 200
