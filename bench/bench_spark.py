"""Screening with Spark: the rule language against hand-written Spark SQL, and against DuckDB on the same machine.

``python bench/bench_spark.py [--small | factors…]``: one county and ten times as many households, or the sizes asked
for; every engine in a process of its own. Spark has all cores and is measured when its session is warm. Answers are
compared before times are.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import rules_by_hand
import rules_by_hand_spark
import rules_county
from bench_rules import FULL, REGION
from machine import row, save

MEMORY = "5g"
COLUMNS = "finding, household_id, person_id, state, evidence, evidence_hash"


def main() -> None:
    small = "--small" in sys.argv
    factors = [int(argument) for argument in sys.argv[1:] if argument.isdigit()] or ([1] if small else [1, 10])
    results = []
    with tempfile.TemporaryDirectory(prefix="huqing-spark-bench-") as scratch:
        for factor in factors:
            results += measure(Path(scratch) / f"x{factor}", factor, households=(20_000 if small else FULL) * factor)
    save("spark", "Screening with Spark on this machine", results)


def measure(folder: Path, factor: int, *, households: int) -> list[dict[str, Any]]:
    """Both engines on one county, and how they compare."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = rules_county.write(folder / "snapshot", households=households, columns=ask("columns", folder, 1))
    repeat = 3 if factor == 1 else 1
    duckdb, hand, rules = ask("duckdb", folder, 3), ask("hand", folder, repeat), ask("rules", folder, repeat)
    same_answers(folder)
    label = f"{sizes['household']:,} households, {sizes['person']:,} people, {sizes['medical_bill']:,} bills"
    return [
        row(f"{label}: hand-written Spark SQL, {len(rules_by_hand.FINDINGS)} findings, warm", hand["warm"], "s"),
        row("  the rule language on Spark, warm", rules["warm"], "s"),
        row("  the rule language / by hand, on Spark", rules["warm"] / hand["warm"], "×", 1.2),
        row("  hand-written Spark SQL, first time in a session", hand["first"], "s"),
        row("  the rule language on Spark, first time in a session", rules["first"], "s"),
        row("  starting a Spark session", rules["session"], "s"),
        row("  the rule language on DuckDB", duckdb["rules"], "s"),
        row("  Spark / DuckDB, both on this machine", rules["warm"] / duckdb["rules"], "×"),
        row("  memory of Spark's JVM", rules["memory"], "GiB"),
    ]


def same_answers(folder: Path) -> None:
    """All three must have written the same rows, to the last digest."""
    import duckdb

    files = {"hand": "hand/*.parquet", "spark": "spark/findings.parquet", "duckdb": "duckdb/findings.parquet"}
    rows = {name: f"SELECT {COLUMNS} FROM '{folder}/{file}'" for name, file in files.items()}
    for name in ("hand", "spark"):
        for one, other in ((rows[name], rows["duckdb"]), (rows["duckdb"], rows[name])):
            differing = duckdb.sql(f"SELECT finding, count(*) FROM ({one} EXCEPT ALL {other}) GROUP BY 1").fetchall()
            assert not differing, (name, differing)


def ask(what: str, folder: Path, repeat: int) -> Any:
    """Run one engine in a fresh process and return what it reports."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", what, str(folder), str(repeat)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def options(folder: Path) -> dict[str, Any]:
    return {
        "as_of": rules_by_hand.DAY,
        "region": REGION,
        "findings": list(rules_by_hand.FINDINGS),
        "cache": folder / "cache",
    }


def columns_needed(folder: Path, repeat: int) -> Any:
    from huqing.rules.engine import plan_for

    return plan_for(**options(folder)).columns


def on_duckdb(folder: Path, repeat: int) -> Any:
    from huqing.rules.engine import screen

    screen(folder / "snapshot", folder / "duckdb", **options(folder))
    times = [timed(lambda: screen(folder / "snapshot", folder / "duckdb", **options(folder))) for _ in range(repeat)]
    return {"rules": statistics.median(times)}


def rules_on_spark(folder: Path, repeat: int) -> Any:
    from huqing.rules.spark import screen

    def work(spark: Any) -> None:
        screen(folder / "snapshot", folder / "spark", spark=spark, **options(folder))

    return in_session(work, repeat)


def hand_on_spark(folder: Path, repeat: int) -> Any:
    return in_session(lambda spark: rules_by_hand_spark.run(spark, folder / "snapshot", folder / "hand"), repeat)


def in_session(work: Any, repeat: int) -> Any:
    """Seconds of the first run in a session, and of the median one of those that follow."""
    from huqing.rules.spark_session import session

    began = time.perf_counter()
    with session("local[*]", settings={"spark.driver.memory": MEMORY}) as spark:
        started = time.perf_counter() - began
        first = timed(lambda: work(spark))
        warm = statistics.median(timed(lambda: work(spark)) for _ in range(repeat))
        memory = peak_of(spark.sparkContext._gateway.proc.pid)
    return {"session": started, "first": first, "warm": warm, "memory": memory}


def timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def peak_of(process: int) -> float:
    """Peak resident memory of another process in GiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024**2


ENGINES = {"columns": columns_needed, "duckdb": on_duckdb, "rules": rules_on_spark, "hand": hand_on_spark}

if __name__ == "__main__":
    if "--run" in sys.argv:
        kind, place, times = sys.argv[2:5]
        print(json.dumps(ENGINES[kind](Path(place), int(times))))
    else:
        main()
