"""A village's public page under load, and how soon a posting that is taken down is gone: ``python bench/bench_public.py``.

Starts ``huqing serve`` with the processes it chooses itself on a demonstration (``HUQING_DATA``, ``HUQING_DATABASE``;
the county's after bench_county.py by default), publishes a list of forty households in one village and lets sixteen
connections ask for the pages of twenty villages as fast as they are answered. After that the list is taken down by
another process, as the office does it, and the load goes on: the last answer that still showed it counts. Only whole
pages count as answers. The load runs on the same machine and takes its share of the cores.
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "county"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
HOST = "127.0.0.1"
with socket.create_server((HOST, 0)) as free:
    PORT: int = free.getsockname()[1]
PROCESSES, CONNECTIONS, VILLAGES = 2, 8, 20
SECONDS = 15
GONE_WITHIN = 60
LEAST = 500
MARK = "公示名单压测"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Line:
    """A keep-alive connection that asks for pages and reads them whole."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None

    def ask(self, path: str) -> tuple[int, bytes]:
        """Status and page; a connection the server closed is opened again once."""
        for again in (True, False):
            try:
                return self._ask(path)
            except OSError:
                self.socket = None
                if not again:
                    raise
        raise OSError

    def _ask(self, path: str) -> tuple[int, bytes]:
        if self.socket is None:
            self.socket = socket.create_connection((HOST, PORT), timeout=30)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{PORT}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        wanted = LENGTH.search(head)
        if wanted is None:
            raise OSError("an answer without a length")
        parts, got = [body], len(body)
        while got < int(wanted[1]):
            parts.append(self._more())
            got += len(parts[-1])
        if b"connection: close" in head.lower():
            self.socket.close()
            self.socket = None
        return int(head[9:12]), b"".join(parts)

    def _more(self) -> bytes:
        assert self.socket is not None
        data = self.socket.recv(65536)
        if not data:
            raise OSError("closed")
        return data


def load(paths: list[str], seconds: float, seed: int, results: Any) -> None:
    """Ask on several connections until the time is over; puts (times in ms, failures, when the mark was last seen)."""
    times: list[float] = []
    failures: list[str] = []
    seen = [0.0]
    until = time.time() + seconds

    def run(number: int) -> None:
        line, order = Line(), random.Random(seed * 100 + number)
        while time.time() < until:
            path = order.choice(paths)
            began = time.perf_counter()
            try:
                status, page = line.ask(path)
            except OSError as error:
                failures.append(str(error))
                continue
            times.append((time.perf_counter() - began) * 1000)
            if status != 200 or b"</html>" not in page:
                failures.append(f"{status} {path}")
            if MARK.encode() in page:
                seen[0] = time.time()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((times, failures, seen[0]))


def under_load(paths: list[str], seconds: float, meanwhile: Any = None) -> tuple[list[float], list[str], float]:
    """Everything the load's processes measured; ``meanwhile`` is done in this process a few seconds after they began."""
    context = multiprocessing.get_context("fork")
    results: Any = context.Queue()
    runners = [context.Process(target=load, args=(paths, seconds, number, results)) for number in range(PROCESSES)]
    for runner in runners:
        runner.start()
    if meanwhile is not None:
        time.sleep(5)
        meanwhile()
    told = [results.get(timeout=seconds + 60) for _ in runners]
    for runner in runners:
        runner.join()
    times = sorted(value for part in told for value in part[0])
    return times, [line for part in told for line in part[1]], max(part[2] for part in told)


def publish() -> Any:
    """A list of forty households in the first village that has any, as the office keeps one."""
    from django.utils import timezone

    from huqing.access.models import User
    from huqing.cases.calendar import today
    from huqing.cases.models import PublicPosting
    from huqing.registry.models import Household, Region

    code = Household.objects.order_by("region_code").values_list("region_code", flat=True).first()
    day = today()
    return PublicPosting.objects.create(
        village=Region.objects.get(code=code, valid_to=None),
        region_code=code,
        level="村内公示",
        title=MARK,
        columns=[["number", "序号"], ["group", "村民小组"], ["head", "户主姓名"], ["size", "家庭人口数（人）"]],
        rows=[[str(number), f"{number % 8 + 1}组", "张某某", "4"] for number in range(1, 41)],
        starts_on=day,
        ends_on=day + dt.timedelta(days=5),
        published_at=timezone.now(),
        published_by=User.objects.get(username="xian"),
    )


def main() -> None:
    import django

    django.setup()
    from django.db import connection

    from huqing.access.models import User
    from huqing.cases import postings
    from huqing.registry.models import Household
    from machine import row, save

    posting = publish()
    clerk = User.objects.get(username="xian")
    codes = list(Household.objects.order_by().values_list("region_code", flat=True).distinct()[: 50 * VILLAGES])
    sample = random.Random(7).sample(sorted(set(codes) - {posting.region_code}), VILLAGES - 1)
    pages = [f"/public/{code}/" for code in (posting.region_code, *sample)]
    connection.close()
    server = subprocess.Popen(
        [sys.executable, "-m", "huqing.cli", "serve", "--address", f"{HOST}:{PORT}", "--no-worker"]
    )
    try:
        _wait(server, pages[0])
        under_load(pages, 3)
        times, failures, _ = under_load(pages, SECONDS)
        stopped = 0.0

        def take_down() -> None:
            nonlocal stopped
            postings.stop(posting=posting, by=clerk, reason="压测：提前撤下")
            connection.close()
            stopped = time.time()

        _, failed, seen = under_load(pages[:1], GONE_WITHIN + 10, take_down)
        failures += failed
        forms, failed, _ = under_load([f"{pages[0]}apply/"], 5)
        failures += failed
    finally:
        server.terminate()
        server.wait(30)
        posting.delete()
        connection.close()
    rate = len(times) / SECONDS
    rows = [
        row("requests answered", rate, "per second", LEAST, at_least=True),
        row("requests answered, as a ratio to the limit", rate / LEAST, "", 1, at_least=True),
        row("median of an answer", statistics.median(times), "ms"),
        row("95th percentile of an answer", times[int(len(times) * 0.95)], "ms"),
        row("a list taken down is gone from every answer after", max(0.0, seen - stopped), "s", GONE_WITHIN),
        row("application forms answered (kept nowhere)", len(forms) / 5, "per second"),
        row("failed requests", len(failures), "requests", 0),
    ]
    save(f"public_{connection.vendor}", f"Public page of a village ({connection.vendor})", rows)
    if failures:
        print("\n".join(sorted(set(failures))[:10]))


def _wait(server: subprocess.Popen[bytes], path: str) -> None:
    for _ in range(120):
        if server.poll() is not None:
            break
        try:
            Line().ask(path)
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
