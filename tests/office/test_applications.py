"""Applying on a village's page as an old neighbour does, answering in the office, and what programs try on the way."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.test import Client
from django.utils import timezone
from tests.applications.clock import DAY, set_clock
from tests.office.reading import text_of
from tests.public_forms import send, token_on

from huqing.access.models import AuditEvent, FormCount, UsedFormToken
from huqing.applications.models import Application
from huqing.cases.models import Case
from huqing.office.views import public
from huqing.registry.models import Household
from huqing.standards.regioncodes import spoken_name

FILLED = {
    "kind": "risk",
    "name": "张三",
    "phone": "13900001111",
    "difficulty": ["illness"],
    "words": "老伴住院花了三万",
    "consent": "1",
}
RECEIPT = re.compile(r'receipt-number"[^>]*>([0-9 ]+)<')


@pytest.fixture
def clock(monkeypatch):
    public.forget()
    monkeypatch.setattr("huqing.office.views.home.office_day", lambda: now["day"])
    now = set_clock(monkeypatch)
    yield now
    public.forget()


@pytest.fixture
def village(clock, regions, users_by_role) -> str:
    return regions.village.code


@pytest.fixture
def household(regions, make_household) -> Household:
    return make_household(grid=regions.grid, members=("张三", "李四"), phone="13900001111")


def receipt_on(page) -> str:
    return RECEIPT.search(page.content.decode())[1]


def ask(client: Client, village: str, receipt: str, tail: str = "1111", **more: str):
    return client.post(f"/public/{village}/status/", {"receipt": receipt, "tail": tail, **more})


def test_from_the_village_page_to_the_answer(village, household, as_role) -> None:
    neighbour, office = Client(), as_role("village")
    assert f"/public/{village}/apply/" in neighbour.get(f"/public/{village}/").content.decode()
    page = send(neighbour, f"/public/{village}/apply/", FILLED)
    receipt = receipt_on(page)
    assert "最晚 2026年11月5日" in text_of(page)
    assert "已收到，村里正在核对" in text_of(ask(neighbour, village, receipt))
    assert "农户申请待受理" in text_of(office.get("/"))
    application = Application.objects.get()
    assert "张三" in text_of(office.get("/applications/"))
    seen = office.get(f"/applications/{application.pk}/")
    assert "电话相同" in text_of(seen)
    assert "13900001111" not in seen.content.decode()
    early = office.post(f"/applications/{application.pk}/accept/")
    assert early.status_code == 422
    office.post(f"/applications/{application.pk}/match/", {"household": household.pk})
    office.post(f"/applications/{application.pk}/accept/")
    case = Case.objects.get()
    assert "农户申请" in text_of(office.get(f"/cases/{case.pk}/"))
    assert "已受理，等着安排入户" in text_of(ask(neighbour, village, receipt))
    assert not neighbour.cookies
    for answer in (page, ask(neighbour, village, receipt)):
        assert answer["Cache-Control"] == "no-store"
        assert "noindex" in answer["X-Robots-Tag"]


def test_the_whole_phone_is_shown_for_a_reason_that_is_audited(village, as_role) -> None:
    send(Client(), f"/public/{village}/apply/", FILLED)
    key, office = Application.objects.get().pk, as_role("village")
    assert office.post(f"/applications/{key}/phone/", {"reason": "看"}).status_code == 422
    shown = office.post(f"/applications/{key}/phone/", {"reason": "入户前电话联系"})
    assert "13900001111" in text_of(shown)
    assert shown["Cache-Control"] == "no-store"
    assert AuditEvent.objects.filter(action="show_sealed", subject_kind="applications.application").count() == 1


def test_what_is_late_or_refused_by_a_village_stands_on_the_first_page(village, as_role, clock) -> None:
    for phone in ("13900001111", "13900002222"):
        send(Client(), f"/public/{village}/apply/", {**FILLED, "phone": phone})
    late, refused = Application.objects.order_by("pk")
    as_role("village").post(f"/applications/{refused.pk}/refuse/", {"reason": "户口不在本村，请到户口所在村申请"})
    clock["day"] += dt.timedelta(days=9)
    town = as_role("town")
    assert "农户申请超期没有答复" in text_of(town.get("/"))
    assert "不予受理的申请待复看" in text_of(town.get("/"))
    assert "待复看" not in text_of(as_role("village").get("/"))
    assert f"/applications/{late.pk}/" in town.get("/applications/?view=late").content.decode()
    town.post(f"/applications/{refused.pk}/look/", {"agrees": "0", "reason": "户籍系统里是本村的"})
    refused.refresh_from_db()
    assert refused.state == "received"


def test_staff_enter_a_paper_and_what_a_household_says(village, household, as_role) -> None:
    office = as_role("village")
    paper = {**FILLED, "phone": "", "channel": "paper", "on": "2026-10-30"}
    page = office.post(f"/applications/new/{village}/", paper, follow=True)
    assert "没有留电话" in text_of(page)
    entered = Application.objects.get()
    assert (entered.channel, entered.received_on, entered.due_on) == (
        "paper",
        dt.date(2026, 10, 30),
        dt.date(2026, 11, 4),
    )
    for wrong in ("2026-11-03", "2026-08-01", "", "²"):
        assert office.post(f"/applications/new/{village}/", {**paper, "on": wrong}).status_code == 422
    assert 'value="张三"' in office.get(f"/households/{household.pk}/application/").content.decode()
    said = {**FILLED, "channel": "staff", "on": "2026-11-02"}
    office.post(f"/households/{household.pk}/application/", said)
    assert Application.objects.get(channel="staff").household == household
    grid = as_role("grid")
    assert grid.get(f"/households/{household.pk}/application/").status_code == 200
    for address in (f"/public/{village}/apply/paper/", f"/applications/poster/{village}/"):
        assert "<svg" in office.get(address).content.decode()


def test_a_mistake_keeps_what_was_typed_and_markup_stays_text(village) -> None:
    typed = {**FILLED, "phone": "123", "words": "<script>alert(1)</script>", "difficulty": ["illness", "water"]}
    page = send(Client(), f"/public/{village}/apply/", typed)
    told = page.content.decode()
    assert page.status_code == 422
    assert "请写能打通的电话" in told
    assert "&lt;script&gt;alert(1)" in told
    assert "<script>alert(1)" not in told
    assert told.count(" checked") == 4
    good = send(Client(), f"/public/{village}/apply/", {**typed, "phone": "13900001111"})
    assert good.status_code == 200


def test_texts_without_end_and_files_are_refused_in_words(village, as_role) -> None:
    neighbour, address = Client(), f"/public/{village}/apply/"
    token = token_on(neighbour.get(address))
    sent = {**FILLED, "form_token": token}
    assert "写得太长了（90000 个字）" in text_of(neighbour.post(address, {**sent, "words": "a" * 90_000}))
    huge = neighbour.post(address, {**sent, "words": "a" * 100_000})
    assert (huge.status_code, "写得太长了，没有收下" in text_of(huge)) == (413, True)
    many = neighbour.post(address, {**sent, "difficulty": ["illness"] * 2000})
    assert many.status_code == 413
    from django.core.files.uploadedfile import SimpleUploadedFile

    bomb = SimpleUploadedFile("a.zip", b"PK\3\4" + b"\0" * 50_000)
    assert "这里不收文件" in text_of(neighbour.post(address, {**sent, "photo": bomb}))
    assert not Application.objects.exists()


def test_the_button_pressed_twice_shows_the_same_receipt_and_others_learn_nothing(village) -> None:
    neighbour, address = Client(), f"/public/{village}/apply/"
    sent = {**FILLED, "form_token": token_on(neighbour.get(address))}
    first, again = neighbour.post(address, sent), neighbour.post(address, sent)
    assert receipt_on(first) == receipt_on(again)
    assert Application.objects.count() == 1
    other = Client().post(address, {**sent, "phone": "13900002222"})
    assert "已经提交过" in text_of(other)
    assert RECEIPT.search(other.content.decode()) is None


def test_a_token_of_another_village_or_a_forged_one_takes_nothing(village, regions) -> None:
    neighbour, address = Client(), f"/public/{village}/apply/"
    foreign = token_on(neighbour.get(f"/public/{regions.next_village.code}/apply/"))
    for token in (foreign, "", "x" * 5000, token_on(neighbour.get(address))[:-2] + "AA"):
        refused = neighbour.post(address, {**FILLED, "form_token": token})
        assert refused.status_code == 422
        assert "页面已经失效" in text_of(refused)
        assert "老伴住院花了三万" in refused.content.decode()
    assert not Application.objects.exists()


def test_ten_thousand_posts_in_a_loop_leave_no_more_than_the_limit(village, settings) -> None:
    settings.HUQING_FORM_LIMITS = (5, 200, 100)
    program, address = Client(), f"/public/{village}/apply/"
    answers = [send(program, address, FILLED) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 7
    assert answers[-1]["Retry-After"] == "900"
    assert "到村委会办理" in text_of(answers[-1])
    token = token_on(program.get(address))
    replayed = [program.post(address, {**FILLED, "form_token": token, "website": "x"}) for _ in range(20)]
    assert {answer.status_code for answer in replayed} == {422}
    assert Application.objects.count() == UsedFormToken.objects.count() == 5
    assert FormCount.objects.count() == 3


def test_a_phone_may_apply_a_few_times_a_day_from_anywhere(village, settings) -> None:
    settings.HUQING_FORM_LIMITS = (99, 99, 2)
    for number in range(3):
        answer = send(Client(REMOTE_ADDR=f"198.51.100.{number}"), f"/public/{village}/apply/", FILLED)
    assert "这个电话今天提交的太多了" in text_of(answer)


def test_wrong_numbers_and_wrong_phones_look_the_same_and_guessing_ends(village, monkeypatch) -> None:
    neighbour = Client()
    receipt = receipt_on(send(neighbour, f"/public/{village}/apply/", FILLED))
    wrong_phone = ask(neighbour, village, receipt, "2222")
    wrong_number = ask(neighbour, village, "2" * 10, "1111")
    assert wrong_phone.status_code == wrong_number.status_code == 422
    blank = re.compile(rb'value="[^"]*"')
    assert blank.sub(b"", wrong_phone.content) == blank.sub(b"", wrong_number.content)
    for number in range(4):
        ask(Client(REMOTE_ADDR=f"198.51.100.{number}"), village, receipt, f"000{number}")
    locked = ask(Client(REMOTE_ADDR="198.51.100.9"), village, receipt)
    assert (locked.status_code, "过 15 分钟再查" in text_of(locked)) == (429, True)
    unknown = [ask(Client(REMOTE_ADDR="198.51.100.10"), village, "2" * 10, f"000{n}") for n in range(5)]
    assert unknown[-1].status_code == 429, "a number that does not exist is locked as well"
    later = timezone.now() + dt.timedelta(minutes=16)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert "已收到" in text_of(ask(neighbour, village, receipt))


def test_one_address_may_not_try_many_receipts(village) -> None:
    codes = [ask(Client(), village, f"2{number:09d}", "1111").status_code for number in range(31)]
    assert codes == [422] * 30 + [429]


def test_the_applicant_takes_it_back_with_the_receipt_once(village) -> None:
    neighbour = Client()
    receipt = receipt_on(send(neighbour, f"/public/{village}/apply/", FILLED))
    token = token_on(ask(neighbour, village, receipt))
    forged = ask(neighbour, village, receipt, do="withdraw", form_token="x")
    assert "页面已经失效" in text_of(forged)
    done = ask(neighbour, village, receipt, do="withdraw", form_token=token)
    assert "已撤回" in text_of(done)
    assert "我不申请了" not in text_of(done)
    assert Application.objects.get().state == "withdrawn"


def test_strange_receipts_and_villages_are_answered_in_words(village) -> None:
    neighbour = Client()
    for receipt, tail in (("", ""), ("²" * 10, "1111"), ("9" * 500, "1111"), ("1' OR 1=1", "x")):
        assert "请写回执上的 10 位编号" in text_of(ask(neighbour, village, receipt, tail))
    assert "这次提交没有被接受" in text_of(ask(neighbour, village, "\0" * 10))
    for code in ("999999999999", "500236", "x", "²" * 12, "500236101000"):
        for page in ("", "apply/", "apply/paper/", "status/"):
            assert neighbour.get(f"/public/{code}/{page}").status_code == 404


def test_public_pages_answer_heads_and_keep_search_engines_out(village) -> None:
    neighbour = Client()
    for page in ("", "apply/", "apply/paper/", "status/"):
        head = neighbour.head(f"/public/{village}/{page}")
        assert (head.status_code, head.content) == (200, b"")
        assert "noindex" in head["X-Robots-Tag"]
        assert 'content="noindex' in neighbour.get(f"/public/{village}/{page}").content.decode()
    assert "Disallow: /" in neighbour.get("/robots.txt").content.decode()
    assert neighbour.put(f"/public/{village}/apply/").status_code in (200, 405)


def test_a_posting_is_gone_at_midnight_and_when_its_end_passed_unseen(village, regions, users_by_role, clock) -> None:
    from huqing.cases.models import PublicPosting

    PublicPosting.objects.create(
        village=regions.village,
        region_code=village,
        level="村内公示",
        title="砚瓦村公示名单",
        rows=[["1"]],
        columns=[["number", "序号"]],
        starts_on=DAY,
        ends_on=DAY + dt.timedelta(days=5),
        published_at=timezone.now(),
        published_by=users_by_role["village"],
    )
    stranger = Client()
    clock["day"] = DAY + dt.timedelta(days=5)
    kept = stranger.get(f"/public/{village}/")
    assert "砚瓦村公示名单" in text_of(kept)
    assert 0 < int(re.search(r"max-age=(\d+)", kept["Cache-Control"])[1]) <= public.KEEP_SECONDS
    clock["day"] += dt.timedelta(days=1)
    assert "砚瓦村公示名单" not in text_of(stranger.get(f"/public/{village}/")), "kept pages do not outlive their day"
    public.forget()
    clock["day"] += dt.timedelta(days=30)
    assert "砚瓦村公示名单" not in text_of(stranger.get(f"/public/{village}/"))


def test_groups_are_offered_only_where_their_names_say_nothing_about_people(village, regions, make_household) -> None:
    from huqing.office import places

    first, second = make_household(), make_household()
    for one, name in ((first, "10组"), (second, "2组")):
        one.group_name = name
        one.save()
    page = Client().get(f"/public/{village}/apply/").content.decode()
    assert page.index("<option>2组") < page.index("<option>10组")
    first.group_name = "3组（尿毒症透析）"
    first.save()
    places.forget()
    page = Client().get(f"/public/{village}/apply/").content.decode()
    assert "尿毒症" not in page
    assert '<input class="form-control" id="group"' in page


def test_the_day_of_the_public_page_changes_at_midnight_of_the_county(regions, users_by_role, monkeypatch) -> None:
    from huqing.cases.models import PublicPosting

    last = dt.date(2026, 11, 7)
    PublicPosting.objects.create(
        village=regions.village,
        region_code=regions.village.code,
        level="村内公示",
        title="砚瓦村公示名单",
        columns=[["head", "户主"]],
        rows=[["张某某"]],
        starts_on=last,
        ends_on=last,
        published_at=timezone.now(),
        published_by=users_by_role["village"],
    )
    public.forget()
    midnight = dt.datetime(2026, 11, 7, 16, tzinfo=dt.UTC)
    for moment, shown in ((midnight - dt.timedelta(seconds=1), True), (midnight, False)):
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        assert ("砚瓦村公示名单" in text_of(Client().get(f"/public/{regions.village.code}/"))) == shown
    public.forget()


def test_the_town_moves_an_application_and_the_applicant_sees_the_new_village(village, regions, as_role) -> None:
    neighbour, town = Client(), as_role("town")
    receipt = receipt_on(send(neighbour, f"/public/{village}/apply/", FILLED))
    page = f"/applications/{Application.objects.get().pk}/"
    assert "转到别的村" not in text_of(as_role("village").get(page))
    assert f'value="{regions.next_village.code}"' in town.get(page).content.decode()
    bare = town.post(f"{page}move/", {"village": regions.next_village.code, "reason": ""})
    assert bare.status_code == 422
    assert f'value="{regions.next_village.code}" selected' in bare.content.decode()
    foreign = town.post(f"{page}move/", {"village": regions.foreign_village.code, "reason": "住在外县"})
    assert foreign.status_code == 403
    assert "不在您的管辖范围内，不能转过去" in text_of(foreign)
    moved = town.post(f"{page}move/", {"village": regions.next_village.code, "reason": "住在邻村"}, follow=True)
    assert "回执编号不变" in text_of(moved)
    told = text_of(ask(neighbour, village, receipt))
    assert spoken_name(regions.next_village.name) in told
    assert "转到现在这个村办理" in told
    assert as_role("village").get(page).status_code == 404
