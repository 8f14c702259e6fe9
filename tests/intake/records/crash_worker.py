"""What the crash tests run in a process of its own: ``python crash_worker.py COMMAND [FILE] [KILL POINT]``.

The environment names the installation. Prints one line of JSON at the end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import date
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from huqing.access.models import AuditEvent  # noqa: E402
from huqing.intake import applying, recovery, undoing  # noqa: E402
from huqing.intake.errors import IntakeError  # noqa: E402
from huqing.intake.models import Import, PriorState, RowProblem  # noqa: E402
from huqing.intake.taking import take_in  # noqa: E402
from huqing.registry import bulk  # noqa: E402
from huqing.registry.models import Household, Label, Region, Source  # noqa: E402

if "IMPATIENT" in os.environ:
    applying.LOCK_MILLISECONDS = 100
    if connection.vendor == "sqlite":
        connection.settings_dict["OPTIONS"]["timeout"] = 0.1
ON = date(2024, 6, 30)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: object, name: str, what: object, *, call: int = 1) -> None:
    """Do ``what`` at the given call of ``owner.name`` instead of letting it begin."""
    original, calls = getattr(owner, name), [0]

    def patched(*args: object, **kwargs: object) -> object:
        calls[0] += 1
        if calls[0] == call:
            what()  # type: ignore[operator]
        return original(*args, **kwargs)

    setattr(owner, name, patched)


FULL_ON_POSTGRESQL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON registry_household FOR EACH ROW EXECUTE FUNCTION full_disk()
"""


def full() -> None:
    """The disk has room for eight more pages (SQLite), or the server says there is none left (PostgreSQL)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA page_count")
            cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0] + 8}")
        else:
            cursor.execute(FULL_ON_POSTGRESQL)


def wait() -> None:
    """Tell the test that the writing has begun, and go on when it says so."""
    print("writing", flush=True)
    sys.stdin.readline()


POINTS = {
    "reading": lambda: before(applying, "load", die),
    "before the transaction": lambda: before(applying, "_write", die),
    "first rows": lambda: before(bulk.BulkWriter, "insert", die, call=3),
    "indexes": lambda: before(bulk.BulkWriter, "finish", die, call=2),
    "before the commit": lambda: before(applying.applied, "send_robust", die),
    "undo": lambda: before(undoing, "_remove_made", die),
    "full": lambda: before(bulk.BulkWriter, "insert", full, call=2),
    "wait": lambda: before(applying, "_write", wait),
}


def prepare() -> None:
    call_command("migrate", verbosity=0)
    county = Region.objects.create(code="500236000000", name="奉节县", level=3)
    town = Region.objects.create(code="500236101000", name="朱衣镇", level=4, parent=county)
    Region.objects.create(code="500236101201", name="砚瓦村", level=5, parent=town)


def report() -> dict[str, object]:
    return {
        "states": list(Import.objects.order_by("id").values_list("state", flat=True)),
        "messages": list(Import.objects.order_by("id").values_list("message", flat=True)),
        "households": Household.objects.count(),
        "labels": Label.objects.count(),
        "sources": Source.objects.count(),
        "left over": PriorState.objects.count() + RowProblem.objects.count(),
        "steps": list(AuditEvent.objects.order_by("id").values_list("subject_id", "action")),
    }


def main() -> None:
    command, *rest = sys.argv[1:]
    error = ""
    if len(rest) > 1:
        POINTS[rest[1]]()
    try:
        if command == "prepare":
            prepare()
        elif command == "take":
            take_in(Path(rest[0]), kind="household", by=None, data_date=ON, region="500236")
        elif command == "undo":
            undoing.undo_now(Import.objects.get(), by=None)
        elif command == "recover":
            recovery.recover()
        elif command == "work":
            from huqing.intake import tasks

            for intake in Import.objects.all():
                tasks.apply_import.func(intake.pk, None)
    except IntakeError as raised:
        error = str(raised)
    print(json.dumps({**report(), "error": error}))


main()
