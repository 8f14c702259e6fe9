"""Serving: gunicorn for pages, one background worker, and the clock that starts the daily screening."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from huqing.site.web import end_with_parent

CLOCK_SECONDS = 30
GRACE_SECONDS = 10  # a request under way when the server stops has this long to end


class AddressUnusable(Exception):
    """The address cannot be listened on; the message says why and that another one must be chosen."""


def _processes(asked: int | None) -> tuple[int, int]:
    """How many web processes with how many threads each.

    Threads that read rows from SQLite keep each other waiting for the interpreter, those that wait for PostgreSQL do
    not: on four cores twenty people without pauses were answered best by 8 × 2 on the one, 4 × 4 on the other.
    """
    cores = min(os.cpu_count() or 1, 4)
    if connection.vendor == "sqlite":
        return asked or 2 * cores, 2
    return asked or cores, 4


def serve(address: str, *, workers: int | None, web: bool = True, background: bool = True) -> None:
    """Run until stopped. Children that die are started again; stopping stops them all.

    The web server and the worker are processes of their own, so that a screening never slows a page down.
    """
    if web:
        check_address(address)
        # An upgraded program brings new style sheets and scripts with it.
        call_command("collectstatic", verbosity=0, interactive=False)
    recover()
    commands = {}
    if background:
        commands["worker"] = [sys.executable, "-m", "huqing.site.worker"]
    if web:
        count, threads = _processes(workers)
        commands["web"] = [
            sys.executable, "-m", "gunicorn", "huqing.site.wsgi:application", "--bind", address,
            "--workers", str(count), "--worker-class", "gthread", "--threads", str(threads), "--preload",
            "--timeout", "120",
            "--worker-tmp-dir", str(settings.DATA), "--log-level", "warning", "--no-control-socket",
            "--graceful-timeout", str(GRACE_SECONDS), "--config", "python:huqing.site.web",
        ]  # fmt: skip
    children = {name: _start(command) for name, command in commands.items()}
    stopping = False

    def stop(signum: int, frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        while not stopping:
            for name, child in children.items():
                if child.poll() is not None and not stopping:
                    time.sleep(1)
                    children[name] = _start(commands[name])
            time.sleep(0.5)
    finally:
        for child in children.values():
            child.terminate()
        for child in children.values():
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()


def recover() -> None:
    """Put right what a killed process left: imports half-way, runs without a result, unfinished snapshots."""
    from huqing.cases.tasks import recover as recover_batches
    from huqing.intake.recovery import recover as recover_imports
    from huqing.registry.snapshot import remove_unfinished
    from huqing.screening.actions import recover as recover_runs
    from huqing.screening.simulation import recover as recover_simulations
    from huqing.teams.pairing_jobs import recover as recover_pairings

    recover_imports()
    recover_runs()
    recover_simulations()
    recover_batches()
    recover_pairings()
    remove_unfinished()


def tick(now: datetime | None = None) -> None:
    """What the clock does every half minute: take up imports of killed processes, enqueue the screening, the refresh
    of visits and the comparison of rosters that are due, and once a day drop ended sessions, files of no record, counts
    of public forms and what is personal in applications that were not accepted."""
    from django.core.cache import cache

    from huqing.access.public_forms import forget_old
    from huqing.applications.actions import blank_old
    from huqing.intake.recovery import recover as recover_imports
    from huqing.matters.rating import settle
    from huqing.rosters import tasks as rosters
    from huqing.screening.schedule import enqueue_due
    from huqing.visits import background
    from huqing.visits.arrivals import sweep

    now = now or datetime.now(ZoneInfo(settings.TIME_ZONE))
    recover_imports(waiting=False)
    enqueue_due(now)
    background.enqueue_due(now)
    rosters.enqueue_due(now)
    if cache.add(f"site.sessions_cleared.{now:%Y-%m-%d}", True, 2 * 24 * 3600):
        call_command("clearsessions", verbosity=0)
        sweep()
        settle()
        forget_old()
        while blank_old():
            pass


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "huqing.site.settings"},
        # Only this keeps a killed server from leaving its port taken by orphans; it calls nothing but the system.
        preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def check_address(address: str) -> None:
    """Raise AddressUnusable unless ``address`` (host:port) can be listened on now."""
    host, _, port = address.rpartition(":")
    if not (host and port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        raise AddressUnusable(f"“{address}”不是监听地址，请写成 地址:端口")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "已被占用。请停掉占用它的程序，或换一个端口" if taken else "不能监听。请换一个"
            raise AddressUnusable(f"{address} {reason}") from error
