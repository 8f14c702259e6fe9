"""A county clerk asks what another line would do, and nothing but the simulation changes."""

from __future__ import annotations

import openpyxl
import pytest
from django.urls import reverse
from playwright.sync_api import expect
from tests.conftest import PASSWORD

from huqing.screening import actions
from huqing.screening.models import Alert, Run, Simulation

from .conftest import TODAY

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MARK = "模拟（不影响任何预警）"
INCOMES = {
    "property_income": 0,
    "transfer_income": 0,
    "business_income": 0,
    "business_cost": 0,
    "household_type": "L01",
}


@pytest.fixture
def two_households(product, regions, make_household):
    """One household of one below the line of 9,000 yuan a head, one above it; screened."""
    make_household(members=("张大山",), items={**INCOMES, "wage_income": 400_000})
    make_household(members=("李秀英",), items={**INCOMES, "wage_income": 1_200_000}, village=regions.other_village)
    actions.run(by=None, region="500236", as_of=TODAY, trigger=Run.Trigger.MANUAL)


def test_another_line_is_tried_and_the_alerts_stay_as_they_are(users_by_role, two_households, window, tmp_path):
    before = list(Alert.objects.order_by("pk").values())
    assert [row["finding"] for row in before].count("income_below_line") == 1
    office = window()
    page = office.page
    office.sign_in("county", PASSWORD)
    page.locator("#nav summary", has_text="更多数据").click()
    page.get_by_role("link", name="参数", exact=True).first.click()
    page.get_by_role("link", name="防止返贫监测收入参考线").click()
    office.sees("现在用哪个取值", "9,000.00 元/人·年", "用到它的规则", "怎样改成本县的取值")

    page.get_by_role("link", name="换个取值试算").click()
    office.sees(MARK, "现在：9,000.00 元/人·年")
    value = page.get_by_label("防止返贫监测收入参考线")
    expect(value).to_be_focused()
    value.fill("一万三")
    page.keyboard.press("Enter")
    office.sees("“一万三”不是数")
    expect(value).to_be_focused()
    assert not Simulation.objects.exists()
    office.complaints.clear()
    value.fill("13000")
    page.keyboard.press("Enter")

    office.sees("完成", "看名单", MARK)
    expect(page.locator(".stat", has_text="进入").first).to_contain_text("1户")
    office.sees("按规则", "人均纯收入低于监测线", "相差")
    page.get_by_role("button", name="表", exact=True).click()
    row = page.locator("#by-town tbody tr")
    expect(row).to_have_count(1)
    assert "1" in row.inner_text()

    office.click(page.get_by_role("link", name="看名单"))
    page.get_by_label("规则").select_option(label="人均纯收入低于监测线")
    office.sees("清空")
    listed = page.locator("table.data tbody tr")
    expect(listed).to_have_count(1)
    expect(listed).to_contain_text("李秀英")
    expect(listed).to_contain_text("不成立 → 成立")
    office.sees(MARK)

    office.go(reverse("office:simulation", args=[Simulation.objects.get().pk]))
    with page.expect_download() as download:
        page.get_by_role("button", name="导出结果").click()
    assert download.value.suggested_filename.startswith("模拟试算")
    target = tmp_path / "结果.xlsx"
    download.value.save_as(target)
    rows = list(openpyxl.load_workbook(target)["模拟 名单"].values)
    assert {row[0] for row in rows[1:]} == {MARK}
    assert "李秀英" in {row[4] for row in rows[1:]}
    assert "张大山" not in {row[4] for row in rows[1:] if row[1] == "进入" and row[2] == "人均纯收入低于监测线"}

    assert list(Alert.objects.order_by("pk").values()) == before
    page.get_by_role("link", name="预警", exact=True).first.click()
    expect(page.locator("table.data tbody tr")).to_have_count(len(before))


def test_a_phone_shows_the_result_without_scrolling_sideways(users_by_role, two_households, window):
    phone = window(width=390, height=800)
    phone.sign_in("county", PASSWORD)
    phone.go(f"{reverse('office:simulation-new')}?parameter=monitor_line")
    phone.page.get_by_label("防止返贫监测收入参考线").fill("13000")
    phone.page.get_by_role("button", name="开始试算").click()
    phone.sees("完成", "看名单")
    for address in ("office:simulation", "office:simulation-movers"):
        phone.go(reverse(address, args=[Simulation.objects.get().pk]))
        phone.sees(MARK)
        wide = phone.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, address
