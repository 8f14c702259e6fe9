"""The glossary names everything the product is made of, and no two things alike."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from django.apps import apps

from huqing.access.models import Role
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds

GLOSSARY = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ADD = "add a line to docs/glossary.md"


def sections() -> dict[str, list[tuple[str, str]]]:
    parts = re.split(r"^## (.+)$", GLOSSARY, flags=re.MULTILINE)[1:]
    return {
        title: [(english, chinese) for english, chinese, _ in ROW.findall(text) if english not in ("English", "---")]
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


TABLES = sections()


def test_every_table_of_the_database_is_in_the_glossary() -> None:
    models = {
        (model.__name__, str(model._meta.verbose_name))
        for config in apps.get_app_configs()
        if config.name.startswith("huqing.")
        for model in config.get_models()
    }
    assert models - set(TABLES["Tables"]) == set(), ADD
    assert set(TABLES["Tables"]) - models == set(), "the glossary names tables that are gone"


def test_every_record_kind_is_in_the_glossary() -> None:
    assert {(kind.key, kind.name) for kind in record_kinds().values()} == set(TABLES["Record kinds"]), ADD


def test_every_role_and_label_is_in_the_glossary() -> None:
    assert {(role.value, str(role.label)) for role in Role} == set(TABLES["Roles"]), ADD
    assert set(codelist("label_kind").items) == set(TABLES["Labels"]), ADD


@pytest.mark.parametrize("title", TABLES)
def test_within_a_table_every_term_stands_for_one_thing(title: str) -> None:
    rows = TABLES[title]
    assert rows
    for side in (0, 1):
        assert [term for term, count in Counter(row[side] for row in rows).items() if count > 1] == []
