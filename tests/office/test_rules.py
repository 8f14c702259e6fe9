"""The rule catalogue: every rule found, explained, with its amounts over time and what it is made from."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.urls import reverse

from huqing.office import diagram, rule_page
from huqing.rules.library import library

from .reading import text_of
from .test_templates import LATIN

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 6, 30)
FINDINGS = sorted(library().findings)


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)


def test_every_rule_stands_under_a_topic() -> None:
    topics = rule_page.by_topic(library().findings.values())
    assert rule_page.OTHER not in {topic.title for topic in topics}
    assert sum(len(topic.rules) for topic in topics) == len(FINDINGS)


def test_the_catalogue_counts_the_open_alerts_of_the_own_area(family, as_role) -> None:
    content = as_role("county").get(reverse("office:rules")).content.decode()
    assert f'<a href="{reverse("office:alerts")}?finding=dangerous_house">1</a>' in content
    other = as_role("system_admin").get(reverse("office:rules"))
    assert "待处理" not in text_of(other)
    assert "居住危房" in text_of(other)


def test_rules_are_found_by_a_word_of_their_basis_and_by_severity(regions, as_role) -> None:
    client = as_role("county")
    found = text_of(client.get(reverse("office:rules"), {"text": "义务教育法"}))
    assert "义务教育适龄儿童不在校" in found
    assert "居住危房" not in found
    low = text_of(client.get(reverse("office:rules"), {"severity": "notice"}))
    assert "小学在校年龄异常" in low
    assert "居住危房" not in low
    assert "没有符合条件的规则" in text_of(client.get(reverse("office:rules"), {"text": "没有的字"}))


@pytest.mark.parametrize("key", FINDINGS)
def test_every_rule_has_a_page_in_chinese_with_its_basis(key, family, as_role) -> None:
    answer = as_role("county").get(reverse("office:rule", args=[key]))
    text = text_of(answer)
    rule = library().findings[key]
    for words in (rule.title, rule.sentence, rule.basis, rule.resolve):
        assert re.sub(r"\s+", " ", words) in text
    assert "未定义变量" not in text
    # Addresses and numbers of documents are what they are; the rule's own code stands beside its name.
    # The rule table shows sample tokens as its author wrote them.
    told = text.replace(key, "").partition("用例表")[0]
    said = re.sub(r"[a-z.]+\.(com|cn|net)\S*|[A-Z]+\d+", "", told)
    english = set(re.findall(r"[A-Za-z]{2,}", said)) - LATIN
    assert not english, english


def test_a_rule_page_marks_the_amount_in_force_for_the_own_county(family, as_role) -> None:
    content = as_role("county").get(reverse("office:rule", args=["income_below_line"])).content.decode()
    (row,) = re.findall(r'<tr class="in-force">(.*?)</tr>', content, re.DOTALL)
    assert "9,000.00 元/人·年" in row
    assert "奉节县" in row
    assert "云南省" in content
    assert "其他地区的取值" in content


def test_a_rule_page_tells_how_many_households_it_holds_for_today(family, as_role) -> None:
    text = text_of(as_role("county").get(reverse("office:rule", args=["dangerous_house"])))
    assert "今天成立的农户 1 户" in text
    assert "住房安全鉴定台账（住房和城乡建设委员会）" in text
    assert "待处理预警" not in text_of(as_role("audit_admin").get(reverse("office:rule", args=["dangerous_house"])))


def test_what_a_rule_is_made_from_is_drawn_and_listed(family, as_role) -> None:
    content = as_role("county").get(reverse("office:rule", args=["income_below_line"])).content.decode()
    drawing = content[
        content.index('<svg class="dependencies"') : content.index("</svg>", content.index('<svg class="dep'))
    ]
    titles = re.findall(r"<title>(.*?)</title>", drawing)
    assert "家庭纯收入（按户计算）" in titles
    assert "防止返贫监测收入参考线（参数）" in titles
    assert "工资性收入（户档案）" in titles
    listed = content[content.index("文字列表") :]
    assert "工资性收入（户档案）、" in listed


def test_a_rule_page_shows_the_table_that_is_tested(family, as_role) -> None:
    text = text_of(as_role("county").get(reverse("office:rule", args=["income_near_line"])))
    assert "10799.99 < 9000×1.2 户.工资性收入 10799.99 结果 发现 10800 = 9000×1.2 户.工资性收入 10800 结果 否" in text
    assert "各行共同：" in text
    numbers = text_of(as_role("county").get(reverse("office:rule", args=["id01"])))
    assert "校验码不对 人.证件号码判定 校验码不对" in numbers
    assert "bad_check" not in numbers


@pytest.mark.parametrize("key", FINDINGS)
def test_every_rule_has_a_table_in_the_catalogue(key) -> None:
    assert [cases for cases in rule_page.cases_of(key) if cases.rows]


def test_a_rule_page_leads_to_its_parameters_and_to_trying_others(family, as_role) -> None:
    content = as_role("county").get(reverse("office:rule", args=["income_near_line"])).content.decode()
    assert f'<a href="{reverse("office:parameter", args=["near_line_factor"])}">' in content
    assert f"{reverse('office:simulation-new')}?parameter=monitor_line&amp;parameter=near_line_factor" in content
    assert (
        reverse("office:simulation-new")
        not in as_role("reader").get(reverse("office:rule", args=["income_near_line"])).content.decode()
    )


def test_numbers_of_a_rule_lead_to_the_alerts_behind_them(family, as_role) -> None:
    content = as_role("county").get(reverse("office:rule", args=["dangerous_house"])).content.decode()
    alerts = reverse("office:alerts")
    assert f'href="{alerts}?finding=dangerous_house"' in content
    assert f'href="{alerts}?finding=dangerous_house&amp;state=waived"' in content


def test_an_unknown_rule_does_not_exist(regions, as_role) -> None:
    assert as_role("county").get(reverse("office:rule", args=["no_such_rule"])).status_code == 404


@pytest.mark.parametrize("key", FINDINGS)
def test_no_boxes_of_a_drawing_overlap_and_nothing_leaves_it(key) -> None:
    drawing = rule_page.dependencies(library(), key).drawing
    boxes = drawing.boxes
    for number, box in enumerate(boxes):
        assert box.x >= 0
        assert box.x + diagram.BOX_WIDTH <= drawing.width
        assert box.y >= 0
        assert box.y + diagram.BOX_HEIGHT <= drawing.height
        for other in boxes[:number]:
            apart = abs(box.x - other.x) >= diagram.BOX_WIDTH or abs(box.y - other.y) >= diagram.BOX_HEIGHT
            assert apart, (box.item.title, other.item.title)


def test_what_is_needed_stands_to_the_right_of_what_needs_it() -> None:
    items = [diagram.Item(key, key, "computed") for key in "abcd"]
    drawing = diagram.draw(items, {"a": ["b", "d"], "b": ["c"], "c": ["d"]})
    left = {box.item.key: box.x for box in drawing.boxes}
    assert left["a"] < left["b"] < left["c"] < left["d"]
    assert len(drawing.lines) == 6


def test_a_circle_cannot_be_drawn() -> None:
    items = [diagram.Item(key, key, "computed") for key in "ab"]
    with pytest.raises(ValueError, match="circle"):
        diagram.draw(items, {"a": ["b"], "b": ["a"]})


def test_long_titles_take_two_lines_and_end_in_dots() -> None:
    assert diagram.wrapped("人均纯收入") == ["人均纯收入"]
    assert diagram.wrapped("一二三四五六七八九十甲") == ["一二三四五六七八九十", "甲"]
    assert diagram.wrapped("一" * 30)[1].endswith("…")
