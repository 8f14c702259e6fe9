"""Sending a form of a public page as a browser does: open the page, take its token, send what was filled in."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(r'name="form_token" value="([^"]*)"')


def send(client: Any, address: str, filled: dict[str, Any], **extra: Any) -> Any:
    """Open the page and send its form; the answer."""
    return client.post(address, {**filled, "form_token": token_on(client.get(address))}, **extra)


def token_on(page: Any) -> str:
    """The token a page holds."""
    found = TOKEN.search(page.content.decode())
    assert found is not None, "the page has no form"
    return found[1]
