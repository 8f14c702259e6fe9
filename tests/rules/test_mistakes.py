"""A mistake in a rule or parameter is refused at load, with file, line and what to write instead."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any

import pytest

from huqing.rules.compiler import compile_plan
from huqing.rules.errors import ParameterError, RuleError
from huqing.rules.language import Aggregate, Column, Param, Rule, Unit, aggregate, finding, grouping, variable
from huqing.rules.library import Library
from huqing.rules.logic import any_of
from huqing.rules.parameters import Parameters, load

DAY = datetime.date(2025, 6, 30)
NO_PARAMETERS = Parameters(())


def parameters(folder: Path, text: str) -> Parameters:
    (folder / "some.yaml").write_text(text, encoding="utf-8")
    return load(folder)


LINE = """
line:
  title: 线
  unit: 元/人·年
  type: money
  values:
    - {from: 2024-01-01, region: "50", value: 9000, source: 文件, status: V}
"""


def test_a_circle_of_rules_shows_its_path() -> None:
    @variable("甲", of="household")
    def alpha(beta: Column) -> Column:
        """One."""
        return beta

    @variable("乙", of="household")
    def beta(gamma: Column) -> Column:
        """Two."""
        return gamma

    @variable("丙", of="household")
    def gamma(alpha: Column) -> Column:
        """Three."""
        return alpha

    with pytest.raises(RuleError, match="环") as caught:
        Library([alpha, beta, gamma], NO_PARAMETERS)
    path = caught.value.problem.split("：", 1)[1].split(" → ")
    assert path[0] == path[-1]
    assert len(path) == 4
    assert "test_mistakes.py 第 " in str(caught.value)


def test_an_unknown_name_suggests_what_was_meant() -> None:
    @variable("收入", of="household", unit="元/年")
    def income(wage_incom: Column) -> Column:
        """Misspelt."""
        return wage_incom

    with pytest.raises(RuleError, match="wage_income") as caught:
        Library([income], NO_PARAMETERS)
    assert "test_mistakes.py 第 " in caught.value.place


def test_an_unknown_parameter_suggests_what_was_meant(tmp_path: Path) -> None:
    @variable("低", of="household")
    def low(income_per_head: Column, lines: Param) -> Column:
        """Misspelt."""
        return income_per_head < lines

    with pytest.raises(RuleError, match="相近的参数：line"):
        Library([low], parameters(tmp_path, LINE))


def test_a_parameter_annotated_as_column_is_told_so(tmp_path: Path) -> None:
    @variable("低", of="household")
    def low(income_per_head: Column, line: Column) -> Column:
        """Wrong annotation."""
        return income_per_head < line

    with pytest.raises(RuleError, match="请把注解改为 Param"):
        Library([low], parameters(tmp_path, LINE))


def test_an_argument_without_annotation_is_refused() -> None:
    with pytest.raises(RuleError, match="没有正确的注解"):

        @variable("低", of="household")
        def low(income_per_head) -> Column:
            """No annotation."""
            return income_per_head


def test_a_rule_without_docstring_is_refused() -> None:
    with pytest.raises(RuleError, match="没有说明"):

        @variable("低", of="household")
        def low(income_per_head: Column) -> Column:
            return income_per_head


@pytest.mark.parametrize("part", ["basis", "resolve", "sentence"])
def test_a_finding_without_basis_remedy_or_sentence_is_refused(part: str) -> None:
    texts = {"basis": "依据", "resolve": "办法", "sentence": "说明"} | {part: " "}
    with pytest.raises(RuleError, match=f"填写 {part}="):

        @finding("低", of="household", severity="low", evidence=["income_per_head"], **texts)
        def low(income_per_head: Column) -> Column:
            """Low."""
            return income_per_head < 0


def test_two_rules_of_one_name_are_refused_with_both_places() -> None:
    def make() -> Rule:
        @variable("低", of="household")
        def low(income_per_head: Column) -> Column:
            """Low."""
            return income_per_head < 0

        return low

    with pytest.raises(RuleError, match=r"已在 .*test_mistakes\.py 第 \d+ 行 定义"):
        Library([make(), make()], NO_PARAMETERS)


def test_a_variable_may_not_hide_a_column() -> None:
    @variable("收入", of="household")
    def wage_income(transfer_income: Column) -> Column:
        """Hides a column."""
        return transfer_income

    with pytest.raises(RuleError, match="同名"):
        Library([wage_income], NO_PARAMETERS)


def test_a_wrong_unit_of_an_argument_is_refused(tmp_path: Path) -> None:
    @variable("低", of="household")
    def low(wage_income: Column, line: Annotated[Param, Unit("元/年")]) -> Column:
        """Wrong unit."""
        return wage_income < line

    with pytest.raises(RuleError, match="要求 line 的单位是“元/年”，实际是“元/人·年”"):
        Library([low], parameters(tmp_path, LINE))


def test_a_wrong_unit_of_a_column_or_variable_is_refused() -> None:
    @variable("收入", of="household", unit="元/年")
    def income(wage_income: Column) -> Column:
        """What is earned."""
        return wage_income

    @variable("低", of="household")
    def low(income: Annotated[Column, Unit("元/人·年")]) -> Column:
        """Means income by head."""
        return income < 9000

    @variable("也低", of="household")
    def low_too(wage_income: Annotated[Column, Unit("元/人·年")]) -> Column:
        """Means income by head."""
        return wage_income < 9000

    for rule, name in ((low, "income"), (low_too, "wage_income")):
        with pytest.raises(RuleError, match=f"要求 {name} 的单位是“元/人·年”，实际是“元/年”") as caught:
            Library([income, rule], NO_PARAMETERS)
        assert "test_mistakes.py 第 " in str(caught.value)
        assert "换用单位相符的量" in str(caught.value)


def test_a_finding_on_unknown_evidence_suggests_what_was_meant() -> None:
    @finding("低", of="household", basis="依", resolve="办", sentence="句", severity="low", evidence=["wage_incom"])
    def low(wage_income: Column) -> Column:
        """Low."""
        return wage_income < 9000

    with pytest.raises(RuleError, match=r"规则 low 用到的 wage_incom .*找不到.*wage_income") as caught:
        Library([low], NO_PARAMETERS)
    assert "test_mistakes.py 第 " in caught.value.place


def test_rows_that_do_not_belong_to_an_entity_are_not_summed_up_to_it() -> None:
    @aggregate("户数", of="person", over="household")
    def homes(has_phone: Column) -> Aggregate:
        """A household does not belong to a person."""
        return any_of(has_phone)

    with pytest.raises(RuleError, match="household 的行不属于 person，不能汇总") as caught:
        Library([homes], NO_PARAMETERS)
    assert "检查 of= 与 over=" in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"of": "houshold"}, "所说的 houshold 不存在.*相近的名字：household"),
        ({"of": "household", "codelist": "no_such_codes"}, "代码表 no_such_codes 不存在"),
    ],
)
def test_a_rule_about_what_does_not_exist_is_refused(declared: dict[str, str], problem: str) -> None:
    @variable("工资", **declared)
    def wages(wage_income: Column) -> Column:
        """What is earned."""
        return wage_income

    with pytest.raises(RuleError, match=problem) as caught:
        Library([wages], NO_PARAMETERS)
    assert "test_mistakes.py 第 " in str(caught.value)


def test_a_finding_about_bills_is_refused() -> None:
    @finding("多", of="medical_bill", basis="依", resolve="办", sentence="句", severity="low", evidence=["self_paid"])
    def much(self_paid: Column) -> Column:
        """A bill is nobody's alert."""
        return self_paid > 0

    with pytest.raises(RuleError, match=r"of=medical_bill 不能有发现项.*household、person 或 village"):
        Library([much], NO_PARAMETERS)


