"""Dynamic management in the browser: a month closed and exported, a round verified on a page, reviews, differences."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from django.urls import reverse

from huqing.access.models import AuditEvent, User
from huqing.registry.models import DepartmentRecord, Label, Source
from huqing.rosters import rechecks
from huqing.rosters.models import RecheckItem, RecheckRound, ReviewLine, ReviewRound, RosterDifference, RosterMonth
from huqing.teams.models import Staff

from .reading import text_of

TODAY = dt.date(2024, 7, 5)
NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    places = (
        "huqing.rosters.closing", "huqing.rosters.drawing", "huqing.rosters.rechecks", "huqing.rosters.reviews",
        "huqing.rosters.differences", "huqing.office.roster_filters", "huqing.office.roster_todo",
        "huqing.office.review_forms", "huqing.office.views.recheck_items",
    )  # fmt: skip
    for place in places:
        monkeypatch.setattr(f"{place}.today", lambda: TODAY)


@pytest.fixture
def listed(make_household, regions):
    """A household that entered the list in May and one of another town that left it in June, =called oddly."""
    one, other = make_household(members=("=甲一",)), make_household(members=("乙二",), village=regions.other_village)
    source = Source.objects.create(kind="roster", title="户信息表.xlsx", on=TODAY, created_at=NOW)
    for home, since, until in ((one, "2024-05-03", None), (other, "2024-01-03", "2024-06-09")):
        Label.objects.create(
            household=home, kind="monitor", valid_from=dt.date.fromisoformat(since),
            valid_to=dt.date.fromisoformat(until) if until else None, source=source,
        )  # fmt: skip
    return one, other


def test_a_month_is_read_closed_checked_and_exported(as_role, listed):
    client = as_role("county")
    address = reverse("office:rosters")
    page = text_of(client.get(address))
    assert "2024 年 6 月" in page
    assert "月初 2 + 纳入 0 − 退出 1 = 1" in page
    assert "户信息表.xlsx" in page
    client.post(f"{reverse('office:roster-close')}?label=monitor&month=2024-06")
    assert RosterMonth.objects.get().closing == 1
    assert "封账" in text_of(client.get(address))
    told = client.post(f"{reverse('office:roster-verify')}?label=monitor&month=2024-06", follow=True)
    assert "核对无误" in text_of(told)
    book = client.post(f"{reverse('office:roster-export')}?label=monitor&month=2024-05")
    cells = [cell.value for row in openpyxl.load_workbook(io.BytesIO(book.content)).active.rows for cell in row]
    assert "=甲一" in cells
    assert "openxmlformats" in book["Content-Type"]
    event = AuditEvent.objects.get(action="roster_export")
    assert event.detail["rows"] == 1
    assert "动态管理名单" in text_of(client.get(f"{reverse('office:roster-print')}?label=monitor&month=2024-06"))


def test_a_town_sees_its_own_changes_and_cannot_close(as_role, listed):
    client = as_role("town")
    page = text_of(client.get(f"{reverse('office:rosters')}?month=2024-06"))
    assert "乙二" not in page
    assert "月末在册 1" in page
    assert client.post(reverse("office:roster-close")).status_code == 403
    assert "乙二" not in text_of(client.get(f"{reverse('office:rosters')}?month=2024-06&region=500236102"))


def test_a_round_is_drawn_verified_by_a_visitor_and_decided(as_role, listed, users_by_role, regions):
    county = as_role("county")
    asked = {
        "title": "七月回头看", "label": "monitor", "status": "on", "stratum": "town", "how": "number", "size": "3",
        "fields_asked": ["household:member_count", "person:labour"], "due_on": "2024-07-31",
    }  # fmt: skip
    assert county.post(reverse("office:recheck-new"), {**asked, "fields_asked": []}).status_code == 422
    made = county.post(reverse("office:recheck-new"), asked)
    round_ = RecheckRound.objects.get()
    assert round_.commitment in text_of(county.get(made.url))
    county.post(made.url, {"what": "draw", "d-witnesses": "纪委李某", "d-said": "37 12"})
    Staff.objects.create(name="核查甲", kind="1", region_code=regions.other_town.code, user=users_by_role["visitor"])
    county.post(made.url, {"what": "assign", "a-named": "核查甲"})
    item = RecheckItem.objects.get()
    visitor = as_role("visitor")
    assert "回头看等您核查" in text_of(visitor.get(reverse("office:home")))
    page = reverse("office:recheck-item", args=[item.pk])
    assert page in visitor.get(reverse("office:recheck-mine")).content.decode()
    shown = visitor.get(page).content.decode()
    name = f"h{item.household_id}-member_count"
    assert f'name="{name}" type="text" value="1"' in shown
    sent = {"outcome": "met", "verdict": "right", "visited_on": "2024-07-05", "note": "", name: "三个"}
    wrong = visitor.post(page, sent)
    assert wrong.status_code == 422
    assert "写得不对" in text_of(wrong)
    visitor.post(page, {**sent, name: "3"})
    difference = item.differences.get()
    assert f'name="{name}" type="text" value="3"' in visitor.get(page).content.decode()
    assert (
        visitor.post(reverse("office:recheck-decide", args=[difference.pk]), {"decision": "found"}).status_code == 403
    )
    assert "核查差异待判定" in text_of(county.get(reverse("office:home")))
    county.post(reverse("office:recheck-decide", args=[difference.pk]), {"decision": "found"})
    county.post(made.url, {"what": "close"})
    report = text_of(county.get(reverse("office:recheck-report", args=[round_.pk])))
    assert "错误率" in report
    assert "100" in report
    assert rechecks.progress(round_)["met"] == 1
    for role in ("village", "grid"):
        assert as_role(role).get(page).status_code in (200, 404)


def test_reviews_are_decided_in_a_batch_and_confirmed_by_another(as_role, make_household, users_by_role):
    home = make_household(members=("丙三",))
    person = home.members.get()
    source = Source.objects.create(
        kind="department", record_kind="civil_affairs", title="名册", on=TODAY, created_at=NOW
    )
    label = Label.objects.create(
        household=home, person=person, kind="dibao", valid_from=dt.date(2022, 1, 1), source=source
    )
    client = as_role("county")
    client.post(reverse("office:review-new"), {"title": "下半年复核", "kind": "dibao", "due_by": ""})
    round_ = ReviewRound.objects.get()
    page = reverse("office:review", args=[round_.pk])
    assert "先核实" in text_of(client.get(page))
    decide = {"all": "1", "decision": "leave", "effective_on": "2024-06-30", "reason": "已停发"}
    told = client.post(reverse("office:review-decide", args=[round_.pk]), decide, follow=True)
    assert "另一人确认后才生效" in text_of(told)
    line = ReviewLine.objects.get()
    confirm = reverse("office:review-confirm", args=[round_.pk])
    assert "另一个人确认" in text_of(client.post(confirm, {"line": line.pk, "what": "confirm"}, follow=True))
    second = User.objects.create(username="second", display_name="乙", role="county", region_code="500236")
    client.force_login(second)
    assert "等您确认" in text_of(client.get(reverse("office:home")))
    client.post(confirm, {"line": line.pk, "what": "confirm"})
    label.refresh_from_db()
    assert label.valid_to == dt.date(2024, 6, 30)
    one = reverse("office:review-line", args=[line.pk])
    assert "退出办错了" in text_of(client.get(one))
    client.post(one, {"effective_on": "2024-07-01", "reason": "停错了"})
    assert ReviewLine.objects.get(replaces=line).state == "waiting"
    client.post(reverse("office:review-export", args=[round_.pk]) + "?state=all")
    assert AuditEvent.objects.filter(action="review_export").exists()


def test_rosters_are_compared_on_demand_and_a_difference_is_settled(as_role, make_household):
    person = make_household(members=("丁四",)).members.get()
    source = Source.objects.create(
        kind="department", record_kind="civil_affairs", title="名册.csv", on=TODAY, created_at=NOW
    )
    DepartmentRecord.objects.create(
        kind="civil_affairs", fingerprint="x", household=person.household, person=person, on=TODAY, row_number=7,
        region_code=person.region_code, subject_name="丁四", source=source,
        items={"aid_kind": "1", "aid_from": "2024-01-01", "monthly_amount": 40_000},
    )  # fmt: skip
    client = as_role("county")
    address = reverse("office:differences")
    assert "还没有比对过" in text_of(client.get(address))
    client.post(reverse("office:difference-run"))
    page = text_of(client.get(address))
    assert "丁四" in page
    assert "没有导入基本医保参保名单" in page
    one = RosterDifference.objects.get()
    detail = reverse("office:difference", args=[one.pk])
    assert "名册.csv（2024-07-05），第 7 行" in text_of(client.get(detail))
    assert client.post(detail, {"decision": "both", "reason": ""}).status_code == 422
    client.post(detail, {"decision": "both", "reason": "外出务工，民政已知"})
    assert "丁四" not in text_of(client.get(address))
    assert "外出务工" in text_of(client.get(f"{address}?state=settled"))
    client.post(f"{reverse('office:difference-export')}?state=settled")
    assert AuditEvent.objects.get(action="difference_export").detail["rows"] == 1
    client.post(reverse("office:difference-reopen", args=[one.pk]))
    assert "丁四" in text_of(client.get(address))
    assert as_role("department").get(address).status_code == 403
