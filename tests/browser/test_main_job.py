"""The main job as people do it: rosters in, a screening, an alert explained and put to rest, the audit log."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect
from tests.conftest import PASSWORD
from tests.office import rosters

from huqing.registry.models import Household, Person
from huqing.screening import actions
from huqing.screening.models import Alert, Run

from .conftest import TODAY, Watched

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOUSEHOLDS = [
    rosters.household(1, "张大山"),
    rosters.household(2, "李秀英", 工资性收入=90_000),
    rosters.household(3, "王建国", 工资性收入="三千左右"),
]
MEMBERS = [
    rosters.person(1, "张大山", "19800101", 1),
    rosters.person(1, "张小山", "20060505", 3, 与户主关系="之子"),
    rosters.person(2, "李秀英", "19750303", 2),
    rosters.person(2, "李小英", "20050707", 4, 与户主关系="之女", 出生日期="二〇〇五年"),
    rosters.person(3, "王建国", "19700909", 5),
    rosters.person(3, "王小国", "20010909", 7, 与户主关系="之子"),
]
REASON = "已入户核实，情况不属实：6月30日王主任核实，另有赡养费"

# Whatever can be pressed or filled in and has no name that a screen reader could say.
UNNAMED = """() => {
    const all = [...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea')]
    const shown = all.filter((node) => node.checkVisibility({visibilityProperty: true}))
    const named = (node) => node.innerText || node.ariaLabel || node.title || node.labels?.length
    return shown.filter((node) => !named(node)).map((node) => node.outerHTML.slice(0, 120))
}"""


def take_in(window: Watched, file: Path, *, rows: int) -> None:
    """From the menu through upload, columns and check to the registry."""
    page = window.page
    page.get_by_role("link", name="数据导入").first.click()
    page.get_by_role("link", name="上传文件").first.click()
    page.get_by_label("文件", exact=True).set_input_files(file)
    page.get_by_role("button", name="上传").click()
    window.sees("对应列", "列已对应字段")
    page.get_by_role("button", name="检查数据").first.click()
    window.sees("已检查", "文件行数")
    expect(page.locator(".stat", has_text="文件行数")).to_contain_text(str(rows))
    page.get_by_role("button", name="提交入库").click()
    window.sees("已入库")


def download_correction(window: Watched, folder: Path) -> Path:
    """Look at the refused rows and fetch the workbook to correct."""
    page = window.page
    page.get_by_role("link", name="看未入库的行").click()
    window.sees("行问题", "应填写")
    with page.expect_download() as download:
        page.get_by_role("button", name="下载待更正的表").click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def correct(file: Path, old: str, new: object) -> int:
    """Write ``new`` over the cell that holds ``old``; returns how many rows the workbook holds."""
    book = openpyxl.load_workbook(file)
    (cell,) = [cell for row in book.active for cell in row if cell.value == old]
    cell.value = new
    names = [cell.row for row in book.active for cell in row if str(cell.value or "").startswith("500236H")]
    book.save(file)
    return len(set(names))


def test_from_the_countys_files_to_a_waived_alert_in_the_audit_log(users_by_role, window, tmp_path):
    office = window()
    page = office.page
    office.sign_in("county", PASSWORD)
    office.sees("今天要办的事", "还没有农户档案")

    take_in(office, rosters.write(tmp_path / "户信息表_朱衣镇.xlsx", "户信息表", HOUSEHOLDS), rows=3)
    expect(page.locator(".stat", has_text="未入库")).to_contain_text("1")
    households = download_correction(office, tmp_path)
    office.sees("第 5 行", "工资性收入", "三千左右")
    assert correct(households, "三千左右", 30_000) == 1
    take_in(office, households, rows=1)
    assert set(Household.objects.values_list("head_name", flat=True)) == {"张大山", "李秀英", "王建国"}

    take_in(office, rosters.write(tmp_path / "家庭成员信息表_朱衣镇.xlsx", "家庭成员信息表", MEMBERS), rows=6)
    members = download_correction(office, tmp_path)
    office.sees("出生日期", "二〇〇五年")
    assert correct(members, "二〇〇五年", "2005-07-07") == 1
    take_in(office, members, rows=1)
    assert Person.objects.count() == 6

    page.get_by_role("link", name="预警", exact=True).first.click()
    page.get_by_role("link", name="筛查记录").click()
    before = Run.objects.count()
    page.get_by_role("button", name="立即筛查").click()
    office.sees("筛查已排队", "完成", "县级经办")
    assert Run.objects.count() == before + 1

    office.click(page.get_by_role("link", name="预警", exact=True).first)
    page.get_by_label("规则").select_option(label="人均纯收入低于监测线")
    office.sees("清空")
    expect(page.locator("table.data tbody tr")).to_have_count(1)
    page.get_by_role("link", name="人均纯收入低于监测线").first.click()
    office.sees("为什么提示", "按近12个月收支计算的人均纯收入低于当地当年监测线")
    office.sees("2,000.00 元/人·年", "3,000.00 元/年", "9,000.00 元/人·年", "中农组发〔2021〕7号")
    page.get_by_text("看 2 名家庭成员").click()
    office.sees("张小山")

    page.get_by_role("button", name="已入户核实，情况不属实", exact=True).click()
    page.keyboard.type("：6月30日王主任核实，另有赡养费")
    page.get_by_role("button", name="确认无误").click()
    office.sees("已确认无误", REASON)
    alert = Alert.objects.get(finding="income_below_line")
    assert (alert.state, alert.waive_reason) == (Alert.State.WAIVED, REASON)
    office.sign_out()

    office.sign_in("audit_admin", PASSWORD)
    office.click(page.get_by_role("link", name="审计日志").first)
    first = page.locator("table.data tbody tr").filter(has_text="预警").first
    expect(first).to_contain_text("县级经办")
    page.get_by_role("button", name="核对是否完整").click()
    expect(page.locator("#verified .message-success")).to_be_visible()
    first.get_by_role("link").click()
    office.sees(REASON)


def tab_to(window: Watched, text: str, *, most: int = 60) -> None:
    """Press Tab until the focus is on something that says ``text``."""
    for _ in range(most):
        window.page.keyboard.press("Tab")
        said = window.page.evaluate(
            """() => {
                const here = document.activeElement
                const label = here.labels?.[0]?.innerText ?? ''
                return [here.innerText, here.value, here.getAttribute('aria-label'), label].join(' ')
            }"""
        )
        if text in said:
            return
    raise AssertionError(f"Tab never came to “{text}”")


def test_everything_on_the_way_to_an_alert_can_be_done_by_keyboard(users_by_role, make_household, window):
    items = {"wage_income": 300_000, "business_income": 0, "property_income": 0, "transfer_income": 0}
    household = make_household(members=("张大山", "张小山"), items={**items, "business_cost": 0})
    actions.run(by=None, region="500236", as_of=TODAY, trigger=Run.Trigger.MANUAL)
    office = window()
    page, press = office.page, office.page.keyboard.press
    office.go("/")
    office.sees("用户名")
    page.keyboard.type("county")
    press("Tab")
    page.keyboard.type(PASSWORD)
    press("Enter")
    office.sees("今天要办的事")
    press("/")
    page.keyboard.type("张大山")
    press("Enter")
    office.sees("张大山户")
    # The result page has an address of its own, which says nothing.
    expect(page).to_have_url(re.compile(r"/search/\?s=[\w%=-]+$"))
    page.reload()
    office.sees("张大山户")
    tab_to(office, "张大山")
    press("Enter")
    office.sees("家庭成员", household.number)
    tab_to(office, "为什么", most=120)
    press("Enter")
    office.sees("为什么提示")
    tab_to(office, "核实后确认无误的理由")
    page.keyboard.type(REASON)
    tab_to(office, "确认无误")
    press("Enter")
    office.sees("以后数值有变化，这条预警会再次提示")
    assert Alert.objects.filter(state=Alert.State.WAIVED).count() == 1


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_no_page_is_wider_than_the_window_or_lacks_an_alternative(users_by_role, make_household, window, width, height):
    make_household(members=("张大山", "张小山"), items={"wage_income": 300_000})
    actions.run(by=None, region="500236", as_of=TODAY, trigger=Run.Trigger.MANUAL)
    alert = Alert.objects.first()
    office = window(width, height)
    office.sign_in("county", PASSWORD)
    office.sees("今天要办的事")
    for path in (
        "/",
        "/households/",
        "/alerts/",
        f"/alerts/{alert.pk}/",
        "/alerts/unknown/",
        "/alerts/screenings/",
        "/imports/",
        "/imports/add/",
        "/links/",
        "/rules/",
        "/rules/relapse/",
        "/regions/",
    ):
        office.go(path)
        wider = office.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{path} is {wider} px wider than the window"
        unnamed = office.page.evaluate(UNNAMED)
        assert not unnamed, f"{path}: {unnamed}"
