"""Habits every rule keeps, seen through the catalogue a county reads."""

from __future__ import annotations

import re

import pytest

from huqing.rules.catalogue import Entry, catalogue
from huqing.rules.library import library

ENTRIES = catalogue()
CHINESE = re.compile(r"[一-鿿]")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
def test_a_finding_says_what_why_and_what_to_do_in_chinese(entry: Entry) -> None:
    for text in (entry.title, entry.sentence, entry.basis, entry.resolve):
        assert CHINESE.search(text), text
    assert entry.sentence.endswith("。")
    assert entry.resolve.endswith("。")
    assert len(entry.title) <= 24
    assert entry.doc.endswith(".")


def test_the_catalogue_names_every_amount_with_unit_and_source() -> None:
    for entry in ENTRIES:
        for parameter in entry.parameters:
            assert parameter.unit
            assert all(amount.source and amount.status for amount in parameter.values)


def test_a_finding_can_be_followed_down_to_the_columns_it_reads() -> None:
    for entry in ENTRIES:
        keys = {vertex.key for vertex in entry.vertices}
        assert {end for edge in entry.edges for end in edge} <= keys
        assert any(vertex.kind == "column" for vertex in entry.vertices), entry.key


def test_the_line_of_a_county_beats_that_of_its_province() -> None:
    monitor_line = library().parameters["monitor_line"]
    import datetime

    day = datetime.date(2025, 6, 30)
    yunnan, yuanmou = monitor_line.at(day, "530102"), monitor_line.at(day, "532328")
    assert yunnan is not None
    assert yuanmou is not None
    assert (yunnan.value, yuanmou.value) == (870000, 805000)


def test_findings_that_compare_households_are_known_as_such() -> None:
    of_villages = {entry.key for entry in ENTRIES if entry.of == "village"}
    assert {entry.key for entry in ENTRIES if entry.compares_households} == {"id03", "id10", "cl06"} | of_villages


def test_amounts_and_ages_stand_in_parameters_only() -> None:
    """A policy module holds codes and ages of school years, never an amount of money."""
    from pathlib import Path

    import huqing.policies as package

    for file in Path(package.__path__[0]).glob("*.py"):
        code = re.sub(r'"[^"]*"', "", file.read_text(encoding="utf-8"))
        assert not re.search(r"(?<![\w.])[1-9]\d{2,}(?![\w.])", code), file.name
