"""What makes one installation: its data folder, its secret key, and whether it is being developed on."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def data_folder() -> Path:
    """The folder that holds database, keys, uploads and snapshots (``HUQING_DATA``, default ``./var``)."""
    return Path(os.environ.get("HUQING_DATA", "var")).absolute()


def debug_enabled() -> bool:
    """Whether Django shows tracebacks; never on unless asked for."""
    return os.environ.get("HUQING_DEBUG", "") == "1"


def write_secret(path: Path, content: bytes) -> None:
    """Write a new secret that only its owner can read; an existing file is an error, never overwritten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def secret_key(folder: Path) -> str:
    """Django's signing key: ``HUQING_SECRET_KEY`` or the key file that ``huqing init`` made."""
    from_environment = os.environ.get("HUQING_SECRET_KEY")
    if from_environment:
        return from_environment
    path = folder / "keys" / "secret.key"
    if path.exists():
        return path.read_text(encoding="ascii").strip()
    # Before `huqing init` nothing is signed that outlives the process, so a throw-away key lets the command start.
    return secrets.token_urlsafe(48)
