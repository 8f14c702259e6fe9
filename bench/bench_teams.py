"""Handing over duties: ``python bench/bench_teams.py``; needs HUQING_DATABASE (PostgreSQL) for the promised figure.

A ledger of 34,185 households with a helper each; one person with 500 of them hands all over to one, and to five others,
again and again. Everything of an action is timed: checks, writes, the audit event, the commit. The database must be one
that can be filled with made-up rows; the installation's folder is a temporary one.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from machine import row, save

HOUSEHOLDS, HANDED, STAFF, REPEAT, LIMIT = 34_185, 500, 10, 7, 2.0
DAY = dt.timedelta(days=1)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="huqing-teams-") as folder:
        os.environ["HUQING_DATA"] = folder
        os.environ.setdefault("HUQING_DATABASE", f"sqlite:///{folder}/teams.sqlite3")
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
        import django

        django.setup()
        from huqing.site.installing import install

        install()
        measure()


def measure() -> None:
    from django.db import connection
    from django.utils import timezone

    from huqing.registry.models import Household, Region
    from huqing.teams.handing_over import hand_over, spread
    from huqing.teams.models import Responsibility, Staff

    level, now = Region.Level, timezone.now()
    county = Region.objects.create(code="500236000000", name="某县", level=level.COUNTY)
    town = Region.objects.create(code="500236101000", name="某镇", level=level.TOWN, parent=county)
    villages = [
        Region.objects.create(code=f"500236101{200 + n}", name=f"村{n}", level=level.VILLAGE, parent=town)
        for n in range(20)
    ]
    households = Household.objects.bulk_create(
        (
            Household(
                number=f"B{n:06d}",
                village=villages[n % len(villages)],
                region_code=villages[n % len(villages)].code,
                head_name="某",
                updated_at=now,
            )
            for n in range(HOUSEHOLDS)
        ),
        batch_size=2_000,
    )
    people = [Staff.objects.create(name=f"干部{n}", kind="1", region_code=county.code) for n in range(STAFF)]
    day = dt.date(2024, 1, 1)
    others = people[6:]
    Responsibility.objects.bulk_create(
        (
            Responsibility(
                staff=people[0] if n < HANDED else others[n % len(others)],
                role="helper",
                household=household,
                region_code=household.region_code,
                since=day,
            )
            for n, household in enumerate(households)
        ),
        batch_size=2_000,
    )
    times: dict[int, list[float]] = {1: [], 5: []}
    for receivers, seconds in times.items():
        for _ in range(REPEAT):
            for holders, takers in ((people[:1], people[1 : 1 + receivers]), (people[1 : 1 + receivers], people[:1])):
                day += DAY
                began = time.perf_counter()
                for holder in holders:
                    lines = list(Responsibility.objects.filter(staff=holder, until=None))
                    hand_over(staff=holder, to=spread(lines, takers), on=day, reason="轮换", by=None)
                if len(holders) == 1:
                    seconds.append(time.perf_counter() - began)
    base = "PostgreSQL" if connection.vendor == "postgresql" else "SQLite"
    rows = [
        row(f"{HANDED} households to {receivers} on {base}, median", statistics.median(seconds), "s", limit=LIMIT)
        for receivers, seconds in times.items()
    ]
    rows.append(row("the slowest of all", max(max(seconds) for seconds in times.values()), "s", limit=LIMIT))
    save("teams", f"Handing over duties in a ledger of {HOUSEHOLDS:,} lines", rows)


if __name__ == "__main__":
    main()
