"""The hospital bill on random bills: layers never exceed the bill, equal a plain reckoning, and can be read."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from tests.rules.build import snapshot, tables

from huqing.policies.benefits_bills import bills_of
from huqing.policies.statement import COMPUTED, Bill, Statement, statement_for
from huqing.rules.benefits import compute, compute_rows
from huqing.rules.errors import TableError
from huqing.rules.inputs import arrow_rows
from huqing.rules.library import library
from huqing.rules.parameters import Parameters
from huqing.rules.schedules import Keyed, Segments
from huqing.standards.codelists import codelist
from huqing.standards.money import round_fen

DAY = datetime.date(2025, 6, 30)
LAYERS = ("basic_pay", "serious_pay", "aid_pay", "tilt_pay", "waiver", "topup_pay")
YUBEI = Bill(1, datetime.date(2023, 10, 30), 5_200_000, 5_000_000, "3")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans")


def dates() -> st.SearchStrategy[datetime.date]:
    return st.dates(datetime.date(2023, 11, 1), datetime.date(2024, 4, 1))


@st.composite
def bills(draw: st.DrawFn, *, wrong: bool = True) -> list[dict[str, Any]]:
    """A few people's bills of a winter, most of them possible."""
    made = []
    for number in range(draw(st.integers(1, 20))):
        total = draw(st.integers(-5 if wrong else 0, 30_000_000))
        highest = max(total, 0) + (5 if wrong else 0)
        maybe: st.SearchStrategy[Any] = st.none() if wrong else st.nothing()
        made.append(
            {
                "id": number,
                "person_id": draw(st.integers(1, 4)),
                "settled_on": draw(dates()),
                "medical_object": draw(st.sampled_from(["1", "2", "3", "4", "5", "7", "8"]) | maybe),
                "hospital_level": draw(st.sampled_from(["1", "2", "3", "4"]) | maybe),
                "total": total,
                "eligible": draw(st.integers(0, highest) | maybe),
            }
        )
    return made


def computed(rows: list[dict[str, Any]], region: str, cache: Path) -> list[dict[str, Any]]:
    done = compute_rows(
        {"hospital_bill": rows}, of="hospital_bill", names=COMPUTED, as_of=DAY, region=region, cache=cache
    )
    return [*done.to_pylist()]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=bills(), region=st.sampled_from(["500236", "450423", "62", "500112"]))
def test_no_layer_is_negative_and_together_they_never_exceed_the_bill(
    rows: list[dict[str, Any]], region: str, cache: Path
) -> None:
    for row, done in zip(rows, computed(rows, region, cache), strict=True):
        if done["reason"]:
            assert done["self_pay"] is None
            continue
        assert all(done[layer] >= 0 for layer in LAYERS), done
        assert done["self_pay"] >= 0
        assert sum(done[layer] for layer in LAYERS) + done["self_pay"] == row["total"]
        assert done["basic_pay"] + done["serious_pay"] + done["aid_pay"] + done["tilt_pay"] <= row["eligible"]


