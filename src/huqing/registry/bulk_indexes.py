"""Dropping and building secondary indexes around the first big load of a table."""

# ruff: noqa: S608 - table names come from the models and are quoted

from __future__ import annotations

from django.db import connection, models

Model = type[models.Model]

FEW_ROWS = 20_000


def worth_dropping(model: Model, rows: int) -> bool:
    """Whether building the indexes afterwards is cheaper: many rows into a table that holds none."""
    if rows < FEW_ROWS:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(model._meta.db_table)} LIMIT 1")
        return cursor.fetchone() is None


def drop(model: Model) -> list[models.Index]:
    """Drop the declared indexes of ``model`` inside the open transaction and return them for :func:`build`.

    Constraints stay: what the database must guard is guarded during the load too.
    """
    _settle_constraints()
    indexes = list(model._meta.indexes)
    with connection.cursor() as cursor:
        for index in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(index.name)}")
    return indexes


def build(model: Model, indexes: list[models.Index]) -> None:
    """Create ``indexes`` of ``model`` again inside the open transaction."""
    _settle_constraints()
    with connection.cursor() as cursor:
        for index in indexes:
            # The schema editor itself refuses to run inside a transaction on SQLite; only its wording is needed.
            statement = index.create_sql(model, connection.SchemaEditorClass(connection, collect_sql=True))
            cursor.execute(str(statement))


def _settle_constraints() -> None:
    # PostgreSQL does not touch an index while deferred checks of its table are waiting.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
