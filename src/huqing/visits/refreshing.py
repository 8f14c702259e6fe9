"""Bringing the standing visits (走访任务) of a county in line with its methods, people and past visits.

Worked out anew from what is recorded, town by town: whom the rules name, when each was last visited (records of the
visit's own form, confirmations, for households the county's ledger of that kind), when the next visit is due. Only
what differs is written. Each town is one short transaction, so a killed run leaves whole towns, some renewed and some
not yet, and the next run goes on from there; two runs of one county wait for each other.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.conf import settings
from django.db import connection
from django.db.models import F, Max, OuterRef, Subquery

from huqing.access.instance import private_folder, working_day
from huqing.access.locks import exclusive
from huqing.access.scope import code_range
from huqing.registry import bulk, snapshot
from huqing.registry.models import Household, Person
from huqing.visits.methods import InUse, in_use
from huqing.visits.models import Confirmation, Submission, VisitTask
from huqing.visits.queries import STANDING
from huqing.visits.stretches import Stretch, next_stretch
from huqing.visits.targets import COUNTY_DIGITS, TOWN_DIGITS, Targets, asked, newest_screening

TASKS = pa.schema(
    [
        ("id", pa.int64()),
        ("method_id", pa.int64()),
        ("visit_key", pa.string()),
        ("group", pa.string()),
        ("household_id", pa.int64()),
        ("person_id", pa.int64()),
        ("village_id", pa.int64()),
        ("region_code", pa.string()),
        ("opens_on", pa.date32()),
        ("due_on", pa.date32()),
        ("last_on", pa.date32()),
        ("last_done", pa.string()),
        ("submission_id", pa.int64()),
    ]
)
COLUMNS = ("pk", "method_id", "visit", *TASKS.names[3:])
KEYS = ("method_id", "visit_key", "household_id", "person_id", "village_id")
# Beside the key: what a task may differ in from what it ought to be.
VALUES = ("group", "household_id", "region_code", "opens_on", "due_on", "last_on", "last_done", "submission_id")


@dataclass
class Counts:
    """What a refresh did: subjects due to a visit, tasks begun, changed, ended and left as they were."""

    due: int = 0
    begun: int = 0
    changed: int = 0
    ended: int = 0
    same: int = 0
    towns: int = 0

    def add(self, other: Counts) -> None:
        """Take in the counts of one more town."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class NotScreened(Exception):
    """Nobody has screened the county yet, so the rules have not said whom to visit."""


def refresh(region: str, *, as_of: dt.date | None = None, taken: Path | None = None) -> Counts:
    """Bring the tasks of ``region`` (a county, town or village by its code prefix) up to date.

    Whom to visit is told by the snapshot of the last screening, or by ``taken``. Raises NotScreened without either.
    """
    from django.utils import timezone

    day = as_of or working_day(timezone.localdate())
    county = region[:COUNTY_DIGITS]
    with exclusive(f"visit-tasks-{county}"):
        taken = taken or _last_snapshot(county, day)
        methods = in_use()
        _follow(county, methods)
        scratch_home = private_folder(Path(settings.DATA) / "cache")
        with tempfile.TemporaryDirectory(prefix="visits-", dir=scratch_home) as scratch:
            targets = Targets(asked(methods), taken, Path(scratch), region=county, as_of=day)
            try:
                return _towns(targets, region, day)
            finally:
                targets.close()


def _last_snapshot(county: str, day: dt.date) -> Path:
    run = newest_screening(county)
    if run is None:
        raise NotScreened(f"{county} 还没有筛查过，不知道该走访谁。请先筛查。")
    taken = snapshot.folder(run.region_code, run.snapshot)
    return taken if taken.exists() else snapshot.take(region=county, as_of=day)


def _follow(county: str, methods: Sequence[InUse]) -> None:
    """Let tasks follow their method to its new version, and their people and households to where they live now."""
    mine = VisitTask.objects.in_region(county)
    for item in methods:
        older = mine.filter(method__key=item.row.key).exclude(method=item.row)
        if older.exists() and not mine.filter(method=item.row).exists():
            older.update(method=item.row)
    moved = mine.filter(person__isnull=False, person__household__isnull=False).exclude(household=F("person__household"))
    homes = Person.objects.filter(pk=OuterRef("person_id")).values("household")[:1]
    VisitTask.objects.filter(pk__in=list(moved.values_list("pk", flat=True))).update(household=Subquery(homes))
    moved = mine.filter(household__isnull=False).exclude(region_code=F("household__region_code"))
    places = Household.objects.filter(pk=OuterRef("household_id")).values("region_code")[:1]
    VisitTask.objects.filter(pk__in=list(moved.values_list("pk", flat=True))).update(region_code=Subquery(places))


