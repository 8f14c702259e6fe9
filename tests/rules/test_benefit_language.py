"""What benefits need of rules: input tables, running totals, exact shares, parameters by date and by code."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huqing.rules.benefits import run_rows
from huqing.rules.errors import ParameterError, RuleError, TableError
from huqing.rules.language import (
    Aggregate,
    At,
    Column,
    InputTable,
    Param,
    Rule,
    aggregate,
    finding,
    input_table,
    variable,
)
from huqing.rules.library import Library
from huqing.rules.logic import above, larger, ratio_of, running_max, running_total, share_of, smaller, total
from huqing.rules.parameters import Parameters, load
from huqing.rules.schedules import Segment, Segments
from huqing.rules.values import compile_values
from huqing.standards.fields import Field
from huqing.standards.money import round_fen

DAY = datetime.date(2025, 6, 30)
REGION = "990101"
NO_PARAMETERS = Parameters(())


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


PAYMENT = input_table(
    "payment",
    "付款",
    belongs_to=["person"],
    fields=[
        Field("paid_on", "付款日", "date"),
        Field("amount", "金额", "money", unit="元"),
        Field("kind", "类别", "code", codelist="medical_object"),
    ],
)
LOAN = input_table("loan", "借款", fields=[Field("limit", "额度", "money", unit="元")])
DRAWING = input_table("drawing", "支取", belongs_to=["loan"], fields=[Field("amount", "金额", "money", unit="元")])


def values(
    declared: Iterable[Rule | InputTable],
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
    *names: str,
    of: str = "payment",
    parameters: Parameters = NO_PARAMETERS,
) -> list[tuple[Any, ...]]:
    """The named values of the rows, in the order of ids."""
    rules = Library([PAYMENT, LOAN, DRAWING, *declared], parameters)
    plan = compile_values(rules, of=of, names=names, as_of=DAY, region=REGION)
    done = run_rows(rules, plan, rows).to_pylist()
    return [tuple(row[name] for name in names) for row in done]


def one(declared: Iterable[Rule], row: Mapping[str, Any], name: str, parameters: Parameters = NO_PARAMETERS) -> Any:
    return values(declared, {"payment": [{"id": 1, **row}]}, name, parameters=parameters)[0][0]


def parameters(folder: Path, text: str) -> Parameters:
    (folder / "some.yaml").write_text(text, encoding="utf-8")
    return load(folder)


@variable("累计", of="payment", unit="元")
def so_far(amount: Column, person_id: Column, paid_on: Column, id: Column) -> Column:
    """All payments of the person up to this one."""
    return running_total(amount, within=[person_id], order=paid_on, row=id)


@variable("此前累计", of="payment", unit="元")
def earlier(amount: Column, person_id: Column, paid_on: Column, id: Column) -> Column:
    """All payments of the person before this one."""
    return running_total(amount, within=[person_id], order=paid_on, row=id, before=True)


@variable("最高", of="payment", unit="元")
def highest(amount: Column, person_id: Column, paid_on: Column, id: Column) -> Column:
    """The highest payment so far."""
    return running_max(amount, within=[person_id], order=paid_on, row=id)


@variable("此前最高", of="payment", unit="元")
def highest_before(amount: Column, person_id: Column, paid_on: Column, id: Column) -> Column:
    """The highest payment before this one."""
    return running_max(amount, within=[person_id], order=paid_on, row=id, before=True, first=7)


def payments(*rows: tuple[int, int | None, str | None, int | None]) -> dict[str, list[dict[str, Any]]]:
    return {
        "payment": [
            {"id": i, "person_id": person, "paid_on": on and day(on), "amount": amount}
            for i, person, on, amount in rows
        ]
    }


RUNNING = [so_far, earlier, highest, highest_before]
NAMES = ("so_far", "earlier", "highest", "highest_before")


def test_a_running_total_goes_by_date_and_on_one_day_by_id_whatever_the_order_of_rows() -> None:
    rows = payments(
        (3, 1, "2025-01-02", 100), (1, 1, "2025-01-02", 20), (2, 1, "2025-01-01", 3), (4, 2, "2025-01-01", 9)
    )
    expected = [(23, 3, 20, 3), (3, 0, 3, 7), (123, 23, 100, 20), (9, 0, 9, 7)]
    assert values(RUNNING, rows, *NAMES) == expected
    rows["payment"].reverse()
    assert values(RUNNING, rows, *NAMES) == expected


def test_after_a_missing_amount_the_running_total_of_that_person_is_unknown() -> None:
    rows = payments(
        (1, 1, "2025-01-01", 1), (2, 1, "2025-01-02", None), (3, 1, "2025-01-03", 4), (4, 2, "2025-01-09", 5)
    )
    unknown = (None, None, None, None)
    assert values(RUNNING, rows, *NAMES) == [(1, 0, 1, 7), (None, 1, None, 1), unknown, (5, 0, 5, 7)]


def test_a_row_without_date_makes_the_order_and_so_every_total_unknown() -> None:
    rows = payments((1, 1, "2025-01-01", 1), (2, 1, None, 2), (3, None, "2025-01-01", 4))
    assert {value for row in values(RUNNING, rows, *NAMES) for value in row} == {None}


@variable("较小", of="payment", unit="元")
def smaller_one(amount: Column, limit_: Annotated[Param, At("paid_on")]) -> Column:
    """Amount or limit."""
    return smaller(amount, limit_)


@variable("份额", of="payment", unit="元")
def shared(amount: Column, rate: Annotated[Param, At("paid_on")]) -> Column:
    """A share of the amount."""
    return share_of(amount, rate)


LIMIT = """
limit_:
  title: 限额
  unit: 元
  type: money
  values:
    - {from: 2024-01-01, region: "99", value: 5, source: 文件, status: V}
    - {from: 2025-01-01, region: "99", value: 7, source: 文件, status: V}
    - {from: 2025-03-01, region: "990101", value: 6.5, source: 县文件, status: V}
    - {from: 2024-06-01, region: "98", value: 1, source: 别处, status: V}
