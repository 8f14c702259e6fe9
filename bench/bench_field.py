"""The phone app in Chromium: ``python bench/bench_field.py``.

Makes a demonstration county of its own in build/bench/field, gives a visitor 300 households and all shipped methods, and
starts ``huqing serve``. A phone at 390 px signs in once; then visit forms are opened from a household's page, each time in
a freshly loaded page, at full speed and with the processor slowed down six times (Chromium's own slow-down). A form
is shown when its last button stands on the page and has been painted. Traffic stays on 127.0.0.1.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
OWN = ROOT / "build" / "bench" / "field"
FOLDER = Path(os.environ.setdefault("HUQING_DATA", str(OWN)))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
# Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
ORIGIN = "http://127.0.0.1:8769"
BUILT = ROOT / "src" / "huqing" / "api" / "static" / "field"
COUNTY, HOUSEHOLDS = 3000, 300
OPENS = 7
FORTY = "forty_questions"
FORMS = (FORTY, "four_visits_cadre", "linked_visits_household")
SLOW = 6
LIMIT_SHELL, LIMIT_OPEN, LIMIT_SLOW = 400.0, 1.5, 3.0

# From going to the form's address, as the tap on its button does, to the frame after its last button came.
OPEN = """(address) => new Promise((done) => {
    const began = performance.now()
    const watch = new MutationObserver(() => {
        if (!document.querySelector('.form-foot')) return
        watch.disconnect()
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))
    })
    watch.observe(document.body, { childList: true, subtree: true })
    location.hash = address
})"""


# Five each of the usual kinds, some prefilled, some skipped by an answer: forty questions besides whom it is about.
KINDS = (
    "text | q{n} | 第 {n} 题：情况说明 | | | |",
    "integer | q{n} | 第 {n} 题：有几件 | yes | . >= 0 and . <= 99 | 写 0 到 99 的数 |",
    "decimal | q{n} | 第 {n} 题：有几亩 | | . >= 0 | 不能是负数 |",
    "date | q{n} | 第 {n} 题：哪一天 | | | |",
    "select_one yes_no | q{n} | 第 {n} 题：有没有 | yes | | |",
    "select_one many | q{n} | 第 {n} 题：哪一类 | | | |",
    "select_multiple many | q{n} | 第 {n} 题：有哪些 | | | |",
    "select_one house_grade | q{n} | 第 {n} 题：房屋等级 | | | |",
)


def forty_questions() -> str:
    """A form of forty questions, in Markdown."""
    header = "| | type | name | label | required | constraint | constraint_message | reads |"
    pick = "| | select_one_from_file household.csv | household | 哪一户 | yes | | | household |"
    read = {0: "household.address", 2: "household.arable_area", 4: "household.water_safe", 7: "household.house_grade"}
    rows = [f"| | {KINDS[n % 8].format(n=n + 1)} {read.get(n, '')} |" for n in range(40)]
    choices = [f"| | many | m{n} | 第 {n} 类 |" for n in range(10)]
    grades = [f"| | yes_no | {code} | {label} |" for code, label in (("yes", "是"), ("no", "否"))]
    return "\n".join(
        (
            *("| survey |", header, pick, *rows, ""),
            *("| choices |", "| | list_name | name | label |", *choices, *grades, ""),
            *("| settings |", "| | form_title | form_id | version |", f"| | 四十题 | {FORTY} | 1 |", ""),
        )
    )


def main() -> None:
    from machine import row, save

    token, forms = prepare()
    server = subprocess.Popen(
        [sys.executable, "-m", "huqing.cli", "serve", "--address", ORIGIN.removeprefix("http://"), "--no-worker"]
    )
    try:
        wait()
        results = [row("app and form engine, compressed", size(), "KB", LIMIT_SHELL)]
        results += phone(token, forms, row)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    save("field", f"The phone app in Chromium, {HOUSEHOLDS} households on the phone", results)


def prepare() -> tuple[str, dict[str, tuple[int, int]]]:
    """A visitor's token, and per form its key and a household with a large family to open it for."""
    # Made anew each time: a published version never changes, and the shipped forms may have.
    if FOLDER == OWN:
        shutil.rmtree(OWN, ignore_errors=True)
    if not FOLDER.exists():
        subprocess.run([sys.executable, "-m", "huqing.cli", "demo", "--households", str(COUNTY)], check=True)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db.models import Count

    from bench_visits import visitor
    from huqing.registry.models import Household
    from huqing.site import demonstration
    from huqing.visits import links, publishing
    from huqing.visits.models import FormVersion
    from huqing.visits.packet import packet_for

    call_command("migrate", verbosity=0)
    demonstration.install_methods()
    user = visitor()
    mine = [household["id"] for household in packet_for(user)["households"]]
    if len(mine) != HOUSEHOLDS:
        raise SystemExit(f"{len(mine)} households in the packet")
    large = Household.objects.filter(pk__in=mine).annotate(people=Count("members")).order_by("-people", "pk").first()
    forms = {}
    publishing.publish_form(content=forty_questions().encode(), name="forty.md", media={}, by=None)
    for form_id in FORMS:
        version = FormVersion.objects.filter(form__form_id=form_id).order_by("-pk").first()
        if version is None or large is None:
            raise SystemExit(f"no form {form_id}: publish the shipped methods first")
        forms[form_id] = (version.pk, large.pk)
    return links.create_link(user=user, label="测算用手机", by=user)[1], forms


