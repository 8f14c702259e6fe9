"""The calendar of visits and the phone's packet on a full-size county: ``python bench/bench_visits.py`` after bench_county.py.

Puts the three shipped methods to use, works out every visit that is due from nothing, again without a change and again
after changes, and makes the packet of a phone with 300 households: whole, unchanged, and with one household changed.
``HUQING_DATA`` and ``HUQING_DATABASE`` choose another demonstration; its visits are worked out anew.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "bench"))
os.environ.setdefault("HUQING_DATA", str(ROOT / "build" / "bench" / "county"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
HOUSEHOLDS = 300
CHANGED = 2000
FULL_SIZE = 300_000
ROLES = ("helper", "family_doctor", "agronomist", "paired_teacher")
LIMIT_SECONDS, LIMIT_BYTES, LIMIT_REFRESH = 1.0, 2_000_000, 180.0


def main() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from huqing.registry.models import Household
    from huqing.site import demonstration
    from huqing.visits.models import Confirmation, Method, VisitTask
    from machine import peak_memory, row, save

    call_command("migrate", verbosity=0)
    if not Method.objects.filter(active=True).exists():
        demonstration.install_methods()
    # Not through the ORM, which would gather every row first: its memory is not the product's.
    with connection.cursor() as cursor:
        for model in (Confirmation, VisitTask):
            cursor.execute(f"DELETE FROM {model._meta.db_table}")
    total = Household.objects.filter(status="active").count()
    results = refreshes(row)
    results.append(row("peak memory of the process that refreshes", peak_memory(), "GiB"))
    results += packets(row)
    results += reports(row)
    size = "" if total >= FULL_SIZE else f"_{total}"
    title = f"Visits that are due and a phone's packet, {total:,} households ({connection.vendor})"
    save(f"visits_{connection.vendor}{size}", title, results)


def timed(work: Any) -> tuple[float, Any]:
    """Seconds and the answer."""
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def refreshes(row: Any) -> list[dict[str, Any]]:
    from huqing.registry.models import Household
    from huqing.visits.models import VisitTask
    from huqing.visits.tasks import refresh

    first, counts = timed(lambda: refresh("500236"))
    again, same = timed(lambda: refresh("500236"))
    # Deadlines somebody has tampered with, and tasks that are gone: as many differences as a day's visits make.
    chosen = list(VisitTask.objects.order_by("pk").values_list("pk", flat=True)[: 2 * CHANGED])
    VisitTask.objects.filter(pk__in=chosen[:CHANGED]).update(last_on=date(2020, 1, 1))
    VisitTask.objects.filter(pk__in=chosen[CHANGED:]).delete()
    changes, changed = timed(lambda: refresh("500236"))
    village = Household.objects.values_list("region_code", flat=True).first()
    alone, _ = timed(lambda: refresh(village))
    if (same.begun, same.changed, same.ended) != (0, 0, 0) or changed.begun + changed.changed != 2 * CHANGED:
        raise SystemExit(f"not idempotent: {same}, {changed}")
    return [
        row("visits due, all three methods", counts.due, "visits"),
        row("all visits worked out from nothing", first, "s", LIMIT_REFRESH),
        row("again, nothing to change", again, "s", LIMIT_REFRESH),
        row(f"again, {2 * CHANGED:,} to change", changes, "s", LIMIT_REFRESH),
        row("one village", alone, "s"),
    ]


def packets(row: Any) -> list[dict[str, Any]]:
    from huqing.registry.models import Household
    from huqing.visits.packet import encoded, packet_for
    from machine import median_seconds

    user = visitor()
    packet_for(user)
    whole = median_seconds(lambda: encoded(packet_for(user)), 5)
    packet = packet_for(user)
    if len(packet["households"]) != HOUSEHOLDS:
        raise SystemExit(f"{len(packet['households'])} households in the packet")
    nothing = median_seconds(lambda: encoded(packet_for(user, packet["cursor"])), 5)
    unchanged = packet_for(user, packet["cursor"])
    one = Household.objects.get(pk=packet["households"][0]["id"])
    one.address += "（改）"
    one.save(update_fields=["address"])
    more = packet_for(user, packet["cursor"])
    one.address = one.address.removesuffix("（改）")
    one.save(update_fields=["address"])
    tasks = sum(len(household["tasks"]) for household in packet["households"])
    return [
        row(f"packet of {HOUSEHOLDS} households with {tasks} visits due", whole, "s", LIMIT_SECONDS),
        row("  bytes", len(encoded(packet)), "bytes", LIMIT_BYTES),
        row("  length of its cursor", len(packet["cursor"]), "characters", 3000),
        row("packet when nothing has changed", nothing, "s", LIMIT_SECONDS),
        row("  bytes", len(encoded(unchanged)), "bytes"),
        row("packet when one household has changed, bytes", len(encoded(more)), "bytes"),
    ]


def visitor() -> Any:
    """An account that answers in four roles for 300 households of the largest villages."""
    from django.contrib.auth.hashers import make_password

    from huqing.access.models import Role, User
    from huqing.registry.models import Household
    from huqing.teams.models import Responsibility, Staff

    user, _ = User.objects.get_or_create(
        username="bench300",
        defaults={
            "display_name": "测算",
            "role": Role.VISITOR,
            "region_code": "500236",
            "password": make_password(None),
        },
    )
    staff, _ = Staff.objects.get_or_create(
        user=user, defaults={"name": "测算", "kind": "1", "region_code": "500236000000"}
    )
    if not staff.responsibilities.exists():
        rows = Household.objects.filter(status="active", labels__kind="tuopin").order_by("region_code", "pk").distinct()
        Responsibility.objects.bulk_create(
            Responsibility(
                staff=staff,
                role=role,
                household=household,
                person=person,
                region_code=household.region_code,
                since=date(2020, 1, 1),
            )
            for household in rows[:HOUSEHOLDS]
            for role in ROLES
            for person in ([None] if role in ("helper", "agronomist") else household.members.all())
        )
    return user


def reports(row: Any) -> list[dict[str, Any]]:
    from huqing.access.models import User
    from huqing.visits.calendar import cadence, due_for
    from machine import median_seconds

    county, _ = User.objects.get_or_create(
        username="xian", defaults={"display_name": "县", "role": "county", "region_code": "500236"}
    )
    own = visitor()
    return [
        row("cadence of the county by town and visit", median_seconds(lambda: cadence(county)), "s"),
        row("one's own calendar", median_seconds(lambda: due_for(own)), "s"),
    ]


if __name__ == "__main__":
    main()
