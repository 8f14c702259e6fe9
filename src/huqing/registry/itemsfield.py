"""The field that holds what is declared of a household, person or record: one JSON object, kept as text.

PostgreSQL's ``jsonb`` is taken apart when written and put together again whenever it is read: reading a county out
costs half of the server's work for that alone. Nothing searches inside the items in the database, and whoever reads
them wants the text, so the column is ``json``, which is stored as it came. SQLite keeps JSON as text anyway.
"""

from __future__ import annotations

from typing import Any

from django.db import models


class ItemsField(models.JSONField):
    """A ``JSONField`` whose column on PostgreSQL is ``json``; conditions on its contents are not meant for it."""

    def db_type(self, connection: Any) -> str:
        """The column's type."""
        return "json" if connection.vendor == "postgresql" else str(super().db_type(connection))

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Selected as text: psycopg would load a ``json`` column itself, before ``from_db_value`` can."""
        if compiler.connection.vendor == "postgresql":
            return f"{sql}::text", params
        chosen: tuple[str, Any] = super().select_format(compiler, sql, params)
        return chosen
