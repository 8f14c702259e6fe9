"""What makes one installation: its data folder, its secret key, and whether it is being developed on."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from huqing.access.instance import data_folder, is_demo, write_secret

__all__ = ["data_folder", "debug_enabled", "is_demo", "secret_key", "write_secret"]


def debug_enabled() -> bool:
    """Whether Django shows tracebacks; never on unless asked for."""
    return os.environ.get("HUQING_DEBUG", "") == "1"


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
