"""Three-valued logic, exact money and calendar steps, computed by the engine the rules run on."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huqing.rules import logic
from huqing.rules.language import Aggregate
from huqing.rules.sql import sql_of
from huqing.standards.money import round_fen

TYPES = {"boolean": "BOOLEAN", "int64": "BIGINT", "date": "DATE", "string": "VARCHAR"}


def compute(schema: dict[str, str], rows: list[tuple[Any, ...]], expression: Any) -> list[Any]:
    """The value of an expression over each row, or of an aggregate over all rows."""
    table = ibis.table(schema, name="t")
    made = expression(table)
    query = table.aggregate(value=made.expression) if isinstance(made, Aggregate) else table.select(value=made)
    with duckdb.connect() as connection:
        columns = ", ".join(f"{name} {TYPES[kind]}" for name, kind in schema.items())
        connection.execute(f"CREATE TABLE t ({columns})")
        if rows:
            connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(schema))})", rows)
        return [row[0] for row in connection.execute(sql_of(query)).fetchall()]


def aggregated(conditions: list[bool | None], helper: Any) -> Any:
    return compute({"c": "boolean"}, [(c,) for c in conditions], lambda t: helper(t.c))[0]


@pytest.mark.parametrize(
    ("conditions", "any_", "all_", "count"),
    [
        ([True, None], True, None, None),
        ([False, None], None, False, None),
        ([True, False], True, False, 1),
        ([True, True], True, True, 2),
        ([False], False, False, 0),
        ([None], None, None, None),
    ],
)
def test_unknown_is_neither_yes_nor_no(conditions: list[bool | None], any_: Any, all_: Any, count: Any) -> None:
    assert aggregated(conditions, logic.any_of) is any_
    assert aggregated(conditions, logic.all_of) is all_
    assert aggregated(conditions, logic.count_of) == count
    assert aggregated(conditions, logic.count_known) == sum(c is True for c in conditions)


def test_without_rows_nothing_holds_and_all_hold() -> None:
    sample = ibis.table({"c": "boolean"}, name="t").c
    assert logic.any_of(sample).empty is False
    assert logic.all_of(sample).empty is True
    assert logic.count_of(sample).empty == 0


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(5, True), (7, True), (9, False)], 12),
        ([(5, True), (None, False)], 5),
        ([(5, True), (None, True)], None),
        ([(5, True), (7, None)], None),
        ([(5, False)], 0),
    ],
)
def test_a_total_is_unknown_when_what_counts_is(rows: list[tuple[Any, ...]], expected: int | None) -> None:
    schema = {"v": "int64", "w": "boolean"}
    assert compute(schema, rows, lambda t: logic.total(t.v, t.w)) == [expected]
    assert compute(schema, rows, lambda t: logic.total_known(t.v, t.w)) == [
        sum(value for value, counts in rows if counts and value is not None)
    ]


def test_a_sum_is_a_plain_64_bit_integer() -> None:
    sql = sql_of(ibis.table({"v": "int64"}, name="t").aggregate(v=ibis._.v.sum().cast("decimal(38, 0)").cast("int64")))
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (v BIGINT)")
        assert connection.execute(f"DESCRIBE {sql}").fetchall()[0][1] == "BIGINT"
    assert sql.count("CAST") == 1


def test_negated_conditions_keep_their_meaning_inside_null_tests() -> None:
    schema = {"c": "boolean"}
    assert compute(schema, [(None,), (True,), (False,)], lambda t: (~t.c).isnull()) == [True, False, False]
    assert compute(schema, [(None,), (True,), (False,)], lambda t: logic.known(~t.c)) == [False, True, True]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [(None, None, None), (True, None, True), (None, True, True), (False, None, False), (False, False, False)],
)
def test_one_ticked_box_is_enough_and_one_crossed_box_answers(left: Any, right: Any, expected: Any) -> None:
    assert compute({"a": "boolean", "b": "boolean"}, [(left, right)], lambda t: logic.any_known(t.a, t.b)) == [expected]


def test_the_latest_row_wins_and_a_tie_goes_to_the_later_entry() -> None:
    day = datetime.date
    rows = [
        ("old", day(2024, 1, 1), 9),
        ("first", day(2025, 1, 1), 1),
        ("second", day(2025, 1, 1), 2),
        ("none", None, 8),
    ]
    schema = {"v": "string", "d": "date", "i": "int64"}
    assert compute(schema, rows, lambda t: logic.latest(t.v, by=t.d, row=t.i)) == ["second"]
    assert compute(schema, rows, lambda t: logic.latest(t.v, by=t.d, row=t.i, where=t.d < day(2025, 1, 1))) == ["old"]
    assert compute(schema, [("only", None, 1)], lambda t: logic.latest(t.v, by=t.d, row=t.i)) == ["only"]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(1, 30)), min_size=1, max_size=20))
def test_money_per_head_is_rounded_as_everywhere_else(rows: list[tuple[int, int]]) -> None:
    got = compute({"a": "int64", "n": "int64"}, rows, lambda t: logic.per_head(t.a, t.n))
    assert got == [round_fen(Decimal(amount) / heads) for amount, heads in rows]


def test_nobody_to_share_with_is_unknown() -> None:
    rows = [(100, 0), (100, None), (None, 2)]
    assert compute({"a": "int64", "n": "int64"}, rows, lambda t: logic.per_head(t.a, t.n)) == [None, None, None]


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ((2010, 7, 1), (2025, 6, 30), 14),
        ((2010, 6, 30), (2025, 6, 30), 15),
        ((2012, 2, 29), (2025, 2, 28), 12),
        ((2012, 2, 29), (2025, 3, 1), 13),
        ((2026, 1, 1), (2025, 6, 30), -1),
    ],
)
def test_age_in_completed_years(born: tuple[int, ...], day: tuple[int, ...], age: int) -> None:
    date = datetime.date(*day)
    assert compute({"d": "date"}, [(datetime.date(*born),)], lambda t: logic.years_between(t.d, date)) == [age]


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ("2024-05-15", "2024-11-14", 5),
        ("2024-05-15", "2024-11-15", 6),
        ("2024-08-31", "2025-02-28", 6),
        ("2024-08-30", "2025-02-27", 5),
        ("2025-01-01", "2024-12-01", -1),
    ],
)
def test_completed_months_between_two_dates(start: str, end: str, months: int) -> None:
    rows = [(datetime.date.fromisoformat(start), datetime.date.fromisoformat(end))]
    assert compute({"a": "date", "b": "date"}, rows, lambda t: logic.months_apart(t.a, t.b)) == [months]


def test_months_before_a_day_stay_in_the_month() -> None:
    assert logic.months_before(datetime.date(2026, 5, 31), 3) == datetime.date(2026, 2, 28)
    assert logic.months_before(datetime.date(2026, 1, 15), 12) == datetime.date(2025, 1, 15)
    assert logic.months_before(datetime.date(2024, 3, 31), 1) == datetime.date(2024, 2, 29)


def test_what_is_quick_to_start_says_the_same_of_every_day_and_every_kind_of_key() -> None:
    days = ibis.table({"day": "date"}, name="days")
    parts = days.select(days.day, **{f"its_{part}": getattr(days.day, part)() for part in ("year", "month", "day")})
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE days AS SELECT day::DATE AS day FROM range(TIMESTAMP '1582-01-01', TIMESTAMP '2201-01-01', "
            "INTERVAL 1 DAY) t(day) UNION ALL VALUES (NULL::DATE), (DATE '0001-02-28'), (DATE '9999-12-31')"
        )
        usual, quick = (connection.execute(sql_of(parts, few_rows=few)).fetchall() for few in (False, True))
        assert sorted(usual, key=str) == sorted(quick, key=str)
        assert len(usual) > 226_000
        connection.execute("CREATE TABLE one AS FROM (VALUES (1, 'a'), (2, 'b'), (3, NULL), (NULL, 'c')) t(id, key)")
        connection.execute("CREATE TABLE other AS FROM (VALUES (1, 'a'), (2, 'B'), (NULL, 'c'), (4, NULL)) t(id, key)")
        one, other = (ibis.table({"id": "int64", "key": "string"}, name=name) for name in ("one", "other"))
        for keys in (["id"], ["key"], ["id", "key"]):
            right = other.rename({f"other_{name}": name for name in other.columns})
            joined = one.left_join(right, [one[key] == right[f"other_{key}"] for key in keys])
            usual, quick = (connection.execute(sql_of(joined, few_rows=few)).fetchall() for few in (False, True))
            assert sorted(usual, key=str) == sorted(quick, key=str)
