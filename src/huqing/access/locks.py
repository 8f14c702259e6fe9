"""Locks between processes: two screenings or two imports at once wait for each other."""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from huqing.access.instance import private_folder


class Busy(RuntimeError):
    """Somebody else holds the lock and the caller did not want to wait."""


@contextmanager
def exclusive(name: str, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock ``name`` for the block; it is released when the process dies, however it dies.

    On PostgreSQL it is an advisory lock, so it holds between machines; with SQLite all processes share the data folder
    and a locked file does. Without ``wait`` a held lock raises :class:`Busy`.
    """
    if connection.vendor == "postgresql":
        key = zlib.crc32(f"huqing:{name}".encode())
        with connection.cursor() as cursor:
            if wait:
                cursor.execute("SELECT pg_advisory_lock(%s)", [key])
            else:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
                if not cursor.fetchone()[0]:
                    raise Busy(name)
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
        return
    path = private_folder(settings.DATA / "locks") / f"{name}.lock"
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(name) from error
        yield
