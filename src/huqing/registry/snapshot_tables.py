"""From stored rows to the typed tables of a snapshot: the read-out statements and DuckDB's typing. No Django here."""

from __future__ import annotations

import json
from functools import cache

import duckdb
import pyarrow as pa

from huqing.standards.tables import HOUSEHOLD as HOUSEHOLD_TABLE
from huqing.standards.tables import LABEL as LABEL_TABLE
from huqing.standards.tables import MEMBERSHIP as MEMBERSHIP_TABLE
from huqing.standards.tables import PERSON as PERSON_TABLE
from huqing.standards.tables import RECORD as RECORD_TABLE
from huqing.standards.tables import VILLAGE as VILLAGE_TABLE
from huqing.standards.tables import item_columns, table_schemas

HOUSEHOLD = """SELECT id, number, region_code, substr(region_code, 1, 9) AS town_code, group_name, member_count, status,
 phone_sealed IS NOT NULL AS has_phone,
 CASE WHEN phone_state <> '' THEN phone_state WHEN phone_sealed IS NULL THEN 'missing' END AS phone_state,
 CASE WHEN phone_token <> '' THEN phone_token END AS phone_token,
 contact_phone_sealed IS NOT NULL AS has_contact_phone, {items} AS items FROM registry_household"""
PERSON = """SELECT id, household_id, region_code, CASE WHEN id_type <> '' THEN id_type END AS id_type,
 CASE WHEN id_token <> '' THEN id_token END AS id_token,
 CASE WHEN id_state <> '' THEN id_state END AS id_state, {id_birth_date} AS id_birth_date,
 CASE WHEN id_sex <> '' THEN id_sex END AS id_sex, CASE WHEN sex <> '' THEN sex END AS sex,
 {birth_date} AS birth_date, CASE WHEN relation <> '' THEN relation END AS relation,
 phone_sealed IS NOT NULL AS has_phone,
 CASE WHEN phone_state <> '' THEN phone_state WHEN phone_sealed IS NULL THEN 'missing' END AS phone_state,
 CASE WHEN phone_token <> '' THEN phone_token END AS phone_token, {items} AS items FROM registry_person"""
LABEL = "SELECT household_id, person_id, kind, {valid_from} AS valid_from, {valid_to} AS valid_to FROM registry_label"
MEMBERSHIP = """SELECT person_id, household_id, relation, {joined_on} AS joined_on, {left_on} AS left_on
 FROM registry_membership"""
RECORD = """SELECT kind, id, household_id, person_id, region_code, {on} AS "on", source_id, row_number, {items} AS items
 FROM registry_departmentrecord"""
# A village's rows hang on nothing but the code of its region, which follows every recoding.
VILLAGE = """SELECT id, region_code, source_id, row_number, {items} AS items FROM (
 SELECT r.id, r.code AS region_code, d.source_id, d.row_number, d.items FROM registry_departmentrecord d
 JOIN registry_region r ON r.code = d.region_code AND r.valid_to IS NULL
 WHERE d.household_id IS NULL AND d.kind = 'village' AND d.retired_by_id IS NULL) AS villages"""
STATEMENTS = {
    "household": HOUSEHOLD,
    "person": PERSON,
    "label": LABEL,
    "membership": MEMBERSHIP,
    "record": RECORD,
    "village": VILLAGE,
}
STORED_IN = {
    "household": "registry_household",
    "person": "registry_person",
    "label": "registry_label",
    "membership": "registry_membership",
    "record": "registry_departmentrecord",
}
# What a read-out selects as whole numbers; everything else is text.
WHOLE_NUMBERS = frozenset(
    [
        "id",
        "household_id",
        "person_id",
        "source_id",
        "row_number",
        "member_count",
        "has_phone",
        "has_contact_phone",
        "first",
        "last",
    ]
)
RECORD_COLUMNS = ("kind", *RECORD_TABLE, "items")
DATES = ("id_birth_date", "birth_date", "valid_from", "valid_to", "joined_on", "left_on", "on")


@cache
def statement(table: str, vendor: str) -> tuple[str, tuple[str, ...]]:
    """The read-out of one table without a condition, and its columns.

    Dates come as ISO text and items as JSON text on both databases.
    """
    as_text = "" if vendor == "sqlite" else "::text"
    columns = {name: f'"{name}"{as_text}' for name in DATES} | {"items": f"items{as_text}"}
    return STATEMENTS[table].format(**columns), _COLUMNS[table]


_COLUMNS: dict[str, tuple[str, ...]] = {
    "household": (*HOUSEHOLD_TABLE, "items"),
    "person": (*PERSON_TABLE, "items"),
    "label": tuple(LABEL_TABLE),
    "membership": tuple(MEMBERSHIP_TABLE),
    "record": RECORD_COLUMNS,
    "village": (*VILLAGE_TABLE, "items"),
}
NEWEST_VILLAGES = (
    "SELECT * FROM villages QUALIFY row_number() OVER (PARTITION BY id ORDER BY year DESC) = 1 ORDER BY id"
)


@cache
def typing_sql(table: str) -> str:
    """The DuckDB query that types a relation ``raw``: casts, and one from_json for all items of a row.

    One call with a struct is ten times as fast as one extraction per item. What does not fit its type becomes NULL.
    """
    schema = table_schemas()[table]
    if table in ("label", "membership"):
        casts = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in schema.items())
        return f"SELECT {casts} FROM raw"  # noqa: S608  names and types are declared, not typed by anyone
    items = item_columns(table)
    casts = [f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in schema.items() if name not in items]
    structure = json.dumps(items).replace("'", "''")
    fields = [f'parsed."{name}" AS "{name}"' for name in items]
    return (
        f"SELECT {', '.join([*casts, *fields])} FROM "  # noqa: S608  as above
        f"(SELECT * EXCLUDE (items), from_json(items, '{structure}') AS parsed FROM raw)"
    )


@cache
def arrow_schema(table: str) -> pa.Schema:
    """The Arrow schema of a typed table."""
    columns = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in table_schemas()[table].items())
    with duckdb.connect() as db:
        return db.sql(f"SELECT {columns}").to_arrow_table().schema
