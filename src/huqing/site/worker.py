"""The background process: runs queued tasks one at a time, keeps the clock, lands and checks what phones have sent."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time

LANDING_SECONDS = 1.0  # between two looks for what has come in


def clock(stop: threading.Event) -> None:
    """Call ``tick`` until told to stop; a failure is logged and tried again at the next tick."""
    from django.db import close_old_connections

    from huqing.site.server import CLOCK_SECONDS, tick

    while not stop.wait(CLOCK_SECONDS):
        close_old_connections()
        try:
            tick()
        except Exception:
            logging.getLogger("huqing").exception("定时任务出错，下次再试")
            time.sleep(CLOCK_SECONDS)


def landing(stop: threading.Event) -> None:
    """Land what phones have sent, soon after it was stored, until told to stop; a screening meanwhile is no matter."""
    from django.db import close_old_connections

    from huqing.visits.arrivals import work_off

    while not stop.is_set():
        close_old_connections()
        try:
            landed = work_off()
        except Exception:
            logging.getLogger("huqing").exception("走访记录入档出错，稍后再试")
            landed = 0
        if not landed:
            stop.wait(LANDING_SECONDS)


def rechecking(stop: threading.Event) -> None:
    """Look again at the alerts of households that visits have changed, until told to stop."""
    from django.db import close_old_connections

    from huqing.visits.rechecks import work_off

    while not stop.is_set():
        close_old_connections()
        try:
            done = work_off()
        except Exception:
            logging.getLogger("huqing").exception("走访后的复核出错，稍后再试")
            done = 0
        if not done:
            stop.wait(LANDING_SECONDS)


def end_interrupted() -> int:
    """Mark tasks as failed whose worker on this machine is no more; returns how many. The work itself is recovered
    by ``server.recover``."""
    from django.utils import timezone
    from django_tasks_db.models import DBTaskResult

    ended = 0
    for task in DBTaskResult.objects.running():
        host, _, process = (task.worker_ids or [""])[-1].rpartition(":")
        if host == socket.gethostname()[:50] and not _alive(int(process)):
            task.status, task.finished_at = "FAILED", timezone.now()
            task.save(update_fields=["status", "finished_at"])
            ended += 1
    return ended


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main() -> None:
    """Entry point of the worker process; it may come up after another was killed, so it first puts things right."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from huqing.site.server import recover

    end_interrupted()
    recover()
    stop = threading.Event()
    for work in (clock, landing, rechecking):
        threading.Thread(target=work, args=(stop,), name=work.__name__, daemon=True).start()
    name = f"{socket.gethostname()[:50]}:{os.getpid()}"
    try:
        call_command("db_worker", queue_name="*", interval=1.0, verbosity=0, reload=False, worker_id=name)
    finally:
        stop.set()


if __name__ == "__main__":
    main()
