"""A thousand findings at once against the same thousand by hand: ``python bench/bench_thousand.py [--small]``.

Each run is a process of its own, by hand and by rules in turns; rows are compared before times are.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bench_rules
import rules_by_hand
import rules_county
import rules_thousand
from machine import row, save

REPEAT = 3


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="huqing-thousand-") as scratch:
        save(
            "thousand",
            "A thousand findings at once",
            measure(Path(scratch), 20_000 if "--small" in sys.argv else 309_800),
        )


def measure(folder: Path, households: int) -> list[dict[str, Any]]:
    """Both sides on one county."""
    from huqing.rules.plans import write_plan

    began = time.perf_counter()
    made = plan()
    compiled = time.perf_counter() - began
    write_plan(folder, "thousand", made)
    sizes = rules_county.write(folder / "snapshot", households=households, columns=columns())
    runs: dict[str, list[dict[str, float]]] = {"hand": [], "lists": [], "rules": []}
    for _ in range(REPEAT):
        for what, done in runs.items():
            done.append(ask(what, folder))
    rows = bench_rules.same_rows(folder)

    def middle(what: str, key: str) -> float:
        return statistics.median(one[key] for one in runs[what])

    best = min(("hand", "lists"), key=lambda what: middle(what, "seconds"))
    by_hand = middle(best, "seconds")
    return [
        row(f"{sizes['household']:,} households, {sizes['person']:,} people: by hand, a SELECT each",
            middle("hand", "seconds"), "s"),
        row("  by hand, all of a subject in one list", middle("lists", "seconds"), "s"),
        row("  memory of the faster", middle(best, "memory"), "GiB"),
        row(f"  rows told, the same on all sides ({rules_thousand.NUMBER:,} findings)", rows, "rows"),
        row("  the rule language, execution", middle("rules", "run"), "s"),
        row("  the rule language, execution / the faster by hand", middle("rules", "run") / by_hand, "×", 1.2),
        row("  end to end with the plan in the cache / the faster by hand", middle("rules", "seconds") / by_hand, "×"),
        row("  memory of the rule language", middle("rules", "memory"), "GiB"),
        row("  the thousand rules compiled to a plan", compiled, "s"),
    ]  # fmt: skip


def plan() -> Any:
    """The plan of the thousand, with the variables of the policies below them."""
    from huqing.rules.compiler import compile_plan
    from huqing.rules.library import PACKAGES, Library, declared_in, load, parameter_folders

    declared = [item for item in declared_in(PACKAGES) if getattr(item, "kind", "") != "finding"]
    library = Library([*declared, *rules_thousand.rules()], load(*parameter_folders(PACKAGES)))
    return compile_plan(library, as_of=rules_by_hand.DAY, region=bench_rules.REGION)


def columns() -> dict[str, list[str]]:
    """What both sides read."""
    from huqing.rules.engine import plan_for

    with tempfile.TemporaryDirectory() as cache:
        return plan_for(as_of=rules_by_hand.DAY, region=bench_rules.REGION, cache=Path(cache)).columns


def ask(what: str, folder: Path) -> dict[str, float]:
    """One run in a fresh process."""
    command = [sys.executable, __file__, "--run", what, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, run, memory = map(float, done.stdout.split()[-3:])
    return {"seconds": seconds, "run": run, "memory": memory}


def run(what: str, folder: Path) -> tuple[float, float, float]:
    """Seconds end to end, seconds of execution, memory."""
    import duckdb  # noqa: F401 - importing is not measured

    from huqing.rules.engine import screen
    from huqing.rules.plans import read_plan

    began = time.perf_counter()
    if what in ("hand", "lists"):
        bench_rules.by_hand(folder, rules_thousand.by_hand(in_lists=what == "lists"))
        spent = time.perf_counter() - began
    else:
        counts = screen(
            folder / "snapshot", folder / "rules", as_of=rules_by_hand.DAY, region=bench_rules.REGION,
            plan=read_plan(folder, "thousand"),
        )  # fmt: skip
        spent = counts.seconds["run"]
    return time.perf_counter() - began, spent, bench_rules.peak_memory()


if __name__ == "__main__":
    if "--run" in sys.argv:
        print(*run(sys.argv[2], Path(sys.argv[3])))
    else:
        main()