def _towns(targets: Targets, region: str, day: dt.date) -> Counts:
    counts = Counts()
    held = VisitTask.objects.in_region(region).values_list("region_code", flat=True).distinct()
    towns = {*targets.towns(), *(code[:TOWN_DIGITS] for code in held)}
    for town in sorted(towns):
        shared = min(len(town), len(region))
        if town[:shared] == region[:shared]:
            within = region if len(region) > TOWN_DIGITS else ""
            counts.add(_Town(targets, town, within, day).refresh())
    return counts


class _Town:
    """One town (or, ``within``, one village of it), in one transaction."""

    def __init__(self, targets: Targets, town: str, within: str, day: dt.date) -> None:
        self.targets, self.town, self.within, self.day = targets, town, within, day
        self.db = targets.db
        self.place = within or town

    def refresh(self) -> Counts:
        with bulk.writer() as writer:
            _keep_others_out()
            self._load()
            self._compare()
            return self._write(writer)

    def _load(self) -> None:
        """What there is (``known``) and what was done (``done``), as the database says now."""
        self.db.register("known", _rows(VisitTask.objects.filter(code_range(self.place)).values_list(*COLUMNS)))
        self.db.register("done", self._done())
        names = pa.table(
            {
                "number": pa.array([item.number for item in self.targets.visits], pa.int64()),
                "method_id": pa.array([item.method.row.pk for item in self.targets.visits], pa.int64()),
                "visit_key": pa.array([item.visit.key for item in self.targets.visits], pa.string()),
            }
        )
        self.db.register("named", names)

    def _done(self) -> pa.Table:
        """The last visit of each subject by form or by word: at most one row per subject and visit."""
        records = Submission.objects.filter(code_range(self.place), state__in=STANDING, visited_on__lte=self.day)
        forms = ("form__method__key", "form__visit", "household", "person", "region_code")
        filled = records.exclude(form__method=None).order_by().values_list(*forms)
        words = Confirmation.objects.filter(code_range(self.place), on__lte=self.day).order_by()
        tasks = ("task__method__key", "task__visit", "task__household", "task__person", "task__region_code")
        found: dict[tuple[int, int], tuple[dt.date, str, int | None]] = {}
        for *about, on, newest in filled.annotate(Max("visited_on"), Max("pk")):
            self._note(found, about, (on, VisitTask.Done.VISITED.value, newest))
        for *about, on in words.values_list(*tasks).annotate(Max("on")):
            self._note(found, about, (on, VisitTask.Done.UNCHANGED.value, None))
        fields = [("visit", pa.int64()), ("subject", pa.int64()), ("on", pa.date32()), ("how", pa.string())]
        rows = [(*key, *value) for key, value in found.items()]
        return _columns([*fields, ("submission_id", pa.int64())], rows)

    def _note(self, found: dict[tuple[int, int], Any], about: Sequence[Any], done: tuple[Any, ...]) -> None:
        """Keep a visit if its subject is known and none later has been found."""
        method, visit, household, person, code = about
        item = self.targets.by_key.get((method, visit))
        if item is None:
            return
        subjects = {"household": household, "person": person, "village": self.targets.villages.get(code)}
        subject = subjects[item.visit.subject]
        if subject is None:
            return
        known = found.get((item.number, subject))
        if known is None or known[0] < done[0]:
            found[item.number, subject] = done

    def _compare(self) -> None:
        """``wanted``: every task as it ought to be but for its days; ``stretch``: the days, by way they differ."""
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE subject AS {self.targets.of_town(self.town, self.within)}")
        self.db.execute(WANTED)
        ways = self.db.execute('SELECT DISTINCT visit, "group", last_on, known_opens, known_due FROM wanted').fetchall()
        rows = []
        for number, group, last, opens, due in ways:
            known = Stretch(opens, due) if due is not None else None
            every = self.targets.visits[number].every(group)
            told = next_stretch(every, last=last, today=self.day, known=known)
            rows.append((number, group, last, opens, due, *told))
        fields = [("visit", pa.int64()), ("group", pa.string()), ("last_on", pa.date32())]
        fields += [(name, pa.date32()) for name in ("known_opens", "known_due", "opens_on", "due_on")]
        self.db.register("stretch", _columns(fields, rows))
        self.db.execute(READY)

    def _write(self, writer: bulk.BulkWriter) -> Counts:
        counts = Counts(towns=1)
        begun = self.db.execute(BEGUN).to_arrow_table()
        changed = self.db.execute(CHANGED).to_arrow_table()
        ended = self.db.execute(ENDED).fetchall()
        gone = [pk for pk, kept, _ in ended if not kept]
        still = [pk for pk, kept, due in ended if kept and due is not None]
        told = set(Confirmation.objects.filter(task__in=gone).values_list("task", flat=True)) if gone else set()
        writer.insert(VisitTask, _with_visitors(begun.rename_columns(_stored(begun.column_names))))
        writer.update(VisitTask, _with_visitors(changed.rename_columns(_stored(changed.column_names))))
        writer.delete(VisitTask, [pk for pk in gone if pk not in told])
        # What was visited once keeps its history, without anything being due.
        VisitTask.objects.filter(pk__in=[*still, *told]).update(opens_on=None, due_on=None, group="")
        counts.due = self.db.execute("SELECT count(*) FROM ready").fetchall()[0][0]
        counts.begun, counts.changed, counts.ended = begun.num_rows, changed.num_rows, len(gone) + len(still)
        counts.same = counts.due - counts.begun - counts.changed
        return counts


