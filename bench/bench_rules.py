"""Screening a county: the rule language against the same findings by hand, in DuckDB and in pandas.

``python bench/bench_rules.py [--small]``: 309,800 households and ten times as many, each engine in a process of its own so
that peak memory is its own. Answers are compared before times are. In steps, so that each stays short on a shared machine:
``--make FOLDER FACTOR`` writes a county, ``--measure FOLDER FACTOR WHAT`` (``rules`` or ``rest``) notes what it took,
``--save FOLDER`` keeps what was noted.
"""

from __future__ import annotations

import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import rules_by_hand
import rules_county
from machine import row, save

REGION = "500236"
FULL = 309_800
REPEAT = 5


def main() -> None:
    small = "--small" in sys.argv
    with tempfile.TemporaryDirectory(prefix="huqing-rules-") as scratch:
        for factor in (1,) if small else (1, 10):
            make(Path(scratch), factor, households=(20_000 if small else FULL) * factor)
            for what in NOTED:
                measure(Path(scratch), factor, what)
        keep(Path(scratch))


def make(folder: Path, factor: int, *, households: int) -> None:
    """Write a county of that many households."""
    place = folder / f"x{factor}"
    sizes = rules_county.write(place / "snapshot", households=households, columns=ask("columns", place))
    (place / "sizes.json").write_text(json.dumps(sizes))


def measure(folder: Path, factor: int, what: str) -> None:
    """Run the engines on one county and note what they took."""
    place = folder / f"x{factor}"
    noted = NOTED[what](place, factor)
    (place / f"{what}.json").write_text(json.dumps(noted))
    print({key: {name: value for name, value in told.items() if name != "found"} for key, told in noted.items()})


def keep(folder: Path) -> None:
    """Save what was noted of all counties."""
    results = []
    for place in sorted(folder.glob("x*"), key=lambda place: int(place.name[1:])):
        noted: dict[str, Any] = {}
        for what in NOTED:
            noted |= json.loads((place / f"{what}.json").read_text())
        results += report(noted, json.loads((place / "sizes.json").read_text()), full=place.name == "x1")
    save("rules", "Screening: the rule language against hand-written code", results)


def by_hand_and_rules(place: Path, factor: int) -> dict[str, Any]:
    """Hand-written SQL and the rules in turns; their rows must be equal to the last digest."""
    hand, ours = interleaved(place, REPEAT if factor == 1 else 3)
    same_rows(place)
    return {"hand": hand, "ours": ours}


def the_rest(place: Path, factor: int) -> dict[str, Any]:
    """All findings, pandas and, in one county, single households."""
    every = [ask("all", place) for _ in range(REPEAT if factor == 1 else 1)]
    middle = {key: statistics.median(run[key] for run in every) for key in ("seconds", "memory")}
    noted = {"every": every[-1] | middle}
    noted["pandas"] = ask("pandas", place, 1 if factor > 1 else 3)
    ours = json.loads((place / "rules.json").read_text())["ours"]
    counted = {finding: ours["found"].get(finding, 0) for finding in rules_by_hand.IN_PANDAS}
    assert noted["pandas"]["found"] == counted, (noted["pandas"]["found"], counted)
    return noted | ({"recheck": ask("recheck", place)} if factor == 1 else {})


NOTED = {"rules": by_hand_and_rules, "rest": the_rest}


def report(noted: dict[str, Any], sizes: dict[str, int], *, full: bool) -> list[dict[str, Any]]:
    """What was noted of one county as rows; ``full`` is the county the memory is promised for."""
    hand, ours, every, pandas = (noted[key] for key in ("hand", "ours", "every", "pandas"))
    label = f"{sizes['household']:,} households, {sizes['person']:,} people, {sizes['medical_bill']:,} bills"
    limit = 0.6 / 1.073741824 if full else None
    rows = [
        row(f"{label}: hand-written SQL, {len(rules_by_hand.FINDINGS)} findings", hand["seconds"], "s"),
        row("  memory", hand["memory"], "GiB"),
        row("  the rule language, execution", ours["run"], "s"),
        row("  the rule language, execution / by hand", ours["run"] / hand["seconds"], "×", 1.15),
        row(
            "  end to end with the plan of the day in the cache / by hand", ours["seconds"] / hand["seconds"], "×", 1.3
        ),
        row("  end to end the first time of the day (rules compiled) / by hand", ours["cold"] / hand["seconds"], "×"),
        row("  memory of the rule language", ours["memory"], "GiB", limit),
        row(f"  pandas, {len(rules_by_hand.IN_PANDAS)} of the findings, found only", pandas["seconds"], "s"),
        row(
            "  pandas / the rule language",
            pandas["seconds"] / ours["seconds"],
            "×",
            None if full else 20,
            at_least=True,
        ),
        row("  memory of pandas", pandas["memory"], "GiB"),
        row(f"  all {every['findings']} findings, end to end", every["seconds"], "s"),
        row("  memory of all findings", every["memory"], "GiB", limit),
    ]
    if "recheck" in noted:
        recheck = noted["recheck"]
        rows.append(row("  re-check of one household, all findings, median", recheck["milliseconds"], "ms", 50))
        rows.append(row("  explanation of one finding of one household, median", recheck["explain"], "ms"))
    return rows


