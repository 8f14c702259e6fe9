"""Taking in the member roster: one row per person, in the household whose number it names."""

# ruff: noqa: S608 - names come from the layouts and field declarations

from __future__ import annotations

from typing import Any

import pyarrow as pa

from huqing.intake import existing
from huqing.intake.compare import Value
from huqing.intake.layouts import person_layout, with_tokens
from huqing.intake.matching_members import SAME_NUMBER, match
from huqing.intake.plan import Written, constant, prior_columns, write_changes, write_missing, write_prior
from huqing.intake.reading import ROW
from huqing.intake.relinking import relink
from huqing.intake.roster import Comparison, RosterWork, Tracked
from huqing.registry.models import Household, Membership, Person

JOINING = ("05", "06", "07")
"""Codes of ``member_change`` that say how somebody came into the household."""

# A move shows in the person's history as the household's number; the person's own place follows the household.
_MOVE = Tracked(
    Value(
        "household_number",
        "x_household_id::VARCHAR",
        "was_household_id::VARCHAR",
        "to_json(x_household_number)::VARCHAR",
        "to_json(was_household_number)::VARCHAR",
    ),
    {"household_id": ("x_household_id", "id"), "region_code": ("x_region_code", "text")},
)


_REFUSALS = {
    "stale": ("此人在更新的数据中已转入另一户，本表的日期较早", "核对数据日期；如确在本户，请用最新日期的表导入"),
    "outside": ("此人登记在管辖范围以外的农户", "核对证件号码；确已迁入请由县级办理"),
}


