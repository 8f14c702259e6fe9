"""Bulk writing and snapshots at county size, on synthetic rows with every declared field.

``python bench/bench_snapshot.py [--households 309800] [--database postgresql://…]`` fills an empty database and prints
what writing, the snapshot, one household's read-out and search took, as JSON. No row is about a real person.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

COUNTY = "500236"
PEOPLE_PER_HOUSEHOLD = 3.55
FILLED = 0.6
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国红梅文"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=309_800)
    parser.add_argument("--database", default="", help="default: a new SQLite file in a temporary folder")
    parser.add_argument("--records", type=int, default=600_000, help="linked rows of one department kind")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--step", choices=("all", "fill", "measure"), default="all", help=argparse.SUPPRESS)
    parser.add_argument("--keep", default="", help="use this data folder and leave it")
    return parser.parse_args()


def item_sql(field: Any, codes: list[str]) -> str:
    """A DuckDB expression that makes a plausible JSON value for one declared field."""
    match field.type:
        case "boolean":
            return "random() < 0.5"
        case "integer":
            return "(random() * 12)::int"
        case "year":
            return "(2010 + random() * 14)::int"
        case "money":
            return "(random() * 3000000)::bigint"
        case "decimal":
            return "printf('%.2f', random() * 20)"
        case "date":
            return "(date '2015-01-01' + (random() * 3300)::int)::varchar"
        case "month":
            return "strftime(date '2020-01-01' + (random() * 1500)::int, '%Y-%m')"
        case "code":
            return f"{codes!r}[1 + (random() * {len(codes) - 1})::int]" if codes else "'1'"
        case "codes":
            return f"[{codes!r}[1 + (random() * {len(codes) - 1})::int]]" if codes else "['1']"
        case "name":
            return name_sql()
        case _:
            return "'记录' || (random() * 100000)::int"


def name_sql() -> str:
    surname = f"substr('{SURNAMES}', 1 + (random() * {len(SURNAMES) - 1})::int, 1)"
    given = f"substr('{GIVEN}', 1 + (random() * {len(GIVEN) - 1})::int, 1)"
    return f"{surname} || {given} || {given}"


def items_sql(kind: Any) -> str:
    from huqing.standards.codelists import codelist

    parts = []
    for field in kind.items:
        codes = list(codelist(field.codelist).codes) if field.codelist else []
        parts.append(f"CASE WHEN random() < {FILLED} THEN '\"{field.key}\":' || to_json({item_sql(field, codes)}) END")
    return "'{' || concat_ws(',', " + ", ".join(parts) + ") || '}'"


def fill(households: int, timings: dict[str, float]) -> None:
    """Regions, households, people, memberships, labels and entries of a synthetic county."""
    import duckdb
    from django.utils import timezone

    from huqing.access.seal import seal
    from huqing.registry import bulk
    from huqing.registry.models import Entry, Household, Label, Membership, Person, Region, Source
    from huqing.standards.fields import record_kinds

    county = Region.objects.create(code=COUNTY, name="测试县", level=3)
    villages = []
    for town in range(32):
        parent = Region.objects.create(code=f"{COUNTY}{town + 100}", name=f"第{town}镇", level=4, parent=county)
        villages += [
            Region.objects.create(code=f"{parent.code}{v:03d}", name=f"第{town}镇{v}村", level=5, parent=parent)
            for v in range(12)
        ]
    source = Source.objects.create(kind="roster", title="测试", on="2023-12-01", created_at=timezone.now())
    people = int(households * PEOPLE_PER_HOUSEHOLD)
    connection = duckdb.connect()
    connection.execute("SELECT setseed(0.5)")
    ids = [v.id for v in villages]
    codes = [v.code for v in villages]
    kinds = record_kinds()
    common = "now()::timestamp AS updated_at"
    household_rows = connection.execute(
        f"""SELECT n + 1 AS id, printf('{COUNTY}%07d', n) AS number, {ids}[1 + n % 384] AS village_id,
        {codes}[1 + n % 384] AS region_code, (n % 9)::varchar || '组' AS group_name, {name_sql()} AS head_name,
        chr(97 + (n % 26)::int) || chr(97 + (n // 26 % 26)::int) || chr(97 + (n // 676 % 26)::int) AS head_pinyin,
        '测试县某镇某村' || n || '号' AS address, sha256(n::varchar) AS phone_token,
        $1::blob AS phone_sealed, 3 AS member_count, {items_sql(kinds["household"])} AS items,
        {source.id} AS created_by_source_id, {common} FROM range({households}) t(n)""",
        [seal("13900000000", "phone")],
    ).to_arrow_table()
    person_rows = connection.execute(
        f"""SELECT n + 1 AS id, {name_sql()} AS name,
        chr(97 + (n % 26)::int) || chr(97 + (n // 26 % 26)::int) || chr(97 + (n // 676 % 26)::int) AS name_pinyin,
        (1 + n % 2)::varchar AS sex, date '1940-01-01' + (random() * 29000)::int AS birth_date, '1' AS id_type,
        $1::blob AS id_number_sealed, sha256('t' || n) AS id_token, 'ok' AS id_state,
        n % {households} + 1 AS household_id, {codes}[1 + n % {households} % 384] AS region_code,
        CASE WHEN n < {households} THEN '01' ELSE '03' END AS relation, {items_sql(kinds["person"])} AS items,
        {source.id} AS created_by_source_id, {common} FROM range({people}) t(n)""",
        [seal("990236199001010019", "id_number")],
    ).to_arrow_table()
    memberships = connection.execute(
        f"""SELECT id AS person_id, household_id, relation, date '2014-01-01' AS joined_on, '' AS join_reason,
        {source.id} AS source_id FROM person_rows"""
    ).to_arrow_table()
    labels = connection.execute(
        f"""SELECT CASE WHEN id % 2 = 0 THEN 'tuopin' ELSE 'monitor' END AS kind, id AS household_id,
        date '2020-01-01' AS valid_from, {source.id} AS source_id FROM household_rows WHERE id % 9 = 0"""
    ).to_arrow_table()
    entries = connection.execute(
        f"""SELECT household_id, id AS person_id, {source.id} AS source_id, date '2023-12-01' AS "on",
        updated_at AS at, '{{"work_income": [100, 200]}}' AS changes FROM person_rows"""
    ).to_arrow_table()
    start = time.perf_counter()
    with bulk.writer() as w:
        for model, table in ((Household, household_rows), (Person, person_rows), (Membership, memberships)):
            began = time.perf_counter()
            w.insert(model, table)
            timings[f"insert {model.__name__.lower()}"] = time.perf_counter() - began
        w.insert(Label, labels)
        w.insert(Entry, entries)
        began = time.perf_counter()
    timings["indexes and commit"] = time.perf_counter() - began
    timings["insert all"] = time.perf_counter() - start
    timings["people"] = people


def fill_records(count: int, households: int) -> None:
    """Linked rows of a department's file."""
    import duckdb

    from huqing.registry import bulk
    from huqing.registry.models import DepartmentRecord, Source
    from huqing.standards.fields import record_kinds

    source = Source.objects.get()
    items = items_sql(record_kinds()["medical_bill"])
    with bulk.writer() as w:
        for start in range(0, count, 200_000):
            rows = duckdb.sql(
                f"""SELECT 'medical_bill' AS kind, sha256(n::varchar) AS fingerprint,
                n % {households} + 1 AS household_id, n % {households} + 1 AS person_id,
                date '2023-01-01' + (n % 365)::int AS "on", {items} AS items,
                {source.id} AS source_id, n AS row_number FROM range({start}, {min(start + 200_000, count)}) t(n)"""
            ).to_arrow_table()
            w.insert(DepartmentRecord, rows)


def measure(repeat: int) -> dict[str, float]:
    """Snapshot, one household, file page reads and search, on what the database holds."""
    from huqing.access.models import User
    from huqing.registry import queries, snapshot
    from huqing.registry.models import Household

    steps: dict[str, list[float]] = {}

    def take() -> None:
        last = [time.perf_counter()]

        def report(message: str, fraction: float) -> None:
            now = time.perf_counter()
            steps.setdefault(message, []).append(now - last[0])
            last[0] = now

        snapshot.take(region=COUNTY, as_of=dt.date(2024, 1, 1), progress=report)

    times = {"snapshot s": median(take, repeat)}
    times |= {f"  {message} s": statistics.median(each) for message, each in steps.items()}
    # The first step includes the start of the reading process.
    times["households and people s"] = sum(statistics.median(steps[f"快照：{name}"]) for name in ("户", "人"))
    # The largest of the read-out processes so far; nothing else has been started from here.
    readout = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    times |= {"memory of this process MB": memory(), "memory of the read-out MB": readout}
    snapshot.prune(keep=1)
    ids = list(Household.objects.values_list("pk", flat=True)[:200])
    times["one household ms"] = 1000 * median(lambda: [snapshot.one_household(pk) for pk in ids], 3) / len(ids)
    rows = Household.objects.select_related("created_by_source").in_bulk(ids)
    times["file_of ms"] = 1000 * median(lambda: [queries.file_of(row) for row in rows.values()], 3) / len(ids)
    for region, name in ((COUNTY, "county"), (f"{COUNTY}100", "town"), (f"{COUNTY}100001", "village")):
        someone = User(role="county" if region == COUNTY else "village", region_code=region, is_active=True)
        for typed in ("王", "王丽", "王丽丽", "a", "ab", "abc", "5002360", "50023600001", "13912345678", "第3镇4村"):
            times[f"search {name} {typed} ms"] = 1000 * median(lambda: queries.search(someone, typed), 5)  # noqa: B023
    times["counts by town ms"] = 1000 * median(lambda: queries.counts_by_region(COUNTY), 3)
    return times


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median(action: Callable[[], Any], repeat: int) -> float:
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    options = arguments()
    folder = Path(options.keep or tempfile.mkdtemp(prefix="huqing-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["HUQING_DATA"] = str(folder)
    if not (folder / "keys" / "seal.key").exists():
        os.environ.setdefault("HUQING_SEAL_KEY", "00112233445566778899aabbccddeeff" * 2)
    os.environ["HUQING_DATABASE"] = options.database or f"sqlite:///{folder / 'huqing.sqlite3'}"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
    if options.step == "all":
        # A process of its own for each step, so that the memory of one does not hide that of the other.
        for step in ("fill", "measure"):
            arguments_again = [*sys.argv[1:], "--step", step, "--keep", str(folder)]
            subprocess.run([sys.executable, __file__, *arguments_again], check=True)
        if not options.keep:
            shutil.rmtree(folder)
        return
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from huqing.registry.models import Household

    timings: dict[str, float] = {}
    if options.step == "fill" and not Household.objects.exists():
        fill(options.households, timings)
        fill_records(options.records, options.households)
    elif options.step == "measure":
        timings = measure(options.repeat)
        keep_results(timings, Household.objects.count())
    print(json.dumps({key: round(value, 3) for key, value in timings.items()}, indent=1, ensure_ascii=False))


def keep_results(timings: dict[str, float], households: int) -> None:
    """The rows of docs/benchmarks.md: the last word of a name is its unit."""
    from django.db import connection

    from machine import row, save

    limits = {"one household ms": 10.0, "memory of the read-out MB": 600.0, "households and people s": 4.0}
    rows = []
    for name, value in timings.items():
        what, _, unit = name.rpartition(" ")
        rows.append(row(what, value, unit, limits.get(name)))
    title = f"Snapshot and search, {households:,} households ({connection.vendor})"
    save(f"snapshot_{connection.vendor}", title, rows)


if __name__ == "__main__":
    main()