@pytest.mark.parametrize(
    ("group", "problem"),
    [
        ({"name": "same_day", "over": "medical_bil", "by": ["person_id"]}, "over=medical_bil 不存在"),
        ({"name": "same_day", "over": "medical_bill", "by": ["settled"]}, "settled 不是 medical_bill 的列或变量"),
        ({"name": "person", "over": "medical_bill", "by": ["person_id"]}, "分组名 person 已被使用"),
    ],
)
def test_a_grouping_of_what_does_not_exist_is_refused(group: dict[str, Any], problem: str) -> None:
    made = grouping(group["name"], "分组", over=group["over"], by=group["by"])
    with pytest.raises(RuleError, match=problem) as caught:
        Library([made], NO_PARAMETERS)
    assert "test_mistakes.py 第 " in str(caught.value)


def finding_of(rule: Rule) -> Rule:
    @finding("有", of="household", basis="依", resolve="办", sentence="句", severity="low", evidence=[rule.name])
    def some(household_fact: Column) -> Column:
        """Whether it is more than nothing."""
        return household_fact > 0

    return some


def test_money_that_is_not_whole_fen_is_refused() -> None:
    @variable("每人", of="household", unit="元/人·年")
    def household_fact(wage_income: Column, member_count: Column) -> Column:
        """Divides without rounding."""
        return wage_income / member_count

    rules = Library([household_fact, finding_of(household_fact)], NO_PARAMETERS)
    with pytest.raises(RuleError, match="金额须为整数分"):
        compile_plan(rules, as_of=DAY, region="500236")


