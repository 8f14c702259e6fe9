"""Whom each visit of the methods in use is due to: the rules' true/false variables over one snapshot of a county.

A key group makes a visit more frequent for those of its subjects that belong to the group; it adds nobody. Where a
value is missing the rules do not know, and who is not known to be meant is not asked for.
"""

# ruff: noqa: S608 - DuckDB takes no bound names; every name here comes from checked manifests, every path is quoted

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from huqing.packs.manifest import EVERYBODY, Cadence, KeyGroup, Visit
from huqing.registry.models import Household, Region, Source
from huqing.rules.benefits import DuckDB, compute
from huqing.rules.engine import quoted
from huqing.screening.models import Run
from huqing.visits.methods import InUse
from huqing.visits.stretches import length

COUNTY_DIGITS, TOWN_DIGITS = 6, 9
MEMORY = 2_000_000_000  # bytes
LEDGER = "home_visit"


@dataclass(frozen=True)
class Asked:
    """One visit of a method in use. ``number`` names it in tables; ``groups`` begin with the most frequent."""

    number: int
    method: InUse
    visit: Visit
    groups: tuple[KeyGroup, ...]

    def every(self, group: str) -> Cadence:
        """How often, for somebody of that group ("" for everybody)."""
        return next((item.every for item in self.groups if item.key == group), self.visit.every)


def asked(methods: Iterable[InUse]) -> list[Asked]:
    """All visits of these methods; groups that are not more frequent than the visit itself are left out."""
    found: list[Asked] = []
    for method in methods:
        for visit in method.told.visits:
            usual = length(visit.every)
            groups = [item for item in method.told.key_groups if item.visit == visit.key and length(item.every) < usual]
            found.append(Asked(len(found), method, visit, tuple(sorted(groups, key=lambda item: length(item.every)))))
    return found


