"""SQL (DuckDB) that compares the rows of a file with what the registry holds, value by value.

Every value is compared as its JSON text: what the items hold, what an entry quotes and what a file says are then the
same kind of thing for every declared type, and nothing passes through Python row by row.
"""

# ruff: noqa: S608 - names come from the field declarations

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from huqing.standards.fields import Field

EVERYTHING = "*"
"""In a row's ``later`` list: every value the row has is of a later date than the file."""


@dataclass(frozen=True)
class Value:
    """One comparable value: its key in entries and its text on both sides (NULL: not there).

    ``new`` and ``old`` are compared; ``shown_new`` and ``shown_old`` are the JSON texts an entry quotes (masked for
    sealed fields) where they are not the same thing.
    """

    key: str
    new: str
    old: str
    shown_new: str = ""
    shown_old: str = ""

    @property
    def differs(self) -> str:
        """SQL: the file says something else than the registry, and nothing of a later date stands against it.

        An empty cell says nothing: files are exported with the columns of one office, and a blank is not a "none".
        """
        stands = (
            f"list_contains(later, '{self.key}') OR (list_contains(later, '{EVERYTHING}') AND {self.old} IS NOT NULL)"
        )
        return f"({self.new} IS NOT NULL AND {self.new} IS DISTINCT FROM {self.old} AND NOT coalesce({stands}, FALSE))"


def text(column: str) -> str:
    """SQL: the JSON text of a text column; the empty text counts as missing."""
    return f"to_json(nullif({column}, ''))::VARCHAR"


def fragment(field: Field, column: str) -> str:
    """SQL: the JSON text of a typed column of ``field``, NULL for a missing value."""
    if field.type in ("integer", "year", "money"):
        return f"CAST({column} AS BIGINT)::VARCHAR"
    if field.type == "boolean":
        return f"CAST({column} AS BOOLEAN)::VARCHAR"
    if field.type == "decimal":
        return f"'\"' || CAST({column} AS DECIMAL(18,{field.scale}))::VARCHAR || '\"'"
    if field.type == "date":
        return f"'\"' || CAST({column} AS DATE)::VARCHAR || '\"'"
    if field.type == "codes":
        return f"CASE WHEN len({column}) > 0 THEN to_json({column})::VARCHAR END"
    return text(f"CAST({column} AS VARCHAR)")


def fragments(fields: Iterable[Field], present: Iterable[str], alias: str = "r") -> str:
    """SQL select list: ``n_<key>`` for each field, NULL for those that the file does not have."""
    there = set(present)
    return ", ".join(
        f"{fragment(field, f'{alias}.{field.key}') if field.key in there else 'NULL::VARCHAR'} AS n_{field.key}"
        for field in fields
    )


def held(fields: Sequence[Field], source: str) -> str:
    """SQL query: ``source`` with ``o_<key>`` per field, the JSON text of what ``items`` holds; one parse for all."""
    shape = ", ".join(f'"{field.key}":"JSON"' for field in fields)
    keys = ", ".join(f"parsed.{field.key}::VARCHAR AS o_{field.key}" for field in fields)
    return f"SELECT * EXCLUDE (parsed), {keys} FROM (SELECT *, from_json(items, '{{{shape}}}') AS parsed FROM {source})"


def items_object(fields: Iterable[Field], prefix: str = "n_") -> str:
    """SQL: the items as JSON text; missing values have no key."""
    pairs = ", ".join(f"'\"{field.key}\":' || {prefix}{field.key}" for field in fields)
    return f"'{{' || concat_ws(',', {pairs}) || '}}'" if pairs else "'{}'"


def changed_object(values: Iterable[Value], *, form: Literal["pair", "old", "new"]) -> str:
    """SQL: a JSON object of the values that differ, as [old, new], old or new."""
    parts = []
    for value in values:
        old = f"coalesce({value.shown_old or value.old}, 'null')"
        new = value.shown_new or value.new
        shown = {"pair": f"'[' || {old} || ',' || {new} || ']'", "old": old, "new": new}[form]
        parts.append(f"CASE WHEN {value.differs} THEN '\"{value.key}\":' || {shown} END")
    return f"'{{' || concat_ws(',', {', '.join(parts)}) || '}}'" if parts else "'{}'"


def any_differs(values: Iterable[Value]) -> str:
    """SQL: at least one value differs."""
    return " OR ".join(value.differs for value in values) or "FALSE"
