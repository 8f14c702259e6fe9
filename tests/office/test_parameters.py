"""The pages about parameters: which value is in force and why, over time, and who uses it."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.urls import reverse

from huqing.office import parameter_page, rule_page
from huqing.rules.library import library

from .reading import text_of

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 6, 30)
OWN = """monitor_line:
  title: 防止返贫监测收入参考线
  unit: 元/人·年
  type: money
  values:
    - {from: 2025-01-01, region: "500236", value: 9400, source: "奉节办〔2025〕1号", status: "本县"}
    - {from: 2027-01-01, region: "500236", value: 9900, source: "奉节办〔2026〕9号", status: "本县"}
"""


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)


@pytest.fixture
def own_file(tmp_path, monkeypatch):
    """A county's own amounts beside the shipped ones."""
    folder = tmp_path / "parameters"
    folder.mkdir()
    (folder / "本县.yaml").write_text(OWN, encoding="utf-8")
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))


def page(client, key: str) -> str:
    return text_of(client.get(reverse("office:parameter", args=[key])))


def test_every_parameter_is_listed_once_with_the_value_in_force(regions, as_role) -> None:
    content = as_role("county").get(reverse("office:parameters")).content.decode()
    listed = re.findall(r'<a class="row-title" href="/parameters/(\w+)/">', content)
    assert sorted(listed) == sorted(library().parameters)
    assert "9,000.00 元/人·年" in content


def test_parameters_are_found_by_a_word_of_their_name(regions, as_role) -> None:
    client = as_role("county")
    text = text_of(client.get(reverse("office:parameters"), {"text": "监测线"}))
    assert "临近监测线的倍数" in text
    assert "取水往返时间上限" not in text
    assert "没有符合条件的参数" in text_of(client.get(reverse("office:parameters"), {"text": "没有的字"}))


@pytest.mark.parametrize("key", sorted(library().parameters))
def test_every_parameter_has_a_page(key, regions, as_role) -> None:
    text = page(as_role("county"), key)
    parameter = library().parameters[key]
    assert parameter.title in text
    assert "‼" not in text
    assert "怎样改成本县的取值" in text
    for value in parameter.values:
        assert re.sub(r"\s+", " ", value.source) in text


def test_the_nations_value_holds_where_no_nearer_one_is_set(regions, as_role) -> None:
    text = page(as_role("county"), "school_age_from")
    assert "本县、市、省都没有自己的取值，用全国自 2021-01-01 起的取值。" in text


def test_the_countys_value_goes_before_the_nations(regions, as_role) -> None:
    text = page(as_role("county"), "clear_months")
    assert "用奉节县自 2021-01-01 起的取值，它优先于上级的取值。" in text


def test_where_no_value_is_set_the_rules_do_not_run_and_the_page_says_so(regions, as_role, users_by_role) -> None:
    users_by_role["county"].region_code = "500237"
    users_by_role["county"].save()
    text = page(as_role("county"), "monitor_line")
    assert "本县、市、省和全国都没有取值，用到它的规则在本县不运行。" in text


def test_a_countys_own_file_is_named_and_its_steps_are_drawn(own_file, regions, as_role) -> None:
    client = as_role("county")
    text = page(client, "monitor_line")
    assert "用奉节县自 2025-01-01 起的取值（来自本县参数文件）。" in text
    assert "本县的取值写在数据文件夹的 parameters/本县.yaml 里" in text
    content = client.get(reverse("office:parameter", args=["monitor_line"])).content.decode()
    assert 'data-kind="step"' in content
    chart = content[content.index('id="history"') : content.index("</figure>")]
    steps = re.findall(r'<td class="nowrap">([\d-]+)(?:（今天）)?</td><td class="num" data-value="([\d.]+)">', chart)
    assert steps == [
        ("2021-01-01", "9000"),
        ("2025-01-01", "9400"),
        ("2026-06-30", "9400"),
        ("2027-01-01", "9900"),
    ]


def test_the_page_says_which_rules_use_it(regions, as_role) -> None:
    text = page(as_role("reader"), "near_line_factor")
    assert "人均纯收入临近监测线" in text
    assert "换个取值试算" not in text
    assert "换个取值试算" in page(as_role("county"), "near_line_factor")


def test_the_example_is_a_file_the_rules_would_read(regions, tmp_path) -> None:
    from huqing.rules.parameters import read_file

    for key, parameter in library().parameters.items():
        if parameter.type not in ("money", "integer", "decimal") or parameter.keys:
            continue
        text = parameter_page.example(parameter, day=TODAY, county="500236").replace("取值", "1")
        file = tmp_path / f"{key}.yaml"
        file.write_text(text, encoding="utf-8")
        (read,) = read_file(file)
        assert (read.key, read.unit, read.type) == (key, parameter.unit, parameter.type)
        assert read.values[0].region == "500236"


def test_values_in_parts_are_told_in_words_and_not_drawn(regions) -> None:
    parameter = library().parameters["basic_rate"]
    points = rule_page.history(parameter, day=TODAY, county="500236")
    assert points
    assert all(point.number == "" for point in points)
    assert "县级：75%" in points[0].text


def test_an_unknown_parameter_does_not_exist(regions, as_role) -> None:
    assert as_role("county").get(reverse("office:parameter", args=["no_such"])).status_code == 404


def test_how_sure_a_value_is_is_said_in_words() -> None:
    said = {
        rule_page.shown(parameter, dated, now=False).status
        for parameter in library().parameters.values()
        for dated in parameter.values
    }
    assert said
    assert not [words for words in said if re.search("[A-Za-z]", words)]
