"""Casework for a county: ``HUQING_DATABASE=postgresql://… HUQING_DATA=… python bench/bench_cases.py``.

Builds a demonstration of its own (3,000 households) in the data folder unless it is there, copies its households until
there are 50,000 with an open case each, and measures: a batch of 2,000 county decisions, each written into its household's
file and with its audit events, and the page of a case, asked for by twenty people at once, with a second between clicks
and without.
The cases are written as rows; what is measured goes through the product's own actions and pages.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
FOLDER = Path(os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "cases")))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")

CASES, BATCH, HOUSEHOLDS = 50_000, 2_000, 3_000
BATCH_SECONDS = 10
CHUNK = 2_000


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench_office import _click_around, _wait
    from huqing.site import demonstration
    from machine import row, save

    _build()
    call_command("migrate", verbosity=0)
    _fill()
    results = [row("open cases", _count(), "cases")]
    seconds, done, refused, events = _approve()
    results += [
        row(f"approving {done:,} cases in a batch, with {events:,} audit events", seconds, "s", BATCH_SECONDS),
        row("refused in it", refused, "cases", 0),
    ]
    pages = {name: _pages(name) for name in ("xian", "chayue", "zhen")}
    connection.close()
    server = _serve()
    failures: list[str] = []
    try:
        _wait(server)
        people = []
        for number in range(20):
            browser, name = _browser(), ("xian", "chayue", "zhen")[number % 3]
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
                results.append(row(f"{title}: {kind}, 95th percentile", high, "ms", 150))
    finally:
        server.terminate()
        server.wait(30)
    results.append(row("failed requests", len(failures), "requests", 0))
    save(f"cases_{connection.vendor}", f"Casework, {CASES:,} open cases ({connection.vendor})", results)
    if failures:
        print("\n".join(sorted(set(failures))[:10]))


def _build() -> None:
    """The demonstration, unless folder and database hold one."""
    from django.db import connection

    from huqing.access.models import User

    ready = FOLDER / "demo-ready.json"
    if User._meta.db_table not in connection.introspection.table_names():
        ready.unlink(missing_ok=True)
    connection.close()
    if not ready.exists():
        command = [sys.executable, "-m", "huqing.cli", "demo", "--households", str(HOUSEHOLDS)]
        subprocess.run(command, check=True)


def _browser() -> Any:
    from bench_office import Browser

    return Browser()


def _serve() -> subprocess.Popen[bytes]:
    from bench_office import HOST, PORT

    command = [sys.executable, "-m", "huqing.cli", "serve", "--address", f"{HOST}:{PORT}", "--no-worker"]
    return subprocess.Popen(command)


def _count() -> int:
    from huqing.cases.models import Case

    return Case.objects.filter(closed_on=None).count()


def _fill() -> None:
    """Copies of households with their members, each with an open case, spread over the states of recognition."""
    from django.db import connection, transaction
    from django.utils import timezone

    from huqing.access.models import User
    from huqing.cases.calendar import today
    from huqing.cases.models import Case, CaseStep, Evidence
    from huqing.cases.procedure import frozen_for, procedure_of
    from huqing.registry.models import Household, Person

    lacking = CASES - _count()
    if lacking <= 0:
        return
    order, day, now = random.Random(7), today(), timezone.now()
    by = User.objects.get(username="zhen")
    version = frozen_for("500236", day)
    states = {state.key: state for state in version.states.all()}
    made = procedure_of(version)
    keys = [state.key for state in made.states if state.part == "recognition"] + ["tracking"] * 4
    models = list(Household.objects.filter(number__regex=r"^[^C]").select_related("village").order_by("pk"))
    members: dict[int, list[Person]] = {}
    for one in Person.objects.filter(household__in=models):
        members.setdefault(one.household_id, []).append(one)
    numbers = iter(range(lacking))
    while chunk := list(islice(numbers, CHUNK)):
        copies = []
        for number in chunk:
            model = models[order.randrange(len(models))]
            copies.append(
                Household(
                    number=f"C{number:07d}", village=model.village, region_code=model.region_code, grid_id=model.grid_id,
                    head_name=model.head_name, group_name=model.group_name, member_count=model.member_count,
                    items=model.items, updated_at=now,
                )
            )  # fmt: skip
            copies[-1].like = model.pk  # type: ignore[attr-defined]
        with transaction.atomic():
            Household.objects.bulk_create(copies)
            Person.objects.bulk_create(
                [
                    Person(
                        name=one.name, household=copy, relation=one.relation, region_code=copy.region_code,
                        birth_date=one.birth_date, items=one.items, updated_at=now,
                    )
                    for copy in copies
                    for one in members.get(copy.like, ())  # type: ignore[attr-defined]
                ]
            )  # fmt: skip
            cases = [_case(copy, order, keys, states, version, made, day) for copy in copies]
            Case.objects.bulk_create(cases)
            Evidence.objects.bulk_create(_papers(cases, by, day, now))
            CaseStep.objects.bulk_create(
                [
                    CaseStep(
                        case=case, turn=turn, move="step", title="办理", before="clue", after=case.state.key, by=None,
                        on=day, at=now,
                    )
                    for case in cases
                    for turn in range(1, case.turn + 1)
                ]
            )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _papers(cases: list[Any], by: Any, day: Any, now: Any) -> list[Any]:
    """Three papers of every case: the authorisation, the visit, what the departments know."""
    from huqing.cases.models import Evidence

    contents = {
        "authorisation": {"signed_by": 0},
        "home_check": {"text": "户主和配偶在家。核对了近 12 个月收入和支出，票据齐全；住房安全，饮水正常。"},
        "comparison": {"text": "部门数据与入户核实一致", "departments": []},
    }
    return [
        Evidence(case=case, kind=kind, turn=turn, on=day, content=content, by=by, at=now)
        for case in cases
        for turn, (kind, content) in enumerate(contents.items())
    ]


def _case(household: Any, order: random.Random, keys: list[str], states: Any, version: Any, made: Any, day: Any) -> Any:
    from datetime import timedelta

    from huqing.cases.calendar import workdays
    from huqing.cases.models import NEVER, Case

    key = order.choice(keys)
    entered = day - timedelta(days=order.randrange(12))
    due = made.due(key, entered, workdays())
    return Case(
        number=f"C{household.number[1:]}", household=household, region_code=household.region_code, procedure=version,
        state=states[key], turn=6, clue_source="3", clue="部门数据提示支出骤增，待入户核实",
        opened_on=entered - timedelta(days=5), entered_on=entered, free_from=entered, due_on=due, press_on=due or NEVER,
        late_role=made.state(key).late,
    )  # fmt: skip


def _approve() -> tuple[float, int, int, int]:
    """Seconds for a batch of county decisions; how many were taken and refused; audit events of the steps."""
    from huqing.access.models import AuditEvent, User
    from huqing.cases import batches
    from huqing.cases.models import Case

    by = User.objects.get(username="xian")
    waiting = Case.objects.filter(closed_on=None, state__key="county_decision", number__startswith="C").order_by("pk")
    chosen = list(waiting.values_list("pk", flat=True)[:BATCH])
    before = AuditEvent.objects.filter(action="case_move").count()
    batch = batches.ask_step(cases=Case.objects.filter(pk__in=chosen), move="county_approve", reason="", by=by)
    began = time.perf_counter()
    batches.perform(batch.pk)
    seconds = time.perf_counter() - began
    counts = batches.progress(batch)
    events = AuditEvent.objects.filter(action="case_move").count() - before
    return seconds, counts.get("done", 0), counts.get("refused", 0), events


def _pages(username: str) -> dict[str, list[tuple[str, str, None, str]]]:
    """What an account asks for: pages of cases, the list and the board with and without filters."""
    from django.urls import reverse

    from huqing.access.models import User
    from huqing.cases.models import Case

    user = User.objects.get(username=username)
    known = list(Case.objects.visible_to(user).filter(closed_on=None).order_by("pk").values_list("pk", "number"))
    sample, listed = random.Random(3).sample(known, min(600, len(known))), reverse("office:cases")
    return {
        "case page": [("GET", reverse("office:case", args=[pk]), None, number) for pk, number in sample],
        "list and board of cases": [
            ("GET", f"{listed}{query}", None, "<main") for query in ("", "?late=1", "?state=verifying", "?view=board")
        ],
    }


if __name__ == "__main__":
    main()
