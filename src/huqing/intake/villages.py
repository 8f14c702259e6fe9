"""Taking in the table of villages: a row per village and year, linked by the village's code or names."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from huqing.intake import places
from huqing.intake.departments import DepartmentRecords
from huqing.intake.reading import ROW
from huqing.standards.fields import Field

KIND = "village"
_PLACE = ("village_code", "town_name", "village_name")


class VillageRecords(DepartmentRecords):
    """A plan for the table of villages. A row whose village is not in the county's regions is refused."""

    def _fingerprint(self) -> None:
        self.batch = replace(self.batch, rows=self._accepted(self.batch.rows))
        super()._fingerprint()

    def _accepted(self, rows: pa.Table) -> pa.Table:
        """The rows of known villages, one per village and year, with ``name`` and ``x_village_id``."""
        combinations = list(zip(*(self.texts(key) for key in _PLACE), strict=True))
        found = places.resolve(places.Villages.load(self.batch.prefix, self.batch.on), combinations)
        self.places: dict[int, str] = {}
        listed = list(zip(rows[ROW].to_pylist(), self.texts("year"), combinations, strict=True))
        said_in: dict[tuple[int, str | None], list[int]] = {}
        for line, year, said in listed:
            if named := found[said].village:
                said_in.setdefault((named.id, year), []).append(line)
        keep, ids, names = [], [], []
        for line, year, said in listed:
            place = found[said]
            village = place.village
            if village is None:
                value = said[0] if place.column == "行政村代码" else f"{said[1] or ''}{said[2] or ''}"
                self.refuse(line, place.column, value, place.message, place.remedy)
            elif others := [other for other in said_in[village.id, year] if other != line]:
                message = f"与第 {others[0]} 行是同一个村同一年度（{village.name} {year} 年）"
                self.refuse(line, "行政村", village.name, message, "同一村同一年度只留一行，或改正行政村、年度")
                village = None
            else:
                self.places[line] = village.code
            keep.append(village is not None)
            ids.append(village.id if village else None)
            names.append(village.name if village else None)
        rows = rows.append_column("x_village_id", pa.array(ids, pa.int64()))
        return self.keep(rows.append_column("name", pa.array(names, pa.string())), keep)

    def _identity_part(self, one: Field) -> str:
        """The village itself, however the file names it, and the year."""
        if one.key == "year":
            return super()._identity_part(one)
        return "g.x_village_id::VARCHAR" if one.key == "village_code" else "''"

    def _inherit(self) -> None:
        """A village's rows belong to no household."""

    def _link(self) -> None:
        """Every accepted row has its village already."""

    def work_out(self) -> None:
        """As for other files; every row taken in is linked."""
        super().work_out()
        self.counts.update(linked=self.counts["linked"] + self.counts["unlinked"], unlinked=0)
