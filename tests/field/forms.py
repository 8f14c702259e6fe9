"""Forms that the tests fill in on the phone."""

from __future__ import annotations

from pathlib import Path

from tests.visits import building

from huqing.packs.forms import Converted, convert
from huqing.packs.shipped import shipped
from huqing.rules.library import library
from huqing.visits.models import FormVersion

FOLDER = Path(__file__).parents[1] / "fixtures" / "field"
EVERY_KIND = (FOLDER / "every_kind.md").read_text(encoding="utf-8")

# Breaks only when the second choice is made: no check of the form as it is loaded finds it.
BREAKS = (FOLDER / "breaks.md").read_text(encoding="utf-8")
MATTERS = (FOLDER / "matters.md").read_text(encoding="utf-8")
PREFILLED = (FOLDER / "check_up.md").read_text(encoding="utf-8")


def published(source: str) -> FormVersion:
    """A published version of a form written in Markdown, whatever a publisher would have to say about it."""
    result = convert(source.encode(), "f.md", library(()).parameters)
    assert result.form is not None, result.problems
    return building.stored(result.form)


def shipped_forms(key: str) -> list[Converted]:
    """The forms of a shipped method."""
    return list(shipped(key).forms.values())