class Reckoner:
    """The same bills reckoned one after another in plain Python, as a clerk would with a pocket calculator."""

    def __init__(self, parameters: Parameters, region: str) -> None:
        self.parameters, self.region = parameters, region
        self.used: dict[tuple[Any, ...], int] = {}

    def amount(self, key: str, row: dict[str, Any]) -> Any:
        parameter = self.parameters[key]
        dated = parameter.at(row["settled_on"], self.region)
        assert dated is not None
        code = row["hospital_level" if parameter.keys == "hospital_level" else "medical_object"]
        return dated.value.of(code) if isinstance(dated.value, Keyed) else dated.value

    def share(self, amount: int, rate: Any) -> int:
        return round_fen(Fraction(amount) * Fraction(str(rate)))

    def take(self, key: str, row: dict[str, Any], amount: int, *also: Any) -> int:
        """Add to what the person has used of something in the year; returns what was used before."""
        where = (row["person_id"], row["settled_on"].year, key, *also)
        before = self.used.get(where, 0)
        self.used[where] = before + amount
        return before

    def capped(self, key: str, row: dict[str, Any], amount: int, cap: int) -> int:
        where = (row["person_id"], row["settled_on"].year, key)
        highest = max(cap, self.used.get((*where, "cap"), 0))
        self.used[*where, "cap"] = highest
        paid = min(amount, highest - self.used.get(where, 0))
        self.take(key, row, paid)
        return paid

    def bill(self, row: dict[str, Any]) -> tuple[int, ...]:
        left = row["eligible"]
        base = max(left - self.amount("basic_deductible", row), 0)
        rate = min(Fraction(str(self.amount("basic_rate", row))) + Fraction(str(self.amount("basic_bonus", row))), 1)
        basic = self.capped("basic", row, round_fen(base * rate), self.amount("basic_cap", row))
        left -= basic
        serious = self.serious(row, left)
        left -= serious
        aid = self.assistance("aid", row, left)
        left -= aid
        tilt = self.assistance("tilt", row, left)
        left -= tilt
        own = row["total"] - row["eligible"] + left
        waiver = min(self.share(own, self.amount("waiver_rate", row)), self.amount("waiver_cap", row))
        counted = own - waiver if self.amount("topup_scope", row) == "全部自付" else max(left - waiver, 0)
        topup = self.topup(row, counted)
        return basic, serious, aid, tilt, waiver, topup

    def serious(self, row: dict[str, Any], left: int) -> int:
        deductible = self.amount("serious_deductible", row)
        deductible = self.share(deductible, 1 - self.amount("serious_deductible_cut", row))
        before = self.take("serious base", row, left)
        gross = self.amount("serious_edges", row) == "含起付线"
        start, end = (
            max(value, deductible) if gross else max(value - deductible, 0) for value in (before, before + left)
        )
        segments, exact = self.amount("serious_segments", row), Fraction(0)
        assert isinstance(segments, Segments)
        for fen in (start, end):
            paid = Fraction(0)
            for part, edge in segments.bounded():
                inside = min(fen, edge if edge is not None else fen) - part.over
                rate = min(Fraction(str(part.rate)) + Fraction(str(self.amount("serious_bonus", row))), 1)
                paid += max(inside, 0) * rate
            exact = paid - exact
        return self.capped("serious", row, round_fen(exact), self.amount("serious_cap", row))

    def assistance(self, key: str, row: dict[str, Any], left: int) -> int:
        before = self.take(f"{key} base", row, left)
        deductible = max(self.amount(f"{key}_deductible", row) - before, 0)
        entitled = self.share(max(left - deductible, 0), self.amount(f"{key}_rate", row))
        return self.capped(key, row, entitled, self.amount(f"{key}_cap", row))

    def topup(self, row: dict[str, Any], counted: int) -> int:
        kind = row["medical_object"]
        cost = self.take("cost", row, row["total"], kind) + row["total"]
        limit = min(self.amount("topup_limit", row), self.share(cost, self.amount("topup_share", row)))
        borne = self.used.get((row["person_id"], row["settled_on"].year, "borne", kind), 0)
        paid = max(borne + counted - limit, 0)
        self.take("borne", row, counted - paid, kind)
        return paid


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=bills(wrong=False), region=st.sampled_from(["500236", "450423"]))
def test_bills_of_a_year_come_out_as_reckoned_one_after_another(
    rows: list[dict[str, Any]], region: str, cache: Path
) -> None:
    if region == "450423":  # which sets nothing for the others
        rows = [row for row in rows if row["medical_object"] in ("1", "2", "7")]
    reckoner = Reckoner(library().parameters, region)
    done = {row["id"]: row for row in computed(rows, region, cache)}
    for row in sorted(rows, key=lambda row: (row["settled_on"], row["id"])):
        expected = reckoner.bill(row)
        assert tuple(done[row["id"]][layer] for layer in LAYERS) == expected, row


