"""A case on its pages, from the household's file to the village's public page."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.test import Client
from tests.office.reading import text_of
from tests.public_forms import send

from huqing.cases import actions, announcing, confirming, evaluations, panels, postings, steps
from huqing.cases.models import Case, Evaluation, Evaluator
from huqing.matching.draws import verify
from huqing.office import case_forms
from huqing.office.views import cases as views
from huqing.office.views import evaluations as evaluation_views
from huqing.office.views import postings as posting_views
from huqing.office.views import public

DAY = dt.date(2026, 11, 2)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    now = {"day": DAY}
    for module in (
        actions,
        steps,
        announcing,
        confirming,
        evaluations,
        panels,
        postings,
        case_forms,
        views,
        evaluation_views,
        posting_views,
        public,
    ):
        monkeypatch.setattr(module, "today", lambda: now["day"])
    public.forget()
    yield now
    public.forget()


@pytest.fixture
def household(regions, make_household):
    return make_household(grid=regions.grid, members=("张三", "李四"))


def take(client: Client, case: Case, move: str, reason: str = "") -> None:
    case.refresh_from_db()
    answer = client.post(f"/cases/{case.pk}/take/", {"move": move, "turn": case.turn, "reason": reason})
    assert answer.status_code == 302, text_of(answer)


def paper(client: Client, case: Case, kind: str, **content: object) -> None:
    told = {
        f"{kind}-{key}": value for key, value in {"on": DAY.isoformat(), **(content or {"text": "情况属实"})}.items()
    }
    answer = client.post(f"/cases/{case.pk}/papers/{kind}/", told)
    assert answer.status_code == 302, text_of(answer)


def test_a_case_goes_from_the_household_page_to_the_public_page(as_role, household, regions, clock) -> None:
    village, town = as_role("village"), as_role("town")
    assert "登记线索" in text_of(village.get(f"/households/{household.pk}/"))
    village.post(f"/households/{household.pk}/case/", {"source": "2", "clue": "走访发现大病支出"})
    case = Case.objects.get()
    page = text_of(village.get(f"/cases/{case.pk}/"))
    assert "缺少农户签字的承诺授权书" in page
    assert "还有 3 个工作日" in page
    paper(village, case, "authorisation", signed_by=household.members.first().pk)
    take(village, case, "accept")
    take(village, case, "send_verify")
    paper(village, case, "home_check")
    take(village, case, "verified")
    assert "“比对完毕，提请评议”由" in text_of(village.get(f"/cases/{case.pk}/"))
    compared = f"/cases/{case.pk}/comparison/"
    assert "医疗保障局" in text_of(town.get(compared))
    assert town.post(compared, {"note": "没有出入"}).status_code == 302
    take(town, case, "compared")
    village.post(
        f"/evaluators/{regions.village.code}/", {"people": "\n".join(f"{n % 3 + 1}组 评议员{n}" for n in range(20))}
    )
    first = Evaluator.objects.first()
    village.post(
        f"/evaluations/new/{regions.village.code}/",
        {"case": case.pk, "size": "15", f"out-{first.pk}": "1", f"why-{first.pk}": "申请人的弟弟"},
    )
    meeting = Evaluation.objects.get()
    address = f"/evaluations/{meeting.pk}/"
    assert meeting.commitment in text_of(village.get(address))
    village.post(f"{address}do/", {"do": "hold", "said": "7 12 31"})
    record = json.loads(village.get(f"{address}record.json").content)
    assert verify(record, meeting.commitment) == []
    assert str(first) not in record["drawn"]
    village.post(f"{address}do/", {"do": "attend", "present": record["drawn"][1:]})
    votes = {f"agree-{case.pk}": "13", f"against-{case.pk}": "1", f"abstain-{case.pk}": ""}
    heads = {"do": "close", "method": "hands", "host": "赵主任", "supervisor": "钱监委", "recorder": "孙文书"}
    assert village.post(f"{address}do/", {**heads, **votes, f"agree-{case.pk}": "十三"}).status_code == 422
    village.post(f"{address}do/", {**heads, **votes})
    assert "通过" in text_of(village.get(address))
    for sheet in ("attendance", "ballots", "count", "minutes"):
        assert "张三" in text_of(village.get(f"{address}sheets/{sheet}/")) or sheet == "attendance"
    take(village, case, "post")
    code = regions.village.code
    preview = text_of(village.get(f"/postings/new/{code}/"))
    assert "张三" in preview
    village.post(f"/postings/new/{code}/", {"level": "村内公示"})
    stranger = Client()
    seen = stranger.get(f"/public/{code}/")
    assert "张三" in text_of(seen)
    assert household.number not in text_of(seen)
    assert seen["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert not seen.cookies
    posting = case.posting_lines.get().posting
    assert posting.title in preview
    objecting = f"/public/{code}/objections/{posting.pk}/"
    told = send(stranger, objecting, {"text": "他家在县城有房", "contact": "13900001111"})
    assert told["Cache-Control"] == "no-store"
    assert "已经收到" in text_of(told)
    objection = posting.objections.get()
    assert "他家在县城有房" in text_of(village.get(f"/postings/{posting.pk}/"))
    village.post(f"/objections/{objection.pk}/answer/", {"upheld": "0", "answer": "已核实，房屋属于其兄"})
    clock["day"] = DAY + dt.timedelta(days=6)
    public.forget()
    assert "现在没有公示" in text_of(stranger.get(f"/public/{code}/"))
    take(village, case, "posting_over")
    take(town, case, "town_approve")
    take(as_role("county"), case, "county_approve")
    assert "已纳入，公告并制定计划" in text_of(as_role("county").get("/cases/"))


def test_the_home_page_says_what_waits_for_whom_and_who_is_told_of_delays(
    as_role, household, users_by_role, clock, monkeypatch
) -> None:
    monkeypatch.setattr("huqing.office.views.home.office_day", lambda: clock["day"])
    actions.open_case(household=household, source="2", clue="走访发现大病支出", by=users_by_role["grid"])
    assert "事项等您办理" in text_of(as_role("village").get("/"))
    assert "超期" not in text_of(as_role("town").get("/"))
    clock["day"] = DAY + dt.timedelta(days=9)
    page = text_of(as_role("village").get("/"))
    assert page.index("先办") < page.index("等您办理的事项已超期") < page.index("接着办")
    assert "张三" in text_of(as_role("village").get("/cases/?mine=1&late=1"))
    assert "办理的事项" not in text_of(as_role("reader").get("/"))
    assert "已超期 4 个工作日" in text_of(as_role("reader").get("/cases/"))


def test_a_step_that_cannot_be_taken_changes_nothing_and_says_why(as_role, household, users_by_role) -> None:
    case = actions.open_case(household=household, source="2", clue="走访发现大病支出", by=users_by_role["grid"])
    answer = as_role("village").post(f"/cases/{case.pk}/take/", {"move": "accept", "turn": "0"})
    assert answer.status_code == 422
    assert "缺少农户签字的承诺授权书" in text_of(answer)
    stale = as_role("village").post(f"/cases/{case.pk}/take/", {"move": "dismiss", "turn": "7", "reason": "线索不成立"})
    assert "请刷新页面后再办" in text_of(stale)
    skipped = as_role("county").post(f"/cases/{case.pk}/take/", {"move": "county_approve", "turn": "0"})
    assert "不能办理“审定纳入”" in text_of(skipped)
    assert Case.objects.get().turn == 0


@pytest.mark.parametrize("turn", ["", "-1", "abc", "9" * 40, "²"])
def test_strange_turns_are_answered_like_old_ones(as_role, household, users_by_role, turn) -> None:
    case = actions.open_case(household=household, source="2", clue="走访发现大病支出", by=users_by_role["grid"])
    answer = as_role("village").post(
        f"/cases/{case.pk}/take/", {"move": "dismiss", "turn": turn, "reason": "线索不成立"}
    )
    assert answer.status_code == 422


def test_markup_and_long_texts_of_villagers_stay_texts(as_role, household, regions, users_by_role) -> None:
    village = as_role("village")
    wrong = village.post(f"/households/{household.pk}/case/", {"source": "1", "clue": "<script>alert(1)</script>" * 40})
    assert wrong.status_code == 422
    village.post(f"/households/{household.pk}/case/", {"source": "1", "clue": "<script>alert(1)</script>"})
    case = Case.objects.get()
    assert b"<script>alert(1)" not in village.get(f"/cases/{case.pk}/").content
    assert Client().get("/public/999999999999/").status_code == 404
    assert Client().get(f"/public/{regions.village.code}/objections/1/").status_code == 404


def test_a_page_flooded_with_objections_closes_while_the_hall_stays_open(
    as_role, household, regions, users_by_role
) -> None:
    from huqing.cases.models import PublicPosting

    posting = PublicPosting.objects.create(
        village=regions.village, region_code=regions.village.code, level="村内公示", title="名单", rows=[], columns=[],
        starts_on=DAY, ends_on=DAY, published_at=dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
        published_by=users_by_role["village"],
    )  # fmt: skip
    for _ in range(postings.MOST_FROM_PAGE):
        postings.object_to(posting=posting, text="灌水的异议")
    address = f"/public/{regions.village.code}/objections/{posting.pk}/"
    assert "网上收到的异议太多" in text_of(send(Client(), address, {"text": "又一条异议"}))
    assert "没有提交" in text_of(send(Client(), address, {"text": "程序填的", "website": "http://x"}))
    assert "页面已经失效" in text_of(Client().post(address, {"text": "没有打开页面就提交"}))
    assert as_role("village").post(f"/postings/{posting.pk}/objections/", {"text": "当面来说的异议"}).status_code == 302
