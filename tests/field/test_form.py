"""Every kind of question on the phone: filled by a finger, said no to in Chinese, and landed as the office reads it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.field import forms
from tests.field.filling import fill_required

from huqing.visits.landing import Parsed, parse
from huqing.visits.models import Attachment, FormVersion

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HERE = {"latitude": 24.5, "longitude": 106.6, "accuracy": 8}
# Counts whoever asks the browser where the phone is.
WATCH_PLACE = """window.placed = 0
const watch = navigator.geolocation.watchPosition.bind(navigator.geolocation)
navigator.geolocation.watchPosition = (...all) => { window.placed += 1; return watch(...all) }
navigator.geolocation.getCurrentPosition = () => { window.placed += 1 }"""


@pytest.fixture
def opened(phone, token, make_household):
    """A function that opens a form for 张大山's household on a phone."""

    def open_form(source: str, *, title: str, items=None, members=("张大山", "李秀英"), **how):
        make_household(members=members, items=items)
        version = forms.published(source)
        one = phone(**how)
        one.page.add_init_script(WATCH_PLACE)
        one.sign_in(token(), "张大山")
        one.household("张大山")
        one.begin(title)
        return one, version

    return open_form


def choose(phone, label: str, *choices: str, search: str = "") -> None:
    """Choose from a list behind a button."""
    phone.question(label).locator("button.chooser").click()
    popup = phone.page.locator(".choices:visible")
    if search:
        popup.get_by_label("搜索").fill(search)
        expect(popup.locator("label.option")).to_have_count(len(choices))
    several = popup.locator("input[type=checkbox]").count() > 0
    for choice in choices:
        popup.get_by_label(choice, exact=True).click()
    if several:
        popup.get_by_role("button", name="选好了").click()
    expect(popup).to_have_count(0)


def sign(phone, label: str) -> None:
    """Sign with a finger."""
    phone.question(label).get_by_role("button", name="点这里签名").click()
    sheet = phone.page.locator(".signature canvas")
    sheet.wait_for()
    phone.page.wait_for_function("() => !document.querySelector('.signature[class*=enter-active]')")
    box = sheet.bounding_box()
    phone.page.mouse.move(box["x"] + 40, box["y"] + 40)
    phone.page.mouse.down()
    phone.page.mouse.move(box["x"] + 160, box["y"] + 90, steps=4)
    phone.page.mouse.up()
    phone.page.get_by_role("button", name="签好了").click()
    expect(phone.question(label).locator("img.preview")).to_be_visible()


@pytest.fixture
def camera_photo(tmp_path):
    """A photograph as a camera makes it: large, and with its maker and place written beside it."""
    image = Image.effect_noise((3000, 2000), 60).convert("RGB")
    exif = image.getexif()
    exif[0x010F] = "某厂手机"
    exif.get_ifd(0x8825).update({1: "N", 2: (24.0, 30.0, 0.0), 3: "E", 4: (106.0, 36.0, 0.0)})
    path = tmp_path / "相机 照片.jpg"
    image.save(path, exif=exif, quality=92)
    return path


KEPT_PHOTO = """async () => {
    const told = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result) })
    const { name } = (await indexedDB.databases()).find((each) => /^huqing-field-.+/.test(each.name))
    const base = await told(indexedDB.open(name))
    const rows = await told(base.transaction('files').objectStore('files').getAll())
    base.close()
    const { blob } = rows.find((row) => row.name.startsWith('照片'))
    const picture = await createImageBitmap(blob)
    const bytes = new TextDecoder('latin1').decode(await blob.arrayBuffer())
    return { kind: blob.type, width: picture.width, height: picture.height, exif: bytes.includes('Exif') }
}"""