def test_the_published_case_reads_as_published(cache: Path) -> None:
    told = statement_for([YUBEI], region="500112", as_of=DAY, cache=cache)
    (bill,) = told.bills
    assert [(step.title, step.base, step.amount, step.remaining) for step in bill.steps[:4]] == [
        ("基本医保", 5_000_000, 3_479_000, 1_521_000),
        ("大病保险", 1_521_000, 0, 1_521_000),
        ("医疗救助", 1_521_000, 1_064_700, 456_300),
        ("倾斜救助", 456_300, 93_780, 362_520),
    ]
    assert bill.steps[0].text == (
        "基本医保：政策范围内费用 50,000.00 元，起付标准 300.00 元，超过部分 49,700.00 元 × 70% = 34,790.00 元；"
        "剩余 15,210.00 元。"
    )
    assert "超过部分 1,563.00 元 × 60% = 937.80 元" in bill.steps[3].text
    assert (bill.paid, bill.eligible_self, bill.self_pay) == (4_637_480, 362_520, 562_520)
    assert told.years[0].text == "2023 年共 1 张账单，总费用 52,000.00 元，报销 46,374.80 元，个人自付 5,625.20 元。"
    rate = next(basis for basis in bill.steps[0].bases if basis.key == "basic_rate")
    assert (rate.text, rate.status, rate.scope, rate.since) == ("70%", "V", "500112", "2023-01-01")
    assert "渝北" in rate.source
    json.dumps(told.to_dict(), ensure_ascii=False)


def test_segments_and_what_is_left_of_the_years_ceiling_are_told(cache: Path) -> None:
    bill = Bill(1, datetime.date(2024, 3, 4), 25_000_000, 25_000_000, "3", "2", given_basic=10_000_000)
    serious, aid = told_steps(bill, cache)[1:3]
    assert "累计自 12,000.00 元 至 30,000.00 元 的 18,000.00 元 × 60%" in serious.text
    assert "累计自 100,000.00 元 至 150,000.00 元 的 50,000.00 元 × 75%" in serious.text
    assert serious.amount == 9_380_000
    assert (aid.base, aid.deductible, aid.amount) == (5_620_000, 300_000, 3_724_000)
    assert (aid.limit, aid.limit_left) == (10_000_000, 6_276_000)
    assert "本年度限额还剩 62,760.00 元" in aid.text


def told_steps(bill: Bill, cache: Path, region: str = "500236") -> Any:
    return statement_for([bill], region=region, as_of=DAY, cache=cache).bills[0].steps


def test_a_ceiling_that_is_used_up_is_told_with_what_it_took(cache: Path) -> None:
    first = Bill(1, datetime.date(2024, 3, 4), 40_000_000, 40_000_000, "8", "2")
    basic = told_steps(first, cache)[0]
    assert basic.amount == 20_000_000
    assert "年度限额 200,000.00 元，扣减 99,700.00 元 后支付 200,000.00 元" in basic.text
    assert basic.limit_left == 0


def test_example_figures_are_never_presented_as_law(cache: Path) -> None:
    example = statement_for([replace(YUBEI, hospital_level="2")], region="500236", as_of=DAY, cache=cache)
    assert any("演示示例" in text and "不得作为待遇依据" in text for text in example.warnings)
    published = statement_for([YUBEI], region="500112", as_of=DAY, cache=cache)
    assert not any("演示示例" in text for text in published.warnings)


def test_a_bill_without_result_says_why_and_the_years_sums_are_unknown(cache: Path) -> None:
    told = statement_for([YUBEI, replace(YUBEI, id=2, eligible=5_200_001)], region="500112", as_of=DAY, cache=cache)
    assert told.bills[1].text == "没有结果：政策范围内费用大于总费用。"
    assert told.bills[1].steps == ()
    assert told.years[0].paid is None
    assert "报销 不清楚" in told.years[0].text


def test_a_layer_that_is_not_set_for_the_patient_is_told_as_unknown(cache: Path) -> None:
    (bill,) = statement_for([replace(YUBEI, medical_object="1")], region="500112", as_of=DAY, cache=cache).bills
    assert bill.problem == codelist("bill_problem").label("no_setting")
    assert bill.steps[2].amount is None
    assert "不清楚" in bill.steps[2].text