def size() -> float:
    """KB of what the phone keeps of the app, as it travels."""
    told = json.loads((BUILT / "manifest.json").read_text())
    kept = [name for name in told["files"] if not name.lower().startswith("jsqr")]
    return sum(len(gzip.compress((BUILT / name).read_bytes(), 9)) for name in kept) / 1024


def phone(token: str, forms: dict[str, tuple[int, int]], row: Any) -> list[dict[str, Any]]:
    """Sign in, then open each form again and again."""
    from playwright.sync_api import expect, sync_playwright

    results = []
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True)
        page = context.new_page()
        page.goto(f"{ORIGIN}/field/")
        began = time.perf_counter()
        page.goto(f"{ORIGIN}/field/#{token}")
        expect(page.locator(".sync")).to_contain_text("已同步", timeout=60_000)
        results.append(row(f"sign-in and first fetch of {HOUSEHOLDS} households", time.perf_counter() - began, "s"))
        page.evaluate("() => navigator.serviceWorker.ready.then(() => null)")
        page.close()
        for form_id, (form, household) in forms.items():
            for rate, limit in ((1, LIMIT_OPEN), (SLOW, LIMIT_SLOW)):
                times, questions, started = opened(context, household, form, rate)
                speed = "" if rate == 1 else f", processor slowed {rate} times"
                what = f"{form_id}, {questions} questions: tap to shown, median of {len(times)}{speed}"
                results.append(row(what, statistics.median(times), "s", limit))
                results.append(row(f"  slowest{speed}", max(times), "s"))
                results.append(row(f"  app started to household on screen{speed}", statistics.median(started), "s"))
        browser.close()
    return results


def opened(context: Any, household: int, form: int, rate: int) -> tuple[list[float], int, list[float]]:
    """Seconds of each opening, questions on the form, and seconds the app itself needed to start."""
    times, started, questions = [], [], 0
    for _ in range(OPENS):
        page = context.new_page()
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
        began = time.perf_counter()
        page.goto(f"{ORIGIN}/field/#/household/{household}")
        page.locator(".card").first.wait_for(timeout=60_000)
        started.append(time.perf_counter() - began)
        times.append(page.evaluate(OPEN, f"#/fill/{form}?household={household}") / 1000)
        questions = int(page.locator(".question").count())
        page.close()
    return times, questions, started


def wait() -> None:
    """Wait for the server's first answer."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{ORIGIN}/field/", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
