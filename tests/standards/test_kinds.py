"""The declarations of fields: complete, unambiguous, and consistent with the code lists and the snapshot tables."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from huqing.standards.codelists import codelists
from huqing.standards.fields import Field, RecordKind, department_kinds, record_kinds
from huqing.standards.periods import date_of, month_of, year_of
from huqing.standards.tables import table_schemas
from huqing.standards.text import fold
from huqing.standards.values import check_value

KINDS = record_kinds()
FIELDS = [(kind, field) for kind in KINDS.values() for field in kind.fields]


def field_id(value: object) -> str:
    return str(getattr(value, "key", value))


def test_the_rosters_hold_at_least_what_the_national_form_asks() -> None:
    assert len(KINDS["household"].fields) >= 72
    assert len(KINDS["person"].fields) >= 47
    assert len(department_kinds()) >= 14
    assert {"measure", "village"} <= set(department_kinds())


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=field_id)
def test_every_field_says_what_it_is_why_it_is_collected_and_how_long_kept(kind: RecordKind, field: Field) -> None:
    assert field.label
    assert field.meaning
    assert field.purpose
    assert "期" in field.keep or "年" in field.keep
    assert field.source.endswith(("）", "）；2026 年口径由各省规定", "不含此项", "供收入骤减比较"))
    assert bool(field.codelist) == (field.type in ("code", "codes"))
    if field.codelist:
        assert field.codelist in codelists()


@pytest.mark.parametrize("kind", KINDS.values(), ids=field_id)
def test_no_column_name_could_mean_two_fields(kind: RecordKind) -> None:
    names = Counter(fold(name) for field in kind.fields for name in {fold(n) for n in (field.label, *field.aliases)})
    assert not [name for name, count in names.items() if count > 1]
    assert kind.meaning
    assert kind.department


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=field_id)
def test_limits_are_values_of_the_field(kind: RecordKind, field: Field) -> None:
    readers = {"date": date_of, "month": month_of, "year": year_of}
    for limit in filter(None, (field.minimum, field.maximum)):
        if limit == "as_of":
            assert field.type in readers
        elif field.type in readers:
            readers[field.type](limit)
        else:
            assert field.type in ("integer", "decimal", "money")
            Decimal(limit)
    if field.type in ("integer", "decimal", "money") and field.key != "value":
        assert field.unit


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=field_id)
def test_an_empty_cell_is_missing_and_only_required_fields_mind(kind: RecordKind, field: Field) -> None:
    for nothing in (None, "", "　", "/", float("nan")):
        checked = check_value(field, nothing, as_of=date(2026, 3, 31))
        assert (checked is not None) == field.required


def test_snapshot_tables_can_be_created_as_declared() -> None:
    schemas = table_schemas()
    assert set(schemas) == {*KINDS, "label", "membership"}
    with duckdb.connect() as connection:
        for table, columns in schemas.items():
            drawn = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f'CREATE TABLE "{table}" ({drawn})')


def test_nothing_sealed_and_no_name_of_the_head_enters_a_snapshot() -> None:
    schemas = table_schemas()
    for kind, field in FIELDS:
        if field.sealed or field.linked:
            assert field.key not in schemas[kind.key], (kind.key, field.key)
    assert "head_name" not in schemas["household"]


def test_types_of_a_snapshot_follow_the_declaration() -> None:
    schemas = table_schemas()
    assert schemas["household"]["wage_income"] == "BIGINT"
    assert schemas["household"]["arable_area"] == "DECIMAL(18,2)"
    assert schemas["household"]["risks"] == "VARCHAR[]"
    assert schemas["household"]["income_period_end"] == "VARCHAR"
    assert schemas["person"]["work_months"] == "INTEGER"
    assert schemas["medical_bill"]["settled_on"] == "DATE"
    assert schemas["medical_bill"]["on"] == "DATE"
    assert schemas["insured"]["year"] == "INTEGER"


def test_changing_a_schema_changes_nobody_elses() -> None:
    table_schemas()["household"].clear()
    assert table_schemas()["household"]
