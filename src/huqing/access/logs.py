"""Keeps people's numbers and phones' secret addresses out of the logs; ``errors`` does it for error reports."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied

from huqing.access.keys import hide_keys
from huqing.access.numbers import hide_numbers

_TRACEBACKS = logging.Formatter()


def sieved(text: str) -> str:
    """The text without numbers of people and without phones' tokens."""
    return hide_keys(hide_numbers(text))


class HideNumbers(logging.Filter):
    """Rewrites every record before a handler sees it: message, traceback and stack."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, without its numbers and tokens."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = f"{record.msg} {record.args}"
        record.msg = sieved(message)
        record.args = ()
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            # A refusal is an answer, not a fault: one line, with the reason.
            record.msg = sieved(f"{record.msg}: {record.exc_info[1]}")
            record.exc_info = record.exc_text = None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = sieved(record.exc_text or _TRACEBACKS.formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = sieved(record.stack_info)
        return True


def hide_numbers_of_failures(instance: Any, **_: Any) -> None:
    """Sieve what the task queue keeps of a failed task: its traceback may quote a value."""
    instance.traceback = sieved(instance.traceback)


def configuration(*, debug: bool) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error, every line sieved."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"hide_numbers": {"()": "huqing.access.logs.HideNumbers"}},
        "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["hide_numbers"]}},
        "root": {"handlers": ["console"], "level": "INFO" if debug else "WARNING"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
            "huqing": {"handlers": [], "level": "INFO", "propagate": True},
        },
    }
