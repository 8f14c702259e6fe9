"""Uploaded files: kept once by content, readable by the service only."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from huqing.access.instance import private_folder
from huqing.intake.errors import IntakeError
from huqing.intake.reading import Limits
from huqing.intake.reading.shapes import TEXTS, WORKBOOKS

BLOCK = 1 << 20


@dataclass(frozen=True)
class Stored:
    """Where a file was put (relative to the folder of imports), its SHA-256 and its size in bytes."""

    path: str
    hash: str
    size: int


def folder() -> Path:
    """The folder of uploaded files."""
    return private_folder(Path(settings.DATA) / "files" / "imports")


def path_of(stored_as: str) -> Path:
    """The full path of a stored file."""
    return folder() / stored_as


def store(content: BinaryIO, name: str) -> Stored:
    """Keep the content of an upload under its hash.

    Raises ``IntakeError`` for a wrong type, an empty or too large file, a full disk.
    """
    ending = Path(name).suffix.lower()
    if ending not in (*WORKBOOKS, *TEXTS):
        raise IntakeError(f"{name}：不支持 {ending or '没有扩展名的'} 文件。请另存为 xlsx 或 csv 再上传。")
    limit = Limits().file_bytes
    digest, size = hashlib.sha256(), 0
    root = folder()
    try:
        with tempfile.NamedTemporaryFile(dir=root, prefix=".upload-", delete=False) as target:
            try:
                for block in _blocks(content):
                    size += len(block)
                    if size > limit:
                        raise IntakeError(f"{name}：文件超过 {limit >> 20} MB。请按乡镇拆成几个文件再上传。")
                    digest.update(block)
                    target.write(block)
                if not size:
                    raise IntakeError(f"{name}：文件是空的。请检查后重新上传。")
                target.flush()
                os.fsync(target.fileno())
                stored = Stored(f"{digest.hexdigest()}{ending}", digest.hexdigest(), size)
                os.replace(target.name, root / stored.path)
            except BaseException:
                Path(target.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise IntakeError(f"{name}：磁盘空间不足，文件没有存下来。请清理磁盘后重新上传。") from error
        raise
    return stored


def _blocks(content: BinaryIO) -> Iterator[bytes]:
    while block := content.read(BLOCK):
        yield block


def remove(stored_as: str) -> None:
    """Delete a stored file that no import refers to any more."""
    path_of(stored_as).unlink(missing_ok=True)
