"""The county's calendar of working days, and the day the office works on."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from pathlib import Path

import yaml
from django.conf import settings
from django.utils import timezone

from huqing.access.instance import working_day
from huqing.standards.workdays import Workdays

FILE = "workdays.yaml"


class CalendarError(ValueError):
    """The county's own days cannot be read; the message says what to write."""


def today() -> dt.date:
    """The day of the office; a demo stands still on its own."""
    return working_day(timezone.localdate())


def workdays() -> Workdays:
    """The calendar with the county's own days from ``workdays.yaml`` in the data folder: lists ``off`` and ``on``."""
    file = Path(settings.DATA) / FILE
    return _read(file, file.stat().st_mtime_ns) if file.exists() else Workdays()


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int) -> Workdays:
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        # YAML reads the bare words off and on as false and true.
        days = {name: frozenset(told.get(name) or told.get(name == "on") or ()) for name in ("off", "on")}
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise CalendarError(f"{FILE} 读不出来。请写成 off: [2026-03-03] 和 on: [2026-03-07] 两列日期。") from error
    wrong = [day for listed in days.values() for day in listed if not isinstance(day, dt.date)]
    if wrong or days["off"] & days["on"]:
        told_day = wrong[0] if wrong else min(days["off"] & days["on"])
        raise CalendarError(f"{FILE} 里的 {told_day} 不是日期，或同时写在 off 和 on 里。请改正。")
    return Workdays(days["off"], days["on"])
