"""A shipped form that counties may use already is not changed under its old version."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "released_forms.py"
specification = importlib.util.spec_from_file_location("released_forms", TOOL)
released_forms = importlib.util.module_from_spec(specification)
specification.loader.exec_module(released_forms)


def test_no_shipped_form_is_changed_under_a_version_that_is_in_use():
    found = released_forms.problems(released_forms.released(), released_forms.present())
    assert not found, "\n".join(found)


def test_a_changed_form_needs_a_new_version_and_a_new_version_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(released_forms, "LIST", tmp_path / "list.txt")
    known = {("diary", "1"): "a"}
    assert "raise version" in released_forms.problems(known, {("diary", "1"): "b"})[0]
    assert "--add" in released_forms.problems(known, {("diary", "2"): "b"})[0]
    released_forms.add(known, {("diary", "1"): "b", ("diary", "2"): "b"})
    assert released_forms.released() == {("diary", "1"): "a", ("diary", "2"): "b"}
