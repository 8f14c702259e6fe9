"""A province on one machine: seconds per county and memory as the number of counties grows.

``python bench/bench_nation.py [--small]`` does everything. In steps, so that each stays short on a shared machine:
``--make FOLDER [households]`` writes a lake of 30 counties, ``--run FOLDER COUNTIES PROCESSES`` screens some of them and
notes what it took, ``--save FOLDER`` compares the runs. The counties are copies of one generated county under codes of one
province, with amounts of their own, so every finding runs in each. What is run is the command ``huqing nation``.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import yaml

import rules_county
from machine import row, save

DAY = date(2025, 6, 30)
DEMO, PROVINCE = "500236", "52"
COUNTIES = 30
FULL, SMALL = 309_800, 5_000
GROWTH = ((1, 1), (10, 1), (30, 1), (30, 2), (4, 4), (30, 4))  # counties, processes
PAUSE = 0.05
MEBI = 2**20


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="huqing-nation-") as scratch:
        folder = Path(scratch)
        make(folder, SMALL if "--small" in sys.argv else FULL)
        for counties, processes in GROWTH:
            run(folder, counties, processes)
        keep(folder)


def make(folder: Path, households: int) -> None:
    """A lake of counties and the amounts of their province."""
    from huqing.rules import lake

    own = folder / "data" / "parameters"
    own.mkdir(parents=True)
    (own / "province.yaml").write_text(yaml.safe_dump(amounts(), allow_unicode=True), encoding="utf-8")
    os.environ["HUQING_DATA"] = str(folder / "data")
    from huqing.rules.engine import plan_for

    plan = plan_for(as_of=DAY, region=f"{PROVINCE}0101")
    assert not plan.not_run, plan.not_run
    sizes = rules_county.write(folder / "county", households=households, columns=plan.columns)
    shutil.rmtree(folder / "county" / "tmp", ignore_errors=True)
    for number in range(1, COUNTIES + 1):
        lake.put(folder / "lake", folder / "county", county=f"{PROVINCE}{number:04d}", day=DAY)
    (folder / "sizes.json").write_text(json.dumps(sizes | {"findings": sum(map(len, plan.outcomes.values()))}))


def amounts() -> dict[str, Any]:
    """What the demo county has of its own, written for the whole province."""
    import huqing.policies

    own: dict[str, Any] = {}
    for file in sorted((Path(huqing.policies.__path__[0]) / "parameters").glob("*.yaml")):
        for key, raw in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            values = [{**value, "region": PROVINCE} for value in raw["values"] if str(value["region"]) == DEMO]
            if values:
                own[key] = {**raw, "values": values}
    return own


def run(folder: Path, counties: int, processes: int) -> None:
    """Screen so many counties with so many processes; notes seconds and the peak memory of all processes together."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    chosen = [part for number in range(1, counties + 1) for part in ("--county", f"{PROVINCE}{number:04d}")]
    command = [sys.executable, "-m", "huqing.cli", "nation", "--lake", str(folder / "lake"), "--out", str(out), *chosen]
    environment = os.environ | {"HUQING_DATA": str(folder / "data")}
    warm_up(command, environment, out)
    before = processor_seconds()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--processes", str(processes)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    watch = Watch(process.pid)
    assert process.wait() == 0
    seconds = time.perf_counter() - began
    watch.stop()
    summary = json.loads((out / "summary.json").read_text())
    assert all(county["state"] == "done" for county in summary["counties"])
    note = {
        "counties": counties,
        "processes": processes,
        "seconds": seconds,
        "processor": processor_seconds() - before,
        "memory": watch.peak,
        "each": max(county["memory"] for county in summary["counties"]),
        "written": sum(file.stat().st_size for file in out.rglob("*.parquet")),
        "load": os.getloadavg()[0],
    }
    with (folder / "runs.jsonl").open("a") as runs:
        runs.write(json.dumps(note) + "\n")
    print(note, flush=True)
    shutil.rmtree(out)


def processor_seconds() -> float:
    """What all processes that have ended under this one have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def warm_up(command: list[str], environment: dict[str, str], out: Path) -> None:
    """Compile the plan if the rules have changed since it was."""
    first = command.index("--county")
    subprocess.run(
        command[: first + 2], env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    shutil.rmtree(out)


class Watch:
    """The memory of a process and its children together, looked at again and again until stopped."""

    def __init__(self, process: int) -> None:
        self.peak = 0
        self._process = process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._over.wait(PAUSE):
            total = 0
            for process in self._family():
                try:
                    total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * page
                except (OSError, IndexError):
                    continue
            self.peak = max(self.peak, total)

    def _family(self) -> list[int]:
        found = [self._process]
        for process in found:
            try:
                for children in Path(f"/proc/{process}/task").glob("*/children"):
                    found += map(int, children.read_text().split())
            except OSError:
                continue
        return found


def keep(folder: Path) -> None:
    """Compare the runs that were noted; of runs with the same counties and processes the last counts."""
    sizes = json.loads((folder / "sizes.json").read_text())
    noted = [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]
    runs = {(note["counties"], note["processes"]): note for note in noted}
    label = f"{sizes['household']:,} households, {sizes['person']:,} people, {sizes['medical_bill']:,} bills"
    rows = []
    for (counties, processes), note in sorted(runs.items(), key=lambda item: (item[0][1], item[0][0])):
        what = f"{counties} {'county' if counties == 1 else 'counties'}, {processes} {'process' if processes == 1 else 'processes'}"
        rows.append(row(what, note["seconds"], "s"))
        rows.append(row("  per county", note["seconds"] / counties, "s"))
        rows.append(row("  processor seconds per county", note["processor"] / counties, "s"))
        rows.append(row("  peak memory of all processes together", note["memory"] / 2**30, "GiB"))
    for processes in sorted({processes for _, processes in runs}):
        series = sorted(counties for counties, number in runs if number == processes)
        if len(series) > 1:
            few, many = runs[series[0], processes], runs[series[-1], processes]
            growth = (many["seconds"] / many["counties"]) / (few["seconds"] / few["counties"])
            span = f"{series[0]} to {series[-1]} counties, {processes} process{'' if processes == 1 else 'es'}"
            rows.append(row(f"{span}: seconds per county, last / first", growth, "×", 1.1))
            rows.append(row(f"{span}: peak memory, last / first", many["memory"] / few["memory"], "×", 1.1))
    save("nation", f"A province on this machine: counties of {label}, {sizes['findings']} findings", rows)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--make", place, *households]:
            make(Path(place), int(households[0]) if households else FULL)
        case ["--run", place, counties, processes]:
            run(Path(place), int(counties), int(processes))
        case ["--save", place]:
            keep(Path(place))
        case _:
            main()
