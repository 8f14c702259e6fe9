"""``huqing measure`` as a county's analyst meets it."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import numpy as np
import pytest

from huqing.policies.poverty.county import CountyMeasures
from huqing.policies.poverty.deprivation import profile as profile_of
from huqing.policies.poverty.income import measure
from huqing.policies.poverty.profile import read
from huqing.policies.poverty.samples import census
from huqing.site.commands import root, support
from huqing.site.measures import as_text, table

VECTORS = json.loads((Path(__file__).parents[1] / "fixtures" / "poverty" / "lorenz.json").read_text(encoding="utf-8"))


def grouped_file(folder: Path, first_line: str = "人口累计比重,收入累计比重") -> Path:
    quadratic = VECTORS["lorenz_quadratic"]
    pairs = zip(quadratic["grouped_population"], quadratic["grouped_welfare"], strict=True)
    file = folder / "分组.csv"
    file.write_text("\n".join([first_line, *(f"{people},{income}" for people, income in pairs)]), encoding="utf-8")
    return file


def test_a_grouped_table_is_read_and_its_measures_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["measure", "table", str(grouped_file(tmp_path)), "--mean", "51.566", "--line", "57.79"]
    assert root.run(arguments) == 0
    told = capsys.readouterr().out
    assert "基尼系数 0.3213" in told
    assert "贫困发生率 76.0" in told


@pytest.mark.parametrize(
    ("line", "said"), [("a,b", "表头不对"), ("人口累计比重,收入累计比重\n0.1,无", "第 2 行不是两个数")]
)
def test_a_grouped_table_that_cannot_be_read_is_refused_with_its_line(
    line: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["measure", "table", str(grouped_file(tmp_path, line)), "--mean", "51", "--line", "57"]
    assert root.run(arguments) == 1
    assert said in capsys.readouterr().err


def test_the_printed_tables_name_towns_and_line_up() -> None:
    incomes = np.array([50_000.0, 2_000_000.0, np.nan])
    towns = ["500236101", "500236102", "500236102"]
    asked = read()
    indicators = [item.indicator for item in asked.items]
    lacks = np.zeros((3, len(indicators)))
    lacks[0, :3] = 1
    found = CountyMeasures(
        households=3,
        people=3,
        line=900_000,
        incomes=tuple(measure(incomes, 900_000, census(3), groups=towns, whole="全县")),
        deprivations=asked,
        not_measured={"house": "还没有导入“住房”"},
        profile=profile_of(lacks, indicators, asked.cutoff, census(3), groups=towns),
    )
    text = as_text(found, {"500236101": "朱衣镇"}, day=datetime.date(2025, 6, 30), sampled=False)
    assert "朱衣镇" in text
    assert "500236102" in text
    assert "没有计算“住危房”：还没有导入“住房”。" in text
    assert "人均收入(元)" in text
    assert "500.00" in text
    assert "贫困差距" in text


@pytest.mark.django_db
def test_a_county_is_measured_from_its_records_with_its_own_line_and_town_names(
    make_household, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zero = dict.fromkeys(("business_income", "property_income", "transfer_income", "business_cost"), 0)
    for wage in (1_000_000, 9_000_000):
        make_household(members=("甲", "乙"), items={**zero, "wage_income": wage, "sanitary_toilet": True, "fuel": "04"})
    monkeypatch.setattr(support, "must_be_installed", lambda: None)
    assert root.run(["measure", "county", "--region", "500236", "--date", "2026-06-30"]) == 0
    told = capsys.readouterr().out
    assert "全部在册户 2 户 4 人" in told
    assert "收入线 9,000.00 元/人·年" in told
    assert re.search(r"朱衣镇 +4 +0 +0 +25,000.00 +50.00%", told)
    assert "没有计算“住危房”" in told
    assert root.run(["measure", "county", "--region", "5002"]) == 1
    assert "不是县代码" in capsys.readouterr().err


def test_columns_are_aligned_whatever_the_width_of_the_letters() -> None:
    lines = table([["乡镇", "人数"], ["朱衣镇", "5"], ["a", "1,000"]])
    assert lines == ["乡镇     人数", "朱衣镇      5", "a       1,000"]
