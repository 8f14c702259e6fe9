"""Several processes writing the log at once: no fork, no loss, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.db import connection

WRITERS = 4
EACH = 15

MIGRATE = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", "access", verbosity=0)
"""
WRITE = f"""
import sys
import django
django.setup()
from django.db import transaction
from huqing.access.audit import record
for n in range({EACH}):
    with transaction.atomic():
        record(by=None, action=f"writer-{{sys.argv[1]}}", detail={{"n": n}})
"""
VERIFY = """
import django
django.setup()
from huqing.access.audit import verify
report = verify()
print(report.checked, report.ok)
"""


def environment(database: str) -> dict[str, str]:
    return {**os.environ, "HUQING_DATABASE": database, "DJANGO_SETTINGS_MODULE": "huqing.site.settings_test"}


def python(code: str, database: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment(database), stdout=subprocess.PIPE, text=True
    )


@pytest.mark.django_db(transaction=True)
def test_processes_writing_at_once_keep_one_chain(tmp_path):
    """On the database the tests run on; a file of its own with SQLite, whose test database lives in one process."""
    if connection.vendor == "postgresql":
        database = url_of_the_test_database()
    else:
        database = f"sqlite:///{tmp_path / 'audit.sqlite3'}"
        assert finished(python(MIGRATE, database)) == ""
    writers = [python(WRITE, database, str(n)) for n in range(WRITERS)]
    assert [finished(writer) for writer in writers] == [""] * WRITERS
    assert finished(python(VERIFY, database)).split() == [str(WRITERS * EACH), "True"]


def finished(process: subprocess.Popen[str]) -> str:
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return printed


def url_of_the_test_database() -> str:
    of = connection.settings_dict
    user, password, host = (quote(str(of[part]), safe="") for part in ("USER", "PASSWORD", "HOST"))
    return f"postgresql://{user}:{password}@{host}:{of['PORT']}/{of['NAME']}"
