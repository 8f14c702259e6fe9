"""Making an installation: folders, keys, database, static files."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.core.management import call_command

from huqing.access.seal import create_key_file
from huqing.site.instance import data_folder, write_secret

SUBFOLDERS = ("keys", "files", "snapshots", "screening", "locks")


def install() -> tuple[Path, bool]:
    """Create what is missing and bring the database up to date; return the data folder and whether it is new.

    Keys are never overwritten. Errors of the operating system and the database are the caller's to explain.
    """
    folder = data_folder()
    for name in SUBFOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    created = False
    secret = folder / "keys" / "secret.key"
    if not secret.exists():
        write_secret(secret, secrets.token_urlsafe(48).encode("ascii"))
        created = True
    seal_key = folder / "keys" / "seal.key"
    if not seal_key.exists():
        create_key_file(seal_key)
        created = True
    call_command("migrate", verbosity=0, interactive=False)
    return folder, created
