"""What the kill tests run: ``python killed_worker.py POINT …``, every step in a process of its own.

The environment names the installation. It is screened once, its data change, and then for each point a screening is
killed there. Prints one line of JSON: what stood before, and for each point what its death left and what recovery made
of it; at last what a whole screening does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from huqing.access import audit  # noqa: E402
from huqing.access.models import AuditEvent, Role, User  # noqa: E402
from huqing.registry import bulk, snapshot  # noqa: E402
from huqing.registry.models import Household, Membership, Person, Region  # noqa: E402
from huqing.rules import engine  # noqa: E402
from huqing.screening import actions  # noqa: E402
from huqing.screening.models import Alert, Run  # noqa: E402

FIRST, SECOND = date(2026, 6, 29), date(2026, 6, 30)
POOR = {
    "wage_income": 300_000,
    "business_income": 0,
    "property_income": 0,
    "transfer_income": 100_000,
    "business_cost": 0,
    "household_type": "L06",
}
RICH = {**POOR, "wage_income": 9_000_000}
# Before which call the process dies: while the snapshot is read and written, while the rules run, while alerts change.
POINTS: dict[str, tuple[Any, str]] = {
    "snapshot begun": (snapshot, "_write_tables"),
    "snapshot not complete": (snapshot, "_write_durably"),
    "rules begun": (engine, "check_snapshot"),
    "findings not in place": (engine, "_county"),
    "no alert written": (bulk.BulkWriter, "insert"),
    "alerts written": (bulk.BulkWriter, "finish"),
    "not committed": (audit, "record"),
}


def in_a_process(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a child process; its answer, or the signal that killed it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        answer = json.dumps(work(), default=str).encode()
        connection.close()
        with os.fdopen(writing, "wb") as out:
            out.write(answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        answer = told.read()
    _, status = os.waitpid(child, 0)
    return {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else json.loads(answer)


def prepare() -> None:
    """Three households: one will no longer be poor, one will become poor, one was waived and gets poorer still."""
    call_command("migrate", verbosity=0)
    county = Region.objects.create(code="500236000000", name="奉节县", level=3)
    town = Region.objects.create(code="500236101000", name="朱衣镇", level=4, parent=county)
    village = Region.objects.create(code="500236101201", name="砚瓦村", level=5, parent=town)
    clerk = User.objects.create(username="clerk", role=Role.COUNTY, region_code="500236")
    made = [household(village, name, items) for name, items in (("张三", POOR), ("李四", RICH), ("王五", POOR))]
    screen(FIRST)
    for alert in made[2].alerts.all():
        actions.waive(alert=alert, by=clerk, reason="已入户核实无误")
    for changed, items in zip(made, (RICH, POOR, {**POOR, "wage_income": 100_000}), strict=True):
        Household.objects.filter(pk=changed.pk).update(items=items)


def household(village: Region, head: str, items: dict[str, Any]) -> Household:
    now = timezone.now()
    made = Household.objects.create(
        number=head, village=village, region_code=village.code, head_name=head, items=items, updated_at=now
    )
    person = Person.objects.create(name=head, household=made, relation="01", region_code=village.code, updated_at=now)
    Membership.objects.create(person=person, household=made, relation="01", joined_on=date(2020, 1, 1))
    return made


def screen(day: date) -> None:
    actions.run(by=None, region="500236", as_of=day, trigger=Run.Trigger.MANUAL)


def die_at(point: str) -> None:
    """Screen, and be killed before the call of ``point``."""
    owner, name = POINTS[point]

    def die(*args: object, **kwargs: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, die)
    screen(SECOND)


def recover() -> dict[str, Any]:
    """What the next start does."""
    recovered = actions.recover()
    snapshot.remove_unfinished()
    return {"recovered": recovered, **report()}


def report() -> dict[str, Any]:
    fields = ("id", "household__head_name", "finding", "state", "evidence_hash", "seen_on", "closed_on")
    results = settings.DATA / "screening"
    return {
        "alerts": list(Alert.objects.order_by("id").values_list(*fields)),
        "runs": list(Run.objects.order_by("id").values_list("state", "message")),
        "events": AuditEvent.objects.filter(action="screening_run").count(),
        "results": sorted(path.name for path in results.iterdir()),
        "unfinished": [path.name for path in (settings.DATA / "snapshots" / "500236").glob(".*")],
    }


def main() -> None:
    in_a_process(prepare)
    story: dict[str, Any] = {"before": in_a_process(report)}
    for point in sys.argv[1:]:
        story[point] = {
            "died": in_a_process(lambda point=point: die_at(point)),
            "left": in_a_process(report),
            "recovered": in_a_process(recover),
        }
    in_a_process(lambda: screen(SECOND))
    story["after"] = in_a_process(report)
    print(json.dumps(story, ensure_ascii=False))


if __name__ == "__main__":
    main()
