"""A decision changes the file of the household it is about, and nobody types it again."""

from __future__ import annotations

import datetime as dt

import pytest

from huqing.cases import actions
from huqing.cases.errors import CaseError
from huqing.cases.filing import locked_files, written_down
from huqing.cases.procedure import procedure_of
from huqing.packs.procedures import procedures
from huqing.registry.actions import set_label
from huqing.registry.models import Entry, Household

DAY = dt.date(2026, 3, 2)


@pytest.fixture
def decide(make_household, users_by_role):
    """Do what a step does on the n-th day after the first."""
    household = make_household(members=("张三",))
    case = actions.open_case(household=household, source="2", clue="走访发现困难", by=users_by_role["county"], on=DAY)
    moves = {move.does: move for move in procedure_of(case.procedure).moves if move.does}

    def done(does: str, day: int) -> Household:
        files, on = locked_files([case]), DAY + dt.timedelta(day)
        written_down([files.decided(case, moves[does], on)], files, by=users_by_role["county"], day=on)
        household.refresh_from_db()
        case.household = household
        return household

    done.household, done.case = household, case
    return done


def spells(household: Household) -> list[tuple[int, int | None]]:
    rows = household.labels.filter(kind="monitor").order_by("valid_from")
    return [((row.valid_from - DAY).days, row.valid_to and (row.valid_to - DAY).days) for row in rows]


def dates(household: Household) -> tuple[object, object]:
    return household.items.get("identified_on"), household.items.get("cleared_on")


def test_a_decision_labels_the_household_and_dates_itself(decide, users_by_role):
    assert spells(decide("recognise", 15)) == [(15, None)]
    assert dates(decide.household) == ("2026-03-17", None)
    entry = Entry.objects.filter(household=decide.household).latest("pk")
    assert decide.case.number in entry.source.title
    assert entry.source.created_by == users_by_role["county"]
    assert spells(decide("clear", 220)) == [(15, 220)]
    assert dates(decide.household) == ("2026-03-17", "2026-10-08")


def test_a_removal_taken_back_goes_on_where_it_ended_and_a_relapse_begins_anew(decide):
    decide("recognise", 15)
    decide("clear", 220)
    assert spells(decide("restore", 220)) == [(15, 220), (221, None)]
    assert dates(decide.household) == ("2026-03-17", None)
    decide("clear", 230)
    assert spells(decide("recognise", 240)) == [(15, 220), (221, 230), (240, None)]
    assert dates(decide.household) == ("2026-10-28", None)
    assert spells(decide("end", 250)) == [(15, 220), (221, 230), (240, 250)]
    assert dates(decide.household) == ("2026-10-28", None)


def test_who_is_labelled_already_keeps_label_and_date(decide, users_by_role):
    county = users_by_role["county"]
    set_label(household=decide.household, kind="monitor", valid_from=DAY, by=county, reason="名册")
    decide.household.items["identified_on"] = "2025-01-01"
    decide.household.save()
    assert spells(decide("recognise", 15)) == [(0, None)]
    assert dates(decide.household) == ("2025-01-01", None)


def test_a_file_that_cannot_take_the_decision_stops_it_in_words(decide):
    set_label(household=decide.household, kind="monitor", valid_from=DAY + dt.timedelta(30), by=None, reason="名册")
    with pytest.raises(CaseError, match=r"档案写不进去：从 2026-04-01 起已有这个标签"):
        decide("recognise", 15)


def test_every_shipped_procedure_recognises_once_and_clears_once():
    for made in procedures().values():
        does = [move.does for move in made.moves if move.does]
        assert does.count("recognise") == does.count("clear") == (1 if made.of == "case" else 0)
        listed = [move.to for move in made.moves if move.does == "recognise"]
        assert listed == ["listed"] * len(listed)
