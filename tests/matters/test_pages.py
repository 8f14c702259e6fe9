"""Matters on their pages: a villager without an account, a village officer on the phone, the county at its desk."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlparse

import pytest
from django.core.cache import cache
from django.test import Client
from tests.matters.conftest import DAY
from tests.office.reading import text_of
from tests.public_forms import send

from huqing.matters.actions import Given, take
from huqing.matters.models import Matter, MatterMeeting
from huqing.office import matter_forms, places
from huqing.office.views import matter_tables, matters, public_matters
from huqing.teams.models import Responsibility, Staff, TeamNote
from huqing.visits.answers import Line, Reading
from huqing.visits.models import Form, FormVersion, Submission

WORDS = "3组桥头的路灯不亮半个月了，<script>alert(1)</script>张三家门口最黑"


@pytest.fixture(autouse=True)
def _day(clock, monkeypatch):
    for module in (matters, matter_tables):
        monkeypatch.setattr(module, "today", lambda: clock["day"])
    monkeypatch.setattr("huqing.office.views.home.office_day", lambda: clock["day"])
    public_matters.forget()
    places.forget()
    cache.clear()


@pytest.fixture
def as_role(users_by_role, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)

    def sign_in(role: str) -> Client:
        client = Client()
        client.force_login(users_by_role[role])
        return client

    return sign_in


def step(client: Client, matter: Matter, move: str, **told: str):
    matter.refresh_from_db()
    return client.post(f"/matters/{matter.pk}/take/", {"move": move, "turn": matter.turn, **told})


def test_a_villager_raises_a_matter_and_rates_the_answer_without_an_account(as_role, regions, make_household) -> None:
    make_household(members=("张三",))
    code, stranger, village = regions.village.code, Client(), as_role("village")
    told = {"kind": "road", "text": WORDS, "contact": "13900001111", "group": "3组", "name": "李四"}
    page = send(stranger, f"/public/{code}/matters/new/", told)
    matter = Matter.objects.get()
    assert f"{matter.number[:4]} {matter.number[4:]}" in text_of(page)
    assert (page["Cache-Control"], page["X-Robots-Tag"]) == ("no-store", "noindex, nofollow, noarchive")
    assert not page.cookies

    board = village.get("/matters/").content.decode()
    assert "路灯不亮" in board
    assert "<script>alert" not in board
    detail = village.get(f"/matters/{matter.pk}/").content.decode()
    assert "<script>alert" not in detail
    assert "13900001111" not in detail
    shown = text_of(village.post(f"/matters/{matter.pk}/phone/", {"text": "核实情况、告知结果"}))
    assert "13900001111" in shown

    meeting = {"held_on": DAY.isoformat(), "place": "村委会", "host": "王主任", "present": "12", "notes": ""}
    talked = {f"agreed-{matter.pk}": "1", f"text-{matter.pk}": "同意换新灯"}
    village.post(f"/matters/meetings/new/{code}/", {**meeting, **talked})
    minutes = text_of(village.get(f"/matters/meetings/{MatterMeeting.objects.get().pk}/"))
    assert "同意换新灯" in minutes
    staff = Staff.objects.create(name="赵电工", kind="6", region_code=code)
    Responsibility.objects.create(
        staff=staff, role="village_officer", village=regions.village, region_code=code, since=dt.date(2024, 1, 1)
    )
    assert step(village, matter, "assign", handler=str(staff.pk)).status_code == 302
    assert step(village, matter, "finish", answer="路灯已换新，昨晚亮了。").status_code == 302
    proposal = text_of(village.get(f"/matters/{matter.pk}/"))
    assert "张某家门口" in proposal
    refused = step(village, matter, "publish", problem="张三家门口路灯不亮", result="已换新灯")
    assert refused.status_code == 422
    assert "村民的姓名“张三”" in text_of(refused)
    assert step(village, matter, "publish", problem="3组桥头路灯不亮", result="已换新灯").status_code == 302

    public = stranger.get(f"/public/{code}/matters/")
    assert "3组桥头路灯不亮" in text_of(public)
    assert "李四" not in text_of(public)
    assert public["Cache-Control"].startswith("public, max-age=")

    pair = {"number": matter.number, "code": "1111"}
    wrong = [
        stranger.post(f"/public/{code}/matters/status/", one)
        for one in ({**pair, "code": "2222"}, {**pair, "number": "00000000"})
    ]
    assert [one.status_code for one in wrong] == [422, 422]
    replies = {re.sub(r'value="\d*"', "", one.content.decode()) for one in wrong}
    assert len(replies) == 1
    status = stranger.post(f"/public/{code}/matters/status/", pair)
    assert "路灯已换新" in text_of(status)
    token = re.search(r'name="form_token" value="([^"]*)"', status.content.decode())[1]
    thanked = stranger.post(f"/public/{code}/matters/status/", {**pair, "rating": "good", "form_token": token})
    assert "评价收到了" in text_of(thanked)
    again = stranger.post(f"/public/{code}/matters/status/", {**pair, "rating": "bad", "form_token": token})
    matter.refresh_from_db()
    assert again.status_code in (200, 422)
    assert (matter.rating, matter.state.key) == ("good", "closed")


def test_what_a_program_sends_is_kept_out_and_one_press_makes_one_matter(regions, monkeypatch, settings) -> None:
    address, told = f"/public/{regions.village.code}/matters/new/", {
        "kind": "road",
        "text": "桥头的路灯不亮半个月了",
        "contact": "13900001111",
    }  # fmt: skip
    stranger = Client()
    assert stranger.post(address, told).status_code == 422
    assert send(stranger, address, {**told, "website": "x"}).status_code == 422
    assert send(stranger, address, {**told, "text": "字" * 1001}).status_code == 422
    assert stranger.post(address, {**told, "text": "x" * 100_001}).status_code in (400, 413)
    assert not Matter.objects.exists()
    page = stranger.get(address)
    token = re.search(r'name="form_token" value="([^"]*)"', page.content.decode())[1]
    answers = [stranger.post(address, {**told, "form_token": token}) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert Matter.objects.count() == 1
    settings.HUQING_FORM_LIMITS = (20, 200, 3)
    codes = [send(stranger, address, told).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert Matter.objects.count() == 3
    assert stranger.get("/public/500236101999/matters/").status_code == 404


def test_a_matter_is_raised_from_a_household_a_visit_and_a_residents_note_without_copying(
    as_role, regions, users_by_role, make_household
) -> None:
    village, household = as_role("village"), make_household(members=("张三",))
    page = village.get(f"/matters/new/?household={household.pk}").content.decode()
    assert "张三" in page
    assert "村里看不到" not in page
    assert "村里看不到" in as_role("town").get("/matters/new/").content.decode()
    form = Form.objects.create(form_id="f", title="走访", visit="home", visit_kind="1")
    version = FormVersion.objects.create(
        form=form, version="1", xform="<h/>", md5="0" * 32, conversion={}, published_at=dt.datetime.now(dt.UTC)
    )
    visit = Submission.objects.create(
        instance_id="uuid:1", form=form, version=version, user=users_by_role["visitor"], household=household,
        region_code=household.region_code, visited_on=DAY, xml=b"", xml_hash="0" * 64,
        received_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    told = {"village": regions.village.code, "kind": "house", "text": "屋顶漏雨要修一下", "contact": "2468"}
    village.post(f"/matters/new/?submission={visit.pk}", told)
    matter = Matter.objects.get()
    assert (matter.channel, matter.submission, matter.household) == ("visit", visit, household)
    assert "反映人凭" not in text_of(village.get(f"/matters/{matter.pk}/receipt/"))
    staff = Staff.objects.create(name="队员", kind="1", region_code=regions.village.code)
    note = TeamNote.objects.create(
        staff=staff, region_code=regions.village.code, kind="problem", on=DAY, text="村部没有自来水",
        by=users_by_role["village"],
    )  # fmt: skip
    assert f"/matters/new/?note={note.pk}" in village.get(f"/residency/problems/{note.pk}/solve/").content.decode()
    assert "村部没有自来水" in village.get(f"/matters/new/?note={note.pk}").content.decode()
    village.post(f"/matters/new/?note={note.pk}", {**told, "text": note.text})
    assert note.matter.channel == "team"
    assert "已转为村民事项" in text_of(village.get(f"/residency/problems/{note.pk}/solve/"))
    page = village.get(f"/visits/{visit.pk}/").content.decode()
    assert f"?submission={visit.pk}" in page
    assert "屋顶漏雨要修一下" in page
    assert village.get(f"/matters/new/?note={note.pk}").status_code == 404
    assert village.get(f"/matters/new/?household={make_household(village=regions.other_village).pk}").status_code == 404


def test_the_home_page_says_what_waits_and_what_is_late(as_role, told, clock) -> None:
    told()
    assert "村民事项等您办理" in text_of(as_role("village").get("/"))
    assert "村民事项" not in _todo(as_role("town"))
    clock["day"] = DAY + dt.timedelta(days=3)
    assert "村民事项已超期" in _todo(as_role("village"))
    assert "下级的村民事项已超期" in _todo(as_role("town"))
    assert "已超期 1 个工作日" in text_of(as_role("reader").get("/matters/?late=1"))
    assert "村民事项" not in _todo(as_role("grid"))


def _todo(client: Client) -> str:
    return "".join(re.findall(r'<ul class="todo todo-side">.*?</ul>', client.get("/").content.decode(), re.S))


def test_a_step_that_fails_changes_nothing_keeps_the_words_and_says_why(as_role, told, users_by_role) -> None:
    village, matter = as_role("village"), told()
    late = village.post(f"/matters/{matter.pk}/take/", {"move": "answer", "turn": "7", "answer": "已经办好了"})
    assert (late.status_code, "请刷新页面" in text_of(late)) == (422, True)
    barred = step(village, matter, "refuse", answer="这不归村里管，也不给办")
    assert "由乡镇经办、县级经办办理" in text_of(barred)
    assert "这不归村里管" not in text_of(step(village, matter, "nonsense"))
    assert as_role("reader").post(f"/matters/{matter.pk}/take/", {"move": "accept", "turn": 0}).status_code == 422
    matter.refresh_from_db()
    assert matter.turn == 0
    handed = village.post(f"/matters/{matter.pk}/hand/", {"turn": 0, "level": "town", "text": "村里没有钱"})
    assert handed.status_code == 302
    assert "已交乡镇办理" in text_of(village.get(f"/matters/{matter.pk}/"))


def test_a_taken_down_text_is_gone_within_half_a_minute(as_role, told, users_by_role, monkeypatch) -> None:
    village, matter = users_by_role["village"], told()
    seconds = {"now": 1000.0}
    monkeypatch.setattr(public_matters, "time", SimpleNamespace(monotonic=lambda: seconds["now"]))
    staff = Staff.objects.create(name="赵电工", kind="6", region_code=matter.region_code)
    take(matter=matter, move="assign_directly", by=village, turn=0, given=Given(text="急事", handler=staff))
    take(matter=matter, move="finish", by=village, turn=1, given=Given(answer="路灯已经换新"))
    take(matter=matter, move="publish", by=village, turn=2, given=Given(problem="路灯不亮了", result="已换新灯"))
    address, stranger = f"/public/{matter.village.code}/matters/", Client()
    assert "已换新灯" in text_of(stranger.get(address))
    as_role("village").post(f"/matters/{matter.pk}/unpublish/", {"text": "反映人不愿公开"})
    seconds["now"] += public_matters.KEEP_SECONDS + 1
    assert "已换新灯" not in text_of(stranger.get(address))


def test_a_poster_leads_to_the_page_with_the_group_filled_in(as_role, regions) -> None:
    page = as_role("village").get(f"/matters/poster/{regions.village.code}/?group=3组").content.decode()
    address = re.search(r"http://testserver/public/\S+?(?=<)", page)[0]
    assert parse_qs(urlparse(address).query) == {"group": ["3组"]}
    assert "<svg" in page
    opened = Client().get(address.removeprefix("http://testserver"))
    assert 'value="3组"' in opened.content.decode()


def test_figures_and_export_tell_of_matters_not_of_people(as_role, told) -> None:
    told()
    page = text_of(as_role("county").get("/matters/figures/?month=2026-11"))
    assert "道路交通" in page
    assert "朱衣镇" in page
    answer = as_role("town").post("/matters/export/?kind=road")
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")
    assert b"13900001111" not in answer.content
    assert as_role("village").post("/matters/export/").status_code == 403


@pytest.mark.parametrize("role", ["county", "town", "village", "grid", "reader", "visitor"])
def test_the_pages_leave_nothing_undefined_and_offer_only_what_the_role_may(
    role, as_role, told, users_by_role, regions, make_household
) -> None:
    household, village = make_household(members=("张三",)), users_by_role["village"]
    staff = Staff.objects.create(
        name="赵电工", kind="6", region_code=regions.village.code, user=users_by_role["visitor"]
    )
    Responsibility.objects.create(
        staff=staff, role="helper", household=household, region_code=household.region_code, since=dt.date(2024, 1, 1)
    )
    matter = told(name="李四")
    Matter.objects.filter(pk=matter.pk).update(household=household)
    household.grid = regions.grid
    household.save()
    code, pages = regions.village.code, []
    for move, given in (
        ("", Given()),
        ("assign_directly", Given(text="急事", handler=staff)),
        ("finish", Given(answer="路灯已经换新")),
        ("publish", Given(problem="路灯不亮了", result="已换新灯")),
    ):
        if move:
            matter.refresh_from_db()
            take(matter=matter, move=move, by=village, turn=matter.turn, given=given)
        pages.append(as_role(role).get(f"/matters/{matter.pk}/").content.decode())
    rest = ("/matters/", "/matters/?closed=1", "/matters/new/", f"/matters/poster/{code}/", "/matters/figures/",
            f"/matters/meetings/new/{code}/", f"/matters/{matter.pk}/receipt/")  # fmt: skip
    pages += [as_role(role).get(address).content.decode() for address in rest]
    assert not [page for page in pages if "‼" in page]
    assert all("路灯不亮" in page for page in pages[:4])
    handles = role in ("county", "town", "village")
    assert ("受理，提请商议" in pages[0].split("办理记录")[0]) == handles
    assert ("办好了" in pages[1].split("办理记录")[0]) == (handles or role == "visitor")
    assert ("查看反映人电话" in pages[0]) == handles


def test_the_words_of_a_visits_problems_are_filled_in(regions, users_by_role, make_household, monkeypatch) -> None:
    lines = [
        Line("要解决的事", heading=True),
        Line("什么事", "屋后边坡松动，想请人来看"),
        Line("这次发现几件要解决的事", "1"),
        Line("存在的问题", "没有"),
        Line("问题解决：上次说的事有了着落", "做了"),
        Line("收入变化", "多了一项"),
    ]
    monkeypatch.setattr(matter_forms, "read", lambda visit, user: Reading(lines=lines))
    assert matter_forms.found_on(Submission(), users_by_role["village"]) == "屋后边坡松动，想请人来看"
