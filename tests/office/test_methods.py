"""The gallery of working methods: who visits whom how often, and what the forms ask, read and write."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from huqing.office import method_page
from huqing.packs.shipped import ORDER, shipped
from huqing.rules.library import library

from .reading import text_of
from .test_templates import LATIN, ROLES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", ROLES)
def test_everybody_may_look_at_the_methods(role, regions, as_role) -> None:
    text = text_of(as_role(role).get(reverse("office:methods")))
    for key in ORDER:
        method = shipped(key).method
        assert method.title in text
        assert all(visit.title in text for visit in method.visits)
    assert "谁去 网格干部 走访谁 脱贫户或监测对象（户） 多久一次 每月一次 表单 干部走访" in text


@pytest.mark.parametrize("key", ORDER)
def test_a_method_has_a_page_with_its_checklists_and_forms(key, regions, as_role) -> None:
    text = text_of(as_role("village").get(reverse("office:method", args=[key])))
    pack = shipped(key)
    for visit in pack.method.visits:
        for checklist in visit.checklists:
            assert checklist.title in text
            assert all(item.title in text for item in checklist.items)
    for words in (pack.method.summary, pack.method.source, *(item.title for item in pack.method.indicators)):
        assert words in text
    assert "未定义变量" not in text
    words = set(re.findall(r"[A-Za-z]{2,}", text.replace(key, "")))
    own = {"linked_unit_fund", "method", "yaml", "huqing", "check", "forms", "outline", "linked", "unit", "fund"}
    assert words - LATIN - own == set()


def test_a_form_says_which_fields_it_fills_in_and_updates(regions, as_role) -> None:
    content = text_of(as_role("county").get(reverse("office:method", args=["four_visits"])))
    assert "开管子：饮水是不是安全" in content
    [cadre] = [form for form in method_page.forms(shipped("four_visits")) if form.key == "cadre"]
    water = next(item for item in cadre.questions if item.label.startswith("开管子"))
    assert (water.type, water.required, water.reads, water.writes) == (
        "单选",
        "必填",
        "户·饮水是否安全",
        "户·饮水是否安全",
    )
    health = next(item for item in cadre.questions if item.label == "身体怎么样")
    assert (health.writes, health.depth) == ("人·健康状况", 1)
    assert (cadre.asked, cadre.prefilled, cadre.written) == (37, 14, 14)


def test_duties_and_groups_are_told_in_words() -> None:
    rules = library()
    duties = method_page.duties(rules, shipped("linked_visits"))
    assert ("挂钩单位", "投入帮扶资金", "每年 不少于 400,000.00 元/年（参数，区划 53）", "") in duties
    assert ("挂点领导", "到村现场办公", "每年 至少 2 天", "") in duties
    groups = method_page.key_groups(rules, shipped("four_visits"))
    assert ("慢性病患者", "慢性病患者（人）", "每月一次", "每月送药随访") in groups


def test_an_unknown_method_is_not_found(regions, as_role) -> None:
    assert as_role("county").get(reverse("office:method", args=["nothing"])).status_code == 404


def test_a_description_is_read_as_headings_paragraphs_and_lists() -> None:
    blocks = method_page.described("# 名称\n\n第一句，\n接着说。\n\n## 依据\n- 甲\n- 乙\n尾句。\n")
    assert [(block.kind, block.lines) for block in blocks] == [
        ("text", ("第一句，接着说。",)),
        ("heading", ("依据",)),
        ("list", ("甲", "乙")),
        ("text", ("尾句。",)),
    ]
