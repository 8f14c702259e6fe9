"""What makes one installation: its data folder, the secrets in it, and whether it is a demonstration."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
DEMO_MARK = "demo.instance"


def data_folder() -> Path:
    """The folder that holds database, keys, uploads and snapshots (``HUQING_DATA``, default ``./var``)."""
    return Path(os.environ.get("HUQING_DATA", "var")).absolute()


def private_folder(path: Path) -> Path:
    """Make ``path`` if need be and let only its owner in (0700); returns it."""
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o777 != PRIVATE_FOLDER:
        path.chmod(PRIVATE_FOLDER)
    return path


def write_secret(path: Path, content: bytes) -> None:
    """Write a new secret that only its owner can read; an existing file is an error, never overwritten."""
    private_folder(path.parent)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def seal_key_path(folder: Path | None = None) -> Path:
    """Where the key of the sealed fields lies."""
    return (folder or data_folder()) / "keys" / "seal.key"


def mark_demo(folder: Path | None = None, *, day: dt.date | None = None) -> None:
    """Say that this data folder holds a demonstration; only the demo command calls this, on a folder it has made.

    ``day`` is the demonstration's today: its county stands still, or all its visits would grow old with the calendar.
    """
    path = private_folder(folder or data_folder()) / DEMO_MARK
    text = "此目录为演示数据，不得用于正式工作。\n" + (f"{day.isoformat()}\n" if day else "")
    path.write_text(text, encoding="utf-8")


def working_day(today: dt.date, folder: Path | None = None) -> dt.date:
    """The day the rules are run for: ``today``, or the day on which a demonstration stands still."""
    mark = (folder or data_folder()) / DEMO_MARK
    lines = mark.read_text(encoding="utf-8").split("\n") if mark.exists() else []
    return dt.date.fromisoformat(lines[1]) if len(lines) > 1 and lines[1] else today


def is_demo(folder: Path | None = None) -> bool:
    """Whether this data folder holds a demonstration: second factors are then offered, not demanded."""
    return ((folder or data_folder()) / DEMO_MARK).exists()
