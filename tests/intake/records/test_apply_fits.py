from __future__ import annotations

import pytest

from huqing.intake.layouts import household_layout, person_layout
from huqing.registry.models import DepartmentRecord, Household
from huqing.standards.fields import record_kinds

TEXTS = {"text": 500, "name": 60}


@pytest.mark.parametrize("layout", [household_layout(), person_layout()], ids=["household", "person"])
def test_every_text_that_passes_the_check_fits_its_column(layout):
    columns = {column.key: column.columns[0] for column in layout.columns if not column.sealed}
    if layout.model is Household:
        columns["number"] = "number"
    for key, column in columns.items():
        declared = layout.kind[key]
        if declared.type in TEXTS:
            longest = declared.max_length or TEXTS[declared.type]
            assert longest <= layout.model._meta.get_field(column).max_length, key


def test_every_declared_code_fits_its_column():
    from huqing.standards.codelists import codelist

    layout = person_layout()
    for column in layout.columns:
        declared = layout.kind[column.key]
        if declared.codelist:
            longest = max(len(code) for code in codelist(declared.codelist).codes)
            assert longest <= layout.model._meta.get_field(column.columns[0]).max_length, column.key


def test_every_declared_field_of_a_roster_is_kept_somewhere():
    for layout, others in ((household_layout(), {"number", "village_code"}), (person_layout(), set())):
        kept = {column.key for column in layout.columns} | {one.key for one in layout.items} | others
        assert {one.key for one in layout.kind.fields if not one.linked} == kept


def test_names_of_department_files_fit_the_record():
    for kind in record_kinds().values():
        if "name" in kind.by_key:
            longest = kind["name"].max_length or TEXTS["name"]
            assert longest <= DepartmentRecord._meta.get_field("subject_name").max_length