"""


@pytest.mark.parametrize(
    ("on", "expected"),
    [("2023-12-31", None), ("2024-01-01", 500), ("2024-12-31", 500), ("2025-01-01", 700), ("2025-02-28", 700),
     ("2025-03-01", 650), (None, None)],
)  # fmt: skip
def test_a_parameter_is_looked_up_by_the_rows_date_and_unknown_before_the_first(
    on: str | None, expected: int | None, tmp_path: Path
) -> None:
    assert one([smaller_one], {"paid_on": on and day(on), "amount": 10_000}, "smaller_one",
               parameters(tmp_path, LIMIT)) == expected  # fmt: skip


def test_a_parameter_without_any_value_in_the_region_is_unknown_by_row(tmp_path: Path) -> None:
    text = LIMIT.replace('"99"', '"98"').replace('"990101"', '"97"').replace("2024-06-01", "2024-06-02")
    found = parameters(tmp_path, text)
    assert one([smaller_one], {"paid_on": DAY, "amount": 10_000}, "smaller_one", found) is None


RATE = """
rate:
  title: 比例
  unit: 比例
  type: rate
  values:
    - {from: 2024-01-01, region: "99", value: RATE, source: 文件, status: V}
"""


@settings(max_examples=40, deadline=None)
@given(amount=st.integers(-(10**15), 10**15), rate=st.integers(0, 10**6))
def test_a_share_is_exact_and_halves_go_away_from_zero(
    amount: int, rate: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    exact = Decimal(rate) / 10**6
    found = parameters(tmp_path_factory.mktemp("rates"), RATE.replace("RATE", str(exact)))
    assert one([shared], {"paid_on": DAY, "amount": amount}, "shared", found) == round_fen(
        Fraction(amount * rate, 10**6)
    )


@pytest.mark.parametrize(("amount", "expected"), [(5, 3), (-5, -3), (4, 2), (1, 1), (-1, -1), (0, 0), (None, None)])
def test_half_a_fen_counts_as_one(amount: int | None, expected: int | None, tmp_path: Path) -> None:
    found = parameters(tmp_path, RATE.replace("RATE", "0.5"))
    assert one([shared], {"paid_on": DAY, "amount": amount}, "shared", found) == expected


def test_a_decimal_is_no_rate() -> None:
    @variable("错", of="payment", unit="元")
    def wrong(amount: Column) -> Column:
        """A decimal rate."""
        return ratio_of(amount, amount.cast("decimal(18, 6)"), 100)

    with pytest.raises(RuleError, match="type: rate"):
        one([wrong], {"amount": 5}, "wrong")


@variable("超过", of="payment", unit="元")
def over_ten(amount: Column) -> Column:
    """Above ten fen."""
    return above(amount, 10)


@variable("较大", of="payment", unit="元")
def larger_one(amount: Column) -> Column:
    """At least ten fen."""
    return larger(amount, 10)


@pytest.mark.parametrize(("amount", "expected"), [(9, (0, 10)), (10, (0, 10)), (12, (2, 12)), (None, (None, None))])
def test_comparing_with_a_missing_amount_is_unknown(amount: int | None, expected: tuple[int | None, ...]) -> None:
    rows = {"payment": [{"id": 1, "amount": amount}]}
    assert values([over_ten, larger_one], rows, "over_ten", "larger_one") == [expected]


KEYED = """
keyed_rate:
  title: 救助比例
  unit: 比例
  type: rate
  keys: medical_object
  values:
    - {from: 2024-01-01, region: "99", value: {特困: 1, 低保: 0.8}, source: 文件, status: V}
    - {from: 2025-01-01, region: "99", value: {特困: 1, 其余: 0.5}, source: 文件, status: V}
    - {from: 2026-01-01, region: "99", value: 0.4, source: 文件, status: V}