def test_an_aggregate_that_returns_a_plain_column_is_refused() -> None:
    @aggregate("每人", of="household", over="person", unit="月")
    def household_fact(work_months: Column) -> Aggregate:
        """Forgets to aggregate."""
        return work_months

    rules = Library([household_fact, finding_of(household_fact)], NO_PARAMETERS)
    with pytest.raises(RuleError, match="汇总规则返回"):
        compile_plan(rules, as_of=DAY, region="500236")


def test_a_county_fact_may_not_rest_on_a_household() -> None:
    @variable("有人", of="person")
    def someone(household_type: Column) -> Column:
        """Reads the household."""
        return household_type == "L06"

    @aggregate("全县", of="county", over="person")
    def anybody(someone: Column) -> Aggregate:
        """Reads what reads the household."""
        return any_of(someone)

    with pytest.raises(RuleError, match="全县或跨户的规则 anybody"):
        Library([someone, anybody], NO_PARAMETERS)


def test_a_finding_without_a_value_of_its_parameter_is_left_out_and_named(tmp_path: Path) -> None:
    @finding(
        "低", of="household", basis="依", resolve="办", sentence="句", severity="low", evidence=["income_per_head"]
    )
    def low(income_per_head: Column, line: Param) -> Column:
        """Below the line."""
        return income_per_head < line

    rules = Library([low], parameters(tmp_path, LINE))
    assert compile_plan(rules, as_of=DAY, region="500236").not_run == {}
    elsewhere = compile_plan(rules, as_of=DAY, region="430725")
    assert "line（线）" in elsewhere.not_run["low"]
    assert elsewhere.outcomes == {}
    before = compile_plan(rules, as_of=datetime.date(2023, 12, 31), region="500236")
    assert "low" in before.not_run


def test_a_missing_value_names_what_there_is_and_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="现有：50 自 2024-01-01") as caught:
        parameters(tmp_path, LINE).require("line", DAY, "430725")
    assert 'region: "430725"' in caught.value.remedy
    assert "some.yaml 第 2 行" in caught.value.place


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("source: 文件", 'source: ""', "没有来源"),
        ("9000", "九千", "不是数"),
        ("9000", "9000.001", "位数过多"),
        ('region: "50"', 'region: "5"', "区划 5 不对"),
        ("from: 2024-01-01", "from: 2024", "不是日期"),
        (", status: V", "", "写得不全"),
        ("unit: 元/人·年", "unit: 岁", "金额用 type: money"),
        ("type: money", "type: amount", "类型 amount 不存在"),
        ("title: 线", "titel: 线", "不认识的项 titel"),
        ("    - {from", "   - {from: [", "不是合格的 YAML"),
    ],
)
def test_a_wrong_parameter_file_is_refused_in_words(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message) as caught:
        parameters(tmp_path, LINE.replace(old, new))
    assert "some.yaml" in caught.value.place


def test_a_county_file_beside_the_shipped_ones_adds_and_replaces_values(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    shipped.mkdir()
    own.mkdir()
    (shipped / "a.yaml").write_text(LINE, encoding="utf-8")
    changed = LINE.replace("9000", "9100").replace('"50"', '"500236"')
    (own / "b.yaml").write_text(changed, encoding="utf-8")
    merged = load(shipped, own)
    assert merged.require("line", DAY, "500236").value == 910000
    assert merged.require("line", DAY, "500101").value == 900000
