"""Taking in a department's file: rows linked to people, kept in versions, told apart by what identifies them."""

# ruff: noqa: S608 - names come from the field declarations

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from huqing.intake import compare, existing, labels, linking, places
from huqing.intake.linked_rows import Linked
from huqing.intake.linking import BY_CLERK, Links
from huqing.intake.memory import give_back
from huqing.intake.models import LinkCandidate
from huqing.intake.plan import Work, Written, constant, prior_columns, write_prior
from huqing.intake.reading import ROW
from huqing.registry.models import DepartmentRecord
from huqing.standards.fields import Field, RecordKind

_IDENTITY = ("name", "id_number", "town_name", "village_name", "household_number")
REGION = 12
AID = "civil_affairs"
WAITING = "200MB"  # for rows that are compared and linked, and now only read once more in their order


@dataclass
class DepartmentRecords(Work):
    """A plan for a department's file."""

    kind: RecordKind = field(kw_only=True)

    def work_out(self) -> None:
        """What each row is (new, changed, unchanged, repeated), then whom the new ones are about."""
        self.items = tuple(one for one in self.kind.items if one.key not in _IDENTITY)
        self._fingerprint()
        self._compare()
        self.links = Links()
        self._inherit()
        self._link()
        counted = dict(self.query("SELECT state, count(*) FROM verdict GROUP BY state"))
        # Only new and changed rows are ever linked.
        fresh = counted.get("new", 0) + counted.get("changed", 0)
        linked = len(self.links.linked)
        queued = len({row for row, *_ in self.links.candidates})
        self.counts.update(
            added=counted.get("new", 0),
            changed=counted.get("changed", 0),
            unchanged=counted.get("unchanged", 0) + counted.get("older", 0),
            repeated=counted.get("repeated", 0),
            missing=0,
            linked=linked,
            queued=queued,
            unlinked=fresh - linked - queued,
        )

    def _fingerprint(self) -> None:
        """Table ``rows``: the file's rows with items, identity and fingerprint.

        The fingerprint is a hash over kind, identifying values (the ID number as its keyed token) and, where a file has
        several different rows of the same identity, their order by content: taking the file in again finds the same.
        """
        table = self.batch.rows
        for name in _IDENTITY:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
        self.db.register("good", table)
        self.db.register("known_numbers", linking.identities(table["id_number"]))
        parts = [self._identity_part(self.kind[key]) for key in self.kind.identity]
        self.db.execute(
            f"""CREATE TABLE filled AS
            WITH fresh AS (
                SELECT g.{ROW}, g.name, g.town_name, g.village_name, g.household_number,
                    k.id_token, k.id_number_sealed, k.whole, k.birth_date, k.sex, k.id_tail,
                    {self._on()} AS happened_on, {" || '|' || ".join(parts)} AS identity,
                    {compare.fragments(self.items, self.present, "g")}
                FROM good g LEFT JOIN known_numbers k USING (id_number))
            SELECT *, {compare.items_object(self.items)} AS items FROM fresh"""
        )
        # Few rows share an identity. Only they are put in order: a window over a million whole rows cannot be put away
        # to disk, and ran out of memory.
        self.db.execute(
            f"""CREATE TABLE rows AS
            WITH shared AS (SELECT identity FROM filled GROUP BY identity HAVING count(*) > 1),
            numbered AS (
                SELECT {ROW}, dense_rank() OVER (PARTITION BY identity ORDER BY items, name) AS version,
                    row_number() OVER (PARTITION BY identity, items, name ORDER BY {ROW}) AS copy
                FROM filled SEMI JOIN shared USING (identity))
            SELECT f.*, coalesce(n.version, 1) AS version, coalesce(n.copy, 1) AS copy,
                sha256('{self.kind.key}|' || identity || '|' || coalesce(n.version, 1)) AS fingerprint
            FROM filled f LEFT JOIN numbered n USING ({ROW}) ORDER BY {ROW}"""
        )
        self.db.execute("DROP TABLE filled")
        self.db.unregister("good")
        self.db.unregister("known_numbers")
        # From here on the rows are in DuckDB, which puts away what does not fit.
        self.batch = replace(self.batch, rows=self.batch.rows.schema.empty_table())

    def _identity_part(self, one: Field) -> str:
        if one.key == "id_number":
            # Without a number the name and the place stand in for it.
            without = (
                "'name:' || coalesce(g.name, '') || ':' || coalesce(g.town_name, '') || coalesce(g.village_name, '')"
            )
            return f"coalesce(k.id_token, {without})"
        if one.key not in self.present:
            return "''"
        return f"coalesce({compare.fragment(one, f'g.{one.key}')}, '')"

    def _on(self) -> str:
        key = self.kind.date_field
        return f"g.{key}" if key and key in self.present else "NULL::DATE"

    def _compare(self) -> None:
        """Table ``verdict``: row, state, the id of the record that the row repeats or replaces, and what is kept of it.

        A file without a column says nothing about it: what somebody wrote there stays.
        """
        old = existing.read_by(
            "registry_departmentrecord r JOIN registry_source s ON s.id = r.source_id",
            {
                "r.id": "id",
                "r.fingerprint": "text",
                "r.items": "json",
                "r.subject_name": "text",
                "r.household_id": "id",
                "r.person_id": "id",
                "r.region_code": "text",
                "r.link_method": "text",
                "r.link_score AS link_score": "number",
                's."on" AS source_on': "date",
            },
            "r.fingerprint",
            self.arrow("SELECT fingerprint FROM rows WHERE copy = 1")["fingerprint"],
            "r.kind = %s AND r.retired_by_id IS NULL",
            [self.kind.key],
        )
        self.db.register("old", old)
        differs = " OR ".join(
            [
                "n.name IS DISTINCT FROM nullif(h.subject_name, '')",
                *(f"n.n_{one.key} IS DISTINCT FROM h.o_{one.key}" for one in self.items if one.key in self.present),
            ]
        )
        unsaid = [one for one in self.items if one.key not in self.present]
        kept = compare.items_object(unsaid, "h.o_")
        self.db.execute(
            f"""CREATE TABLE verdict AS SELECT n.{ROW}, h.id, {kept} AS kept, CASE
                WHEN n.copy > 1 THEN 'repeated' WHEN h.id IS NULL THEN 'new' WHEN NOT ({differs}) THEN 'unchanged'
                WHEN h.source_on::DATE > DATE '{self.batch.on}' THEN 'older' ELSE 'changed' END AS state
            FROM rows n LEFT JOIN ({compare.held(self.items, "old")}) h USING (fingerprint)"""
        )
        for line, first in self.query(
            f"SELECT {ROW}, first FROM (SELECT {ROW}, copy, min({ROW}) OVER (PARTITION BY fingerprint) AS first "
            "FROM rows) WHERE copy > 1 ORDER BY 1"
        ):
            self.warn(
                line,
                "",
                None,
                f"与第 {first} 行内容完全相同，只保留一条",
                "不需要处理；若确为两笔业务，请补充区分它们的栏目",
            )

    def _inherit(self) -> None:
        """A new version of a linked record is about the same person; nobody has to decide that twice."""
        for line, household, person, code, method, score in self.query(
            f"SELECT v.{ROW}, o.household_id, o.person_id, o.region_code, o.link_method, o.link_score "
            "FROM verdict v JOIN old o USING (id) WHERE v.state = 'changed' AND o.household_id IS NOT NULL"
        ):
            self.links.linked[line] = Linked(household, person, code, method or BY_CLERK, score)

    def _link(self) -> None:
        villages = places.Villages.load(self.batch.prefix, self.batch.on)
        self.places: dict[int, str] = {}
        rest = []
        for rows in self._parts(
            f"""SELECT {ROW}::BIGINT AS row_id, name, household_number, CASE WHEN whole THEN id_token END AS id_token,
                id_tail, birth_date, sex, town_name, village_name
            FROM rows JOIN verdict USING ({ROW}) WHERE state IN ('new', 'changed') ORDER BY 1"""
        ):
            if self.kind.subject == "household":
                linking.by_household_number(rows, self.batch.prefix, self.links)
            left = linking.by_number(rows.drop_columns(["household_number"]), self.batch.prefix, self.links)
            rest.append(self._place(left, villages))
        if rest:
            self._make_room()
            linking.by_model(pa.concat_tables(rest), self.batch.prefix, self.links)

    def _make_room(self) -> None:
        """The model reads all people of the county: meanwhile the file's rows may lie on the disk."""
        self.db.execute(f"SET memory_limit = '{WAITING}'")
        give_back()

    def _place(self, rows: pa.Table, villages: places.Villages) -> pa.Table:
        """``rows`` with the codes of the village and town they name; kept for those that nobody is found for."""
        said = list(zip(rows["town_name"].to_pylist(), rows["village_name"].to_pylist(), strict=True))
        found = {one: villages.find(None, *one).village if one[1] else None for one in set(said)}
        codes = [found[one].code if found[one] else None for one in said]  # type: ignore[union-attr]
        towns = [code[:9] if code else villages.town_code(town) for code, (town, _) in zip(codes, said, strict=True)]
        self.places.update(
            (row, code) for row, code in zip(rows["row_id"].to_pylist(), codes, strict=True) if code is not None
        )
        return rows.append_column("village", pa.array(codes, pa.string())).append_column(
            "town", pa.array(towns, pa.string())
        )

    def _parts(self, sql: str) -> Iterator[pa.Table]:
        """A query's result in parts of ``linking.ROWS_AT_ONCE``; other queries may be asked meanwhile."""
        with self.db.cursor() as cursor:
            for batch in cursor.execute(sql).to_arrow_reader(linking.ROWS_AT_ONCE):
                yield pa.Table.from_batches([batch])

    def write(self, written: Written) -> None:
        """New records and new versions with their links, candidates for the clerk, and labels of civil affairs rows."""
        # Only of these rows does anybody ask again which record they became.
        asked = {row for row, *_ in self.links.candidates}
        record_of: dict[int, int] = {}
        aided: list[int] = []
        retired: list[int] = []
        for table in self._parts(
            f"""SELECT r.{ROW}, r.name, r.happened_on, r.fingerprint, r.id_token, r.id_number_sealed, v.id AS replaces,
                CASE WHEN v.kept = '{{}}' THEN r.items WHEN r.items = '{{}}' THEN v.kept
                ELSE left(r.items, -1) || ',' || substr(v.kept, 2) END AS items
            FROM rows r JOIN verdict v USING ({ROW}) WHERE v.state IN ('new', 'changed') ORDER BY r.{ROW}"""
        ):
            ids = self._write_part(written, table)
            record_of.update((line, pk) for line, pk in zip(table[ROW].to_pylist(), ids, strict=True) if line in asked)
            if self.kind.key == AID:
                aided += ids
            retired += table["replaces"].drop_null().to_pylist()
        retire(written, retired)
        self._queue(written, record_of)
        if self.kind.key == AID:
            label_aid(written, aided)

    def _write_part(self, written: Written, table: pa.Table) -> range:
        lines = table[ROW].to_pylist()
        links = [self.links.linked.get(line) for line in lines]
        region = self.batch.prefix.ljust(REGION, "0")
        records = pa.table(
            {
                "fingerprint": table["fingerprint"],
                "household_id": pa.array([one.household_id if one else None for one in links], pa.int64()),
                "person_id": pa.array([one.person_id if one else None for one in links], pa.int64()),
                "region_code": pa.array(
                    [
                        one.region_code if one else self.places.get(line) or region
                        for line, one in zip(lines, links, strict=True)
                    ]
                ),
                "on": table["happened_on"],
                "items": table["items"],
                "subject_name": table["name"].fill_null(""),
                "id_token": table["id_token"].fill_null(""),
                "id_number_sealed": table["id_number_sealed"],
                "link_method": pa.array([one.method if one else "" for one in links], pa.string()),
                "link_score": pa.array([one.score if one else None for one in links], pa.float64()),
                "row_number": table[ROW],
            }
        )
        return written.writer.insert(
            DepartmentRecord, constant(records, kind=self.kind.key, source_id=written.source.pk)
        ) or range(0)

    def _queue(self, written: Written, record_of: dict[int, int]) -> None:
        waiting = [one for one in self.links.candidates if one[0] in record_of]
        regions = [self.places.get(row) or self.batch.prefix.ljust(REGION, "0") for row, *_ in waiting]
        table = pa.table(
            {
                "record_id": pa.array([record_of[row] for row, *_ in waiting], pa.int64()),
                "person_id": pa.array([person for _, person, _, _ in waiting], pa.int64()),
                "score": pa.array([score for *_, score, _ in waiting], pa.float64()),
                "explanation": pa.array([why for *_, why in waiting], pa.string()),
                "region_code": pa.array(regions, pa.string()),
            }
        )
        written.writer.insert(LinkCandidate, table)

    def sample(self, limit: int) -> dict[str, list[dict[str, Any]]]:
        """The first new and changed rows: row, name, and the values."""
        shown = {}
        for name, state in (("added", "new"), ("changed", "changed")):
            shown[name] = self.arrow(
                f"SELECT r.{ROW} AS line, r.household_number AS number, r.name, r.items AS changes "
                f"FROM rows r JOIN verdict v USING ({ROW}) WHERE v.state = '{state}' ORDER BY 1 LIMIT {int(limit)}"
            ).to_pylist()
        return shown


