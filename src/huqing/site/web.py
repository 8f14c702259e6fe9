"""What gunicorn's worker processes do at their beginning and end (``--config python:huqing.site.web``)."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from typing import Any

from gunicorn.glogging import Logger

from huqing.access.logs import HideNumbers

# prctl(2): the signal a child gets when its parent dies.
_PARENT_DEATH_SIGNAL = 1


class SievedLogger(Logger):
    """gunicorn's own logs, access log included, without numbers of people and without phones' tokens."""

    def setup(self, cfg: Any) -> None:
        """As gunicorn sets them up, each line sieved."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.addFilter(HideNumbers())


logger_class = SievedLogger


def end_with_parent() -> None:
    """Let this process be ended when its parent is gone, however that ended; it calls nothing but the system."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def post_fork(server: Any, worker: Any) -> None:
    """Leave no worker behind on the port when its master is killed."""
    end_with_parent()


def worker_exit(server: Any, worker: Any) -> None:
    """End at once: DuckDB waits at exit for threads that stayed with the master when this process was forked."""
    logging.shutdown()
    os._exit(0)
