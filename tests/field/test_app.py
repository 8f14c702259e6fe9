"""The app itself: it starts without a server, keeps what it has, and shows nobody what is not theirs."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import re

import pytest
import segno
from django.utils import timezone
from PIL import Image
from playwright.sync_api import expect
from tests.field.conftest import TODAY
from tests.field.line import Changed, Cut, Held, Stranger

from huqing.access.models import Role, User
from huqing.registry.models import Household
from huqing.visits import links
from huqing.visits.models import Confirmation, FormMedia, Method, VisitTask

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WECHAT = (
    "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.49"
)


@pytest.fixture
def cadre_visit(product):
    """The shipped method 四访 in use; a function that makes a due visit of a helper to a household."""
    method = Method.objects.create(
        key="four_visits", version="1", title="四访", digest="d", installed_at=timezone.now()
    )

    def due(household: Household, days: int) -> VisitTask:
        return VisitTask.objects.create(
            method=method,
            visit="cadre",
            household=household,
            region_code=household.region_code,
            opens_on=TODAY - dt.timedelta(days=30),
            due_on=TODAY + dt.timedelta(days=days),
        )

    return due


def test_a_phone_that_was_switched_off_starts_without_server_and_goes_on_with_the_draft(
    phone, token, visit_form, make_household, line, tmp_path, received
):
    make_household(members=("张大山", "李秀英"))
    visit_form()
    folder = tmp_path / "phone"
    before = phone(folder=folder)
    before.sign_in(token(), "张大山")
    before.household("张大山")
    before.begin("入户走访")
    before.write("走访情况", "先记一半")
    before.saved()
    address = before.page.url
    before.switch_off()
    line.down()

    after = phone(folder=folder)
    after.go("/field/")
    after.sees("张大山", "离线")
    after.household("张大山")
    after.sees("李秀英", "没填完")
    after.page.get_by_role("button", name="接着填").first.click()
    expect(after.question("走访情况").locator("textarea, input")).to_have_value("先记一半")
    assert after.page.url == address
    after.finish()
    after.sees("1 条待传")
    line.up()
    after.nudge()
    after.settled("sent")
    assert len(received()) == 1


def test_a_killed_server_loses_nothing_that_was_said_on_the_phone(ready, line, received):
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "服务器没了")
    line.always("/submission", Cut(100))
    ready.finish()
    ready.sees("张大山户")
    ready.until(lambda: line.count("/submission", "POST") > 0)
    line.down()
    ready.nudge()
    ready.sees("离线，1 条待传")
    line.free()
    line.up()
    ready.nudge()
    ready.settled("sent")
    assert len(received()) == 1


@pytest.mark.parametrize("broken", ["absent", "cut", "other"])
def test_a_form_is_offered_only_when_it_and_all_its_files_are_here(
    broken, phone, token, visit_form, make_household, line
):
    make_household(members=("张大山",))
    version = visit_form()
    mark = b"\x89PNG...."
    FormMedia.objects.create(
        version=version, name="标志.png", kind="image/png", content=mark, md5=hashlib.md5(mark).hexdigest()
    )
    met = {"absent": Stranger(404), "cut": Changed(lambda content: content[:4]), "other": Stranger(500)}[broken]
    line.always("/media/", met)
    one = phone()
    one.sign_in(token(), "张大山")
    one.household("张大山")
    expect(one.page.get_by_role("button", name="入户走访")).to_have_count(0)
    assert one.table("forms") == []
    one.page.get_by_role("button", name="返回").click()
    one.tab("我的")
    one.sees("没下载完整：入户走访")
    line.free()
    one.page.get_by_role("button", name="立即同步", exact=True).click()
    one.sees("1 张")
    one.tab("我的农户")
    one.household("张大山")
    one.begin("入户走访")


def test_a_new_form_version_leaves_drafts_and_queued_records_on_theirs(ready, visit_form, line, received):
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "用旧表填的")
    ready.saved()
    ready.page.go_back()
    visit_form("2", "| | text | note | 走访情况 | | | |", "| | text | more | 新加的一项 | | | |")
    ready.nudge()
    ready.until(
        lambda: sorted((row["version"], row["current"]) for row in ready.table("forms")) == [("1", 0), ("2", 1)]
    )
    ready.page.get_by_role("button", name="接着填").first.click()
    expect(ready.question("在家人数")).to_be_visible(timeout=60_000)
    expect(ready.question("新加的一项")).to_have_count(0)
    line.down()
    ready.finish()
    ready.sees("1 条待传")
    line.up()
    ready.nudge()
    ready.settled("sent")
    (one,) = received()
    assert one.version.version == "1"
    ready.sync()
    ready.begin("入户走访")
    expect(ready.question("新加的一项")).to_be_visible(timeout=60_000)
    ready.write("走访情况", "用新表填的")
    ready.finish()
    ready.settled("sent", 2)
    assert received()[-1].version.version == "2"


def newer(content: bytes) -> bytes:
    """The service worker of a build that differs."""
    return re.sub(rb'(VERSION\s*=\s*["\'`])(\w+)', rb"\1new\2", content)


def test_a_new_version_of_the_app_waits_until_no_form_is_open(ready, line):
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "正在填")
    ready.saved()
    line.always("/field/sw.js", Changed(newer))
    ready.page.evaluate("window.stays = true")
    ready.page.evaluate("navigator.serviceWorker.getRegistration().then((it) => it.update())")
    waits = "navigator.serviceWorker.getRegistration().then((it) => !!it.waiting)"
    ready.until(lambda: ready.page.evaluate(waits))
    second = ready.context.new_page()
    second.goto(f"{line.origin}/field/")
    ready.sees("有新版本", page=second)
    second.get_by_role("button", name="更新").click()
    ready.sees("先关掉表单", page=second)
    second.close()
    assert ready.page.evaluate("window.stays")
    ready.write("走访情况", "正在填，没有断")
    ready.page.get_by_role("button", name="返回").click()
    ready.sees("有新版本")
    # The form lets go of its lock when its last words are kept.
    ready.until(lambda: ready.page.evaluate("navigator.locks.query().then(({held}) => !held.length)"))
    with ready.page.expect_navigation():
        ready.page.get_by_role("button", name="更新").click()
    ready.sees("没填完")
    assert ready.page.evaluate("window.stays") is None
    (kept,) = ready.page.evaluate("caches.keys()")
    assert "new" in kept
    (row,) = ready.table("instances")
    assert "没有断" in row["xml"]


def test_another_persons_link_asks_and_shows_nothing_of_the_first(
    ready, token, make_household, regions, line, received
):
    make_household(members=("王小明",), village=regions.other_village)
    other = User.objects.create(
        username="other", display_name="另一位", role=Role.VILLAGE, region_code=regions.other_village.code
    )
    _, others = links.create_link(user=other, label="手机", by=other)
    line.always("/submission", Stranger(503))
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "张家的事")
    ready.finish()
    ready.sees("待传")
    ready.go(f"/field/#{others}")
    ready.sees("换成另一位？", "还有 1 份没有交上去")
    ready.page.get_by_role("button", name="不换", exact=True).click()
    ready.sees("张大山")
    ready.go(f"/field/#{others}")
    ready.sees("换成另一位？")
    ready.page.get_by_role("button", name="换人").click()
    ready.sees("王小明")
    assert "张大山" not in ready.read()
    assert ready.page.url.endswith("#/")
    ready.tab("发件箱")
    ready.sees("还没有填过表")
    kept = ready.stored()
    assert len(kept) == 2
    (left,) = [base for base in kept.values() if base["instances"]]
    assert left["households"] == left["settings"] == []
    line.free()
    ready.sync()
    ready.settle()
    assert not received()
    ready.go(f"/field/#{token()}")
    ready.page.get_by_role("button", name="换人").click()
    ready.settled("sent")
    (one,) = received()
    assert one.user.username == "village"


def test_a_link_opened_during_an_upload_brings_its_own_households_and_forms(ready, line, make_household, regions):
    make_household(members=("王小明",), village=regions.other_village)
    other = User.objects.create(
        username="other", display_name="另一位", role=Role.VILLAGE, region_code=regions.other_village.code
    )
    under_way = Held()
    line.always("/submission", under_way)
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "还在路上")
    ready.finish()
    ready.until(lambda: line.count("/submission", "POST") > 0)
    ready.go(f"/field/#{links.create_link(user=other, label='手机', by=other)[1]}")
    ready.page.get_by_role("button", name="换人").click()
    ready.sees("王小明")
    under_way.go.set()
    ready.settle()
    ready.household("王小明")
    ready.begin("入户走访")


@pytest.mark.parametrize("wrong", [dt.timedelta(days=-900), dt.timedelta(days=400)])
def test_a_wrong_clock_of_the_phone_does_no_harm(
    wrong, phone, token, visit_form, make_household, cadre_visit, received
):
    household = make_household(members=("张大山",))
    cadre_visit(household, -3)
    visit_form()
    one = phone()
    one.page.clock.install(time=timezone.now() + wrong)
    one.sign_in(token(), "张大山")
    one.page.clock.resume()
    one.sees("逾期 3 天", "手机的时间不准")
    one.household("张大山")
    one.begin("入户走访")
    one.write("走访情况", "钟不准")
    one.finish()
    one.settled("sent")
    (submission,) = received()
    assert abs(timezone.now() - submission.received_at) < dt.timedelta(minutes=5)
    assert submission.visited_on <= TODAY
    one.tab_from_household("我的")
    one.sees("今天", "6月30日", "手机时间差了")


def test_nothing_has_changed_is_one_tap_that_can_be_taken_back(phone, token, make_household, cadre_visit):
    household = make_household(members=("张大山",))
    task = cadre_visit(household, 5)
    one = phone()
    one.page.clock.install()
    one.sign_in(token(), "张大山")
    one.sees("还有 5 天")
    one.household("张大山")
    # The seconds in which it can be taken back pass when the test says so.
    one.page.clock.pause_at(one.page.evaluate("Date.now() / 1000 + 60"))
    one.page.get_by_role("button", name="无变化").click()
    one.sees("本机已办", "已记“干部走访”无变化")
    one.page.get_by_role("button", name="撤销").click()
    one.sees("还有 5 天")
    one.until(lambda: one.table("confirmations") == [])
    one.page.get_by_role("button", name="无变化").click()
    one.sees("本机已办", "已记“干部走访”无变化")
    assert not Confirmation.objects.exists()
    one.page.clock.resume()
    one.page.clock.fast_forward(9_000)
    one.until(lambda: Confirmation.objects.count() == 1)
    one.settle()
    said = Confirmation.objects.get()
    assert (said.task, said.on, said.user.username) == (task, TODAY, "village")


def test_of_three_hundred_households_one_is_found_by_any_word(phone, token, make_household, cadre_visit):
    for number in range(300):
        household = make_household(members=(f"赵第{number}户", f"钱家{number}"))
        if number < 40:
            cadre_visit(household, number - 10)
    one = phone()
    one.sign_in(token())
    expect(one.page.locator(".chips")).to_contain_text("全部 300")
    expect(one.page.locator(".chips")).to_contain_text("已逾期 10")
    rows = one.page.locator("ul.wide > li")
    expect(rows).to_have_count(40)
    expect(rows.first).to_contain_text("逾期 10 天")
    one.page.mouse.move(195, 600)
    one.page.mouse.wheel(0, 200_000)
    one.until(lambda: rows.count() > 40)
    one.page.get_by_label("找农户").fill("钱家277")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("赵第277户")
    one.page.locator("a.row").first.click()
    one.sees("赵第277户户")
    one.page.go_back()
    expect(one.page.get_by_label("找农户")).to_have_value("钱家277")
    one.page.get_by_role("button", name="清空").click()
    one.page.get_by_role("button", name=re.compile("已逾期")).click()
    expect(rows).to_have_count(10)


# What Chromium does with a transaction that does not fit: it takes the values and then gives up with this error.
FULL = """
const keep = IDBObjectStore.prototype.put
IDBObjectStore.prototype.put = function (value, ...key) {
    const size = value.blob ? value.blob.size : JSON.stringify(value).length
    if (size > (window.fits ?? Infinity)) {
        const error = new DOMException('full', 'QuotaExceededError')
        Object.defineProperty(this.transaction, 'error', { value: error })
        setTimeout((transaction) => transaction.abort(), 0, this.transaction)
    }
    return keep.call(this, value, ...key)
}
"""


def test_a_full_phone_keeps_the_answers_and_says_what_did_not_fit(
    phone, token, visit_form, make_household, photographs, received
):
    make_household(members=("张大山",))
    visit_form()
    ready = phone()
    ready.page.add_init_script(FULL)
    ready.sign_in(token(), "张大山")
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "存得下的话")
    ready.saved()
    ready.page.evaluate("window.fits = 40_000")
    ready.photo("房屋照片", photographs[0])
    ready.sees("手机存储满了", "照片没有存下", "没有存下")
    ready.write("走访情况", "存得下的话，又改了")
    ready.until(lambda: "又改了" in ready.table("instances")[0]["xml"])
    assert ready.table("files") == []
    ready.finish()
    ready.sees("没有交上去")
    ready.page.locator(".van-dialog:visible").get_by_role("button", name="确认").click()
    assert ready.table("instances")[0]["state"] == "draft"
    ready.page.evaluate("window.fits = 10")
    ready.write("走访情况", "连话也存不下")
    ready.sees("刚才填的还没有存下")
    assert "又改了" in ready.table("instances")[0]["xml"]
    ready.page.evaluate("window.fits = Infinity")
    ready.finish()
    ready.settled("sent")
    (one,) = received()
    assert one.attachments.exclude(sha256="").count() == 1
    assert "连话也存不下" in one.answers.values()


# Whether so many bytes can be stored.
FITS = """async (size) => {
    const told = (asked) => new Promise((done) => { asked.onsuccess = asked.onerror = () => done(asked.result) })
    const asked = indexedDB.open('room')
    asked.onupgradeneeded = () => asked.result.createObjectStore('files')
    const base = await told(asked)
    const fits = await new Promise((done) => {
        const writing = base.transaction('files', 'readwrite')
        writing.objectStore('files').put(new Blob([new Uint8Array(size)]), 1)
        writing.oncomplete = () => done(true)
        writing.onabort = () => done(false)
    })
    base.close()
    await told(indexedDB.deleteDatabase('room'))
    return fits
}"""


def test_what_the_browser_itself_says_when_it_is_full_is_understood(
    phone, token, visit_form, make_household, tmp_path, line, received
):
    # What the browser uses changes by some 100 KB when it opens its files; the photograph takes much more.
    large = tmp_path / "照片.jpg"
    Image.frombytes("RGB", (1600, 1000), random.Random(0).randbytes(1600 * 1000 * 3)).save(large, quality=90)
    make_household(members=("张大山",))
    visit_form()
    one = phone(folder=tmp_path / "phone")
    one.sign_in(token(), "张大山")
    one.household("张大山")
    one.begin("入户走访")
    one.write("走访情况", "快满了")
    one.saved()
    address = one.page.url
    session = one.context.new_cdp_session(one.page)

    used = one.page.evaluate("navigator.storage.estimate().then((it) => it.usage)")

    def leave_room(room: int | None) -> None:
        quota = {} if room is None else {"quotaSize": used + room}

        def is_told() -> bool:
            # Chromium remembers how much room a page has until two seconds after its last connection; then it asks
            # again. Whether it has shows only when something is stored.
            one.page.goto("about:blank")
            one.page.wait_for_timeout(4000)
            session.send("Storage.overrideQuotaForOrigin", {"origin": line.origin, **quota})
            one.go("/field/icon.svg")
            return one.page.evaluate(FITS, 400_000) == (room is None)

        one.until(is_told)
        one.page.goto(address)
        expect(one.question("走访情况")).to_be_visible()

    leave_room(200_000)
    one.photo("房屋照片", large)
    one.sees("手机存储满了", "照片没有存下")
    (row,) = one.table("instances")
    assert "快满了" in row["xml"]
    assert one.table("files") == []
    leave_room(None)
    one.photo("房屋照片", large)
    one.saved()
    assert one.table("files")[0]["blob"] > 500_000
    one.finish()
    one.settled("sent")
    (record,) = received()
    assert record.attachments.exclude(sha256="").count() == 1


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_window_or_has_a_nameless_control(
    width, phone, token, visit_form, make_household, cadre_visit, line
):
    household = make_household(members=("张大山", "李秀英"))
    cadre_visit(household, -3)
    visit_form()
    one = phone(width=width)
    one.go("/field/")
    one.sees("怎么登录")
    look(one)
    one.sign_in(token(), "张大山")
    look(one)
    one.household("张大山")
    look(one)
    line.always("/submission", Stranger(409))
    one.begin("入户走访")
    one.write("走访情况", "会被退回")
    one.finish()
    one.sees("被退回")
    one.page.get_by_role("button", name="返回").click()
    for name in ("发件箱", "我的"):
        one.tab(name)
        one.sees("张大山" if name == "发件箱" else "这部手机")
        look(one)
    one.go("/field/#/others")
    one.sees("没有其他要填的表")
    look(one)


def look(one) -> None:
    assert one.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, one.page.url
    unnamed = one.page.evaluate(
        """() => [...document.querySelectorAll('button, a[href], input, select, textarea, [role=tab]')]
            .filter((node) => node.checkVisibility({visibilityProperty: true}))
            .filter((node) => !(node.innerText || node.ariaLabel || node.title || node.labels?.length))
            .map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert not unnamed, unnamed


