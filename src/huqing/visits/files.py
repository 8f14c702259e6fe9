"""Where the bytes of attachments lie: once each, under their SHA-256, in ``DATA/files/visits``.

A file is written beside its place, brought to the disk and then named, so a name always stands for the whole content,
whatever is killed when. The database says afterwards whose it is; what no record names is swept away a day later.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.conf import settings

from huqing.access.instance import private_folder

INCOMING = "incoming"
THUMBNAILS = "thumbnails"
SWEPT_AFTER = 24 * 3600  # seconds
_NAME = re.compile(r"[0-9a-f]{62}(\.jpg)?")


@dataclass
class Arrival:
    """A file as it comes in: bytes go to the disk and into its digest; nothing of it is kept until it is stored."""

    name: str
    size: int = 0
    path: Path = field(init=False)
    _digest: hashlib._Hash = field(init=False, repr=False, default_factory=hashlib.sha256)
    _file: IO[bytes] | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        self.path = private_folder(folder() / INCOMING) / uuid.uuid4().hex
        self._file = self.path.open("xb")

    @property
    def sha256(self) -> str:
        """The digest of what has come so far."""
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add bytes; OSError when the disk is full."""
        assert self._file is not None  # noqa: S101  nobody writes to what is finished
        self._file.write(chunk)
        self._digest.update(chunk)
        self.size += len(chunk)

    def finish(self) -> Arrival:
        """No more bytes come; OSError when the last ones do not fit on the disk."""
        if self._file is not None:
            self._file.close()
            self._file = None
        return self

    def discard(self) -> None:
        """Forget it; what was stored stays."""
        try:
            self.finish()
        finally:
            self.path.unlink(missing_ok=True)


def folder() -> Path:
    """The folder of all attachments."""
    return Path(settings.DATA) / "files" / "visits"


def place(sha256: str) -> Path:
    """Where the file of this digest lies."""
    return folder() / sha256[:2] / sha256[2:]


def thumbnail_place(sha256: str) -> Path:
    """Where the small picture of the file of this digest lies once it was asked for."""
    return folder() / THUMBNAILS / sha256[:2] / f"{sha256[2:]}.jpg"


def keep(arrival: Arrival) -> str:
    """Store a file as it came; returns its digest."""
    target = place(arrival.sha256)
    if not _present(target):
        with arrival.path.open("rb") as file:
            os.fsync(file.fileno())
        private_folder(target.parent)
        # A link, not a move: the arrival is discarded by whoever made it, stored or not.
        with contextlib.suppress(FileExistsError):
            os.link(arrival.path, target)
    return arrival.sha256


def keep_bytes(content: bytes) -> str:
    """Store these bytes; returns their digest."""
    digest = hashlib.sha256(content).hexdigest()
    if not _present(place(digest)):
        put(place(digest), content)
    return digest


def put(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = private_folder(folder() / INCOMING) / uuid.uuid4().hex
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        private_folder(target.parent)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def sweep(named: Callable[[list[str]], set[str]], *, now: float | None = None) -> int:
    """Remove files of interrupted requests and files no record names; returns how many.

    ``named`` tells which of some digests a record names. Nothing younger than a day is touched: its record may be on
    the way.
    """
    before = (now or time.time()) - SWEPT_AFTER
    removed = 0
    for path in _older(folder() / INCOMING, before):
        path.unlink(missing_ok=True)
        removed += 1
    for above in sorted(folder().glob("[0-9a-f][0-9a-f]")):
        old = {above.name + path.name: path for path in _older(above, before) if _NAME.fullmatch(path.name)}
        unnamed = set(old) - named(list(old)) if old else set()
        for digest in unnamed:
            # Somebody may have sent the same file again a moment ago.
            if _age_before(old[digest], before):
                old[digest].unlink(missing_ok=True)
                thumbnail_place(digest).unlink(missing_ok=True)
                removed += 1
    return removed


def _present(target: Path) -> bool:
    """Whether the file is there; it then counts as new, so that a sweep under way leaves it alone."""
    try:
        os.utime(target)
    except FileNotFoundError:
        return False
    return True


def _older(above: Path, before: float) -> Iterator[Path]:
    for path in above.iterdir() if above.is_dir() else ():
        if path.is_file() and _age_before(path, before):
            yield path


def _age_before(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False
