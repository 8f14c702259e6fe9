"""A whole county from files to findings, judged by the demo's truth: ``python bench/bench_county.py [households]``.

Uses its own data folder (HUQING_DATA, default build/bench/county) and leaves it for bench_office.py.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
FOLDER = Path(os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "county")))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
AS_OF = date(2026, 6, 30)
FULL = 309_800


def main() -> None:
    households = int(sys.argv[1]) if len(sys.argv) > 1 else FULL
    shutil.rmtree(FOLDER, ignore_errors=True)
    import django

    django.setup()
    from django.db import connection

    from huqing import demo
    from huqing.access.instance import mark_demo
    from huqing.registry.regions import load_shipped_regions
    from huqing.screening import actions
    from huqing.screening.models import Run
    from huqing.site import demonstration
    from huqing.site.installing import install
    from huqing.site.judging import judge
    from machine import peak_memory, row, save

    mark_demo(FOLDER, day=AS_OF)
    install()
    load_shipped_regions(demonstration.COUNTY, year=2023)
    began = time.perf_counter()
    demo.write(FOLDER / "demo", households=households, seed=20260101, as_of=AS_OF)
    written = time.perf_counter() - began

    def report(message: str, fraction: float) -> None:
        print(f"{time.perf_counter() - began:8.1f} s {fraction:5.0%} {message}", flush=True)

    began = time.perf_counter()
    demonstration.take_everything_in(FOLDER / "demo" / "files", as_of=AS_OF, progress=report)
    taken = time.perf_counter() - began
    began = time.perf_counter()
    again = actions.run(by=None, region=demonstration.COUNTY, as_of=AS_OF, trigger=Run.Trigger.MANUAL)
    screened = time.perf_counter() - began
    demonstration.draw_grids()
    score = judge(FOLDER / "demo")
    print(score.as_text())
    vendor = connection.vendor
    save(
        f"county_{vendor}",
        f"A county of {households:,} households, files to findings ({vendor})",
        [
            row("write the county's files", written, "s", 120),
            row("take every file in and screen for the first time", taken, "s"),
            row("screen again (snapshot, rules, alerts)", screened, "s"),
            row("alerts changed by the second screening", again.counts["opened"] + again.counts["closed"], "alerts", 0),
            row("planted findings found", 100 * score.recall, "%", 99, at_least=True),
            row("false alarms among the findings", 100 * score.false_share, "%", 1),
            row("peak memory of the importing process", peak_memory(), "GiB"),
        ],
    )


if __name__ == "__main__":
    main()
