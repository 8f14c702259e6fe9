"""An expression that would mean something else on the other engine is refused, with file, line and what to write."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pytest
from tests.rules.spark_values import T

from huqing.rules import library as libraries
from huqing.rules.errors import RuleError
from huqing.rules.language import Aggregate, Column, Param, aggregate, finding, variable
from huqing.rules.library import Library
from huqing.rules.lint import check, refuse
from huqing.rules.logic import per_head, share_of
from huqing.rules.parameters import Parameters, load

NO_PARAMETERS = Parameters(())


@variable("样例", of="household")
def sample(id: Column) -> Column:
    """Any rule."""
    return id


REFUSED: dict[str, tuple[Any, str]] = {
    "months": (T.e.delta(T.d, unit="month"), "months_apart"),
    "years": (T.e.delta(T.d, unit="year"), "years_apart"),
    "hours": (T.e.delta(T.d, unit="hour"), "unit='day'"),
    "cast that rounds": (T.x.cast("int64"), "取整"),
    "cast of text": (T.s.cast("int64"), "字段声明"),
    "cast to float": (T.a.cast("float64") > 1, "per_head"),
    "quotient": (T.a / 2, "share_of"),
    "quotient rounded": ((T.a / 2).round().cast("int64"), "whole_part"),
    "exact quotient": (T.x / T.y, "share_of"),
    "division by zero": (T.a // T.b, "排除零"),
    "division by what may be zero": (T.a // ibis.cases((T.b >= 0, T.b)), "排除零"),
    "division by another guard": (T.a // ibis.cases((T.a > 0, T.b)), "排除零"),
    "rest by zero": (T.a % T.b, "排除零"),
    "whole division of decimals": (T.x // 2, "整数分"),
    "long product": (T.y * T.y * T.y, "share_of"),
    "product as a result": (T.x * T.n, "同一条规则"),
    "float": (T.a > ibis.literal(1.5), "decimal"),
    "decimal without digits": (T.x.fill_null(Decimal("0.00")), "位数"),
    "cast without digits": (T.a.cast("decimal"), "取整"),
    "hash": (T.s.hash(), "检索码"),
    "levenshtein": (T.s.levenshtein(T.t) < 2, "matching"),
    "upper": (T.s.upper() == "A", "代码"),
    "lower": (T.s.lower() == "a", "代码"),
    "case-blind": (T.s.ilike("a%"), "代码"),
    "code point in a pattern": (T.s.re_search(r"[\u4e00-\u9fff]"), "一-鿿"),
    "look-ahead": (T.s.re_search("a(?=b)"), "括号"),
    "pattern of a column": (T.s.re_search(T.t), "正则"),
    "replaced pattern": (T.s.re_replace("a", "b"), "核对"),
    "split": (T.s.split("|").length() > 1, "contains"),
    "first of a list": (T.l[0] == "a", "contains"),
    "another column in a list": (T.l.contains(T.s), "固定的代码"),
    "distinct list": (T.l.unique().length(), "any_of"),
    "joined list": (T.l.join(","), "any_of"),
    "date after a step": (T.d + ibis.interval(months=1), "months_before"),
    "truncated date": (T.d.truncate("M") == datetime.date(2025, 1, 1), "month_of"),
    "formatted date": (T.d.strftime("%Y"), "month_of"),
    "moment": (T.d.cast("timestamp") > datetime.datetime(2025, 1, 1), "日期"),  # noqa: DTZ001
    "moment with a zone": (
        ibis.literal(datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)) > ibis.timestamp("2024-01-01"),
        "日期",
    ),
    "now": (ibis.today() > T.d, "as_of"),
    "random": (ibis.random() > 0, "每次"),
    "mean": (T.a.mean() > 1, "整数分"),
    "median": (T.a.median() > 1, "整数分"),
    "mode": (T.a.mode(), "any_of"),
    "kurtosis": (T.a.kurtosis() > 1, "any_of"),
    "bits": (T.a.bit_or(), "any_of"),
    "kind": (T.a.typeof() == "x", "any_of"),
    "first row": (T.s.first(), "latest"),
    "ordered first row": (T.s.first(order_by=T.d), "latest"),
    "any row": (T.s.arbitrary(), "latest"),
    "row of the largest": (T.s.argmax(T.d), "latest"),
    "ordered list": (T.s.collect(order_by=T.d), "any_of"),
    "joined rows": (T.s.group_concat(","), "any_of"),
    "largest of a struct": (ibis.struct({"a": T.a, "i": T.i}).max()["i"], "latest"),
    "plain sum": (T.a.sum(), "total"),
    "row number": (ibis.row_number().over(order_by=T.d), "running_total"),
    "sum over equals": (T.a.sum().over(ibis.window(order_by=T.d, rows=(None, 0))).cast("int64"), "running_total"),
    "row before": (T.a.lag().over(order_by=T.d), "running_total"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_expression_that_depends_on_the_engine_is_refused_with_what_to_write(name: str) -> None:
    expression, advice = REFUSED[name]
    with pytest.raises(RuleError, match=advice) as caught:
        refuse(sample, expression)
    assert caught.value.remedy
    assert "test_lint.py 第 " in caught.value.place


def test_the_line_of_the_expression_is_named(tmp_path: Path) -> None:
    @variable("等待月数", of="household")
    def waited(identified_on: Column, cleared_on: Column) -> Column:
        """Months between two days."""
        later = cleared_on.fill_null(datetime.date(2025, 6, 30))
        return later.delta(identified_on, unit="month")

    first = waited.place.line
    with pytest.raises(RuleError, match="waited") as caught:
        check(Library([waited], NO_PARAMETERS))
    assert caught.value.place.endswith(f"第 {first + 4} 行")


def test_findings_and_aggregates_are_looked_at_too(tmp_path: Path) -> None:
    @aggregate("平均月数", of="household", over="person")
    def mean_months(work_months: Column) -> Aggregate:
        """A mean."""
        return Aggregate(work_months.mean() > 6, None)

    @variable("三成", of="household", unit="元")
    def third(wage_income: Column) -> Column:
        """A share, rounded in the right place."""
        return share_of(wage_income, 300_000)

    @variable("人均", of="household", unit="元")
    def head_share(third: Column, heads: Param) -> Column:
        """A share per head."""
        return per_head(third, ibis.literal(heads))

    @finding(
        "甲", of="household", basis="文件", severity="low", evidence=["head_share"], resolve="改。", sentence="甲。"
    )
    def half(head_share: Column) -> Column:
        """A quotient."""
        return head_share / 2 > 1

    parameters = """
heads:
  title: 人数
  unit: 人
  type: integer
  values: [{from: 2024-01-01, region: "99", value: 3, source: 文件, status: V}]
"""
    (tmp_path / "some.yaml").write_text(parameters, encoding="utf-8")
    with pytest.raises(RuleError, match="mean_months"):
        check(Library([mean_months], NO_PARAMETERS))
    with pytest.raises(RuleError, match="half") as caught:
        check(Library([third, head_share, half], load(tmp_path)))
    assert "除法" in caught.value.problem


def test_the_value_without_rows_is_looked_at_too() -> None:
    @aggregate("面积", of="household", over="person")
    def areas(work_months: Column) -> Aggregate:
        """A sum that is a bare decimal without rows."""
        return Aggregate(work_months.max(), Decimal("0.00"))

    with pytest.raises(RuleError, match="位数"):
        check(Library([areas], NO_PARAMETERS))


def test_loading_the_rules_looks_at_every_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[str] = []
    monkeypatch.setattr("huqing.rules.lint.refuse", lambda rule, expression: seen.append(rule.name))
    rules = libraries.library((tmp_path,))
    assert len(seen) == len(rules.rules) + len(rules.findings)
