"""An uploaded form between its check and its publication: kept for a day, readable only for who uploaded it."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from huqing.access.instance import private_folder

if TYPE_CHECKING:
    from huqing.access.models import User

KEPT_SECONDS = 24 * 3600
_KEY = re.compile(r"[0-9a-f]{32}")
_ABOUT = "about.json"


@dataclass(frozen=True)
class Draft:
    """A form's file with the pictures and lists that belong to it."""

    name: str
    content: bytes
    media: Mapping[str, bytes]
    visit_kind: str = ""


def keep(user: User, draft: Draft) -> str:
    """Store a draft and forget those older than a day; returns the key to find it with."""
    root = _root()
    for folder in root.iterdir():
        if time.time() - folder.stat().st_mtime > KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    key = secrets.token_hex(16)
    folder = _folder(user, key)
    folder.mkdir(mode=0o700)
    names = list(draft.media)
    (folder / "form").write_bytes(draft.content)
    for number, name in enumerate(names):
        (folder / f"media-{number}").write_bytes(draft.media[name])
    about = {"name": draft.name, "media": names, "visit_kind": draft.visit_kind}
    (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    return key


def find(user: User, key: str) -> Draft | None:
    """The draft a user kept under a key; None if there is none (any more)."""
    if not _KEY.fullmatch(key):
        return None
    folder = _folder(user, key)
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        media = {name: (folder / f"media-{number}").read_bytes() for number, name in enumerate(about["media"])}
        return Draft(about["name"], (folder / "form").read_bytes(), media, about["visit_kind"])
    except FileNotFoundError:
        return None


def drop(user: User, key: str) -> None:
    """Forget a draft."""
    if _KEY.fullmatch(key):
        shutil.rmtree(_folder(user, key), ignore_errors=True)


def _root() -> Path:
    return private_folder(Path(settings.DATA) / "files" / "form-drafts")


def _folder(user: User, key: str) -> Path:
    return _root() / f"{user.pk}-{key}"
