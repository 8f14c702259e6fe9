"""Twenty people clicking at once on a full-size county: ``python bench/bench_office.py`` after bench_county.py.

Starts ``huqing serve`` on the county's data folder, signs twenty sessions in (county, town and village accounts) and
lets each ask for lists with and without filters, later pages of them, searches and household pages in a fixed random
order; prints the 95th percentile per kind of page. A page counts only when it shows what was asked for. Traffic stays on
127.0.0.1. ``HUQING_DATA`` and ``HUQING_DATABASE`` choose another demonstration.
"""

from __future__ import annotations

import http.client
import multiprocessing
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
FOLDER = Path(os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "county")))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
HOST = "127.0.0.1"
with socket.create_server((HOST, 0)) as free:
    PORT: int = free.getsockname()[1]
USERS, REQUESTS = 20, 60
LIMIT_MS = 150
FULL_SIZE = 300_000
ACCOUNTS = ("xian", "xian", "chayue", "zhen", "cun")
NEXT = re.compile(r'href="([^"]+)"[^>]*>下一页')
# A page to ask for: method, address, form, and a text that stands on the page when it is the right one.
Page = tuple[str, str, "dict[str, str] | None", str]


class Browser:
    """A keep-alive connection with cookies: enough of a browser for a signed-in user."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self.connection = http.client.HTTPConnection(HOST, PORT, timeout=30)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, float]:
        """Status, page (or where a redirect leads to) and seconds."""
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            form = {**form, "csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Referer"] = f"http://{HOST}:{PORT}/"
        began = time.perf_counter()
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        except (http.client.HTTPException, OSError):
            # The server closes idle connections; a browser opens another and asks again.
            self.connection.close()
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        seconds = time.perf_counter() - began
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                cookie, _, content = value.partition(";")[0].partition("=")
                self.cookies[cookie] = content
        return answer.status, answer.getheader("Location") or text, seconds

    def sign_in(self, username: str, password: str) -> None:
        self.ask("GET", "/account/login/")
        status, text, _ = self.ask("POST", "/account/login/", {"login": username, "password": password})
        if status != 302:
            raise SystemExit(f"sign-in failed with {status}: {re.sub('<[^>]*>', ' ', text)[:300]}")


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    from huqing.access.models import User
    from huqing.registry.models import Household
    from huqing.site import demonstration
    from machine import row, save

    demonstration.ensure_accounts()
    total = Household.objects.count()
    own = {name: User.objects.get(username=name) for name in set(ACCOUNTS)}
    pages = {name: _pages(user) for name, user in own.items()}
    connection.close()
    server = subprocess.Popen(
        [sys.executable, "-m", "huqing.cli", "serve", "--address", f"{HOST}:{PORT}", "--no-worker"]
    )
    results, failures = [], []
    try:
        _wait(server)
        people = []
        for number in range(USERS):
            browser, name = Browser(), ACCOUNTS[number % len(ACCOUNTS)]
            browser.sign_in(name, demonstration.PASSWORD)
            people.append((browser, pages[name]))
        for pause, title in ((1.0, "a second between clicks"), (0.0, "without pauses")):
            times, failed, rate = _click_around(people, pause)
            failures += failed
            results.append(row(f"{title}: requests answered", rate, "per second"))
            for kind, values in times.items():
                values.sort()
                results.append(row(f"{title}: {kind}, median of {len(values)}", statistics.median(values), "ms"))
                high = values[int(len(values) * 0.95)]
                results.append(row(f"{title}: {kind}, 95th percentile", high, "ms", LIMIT_MS))
    finally:
        server.terminate()
        server.wait(30)
    results.append(row("failed requests", len(failures), "requests", 0))
    save(
        f"office_{connection.vendor}" if total >= FULL_SIZE else f"office_{connection.vendor}_{total}",
        f"Office pages, {total:,} households, {USERS} users ({connection.vendor})",
        results,
    )
    if failures:
        print("\n".join(sorted(set(failures))[:10]))


def _pages(user: Any) -> dict[str, list[Page]]:
    """What an account asks for, by kind of page."""
    from django.urls import reverse

    from huqing.registry.models import Household
    from huqing.screening.models import Alert

    known = Household.objects.visible_to(user).filter(status=Household.Status.ACTIVE)
    ids = list(known.values_list("pk", flat=True))
    sample = random.Random(7)
    rows = list(
        known.filter(pk__in=sample.sample(ids, min(600, len(ids)))).values_list(
            "pk", "head_name", "head_pinyin", "number", "region_code"
        )
    )
    findings = list(Alert.objects.visible_to(user).order_by().values_list("finding", flat=True).distinct())
    households, alerts, search = reverse("office:households"), reverse("office:alerts"), reverse("office:search")
    places = sorted({code for *_, village in rows for code in (village[:9], village)})
    filters = [{"region": code} for code in places] + [{"label": label} for label in ("monitor", "tuopin", "dibao")]
    filters += [{"finding": finding} for finding in findings]
    narrowed = [{"finding": finding} for finding in findings] + [{"region": code} for code in places]
    return {
        "household list": [("GET", households, None, "<table")],
        "household list, filtered": [("GET", f"{households}?{urlencode(each)}", None, "<main") for each in filters],
        "alert list": [("GET", alerts, None, "<main")],
        "alert list, filtered": [("GET", f"{alerts}?{urlencode(each)}", None, "<main") for each in narrowed],
        "household page": [
            ("GET", reverse("office:household", args=[pk]), None, number) for pk, _, _, number, _ in rows
        ],
        "search": [
            ("POST", search, {"q": text}, expected)
            for _, head, pinyin, number, _ in rows
            # Initials fit more people than a result page shows.
            for text, expected in ((head, head), (pinyin, "<main"), (number, head))
        ],
    }


def _click_around(
    people: list[tuple[Browser, dict[str, list[Page]]]], pause: float
) -> tuple[dict[str, list[float]], list[str], float]:
    """Milliseconds per kind of page, what failed, and requests per second. A search is its post and its result page.

    Everybody clicks in a process of their own: twenty threads of one process would wait for each other, and that wait
    would count as the server's.
    """
    processes = multiprocessing.get_context("fork")
    results: Any = processes.Queue()
    clickers = [
        processes.Process(target=_click, args=(number, *person, pause, results)) for number, person in enumerate(people)
    ]
    began = time.perf_counter()
    for clicker in clickers:
        clicker.start()
    times: dict[str, list[float]] = {kind: [] for kind in people[0][1]}
    failures: list[str] = []
    ended = began
    for _ in clickers:
        taken, failed, cookies, number, at = results.get(timeout=600)
        failures += failed
        ended = max(ended, at)
        people[number][0].cookies = cookies
        for kind, values in taken.items():
            times[kind] += values
    for clicker in clickers:
        clicker.join()
    return times, failures, len(people) * REQUESTS / (ended - began)


def _click(number: int, browser: Browser, pages: dict[str, list[Page]], pause: float, results: Any) -> None:
    """One person's clicks, in a fixed random order; puts (milliseconds by kind, failures, cookies, number, end)."""
    times: dict[str, list[float]] = {kind: [] for kind in pages}
    failures: list[str] = []
    order = random.Random(number)
    browser.connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
    later: dict[str, str] = {}
    time.sleep(pause * order.random())
    for turn in range(REQUESTS):
        kind = order.choice([kind for kind in pages if pages[kind]])
        method, path, form, expected = order.choice(pages[kind])
        if kind.endswith("list") and order.random() < 0.5:
            path = later.get(kind, path)
        status, text, seconds = browser.ask(method, path, form)
        if status == 302 and method == "POST" and not text.startswith("/account/"):
            status, text, more = browser.ask("GET", text)
            seconds += more
        following = NEXT.search(text)
        if kind.endswith("list") and following:
            later[kind] = following[1].replace("&amp;", "&")
        if status != 200 or expected not in text:
            failures.append(f"{status} {method} {path}")
        elif turn >= 5:
            times[kind].append(seconds * 1000)
        time.sleep(pause * (0.5 + order.random()))
    results.put((times, failures, browser.cookies, number, time.perf_counter()))


def _wait(server: subprocess.Popen[bytes]) -> None:
    for _ in range(120):
        if server.poll() is not None:
            break
        try:
            Browser().ask("GET", "/account/login/")
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
