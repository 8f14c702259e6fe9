"""Start-up checks: is the data folder closed to others, is the key there and readable by its owner only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from huqing.access.instance import seal_key_path


def loose(folder: Path) -> list[str]:
    """The paths of the data folder that others than the owner may enter or read."""
    paths = [folder, folder / "keys", seal_key_path(folder), folder / "keys" / "secret.key"]
    return [str(path) for path in paths if path.exists() and path.stat().st_mode & 0o077]


@register
def data_folder_is_private(**_: Any) -> list[CheckMessage]:
    """A warning for every path others can get at."""
    return [
        Warning(f"{path} 对其他用户开放。", hint=f"请运行 chmod go-rwx {path}", id="access.W001")
        for path in loose(settings.DATA)
    ]