WANTED = """
CREATE OR REPLACE TEMP TABLE wanted AS
SELECT s.visit, n.method_id, n.visit_key, s."group", s.household_id, s.person_id, s.village_id, s.region_code,
    k.id AS id, k.opens_on AS known_opens, k.due_on AS known_due,
    greatest(s.ledger, d."on") AS last_on,
    CASE WHEN d."on" IS NOT NULL AND (s.ledger IS NULL OR d."on" >= s.ledger) THEN d.how
        WHEN s.ledger IS NOT NULL THEN 'visited' ELSE '' END AS last_done,
    CASE WHEN d."on" IS NOT NULL AND (s.ledger IS NULL OR d."on" >= s.ledger) THEN d.submission_id END AS submission_id
FROM (SELECT *, coalesce(person_id, village_id, household_id) AS subject FROM subject) s
JOIN named n ON n.number = s.visit
LEFT JOIN done d ON d.visit = s.visit AND d.subject = s.subject
LEFT JOIN (SELECT *, coalesce(person_id, village_id, household_id) AS subject FROM known) k
    ON k.method_id = n.method_id AND k.visit_key = n.visit_key AND k.subject = s.subject
    AND (k.person_id IS NULL) = (s.person_id IS NULL) AND (k.village_id IS NULL) = (s.village_id IS NULL)
"""
READY = """
CREATE OR REPLACE TEMP TABLE ready AS
SELECT w.*, t.opens_on, t.due_on FROM wanted w JOIN stretch t ON t.visit = w.visit AND t."group" = w."group"
    AND t.last_on IS NOT DISTINCT FROM w.last_on AND t.known_opens IS NOT DISTINCT FROM w.known_opens
    AND t.known_due IS NOT DISTINCT FROM w.known_due
"""
_COLUMNS_WRITTEN = ", ".join(f'r."{name}"' for name in VALUES)
BEGUN = f"""
SELECT r.method_id, r.visit_key, r.person_id, r.village_id, {_COLUMNS_WRITTEN} FROM ready r WHERE r.id IS NULL
"""  # noqa: S608  names of columns written above
CHANGED = f"""
SELECT r.id, {_COLUMNS_WRITTEN} FROM ready r JOIN known k ON k.id = r.id
WHERE {" OR ".join(f'r."{name}" IS DISTINCT FROM k."{name}"' for name in VALUES)}
"""  # noqa: S608  as above
ENDED = """
SELECT k.id, k.last_on IS NOT NULL, k.due_on FROM known k WHERE k.id NOT IN (SELECT id FROM ready WHERE id IS NOT NULL)
"""


def _keep_others_out() -> None:
    """A visit that arrives meanwhile waits: else its new deadline would be overwritten by the one before it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE visits_visittask IN SHARE ROW EXCLUSIVE MODE")


def _rows(rows: Iterable[tuple[object, ...]]) -> pa.Table:
    queryset = rows.iterator(chunk_size=20_000)  # type: ignore[attr-defined]
    return _columns([(field.name, field.type) for field in TASKS], queryset)


def _columns(fields: Sequence[tuple[str, pa.DataType]], rows: Iterable[tuple[object, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(fields)
    return pa.table(
        [pa.array(column, kind) for column, (_, kind) in zip(columns, fields, strict=True)],
        names=[name for name, _ in fields],
    )


def _stored(names: Sequence[str]) -> list[str]:
    return ["visit" if name == "visit_key" else name for name in names]


def _with_visitors(tasks: pa.Table) -> pa.Table:
    """Who made the last visit, where a record says it; the ledger's visitors have no accounts."""
    wanted = [pk for pk in tasks["submission_id"].to_pylist() if pk is not None]
    by: dict[int, int] = {}
    for start in range(0, len(wanted), 10_000):
        part = wanted[start : start + 10_000]
        by |= dict(Submission.objects.filter(pk__in=part).values_list("pk", "user"))
    users = [by.get(pk) for pk in tasks["submission_id"].to_pylist()]
    return tasks.append_column("last_by_id", pa.array(users, pa.int64()))