class MemberRoster(RosterWork):
    """A plan for the member roster."""

    def work_out(self) -> None:
        """Rows to households by number, to persons by token and name; then every value against the person's file."""
        self.layout = person_layout()
        rows = self._in_households(self.batch.rows)
        rows = with_tokens(rows, [(one.key, one.sealed) for one in self.layout.columns if one.sealed])
        for name in ("id_number_token", "name"):
            if name not in rows.column_names:
                rows = rows.append_column(name, pa.nulls(rows.num_rows, pa.string()))
        self.db.register("claims", self._claims(rows))
        self.db.register("persons", self._persons(rows))
        match(self.db, self.batch.on)
        rows = self._without_refused(rows)
        self.db.register("rows", rows)
        self.db.execute(f"CREATE TABLE target AS SELECT {ROW}, id FROM matched WHERE how NOT IN ('stale', 'outside')")
        self.comparison = Comparison(
            self.db,
            self.layout,
            self.present,
            self.batch.on,
            extra=(_MOVE,),
            extra_columns=(
                ("household_id", "id"),
                ("region_code", "text"),
                ("(SELECT h.number FROM registry_household h WHERE h.id = household_id) AS household_number", "text"),
            ),
        )
        self.comparison.run()
        self.counts.update(self.comparison.counts())
        self._warn()
        self._find_missing()

    def _in_households(self, rows: pa.Table) -> pa.Table:
        numbers = self.texts("household_number")
        where, keys = existing.any_of("number", {number for number in numbers if number})
        columns = {"number": "text", "id": "id", "region_code": "text", "status": "text"}
        table = existing.read("registry_household", columns, f"WHERE {where}", [keys])
        known = {row["number"]: row for row in table.to_pylist() if row["region_code"].startswith(self.batch.prefix)}
        keep, ids, codes = [], [], []
        for line, number in zip(rows[ROW].to_pylist(), numbers, strict=True):
            household = known.get(number or "")
            if household is None:
                self.refuse(line, "户编号", number, "管辖范围内没有这一户", "核对户编号，或先导入户信息表")
            elif household["status"] != Household.Status.ACTIVE:
                self.refuse(line, "户编号", number, "这一户已注销", "要恢复请先在农户页面办理，再导入")
                household = None
            keep.append(household is not None)
            ids.append(household["id"] if household else None)
            codes.append(household["region_code"] if household else None)
        rows = rows.append_column("x_household_id", pa.array(ids, pa.int64()))
        rows = rows.append_column("x_region_code", pa.array(codes, pa.string()))
        rows = rows.append_column("x_household_number", pa.array(numbers, pa.string()))
        return self.keep(rows, keep)

    def _claims(self, rows: pa.Table) -> pa.Table:
        return pa.table(
            {
                ROW: rows[ROW],
                "household_id": rows["x_household_id"],
                "token": rows["id_number_token"],
                "name": rows["name"],
            }
        )

    def _persons(self, rows: pa.Table) -> pa.Table:
        """Everybody a row could mean: the people of the file's households, and whoever has one of its ID numbers."""
        columns = {
            "p.id": "id",
            "m.household_id": "id",
            "p.id_token AS token": "text",
            "p.name": "text",
            "m.joined_on": "date",
            "m.id AS membership_id": "id",
            "m.relation": "text",
            "h.region_code": "text",
        }
        joined = (
            "registry_person p LEFT JOIN registry_membership m ON m.person_id = p.id AND m.left_on IS NULL "
            "LEFT JOIN registry_household h ON h.id = m.household_id"
        )
        parts = []
        for column, keys in (
            ("m.household_id", set(rows["x_household_id"].to_pylist())),
            ("p.id_token", {token for token in rows["id_number_token"].to_pylist() if token}),
        ):
            where, parameter = existing.any_of(column, keys)
            parts.append(existing.read(joined, columns, f"WHERE {where}", [parameter]))
        self.db.register("read_persons", pa.concat_tables(parts))
        return self.arrow(
            "SELECT DISTINCT id, household_id, nullif(token, '') AS token, name, joined_on::DATE AS joined_on, "
            f"membership_id, relation, starts_with(region_code, '{self.batch.prefix}') AS inside FROM read_persons"
        )

    def _without_refused(self, rows: pa.Table) -> pa.Table:
        why = dict(self.query(f"SELECT {ROW}, how FROM matched WHERE how IN ('stale', 'outside')"))
        keep = []
        for line, name in zip(rows[ROW].to_pylist(), rows["name"].to_pylist(), strict=True):
            keep.append(line not in why)
            if line in why:
                self.refuse(line, "户编号", name, *_REFUSALS[why[line]])
        return self.keep(rows, keep)

    def _warn(self) -> None:
        moved = self.query(
            f"SELECT {ROW}, c.name, h.household_id FROM matched JOIN claims c USING ({ROW}) "
            "JOIN persons h ON h.id = matched.id WHERE how = 'moved' ORDER BY 1"
        )
        renamed = self.query(
            f"SELECT {ROW}, c.name, p.name, how FROM matched JOIN claims c USING ({ROW}) "
            "JOIN persons p ON p.id = matched.id WHERE how IN ('renamed', 'renumbered') ORDER BY 1"
        )
        shared = self.query(SAME_NUMBER)
        numbers = self._numbers({row[2] for row in moved} | {row[3] for row in shared if row[5]})
        self.counts["moved"] = len(moved)
        for line, name, before in moved:
            message = f"由户 {numbers[before]} 转入本户"
            self.warn(line, "户编号", name, message, "核对是否迁入；若不是，请改正户编号或证件号码后重新导入")
        for line, name, before, how in renamed:
            if how == "renamed":
                self.warn(line, "姓名", name, f"同户同证件号码的人原名{before}", "核对姓名；若是另一人，请改正证件号码")
            elif name:
                self.warn(line, "证件号码", name, "此人的证件号码与原来不同", "核对证件号码；若是另一人，请改正姓名")
        self.counts["same_number"] = len(shared)
        for line, name, other_row, other_household, other_name, inside in shared:
            place = f"第 {other_row} 行" if other_row else f"户 {numbers[other_household]}" if inside else ""
            other = f"{place}的{other_name}" if place else "管辖范围以外的一人"
            message = f"证件号码与{other}相同，已分别登记"
            self.warn(line, "证件号码", name, message, "核对两人的证件号码；若是同一人，只保留在实际所在的户")

    def _numbers(self, ids: set[int]) -> dict[int, str]:
        where, keys = existing.any_of("id", ids)
        table = existing.read("registry_household", {"id": "id", "number": "text"}, f"WHERE {where}", [keys])
        return dict(zip(table["id"].to_pylist(), table["number"].to_pylist(), strict=True))

    def _find_missing(self) -> None:
        """People of the file's households that it does not name."""
        self.missing = self.query(
            "SELECT household_id, id FROM persons WHERE household_id IN (SELECT household_id FROM claims) "
            "AND id NOT IN (SELECT id FROM matched WHERE id IS NOT NULL) ORDER BY 1, 2"
        )
        self.counts["missing"] = len(self.missing)

    def write(self, written: Written) -> None:
        """New people and memberships, changed values with their entries, moves, and the list of missing people."""
        self._insert(written)
        for changes in self.comparison.changes("x_household_id"):
            write_changes(written, Person, changes)
            self._relate(written, changes)
        self._move(written)
        self._count_members(written)
        self.counts["relinked"] = relink(written, self.batch.prefix)
        write_missing(written, [row[0] for row in self.missing], [row[1] for row in self.missing])

    def _insert(self, written: Written) -> None:
        change = "r.member_change" if "member_change" in self.present else "NULL"
        changed_on = "r.changed_on" if "changed_on" in self.present else "NULL::DATE"
        joining = f"{change} IN {JOINING} AND {changed_on} <= DATE '{self.batch.on}'"
        for table in self.comparison.new_rows(
            "r.x_household_id AS household_id, r.x_region_code AS region_code, "
            f"CASE WHEN {joining} THEN {changed_on} ELSE DATE '{self.batch.on}' END AS joined_on, "
            f"CASE WHEN {joining} THEN {change} ELSE '' END AS join_reason"
        ):
            person = table.drop_columns(["joined_on", "join_reason"])
            made = constant(person, created_by_source_id=written.source.pk, updated_at=written.now)
            ids = written.writer.insert(Person, made)
            membership = table.select(["household_id", "relation", "joined_on", "join_reason"])
            membership = membership.append_column("person_id", pa.array(ids or (), pa.int64()))
            written.writer.insert(Membership, constant(membership, source_id=written.source.pk))

    def _move(self, written: Written) -> None:
        """End the membership in the household somebody left, and begin the one in the file's household."""
        relation = "r.relation" if "relation" in self.present else "p.relation"
        moves = self.arrow(
            f"""SELECT p.id AS person_id, p.membership_id, r.x_household_id AS household_id,
                coalesce({relation}, p.relation, '') AS relation
            FROM matched JOIN rows r USING ({ROW}) JOIN persons p ON p.id = matched.id
            WHERE how IN ('moved', 'returned') ORDER BY 1"""
        )
        left = [pk for pk in moves["membership_id"].to_pylist() if pk is not None]
        if left:
            ids = pa.chunked_array([pa.array(left, pa.int64())])
            write_prior(written, "membership", ids, [prior_columns(left_on=None, leave_reason="")] * len(left))
            ended = constant(pa.table({"id": ids}), left_on=self.batch.on, leave_reason="08")
            written.writer.update(Membership, ended)
        begun = constant(
            moves.drop_columns(["membership_id"]),
            joined_on=self.batch.on,
            join_reason="07",
            source_id=written.source.pk,
        )
        written.writer.insert(Membership, begun)

    def _relate(self, written: Written, changes: pa.Table) -> None:
        """A changed relation to the head also changes the open membership of those who stayed."""
        if "relation" not in changes.column_names:
            return
        self.db.register("related", changes.select(["id", "relation"]))
        stayed = self.arrow(
            """SELECT p.membership_id AS id, c.relation, p.relation AS was
            FROM related c JOIN persons p USING (id) JOIN matched m USING (id)
            WHERE m.how NOT IN ('moved', 'returned') AND c.relation IS DISTINCT FROM p.relation"""
        )
        prior = [prior_columns(relation=was) for was in stayed["was"].to_pylist()]
        write_prior(written, "membership", stayed["id"], prior)
        written.writer.update(Membership, stayed.select(["id", "relation"]))

    def _count_members(self, written: Written) -> None:
        """Households whose roster row did not say how many people they are get the number of people they have."""
        ids = {row for (row,) in self.query("SELECT DISTINCT household_id FROM claims")}
        where, keys = existing.any_of("h.id", ids)
        counted = existing.read(
            "registry_household h JOIN registry_membership m ON m.household_id = h.id AND m.left_on IS NULL",
            {"h.id": "id", "count(*) AS member_count": "id"},
            f"WHERE {where} AND h.member_count IS NULL GROUP BY h.id",
            [keys],
        )
        write_prior(written, "household", counted["id"], [prior_columns(member_count=None)] * counted.num_rows)
        written.writer.update(Household, counted)

    def sample(self, limit: int) -> dict[str, list[dict[str, Any]]]:
        """The first added and changed people: row, household number, name, and for changes both values."""
        chosen = f"SELECT r.{ROW} AS line, r.household_number AS number, r.name"
        added = f"{chosen} FROM rows r JOIN added USING ({ROW}) ORDER BY 1 LIMIT {int(limit)}"
        changed = self.shown_changes(chosen, "x_household_id", limit)
        return {"added": self.arrow(added).to_pylist(), "changed": changed}
