"""Reading snapshot tables through Django's own connection: one household now, or everything inside a transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa
from django.db import connection

from huqing.registry.snapshot_tables import WHOLE_NUMBERS, arrow_schema, statement
from huqing.standards.fields import department_kinds
from huqing.standards.tables import table_schemas


def one_household(household_id: int) -> dict[str, pa.Table]:
    """All tables of one household in six reads; see ``snapshot.one_household``."""
    tables = _empty()
    found = _fetch("household", "id = %s AND status = 'active'", household_id)
    if not found:
        return tables
    tables["household"] = _typed("household", found)
    tables["village"] = _village(found[0]["region_code"])
    for table in ("person", "label", "membership"):
        tables[table] = _typed(table, _fetch(table, "household_id = %s", household_id))
    records = _fetch("record", "household_id = %s AND retired_by_id IS NULL", household_id)
    for kind in department_kinds():
        rows = [row for row in records if row["kind"] == kind]
        if rows:
            tables[kind] = _typed(kind, rows)
    return tables


def one_village(region_code: str) -> dict[str, pa.Table]:
    """A village's own row, and its active households with their people; see ``snapshot.one_village``."""
    tables = _empty()
    tables["village"] = _village(region_code)
    households = _fetch("household", "region_code = %s AND status = 'active'", region_code)
    tables["household"] = _typed("household", households)
    inside = "household_id IN (SELECT id FROM registry_household WHERE region_code = %s AND status = 'active')"
    tables["person"] = _typed("person", _fetch("person", inside, region_code))
    return tables


def _empty() -> dict[str, pa.Table]:
    return {table: arrow_schema(table).empty_table() for table in table_schemas()}


def _village(region_code: str) -> pa.Table:
    """The row of the newest year, or none."""
    rows = _fetch("village", "region_code = %s", region_code)
    newest = max(rows, key=lambda row: json.loads(row["items"])["year"], default=None)
    return _typed("village", [newest] if newest else [])


def _fetch(table: str, condition: str, value: int | str) -> list[dict[str, Any]]:
    sql, columns = statement(table, connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} WHERE {condition} ORDER BY id", [value])
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _typed(table: str, rows: list[dict[str, Any]]) -> pa.Table:
    schema = arrow_schema(table)
    kinds = table_schemas()[table]
    flat = [{**row, **json.loads(row["items"])} if "items" in row else row for row in rows]
    columns = []
    for field in schema:
        convert = _CONVERTERS.get(kinds[field.name].split("(")[0], _same)
        columns.append(pa.array([convert(row.get(field.name)) for row in flat], field.type))
    return pa.table(columns, schema=schema)


def _same(value: Any) -> Any:
    return value


def _or_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What does not fit its type becomes NULL, as in DuckDB's from_json."""

    def converted(value: Any) -> Any:
        if value is None:
            return None
        try:
            return convert(value)
        except (TypeError, ValueError, InvalidOperation):
            return None

    return converted


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "DATE": _or_none(lambda value: dt.date.fromisoformat(str(value))),
    "DECIMAL": _or_none(lambda value: Decimal(str(value))),
    "BOOLEAN": _or_none(bool),
    "INTEGER": _or_none(int),
    "BIGINT": _or_none(int),
    "VARCHAR": _or_none(str),
}


def fetch(sql: str, columns: tuple[str, ...]) -> pa.Table:
    """Rows of a read-out as whole numbers and texts, as the readers of a snapshot give them."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = []
    for name, values in zip(columns, by_column, strict=True):
        convert, kind = (int, pa.int64()) if name in WHOLE_NUMBERS else (str, pa.string())
        # Django's SQLite connection hands dates out as dates.
        arrays.append(pa.array([None if value is None else convert(value) for value in values], kind))
    return pa.table(arrays, names=list(columns))