class Targets:
    """The subjects of all visits in one county, computed once and handed out town by town."""

    def __init__(self, visits: Sequence[Asked], snapshot: Path, scratch: Path, *, region: str, as_of: dt.date) -> None:
        self.visits = visits
        # By the method's key, not its row: what was visited under an earlier version counts.
        self.by_key = {(item.method.row.key, item.visit.key): item for item in visits}
        self.villages: dict[str, int] = {}
        self.county = region[:COUNTY_DIGITS]
        self.as_of = as_of
        self.snapshot = snapshot
        self.db = duckdb.connect()
        self.db.execute(f"SET memory_limit = '{MEMORY}B'")
        self.db.execute(f"SET temp_directory = '{quoted(scratch)}'")
        self._table("household", scratch, "t.id AS household_id, NULL::BIGINT AS person_id, NULL::BIGINT AS village_id")
        self._table("person", scratch, "t.household_id, t.id AS person_id, NULL::BIGINT AS village_id")
        self._villages(scratch)
        self._ledger()

    def _chosen(self, subject: str) -> list[str]:
        names = {
            item.whom
            for visit in self.visits
            for item in (visit.visit, *visit.groups)
            if visit.visit.subject == subject and item.whom != EVERYBODY
        }
        return sorted(names)

    def _table(self, subject: str, scratch: Path, keys: str) -> None:
        """A table of the subjects with their region and the chosen variables."""
        if not any(visit.visit.subject == subject for visit in self.visits):
            return
        made = self._computed(subject, scratch)
        rows = f"'{quoted(made)}'" if made else f"'{quoted(self.snapshot / f'{subject}.parquet')}'"
        listed = "".join(f', coalesce(t."{name}", false) AS "{name}"' for name in self._chosen(subject))
        household = "t.id" if subject == "household" else "t.household_id"
        self.db.execute(
            f"CREATE TABLE {subject}_subject AS SELECT {keys}, h.region_code, substr(h.region_code, 1, {TOWN_DIGITS}) "
            f"AS town{listed} FROM read_parquet({rows}) t "
            f"JOIN read_parquet('{quoted(self.snapshot / 'household.parquet')}') h ON h.id = {household} ORDER BY town"
        )

    def _computed(self, subject: str, scratch: Path) -> Path | None:
        names = self._chosen(subject)
        if not names:
            return None
        out = scratch / f"{subject}.parquet"
        engine = DuckDB(memory=MEMORY)
        compute(
            out, of=subject, names=names, as_of=self.as_of, region=self.county, snapshot=self.snapshot, engine=engine
        )
        return out

    def _villages(self, scratch: Path) -> None:
        """Villages are those in which households live, whether or not somebody has taken in a record of them."""
        if not any(visit.visit.subject == "village" for visit in self.visits):
            return
        names = self._chosen("village")
        places = Region.objects.filter(
            level=Region.Level.VILLAGE,
            valid_to=None,
            pk__in=Household.objects.in_region(self.county).filter(status="active").values("village").distinct(),
        )
        rows = list(places.values_list("pk", "code"))
        self.villages = {code: pk for pk, code in rows}
        self.db.register(
            "place",
            pa.table(
                {
                    "id": pa.array([pk for pk, _ in rows], pa.int64()),
                    "code": pa.array([c for _, c in rows], pa.string()),
                }
            ),
        )
        made = self._computed("village", scratch)
        joined = f" LEFT JOIN read_parquet('{quoted(made)}') t USING (id)" if made else ""
        listed = "".join(f', coalesce(t."{name}", false) AS "{name}"' for name in names)
        self.db.execute(
            "CREATE TABLE village_subject AS SELECT NULL::BIGINT AS household_id, NULL::BIGINT AS person_id, "
            f"p.id AS village_id, p.code AS region_code, substr(p.code, 1, {TOWN_DIGITS}) AS town{listed} "
            f"FROM place p{joined}"
        )

    def _ledger(self) -> None:
        """The last visit of each kind to each household in the ledger; rows that forms wrote are left to the forms."""
        own = Source.objects.in_region(self.county).filter(kind=Source.Kind.VISIT).values_list("pk", flat=True)
        self.db.register("own", pa.table({"id": pa.array(own.iterator(chunk_size=50_000), pa.int64())}))
        rows = f"read_parquet('{quoted(self.snapshot / f'{LEDGER}.parquet')}')"
        self.db.execute(
            f"CREATE TABLE ledger AS SELECT household_id, visit_kind, max(visited_on) AS visited_on FROM {rows} "
            "WHERE household_id IS NOT NULL AND visited_on IS NOT NULL AND visited_on <= ? "
            "AND source_id NOT IN (SELECT id FROM own) GROUP BY ALL",
            [self.as_of],
        )
        self.db.unregister("own")

    def towns(self) -> list[str]:
        """The towns (9 digits) in which there is anybody to visit."""
        tables = [name for (name,) in self.db.execute("SHOW TABLES").fetchall() if name.endswith("_subject")]
        if not tables:
            return []
        union = " UNION ".join(f"SELECT town FROM {name}" for name in tables)
        return [town for (town,) in self.db.execute(f"SELECT town FROM ({union}) ORDER BY 1").fetchall()]

    def of_town(self, town: str, within: str = "") -> str:
        """The query for the subjects of a town: visit (its number), group, keys, region_code, last visit in the ledger.

        ``within`` narrows it to a smaller region, such as one village.
        """
        return " UNION ALL ".join(self._queries(town, within)) or (
            "SELECT NULL::BIGINT AS visit, '' AS \"group\", NULL::BIGINT AS household_id, NULL::BIGINT AS person_id, "
            "NULL::BIGINT AS village_id, '' AS region_code, NULL::DATE AS ledger WHERE false"
        )

    def _queries(self, town: str, within: str) -> Iterator[str]:
        for item in self.visits:
            visit = item.visit
            cases = "".join(f" WHEN {_holds(group.whom)} THEN '{group.key}'" for group in item.groups)
            group = f"CASE{cases} ELSE '' END" if cases else "''"
            counted = visit.subject == "household" and visit.visit_kind
            last = "l.visited_on" if counted else "NULL::DATE"
            joined = (
                f" LEFT JOIN ledger l ON l.household_id = s.household_id AND l.visit_kind = '{visit.visit_kind}'"
                if counted
                else ""
            )
            narrowed = f" AND starts_with(s.region_code, '{int(within):0{len(within)}d}')" if within else ""
            yield (
                f'SELECT {item.number}::BIGINT AS visit, {group} AS "group", s.household_id, s.person_id, '
                f"s.village_id, s.region_code, {last} AS ledger FROM {visit.subject}_subject s{joined} "
                f"WHERE s.town = '{int(town):09d}' AND {_holds(visit.whom)}{narrowed}"
            )

    def close(self) -> None:
        """Let go of the memory."""
        self.db.close()


def _holds(whom: str) -> str:
    return "true" if whom == EVERYBODY else f's."{whom}"'


def newest_screening(region: str) -> Run | None:
    """The last finished screening of the county, whose snapshot says how things stand."""
    return Run.objects.filter(region_code=region[:COUNTY_DIGITS], state=Run.State.DONE).order_by("-pk").first()