def retire(written: Written, ids: list[int]) -> None:
    """Records that a newer version replaces; they stay for the history."""
    if ids:
        table = pa.table({"id": pa.array(ids, pa.int64())})
        write_prior(written, "record", table["id"], [prior_columns(retired_by_id=None)] * len(ids))
        written.writer.update(DepartmentRecord, constant(table, retired_by_id=written.source.pk))


def label_aid(written: Written, record_ids: list[int]) -> None:
    """The labels that civil affairs records among these give to the people they are linked to."""
    where, keys = existing.any_of("id", record_ids)
    table = existing.read(
        "registry_departmentrecord",
        {"household_id": "id", "person_id": "id", "items": "json"},
        f"WHERE {where} AND kind = '{AID}' AND person_id IS NOT NULL AND household_id IS NOT NULL",
        [keys],
    )
    wanted = labels.from_aid(labels.aid_facts(table))
    where, keys = existing.any_of("person_id", {one.person_id for one in wanted})
    kinds = ", ".join(f"'{kind}'" for kind in labels.OF_AID.values())
    held = labels.read_held(f"WHERE {where} AND kind IN ({kinds})", [keys])
    # Spells of aid are told apart by their first day: stopping one and granting another are two rows of the register.
    starts = {(one.person_id, one.kind, one.valid_from) for one in wanted}
    same = [one for one in held if (one.person_id, one.kind, one.valid_from) in starts]
    labels.reconcile(written, wanted, same, written.source.on, close_others=False)
