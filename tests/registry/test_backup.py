"""A backup holds everything but the keys, goes only into an empty place, and is refused when a byte has changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from huqing.access import audit
from huqing.access.models import AuditEvent
from huqing.registry import backup as backups
from huqing.registry.backup import BackupError

CHECK = """
import json, django
django.setup()
from huqing.access import audit
from huqing.registry.models import Household
report = audit.verify()
print(json.dumps([report.ok, report.checked, list(Household.objects.values_list("number", flat=True))]))
"""


@pytest.fixture
def installation(transactional_db, settings, make_household):
    settings.DATA.mkdir(parents=True)
    for name, content in {
        "files/imports/1.xlsx": b"roster",
        "keys/seal.key": b"secret",
        "snapshots/500236/x/person.parquet": b"large",
    }.items():
        path = settings.DATA / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    make_household("H1", ("张三", "01"))
    audit.record(by=None, action="test", detail={})
    return settings.DATA


@pytest.fixture
def empty_place(settings, tmp_path, monkeypatch):
    """Call it to make the settings point at a new data folder and an empty database; returns the database's address."""
    made = []

    def move():
        settings.DATA = tmp_path / "new"
        name = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            monkeypatch.setitem(connection.settings_dict, "NAME", str(settings.DATA / "huqing.sqlite3"))
            return f"sqlite:///{settings.DATA / 'huqing.sqlite3'}"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}_restored")
        made.append(f"{name}_restored")
        wanted = connection.settings_dict
        monkeypatch.setitem(wanted, "NAME", made[0])
        monkeypatch.setattr(connection.introspection, "table_names", list)
        return f"postgresql://{wanted['USER']}:{wanted['PASSWORD']}@{wanted['HOST']}:{wanted['PORT']}/{made[0]}"

    yield move
    monkeypatch.undo()
    for name in made:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_restored_installation_has_its_records_files_and_an_unbroken_audit_chain(installation, empty_place, tmp_path):
    events = AuditEvent.objects.count()
    made = backups.backup(tmp_path / "backup")
    address = empty_place()
    restored = backups.restore(made)
    new = tmp_path / "new"
    assert (new / "files/imports/1.xlsx").read_bytes() == b"roster"
    assert not (new / "snapshots").exists()
    assert not (new / "keys" / "seal.key").exists()
    assert restored.with_keys is False
    environment = {**os.environ, "HUQING_DATABASE": address, "HUQING_DATA": str(new)}
    environment["DJANGO_SETTINGS_MODULE"] = "huqing.site.settings"
    finished = subprocess.run(
        [sys.executable, "-c", CHECK], env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == [True, events, ["H1"]]


def test_keys_are_in_a_backup_only_when_asked_for(installation, tmp_path):
    without = backups.backup(tmp_path / "without")
    with_keys = backups.backup(tmp_path / "with", with_keys=True)
    assert not (without / "data" / "keys").exists()
    assert (with_keys / "data" / "keys" / "seal.key").read_bytes() == b"secret"
    assert json.loads((with_keys / "manifest.json").read_text())["with_keys"] is True
    assert AuditEvent.objects.filter(action="backup").count() == 2


def test_a_changed_byte_is_noticed_and_nothing_is_restored(installation, empty_place, tmp_path):
    made = backups.backup(tmp_path / "backup")
    (made / "data/files/imports/1.xlsx").write_bytes(b"roaster")
    empty_place()
    with pytest.raises(BackupError, match=r"1\.xlsx"):
        backups.restore(made)
    assert not (tmp_path / "new" / "files").exists()


def test_a_folder_with_data_is_never_written_over(installation, tmp_path):
    made = backups.backup(tmp_path / "backup")
    with pytest.raises(BackupError, match="已有数据"):
        backups.restore(made)


def test_a_backup_goes_only_into_a_new_folder_outside_the_data(installation, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("a")
    with pytest.raises(BackupError, match="已经存在"):
        backups.backup(tmp_path / "full")
    with pytest.raises(BackupError, match="数据文件夹里面"):
        backups.backup(installation / "files" / "backup")


def test_a_folder_that_is_no_backup_is_named(installation, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BackupError, match="不是完整的备份"):
        backups.restore(tmp_path / "empty")


def test_a_failed_backup_leaves_nothing(installation, tmp_path, monkeypatch):
    def fail(path):
        raise OSError("磁盘已满")

    monkeypatch.setattr(backups, "_dump_database", fail)
    with pytest.raises(OSError, match="磁盘已满"):
        backups.backup(tmp_path / "backup")
    assert not list(tmp_path.glob("backup*"))
