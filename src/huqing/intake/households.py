"""Taking in the household roster: one row per household, keyed by its number."""

# ruff: noqa: S608 - names come from the layouts and field declarations

from __future__ import annotations

from typing import Any

import pyarrow as pa

from huqing.intake import existing, labels, places
from huqing.intake.compare import Value, text
from huqing.intake.grids import Grids
from huqing.intake.layouts import household_layout, with_tokens
from huqing.intake.plan import Written, constant, write_changes, write_missing
from huqing.intake.reading import ROW
from huqing.intake.roster import Comparison, RosterWork, Tracked
from huqing.registry.models import Household

_NEW = "r.number, r.x_village_id AS village_id, r.x_region_code AS region_code, r.x_grid_id AS grid_id"
_PLACE = ("village_code", "town_name", "village_name")
_VILLAGE = Tracked(
    Value("village_code", text("x_region_code"), text("was_region_code")),
    {"village_id": ("x_village_id", "id"), "region_code": ("x_region_code", "text")},
)


_GRID = Tracked(
    Value(
        "网格",
        "x_grid_id::VARCHAR",
        "was_grid_id::VARCHAR",
        "(SELECT to_json(name)::VARCHAR FROM grids WHERE grids.id = x_grid_id)",
        "(SELECT to_json(name)::VARCHAR FROM grids WHERE grids.id = was_grid_id)",
    ),
    {"grid_id": ("x_grid_id", "id")},
)


