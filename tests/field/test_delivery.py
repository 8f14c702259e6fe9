"""From the form on the phone to one record in the office, whatever the line does in between."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.field import killed_server
from tests.field.line import Cut, Line, Lost, Stranger

from huqing.registry.models import Household
from huqing.visits import links, review
from huqing.visits.models import AccessLink, Attachment, Submission

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def fill(phone, words: str, photo=None) -> None:
    """A visit to 张大山 with these words, finished."""
    phone.household("张大山")
    phone.begin("入户走访")
    phone.write("走访情况", words)
    if photo:
        phone.photo("房屋照片", photo)
    phone.saved()
    phone.finish()
    phone.sees("张大山户")


def note(submission: Submission) -> str:
    return next(value for path, value in submission.answers.items() if path.endswith("/note"))


def test_a_form_filled_without_a_network_arrives_when_there_is_one(ready, line, received):
    line.down()
    fill(ready, "房顶漏雨")
    ready.sees("离线，1 条待传", "等待上传")
    assert not received()
    ready.tired()
    line.up()
    ready.page.get_by_role("button", name="返回").click()
    ready.tab("发件箱")
    ready.page.get_by_role("button", name="现在就传").click()
    ready.sees("已上传，待审核")
    (one,) = received()
    assert note(one) == "房顶漏雨"
    assert one.household.head_name == "张大山"


def test_a_lost_reply_and_a_double_tap_make_one_record(ready, line, received):
    line.always("/submission", Lost())
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "一切都好")
    ready.page.get_by_role("button", name="填好了").dblclick()
    ready.sees("张大山户", "待传")
    ready.nudge()
    ready.until(lambda: line.count("/submission", "POST") >= 2)
    line.free()
    ready.nudge()
    ready.settled("sent")
    assert len(received()) == 1


def test_two_windows_neither_open_one_draft_twice_nor_send_twice(ready, line, received):
    line.always("/submission", Stranger(503))
    fill(ready, "第一份")
    ready.page.get_by_role("button", name="入户走访").click()
    ready.write("走访情况", "第二份")
    ready.saved()
    second = ready.context.new_page()
    second.goto(ready.page.url)
    ready.sees("正在另一个窗口里填", page=second)
    second.get_by_role("button", name="回到我的农户").click()
    ready.sees("张大山", page=second)
    ready.finish()
    ready.sees("张大山户")
    line.free()
    for page in (ready.page, second):
        ready.nudge(page)
    ready.settled("sent", 2)
    assert line.count("/submission", "POST", passed=True) == 2
    assert sorted(map(note, received())) == ["第一份", "第二份"]


def test_what_another_client_has_sent_already_is_not_stored_again(ready, line, received, client, token):
    line.always("/submission", Stranger(503))
    fill(ready, "一份就够")
    (row,) = ready.settled("queued")
    key = token()
    from django.core.files.uploadedfile import SimpleUploadedFile

    xml = SimpleUploadedFile("submission.xml", row["xml"].encode(), "text/xml")
    answer = client.post(f"/key/{key}/submission", {"xml_submission_file": xml}, headers={"X-OpenRosa-Version": "1.0"})
    assert answer.status_code == 201
    line.free()
    ready.nudge()
    ready.settled("sent")
    assert len(received()) == 1


def test_an_upload_cut_in_a_photograph_goes_on_and_arrives_whole(ready, line, received, photograph):
    line.only("/submission", Cut(30_000), Cut(60_000), method="POST")
    fill(ready, "墙上有裂缝", photograph)
    for tried in (1, 2):
        ready.until(lambda tried=tried: line.count("/submission", "POST") >= tried)
        ready.nudge()
    ready.settled("sent")
    (one,) = received()
    (kept,) = Attachment.objects.all()
    assert kept.sha256
    assert one.state == Submission.State.RECEIVED
    assert line.count("/submission", "POST") == 3


def test_many_photographs_go_in_parts_and_only_what_is_missing_goes_again(
    phone, token, visit_form, make_household, line, received, photographs
):
    make_household(members=("张大山",))
    visit_form("1", "| | text | note | 走访情况 | | | |", *(f"| | image | p{n} | 照片{n} | | | |" for n in range(4)))
    one = phone()
    one.sign_in(token(), "张大山")
    one.household("张大山")
    one.begin("入户走访")
    one.write("走访情况", "拍了四张")
    # The app shrinks photographs; other files stay as they are, so the parts are made small instead.
    for number, file in enumerate(photographs):
        one.photo(f"照片{number}", file)
    one.saved()
    sent: list[int] = []

    def fate(asked):
        if asked.path.endswith("/submission") and asked.method == "POST":
            sent.append(asked.size)
            # A proxy that takes no more than two photographs at a time, and a cut in the middle.
            if asked.size > LARGEST:
                return Stranger(413)
            if len([size for size in sent if size <= LARGEST]) == 2:
                return Cut(10_000)
        return None

    sizes = one.table("files")
    assert len(sizes) == 4
    LARGEST = max(row["blob"] for row in sizes) + 20_000
    line.fate = fate
    one.finish()
    one.sees("张大山户")
    one.until(lambda: len([size for size in sent if size <= LARGEST]) >= 2)
    one.nudge()
    one.settled("sent")
    (only,) = received()
    assert only.attachments.exclude(sha256="").count() == 4
    arrived = [size for size in sent if size <= LARGEST]
    assert len(arrived) == 5, sent


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_link_keeps_everything_and_a_new_one_sends_it(status, ready, line, received, token):
    reason = "手机链接已作废。请重新扫码。"
    refusal = Stranger(status, json.dumps({"error": reason}).encode(), "application/json")
    line.always("/key/", refusal)
    fill(ready, "还没交")
    ready.sees("链接已作废", reason)
    assert [row["state"] for row in ready.table("instances")] == ["queued"]
    line.free()
    ready.go(f"/field/#{token()}")
    ready.settled("sent")
    assert len(received()) == 1


def test_a_revoked_link_is_told_and_the_phone_can_be_wiped(ready, line, users_by_role):
    ready.household("张大山")
    ready.begin("入户走访")
    ready.write("走访情况", "没填完")
    ready.saved()
    ready.page.go_back()
    ready.page.get_by_role("button", name="返回").click()
    user = users_by_role["village"]
    links.revoke_link(link=AccessLink.objects.get(user=user), by=user)
    ready.sync()
    ready.sees("链接已作废，不能上传")
    ready.tab("我的")
    ready.page.get_by_role("button", name="清除手机里的资料").click()
    ready.sees("1 份还没有交上去")
    ready.page.get_by_role("button", name="要清除").click()
    ready.sees("真的不要这 1 份了？")
    ready.page.locator(".van-dialog:visible").get_by_role("button", name="清除", exact=True).click()
    ready.sees("怎么登录")
    assert ready.stored() == {}


def test_a_page_of_a_foreign_network_is_no_answer(ready, line, received):
    for answer in (
        Stranger(200, b"<html>login</html>"),
        Stranger(302, b"", headers={"Location": "/portal"}),
        Stranger(403, b"<html>blocked</html>"),
        Stranger(201, b"<html>created</html>"),
    ):
        line.always("/key/", answer)
        before = line.count("/key/")
        if not ready.table("instances"):
            fill(ready, "不能丢")
        else:
            ready.nudge()
        ready.until(lambda before=before: line.count("/key/") > before)
        ready.sees("离线，1 条待传")
    assert not received()
    assert not line.count("/portal")
    line.free()
    ready.nudge()
    ready.settled("sent")
    assert len(received()) == 1


@pytest.mark.parametrize("status", [400, 404, 409, 413])
def test_a_record_that_is_refused_says_why_and_can_be_corrected_and_sent_again(status, ready, line, received):
    line.only("/submission", Stranger(status), method="POST")
    fill(ready, "要改")
    ready.sees("被退回")
    ready.page.get_by_role("button", name="返回").click()
    ready.tab("发件箱")
    ready.sees("被退回，要改", "服务器没有收")
    (row,) = ready.table("instances")
    assert (row["state"], row["refused"]) == ("rejected", status)
    assert "要改" in row["xml"]
    assert not received()


def test_a_server_that_is_broken_for_a_while_loses_nothing(ready, line, received):
    line.always("/submission", Stranger(500))
    fill(ready, "再试一次")
    ready.sees("待传")
    line.always("/submission", Stranger(502))
    before = line.count("/submission", "POST")
    ready.nudge()
    ready.until(lambda: line.count("/submission", "POST") > before)
    ready.sees("待传")
    line.free()
    ready.nudge()
    ready.settled("sent")
    assert len(received()) == 1
    expect(ready.page.locator(".sync")).to_contain_text("已同步")


def test_a_returned_record_comes_back_with_its_reason_and_its_correction_replaces_it(
    ready, received, users_by_role, photograph
):
    fill(ready, "写错了", photograph)
    ready.settled("sent")
    (first,) = received()
    review.return_(submission=first, by=users_by_role["town"], reason="走访情况写得太少")
    ready.nudge()
    ready.sees("被退回")
    ready.page.get_by_role("button", name="返回").click()
    ready.tab("发件箱")
    ready.sees("退回原因：走访情况写得太少")
    ready.page.get_by_role("button", name="改好再交").click()
    expect(ready.question("走访情况").locator("textarea, input")).to_have_value("写错了")
    ready.write("走访情况", "改对了，屋顶已修好")
    ready.saved()
    ready.finish()
    ready.sees("已上传，待审核")
    first.refresh_from_db()
    second = received()[-1]
    assert (first.state, second.replaces_id, note(second)) == (first.State.REPLACED, first.pk, "改对了，屋顶已修好")
    assert second.attachments.exclude(sha256="").count() == 1
    assert [row["instanceId"] for row in ready.table("instances")] == [second.instance_id]


def test_a_record_refused_for_its_content_is_corrected_under_its_own_name(ready, line, received):
    line.only("/submission", Stranger(400), method="POST")
    fill(ready, "再改")
    ready.sees("被退回")
    (row,) = ready.table("instances")
    ready.page.get_by_role("button", name="改好再交").click()
    ready.write("走访情况", "改好了")
    ready.saved()
    ready.finish()
    ready.settled("sent")
    (one,) = received()
    assert (one.instance_id, note(one)) == (row["instanceId"], "改好了")


@pytest.fixture
def mortal(tmp_path) -> Iterator[tuple[killed_server.Server, Line]]:
    """The real server in processes of its own, and a line to it."""
    with killed_server.Server(tmp_path) as server:
        line = Line(server.origin)
        yield server, line
        line.close()


def test_a_server_killed_in_the_middle_of_uploads_keeps_one_of_each(mortal, phone):
    """Killed with its children while a phone sends."""
    server, line = mortal
    one = phone(line=line)
    one.sign_in(server.token, "张大山")
    line.always("/submission", Stranger(503))
    for number in range(4):
        fill(one, f"第{number}份")
        one.page.get_by_role("button", name="返回").click()
    one.settled("queued", 4)
    one.tired()
    # The first arrives, of the second the phone never hears, and nothing more goes through until the server is back.
    before = line.count("/submission", "POST", passed=True)
    line.only("/submission", None, Lost(), *[Cut()] * 100, method="POST")
    one.nudge()
    one.until(lambda: line.count("/submission", "POST", passed=True) == before + 2)
    server.kill()
    one.nudge()
    one.sees("待传")
    server.start()
    line.free()
    one.nudge()
    one.settled("sent", 4)
    assert server.records() == [f"第{number}份" for number in range(4)]


def test_a_record_about_somebody_elses_household_does_not_hold_up_the_others(
    ready, line, received, make_household, regions
):
    line.always("/submission", Stranger(503))
    fill(ready, "这户已归别人")
    moved = Household.objects.get(head_name="张大山")
    make_household(members=("王小明",))
    moved.village, moved.region_code = regions.other_village, regions.other_village.code
    moved.save()
    line.free()
    ready.nudge()
    ready.sees("1 条被退回")
    (row,) = ready.settled("rejected")
    assert row["refused"] == 403
    ready.page.get_by_role("button", name="返回").click()
    ready.sees("王小明")
    assert "链接已作废" not in ready.read()
    assert not received()
