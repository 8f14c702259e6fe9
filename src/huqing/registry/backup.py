"""Backup and restore of a whole installation: database, files, and if asked for the keys.

A backup is a folder: ``database.sqlite3`` or ``database.dump``, the files of the data folder under ``data/``, and a
``manifest.json`` with the size and SHA-256 of each. Snapshots, static files and locks are left out: they are made anew.
Without the keys a stolen backup reveals no ID number, phone or account; but nobody can read those without the keys, so
they must be kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

import huqing
from huqing.access import audit
from huqing.access.instance import private_folder
from huqing.access.models import AuditEvent, User

Progress = Callable[[str, float], None]

MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"
RESTORING = ".restoring"
DATABASE = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
LEFT_OUT = frozenset({"snapshots", "static", "locks", "keys"})
FORMAT = 1


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Restored:
    """What was restored; without keys the sealed fields stay closed until the old key file is put back."""

    made_at: str
    files: int
    with_keys: bool


def backup(target: Path, *, with_keys: bool = False, by: User | None = None, progress: Progress | None = None) -> Path:
    """Write a backup of the running installation into the new folder ``target``; nobody needs to stop working.

    The database is one consistent state. The folder appears only when it is complete. Keys are included only on
    request, because a backup with keys opens everything.
    """
    report = progress or (lambda message, fraction: None)
    target = Path(target).absolute()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} 已经存在。请写一个新文件夹的名字。")
    if target.is_relative_to(Path(settings.DATA).absolute()):
        raise BackupError(f"{target} 在数据文件夹里面，和数据会一起丢失。请备份到别处，最好是另一块磁盘。")
    work = target.with_name(target.name + UNFINISHED)
    shutil.rmtree(work, ignore_errors=True)
    work.parent.mkdir(parents=True, exist_ok=True)
    private_folder(work)
    try:
        report("备份数据库", 0.05)
        _dump_database(work / DATABASE[connection.vendor])
        report("备份文件", 0.6)
        for path in _data_files(with_keys):
            copy = work / "data" / path.relative_to(settings.DATA)
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(path, copy)
        report("核对摘要", 0.85)
        manifest = _manifest(work, with_keys)
        (work / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        if target.exists():
            target.rmdir()
        work.rename(target)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    audit.record(by=by, action="backup", detail={"files": len(manifest["files"]), "with_keys": with_keys})
    report("备份完成", 1.0)
    return target


def restore(source: Path, *, progress: Progress | None = None) -> Restored:
    """Put a backup into an empty data folder and an empty database, after every file has matched its digest.

    Keys that are already in place stay; a backup that brings other keys is refused. The audit chain is part of the
    database and verifies as before.
    """
    report = progress or (lambda message, fraction: None)
    source = Path(source).absolute()
    manifest = _read_manifest(source)
    data = Path(settings.DATA)
    _refuse_unless_empty(data, manifest)
    report("核对备份", 0.05)
    _verify(source, manifest)
    work = private_folder(data) / RESTORING
    shutil.rmtree(work, ignore_errors=True)
    try:
        report("恢复文件", 0.4)
        if (source / "data").is_dir():
            shutil.copytree(source / "data", work)
        for path in sorted(work.rglob("*")):
            place = data / path.relative_to(work)
            if path.is_dir():
                private_folder(place)
            elif not place.exists():
                path.rename(place)
        # Last, so that a killed restore leaves no database that looks whole beside files that are not.
        report("恢复数据库", 0.6)
        _load_database(source / DATABASE[manifest["database"]])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    report("恢复完成", 1.0)
    return Restored(manifest["made_at"], len(manifest["files"]), manifest["with_keys"])


def _data_files(with_keys: bool) -> Iterator[Path]:
    data = Path(settings.DATA)
    for path in sorted(data.rglob("*")) if data.exists() else []:
        top = path.relative_to(data).parts[0]
        if not path.is_file() or path.is_symlink() or (top in LEFT_OUT and not (top == "keys" and with_keys)):
            continue
        if not (top.startswith(".") or path.name.startswith(_database_name())):
            yield path


def _database_name() -> str:
    return Path(str(connection.settings_dict["NAME"])).name if connection.vendor == "sqlite" else "\0"


def _manifest(work: Path, with_keys: bool) -> dict[str, Any]:
    last = AuditEvent.objects.order_by("-pk").first()
    files = {
        str(path.relative_to(work)): {"size": path.stat().st_size, "sha256": _digest(path)}
        for path in sorted(work.rglob("*"))
        if path.is_file()
    }
    return {
        "format": FORMAT,
        "product": huqing.__version__,
        "made_at": timezone.now().isoformat(timespec="seconds"),
        "database": connection.vendor,
        "with_keys": with_keys,
        "audit": {"last": last.pk, "hash": last.hash} if last else None,
        "files": files,
    }


def _read_manifest(source: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((source / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BackupError(f"{source} 不是完整的备份：没有可读的 {MANIFEST}。请指向备份文件夹。") from None
    if manifest.get("format") != FORMAT:
        raise BackupError("这个备份由另一版本的户情制作。请用制作它的版本恢复，再升级。")
    if manifest["database"] != connection.vendor:
        raise BackupError(
            f"备份来自 {manifest['database']}，当前的是 {connection.vendor}。请把 HUQING_DATABASE 设为同一种数据库。"
        )
    return manifest


def _refuse_unless_empty(data: Path, manifest: dict[str, Any]) -> None:
    skipped = LEFT_OUT | {RESTORING}
    held = [path for path in data.rglob("*") if path.is_file() and path.relative_to(data).parts[0] not in skipped]
    if held:
        raise BackupError(
            f"{data} 里已有数据（如 {held[0].name}）。恢复只写入空的数据文件夹，请把 HUQING_DATA 设为新文件夹；"
            "若是上次没做完的恢复留下的，请先清空它。"
        )
    if connection.vendor == "sqlite":
        if Path(str(connection.settings_dict["NAME"])).exists():
            raise BackupError(f"数据库 {connection.settings_dict['NAME']} 已存在。恢复只写入空的位置。")
    elif connection.introspection.table_names():
        raise BackupError("数据库里已有表。恢复只写入空的数据库，请新建一个。")
    for name, entry in manifest["files"].items():
        key = data / Path(name).relative_to("data") if name.startswith("data/keys/") else None
        if key is not None and key.exists() and _digest(key) != entry["sha256"]:
            raise BackupError(
                f"数据文件夹里的密钥 {key.name} 与备份中的不同。请确认用哪一把；错误的密钥打不开已密封的内容。"
            )


def _verify(source: Path, manifest: dict[str, Any]) -> None:
    for name, entry in manifest["files"].items():
        path = source / name
        if not path.resolve().is_relative_to(source.resolve()):
            raise BackupError(f"备份清单中的 {name} 指向备份之外。这个备份不可信，没有恢复。")
        if not path.is_file() or path.stat().st_size != entry["size"] or _digest(path) != entry["sha256"]:
            raise BackupError(f"备份中的 {name} 缺失或已改动，与清单对不上，没有恢复。请换一个备份。")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _dump_database(path: Path) -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        source: Any = connection.connection
        copy = sqlite3.connect(path)
        try:
            source.backup(copy)
            # The copy must be complete in one file.
            copy.execute("PRAGMA journal_mode = DELETE")
        finally:
            copy.close()
        path.chmod(0o600)
        return
    _postgresql_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")
    path.chmod(0o600)


def _load_database(path: Path) -> None:
    if connection.vendor == "sqlite":
        place = Path(str(connection.settings_dict["NAME"]))
        private_folder(place.parent)
        unfinished = place.with_name(place.name + RESTORING)
        shutil.copyfile(path, unfinished)
        unfinished.chmod(0o600)
        unfinished.rename(place)
        return
    _postgresql_tool("pg_restore", "--single-transaction", "--no-owner", "--no-privileges", "--dbname", "", str(path))


def _postgresql_tool(tool: str, *arguments: str) -> None:
    program = shutil.which(tool)
    if program is None:
        raise BackupError(f"找不到 {tool}。请安装与数据库同版本的 PostgreSQL 客户端程序（postgresql-client）。")
    wanted = connection.settings_dict
    environment = dict(os.environ)
    for variable, key in (
        ("PGHOST", "HOST"), ("PGPORT", "PORT"), ("PGUSER", "USER"), ("PGPASSWORD", "PASSWORD"), ("PGDATABASE", "NAME"),
    ):  # fmt: skip
        if wanted[key]:
            environment[variable] = str(wanted[key])
    ready = [str(wanted["NAME"]) if argument == "" else argument for argument in arguments]
    finished = subprocess.run([program, *ready], env=environment, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        reason = (finished.stderr.strip().splitlines() or ["没有说明原因"])[-1]
        raise BackupError(f"{tool} 没有成功：{reason}")


audit.name_actions({"backup": "备份"})
