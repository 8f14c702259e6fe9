"""Several processes writing the log at once: no fork, no loss, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import quote

import pytest
from django.db import connection

from huqing.access.audit import verify
from huqing.access.models import AuditEvent

WRITERS = 4
EACH = 15

SETUP = "import django; django.setup(); from django.core.management import call_command\n"
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


def write_together(database: str) -> None:
    writers = [python(WRITE, database, str(n)) for n in range(WRITERS)]
    assert [writer.wait(timeout=120) for writer in writers] == [0] * WRITERS
    for writer in writers:
        writer.stdout.close()


def test_processes_on_one_sqlite_file_keep_one_chain(tmp_path):
    database = f"sqlite:///{tmp_path / 'audit.sqlite3'}"
    migrate = python(f"{SETUP}call_command('migrate', 'access', verbosity=0)", database)
    assert migrate.wait(timeout=120) == 0
    migrate.stdout.close()
    write_together(database)
    check = python(VERIFY, database)
    assert check.communicate(timeout=120)[0].split() == [str(WRITERS * EACH), "True"]


@pytest.mark.django_db(transaction=True)
def test_processes_on_one_postgresql_database_keep_one_chain():
    if connection.vendor != "postgresql":
        pytest.skip("needs HUQING_DATABASE=postgresql://…")
    of = connection.settings_dict
    write_together(
        f"postgresql://{quote(of['USER'])}:{quote(of['PASSWORD'], safe='')}@"
        f"{quote(of['HOST'], safe='')}:{of['PORT']}/{of['NAME']}"
    )
    assert AuditEvent.objects.count() == WRITERS * EACH
    report = verify()
    assert report.ok, str(report)
