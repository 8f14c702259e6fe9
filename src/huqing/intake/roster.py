"""The rows of a roster against the registry: which are new, which change what, and what they held before.

Works inside one DuckDB connection. The caller puts there ``rows`` (the good rows, with tokens of sealed values) and
``target`` (row → id of the registry's row, NULL for a new one); what the registry holds is read here.
"""

# ruff: noqa: S608 - names come from the layouts and field declarations

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from huqing.access import seal
from huqing.intake import compare, existing
from huqing.intake.compare import Value
from huqing.intake.layouts import Column, Layout, made_columns
from huqing.intake.plan import Work
from huqing.intake.reading import ROW

SLICE_ROWS = 40_000


@dataclass(frozen=True)
class Tracked:
    """One value that may change and the table columns that follow it: column → (new value as SQL, shape)."""

    value: Value
    columns: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Comparison:
    """A roster's rows compared; ``extra`` are values that the declared layout does not cover (village, household)."""

    db: duckdb.DuckDBPyConnection
    layout: Layout
    present: frozenset[str]
    on: date
    extra: tuple[Tracked, ...] = ()
    extra_columns: tuple[tuple[str, str], ...] = ()

    def run(self) -> None:
        """Leaves the table ``changed`` (rows with differences) and the view ``added`` (rows without a target).

        The registry's rows are read and compared a slice at a time, so that memory does not grow with the file.
        """
        self.db.execute("CREATE VIEW added AS SELECT * FROM target WHERE id IS NULL")
        made = False
        for first, last in self._slices("target WHERE id IS NOT NULL") or [(0, 0)]:
            self._read_old(first, last)
            differing = f"SELECT * FROM pairs WHERE {ROW} BETWEEN {first} AND {last} AND ({self._any_differs})"
            self.db.execute(f"INSERT INTO changed {differing}" if made else f"CREATE TABLE changed AS {differing}")
            made = True
        self.db.unregister("old")

    def counts(self) -> dict[str, int]:
        """``added``, ``changed`` and ``unchanged``."""
        added, matched, changed = self.db.execute(
            "SELECT count(*) FILTER (id IS NULL), count(id), (SELECT count(*) FROM changed) FROM target"
        ).fetchall()[0]
        return {"added": added, "changed": changed, "unchanged": matched - changed}

    def new_rows(self, extra: str) -> Iterator[pa.Table]:
        """The rows to insert, in slices, as columns of the table; ``extra`` is a select list over ``r`` (a row)."""
        items = compare.items_object(self.layout.items)
        fresh = compare.fragments(self.layout.items, self.present)
        columns = "".join(
            f", {new} AS {name}" for column in self._columns() for name, (new, _) in self._followers(column).items()
        )
        for first, last in self._slices("added"):
            plain = self.db.execute(
                f"SELECT r.* FROM rows r JOIN added USING ({ROW}) WHERE {ROW} BETWEEN {first} AND {last} ORDER BY {ROW}"
            ).to_arrow_table()
            self.db.register("making", made_columns(self.layout, plain))
            table = self.db.execute(
                f"SELECT {extra}{columns}, {items} AS items FROM (SELECT r.*, {fresh} FROM making r) r ORDER BY {ROW}"
            ).to_arrow_table()
            self.db.unregister("making")
            yield without_nulls(table, self._text_columns())

    def changes(self, household: str) -> Iterator[pa.Table]:
        """Per changed row, in slices: id, entry_household_id, the entry (``changes``), ``prior`` and new column values.

        ``household`` is SQL for the household the entry belongs to.
        """
        tracked = [*self._tracked(), *self.extra]
        item_values = [one.value for one in tracked if not one.columns]
        columns = "".join(
            f", CASE WHEN {one.value.differs} THEN {_as_held(new, shape)} ELSE was_{name} END AS {name}"
            for one in tracked
            for name, (new, shape) in one.columns.items()
        )
        patch = compare.changed_object(item_values, form="new")
        for first, last in self._slices("changed"):
            self.db.execute(
                f"CREATE OR REPLACE TEMP VIEW slice AS SELECT * FROM changed WHERE {ROW} BETWEEN {first} AND {last}"
            )
            self._mask()
            yield self.db.execute(
                f"""SELECT id, {household} AS entry_household_id, {ROW},
                    {compare.changed_object(self._values(), form="pair")} AS changes,
                    {self._prior(tracked, item_values)} AS prior,
                    json_merge_patch(items, {patch})::VARCHAR AS items{columns}
                FROM slice c JOIN masks USING ({ROW}) ORDER BY id"""
            ).to_arrow_table()

    def _slices(self, source: str) -> list[tuple[int, int]]:
        """Row number ranges that cut ``source`` into slices of ``SLICE_ROWS``."""
        return self.db.execute(
            f"SELECT min({ROW}), max({ROW}) FROM "
            f"(SELECT {ROW}, (row_number() OVER (ORDER BY {ROW}) - 1) // {SLICE_ROWS} AS part FROM {source}) "
            "GROUP BY part ORDER BY part"
        ).fetchall()

    def _columns(self) -> list[Column]:
        return [column for column in self.layout.columns if column.key in self.present]

    def _followers(self, column: Column) -> dict[str, tuple[str, str]]:
        """The table columns of a value: the new value as SQL over a row of ``making``, and its shape."""
        first, *rest = column.columns
        found = {first: (f"made_{first}", "bytes") if column.sealed else (column.key, column.shape)}
        for name in rest:
            new = f"{column.key}_token" if name == column.token else f"made_{name}"
            found[name] = (new, "date" if name.endswith("_date") else "text")
        return found

    def _text_columns(self) -> list[str]:
        return [
            name
            for column in self._columns()
            for name, (_, shape) in self._followers(column).items()
            if shape == "text"
        ]

    def _tracked(self) -> list[Tracked]:
        found = [
            Tracked(Value(one.key, f"n_{one.key}", f"o_{one.key}"))
            for one in self.layout.items
            if one.key in self.present
        ]
        for column in self._columns():
            key, first = column.key, column.columns[0]
            if column.sealed:
                value = Value(key, f"t_{key}", f"ot_{key}", f"mask_new_{key}", f"mask_old_{key}")
            else:
                old = f"was_{first}::VARCHAR" if column.shape == "id" else compare.text(f"was_{first}::VARCHAR")
                value = Value(key, f"n_{key}", old)
            found.append(Tracked(value, self._followers(column)))
        return found

    @property
    def _any_differs(self) -> str:
        return compare.any_differs(self._values())

    def _values(self) -> list[Value]:
        return [one.value for one in (*self._tracked(), *self.extra)]

    def _read_old(self, first: int, last: int) -> None:
        found = self.db.execute(f"SELECT id FROM target WHERE id IS NOT NULL AND {ROW} BETWEEN {first} AND {last}")
        ids = [row for (row,) in found.fetchall()]
        kinds = {"id": "id", "items": "json"}
        for column in self.layout.columns:
            for name, (_, shape) in self._followers(column).items():
                kinds[name] = shape
        for name, shape in self.extra_columns:
            kinds[name] = shape
        where, keys = existing.any_of("id", ids)
        old = existing.read(self.layout.table, kinds, f"WHERE {where}", [keys])
        old = old.rename_columns([name if name in ("id", "items") else f"was_{name}" for name in old.column_names])
        for column in self._columns():
            if column.sealed and not column.token:
                plain = seal.unseal_many(old[f"was_{column.columns[0]}"].to_pylist())
                tokens = seal.token_many(column.sealed, plain)
                old = old.append_column(f"was_{column.key}_token", pa.array(tokens, pa.string()))
        self.db.register("old", old)
        self.db.register("later", existing.later_values(self.layout.kind.subject, ids, self.on))
        self._views()

    def _views(self) -> None:
        plain = [self.layout.kind[column.key] for column in self._columns() if not column.sealed]
        fresh = compare.fragments([*self.layout.items, *plain], self.present)
        tokens = "".join(f", r.{column.key}_token AS t_{column.key}" for column in self._columns() if column.sealed)
        old_tokens = "".join(
            f", nullif(was_{column.token or column.key + '_token'}, '') AS ot_{column.key}"
            for column in self._columns()
            if column.sealed
        )
        extra = "".join(f", r.{name}" for name in self._extra_row_columns())
        self.db.execute(
            f"""CREATE OR REPLACE TEMP VIEW pairs AS
            SELECT f.*, h.* EXCLUDE (id){old_tokens}, l.later
            FROM (SELECT r.{ROW}, t.id, {fresh}{tokens}{extra} FROM rows r JOIN target t USING ({ROW})) f
            JOIN ({compare.held(self.layout.items, "old")}) h ON h.id = f.id
            LEFT JOIN later l ON l.id = f.id"""
        )

    def _extra_row_columns(self) -> Sequence[str]:
        names = self.db.execute("SELECT column_name FROM (DESCRIBE rows)").fetchall()
        return [name for (name,) in names if name.startswith("x_")]

    def _mask(self) -> None:
        """``masks``: per changed row what an entry may show of sealed values, and what only Python can make."""
        plain = self.db.execute(f"SELECT r.* FROM rows r JOIN slice USING ({ROW}) ORDER BY {ROW}").to_arrow_table()
        made = made_columns(self.layout, plain)
        keep = [ROW, *(name for name in made.column_names if name.startswith("made_") or name.endswith("_token"))]
        keep += [column.key for column in self._columns() if not column.sealed]
        for column in self._columns():
            if not column.sealed:
                continue
            old = self.db.execute(
                f"SELECT CASE WHEN t_{column.key} IS DISTINCT FROM ot_{column.key} THEN was_{column.columns[0]} END "
                f"FROM slice ORDER BY {ROW}"
            ).fetchall()
            former = seal.unseal_many([row for (row,) in old])
            for side, values in (("new", made[column.key].to_pylist()), ("old", former)):
                masked = [json.dumps(seal.mask(column.sealed, value)) if value else None for value in values]
                made = made.append_column(f"mask_{side}_{column.key}", pa.array(masked, pa.string()))
                keep.append(f"mask_{side}_{column.key}")
        self.db.register("masks", made.select(list(dict.fromkeys(keep))))

    def _prior(self, tracked: Iterable[Tracked], item_values: Sequence[Value]) -> str:
        parts = []
        for one in tracked:
            for name, (_, shape) in one.columns.items():
                old = {"bytes": f"to_json(to_base64(was_{name}))", "id": f"was_{name}"}.get(
                    shape, f"to_json(was_{name})"
                )
                parts.append(
                    f"CASE WHEN {one.value.differs} THEN '\"{name}\":' || coalesce({old}::VARCHAR, 'null') END"
                )
        items = compare.changed_object(item_values, form="old")
        return f"'{{\"items\":' || {items} || ',\"columns\":{{' || concat_ws(',', {', '.join(parts)}) || '}}}}'"


class RosterWork(Work):
    """What the plans of both rosters share."""

    comparison: Comparison

    def shown_changes(self, chosen: str, household: str, limit: int) -> list[dict[str, Any]]:
        """The first changed rows for the preview: ``chosen`` columns of the row ``r``, and its ``changes``."""
        for changes in self.comparison.changes(household):
            self.db.register("shown", changes.slice(0, limit).select([ROW, "changes"]))
            return self.arrow(f"{chosen}, s.changes FROM shown s JOIN rows r USING ({ROW}) ORDER BY 1").to_pylist()
        return []


def _as_held(new: str, shape: str) -> str:
    return f"CAST({new} AS VARCHAR)" if shape == "date" else new


def without_nulls(table: pa.Table, columns: Iterable[str]) -> pa.Table:
    """``table`` with the empty text for missing values of text columns, which the database does not let be NULL."""
    for name in columns:
        position = table.column_names.index(name)
        table = table.set_column(position, name, table[name].fill_null(""))
    return table
