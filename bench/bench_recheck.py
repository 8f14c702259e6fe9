"""One household's rules after a changed value, on the county that bench_county.py left: ``python bench/bench_recheck.py``."""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "county"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
SAMPLE = 200


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    from huqing.registry.models import Household
    from huqing.screening import actions, queries
    from machine import row, save

    ids = random.Random(3).sample(list(Household.objects.values_list("pk", flat=True)), SAMPLE)
    households = list(Household.objects.filter(pk__in=ids))
    began = time.perf_counter()
    actions.recheck(household=households[0])
    first = time.perf_counter() - began
    checked, explained = [], []
    for household in households[1:]:
        began = time.perf_counter()
        actions.recheck(household=household)
        checked.append(1000 * (time.perf_counter() - began))
    for household in households[:20]:
        began = time.perf_counter()
        queries.explain_household(household, finding="income_below_line")
        explained.append(1000 * (time.perf_counter() - began))
    checked.sort()
    total = Household.objects.count()
    save(
        f"recheck_{connection.vendor}",
        f"One household checked again, county of {total:,} households ({connection.vendor})",
        [
            row("rows, rules and alerts of one household: median", statistics.median(checked), "ms", 50),
            row("the same, 95th percentile", checked[int(len(checked) * 0.95)], "ms", 50),
            row("the first time in a process (plan prepared)", first * 1000, "ms"),
            row("explanation of one finding: median", statistics.median(explained), "ms"),
        ],
    )


if __name__ == "__main__":
    main()
