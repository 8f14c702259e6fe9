"""Dropping and building secondary indexes around the first big load of a table."""

# ruff: noqa: S608 - table names come from the models and are quoted

from __future__ import annotations

from django.db import connection, models

Model = type[models.Model]

FEW_ROWS = 20_000

_DEFINITIONS = {
    "sqlite": (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s AND sql LIKE 'CREATE INDEX%%'"
    ),
    "postgresql": (
        "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = %s::regclass AND NOT i.indisunique"
    ),
}


def worth_dropping(model: Model, rows: int) -> bool:
    """Whether building the indexes afterwards is cheaper: many rows into a table that holds none."""
    if rows < FEW_ROWS:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(model._meta.db_table)} LIMIT 1")
        return cursor.fetchone() is None


def drop(model: Model) -> list[str]:
    """Drop the plain indexes of ``model`` inside the open transaction; returns what :func:`build` executes.

    Unique ones stay: what the database must guard is guarded during the load too.
    """
    settle_constraints()
    with connection.cursor() as cursor:
        cursor.execute(_DEFINITIONS[connection.vendor], [model._meta.db_table])
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")
    return [statement for _, statement in indexes]


def build(statements: list[str]) -> None:
    """Create the dropped indexes again inside the open transaction."""
    settle_constraints()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def analyse(model: Model) -> None:
    """Tell the planner what a table holds now; nobody else would before the first query."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA analysis_limit = 1000")
        cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


def settle_constraints() -> None:
    """PostgreSQL does not touch an index while deferred checks of its table are waiting: do them now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
