"""The background process: runs queued tasks one at a time and keeps the clock of scheduled work."""

from __future__ import annotations

import logging
import os
import threading
import time


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


def main() -> None:
    """Entry point of the worker process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
    import django

    django.setup()
    from django.core.management import call_command

    stop = threading.Event()
    threading.Thread(target=clock, args=(stop,), name="clock", daemon=True).start()
    try:
        call_command("db_worker", queue_name="*", interval=1.0, verbosity=0, reload=False)
    finally:
        stop.set()


if __name__ == "__main__":
    main()