def interleaved(folder: Path, repeat: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """By hand and by rules in turns, so that a busy machine disturbs both alike."""
    hand, ours = [], []
    for _ in range(repeat):
        hand.append(ask("hand", folder))
        ours.append(ask("rules", folder))
    middle = {key: statistics.median(run[key] for run in ours) for key in ("seconds", "run", "cold", "memory")}
    memory = statistics.median(run["memory"] for run in hand)
    return {"seconds": statistics.median(run["seconds"] for run in hand), "memory": memory}, ours[-1] | middle


def same_rows(folder: Path) -> int:
    """How many rows both sides tell; they must be equal to the last digest."""
    import duckdb

    columns = "finding, household_id, person_id, state, evidence, evidence_hash"
    by_hand, by_rules = (f"SELECT {columns} FROM '{folder}/{name}.parquet'" for name in ("hand", "rules/findings"))
    for one, other in ((by_hand, by_rules), (by_rules, by_hand)):
        differing = duckdb.sql(f"SELECT finding, count(*) FROM ({one} EXCEPT ALL {other}) GROUP BY 1").fetchall()
        assert not differing, differing
    return int(duckdb.sql(f"SELECT count(*) FROM ({by_hand})").fetchall()[0][0])


def ask(what: str, folder: Path, repeat: int = 1) -> Any:
    """Run one engine in a fresh process and return what it reports."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", what, str(folder), str(repeat)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def run(what: str, folder: Path, repeat: int) -> Any:
    """What one process measures; importing the libraries is not part of it."""
    importlib.import_module("pandas" if what == "pandas" else "duckdb")
    importlib.import_module("huqing.rules.engine")
    times, report = [], {}
    for _ in range(repeat):
        began = time.perf_counter()
        report = ENGINES[what](folder)
        times.append(time.perf_counter() - began)
    if isinstance(report, dict) and what in ("hand", "rules", "all", "pandas"):
        report |= {"seconds": statistics.median(times), "memory": peak_memory()}
    return report


def peak_memory() -> float:
    """Peak resident memory in GiB since this program started; ``getrusage`` would count what the parent held before."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024**2


def columns_needed(folder: Path) -> Any:
    from huqing.rules.engine import plan_for

    return plan_for(as_of=rules_by_hand.DAY, region=REGION, cache=folder / "cache").columns


def by_hand(folder: Path, query: str = "") -> Any:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = '{folder}/tmp'")
        connection.execute(rules_by_hand.MACROS)
        for file in (folder / "snapshot").glob("*.parquet"):
            connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")
        connection.execute(
            f"COPY ({query or rules_by_hand.query()}) TO '{folder}/hand.parquet' (FORMAT parquet, COMPRESSION zstd)"
        )
    return {}


def by_rules(folder: Path) -> Any:
    from huqing.rules.engine import screen

    began = time.perf_counter()
    counts = screen(
        folder / "snapshot",
        folder / "rules",
        as_of=rules_by_hand.DAY,
        region=REGION,
        findings=list(rules_by_hand.FINDINGS),
        cache=folder / "cache",
    )
    elapsed = time.perf_counter() - began
    compiled = folder / "compile-seconds"
    if not compiled.exists():
        compiled.write_text(str(counts.seconds["plan"]))
    return {
        "run": counts.seconds["run"],
        "found": counts.found,
        "cold": elapsed - counts.seconds["plan"] + float(compiled.read_text()),
    }


def every_finding(folder: Path) -> Any:
    from huqing.rules.engine import plan_for, screen

    day, cache = rules_by_hand.DAY, folder / "cache"
    counts = screen(folder / "snapshot", folder / "all", as_of=day, region=REGION, cache=cache)
    plan = plan_for(as_of=day, region=REGION, cache=cache)
    return {
        "findings": sum(map(len, plan.outcomes.values())),
        "rows": counts.found_total + counts.unknown_total,
    }


def with_pandas(folder: Path) -> Any:
    return {"found": rules_by_hand.in_pandas(folder / "snapshot")}


def one_by_one(folder: Path) -> Any:
    import duckdb

    from huqing.rules.engine import read_county
    from huqing.rules.explain import explain
    from huqing.rules.recheck import Rechecker

    day, county = rules_by_hand.DAY, read_county(folder / "all")
    checker = Rechecker(as_of=day, region=REGION, county=county, cache=folder / "cache")
    snapshot = folder / "snapshot"
    keys = dict.fromkeys(snapshot.glob("*.parquet"), "household_id") | {snapshot / "household.parquet": "id"}
    villages = snapshot / "village.parquet"
    del keys[villages]

    def rows(number: int) -> dict[str, Any]:
        found = {
            file.stem: duckdb.sql(f"SELECT * FROM '{file}' WHERE {key} = {number}").to_arrow_table()
            for file, key in keys.items()
        }
        place = found["household"]["region_code"][0].as_py()
        own = duckdb.sql(f"SELECT * FROM '{villages}' WHERE region_code = '{place}'")
        return found | {"village": own.to_arrow_table()}

    checks, explanations = [], []
    for number in range(1000, 1040):
        given = rows(number)
        began = time.perf_counter()
        checker.check(given)
        checks.append(time.perf_counter() - began)
        began = time.perf_counter()
        explain(
            given, household_id=number, as_of=day, region=REGION, finding="no_labour_no_support", county=county,
            cache=folder / "cache",
        )  # fmt: skip
        explanations.append(time.perf_counter() - began)
    return {"milliseconds": 1000 * statistics.median(checks), "explain": 1000 * statistics.median(explanations)}


ENGINES = {
    "columns": columns_needed,
    "hand": by_hand,
    "rules": by_rules,
    "all": every_finding,
    "pandas": with_pandas,
    "recheck": one_by_one,
}

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--run", kind, place, times]:
            print(json.dumps(run(kind, Path(place), int(times))))
        case ["--make", place, factor]:
            make(Path(place), int(factor), households=FULL * int(factor))
        case ["--measure", place, factor, what]:
            measure(Path(place), int(factor), what)
        case ["--save", place]:
            keep(Path(place))
        case _:
            main()
