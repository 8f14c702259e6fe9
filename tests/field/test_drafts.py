"""What has been typed is not lost: a killed browser, a lost photo, a new form version, a record that comes back."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.field import forms
from tests.field.conftest import PATIENCE
from tests.field.filling import fill_required

from huqing.visits import review
from huqing.visits.models import Attachment, Submission

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROWS = (
    "| | text | note | 走访情况 | | | |",
    "| | integer | people | 在家人数 | | | |",
    "| | image | photo | 房屋照片 | | | |",
)


def kill_browser_of(folder: Path) -> None:
    """Kill the browser that this test started in this folder, with its children, and wait until all are gone.

    A child that lives a moment longer keeps the databases locked for the browser that comes next.
    """
    parents = {}
    browsers = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().decode().split("\0")
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        if f"--user-data-dir={folder}" in command and not any(part.startswith("--type=") for part in command):
            browsers.append(int(entry.name))
    (browser,) = browsers

    def is_own(process: int) -> bool:
        return process == browser or (process in parents and is_own(parents[process]))

    own = [process for process in parents if is_own(process)]
    handles = []
    # One that has gone by itself, or with the browser, is as good as killed.
    for process in own:
        with contextlib.suppress(ProcessLookupError):
            handles.append(os.pidfd_open(process))
    for handle in handles:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    for handle in handles:
        assert select.select([handle], [], [], PATIENCE / 1000)[0]
        os.close(handle)


@pytest.fixture
def household(make_household):
    return make_household(members=("张大山", "李秀英"))


def begin(phone, token: str, title: str = "入户走访") -> None:
    phone.sign_in(token, "张大山")
    phone.household("张大山")
    phone.begin(title)


def test_a_killed_browser_loses_nothing_that_was_said_to_be_kept(
    phone, token, visit_form, household, tmp_path, photograph, received
):
    visit_form()
    key = token()
    first = phone(folder=tmp_path / "phone")
    begin(first, key)
    first.photo("房屋照片", photograph)
    note = first.question("走访情况").locator("input")
    # One character after another, as a finger types: none of them waits for the field to be left.
    note.press_sequentially("房顶漏雨，院墙倒了一段", delay=20)
    first.saved()
    first.dead = True
    kill_browser_of(tmp_path / "phone")

    again = phone(folder=tmp_path / "phone")
    again.go()
    again.household("张大山")
    again.page.get_by_role("button", name="接着填").first.click()
    expect(again.question("走访情况").locator("input")).to_have_value("房顶漏雨，院墙倒了一段")
    expect(again.question("房屋照片").locator("img.preview")).to_be_visible()
    again.finish()
    again.settled("sent")
    (one,) = received()
    assert one.answers["/data/note"] == "房顶漏雨，院墙倒了一段"
    assert Attachment.objects.get().sha256


# Hold the phone's records as a slow save does: no other one gets at them until it is released.
HOLD = """async () => {
    const told = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result) })
    const { name } = (await indexedDB.databases()).find((each) => /^huqing-field-.+/.test(each.name))
    const base = await told(indexedDB.open(name))
    const records = base.transaction('instances', 'readwrite').objectStore('instances')
    window.releaseRecords = () => { window.releaseRecords = null }
    await told(records.count())
    const again = () => { if (window.releaseRecords) records.count().onsuccess = again; else base.close() }
    again()
}"""
# The form is told to save at once, and the page is drawn anew twice.
SAVE_NOW = """async () => {
    window.dispatchEvent(new Event('pagehide'))
    for (let times = 0; times < 2; times += 1) await new Promise(requestAnimationFrame)
}"""


def test_a_form_says_that_it_is_kept_only_when_the_phone_has_kept_it(phone, token, visit_form, household):
    visit_form()
    one = phone()
    begin(one, token())
    one.write("走访情况", "第一句")
    one.saved()
    state = one.page.locator(".form-head .state")
    one.page.evaluate(HOLD)
    one.write("走访情况", "第二句，很长")
    one.page.evaluate(SAVE_NOW)
    expect(state).to_contain_text("正在保存…")
    expect(state).not_to_contain_text("已自动保存")
    one.page.evaluate("window.releaseRecords()")
    one.saved()
    (draft,) = one.table("instances")
    assert "第二句，很长" in draft["xml"]


def test_a_draft_keeps_its_id_and_the_version_it_was_begun_with(phone, token, visit_form, household, received):
    visit_form("1", *ROWS)
    one = phone()
    begin(one, token())
    one.write("走访情况", "第一次")
    one.saved()
    (draft,) = one.table("instances")
    one.page.get_by_role("button", name="返回").click()
    visit_form("2", *ROWS, "| | text | more | 新的一题 | | | |")
    one.go()
    one.sync()
    one.until(lambda: len(one.table("forms")) == 2)
    one.go(f"/field/#/form/{draft['instanceId']}")
    one.page.reload()
    expect(one.question("走访情况").locator("input")).to_have_value("第一次")
    expect(one.question("新的一题")).to_have_count(0)
    one.write("走访情况", "第二次")
    one.finish()
    one.settled("sent")
    (sent,) = received()
    assert (sent.instance_id, sent.version.version) == (draft["instanceId"], "1")
    assert sent.answers["/data/note"] == "第二次"


def test_a_lost_photo_is_named_when_its_draft_is_opened(phone, token, visit_form, household, photograph, received):
    visit_form()
    one = phone()
    begin(one, token())
    one.photo("房屋照片", photograph)
    one.write("走访情况", "有照片")
    one.saved()
    one.until(lambda: one.table("files"))
    one.page.evaluate(FORGET_FILES)
    one.page.reload()
    expect(one.question("房屋照片").locator(".error")).to_contain_text("文件在手机里找不到了")
    one.finish()
    expect(one.page.locator(".choices:visible")).to_contain_text("房屋照片")
    one.page.locator(".choices:visible").get_by_role("button", name="关闭").click()
    one.question("房屋照片").get_by_role("button", name="删除").click()
    one.page.get_by_role("dialog").get_by_role("button", name="删除", exact=True).click()
    expect(one.question("房屋照片").locator(".error")).to_have_count(0)
    one.finish()
    one.settled("sent")
    (sent,) = received()
    assert sent.state == Submission.State.RECEIVED
    assert not Attachment.objects.exists()


# Chromium under a full or failing disk: the row of the photo is gone, its record is not.
FORGET_FILES = """async () => {
    const told = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result) })
    const { name } = (await indexedDB.databases()).find((each) => /^huqing-field-.+/.test(each.name))
    const base = await told(indexedDB.open(name))
    await told(base.transaction('files', 'readwrite').objectStore('files').clear())
    base.close()
}"""


def test_a_returned_record_is_corrected_and_the_correction_survives_a_pause(
    phone, token, visit_form, household, photograph, users_by_role, received
):
    visit_form()
    one = phone()
    begin(one, token())
    one.photo("房屋照片", photograph)
    one.write("走访情况", "没写清楚")
    one.saved()
    one.finish()
    one.settled("sent")
    (first,) = received()
    review.return_(submission=first, by=users_by_role["county"], reason="请写明哪面墙漏雨")

    one.go("/field/#/")
    one.page.reload()
    one.sync()
    one.settled("rejected")
    one.household("张大山")
    one.sees("请写明哪面墙漏雨")
    one.page.get_by_role("button", name="改好再交").click()
    one.write("走访情况", "东墙漏雨")
    one.saved()
    # A pause in the middle of the correction: what it replaces is not forgotten.
    one.page.reload()
    expect(one.question("走访情况").locator("input")).to_have_value("东墙漏雨")
    one.write("在家人数", "2")
    one.finish()
    one.until(lambda: any(row["replaces"] and row["state"] == "sent" for row in one.table("instances")))
    first, second = received()
    assert second.replaces == first
    assert first.state == Submission.State.REPLACED
    assert (second.answers["/data/note"], second.answers["/data/people"]) == ("东墙漏雨", "2")
    assert second.attachments.get().sha256 == first.attachments.get().sha256


def test_a_returned_record_whose_photo_is_no_longer_on_the_phone_says_which_to_take_again(
    phone, token, visit_form, household, photographs, users_by_role, received
):
    visit_form()
    one = phone()
    begin(one, token())
    one.photo("房屋照片", photographs[0])
    one.write("走访情况", "看不清")
    one.saved()
    one.finish()
    one.settled("sent")
    (first,) = received()
    review.return_(submission=first, by=users_by_role["county"], reason="照片看不清，请重拍")
    one.go("/field/#/")
    one.page.evaluate(FORGET_FILES)
    one.page.reload()
    one.sync()
    one.settled("rejected")
    one.household("张大山")
    one.page.get_by_role("button", name="改好再交").click()
    expect(one.question("房屋照片").locator(".error")).to_contain_text("文件在手机里找不到了")
    one.finish()
    expect(one.page.locator(".choices:visible")).to_contain_text("房屋照片")
    one.page.locator(".choices:visible").get_by_role("button", name="关闭").click()
    one.photo("房屋照片", photographs[1])
    expect(one.question("房屋照片").locator(".error")).to_have_count(0)
    one.saved()
    one.finish()
    one.until(lambda: any(row["replaces"] and row["state"] == "sent" for row in one.table("instances")))
    again = received()[1]
    assert again.replaces == first
    assert again.attachments.get().sha256 not in ("", first.attachments.get().sha256)


def test_a_hundred_and_one_files_with_chinese_names_arrive(phone, token, household, received):
    rows = "\n".join(f"| | file | f{number} | 材料{number} | | |" for number in range(101))
    forms.published(
        "| survey |\n| | type | name | label | reads | required |\n"
        f"| | select_one_from_file household.csv | household | 哪一户 | household | yes |\n{rows}\n"
        "| settings |\n| | form_title | form_id | version |\n| | 交材料 | papers | 1 |\n"
    )
    one = phone()
    begin(one, token(), "交材料")
    for number in range(101):
        # Every name is there twice, and the server tells files apart by name.
        name = f"户口本 第{number // 2}页（复印件）.pdf"
        field = one.question(f"材料{number}").locator("input[type=file]")
        field.set_input_files(
            {"name": name, "mimeType": "application/pdf", "buffer": b"%%PDF-1.4\n%d\n%%%%EOF" % number}
        )
        # Whichever was read first would get the name.
        expect(one.question(f"材料{number}").locator(".settled")).to_be_visible()
    one.saved()
    expect(one.page.locator(".settled", has_text="户口本")).to_have_count(101)
    fill_required(one.page)
    one.finish()
    one.settled("sent")
    (sent,) = received()
    kept = sent.attachments.exclude(sha256="")
    assert kept.count() == 101
    assert kept.values("sha256").distinct().count() == 101
    assert sent.answers["/data/f0"] == "户口本 第0页（复印件）.pdf"
    assert sent.answers["/data/f1"] == "户口本 第0页（复印件）-2.pdf"
