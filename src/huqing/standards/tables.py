"""The tables of a snapshot: names, columns and DuckDB types, derived from the field declarations.

Snapshots write them, rules name their columns, tests build small ones. Money is BIGINT fen; nothing sealed appears.
A village has one row, that of its newest year; its ``id`` is that of its region.
"""

from __future__ import annotations

from functools import cache

from huqing.standards.fields import Field, department_kinds, record_kinds

HOUSEHOLD = {
    "id": "BIGINT",
    "number": "VARCHAR",
    "region_code": "VARCHAR",
    "town_code": "VARCHAR",
    "group_name": "VARCHAR",
    "member_count": "INTEGER",
    "status": "VARCHAR",
    "has_phone": "BOOLEAN",
    "phone_state": "VARCHAR",
    "phone_token": "VARCHAR",
    "has_contact_phone": "BOOLEAN",
}
PERSON = {
    "id": "BIGINT",
    "household_id": "BIGINT",
    "region_code": "VARCHAR",
    "id_type": "VARCHAR",
    "id_token": "VARCHAR",
    "id_state": "VARCHAR",
    "id_birth_date": "DATE",
    "id_sex": "VARCHAR",
    "sex": "VARCHAR",
    "birth_date": "DATE",
    "relation": "VARCHAR",
    "has_phone": "BOOLEAN",
    "phone_state": "VARCHAR",
    "phone_token": "VARCHAR",
}
LABEL = {
    "household_id": "BIGINT",
    "person_id": "BIGINT",
    "kind": "VARCHAR",
    "valid_from": "DATE",
    "valid_to": "DATE",
}
MEMBERSHIP = {
    "person_id": "BIGINT",
    "household_id": "BIGINT",
    "relation": "VARCHAR",
    "joined_on": "DATE",
    "left_on": "DATE",
}
RECORD = {
    "id": "BIGINT",
    "household_id": "BIGINT",
    "person_id": "BIGINT",
    "region_code": "VARCHAR",
    "on": "DATE",
    "source_id": "BIGINT",
    "row_number": "INTEGER",
}
VILLAGE = {
    "id": "BIGINT",
    "region_code": "VARCHAR",
    "source_id": "BIGINT",
    "row_number": "INTEGER",
}
_TYPES = {
    "text": "VARCHAR",
    "name": "VARCHAR",
    "region": "VARCHAR",
    "code": "VARCHAR",
    "month": "VARCHAR",
    "codes": "VARCHAR[]",
    "integer": "INTEGER",
    "year": "INTEGER",
    "money": "BIGINT",
    "date": "DATE",
    "boolean": "BOOLEAN",
}


def column_type(field: Field) -> str:
    """The DuckDB type of an unsealed field. KeyError for a sealed one: it never enters a snapshot."""
    return f"DECIMAL(18,{field.scale})" if field.type == "decimal" else _TYPES[field.type]


def item_columns(kind: str) -> dict[str, str]:
    """The typed columns of the JSON items of a record kind, in declaration order."""
    return {field.key: column_type(field) for field in record_kinds()[kind].items}


@cache
def _schemas() -> dict[str, dict[str, str]]:
    kinds = dict.fromkeys(department_kinds(), RECORD)
    fixed = {"household": HOUSEHOLD, "person": PERSON, **kinds, "village": VILLAGE}
    schemas = {}
    for kind, columns in fixed.items():
        items = item_columns(kind)
        clash = columns.keys() & items.keys()
        if clash:
            raise ValueError(f"{kind}: {sorted(clash)} are declared as items and as columns of the snapshot")
        schemas[kind] = columns | items
    return schemas | {"label": LABEL, "membership": MEMBERSHIP}


def table_schemas() -> dict[str, dict[str, str]]:
    """table → column → DuckDB type, for every table of a snapshot; a fresh copy each time."""
    return {table: dict(columns) for table, columns in _schemas().items()}