def test_a_chat_programs_browser_is_told_to_open_another_and_keeps_the_link(phone, token):
    one = phone(user_agent=WECHAT)
    secret = token()
    one.go(f"/field/#{secret}")
    one.sees("请换到浏览器里打开", "微信", "在浏览器打开")
    assert one.page.url.endswith(secret)
    one.page.get_by_role("button", name="复制链接").click()
    one.sees("复制")
    assert one.page.evaluate("indexedDB.databases()") == []


def test_plain_http_is_told_before_anything_is_asked_for(phone, token, line):
    # The same server under a name that is not this machine's own is no safe origin.
    one = phone()
    one.page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    one.go(f"/field/#{token()}")
    one.sees("这个地址不安全", "https")
    assert not line.count("/key/")


@pytest.mark.parametrize(
    "lacks",
    ["delete window.indexedDB", "delete Navigator.prototype.serviceWorker", "delete Promise.allSettled"],
)
def test_an_old_browser_is_told_what_to_do(lacks, phone):
    one = phone()
    one.page.add_init_script(lacks)
    one.go("/field/")
    one.sees("浏览器太旧", "更新到最新版")


def test_a_browser_that_does_not_understand_the_script_is_told_too(phone, line):
    line.fate = lambda asked: Changed(lambda content: b"let = = ;") if "/field/index-" in asked.path else None
    one = phone()
    one.page.clock.install()
    one.go("/field/")
    one.page.clock.fast_forward(21_000)
    one.sees("页面没有打开")
    one.complaints.clear()


