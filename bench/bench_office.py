"""Twenty people clicking at once on a full-size county: ``python bench/bench_office.py`` after bench_county.py.

Starts ``huqing serve`` on the county's data folder, signs twenty sessions in and lets each ask for lists, searches and
household pages in a fixed random order; prints the 95th percentile per kind of page. Traffic stays on 127.0.0.1.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
FOLDER = Path(os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "county")))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
HOST, PORT = "127.0.0.1", 8765
USERS, REQUESTS = 20, 60
LIMIT_MS = 150


class Browser:
    """A keep-alive connection with cookies: enough of a browser for a signed-in user."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}
        self.connection = http.client.HTTPConnection(HOST, PORT, timeout=30)

    def ask(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str, float]:
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
    from django.urls import reverse

    from huqing.registry.models import Household
    from huqing.site import demonstration
    from machine import row, save

    demonstration.ensure_accounts()
    sample = random.Random(7)
    total = Household.objects.count()
    ids = sample.sample(range(1, total + 1), 600)
    rows = list(Household.objects.filter(pk__in=ids).values_list("pk", "head_name", "head_pinyin", "number"))
    pages = {
        "household list": [("GET", reverse("office:households"), None)],
        "alert list": [("GET", reverse("office:alerts"), None)],
        "household page": [("GET", reverse("office:household", args=[pk]), None) for pk, *_ in rows],
        "search": [
            ("POST", reverse("office:search"), {"q": text})
            for _, name, pinyin, number in rows
            for text in (name, pinyin, number)
        ],
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "huqing.cli", "serve", "--address", f"{HOST}:{PORT}", "--no-worker"]
    )
    results, failures = [], []
    try:
        _wait()
        browsers = [Browser() for _ in range(USERS)]
        for browser in browsers:
            browser.sign_in("xian", demonstration.PASSWORD)
        for pause, title in ((1.0, "a second between clicks"), (0.0, "without pauses")):
            times, failed, rate = _click_around(browsers, pages, pause)
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
        f"office_{connection.vendor}",
        f"Office pages, {total:,} households, {USERS} users ({connection.vendor})",
        results,
    )
    if failures:
        print("\n".join(sorted(set(failures))[:10]))


def _click_around(
    browsers: list[Browser], pages: dict[str, list[tuple[str, str, dict[str, str] | None]]], pause: float
) -> tuple[dict[str, list[float]], list[str], float]:
    """Milliseconds per kind of page, what failed, and requests per second. A search is its post and its result page."""
    times: dict[str, list[float]] = {kind: [] for kind in pages}
    failures: list[str] = []
    lock = threading.Lock()

    def click(number: int) -> None:
        order = random.Random(number)
        for turn in range(REQUESTS):
            kind = order.choice(list(pages))
            method, path, form = order.choice(pages[kind])
            status, where, seconds = browsers[number].ask(method, path, form)
            if status == 302:
                status, _, more = browsers[number].ask("GET", where)
                seconds += more
            with lock:
                if status != 200:
                    failures.append(f"{status} {method} {path}")
                elif turn >= 5:
                    times[kind].append(seconds * 1000)
            time.sleep(pause * (0.5 + order.random()))

    threads = [threading.Thread(target=click, args=(number,)) for number in range(len(browsers))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, failures, len(browsers) * REQUESTS / (time.perf_counter() - began)


def _wait() -> None:
    for _ in range(120):
        try:
            Browser().ask("GET", "/account/login/")
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
