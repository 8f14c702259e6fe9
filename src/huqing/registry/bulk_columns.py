"""Arrow columns in the form the database holds them, so that Django reads them back unchanged."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, models
from pyarrow import csv as pa_csv

Model = type[models.Model]


def complete(model: Model, table: pa.Table) -> pa.Table:
    """``table`` with every column of the model, in the database's form; left-out ones get their default."""
    table = convert(model, table)
    for field in model._meta.concrete_fields:
        if field.column in table.column_names:
            continue
        value = _default(field)
        column = pa.nulls(table.num_rows, pa.string()) if value is None else pa.repeat(value, table.num_rows)
        table = table.append_column(field.column, column)
    return table


def convert(model: Model, table: pa.Table) -> pa.Table:
    """``table`` with every value in the database's form; a column the model does not have is an error."""
    fields = {field.column: field for field in model._meta.concrete_fields}
    unknown = [name for name in table.column_names if name not in fields]
    if unknown:
        raise ValueError(f"{model._meta.label} has no column {', '.join(unknown)}; use the database's column names")
    columns = [_convert(fields[name], table[name]) for name in table.column_names]
    return pa.table(columns, names=table.column_names)


def constants(table: pa.Table) -> dict[str, str]:
    """The columns of a converted table that hold one value throughout, as SQL literals; ``id`` never."""
    found = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        first = column[0].as_py()
        if name == "id" or isinstance(first, bytes | float) or (isinstance(first, str) and "\0" in first):
            continue
        if column.null_count == len(column):
            found[name] = "NULL"
        elif column.null_count == 0 and pc.all(pc.equal(column, column[0])).as_py():
            found[name] = "'" + first.replace("'", "''") + "'" if isinstance(first, str) else str(int(first))
    return found


def rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """The rows of a converted table as tuples for ``executemany``."""
    return zip(*(_objects(column) for column in table.columns), strict=True)


def csv(table: pa.Table) -> bytes:
    """A converted table as CSV for COPY: quoted texts, NULL as nothing."""
    columns = [_hex(column) if pa.types.is_binary(column.type) else column for column in table.columns]
    out = io.BytesIO()
    pa_csv.write_csv(
        pa.table(columns, names=table.column_names), out, write_options=pa_csv.WriteOptions(include_header=False)
    )
    return out.getvalue()


def _default(field: models.Field[Any, Any]) -> Any:
    """The database value of a column nobody filled."""
    if field.has_default():
        value = field.get_default()
        return "{}" if value == {} else "[]" if value == [] else str(value) if isinstance(value, str) else value
    if field.null:
        return None
    if isinstance(field, models.CharField | models.TextField):
        return ""
    raise ValueError(f"{field.model._meta.label}: column {field.column} is required")


def _convert(field: models.Field[Any, Any], column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_decimal(kind):
        raise ValueError(f"{field.model._meta.label}: column {field.column} is decimal; amounts are integer fen")
    if pa.types.is_timestamp(kind):
        return _time_text(column)
    if pa.types.is_date(kind):
        column = column.cast(pa.date32()).cast(pa.string())
    elif pa.types.is_boolean(kind) and connection.vendor == "sqlite":
        column = column.cast(pa.int8())
    elif pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
        column = column.cast(pa.binary())
    elif pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        column = column.cast(pa.string())
    return column


def _time_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Times as naive UTC text, which SQLite keeps; PostgreSQL is told the zone."""
    if column.type.tz is not None:
        column = column.cast(pa.timestamp("us", "UTC"))
    # An import has one time of entry: formatting the distinct times is a fraction of formatting all.
    distinct = column.cast(pa.timestamp("us")).combine_chunks().dictionary_encode()
    text = pc.strftime(distinct.dictionary, "%Y-%m-%d %H:%M:%S")
    if connection.vendor != "sqlite":
        text = pc.binary_join_element_wise(text, "+00", "")
    return pa.chunked_array([text.take(distinct.indices)])


def _objects(column: pa.ChunkedArray) -> list[Any]:
    # Through pandas' object arrays: several times faster than to_pylist, and ints with gaps stay ints.
    return column.to_pandas(integer_object_nulls=True).tolist()


def _hex(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if value is None else "\\x" + value.hex() for value in _objects(column)], pa.string())