class HouseholdRoster(RosterWork):
    """A plan for the household roster."""

    def work_out(self) -> None:
        """Rows by number and village; then every value against the file of that household."""
        self.layout = household_layout()
        rows = self._accepted(self.batch.rows)
        rows = with_tokens(rows, [(one.key, one.sealed) for one in self.layout.columns if one.sealed])
        self.db.register("rows", rows)
        self.db.execute(f"CREATE TABLE target AS SELECT {ROW}, x_id AS id FROM rows")
        self.comparison = Comparison(
            self.db,
            self.layout,
            self.present,
            self.batch.on,
            extra=(_VILLAGE, _GRID),
            extra_columns=(("village_id", "id"), ("region_code", "text"), ("grid_id", "id")),
        )
        self.comparison.run()
        self.counts.update(self.comparison.counts())
        self._warn_of_moves()
        self._find_missing(rows)

    def _accepted(self, rows: pa.Table) -> pa.Table:
        """The rows that may be taken in, with ``x_id``, ``x_village_id`` and ``x_region_code``."""
        numbers, lines = self.texts("number"), rows[ROW].to_pylist()
        known = self._known(numbers)
        combinations = list(zip(*(self.texts(key) for key in _PLACE), strict=True))
        villages = places.Villages.load(self.batch.prefix, self.batch.on)
        found = places.resolve(villages, combinations)
        keep, ids, village_ids, codes, homes = [], [], [], [], []
        for number, line, combination in zip(numbers, lines, combinations, strict=True):
            at = known.get(number or "")
            place = found[combination]
            keep.append(self._may_enter(line, number or "", at, place, combination))
            ids.append(at[0] if at else None)
            village_ids.append(place.village.id if place.village else None)
            codes.append(place.village.code if place.village else None)
            homes.append(place.village.code if place.village else at[1] if at else "")
        rows = rows.append_column("x_id", pa.array(ids, pa.int64()))
        rows = rows.append_column("x_village_id", pa.array(village_ids, pa.int64()))
        rows = rows.append_column("x_region_code", pa.array(codes, pa.string()))
        grids = self._grids(homes, keep)
        return self.keep(rows.append_column("x_grid_id", pa.array(grids, pa.int64())), keep)

    def _grids(self, villages: list[str], keep: list[bool]) -> list[int | None]:
        """The grid each row names; a name that its village has not is told, and changes nothing."""
        known = Grids.load(self.batch.prefix)
        self.db.register("grids", known.table())
        found: list[int | None] = []
        for line, said, village, kept in zip(
            self.batch.rows[ROW].to_pylist(), self.texts("grid_name"), villages, keep, strict=True
        ):
            grid = known.find(village, said) if said and kept else None
            found.append(grid)
            if said and kept and grid is None:
                message = "这个村没有这个网格，网格没有改动"
                self.warn(line, "网格", said, message, "核对网格名称或序号；还没有建的网格，先在“区划与网格”里新建")
        return found

    def _known(self, numbers: list[str | None]) -> dict[str, tuple[int, str, str]]:
        where, keys = existing.any_of("number", {number for number in numbers if number})
        columns = {"number": "text", "id": "id", "region_code": "text", "status": "text"}
        table = existing.read("registry_household", columns, f"WHERE {where}", [keys])
        return {row["number"]: (row["id"], row["region_code"], row["status"]) for row in table.to_pylist()}

    def _may_enter(
        self,
        line: int,
        number: str,
        known: tuple[int, str, str] | None,
        place: places.Place,
        said: tuple[str | None, ...],
    ) -> bool:
        if known and not known[1].startswith(self.batch.prefix):
            self.refuse(
                line, "户编号", number, "这个户编号已被管辖范围以外的农户使用", "核对户编号；农户迁移请由县级办理"
            )
        elif known and known[2] == Household.Status.CANCELLED:
            self.refuse(line, "户编号", number, "这一户已注销", "要恢复请先在农户页面办理，再导入")
        elif place.village is None and (known is None or any(said)):
            value = said[0] if place.column == "行政村代码" else f"{said[1] or ''}{said[2] or ''}"
            self.refuse(line, place.column, value, place.message, place.remedy)
        else:
            return True
        return False

    def _warn_of_moves(self) -> None:
        differing = f"SELECT {ROW}, was_region_code, x_region_code FROM changed WHERE {_VILLAGE.value.differs}"
        moved = self.query(
            f"SELECT {ROW}, r.number, p.was_region_code, p.x_region_code "
            f"FROM ({differing}) p JOIN rows r USING ({ROW}) ORDER BY 1"
        )
        self.counts["moved"] = len(moved)
        for line, number, before, after in moved:
            message = f"所在村由 {before} 变为 {after}"
            self.warn(line, "行政村", number, message, "核对是否搬迁；若填错，请改正后重新导入")

    def _find_missing(self, rows: pa.Table) -> None:
        """Active households of the villages the file covers that it does not name."""
        where, keys = existing.any_of("region_code", {code for code in rows["x_region_code"].to_pylist() if code})
        inside = existing.read(
            "registry_household", {"id": "id", "number": "text"}, f"WHERE {where} AND status = 'active'", [keys]
        )
        named = {number for number in self.texts("number") if number} | self.batch.refused_keys
        self.missing = [
            pk
            for pk, number in zip(inside["id"].to_pylist(), inside["number"].to_pylist(), strict=True)
            if number not in named
        ]
        self.counts["missing"] = len(self.missing)

    def write(self, written: Written) -> None:
        """New households, changed values with their entries, labels, and the list of missing ones."""
        touched = [self._insert(written), self._update(written)]
        labels.derive_from_rosters(written, [one for part in touched for one in part], self.batch.on)
        write_missing(written, self.missing)

    def _insert(self, written: Written) -> list[int]:
        ids: list[int] = []
        for table in self.comparison.new_rows(_NEW):
            made = constant(table, created_by_source_id=written.source.pk, updated_at=written.now)
            ids += written.writer.insert(Household, made) or ()
        return ids

    def _update(self, written: Written) -> list[int]:
        ids: list[int] = []
        for changes in self.comparison.changes("id"):
            write_changes(written, Household, changes)
            ids += changes["id"].to_pylist()
        return ids

    def sample(self, limit: int) -> dict[str, list[dict[str, Any]]]:
        """The first added and changed households: row, number, head, and for changes the fields with both values."""
        name = "r.head_name" if "head_name" in self.present else "NULL"
        chosen = f"SELECT r.{ROW} AS line, r.number, {name} AS name"
        added = f"{chosen} FROM rows r JOIN added USING ({ROW}) ORDER BY 1 LIMIT {int(limit)}"
        return {"added": self.arrow(added).to_pylist(), "changed": self.shown_changes(chosen, "id", limit)}
