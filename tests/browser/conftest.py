"""Chromium in front of the running product: pages whose every request, console line and word is watched."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, expect
from tests.conftest import PATIENCE

from huqing.access.instance import mark_demo

TODAY = dt.date(2026, 6, 30)
# Kinds of files and keys on the keyboard have no other names.
LATIN = {"xlsx", "xls", "csv", "Esc", "Tab", "Shift"}
HIDDEN_WORDS = "code, [data-latin]"


@dataclass
class Watched:
    """A page and what was noticed about it: requests to elsewhere, complaints on the console, words not Chinese."""

    page: Page
    origin: str
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("request", self._request)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("load", self._loaded)

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _loaded(self, page: Page) -> None:
        # A page that is left at once has nothing more to say.
        with suppress(Error):
            self._read()

    def _read(self) -> None:
        # Letters before a digit are the number of a document: LV05.
        self.words |= set(re.findall(r"[A-Za-z]{2,}(?![A-Za-z\d])", self.text())) - LATIN - self.names

    def text(self) -> str:
        """What can be read on the page now."""
        return self.page.evaluate(
            """(hidden) => {
                const copy = document.body.cloneNode(true)
                for (const node of copy.querySelectorAll(hidden)) node.remove()
                document.body.append(copy)
                const text = copy.innerText
                copy.remove()
                return text
            }""",
            HIDDEN_WORDS,
        )

    def sees(self, *texts: str) -> None:
        """Wait until each text stands on the page."""
        for text in texts:
            expect(self.page.locator("body")).to_contain_text(text)
        # Words stand there before the page's script runs, and what is pressed before that is lost.
        self.page.wait_for_load_state()
        self._read()

    def click(self, button: Locator) -> None:
        """Press what leads to another page, and wait until that is there with its script."""
        with self.page.expect_navigation():
            button.click()

    def go(self, path: str) -> None:
        """Open a page of the product."""
        self.page.goto(f"{self.origin}{path}")

    def sign_in(self, username: str, password: str) -> None:
        """Fill in the sign-in page; the names of the accounts are no words of ours."""
        self.names |= set(username.split("_"))
        self.go("/")
        self.page.get_by_label("用户名").fill(username)
        self.page.get_by_label("密码").fill(password)
        self.click(self.page.get_by_role("button", name="登录"))

    def sign_out(self) -> None:
        """Leave by the account menu."""
        self.page.locator("details.menu > summary").click()
        self.page.get_by_role("button", name="退出登录").click()
        self.sees("账号由本县安全管理员开立")


@pytest.fixture
def product(served, settings, tmp_path, monkeypatch) -> str:
    """The running product with a data folder of its own, on a fixed day; second factors are tested elsewhere."""
    settings.DATA = tmp_path / "data"
    mark_demo(settings.DATA)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)
    return served


@pytest.fixture
def window(product, chromium) -> Iterator[Callable[..., Watched]]:
    """A function that opens a window on the product; at the end nothing may have been noticed."""
    opened: list[tuple[Any, Watched]] = []

    def open_window(width: int = 1280, height: int = 900) -> Watched:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        context.set_default_timeout(PATIENCE)
        opened.append((context, Watched(context.new_page(), product)))
        return opened[-1][1]

    yield open_window
    for context, watched in opened:
        context.close()
        assert not watched.elsewhere, watched.elsewhere
        assert not watched.complaints, watched.complaints
        assert not watched.words, watched.words
