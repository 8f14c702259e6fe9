"""Reading and checking a workbook of 250,000 members × 47 columns: seconds and peak memory.

    python bench/bench_reading.py [rows] [--keep FILE]

The workbook is made once under the temporary folder; its ID numbers start with 99 and belong to nobody.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import xlsxwriter

from huqing.intake.checking import check
from huqing.intake.mapping import propose
from huqing.intake.reading import read_sheet, read_tables
from huqing.standards.codelists import codelist
from huqing.standards.fields import Field, record_kinds
from huqing.standards.idnumbers import check_digit
from machine import description, row, save

COLUMNS = 47
AS_OF = date(2026, 1, 1)
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文建国志"


def make(path: Path, rows: int, seed: int = 7) -> None:
    """Write the member roster with `rows` people."""
    fields = record_kinds()["person"].fields[:COLUMNS]
    rng = random.Random(seed)
    book = xlsxwriter.Workbook(str(path), {"tmpdir": tempfile.gettempdir()})
    sheet = book.add_worksheet("家庭成员")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, [field.label for field in fields])
    for at in range(1, rows + 1):
        born = date(1935, 1, 1) + timedelta(days=rng.randrange(32000))
        first_17 = f"99{rng.randrange(1, 100):04d}{born:%Y%m%d}{rng.randrange(1000):03d}"
        own = {
            "household_number": f"5002361{at // 4:011d}",
            "name": rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN),
            "head_name": rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN),
            "id_number": first_17 + check_digit(first_17),
            "sex": "男" if int(first_17[16]) % 2 else "女",
            "id_type": "居民身份证",
            "phone": f"1{rng.randrange(3000000000, 9999999999)}" if at % 3 else "",
            "town_name": "永乐镇",
            "village_name": f"第{at // 2000}村",
            "group_name": f"{at % 9 + 1}组",
        }
        for column, field in enumerate(fields):
            if field.key == "birth_date":
                sheet.write_datetime(at, column, datetime(born.year, born.month, born.day), day)  # noqa: DTZ001
            elif field.key in own:
                sheet.write_string(at, column, own[field.key])
            else:
                _write(sheet, at, column, field, rng)
    book.close()


def _write(sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, field: Field, rng: random.Random) -> None:
    if field.type in ("money", "integer"):
        sheet.write_number(row, column, rng.randrange(0, 9000 if field.type == "money" else 12))
    elif field.type == "year":
        sheet.write_number(row, column, rng.randrange(2000, 2026))
    elif field.type == "boolean":
        sheet.write_string(row, column, rng.choice("是否"))
    elif field.type == "month":
        sheet.write_string(row, column, f"20{rng.randrange(20, 26)}-{rng.randrange(1, 13):02d}")
    elif field.codelist:
        sheet.write_string(row, column, rng.choice(codelist(field.codelist).items[:8])[1])
    else:
        sheet.write_string(row, column, f"文本{rng.randrange(500)}")


def main() -> None:
    """Print medians of three rounds."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("rows", type=int, nargs="?", default=250_000)
    arguments.add_argument("--keep", type=Path)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    path = given.keep or Path(tempfile.gettempdir()) / f"huqing-bench-{given.rows}.xlsx"
    if not path.exists():
        started = time.perf_counter()
        # In a process of its own: writing takes more memory than what is measured here.
        maker = multiprocessing.get_context("spawn").Process(target=make, args=(path, given.rows))
        maker.start()
        maker.join()
        own_children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"(the maker used {own_children:.0f} MB; run again for the helper's own peak)")
        print(f"made {path} ({path.stat().st_size / 2**20:.0f} MB) in {time.perf_counter() - started:.0f} s")
    kind = record_kinds()["person"]
    times: dict[str, list[float]] = {"preview": [], "read": [], "check": []}
    for _ in range(given.rounds):
        started = time.perf_counter()
        preview = read_tables(path)[0]
        times["preview"].append(time.perf_counter() - started)
        started = time.perf_counter()
        sheet = read_sheet(path, preview.sheet)
        times["read"].append(time.perf_counter() - started)
        read_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        started = time.perf_counter()
        checked = check(sheet.table, kind, propose(sheet.columns, kind).fields, as_of=AS_OF)
        times["check"].append(time.perf_counter() - started)
    middle = {name: statistics.median(seconds) for name, seconds in times.items()}
    helper = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert checked.counts["good"] == given.rows, dict(checked.counts)
    save(
        "reading",
        f"Reading and checking a workbook of {given.rows:,} × {len(sheet.columns)} ({description()})",
        [
            row("preview (first rows, header, kind)", middle["preview"], "s"),
            row("read in full (helper process, to Arrow)", middle["read"], "s"),
            row("check every cell", middle["check"], "s", 4),
            row("peak memory of the helper process", helper, "MB"),
            row("peak memory of the caller after reading", read_memory, "MB"),
            row("peak memory of the caller after checking", own, "MB", 800),
        ],
    )


if __name__ == "__main__":
    main()