"""


@variable("按对象", of="payment", unit="元")
def by_object(amount: Column, kind: Column, keyed_rate: Annotated[Param, At("paid_on")]) -> Column:
    """The share for the kind of person."""
    return share_of(amount, keyed_rate.of(kind))


@pytest.mark.parametrize(
    ("kind", "on", "expected"),
    [("1", "2024-05-01", 100), ("2", "2024-05-01", 80), ("3", "2024-05-01", None), ("2", "2025-05-01", 50),
     ("1", "2025-05-01", 100), (None, "2025-05-01", None), (None, "2026-05-01", 40), ("1", None, None)],
)  # fmt: skip
def test_a_parameter_by_code_is_unknown_for_a_code_it_says_nothing_about(
    kind: str | None, on: str | None, expected: int | None, tmp_path: Path
) -> None:
    row = {"amount": 100, "kind": kind, "paid_on": on and day(on)}
    assert one([by_object], row, "by_object", parameters(tmp_path, KEYED)) == expected


SEGMENTS = """
steps:
  title: 分段
  unit: 元
  type: segments
  values:
    - {from: 2024-01-01, region: "99", source: 文件, status: V,
       value: [{over: 100, rate: 0.6}, {over: 300, rate: 0.655555}]}
"""


@variable("分段支付", of="payment", unit="元")
def in_steps(amount: Column, steps: Param) -> Column:
    """Paid in steps from the first fen."""
    return steps.paid(amount * 0, amount)


@settings(max_examples=60, deadline=None)
@given(amount=st.integers(0, 10**12))
def test_segments_pay_each_its_slice_and_round_once(amount: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = parameters(tmp_path_factory.mktemp("steps"), SEGMENTS)
    segments = found["steps"].values[0].value
    assert isinstance(segments, Segments)
    exact = sum(Fraction(part.rate) * fen for part, fen in segments.slices(0, amount))
    assert one([in_steps], {"amount": amount}, "in_steps", found) == round_fen(Fraction(exact))


def test_slices_say_which_part_of_an_amount_falls_where() -> None:
    first, second = Segment(100, Decimal("0.6")), Segment(300, Decimal("0.7"))
    assert Segments((first, second)).slices(200, 450) == ((first, 100), (second, 150))
    assert Segments((first, second)).slices(0, 100) == ()
    assert Segments(()).slices(0, 100) == ()


@aggregate("支取合计", of="loan", over="drawing", unit="元")
def drawn(amount: Column) -> Aggregate:
    """All drawings of the loan."""
    return total(amount)


@variable("未支取", of="loan", unit="元")
def undrawn(limit: Column, drawn: Column) -> Column:
    """What is left of the limit."""
    return limit - drawn


@variable("占用后余额", of="drawing", unit="元")
def left_after(amount: Column, undrawn: Column) -> Column:
    """Reads the loan above."""
    return undrawn - amount * 0


def test_input_tables_belong_to_each_other() -> None:
    rows = {
        "loan": [{"id": 1, "limit": 100}, {"id": 2, "limit": 50}],
        "drawing": [{"id": 7, "loan_id": 1, "amount": 30}, {"id": 8, "loan_id": 1, "amount": 5}],
    }
    assert values([drawn, undrawn], rows, "drawn", "undrawn", of="loan") == [(35, 65), (0, 50)]
    assert values([drawn, undrawn, left_after], rows, "left_after", of="drawing") == [(65,), (65,)]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"id": 1, "amount": 1}, {"id": 1, "amount": 2}], "编号 1 出现了不止一次"),
        ([{"amount": 1}], "没有编号"),
        ([{"id": 1, "amuont": 1}], "没有列 amuont"),
    ],
)
def test_rows_that_are_not_as_declared_are_refused(rows: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(TableError, match=problem):
        values([over_ten], {"payment": rows}, "over_ten")


def test_a_finding_may_not_read_an_input_table() -> None:
    @aggregate("付款", of="person", over="payment", unit="元")
    def paid(amount: Column) -> Aggregate:
        """All payments."""
        return total(amount)

    @finding("错", of="person", basis="无", severity="low", evidence=["paid"], resolve="无", sentence="无")
    def wrong(paid: Column) -> Column:
        """Cannot be decided in a screening."""
        return paid > 0

    with pytest.raises(RuleError, match="输入表 payment"):
        Library([PAYMENT, paid, wrong], NO_PARAMETERS)


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        (KEYED.replace("特困: 1, 低保: 0.8", "五保: 1"), "五保", "特困"),
        (KEYED.replace("medical_object", "nothing"), "nothing", "代码表"),
        (RATE.replace("RATE", "70"), "不在0到1之间", "70% 写成 0.7"),
        (RATE.replace("RATE", ".nan"), "不是数", "只写数字"),
        (RATE.replace("unit: 比例", "unit: 倍").replace("RATE", "0.7"), "单位却是 倍", "unit: 比例"),
        (SEGMENTS.replace("over: 300", "over: 50"), "没有从小到大", "由小到大"),
        (SEGMENTS.replace("rate: 0.6}", "rate: 1.6}"), "不在0到1之间", "0.7"),
        (SEGMENTS.replace("over: 100,", ""), "分段写得不对", "over"),
        (SEGMENTS.replace("unit: 元", "unit: 比例"), "单位却是 比例", "元"),
        ("c:\n  title: 选\n  type: choice\n  choices: [甲, 乙]\n  values:\n    - {from: 2024-01-01, region: \"99\","
         " value: 丙, source: 文件, status: V}\n", "不在可选项中", "甲、乙"),
        ("c:\n  title: 选\n  type: choice\n  values:\n    - {from: 2024-01-01, region: \"99\","
         " value: 丙, source: 文件, status: V}\n", "choices", "列出"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_with_its_file_and_a_remedy(
    text: str, problem: str, remedy: str, tmp_path: Path
) -> None:
    with pytest.raises(ParameterError, match=r"some\.yaml 第 ") as caught:
        parameters(tmp_path, text)
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_date_that_does_not_exist_and_a_value_that_does_not_exist_are_refused(tmp_path: Path) -> None:
    @variable("错", of="payment", unit="元")
    def wrong(amount: Column, limit_: Annotated[Param, At("payed_on")]) -> Column:
        """Misspelt date."""
        return smaller(amount, limit_)

    found = parameters(tmp_path, LIMIT)
    with pytest.raises(RuleError, match="相近的名字：paid_on"):
        Library([PAYMENT, wrong], found)
    with pytest.raises(RuleError, match="没有变量 smaller_won"):
        values([smaller_one], {}, "smaller_won", parameters=found)
