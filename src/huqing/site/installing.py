"""Making an installation: folders, keys, database, static files."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from huqing.access.instance import seal_key_path
from huqing.access.models import AuditEvent
from huqing.access.seal import create_key_file
from huqing.registry.models import Household
from huqing.site.instance import data_folder, write_secret

SUBFOLDERS = ("keys", "files", "snapshots", "screening", "locks")


class KeyMissing(Exception):
    """The database holds data, but the key they were sealed with is not there."""


class ForeignDatabase(Exception):
    """The database belongs to another program."""


def install() -> tuple[Path, bool]:
    """Create what is missing and bring the database up to date; return the data folder and whether it is new.

    Keys are never overwritten, and never made anew for data that are sealed with a lost one. Raises KeyMissing and
    ForeignDatabase; errors of the operating system and the database are the caller's to explain.
    """
    folder = data_folder()
    for name in SUBFOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    refuse_foreign()
    if not key_present():
        refuse_new_key()
    created = False
    secret = folder / "keys" / "secret.key"
    if not secret.exists():
        write_secret(secret, secrets.token_urlsafe(48).encode("ascii"))
        created = True
    if not key_present():
        create_key_file(seal_key_path(folder))
        created = True
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    return folder, created


def key_present() -> bool:
    """Whether there is a seal key, in the environment or as a file."""
    return bool(os.environ.get("HUQING_SEAL_KEY", "").strip()) or seal_key_path().exists()


def refuse_new_key() -> None:
    """Raise KeyMissing when the database already holds data: a new key could not open what the lost one sealed."""
    if holds_data():
        raise KeyMissing(
            f"{seal_key_path()} 不在了，而数据库里已有数据。请把另外保管的 keys 文件夹放回去"
            "（或设置 HUQING_SEAL_KEY），不要另造密钥：新密钥打不开已密封的号码。"
        )


def holds_data() -> bool:
    """Whether the database holds an audit log or households."""
    tables = _tables()
    models = (AuditEvent, Household)
    return any(model._meta.db_table in tables and model._default_manager.exists() for model in models)


def refuse_foreign() -> None:
    """Raise ForeignDatabase when the database holds tables that Huqing did not make."""
    tables = _tables()
    if not tables:
        return
    recorded = set()
    if "django_migrations" in tables:
        recorded = {app for app, _ in MigrationRecorder(connection).applied_migrations()}
    ours = {config.label for config in apps.get_app_configs()}
    if not recorded or ("registry" not in recorded and recorded - ours):
        raise ForeignDatabase(
            f"数据库 {connection.settings_dict['NAME']} 里是别的程序的表（如 {tables[0]}），户情不会动它。"
            "请把 HUQING_DATABASE 设为一个空的数据库。"
        )


def _tables() -> list[str]:
    """The tables of the database; a SQLite file that does not exist has none and is not made by looking."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite" and not Path(name).exists():
        return []
    return sorted(connection.introspection.table_names())
