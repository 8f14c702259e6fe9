"""Run every benchmark and write docs/benchmarks.md: ``python bench/run.py [name …]``; takes about an hour.

Each benchmark is a program of its own that leaves its rows in build/bench/ (see ``machine.save``). Without names all are
run; with names only those, and the page is written from whatever results there are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from machine import RESULTS, description

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Printed by the programs of `make bench`; page written on {when}. Machine: {machine}. Times are wall-clock; medians where a row says so. Limits are what the product
promises; a limit that is not met is said to be not met. PostgreSQL 15 runs on the same machine without fsync. Tests measure no
time: only this page does.
"""


def commands() -> dict[str, list[list[str]]]:
    """What to run under each name; those that need a PostgreSQL get the one ``tools/postgres.sh`` starts."""
    postgres = _postgres()
    here = [sys.executable]
    county, cases = ROOT / "build" / "bench" / "county", ROOT / "build" / "bench" / "cases"
    on_postgres = {"HUQING_DATABASE": postgres, "HUQING_DATA": f"{county}-postgresql"}
    measure = ["bench/bench_snapshot.py", "--step", "measure", "--keep"]
    result = {
        "rules": [[*here, "bench/bench_rules.py"]],
        "spark": [[*here, "bench/bench_spark.py"]],
        "nation": [[*here, "bench/bench_nation.py"]],
        "benefits": [[*here, "bench/bench_benefits.py"]],
        "reading": [[*here, "bench/bench_reading.py"]],
        "intake": [[*here, "bench/bench_intake.py"]],
        "demo": [[*here, "bench/bench_demo.py"]],
        "forms": [[*here, "bench/bench_forms.py"]],
        "pairing": [[*here, "bench/bench_pairing.py"]],
        "county": [[*here, "bench/bench_county.py"]],
        "field": [[*here, "bench/bench_field.py"]],
        "office": [
            [*here, "bench/bench_recheck.py"],
            [*here, "bench/bench_office.py"],
            [*here, "bench/bench_public.py"],
            [*here, *measure, str(county)],
            [*here, "bench/bench_visits.py"],
        ],
        "rosters": [[*here, "bench/bench_rosters.py"]],
    }
    if postgres:
        there = ["env", *_pairs(on_postgres), *here]
        result |= {
            "intake-postgresql": [[*here, "bench/bench_intake.py", "--database", postgres, "--no-peer"]],
            "county-postgresql": [[*here, "bench/empty_postgres.py", postgres], [*there, "bench/bench_county.py"]],
            "office-postgresql": [
                [*there, "bench/bench_recheck.py"],
                [*there, "bench/bench_office.py"],
                [*there, "bench/bench_openrosa.py"],
                [*there, "bench/bench_public.py"],
                [*here, *measure, f"{county}-postgresql", "--database", postgres],
                [*there, "bench/bench_visits.py"],
            ],
            "rosters-postgresql": [[*there, "bench/bench_rosters.py"]],
            # Last: it makes the database that the others share anew.
            "cases-postgresql": [
                [*here, "bench/empty_postgres.py", postgres],
                ["env", *_pairs({**on_postgres, "HUQING_DATA": f"{cases}-postgresql"}), *here, "bench/bench_cases.py"],
            ],
        }
    return result


def _pairs(values: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]


def _postgres() -> str:
    try:
        told = subprocess.run(
            ["tools/postgres.sh", "start"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        print("PostgreSQL 15 is not installed: its benchmarks are left out.")
        return ""
    return told.strip().partition("=")[2]


def write_page() -> None:
    """The page from all results there are; sections whose results are not here stay as they were measured."""
    parts = [HEAD.format(when=datetime.now(UTC).date().isoformat(), machine=description())]
    sections = kept_sections()
    for file in RESULTS.glob("*.json"):
        result = json.loads(file.read_text())
        lines = ["| what | value | limit | |\n|---|---:|---|---|"]
        for row in result["rows"]:
            met = "" if "limit" not in row else "met" if row["met"] else "**not met**"
            lines.append(f"| {row['what']} | {row['value']} {row['unit']} | {row.get('limit', '')} | {met} |")
        lines += [f"\n{note}" for note in result.get("notes", [])]
        sections[result["title"]] = "\n".join(lines)
    parts += [f"\n## {title}\n\n{text}" for title, text in sorted(sections.items())]
    parts.append("\n" + (ROOT / "bench" / "remarks.md").read_text(encoding="utf-8").rstrip())
    PAGE.write_text("\n".join(parts) + "\n", encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def kept_sections() -> dict[str, str]:
    """Title → text of the sections of the page as it is."""
    sections = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        if title != "Remarks":
            sections[title.strip()] = text.strip()
    return sections


def main() -> None:
    wanted = sys.argv[1:]
    failed = []
    for name, runs in commands().items():
        if wanted and name not in wanted:
            continue
        for run in runs:
            print(f"\n### {name}: {' '.join(run[-3:])}", flush=True)
            if subprocess.run(run, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"}, check=False).returncode:
                failed.append(name)
    write_page()
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
