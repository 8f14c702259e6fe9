"""A phone: Chromium at 390 px with the app in front of the running product, over a line that can be broken at will."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect
from tests.conftest import CHROMIUM, FLAGS, PATIENCE
from tests.field.line import Line
from tests.visits import building

from huqing.access.instance import mark_demo
from huqing.access.models import User
from huqing.visits import links
from huqing.visits.models import FormVersion, Submission

TODAY = dt.date(2026, 6, 30)
# Units, addresses and the names of other makers have no other words.
LATIN = {"KB", "MB", "GB", "http", "https", "ODK", "Collect", "Edge", "Safari", "OPPO", "vivo"}
# The browser's own words about a line that the test has cut.
EXPECTED = ("Failed to load resource", "net::ERR", "An unknown error occurred when fetching the script")

# Everything an account's database holds, by table; blobs by their size.
STORED = """async (name) => {
    const wanted = (await indexedDB.databases()).map((each) => each.name).filter((each) => each.startsWith(name))
    const found = {}
    for (const one of wanted) {
        const base = await new Promise((done) => {
            const asked = indexedDB.open(one)
            asked.onsuccess = () => done(asked.result)
            asked.onerror = () => done(null)
            // It was deleted meanwhile: do not make it again.
            asked.onupgradeneeded = () => asked.transaction.abort()
        })
        if (!base) continue
        found[one] = {}
        for (const table of base.objectStoreNames) {
            found[one][table] = await new Promise((done) => {
                const asked = base.transaction(table).objectStore(table).getAll()
                asked.onsuccess = () => done(asked.result.map((row) => Object.fromEntries(
                    Object.entries(row).map(([key, value]) => [key, value instanceof Blob ? value.size : value]))))
            })
        }
        base.close()
    }
    return found
}"""

# Under the sender's own lock, or a try that fails at this moment would put its own time there.
TIRED = """async () => {
    const told = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result) })
    const { name } = (await indexedDB.databases()).find((each) => /^huqing-field-.+/.test(each.name))
    await navigator.locks.request(`huqing-outbox-${name}`, async () => {
        const base = await told(indexedDB.open(name))
        const rows = base.transaction('instances', 'readwrite').objectStore('instances')
        for (const row of await told(rows.getAll())) await told(rows.put({ ...row, nextAt: Date.now() + 300_000 }))
        base.close()
    })
}"""


@dataclass
class Phone:
    """A phone and what was noticed about it."""

    context: BrowserContext
    page: Page
    line: Line
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    dead: bool = False

    def __post_init__(self) -> None:
        self.context.on("request", self._request)
        self.context.on("page", self._watch)
        self._watch(self.page)

    def _watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.line.origin}/", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in EXPECTED):
            self.complaints.append(message.text)

    def switch_off(self) -> None:
        """Close the browser; what it keeps lies in its folder."""
        self.dead = True
        self.context.close()

    def read(self, page: Page | None = None) -> str:
        """What can be read on the page now; words that are not Chinese are noted."""
        text = (page or self.page).evaluate(
            """() => {
                const copy = document.body.cloneNode(true)
                for (const node of copy.querySelectorAll('code, textarea, [data-latin]')) node.remove()
                document.body.append(copy)
                const text = copy.innerText
                copy.remove()
                return text
            }"""
        )
        self.words |= set(re.findall(r"[A-Za-z]{2,}(?![A-Za-z\d])", text)) - LATIN
        return text

    def sees(self, *texts: str, page: Page | None = None) -> None:
        """Wait until each text stands on the page."""
        for text in texts:
            expect((page or self.page).locator("body")).to_contain_text(text)
        self.read(page)

    def go(self, path: str = "/field/") -> None:
        """Open an address of the product."""
        self.page.goto(f"{self.line.origin}{path}")

    def sign_in(self, token: str, name: str = "") -> None:
        """Open a link that was handed out, and wait until the households and forms are here."""
        self.go("/field/")
        self.go(f"/field/#{token}")
        self.settle()
        if name:
            self.sees(name)

    def settle(self) -> None:
        """Wait until the app is up to date and its service worker keeps it."""
        expect(self.page.locator(".sync")).to_contain_text("已同步")
        active = "navigator.serviceWorker.ready.then((it) => it.active.state === 'activated')"
        self.until(lambda: self.page.evaluate(active))

    def sync(self) -> None:
        """Tap on the state."""
        self.page.locator(".sync").click()

    def nudge(self, page: Page | None = None) -> None:
        """What the browser says when the network is back: everything that waits is tried at once."""
        screen = page or self.page
        expect(screen.locator(".sync:not(.busy)")).to_be_visible()
        screen.evaluate("window.dispatchEvent(new Event('online'))")

    def tired(self) -> None:
        """As after many failures: it is minutes until the phone tries again by itself."""
        self.page.evaluate(TIRED)

    def until(self, told: Callable[[], bool], pause: int = 50) -> None:
        """Wait until something is so that the page cannot know, asking every ``pause`` milliseconds."""
        for _ in range(PATIENCE // pause):
            if told():
                return
            self.page.wait_for_timeout(pause)
        raise AssertionError("it never came to that")

    def tab(self, name: str) -> None:
        """Go to one of the three pages."""
        self.page.locator(".van-tabbar-item", has_text=re.compile(rf"{name}\s*$")).click()

    def tab_from_household(self, name: str) -> None:
        """From the page of a household to one of the three pages."""
        self.page.get_by_role("button", name="返回").click()
        self.tab(name)

    def household(self, name: str) -> None:
        """From the list into one household."""
        self.page.locator("a.row", has_text=name).first.click()
        self.sees(f"{name}户", "家庭成员")

    def begin(self, title: str, page: Page | None = None) -> None:
        """Open a form from the page of a household."""
        (page or self.page).get_by_role("button", name=title).first.click()
        expect((page or self.page).locator(".form-foot")).to_be_visible()

    def question(self, label: str, page: Page | None = None) -> Locator:
        """The box of a question on the form."""
        screen = page or self.page
        return screen.locator(".question").filter(has=screen.locator(".label", has_text=label)).first

    def write(self, label: str, value: str, page: Page | None = None) -> None:
        """Type an answer and leave the field."""
        box = self.question(label, page).locator("input.field, textarea.field").first
        box.fill(value)
        box.blur()

    def photo(self, label: str, file: Path) -> None:
        """Choose a picture from the phone."""
        self.question(label).locator("input[type=file]").first.set_input_files(file)
        expect(self.question(label).locator("img.preview, .preview img, img").first).to_be_visible()

    def finish(self, page: Page | None = None) -> None:
        """Say that the form is done."""
        (page or self.page).get_by_role("button", name="填好了").click()

    def saved(self) -> None:
        """Wait until the answers of the open form are kept."""
        expect(self.page.locator(".form-head .state")).to_contain_text("已自动保存")
        self.page.wait_for_function("location.hash.startsWith('#/form/')")

    def stored(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """What lies in the phone's databases."""
        return self.page.evaluate(STORED, "huqing-field-")

    def table(self, name: str) -> list[dict[str, Any]]:
        """One table of the only account's database."""
        (base,) = self.stored().values()
        return base[name]

    def settled(self, state: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many records are in this state."""

        def found() -> list[dict[str, Any]]:
            return [
                row for base in self.stored().values() for row in base.get("instances", []) if row["state"] == state
            ]

        self.until(lambda: len(found()) == count)
        return found()


@pytest.fixture
def product(served, settings, tmp_path, monkeypatch) -> str:
    """The running product with a data folder of its own, on a fixed day."""
    settings.DATA = tmp_path / "data"
    settings.DATA.mkdir()
    mark_demo(settings.DATA)
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)
    return served


@pytest.fixture
def line(product) -> Iterator[Line]:
    """The line between phone and product."""
    made = Line(product)
    yield made
    made.free()
    made.close()


@pytest.fixture
def token(product, users_by_role) -> Callable[..., str]:
    """A function that hands out a link: ``token("village")``."""

    def give(role: str = "village") -> str:
        user: User = users_by_role[role]
        return links.create_link(user=user, label="手机", by=user)[1]

    return give


@pytest.fixture
def visit_form(product) -> Callable[..., FormVersion]:
    """A function that publishes a version of a small visit form with a note, a number and a photograph."""

    def publish(version: str = "1", *rows: str, title: str = "入户走访", form_id: str = "home_visit") -> FormVersion:
        usual = (
            "| | text | note | 走访情况 | | | |",
            "| | integer | people | 在家人数 | | | |",
            "| | image | photo | 房屋照片 | | | |",
        )
        source = building.text(*(rows or usual), version=version, form_id=form_id, title=title)
        return building.stored(building.converted(source))

    return publish


@pytest.fixture
def phone(line, chromium: Browser, tmp_path) -> Iterator[Callable[..., Phone]]:
    """A function that gives a new phone; at the end none may have asked another origin or said a foreign word.

    ``folder`` makes one that can be switched off and on: the same folder is the same phone.
    """
    given: list[Phone] = []

    def give(
        *, width: int = 390, folder: Path | None = None, line: Line = line, flags: tuple[str, ...] = (), **how: Any
    ) -> Phone:
        how = {
            "viewport": {"width": width, "height": 844},
            "locale": "zh-CN",
            "timezone_id": "Asia/Shanghai",
            "has_touch": width < 800,
            **how,
        }
        if folder is None:
            context = chromium.new_context(**how)
            page = context.new_page()
        else:
            context = chromium.browser_type.launch_persistent_context(
                folder, executable_path=CHROMIUM, args=[*FLAGS, *flags], **how
            )
            page = context.pages[0]
        context.set_default_timeout(PATIENCE)
        given.append(Phone(context, page, line))
        return given[-1]

    yield give
    for one in given:
        if not one.dead:
            one.switch_off()
    for one in given:
        assert not one.elsewhere, one.elsewhere
        assert not one.complaints, one.complaints
        assert not one.words, one.words


@pytest.fixture
def ready(phone, token, visit_form, make_household) -> Phone:
    """A signed-in phone with one household and one form."""
    make_household(members=("张大山", "李秀英"))
    visit_form()
    one = phone()
    one.sign_in(token(), "张大山")
    return one


@pytest.fixture
def received() -> Callable[[], list[Submission]]:
    """What the office has, oldest first."""
    return lambda: list(Submission.objects.order_by("pk"))


@pytest.fixture
def photographs(tmp_path) -> list[Path]:
    """Four pictures of some 100 KB each, no two alike."""
    made = []
    for number in range(4):
        noise = random.Random(number)
        picture = Image.frombytes("RGB", (240, 160), noise.randbytes(240 * 160 * 3)).resize((960, 640))
        made.append(tmp_path / f"照片{number}.jpg")
        picture.save(made[-1], quality=85)
    return made


@pytest.fixture
def photograph(photographs) -> Path:
    """One picture."""
    return photographs[0]
