"""What machine a benchmark ran on, how much memory a process used, and where results go."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "build" / "bench"


def description() -> str:
    """Cores, memory, kernel and Python of this machine."""
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) / 1024**2
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB memory, Linux {platform.release()}, Python {platform.python_version()}"


def peak_memory() -> float:
    """Peak resident memory of this process in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def median_seconds(work: Callable[[], Any], repeat: int = 3) -> float:
    """Median wall-clock seconds of ``repeat`` runs."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def save(name: str, title: str, rows: list[dict[str, Any]]) -> None:
    """Print the rows and keep them for docs/benchmarks.md.

    A row has ``what``, ``value`` and ``unit``, and where the product promises something, ``limit`` (text) and ``met``.
    """
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"title": title, "rows": rows}, ensure_ascii=False, indent=1))
    print(f"\n{title}")
    for row in rows:
        promise = f"   (limit {row['limit']}: {'met' if row['met'] else 'NOT met'})" if "limit" in row else ""
        print(f"  {row['what']:<64} {row['value']:>12} {row['unit']}{promise}")


def row(what: str, value: float, unit: str, limit: float | None = None, *, at_least: bool = False) -> dict[str, Any]:
    """A result row; with ``limit`` it says whether ``value`` stays below it (or reaches it)."""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    result: dict[str, Any] = {"what": what, "value": f"{value:,.{digits}f}", "unit": unit}
    if limit is not None:
        result["limit"] = f"{'≥' if at_least else '≤'} {limit:g} {unit}"
        result["met"] = value >= limit if at_least else value <= limit
    return result
