"""A visit in the browser: form published, phone connected, record returned, corrected, accepted, exported."""

from __future__ import annotations

import io
import urllib.request

import pytest
from PIL import Image
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook
from tests.api.phone import BOUNDARY, attached, multipart
from tests.conftest import PASSWORD, PATIENCE

from huqing.access.models import AuditEvent
from huqing.registry.models import Household
from huqing.screening.signals import paused
from huqing.visits.models import Submission

pytestmark = pytest.mark.browser

FORM = """# 看水

| survey |
| | type | name | label | reads | writes |
| | select_one_from_file household.csv | household | 哪一户 | household | |
| | date | visited_on | 走访日期 | | |
| | select_one yes_no | water | 喝水安全吗 | household.water_safe | household.water_safe |
| | image | well | 水井照片 | | |
| | begin_repeat | things | 要办的事 | | |
| | text | what | 什么事 | | |
| | end_repeat | | | | |

| settings |
| | form_title | form_id | version |
| | 冬季看水 | winter_water | 1 |
"""
RECORD = """<data xmlns:orx="http://openrosa.org/xforms" id="winter_water" version="1">
  <household>{household}</household><visited_on>2026-06-29</visited_on><water>{water}</water><well>{photo}</well>
  <things><what>{what}</what></things><things><what>=1+1</what></things>
  <orx:meta><orx:instanceID>uuid:{now}</orx:instanceID>{before}</orx:meta>
</data>"""


def photo() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(target, "JPEG")
    return target.getvalue()


def send(address: str, xml: str, *files) -> int:
    body = multipart(xml.encode(), files)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "X-OpenRosa-Version": "1.0"}
    request = urllib.request.Request(f"{address}/submission", body, headers)
    with urllib.request.urlopen(request, timeout=PATIENCE / 1000) as answer:
        return answer.status


def test_a_visit_from_the_form_to_the_export(users_by_role, regions, make_household, product, window, tmp_path):
    household = make_household(members=("王建国", "李秀英"), grid=regions.grid)
    file = tmp_path / "看水.md"
    file.write_text(FORM, encoding="utf-8")

    county = window()
    # The name of the photo stands in the table.
    county.names |= {"jpg"}
    county.sign_in("county", PASSWORD)
    county.go("/forms/")
    county.page.get_by_role("link", name="上传表单").first.click()
    county.page.get_by_label("表单文件").set_input_files(file)
    county.page.get_by_label("算哪一类走访").select_option(label="干部走访")
    county.page.get_by_role("button", name="上传并检查").click()
    county.sees("检查通过，还没有发布", "喝水安全吗", "户·饮水是否安全")
    county.page.get_by_role("button", name="发布").click()
    county.sees("“冬季看水”1 版已发布", "使用中")

    grid = window(390, 844)
    grid.sign_in("grid", PASSWORD)
    grid.go("/phone/")
    grid.page.get_by_role("button", name="生成二维码").click()
    grid.sees("扫这个码", "在这台手机上打开")
    expect(grid.page.locator(".qr svg").first).to_be_visible()
    token = grid.page.get_by_role("link", name="在这台手机上打开").get_attribute("href").partition("#")[2]
    address = f"{product}/key/{token}"

    with paused():
        first = {"household": household.pk, "water": "no", "photo": "井.jpg", "what": "修水管", "now": 1, "before": ""}
        assert send(address, RECORD.format(**first), attached("井.jpg", photo())) == 201
        assert send(address, RECORD.format(**first), attached("井.jpg", photo())) == 201
    assert Submission.objects.count() == 1
    assert Household.objects.get(pk=household.pk).items["water_safe"] is False

    town = window()
    town.sign_in("town", PASSWORD)
    town.sees("走访记录待审核")
    town.page.get_by_role("link", name="走访记录待审核").click()
    town.page.get_by_role("link", name="冬季看水").click()
    town.sees("喝水安全吗", "否", "修水管", "已写入", "饮水是否安全")
    picture = town.page.locator("#files img")
    expect(picture).to_be_visible()
    # Seen is not loaded: the picture comes after the page.
    expect(picture).to_have_js_property("naturalWidth", 320)
    town.page.get_by_text("有问题，退回修改").click()
    town.page.get_by_label("退回原因").fill("不对")
    town.page.get_by_role("button", name="退回", exact=True).click()
    town.sees("至少 4 个字")
    town.page.get_by_label("退回原因").fill("水井已经修好，请再核对一次")
    town.page.get_by_role("button", name="退回", exact=True).click()
    town.sees("已退回")
    town.complaints.clear()

    grid.go("/")
    grid.page.get_by_role("link", name="我的走访记录被退回").click()
    grid.page.get_by_role("link", name="冬季看水").click()
    grid.sees("水井已经修好，请再核对一次", "请在手机上打开这条记录")
    with paused():
        again = "<orx:deprecatedID>uuid:1</orx:deprecatedID>"
        second = {**first, "water": "yes", "now": 2, "before": again}
        assert send(address, RECORD.format(**second), attached("井.jpg", photo())) == 201

    town.go("/visits/?state=received")
    town.page.get_by_role("link", name="冬季看水").click()
    town.sees("上一稿：否")
    town.page.get_by_role("button", name="采纳", exact=True).click()
    town.sees("已采纳")
    town.page.get_by_role("link", name="看户档案").click()
    expect(town.page.locator("#visits")).to_contain_text("干部走访")
    assert Household.objects.get(pk=household.pk).items["water_safe"] is True

    form = Submission.objects.first().form
    county.go(f"/visit-forms/{form.pk}/")
    county.sees("王建国户", "已采纳")
    with county.page.expect_download() as download:
        county.page.get_by_role("button", name="Excel 工作簿").click()
    book = CalamineWorkbook.from_path(str(download.value.path()))
    title, row = book.get_sheet_by_name("冬季看水").to_python()
    told = dict(zip(title, row, strict=True))
    assert (told["户主"], told["喝水安全吗"], told["状态"]) == ("王建国", "是", "已采纳")
    newest = Submission.objects.order_by("-pk").first().pk
    assert book.get_sheet_by_name("要办的事").to_python()[1:] == [[newest, 1, "修水管"], [newest, 2, "=1+1"]]
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"form_publish", "link_create", "visit_return", "visit_accept", "export_visits"} <= actions
