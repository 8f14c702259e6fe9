"""Alerts about villages as an office works with them: in the list, explained, waived, exported, kept from grids."""

from __future__ import annotations

import datetime as dt
from io import BytesIO

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from huqing.registry.models import DepartmentRecord, Source
from huqing.screening import actions
from huqing.screening.models import Alert, Run

from .reading import text_of

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = dt.date(2026, 6, 30)
LAND = {"forest_area": "0.00", "returned_forest_area": "0.00", "orchard_area": "0.00", "grass_area": "0.00"}
LAND |= {"water_area": "0.00"}


@pytest.fixture
def village(regions, make_household, monkeypatch, settings, tmp_path, _nothing_kept):
    """A village whose households have more arable land than it has, without a paved road; screened."""
    settings.DATA = tmp_path
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args: TODAY)
    make_household(members=("张三",), items={**LAND, "arable_area": "60.00"})
    make_household(members=("李四",), items={**LAND, "arable_area": "50.50"})
    source = Source.objects.create(
        kind=Source.Kind.DEPARTMENT,
        record_kind="village",
        title="行政村信息表_2025.xlsx",
        on=TODAY,
        created_at=timezone.now(),
        region_code="500236",
    )
    DepartmentRecord.objects.create(
        kind="village",
        fingerprint="v",
        region_code=regions.village.code,
        items={**LAND, "year": 2025, "arable_area": "100.00", "paved_road": False, "households": 2},
        source=source,
        row_number=17,
    )
    actions.run(by=None, region="500236", as_of=TODAY, trigger=Run.Trigger.MANUAL)
    return regions.village


def page(finding: str) -> str:
    return reverse("office:alert", args=[Alert.objects.get(finding=finding).pk])


def test_a_village_stands_in_the_list_among_the_households(village, as_role) -> None:
    text = text_of(as_role("county").get(reverse("office:alerts"), {"finding": "vl04"}))
    assert "到乡镇未通硬化路" in text
    assert village.name in text


def test_its_page_says_why_household_by_household_and_from_which_row(village, as_role) -> None:
    text = text_of(as_role("town").get(page("vl02")))
    assert "各户土地面积之和大于全村面积" in text
    for value in ("110.5 亩", "张三", "60 亩", "李四", "50.5 亩", "行政村信息表_2025.xlsx 第 17 行"):
        assert value in text, value
    assert "打开户档案" not in text
    assert "本村其他待处理预警" in text
    assert "未定义变量" not in text


def test_it_is_waived_like_any_other(village, as_role) -> None:
    alert = Alert.objects.get(finding="vl04")
    address = reverse("office:alert-waive", args=[alert.pk])
    answer = as_role("county").post(address, {"reason": "已列入2027年通畅工程"}, follow=True)
    assert "已确认无误" in text_of(answer)
    alert.refresh_from_db()
    assert alert.state == Alert.State.WAIVED


def test_a_grid_worker_sees_no_alert_of_the_whole_village(village, as_role) -> None:
    client = as_role("grid")
    assert (
        "到乡镇未通硬化路" not in text_of(client.get(reverse("office:alerts"), {"finding": "vl04"})).split("规则")[-1]
    )
    assert client.get(page("vl04")).status_code == 404


def test_the_exported_list_names_village_values_and_row(village, as_role) -> None:
    answer = as_role("county").post(f"{reverse('office:alerts-export')}?finding=vl02")
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).worksheets[0]
    cells = " ".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell is not None)
    assert village.name in cells
    assert "110.5 亩" in cells
    assert "行政村信息表_2025.xlsx 第 17 行" in cells


def test_the_rule_says_that_it_is_about_villages_and_how_many(village, as_role) -> None:
    text = text_of(as_role("county").get(reverse("office:rule", args=["vl04"])))
    assert "按村判断" in text
    assert "今天成立的村 1" in " ".join(text.split())


def test_what_cannot_be_judged_of_a_village_is_listed_by_its_name(village, as_role) -> None:
    text = text_of(as_role("county").get(reverse("office:unknown"), {"finding": "vl03"}))
    assert "饮水未解决户或危房户多于总户数" in text
    assert village.name in text


def test_the_home_page_counts_alerts_of_villages(village, as_role) -> None:
    text = " ".join(text_of(as_role("county").get(reverse("office:home"))).split())
    assert "到乡镇未通硬化路" in text