CHANGE = """
basic_rate:
  title: 基本医保住院报销比例
  unit: 比例
  type: rate
  keys: hospital_level
  values:
    - {from: 2024-01-01, region: "500112", value: 0.8, source: 测试, status: V}
bill_day:
  title: 账单按哪一天的待遇标准计算
  type: choice
  choices: [结算日期, 入院日期]
  values:
    - {from: 2023-01-01, region: "500112", value: DAY, source: 测试, status: V}
"""
CROSSING = replace(YUBEI, admitted_on=datetime.date(2023, 12, 20), settled_on=datetime.date(2024, 1, 5))


def crossing(folder: Path, day: str, bill: Bill = CROSSING) -> Statement:
    (folder / "own.yaml").write_text(CHANGE.replace("DAY", day), encoding="utf-8")
    return statement_for([bill], region="500112", as_of=DAY, parameter_folders=(folder,), cache=folder / "cache")


@pytest.mark.parametrize(("day", "rate", "year"), [("结算日期", "80%", 2024), ("入院日期", "70%", 2023)])
def test_a_stay_across_a_change_of_rates_goes_by_the_day_the_county_chose(
    day: str, rate: str, year: int, tmp_path: Path
) -> None:
    (bill,) = crossing(tmp_path, day).bills
    assert (bill.steps[0].rate, bill.year) == (rate, year)
    (note,) = bill.notes
    assert "2023-12-20 至 2024-01-05" in note
    assert f"自 2024-01-01 起变动，全部费用按{day}" in note


def test_without_the_day_the_county_chose_the_bill_has_no_result(tmp_path: Path) -> None:
    (bill,) = crossing(tmp_path, "入院日期", replace(CROSSING, admitted_on=None)).bills
    assert bill.text == "没有结果：确定不了按哪一天的标准计算。"


def test_two_bills_with_one_number_are_refused(cache: Path) -> None:
    with pytest.raises(TableError, match="编号 1 出现了不止一次"):
        statement_for([YUBEI, YUBEI], region="500112", as_of=DAY, cache=cache)


def test_a_county_without_any_rates_is_told_which_are_missing(tmp_path: Path) -> None:
    rows = arrow_rows(library().tables["hospital_bill"], [{"id": 1, "person_id": 1, "total": 1, "eligible": 1}])
    out = tmp_path / "out.parquet"
    done = compute(
        out, of="hospital_bill", names=["basic_pay"], as_of=DAY, region="999999", tables={"hospital_bill": rows},
        cache=tmp_path / "cache",
    )  # fmt: skip
    assert done.rows == 1
    assert done.without["basic_rate"] == "基本医保住院报销比例"
    assert not [file for file in tmp_path.iterdir() if file.name.startswith("huqing-compute")]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: rows.drop(["eligible"]), "缺少列 eligible"),
        (lambda rows: rows.set_column(rows.column_names.index("total"), "total", [[1.5]]), "类型是 DOUBLE"),
    ],
)
def test_a_file_that_is_not_as_declared_leaves_nothing_behind(change: Any, problem: str, tmp_path: Path) -> None:
    rows = arrow_rows(library().tables["hospital_bill"], [{"id": 1, "person_id": 1, "total": 1}])
    with pytest.raises(TableError, match=problem):
        compute(
            tmp_path / "out.parquet", of="hospital_bill", names=["basic_pay"], as_of=DAY, region="500236",
            tables={"hospital_bill": change(rows)}, cache=tmp_path / "cache",
        )  # fmt: skip
    assert not (tmp_path / "out.parquet").exists()


def test_the_example_of_the_guide_is_a_file_the_program_accepts(tmp_path: Path) -> None:
    guide = Path(__file__).parents[3] / "docs" / "how-to" / "benefits.md"
    text = guide.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "医疗待遇.yaml").write_text(text, encoding="utf-8")
    value = library((tmp_path,)).parameters["aid_rate"].at(datetime.date(2025, 1, 1), "500236")
    assert value is not None
    assert isinstance(value.value, Keyed)


