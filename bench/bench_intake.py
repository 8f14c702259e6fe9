"""A member roster of 250,000 people × 47 columns into the registry, against django-import-export on the same file.

    python bench/bench_intake.py [rows] [--rounds 1] [--no-peer] [--database URL]

Every round runs in a process of its own on an empty installation that only knows the villages and the households. The
seconds of the stages and the peak memory (of the importing process and of the helper that parses the file) are printed.
The peer gets ten times our time, then it is stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
AS_OF = date(2026, 1, 1)
PATIENCE = 10
LIMITS = {"sqlite": 25, "postgresql": 40}


def environment(folder: str, database: str) -> dict[str, str]:
    """The environment of a fresh installation in ``folder``."""
    return {
        **os.environ,
        "HUQING_DATA": folder,
        "HUQING_DATABASE": database or f"sqlite:///{folder}/huqing.sqlite3",
        "HUQING_SEAL_KEY": "5a" * 32,
        "DJANGO_SETTINGS_MODULE": "huqing.site.settings",
    }


def prepare(rows: int) -> None:
    """Tables, villages and households: what the county already has before its people come."""
    import django

    django.setup()
    import pyarrow as pa
    from django.core.management import call_command
    from django.db import connection

    from huqing.intake.plan import constant
    from huqing.registry import bulk
    from huqing.registry.models import Household, Region

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    call_command("migrate", verbosity=0)
    county = Region.objects.create(code="500236000000", name="奉节县", level=3)
    town = Region.objects.create(code="500236101000", name="永乐镇", level=4, parent=county)
    villages = [
        Region.objects.create(code=f"500236101{number + 1:03d}", name=f"第{number}村", level=5, parent=town)
        for number in range(rows // 2000 + 1)
    ]
    numbers = range(rows // 4 + 1)
    places = [villages[min(number * 4 // 2000, len(villages) - 1)] for number in numbers]
    table = pa.table(
        {
            "number": pa.array([f"5002361{number:011d}" for number in numbers]),
            "village_id": pa.array([place.pk for place in places]),
            "region_code": pa.array([place.code for place in places]),
        }
    )
    with bulk.writer() as writer:
        writer.insert(Household, constant(table, head_name="户主", updated_at=datetime.now().astimezone()))


def ours(path: Path, rows: int) -> dict[str, Any]:
    """Take the file in; seconds per stage, peak memory in MB, counts."""
    prepare(rows)
    from django.db import connection

    from huqing.intake.taking import take_in

    stages: dict[str, float] = {}
    last = ["", time.perf_counter()]

    def report(message: str, fraction: float) -> None:
        now = time.perf_counter()
        if last[0]:
            stages[last[0]] = stages.get(last[0], 0) + now - last[1]
        last[:] = [message, now]

    started = time.perf_counter()
    (done,) = take_in(path, kind="person", by=None, data_date=AS_OF, region="500236", progress=report)
    total = time.perf_counter() - started
    again = time.perf_counter()
    (same,) = take_in(path, kind="person", by=None, data_date=AS_OF, region="500236")
    return {
        "vendor": connection.vendor,
        "total": total,
        "again": time.perf_counter() - again,
        "stages": stages,
        "counts": done.counts,
        "counts_again": same.counts,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "helper": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def peer(path: Path, rows: int) -> dict[str, Any]:
    """django-import-export in bulk mode: the same columns into one flat table, new rows told from known ones by an index.

    It does less than we do: no check of cells, no links to households, no history, nothing sealed.
    """
    prepare(0)
    from django.db import connection, models
    from import_export import resources
    from tablib import Dataset

    from huqing.standards.fields import record_kinds

    fields = record_kinds()["person"].fields[:47]
    keys = ("id_number", "household_number")
    columns = {
        one.key: models.CharField(one.label, max_length=200, blank=True, null=True, db_index=one.key in keys)
        for one in fields
    }
    meta = type("Meta", (), {"app_label": "intake", "db_table": "bench_person"})
    member = type("BenchPerson", (models.Model,), {**columns, "Meta": meta, "__module__": "huqing.intake.models"})
    with connection.schema_editor() as editor:
        editor.create_model(member)

    class MemberResource(resources.ModelResource):  # type: ignore[misc]
        class Meta:
            model = member
            fields = tuple(columns)
            import_id_fields = keys
            use_bulk = True
            batch_size = 1000
            use_transactions = True

    started = time.perf_counter()
    data = Dataset().load(path.read_bytes(), format="xlsx")
    data.headers = list(columns)
    read = time.perf_counter() - started
    result = MemberResource().import_data(data, raise_errors=True)
    return {"total": time.perf_counter() - started, "read": read, "rows": sum(result.totals.values())}


def child(mode: str, path: Path, rows: int, database: str, patience: float | None = None) -> dict[str, Any] | None:
    """Run ``ours`` or ``peer`` in a process of its own; None when it took longer than ``patience`` seconds."""
    with tempfile.TemporaryDirectory(prefix="huqing-bench-") as folder:
        command = [sys.executable, __file__, str(rows), "--child", mode, "--file", str(path)]
        try:
            done = subprocess.run(
                command,
                env=environment(folder, database),
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
    if done.returncode:
        raise SystemExit(f"{mode} failed:\n{done.stderr[-4000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print medians, stages, memory, and the ratio to the peer."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("rows", type=int, nargs="?", default=250_000)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--database", default=os.environ.get("HUQING_DATABASE", ""))
    arguments.add_argument("--no-peer", action="store_true")
    arguments.add_argument("--child", choices=["ours", "peer"])
    arguments.add_argument("--file", type=Path)
    given = arguments.parse_args()
    if given.child:
        work = ours if given.child == "ours" else peer
        print(json.dumps(work(given.file, given.rows)))
        return
    from bench_reading import make
    from machine import description, row, save

    path = given.file or Path(tempfile.gettempdir()) / f"huqing-bench-{given.rows}.xlsx"
    if not path.exists():
        make(path, given.rows)
    runs = [child("ours", path, given.rows, given.database) for _ in range(given.rounds)]
    vendor = runs[0]["vendor"]
    print(f"{given.rows:,} people × 47 columns, {path.stat().st_size / 2**20:.0f} MB, {vendor}; {description()}")
    total = statistics.median(run["total"] for run in runs)
    rows = [row("import: workbook to committed rows with indexes", total, "s", LIMITS[vendor])]
    for stage in runs[0]["stages"]:
        rows.append(row(f"  {stage}", statistics.median(run["stages"][stage] for run in runs), "s"))
    rows.append(row("the same file again (nothing changes)", statistics.median(run["again"] for run in runs), "s"))
    rows.append(row("peak memory, importing process", max(run["memory"] for run in runs), "MB", 1500))
    rows.append(row("peak memory, parsing helper", max(run["helper"] for run in runs), "MB", 1500))
    print("first:", runs[0]["counts"])
    print("again:", runs[0]["counts_again"])
    if not given.no_peer:
        other = child("peer", path, given.rows, given.database, patience=PATIENCE * total)
        if other is None:
            print(f"django-import-export was stopped after {PATIENCE} × our time: more than {PATIENCE} × slower")
            rows.append(row("django-import-export / ours (stopped, it takes longer)", PATIENCE, "×", 10, at_least=True))
        else:
            rows.append(row("django-import-export / ours", other["total"] / total, "×", 10, at_least=True))
    save(f"intake-{vendor}", f"Import of {given.rows:,} people × 47 columns, {vendor}", rows)


if __name__ == "__main__":
    main()
