"""Dynamic management of a whole county: ``python bench/bench_rosters.py [households]``.

Works on a copy of the county that bench_county.py has left (HUQING_DATA, default build/bench/county; HUQING_DATABASE as
usual), so that nothing of it changes; where there is none it builds a demonstration there first. The copy lies beside
it and is removed at the end: a folder with the ending ``-rosters``, on PostgreSQL a database with the ending
``_rosters``.

Measured are the monthly list and its closing, commitment and draw of a round over all households, its verification on a
phone, a review of all holders of the allowance, and the comparison of rosters, each through the functions of the pages.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from machine import median_seconds, peak_memory, row, save

ROOT = Path(__file__).parent.parent
COUNTY = "500236"
FULL = 309_800
RECORDS = 200
MEASURE = "--measure"
DATABASE = "huqing.sqlite3"
# What a copy needs of a data folder besides the database: no files, no snapshots.
KEPT = ("keys", "demo.instance")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huqing.site.settings")
    if MEASURE in sys.argv:
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        measure()
        return
    folder = Path(os.environ.get("HUQING_DATA") or ROOT / "build" / "bench" / "county")
    address = os.environ.get("HUQING_DATABASE", "")
    _build(folder, address, int(sys.argv[1]) if len(sys.argv) > 1 else FULL)
    with _copied(folder, address) as told:
        environment = {**os.environ, **told}
        subprocess.run([sys.executable, __file__, MEASURE], check=True, env=environment)


def _build(folder: Path, address: str, households: int) -> None:
    """A demonstration, unless folder and database hold a county."""
    if _held(folder, address):
        return
    command = [sys.executable, "-m", "huqing.cli", "demo", "--households", str(households)]
    subprocess.run(command, check=True, env={**os.environ, "HUQING_DATA": str(folder)})


def _held(folder: Path, address: str) -> bool:
    if not (folder / "keys").exists():
        return False
    if not address:
        return (folder / DATABASE).exists()
    import psycopg

    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT to_regclass('registry_household') IS NOT NULL").fetchone()
        return bool(found and found[0])


@contextlib.contextmanager
def _copied(folder: Path, address: str) -> Iterator[dict[str, str]]:
    """The environment of a copy, which is gone afterwards."""
    copy = folder.with_name(f"{folder.name}-rosters")
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    told = {"HUQING_DATA": str(copy)}
    server, _, name = address.rpartition("/")
    try:
        for kept in KEPT:
            whole = shutil.copytree if (folder / kept).is_dir() else shutil.copy2
            whole(folder / kept, copy / kept)
        if address:
            _in_postgres(server, f'DROP DATABASE IF EXISTS "{name}_rosters"')
            _in_postgres(server, f'CREATE DATABASE "{name}_rosters" TEMPLATE "{name}"')
            told["HUQING_DATABASE"] = f"{server}/{name}_rosters"
        else:
            with (
                contextlib.closing(sqlite3.connect(folder / DATABASE)) as before,
                contextlib.closing(sqlite3.connect(copy / DATABASE)) as after,
            ):
                before.backup(after)
        yield told
    finally:
        shutil.rmtree(copy, ignore_errors=True)
        if address:
            _in_postgres(server, f'DROP DATABASE IF EXISTS "{name}_rosters"')


def _in_postgres(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def _verifier() -> Any:
    """Somebody with an account who only visits, of no village."""
    from huqing.access.models import User
    from huqing.teams.models import Staff

    account = User.objects.create(username="bench", display_name="bench", role="visitor", region_code=COUNTY)
    return Staff.objects.create(name="bench", kind="1", region_code=f"{COUNTY}000000", user=account)


def _on_the_phone(round_: Any, staff: Any, user: Any) -> list[dict[str, Any]]:
    """The round's form, a verifier's packet, and records that come in and are recorded, one after another."""
    from django.conf import settings

    from huqing.access.calendar import today
    from huqing.rosters import phone_form
    from huqing.rosters.models import RecheckItem
    from huqing.visits.packet import MOST_HOUSEHOLDS, packet_for
    from huqing.visits.receiving import receive

    rows = []
    seconds, form = timed(lambda: phone_form.publish(round_=round_, by=user))
    rows.append(row("the round's form for phones published", round(seconds, 3), "s"))
    items = list(RecheckItem.objects.filter(round=round_, verifier=staff).order_by("pk"))
    seconds = median_seconds(lambda: packet_for(staff.user))
    rows.append(
        row(f"packet of a verifier with {min(len(items), MOST_HOUSEHOLDS):,} households", round(seconds, 3), "s")
    )
    settings.HUQING_LAND_AT_ONCE = True
    times = []
    for item in items[:RECORDS]:
        xml = (
            f'<data id="{form.form_id}" version="1"><household>{item.household_id}</household>'
            f"<visited_on>{today()}</visited_on><outcome>met</outcome><own><member_count>3</member_count></own>"
            f"<note/><meta><instanceID>uuid:{item.pk}</instanceID></meta></data>"
        ).encode()
        call = {"user": staff.user, "xml": xml, "files": {}, "incomplete": False, "device": "", "agent": ""}
        seconds, _ = timed(lambda call=call: receive(**call))
        times.append(seconds)
    recorded = RecheckItem.objects.filter(round=round_, outcome="met").count()
    if recorded != len(times):
        raise SystemExit(f"only {recorded} of {len(times)} records were recorded")
    value = 1000 * statistics.median(times)
    rows.append(row(f"a record from the phone received and recorded, median of {len(times)}", round(value, 1), "ms"))
    return rows


def measure() -> None:
    from django.db import connection

    from huqing.access.calendar import today
    from huqing.access.models import User
    from huqing.registry.models import Household
    from huqing.rosters import closing, differences, drawing, months, rechecks, reviews
    from huqing.rosters.drawing import Frame
    from huqing.rosters.models import ReviewLine
    from huqing.teams.models import Staff

    user = User.objects.filter(role="county", region_code=COUNTY).order_by("pk").first()
    households = Household.objects.filter(status="active").count()
    span = months.month_of(today()).before
    town = Household.objects.values_list("region_code", flat=True).order_by("pk").first()[:9]
    rows = []
    for kind, name in (("monitor", "monitored households"), ("dibao", "allowance"), ("tuopin", "out of poverty")):
        found = months.month_list(kind, span, user=user)
        seconds = median_seconds(lambda kind=kind: months.month_list(kind, span, user=user))
        rows.append(row(f"monthly list, {name} ({found.sums.closing:,} on it)", round(seconds, 3), "s"))
    seconds = median_seconds(lambda: months.month_list("dibao", span, user=user, region=town))
    rows.append(row("monthly list of one town, allowance", round(seconds, 3), "s"))
    seconds, closed = timed(lambda: closing.close(kind="dibao", span=span, by=user))
    rows.append(row(f"close a month, allowance ({closed.closing:,} on it)", round(seconds, 3), "s"))
    following = months.month_of(today())
    seconds = median_seconds(lambda: months.month_list("dibao", following, user=user))
    rows.append(row("monthly list with corrections of the closed month", round(seconds, 3), "s"))

    due = today() + dt.timedelta(30)
    asked = {"fields": [["household", "member_count"]], "share": 1, "due_on": due, "by": user}
    seconds, round_ = timed(lambda: drawing.commit(title="bench", frame=Frame(stratum="town"), **asked))
    rows.append(row(f"commitment of a round over {households:,} households", round(seconds, 3), "s"))
    seconds, round_ = timed(lambda: drawing.draw_round(round_=round_, said="3 5 1", witnesses="bench", by=user))
    rows.append(row(f"draw of the round ({round_.items.count():,} households drawn)", round(seconds, 3), "s"))
    staff = [*Staff.objects.order_by("pk")[:20], _verifier()]
    seconds, _ = timed(lambda: rechecks.assign(round_=round_, staff=staff, by=user))
    rows.append(row(f"verifiers for all of them ({len(staff)} people)", round(seconds, 3), "s"))
    rows += _on_the_phone(round_, staff[-1], user)

    seconds, review = timed(lambda: reviews.start(kind="dibao", title="bench", due_by=None, by=user))
    rows.append(row(f"proposals for {review.lines.count():,} holders of the allowance", round(seconds, 3), "s"))
    chosen = list(ReviewLine.objects.filter(round=review, proposal="continue").values_list("pk", flat=True)[:2_000])
    batch = {"decision": "continue", "effective_on": today(), "reason": "", "by": user}
    seconds, _ = timed(lambda: reviews.decide(lines=chosen, **batch))
    rows.append(row(f"decide {len(chosen):,} of them in a batch", round(seconds, 3), "s"))

    first = differences.run(region=COUNTY, by=user)
    found = sum(counts[kind] for counts in first.counts.values() for kind in ("ours", "theirs", "detail", "unlinked"))
    rows.append(row(f"comparison of rosters, first ({found:,} differences)", round(first.seconds, 3), "s"))
    again = differences.run(region=COUNTY, by=user)
    rows.append(row("comparison of rosters, again", round(again.seconds, 3), "s"))
    rows.append(row("peak memory", round(peak_memory(), 2), "GiB"))
    vendor = connection.vendor
    save(f"rosters-{vendor}", f"Dynamic management, {households:,} households ({vendor})", rows)


if __name__ == "__main__":
    main()