def test_every_kind_of_question_lands_as_it_was_filled(opened, received, camera_photo):
    """What is asked of the fixtures here is also point 19: the office reads the same from ODK Collect's XML."""
    phone, version = opened(forms.EVERY_KIND, title="各种题", geolocation=HERE, permissions=["geolocation"])
    expect(phone.question("走访哪一户").locator(".settled")).to_contain_text("张大山")
    expect(phone.question("走过的路")).to_contain_text("这里还不能填这道题。可以不填")
    phone.write("一行字", "第一行 <&>")
    phone.write("多行字", "一\n二")
    phone.write("编号", "007")
    phone.write("人数", "１２")
    phone.write("面积", "3。50")
    expect(phone.question("面积").locator("input")).to_have_value("3.5")
    phone.write("哪一天", "2026-06-30")
    expect(phone.question("哪一天")).to_contain_text("2026年6月30日 星期二")
    phone.write("哪个月", "2026-05")
    phone.write("哪一年", "2025")
    phone.write("几点", "08:30")
    phone.write("什么时候", "2026-06-30T08:05")
    expect(phone.question("租谁的房")).to_have_count(0)
    phone.question("有房吗").get_by_label("否").check()
    phone.write("租谁的房", "大伯")
    choose(phone, "主要作物", "玉米")
    choose(phone, "哪个村", "平安村", search="平 安")
    phone.question("种了什么").get_by_label("水稻").check()
    phone.question("种了什么").get_by_label("没有").check()
    expect(phone.question("种了什么").locator(".error")).to_have_text("选了没有就不能再选别的")
    phone.question("种了什么").get_by_label("没有").uncheck()
    choose(phone, "去过哪些村", "平安村", "弄洪村")
    phone.question("排一排").get_by_label("上移：玉米").click()
    phone.question("几成").locator("input").fill("7")
    phone.question("满意吗").get_by_label("4 颗星").check()
    phone.sees("说明：请照实填，面积是 3.5 亩", "人数的两倍", "24")
    phone.question("已经当面讲清楚").get_by_label("知道了").check()
    phone.write("组里的字", "里")
    goods = phone.page.locator(".repeat")
    goods.get_by_label("名称").fill("锄头")
    for turn, (name, number) in enumerate([("桌子", "2"), ("凳子", "4")], start=1):
        goods.get_by_role("button", name="增加物品").click()
        goods.get_by_label("名称").nth(turn).fill(name)
        goods.get_by_label("几件").nth(turn).fill(number)
    goods.get_by_role("button", name="删除第 2 条").click()
    phone.page.get_by_role("dialog").get_by_role("button", name="删除", exact=True).click()
    expect(goods.locator(".turn")).to_have_count(2)
    expect(goods.locator(".turn").nth(1)).to_contain_text("2. 凳子，4")
    phone.photo("房屋照片", camera_photo)
    sign(phone, "户主签名")
    phone.question("录音").locator("input[type=file]").set_input_files(
        {"name": "录音.wav", "mimeType": "audio/wav", "buffer": b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x00" * 64}
    )
    phone.question("附件").locator("input[type=file]").set_input_files(
        {"name": "低保证（复印）.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4\n%%EOF\n"}
    )
    assert phone.page.evaluate("placed") == 0
    phone.question("房子在哪里").get_by_role("button", name="取现在的位置").click()
    expect(phone.question("房子在哪里")).to_contain_text("北纬 24.50000，东经 106.60000，误差约 8 米")
    phone.write("条码", "690123")
    phone.saved()
    phone.page.wait_for_function(f"async () => (await ({KEPT_PHOTO})()).width > 0")
    kept = phone.page.evaluate(KEPT_PHOTO)
    assert kept == {"kind": "image/jpeg", "width": 1600, "height": 1067, "exif": False}
    phone.finish()
    (row,) = phone.settled("sent")

    (one,) = received()
    answers = {path.split("/", 2)[-1]: value for path, value in one.answers.items()}
    files = sorted(Attachment.objects.values_list("name", flat=True))
    assert one.instance_id == row["instanceId"]
    assert answers.pop("goods") == [
        {"/data/goods/good": "锄头", "/data/goods/number": ""},
        {"/data/goods/good": "凳子", "/data/goods/number": "4"},
    ]
    assert {name: value for name, value in answers.items() if value and not isinstance(value, list)} == {
        "household": str(one.household_id),
        "words": "第一行 <&>",
        "long": "一\n二",
        "digits": "007",
        "people": "12",
        "area": "3.5",
        "day": "2026-06-30",
        "month": "2026-05-01",
        "year": "2025-01-01",
        "hour": "08:30:00.000+08:00",
        "moment": "2026-06-30T08:05:00.000+08:00",
        "house": "no",
        "rent": "大伯",
        "crop": "maize",
        "place": "v13",
        "crops": "rice",
        "places": "v01 v13",
        "order": "maize rice none",
        "share": "7",
        "stars": "4",
        "agreed": "OK",
        "double": "24",
        "doubled": "24",
        "secret": "7",
        "inner/in_group": "里",
        "photo": next(name for name in files if name.startswith("照片")),
        "signed": next(name for name in files if name.startswith("签名")),
        "sound": "录音.wav",
        "paper": "低保证（复印）.pdf",
        "where": "24.5 106.6 0.0 8.0",
        "code": "690123",
    }
    assert len(files) == 4
    assert all(Attachment.objects.values_list("sha256", flat=True))
    sent = row["xml"].encode()
    collect = as_collect(row["xml"]).encode()
    assert collect != sent
    assert data_of(collect, version) == data_of(sent, version)


def data_of(xml: bytes, version: FormVersion) -> Parsed:
    """What the office reads in a record: all but the tree it was read from."""
    return replace(parse(xml, version), root=None)


def as_collect(xml: str) -> str:
    """The same record as ODK Collect writes it: declared, with OpenRosa's own namespace, a time of its own kind."""
    meta = re.sub(r"<(/?)(meta|instanceID|instanceName)>", r"<\1orx:\2>", xml)
    root = '<data xmlns:h="http://www.w3.org/1999/xhtml" xmlns:orx="http://openrosa.org/xforms" '
    return "<?xml version='1.0' ?>" + re.sub(r"<(\w+)></\1>", r"<\1 />", meta.replace("<data ", root, 1)).replace(
        "/>", " />"
    )


def test_what_is_wrong_or_missing_is_said_in_chinese_and_found_again(opened, received):
    phone, _ = opened(forms.EVERY_KIND, title="各种题")
    phone.finish()
    summary = phone.page.locator(".choices:visible")
    expect(summary).to_contain_text("还有 5 处要补")
    expect(summary).to_contain_text("人数一定要写")
    expect(summary).to_contain_text("这道题必须填")
    summary.get_by_role("button", name="人数").click()
    expect(phone.question("人数").locator("input")).to_be_focused()
    for said, answer in {
        "这里要写整数，比如 12。现在写的是「十二」。": "十二",
        "这里只能写整数，不能有小数。现在写的是「1.5」。": "1.5",
        "最多 20 人": "30",
        "这个数太大了，请检查。": "99999999999",
    }.items():
        phone.write("人数", answer)
        expect(phone.question("人数").locator(".error")).to_have_text(said)
    phone.write("面积", "一亩")
    expect(phone.question("面积").locator(".error")).to_contain_text("这里要写数字，比如 12.5")
    expect(phone.question("面积").locator("input")).to_have_value("一亩")
    phone.write("哪一年", "206")
    expect(phone.question("哪一年").locator(".error")).to_contain_text("2026")
    phone.write("哪一年", "")
    phone.write("人数", "3")
    expect(phone.question("人数").locator(".error")).to_have_count(0)
    assert fill_required(phone.page) == 4
    phone.finish()
    expect(summary).to_contain_text("还有 1 处要补")
    summary.get_by_role("button", name="面积").click()
    assert not received()
    phone.write("面积", "1")
    phone.finish()
    phone.settled("sent")
    assert len(received()) == 1


def test_prefilled_answers_are_marked_until_they_are_changed_and_the_office_counts_the_same(opened, received):
    phone, _ = opened(
        forms.PREFILLED,
        title="核对",
        items={"water_safe": True, "arable_area": "3.50"},
        members=("张大山", "李秀英", "张小妹", "张小弟"),
    )
    state = phone.page.locator(".form-head .state")
    expect(state).to_contain_text("预填 2 项，必填 2/6")
    expect(phone.question("饮水安全吗").get_by_label("是")).to_be_checked()
    expect(phone.question("饮水安全吗").locator(".prefilled")).to_have_text("预填")
    expect(phone.question("耕地").locator("input")).to_have_value("3.5")
    phone.write("耕地", "4")
    expect(phone.question("耕地").locator(".prefilled")).to_have_count(0)
    expect(state).to_contain_text("预填 1 项")
    phone.write("耕地", "3.50")
    expect(phone.question("耕地").locator(".prefilled")).to_have_text("预填")
    phone.write("耕地", "2.8")
    turns = phone.page.locator(".turn")
    expect(turns.nth(3)).to_contain_text("4. 张小弟")
    expect(turns.nth(3)).to_contain_text("还差 1 项")
    expect(turns.nth(3).locator(".question")).to_have_count(0)
    phone.finish()
    summary = phone.page.locator(".choices:visible")
    expect(summary.get_by_role("button", name="张小弟：身体怎么样")).to_be_visible()
    summary.get_by_role("button", name="关闭").click()
    assert fill_required(phone.page) == 4
    expect(turns.nth(3).locator(".question")).to_be_visible()
    phone.finish()
    phone.settled("sent")
    (one,) = received()
    assert (one.typed, one.prefilled) == (5, 1)
    one.household.refresh_from_db()
    assert one.household.items["arable_area"] == "2.80"


def test_an_answer_that_breaks_a_calculation_is_taken_back_and_the_rest_is_kept(opened):
    phone, _ = opened(forms.BREAKS, title="会坏的表")
    phone.write("走访情况", "房顶漏雨")
    phone.saved()
    (before,) = phone.table("instances")
    phone.question("哪一种").get_by_label("坏的").click()
    phone.sees("已回到刚才保存的内容")
    phone.page.get_by_role("button", name="确认").click()
    expect(phone.question("走访情况").locator("input")).to_have_value("房顶漏雨")
    expect(phone.question("哪一种").get_by_label("坏的")).not_to_be_checked()
    phone.question("哪一种").get_by_label("好的").check()
    phone.finish()
    (after,) = phone.settled("sent")
    assert after["instanceId"] == before["instanceId"]
    assert "<result>1</result>" in after["xml"]
    assert any("nosuchfunction" in said for said in phone.complaints)
    phone.complaints.clear()


def test_a_form_is_filled_by_keyboard_alone(opened, received):
    phone, _ = opened(forms.EVERY_KIND, title="各种题", width=1280)
    keys = phone.page.keyboard
    phone.page.locator("input.field").first.focus()
    keys.type("写字")
    for _ in range(3):
        keys.press("Tab")
    keys.type("5")
    expect(phone.question("人数").locator("input")).to_have_value("5")
    phone.question("有房吗").get_by_label("是").focus()
    keys.press("Space")
    phone.question("主要作物").locator("button").focus()
    keys.press("Enter")
    expect(phone.page.locator(".choices:visible .choices-body")).to_be_focused()
    keys.press("Tab")
    keys.press("ArrowDown")
    expect(phone.page.locator(".choices:visible")).to_have_count(0)
    expect(phone.question("主要作物").locator("button.chooser")).to_be_focused()
    phone.question("已经当面讲清楚").get_by_label("知道了").focus()
    keys.press("Space")
    phone.page.locator(".repeat").get_by_label("名称").focus()
    keys.type("桌子")
    phone.page.get_by_role("button", name="填好了").focus()
    keys.press("Enter")
    phone.settled("sent")
    (one,) = received()
    assert one.answers["/data/words"] == "写字"
    assert one.answers["/data/crop"] == "maize"


def test_a_smaller_number_of_turns_takes_no_answers_away_unasked(opened, received):
    phone, _ = opened(forms.MATTERS, title="记事")
    turns = phone.page.locator(".turn")
    dialog = phone.page.get_by_role("dialog")
    phone.write("有几件事", "11")
    expect(turns).to_have_count(11)
    turns.first.get_by_label("什么事").fill("房顶漏雨")
    turns.nth(10).locator(".turn-title").click()
    turns.nth(10).get_by_label("什么事").fill("没有水")
    number = phone.question("有几件事").locator("input")
    # The way from 11 to 12 leads over 1.
    number.fill("1")
    phone.page.wait_for_timeout(400)
    expect(turns).to_have_count(11)
    number.fill("12")
    number.blur()
    expect(turns).to_have_count(12)
    phone.write("有几件事", "一")
    expect(phone.question("有几件事").locator(".error")).to_contain_text("这里要写整数")
    expect(turns).to_have_count(12)
    phone.write("有几件事", "1")
    expect(dialog).to_contain_text("后面填过的 1 条会删掉")
    dialog.get_by_role("button", name="不改").click()
    expect(number).to_have_value("12")
    expect(phone.question("有几件事").locator(".error")).to_have_count(0)
    expect(turns).to_have_count(12)
    phone.write("有几件事", "1")
    dialog.get_by_role("button", name="改", exact=True).click()
    expect(turns).to_have_count(1)
    phone.finish()
    phone.settled("sent")
    (one,) = received()
    assert one.answers["/data/matters"] == [{"/data/matters/matter": "房顶漏雨"}]
    phone.complaints.clear()


def test_a_draft_whose_list_is_lost_is_not_opened_because_its_answers_would_be(opened):
    phone, _ = opened(forms.PREFILLED, title="核对")
    phone.question("身体怎么样").get_by_label("残疾").check()
    phone.write("耕地", "3")
    phone.saved()
    phone.until(lambda: phone.table("instances"))
    phone.page.evaluate(FORGET_LISTS)
    phone.page.reload()
    phone.sees("手机里缺少这张表要用的名单", "请联网同步后再打开")
    phone.page.get_by_role("button", name="返回").click()
    phone.sees("张大山户")
    (row,) = phone.table("instances")
    assert "<health>04</health>" in row["xml"]


# A draft of an app version that kept its lists elsewhere.
FORGET_LISTS = """async () => {
    const told = (asked) => new Promise((done) => { asked.onsuccess = () => done(asked.result) })
    const { name } = (await indexedDB.databases()).find((each) => /^huqing-field-.+/.test(each.name))
    const base = await told(indexedDB.open(name))
    const rows = base.transaction('instances', 'readwrite').objectStore('instances')
    for (const row of await told(rows.getAll())) await told(rows.put({ ...row, lists: {} }))
    base.close()
}"""
