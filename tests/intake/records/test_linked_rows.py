"""Rows of a file and whom they are about: kept small, given back whole."""

from __future__ import annotations

from huqing.intake.linked_rows import Linked, LinkedRows

PEOPLE = {
    0: Linked(1, 2, "500236101201", "exact", 1.0),
    7: Linked(None, 9_000_000_000, "500236101201", "model", 0.987),
    5: Linked(3, None, "500236102202", "number", None),
    20_000: Linked(4, 0, "500236101201", "exact", 1.0),
}


def test_what_a_row_was_linked_to_comes_back_as_it_was() -> None:
    rows = LinkedRows()
    for row, linked in PEOPLE.items():
        rows[row] = linked
    assert {row: rows.get(row) for row in PEOPLE} == PEOPLE
    assert len(rows) == len(PEOPLE)
    assert [row for row in range(20_001) if row in rows] == sorted(PEOPLE)


def test_rows_that_are_not_linked_are_nobodys() -> None:
    rows = LinkedRows()
    assert not rows
    rows[7] = PEOPLE[7]
    assert [rows.get(row) for row in (0, 6, 8, 1_000_000, -1)] == [None] * 5
    assert -1 not in rows


def test_a_row_linked_again_is_about_the_last_person_and_counted_once() -> None:
    rows = LinkedRows()
    rows[7], rows[7] = PEOPLE[7], PEOPLE[5]
    assert rows.get(7) == PEOPLE[5]
    assert len(rows) == 1
