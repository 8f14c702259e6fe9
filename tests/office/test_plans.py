"""The pages of plans: made from what is known, a measure added, papers printed, a removal looked at."""

from __future__ import annotations

import re

import pytest

from huqing.access.calendar import today
from huqing.plans.models import Plan, PlannedMeasure
from huqing.registry.models import DepartmentRecord, Label
from huqing.teams.models import Responsibility, Staff, Unit

from .reading import text_of


@pytest.fixture
def household(regions, make_household):
    made = make_household(grid=regions.grid, members=("张三", "李四"), items={"risks": ["01"], "main_cause": "01"})
    Label.objects.create(kind="monitor", household=made, valid_from="2024-01-05")
    unit = Unit.objects.create(name="县水利局", region_code="500236000000")
    staff = Staff.objects.create(
        name="王干部", kind="1", unit=unit, region_code="500236000000", phone="16012345678", position="科员"
    )
    Responsibility.objects.create(
        staff=staff, role="helper", household=made, region_code=made.region_code, since="2024-01-05"
    )
    return made


def test_a_plan_goes_from_the_list_of_gaps_to_the_card(as_role, household) -> None:
    village = as_role("village")
    listed = text_of(village.get("/plans/?gap=plan"))
    assert "张三户" in listed
    assert "没有计划（1）" in listed
    page = f"/households/{household.pk}/plan/"
    assert "还没有对症的措施，应有健康帮扶或社会帮扶" in text_of(village.get(page))
    new = village.get(f"{page}new/").content.decode()
    assert re.search(r'name="risks" value="01"[^>]*checked', new)
    assert village.post(f"{page}new/", {"causes": "01"}).status_code == 422
    village.post(f"{page}new/", {"risks": ["01"], "causes": ["01"], "aim": "看病不欠账"})
    plan = Plan.objects.get()
    add = f"/plans/{plan.pk}/measures/add/"
    answer = village.post(add, {"item": "4502", "state": "1"})
    assert answer.status_code == 422
    assert "请选责任人，或在下面写姓名" in text_of(answer)
    staff = Staff.objects.get()
    begun = {"item": "4502", "state": "2", "started_on": today().isoformat(), "planned": "1200.50", "staff": staff.pk}
    assert village.post(add, begun).status_code == 302
    measure = PlannedMeasure.objects.get()
    assert (measure.planned, measure.staff, measure.risks) == (120_050, staff, ["01"])
    shown = text_of(village.get(page))
    assert "有对症的措施：医疗救助" in shown
    assert "计划金额合计 1,200.50 元。" in text_of(village.get(f"/plans/{plan.pk}/paper/"))
    edit = f"/plan-measures/{measure.pk}/"
    done = {"state": "3", "started_on": today().isoformat(), "ended_on": today().isoformat(), "staff": staff.pk}
    assert "已完成的请写明成效" in text_of(village.post(edit, done))
    village.post(edit, {**done, "result": "自付部分已报销", "amount": "1200", "risks": ["01"]})
    assert DepartmentRecord.objects.get(kind="measure", retired_by=None).items["amount"] == 120_000
    card = text_of(village.get(f"/plans/{plan.pk}/card/"))
    for told in ("医疗救助", "已给您 1,200 元", "已办好", "王干部", "16012345678"):
        assert told in card
    assert "自付部分已报销" in text_of(village.get(f"/plans/{plan.pk}/paper/"))
    assert "李四" in text_of(village.get(f"/plans/{plan.pk}/handbook/"))
    assert "看病不欠账" in text_of(village.get(f"/plans/{plan.pk}/versions/1/"))
    village.post(f"/plans/{plan.pk}/close/", {"reason": "措施全部落实"})
    assert "措施全部落实" in text_of(village.get(page))


def test_a_measure_of_the_ledger_is_taken_up_and_dropped_again(as_role, household) -> None:
    county = as_role("county")
    county.post(f"/households/{household.pk}/plan/new/", {"risks": ["01"]})
    plan = Plan.objects.get()
    from tests.plans.conftest import ledger

    row = ledger(household, measure_item="4201", measure_group="100A42")
    page = f"/households/{household.pk}/plan/"
    assert "生态护林员" in text_of(county.get(page))
    take_up = f"/plans/{plan.pk}/measures/take-up/{row.pk}/"
    assert county.post(take_up, {"other": "没有这个人"}).status_code == 422
    assert county.post(take_up, {"other": "王干部", "lasts_until": "2027-12-31"}).status_code == 302
    measure = PlannedMeasure.objects.get()
    assert "岗位协议期满（2027-12-31）" in text_of(county.get(page))
    assert "各项都没有填计划金额" in text_of(county.get(f"/plans/{plan.pk}/paper/"))
    assert "还有 1 项措施没有完成" in text_of(county.post(f"/plans/{plan.pk}/close/", {"reason": "风险已消除"}))
    county.post(f"/plan-measures/{measure.pk}/drop/", {"reason": "改由村里安排"})
    measure.refresh_from_db()
    assert measure.drop_reason == "改由村里安排"
    assert DepartmentRecord.objects.filter(pk=row.pk, retired_by=None).exists()


def test_removal_conditions_say_what_is_missing(as_role, household) -> None:
    address = f"/households/{household.pk}/plan/removal/"
    part = as_role("reader").get(address, headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    told = text_of(as_role("reader").get(address))
    assert "由人决定" in told
    assert "识别满规定月数" in told
    assert "无法判断" in told
    assert "还没有导入" in told
