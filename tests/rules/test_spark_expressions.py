"""What rules may be made of is the same on both engines, down to the text of the evidence; the rest still differs."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest
from ibis.common.exceptions import IbisError
from tests.rules.spark_values import T, on_both, on_duckdb, on_spark, values_file

from huqing.rules import logic
from huqing.rules.lint_operations import _CONDITIONAL, ALLOWED
from huqing.rules.spark_session import SparkError, told

pytestmark = [
    pytest.mark.spark,
    pytest.mark.xdist_group("spark"),
    pytest.mark.filterwarnings(
        "ignore:unclosed <socket.socket:ResourceWarning"
    ),  # pyspark leaves its sockets to Python
]
BACKEND = ibis.pyspark  # read once: without its settings Ibis cannot word a double for Spark
DAY = datetime.date(2025, 6, 30)
STOPPED = "stopped"
HEADS = ibis.cases((T.b > 0, T.b))
SAME = {
    "field_i": T.a, "field_n": T.n, "field_x": T.x, "field_y": T.y, "field_d": T.d, "field_s": T.s, "field_l": T.l,
    "field_o": T.o, "and": T.o & T.p, "or": T.o | T.p, "not": ~T.o, "xor": T.o ^ T.p, "not_null": (~T.o).isnull(),
    "equals": T.s == T.t, "not_equals": T.s != T.t, "less": T.s < T.t, "less_equal": T.d <= DAY, "greater": T.a > T.b,
    "greater_equal": T.x >= T.y, "between": T.a.between(0, T.b), "isin": T.a.isin([7, None]), "isnull": T.a.isnull(),
    "notnull": T.a.notnull(), "searched": ibis.cases((T.o, T.a), (T.p, T.b)), "simple": T.s.cases(("", 1), else_=2),
    "ifelse": ibis.ifelse(T.o, T.a, T.b), "coalesce": ibis.coalesce(T.a, T.b), "nullif": T.a.nullif(7),
    "greatest": ibis.greatest(T.a, T.b), "least": ibis.least(T.a, T.b), "subtract": T.x - T.a, "add": T.x + T.y,
    "add_whole": T.a + T.n, "negate": -T.a, "abs": T.a.abs(), "multiply": T.b * T.n, "multiply_exact": T.x * T.y,
    "multiply_share": T.n * T.y, "floor_divide": T.a // 3, "guarded": T.a // HEADS, "modulus": T.a % 7,
    "per_head": logic.per_head(T.b * 100, HEADS), "whole": logic.whole_part(T.a.abs(), 3),
    "share": logic.share_of(T.b * 101, T.n.cast("int64")), "year": T.d.year(), "month": T.d.month(), "day": T.d.day(),
    "month_of": logic.month_of(T.d), "days": logic.days_between(T.d, DAY), "months": logic.months_apart(T.e, T.d),
    "years": logic.years_between(T.e, DAY), "step": (T.e + ibis.interval(days=1)).day(),
    "back": T.e - ibis.interval(months=1) < T.d,
    "array_length": T.l.length(), "contains": T.l.contains("a"), "length": T.s.length(), "concat": T.s + T.t,
    "string_contains": T.s.contains("a"), "starts": T.s.startswith("a"), "ends": T.s.endswith("c"),
    "find": T.s.find("b"), "substring": T.s.substr(1, 2), "right": T.s.right(2), "replace": T.s.replace("a", "q"),
    "strip": T.s.strip(), "lstrip": T.s.lstrip(), "rstrip": T.s.rstrip(), "lpad": T.s.lpad(4, "0"),
    "reverse": T.s.reverse(), "repeat": T.s.repeat(2), "regex": T.s.re_search("^[a-z一-鿿]"),
    "literal": ibis.literal("张'三\"\\"), "literal_day": ibis.literal(DAY), "literal_null": ibis.null("int64"),
    "cast_flag": T.o.cast("int64"), "cast_text": T.a.cast("string"), "cast_wide": T.n.cast("int64"),
    "running": logic.running_total(T.a % 1000, within=[T.o], order=T.d, row=T.i),
    "running_before": logic.running_max(T.n.cast("int64"), within=[T.o], order=T.e, row=T.i, before=True),
}  # fmt: skip
SAME_OVER_ROWS = {
    "any": T.o.any(), "all": T.o.all(), "three": logic.any_of(T.o & T.p).expression, "count": T.a.count(),
    "star": T.count(), "distinct": T.s.nunique(), "min": T.s.min(), "max": T.s.max(), "max_day": T.d.max(),
    "total": logic.total(T.n).expression, "total_known": logic.total_known(T.n, T.o).expression,
    "latest": logic.latest(T.s, by=T.d, row=T.i, where=T.o).expression, "sum_exact": T.x.sum(),
}  # fmt: skip
DIFFERENT = {
    "months": T.e.delta(T.d, unit="month"),
    "cast": T.x.cast("int64"),
    "zero": T.a / T.b,
    "zero_left": T.a % T.b,
    "quotient": T.x / 3,
    "long_product": T.y * T.y * T.y,
    "hash": T.s.hash(),
    "levenshtein": T.s.levenshtein(T.t),
    "lower": T.s.lower(),
    "upper": T.s.upper(),
    "split": T.t.split("|").length(),
    "first_of_list": T.l[0],
    "contains_column": T.l.contains(T.s),
    "day_after": T.d + ibis.interval(days=1),
    "code_point": T.s.re_search(r"[\u4e00-\u9fff]"),
    "look_ahead": T.s.re_search("(?=a)"),
    "float": T.n.cast("float64").ln(),
    "unique": T.l.unique(),
    "join": T.l.join(","),
    "kind": T.a.typeof(),
}
DIFFERENT_OVER_ROWS = {
    "mode": T.b.mode(),
    "bits": T.n.bit_or(),
    "ordered": T.s.first(order_by=T.i),
    "collected": T.s.collect(order_by=T.i),
    "missing_first": ibis.struct({"a": T.a, "i": T.i}).max()["i"],
}


def test_what_rules_may_be_made_of_is_the_same_on_both_engines(spark: Any, tmp_path: Path) -> None:
    answers = on_both(tmp_path, spark, T.select(T.i, **SAME)) | on_both(tmp_path, spark, T.aggregate(**SAME_OVER_ROWS))
    assert len(answers) == 1 + len(SAME) + len(SAME_OVER_ROWS)
    differing = {name: (left, right) for name, (left, right) in answers.items() if left != right}
    assert not differing


def test_every_operation_that_is_let_through_was_compared() -> None:
    compared = {type(node).__name__ for value in (SAME | SAME_OVER_ROWS).values() for node in value.op().find(object)}
    never_alone = {"TryCast", "Divide"}  # refused, or let through only inside what was compared
    assert (ALLOWED | set(_CONDITIONAL)) - never_alone - compared == set()


@pytest.mark.parametrize("name", [*DIFFERENT, *DIFFERENT_OVER_ROWS])
def test_what_is_refused_still_differs(name: str, spark: Any, tmp_path: Path) -> None:
    rows = T.select(T.i, value=DIFFERENT[name]) if name in DIFFERENT else T.aggregate(value=DIFFERENT_OVER_ROWS[name])
    file = values_file(tmp_path)
    assert attempt(lambda: on_duckdb(file, rows)) != attempt(lambda: on_spark(file, spark, rows))


def test_a_number_too_large_stops_the_run_on_both_engines(spark: Any, tmp_path: Path) -> None:
    file, rows = values_file(tmp_path), T.select(T.i, value=T.a * 10_000)
    assert attempt(lambda: on_duckdb(file, rows)) == attempt(lambda: on_spark(file, spark, rows)) == STOPPED


def attempt(work: Callable[[], dict[str, list[str]]]) -> list[str] | str:
    """The texts of ``value``, or that the engine refused."""
    try:
        with told("Spark"):
            return work()["value"]
    except (IbisError, duckdb.Error, SparkError):
        return STOPPED
