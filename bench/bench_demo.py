"""How long the demo county takes to write, and what its own workbook writer gains.

    python bench/bench_demo.py [households] [processes]

Writes to a temporary folder. Memory is the sum over the writing processes, sampled twice a second.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
AS_OF = date(2026, 6, 30)
FULL, SECONDS, GIB = 309_800, 120, 2
ROWS, COLUMNS = 20_000, 50


def resident(pid: int) -> float:
    """Resident memory of a process in GiB, 0 when it has gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**3


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


class Memory(threading.Thread):
    """Watches the memory of this process and of those it started."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.5):
            own = os.getpid()
            self.peak = max(self.peak, sum(resident(pid) for pid in (own, *children(own))))


def writers() -> tuple[float, float]:
    """Cells per second of XlsxWriter in constant-memory mode and of the demo's writer, on the same rows."""
    import xlsxwriter

    from huqing.demo.xlsx import Workbook

    rows = [[f"张三{n}", f"990236{n:012d}", "是", "奉节县", 1234.5] * (COLUMNS // 5) for n in range(ROWS)]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        book = xlsxwriter.Workbook(f"{folder}/peer.xlsx", {"constant_memory": True, "strings_to_numbers": False})
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            for column, value in enumerate(cells):
                if isinstance(value, str):
                    sheet.write_string(number, column, value)
                else:
                    sheet.write_number(number, column, value)
        book.close()
        peer = time.perf_counter() - began
        began = time.perf_counter()
        with Workbook(Path(folder) / "own.xlsx") as own:
            own_sheet = own.sheet("Sheet1", COLUMNS)
            for cells in rows:
                own_sheet.row(cells)
            own_sheet.close()
        mine = time.perf_counter() - began
    return ROWS * COLUMNS / peer, ROWS * COLUMNS / mine


def main() -> None:
    households = int(sys.argv[1]) if len(sys.argv) > 1 else FULL
    processes = int(sys.argv[2]) if len(sys.argv) > 2 else None
    from huqing import demo
    from machine import description, row, save

    print(description())
    memory = Memory()
    memory.start()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        summary = demo.write(Path(folder) / "demo", households=households, as_of=AS_OF, processes=processes)
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1024**2
    memory.done.set()
    peer, own = writers()
    save(
        "demo",
        f"The demo county written: {households:,} households, {summary.people:,} people",
        [
            row("write all files and the truth", seconds, "s", SECONDS),
            row("memory of all its processes at once", memory.peak, "GiB", GIB),
            row("files written", size, "MiB"),
            row("rows written", sum(info.rows for info in summary.files), "rows"),
            row("findings there are to find", sum(summary.expected.values()), "findings"),
            row("own workbook writer against XlsxWriter, cells per second", own / peer, "×"),
        ],
    )


if __name__ == "__main__":
    main()