def test_stays_in_a_snapshot_become_bills_with_what_the_patient_was_on_that_day(tmp_path: Path, cache: Path) -> None:
    stay = {"household_id": 1, "care_kind": "1", "total": 100_000, "eligible": 80_000, "basic_paid": 50_000}
    new_year = datetime.date(2024, 1, 1)
    rows = {
        "household": [{"id": 1}],
        "person": [{"id": person, "household_id": 1} for person in range(1, 5)],
        "label": [
            {"household_id": 1, "kind": "tuopin", "valid_from": datetime.date(2015, 1, 1)},
            {"household_id": 1, "person_id": 3, "kind": "monitor", "valid_from": None},
        ],
        "civil_affairs": [
            {
                "household_id": 1,
                "person_id": 2,
                "aid_kind": "1",
                "aid_from": new_year,
                "aid_to": datetime.date(2024, 3, 1),
            },
            {"household_id": 1, "person_id": 4, "aid_kind": "5", "aid_from": new_year},
        ],
        "medical_bill": [
            {"id": 1, "person_id": 1, "settled_on": new_year, **stay},
            {"id": 2, "person_id": 2, "settled_on": new_year, **stay},
            {"id": 3, "person_id": 2, "settled_on": datetime.date(2024, 3, 1), **stay},
            {"id": 4, "person_id": 3, "settled_on": new_year, **stay},
            {"id": 5, "person_id": 4, "settled_on": new_year, **stay},
            {"id": 6, "person_id": 4, "settled_on": new_year, **stay, "care_kind": "2"},
        ],
    }
    made = snapshot(tmp_path / "snapshot", tables(rows))
    file = tmp_path / "bills.parquet"
    assert bills_of(made, file) == 5
    kinds = {row["id"]: row["medical_object"] for row in parquet.read_table(file).to_pylist()}
    assert kinds == {1: "7", 2: "2", 3: "7", 4: None, 5: "7"}
    compute(
        tmp_path / "out.parquet", of="hospital_bill", names=["reason", "aid_pay"], as_of=DAY, region="500236",
        tables={"hospital_bill": file}, cache=cache,
    )  # fmt: skip
    done = {
        row["id"]: (row["reason"], row["aid_pay"]) for row in parquet.read_table(tmp_path / "out.parquet").to_pylist()
    }
    assert done[2] == ("", 24_000)
    assert done[4] == ("no_object", None)


def test_the_hospitals_level_is_read_and_what_was_settled_can_be_left_out(tmp_path: Path, cache: Path) -> None:
    stay = {
        "id": 1, "household_id": 1, "person_id": 1, "settled_on": datetime.date(2024, 1, 1), "care_kind": "1",
        "hospital_level": "2", "total": 1_000_000, "eligible": 900_000, "basic_paid": 600_000, "serious_paid": 0,
    }  # fmt: skip
    person = [{"id": 1, "household_id": 1}]
    rows = {"household": [{"id": 1}], "person": person, "medical_bill": [stay]}
    made = snapshot(tmp_path / "snapshot", tables(rows))
    file = tmp_path / "bills.parquet"
    for options, settled, paid in (({}, 600_000, 600_000), ({"basic_anew": True}, None, 645_000)):
        bills_of(made, file, **options)
        assert [(r["hospital_level"], r["given_basic"]) for r in parquet.read_table(file).to_pylist()] == [
            ("2", settled)
        ]
        compute(
            tmp_path / "out.parquet", of="hospital_bill", names=["basic_pay"], as_of=DAY, region="500236",
            tables={"hospital_bill": file}, cache=cache,
        )  # fmt: skip
        assert parquet.read_table(tmp_path / "out.parquet")["basic_pay"].to_pylist() == [paid]


def test_a_snapshot_from_before_bills_told_the_level_has_none(tmp_path: Path) -> None:
    stay = {"id": 1, "household_id": 1, "person_id": 1, "settled_on": datetime.date(2024, 1, 1), "care_kind": "1"}
    made = snapshot(tmp_path / "snapshot", tables({"household": [{"id": 1}], "medical_bill": [stay]}))
    old = parquet.read_table(made / "medical_bill.parquet").drop_columns(["hospital_level"])
    parquet.write_table(old, made / "medical_bill.parquet")
    file = tmp_path / "bills.parquet"
    assert bills_of(made, file) == 1
    assert parquet.read_table(file)["hospital_level"].to_pylist() == [None]


def test_a_snapshot_without_bills_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"缺少 medical_bill\.parquet"):
        bills_of(tmp_path, tmp_path / "bills.parquet")
