"""Items as ``json`` on PostgreSQL (see ``itemsfield``): a county's tables are rewritten once, in about a minute."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from huqing.registry.itemsfield import ItemsField

TABLES = ("registry_household", "registry_person", "registry_departmentrecord")


def to_json(apps: Any, schema_editor: Any) -> None:
    """SQLite holds text already."""
    _change(schema_editor, "json")


def to_jsonb(apps: Any, schema_editor: Any) -> None:
    """The way back."""
    _change(schema_editor, "jsonb")


def _change(schema_editor: Any, kind: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN items TYPE {kind} USING items::{kind}")


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_person_phone_state")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("household", "items", ItemsField(default=dict, verbose_name="户档案项")),
                migrations.AlterField("person", "items", ItemsField(default=dict, verbose_name="成员档案项")),
                migrations.AlterField("departmentrecord", "items", ItemsField(default=dict, verbose_name="内容")),
            ],
            database_operations=[migrations.RunPython(to_json, to_jsonb)],
        )
    ]
