"""Dynamic management of a whole county: ``python bench/bench_rosters.py`` with HUQING_DATA a demo of 309,800 households.

The monthly list and its closing, the commitment and draw of a round over all households, a review of all holders of the
allowance, and the comparison of rosters, each through the same functions as the pages. It writes into the installation:
use a copy. HUQING_DATABASE as usual.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from machine import median_seconds, peak_memory, row, save

COUNTY = "500236"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    measure()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def measure() -> None:
    from django.db import connection

    from huqing.access.calendar import today
    from huqing.access.models import User
    from huqing.registry.models import Household
    from huqing.rosters import closing, differences, drawing, months, rechecks, reviews
    from huqing.rosters.drawing import Frame
    from huqing.rosters.models import ReviewLine
    from huqing.teams.models import Staff

    user = User.objects.filter(role="county", region_code=COUNTY).order_by("pk").first()
    households = Household.objects.filter(status="active").count()
    span = months.month_of(today()).before
    town = Household.objects.values_list("region_code", flat=True).order_by("pk").first()[:9]
    rows = []
    for kind, name in (("monitor", "monitored households"), ("dibao", "allowance"), ("tuopin", "out of poverty")):
        found = months.month_list(kind, span, user=user)
        seconds = median_seconds(lambda kind=kind: months.month_list(kind, span, user=user))
        rows.append(row(f"monthly list, {name} ({found.sums.closing:,} on it)", round(seconds, 3), "s"))
    seconds = median_seconds(lambda: months.month_list("dibao", span, user=user, region=town))
    rows.append(row("monthly list of one town, allowance", round(seconds, 3), "s"))
    seconds, closed = timed(lambda: closing.close(kind="dibao", span=span, by=user))
    rows.append(row(f"close a month, allowance ({closed.closing:,} on it)", round(seconds, 3), "s"))
    following = months.month_of(today())
    seconds = median_seconds(lambda: months.month_list("dibao", following, user=user))
    rows.append(row("monthly list with corrections of the closed month", round(seconds, 3), "s"))

    due = today() + dt.timedelta(30)
    asked = {"fields": [["household", "member_count"]], "share": 1, "due_on": due, "by": user}
    seconds, round_ = timed(lambda: drawing.commit(title="bench", frame=Frame(stratum="town"), **asked))
    rows.append(row(f"commitment of a round over {households:,} households", round(seconds, 3), "s"))
    seconds, round_ = timed(lambda: drawing.draw_round(round_=round_, said="3 5 1", witnesses="bench", by=user))
    rows.append(row(f"draw of the round ({round_.items.count():,} households drawn)", round(seconds, 3), "s"))
    staff = list(Staff.objects.all()) or [Staff.objects.create(name="bench", kind="1", region_code=f"{COUNTY}000000")]
    seconds, _ = timed(lambda: rechecks.assign(round_=round_, staff=staff, by=user))
    rows.append(row(f"verifiers for all of them ({len(staff)} people)", round(seconds, 3), "s"))

    seconds, review = timed(lambda: reviews.start(kind="dibao", title="bench", due_by=None, by=user))
    rows.append(row(f"proposals for {review.lines.count():,} holders of the allowance", round(seconds, 3), "s"))
    chosen = list(ReviewLine.objects.filter(round=review, proposal="continue").values_list("pk", flat=True)[:2_000])
    batch = {"decision": "continue", "effective_on": today(), "reason": "", "by": user}
    seconds, _ = timed(lambda: reviews.decide(lines=chosen, **batch))
    rows.append(row(f"decide {len(chosen):,} of them in a batch", round(seconds, 3), "s"))

    first = differences.run(region=COUNTY, by=user)
    found = sum(counts[kind] for counts in first.counts.values() for kind in ("ours", "theirs", "detail", "unlinked"))
    rows.append(row(f"comparison of rosters, first ({found:,} differences)", round(first.seconds, 3), "s"))
    again = differences.run(region=COUNTY, by=user)
    rows.append(row("comparison of rosters, again", round(again.seconds, 3), "s"))
    rows.append(row("peak memory", round(peak_memory(), 2), "GiB"))
    vendor = connection.vendor
    save(f"rosters-{vendor}", f"Dynamic management, {households:,} households ({vendor})", rows)


if __name__ == "__main__":
    main()