def test_a_link_that_is_none_is_told_and_leaves_everything_as_it_was(ready):
    ready.go(f"/field/#{'x' * 64}")
    ready.sees("手机链接无效")
    ready.page.get_by_role("button", name="不换，回到我的农户").click()
    ready.sees("张大山")
    ready.page.reload()
    ready.sees("张大山")


def test_a_pasted_link_signs_in_and_a_wrong_one_says_what_is_wrong(phone, token, make_household, line):
    make_household(members=("张大山",))
    one = phone()
    one.go("/field/")
    field = one.page.get_by_label("手机链接")
    secret = token()
    for text, reason in (
        ("张大山", "这不是手机链接"),
        (f"{line.origin}/field/#{secret[:40]}", "链接不完整"),
        (f"https://county.invalid/field/#{secret}", "这是另一个地址（"),
    ):
        field.fill(text)
        one.page.get_by_role("button", name="用这个链接登录").click()
        one.sees(reason)
    one.words.clear()
    field.fill(f" {line.origin}/field/#{secret}\n")
    one.page.get_by_role("button", name="用这个链接登录").click()
    one.sees("张大山")


def test_a_link_opened_without_a_network_is_tried_again_when_there_is_one(phone, token, make_household, line):
    make_household(members=("张大山",))
    one = phone()
    one.go("/field/")
    one.sees("怎么登录")
    line.always("/key/", Cut())
    one.go(f"/field/#{token()}")
    one.sees("连不上服务器，链接还没有核对")
    one.page.reload()
    one.sees("连不上服务器，链接还没有核对")
    line.free()
    one.page.evaluate("window.dispatchEvent(new Event('online'))")
    one.sees("张大山")


def test_the_camera_reads_the_code_of_a_link(phone, token, make_household, line, tmp_path):
    make_household(members=("张大山",))
    film = tmp_path / "code.y4m"
    width, height, scale = 640, 480, 6
    code = segno.make(f"{line.origin}/field/#{token()}", error="l")
    rows = [[255] * width for _ in range(height)]
    for y, modules in enumerate(code.matrix_iter(scale=scale, border=4)):
        for x, dark in enumerate(modules):
            rows[y + 40][x + 120] = 0 if dark else 255
    picture = b"FRAME\n" + bytes(value for row in rows for value in row) + bytes([128]) * (width * height // 2)
    film.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip A1:1 C420jpeg\n".encode() + picture * 2)
    camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}")
    one = phone(folder=tmp_path / "phone", flags=camera, permissions=["camera"])
    one.go("/field/")
    one.page.get_by_role("button", name="扫二维码").click()
    one.sees("张大山")


def test_a_phone_without_a_camera_says_what_to_do_instead(phone):
    one = phone()
    one.go("/field/")
    one.page.get_by_role("button", name="扫二维码").click()
    one.sees("粘贴")
    one.page.get_by_role("button", name="不扫了").click()
    expect(one.page.get_by_label("手机链接")).to_be_visible()
