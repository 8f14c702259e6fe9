"""Resident teams in the browser: one's own calendar, confirming, leave, allowances."""

from __future__ import annotations

import datetime as dt
import io

import openpyxl
import pytest
from django.urls import reverse

from huqing.access.models import AuditEvent, Role, User
from huqing.office import residency_page
from huqing.teams import presence
from huqing.teams.models import Absence, AllowanceRun, PresenceDay, Provision, Responsibility, RotaDay, Staff, TeamNote

from .reading import text_of

TODAY = dt.date(2024, 7, 5)


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr("huqing.teams.ledger_queries.working_day", lambda day: TODAY)


@pytest.fixture
def member(regions, users_by_role):
    staff = Staff.objects.create(
        name="驻村甲", kind="7", rank="3", user=users_by_role["visitor"], region_code=regions.county.code
    )
    Responsibility.objects.create(
        staff=staff, role="resident", village=regions.village, region_code=regions.village.code,
        since=dt.date(2024, 1, 1),
    )  # fmt: skip
    return staff


def test_a_member_declares_and_the_town_confirms_from_the_calendar(as_role, member):
    mine, address = as_role("visitor"), reverse("office:my-residency")
    sent = {"what": "declare", "d-kind": "1", "d-first": "2024-06-03", "d-last": "2024-06-05", "d-note": ""}
    assert "已申报" in text_of(mine.post(address, sent, follow=True))
    assert "另有 3 天待确认" in text_of(mine.get(address, {"month": "2024-06"}))
    town, page = as_role("town"), reverse("office:resident", args=[member.pk])
    assert "驻村甲" in text_of(town.get(reverse("office:residency"), {"month": "2024-06"}))
    assert "全部确认（3 天）" in text_of(town.get(page, {"month": "2024-06"}))
    days = reverse("office:resident-days", args=[member.pk])
    first = PresenceDay.objects.get(day="2024-06-03")
    said = town.post(days, {"month": "2024-06", "what": "refuse", "day": [first.pk], "reason": ""}, follow=True)
    assert "请写不予确认的原因" in text_of(said)
    town.post(days, {"month": "2024-06", "what": "refuse", "day": [first.pk], "reason": "当天不在村"})
    town.post(days, {"month": "2024-06", "what": "all"})
    assert sorted(PresenceDay.objects.values_list("state", flat=True)) == ["confirmed", "confirmed", "refused"]
    assert "当天不在村" in text_of(mine.get(address))


def test_leave_is_asked_on_the_phone_and_decided_by_the_limit(as_role, member):
    mine = as_role("visitor")
    sent = {"what": "ask", "a-kind": "31", "a-first": "2024-06-10", "a-last": "2024-06-14", "a-reason": "看病"}
    assert "已提交，5 天，由县里批" in text_of(mine.post(reverse("office:my-residency"), sent, follow=True))
    absence = Absence.objects.get()
    town = as_role("town")
    assert "5 天超过乡镇可批的 3 天，由县里批" in text_of(town.get(reverse("office:residency")))
    decide = reverse("office:absence-decide", args=[absence.pk])
    assert "由县里批" in text_of(town.post(decide, {"what": "approve"}, follow=True))
    assert "已批准" in text_of(as_role("county").post(decide, {"what": "approve"}, follow=True))
    assert PresenceDay.objects.filter(kind="3").count() == 5
    back = reverse("office:absence-back", args=[absence.pk])
    assert "回村日期要在" in text_of(mine.post(back, {"on": "2024-06-20"}))
    assert "已销假" in text_of(mine.post(back, {"on": "2024-06-13"}, follow=True))
    assert PresenceDay.objects.filter(kind="3").count() == 3
    assert as_role("town").get(back).status_code == 404


def test_problems_and_care_are_written_and_solved(as_role, member):
    sent = {"what": "note", "n-kind": "problem", "n-on": "2024-07-01", "n-text": "住处漏雨"}
    as_role("visitor").post(reverse("office:my-residency"), sent)
    town = as_role("town")
    assert "住处漏雨" in text_of(town.get(reverse("office:residency")))
    solve = reverse("office:problem-solve", args=[TeamNote.objects.get().pk])
    given = {"what": "assign", "a-responsible": "朱衣镇政府", "a-due_on": "2024-07-04"}
    assert "由朱衣镇政府在 2024-07-04 前解决" in text_of(town.post(solve, given, follow=True))
    town.post(solve, {"what": "solve", "s-on": "2024-07-02", "s-solution": "换了瓦"})
    care = reverse("office:care", args=["500236101201"])
    visit = {"staff": [member.pk], "kind": "care_main", "who": "局长李某", "on": "2024-07-03", "text": "到村看望"}
    town.post(care, visit)
    shown = text_of(town.get(reverse("office:resident", args=[member.pk])))
    assert "换了瓦" in shown
    assert "主要领导看望 每月至少 1 次 1 次" in shown
    assert as_role("town").get(reverse("office:care", args=["500236102201"])).status_code == 404


def test_ticked_days_are_declared_from_the_calendar(as_role, member):
    mine, address = as_role("visitor"), reverse("office:my-residency")
    ticked = {"what": "days", "month": "2024-07", "kind": "1", "day": ["2024-07-01", "2024-07-03", "nonsense"]}
    assert "已申报 2 天" in text_of(mine.post(address, ticked, follow=True))
    assert "没有选日期" in text_of(mine.post(address, {**ticked, "day": []}, follow=True))
    assert "还没有到" in text_of(mine.post(address, {**ticked, "day": ["2024-07-06"]}, follow=True))
    assert "还差 20 天，另有 2 天待确认，本月还剩 26 天" in text_of(mine.get(address))


def test_the_month_is_taken_out_as_a_workbook_and_notes_are_listed(as_role, member, users_by_role):
    presence.declare(staff=member, first=TODAY, last=TODAY, kind="1", by=users_by_role["visitor"])
    Staff.objects.filter(pk=member.pk).update(name="=1+1")
    town = as_role("town")
    content = town.post(reverse("office:presence-export"), {"month": "2024-07"}).content
    cells = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0][2]
    row = [cell.value for cell in cells]
    assert (cells[0].data_type, row[2], row[3 + 4], row[-2:]) == ("s", "朱衣镇砚瓦村", "在村（待确认）", [0, 1])
    assert AuditEvent.objects.filter(action="presence_export").count() == 1
    assert as_role("village").post(reverse("office:presence-export")).status_code == 403
    sent = {"what": "note", "n-kind": "diary", "n-on": "2024-07-01", "n-text": "走了三户"}
    mine = as_role("visitor")
    mine.post(reverse("office:my-residency"), sent)
    assert "走了三户" in text_of(mine.get(reverse("office:my-notes"), {"kind": "diary"}))
    assert "走了三户" not in text_of(mine.get(reverse("office:my-notes"), {"kind": "problem"}))
    assert "走了三户" in text_of(town.get(reverse("office:resident-notes", args=[member.pk])))


def test_the_rota_of_a_village_is_made_by_turns_and_changed(as_role, member):
    village, address = as_role("village"), reverse("office:rota", args=["500236101201"])
    turns = {"what": "turns", "t-first": "2024-07-08", "t-last": "2024-07-10"}
    assert "已排 3 天" in text_of(village.post(address, turns, follow=True))
    one = {"what": "one", "o-staff": member.pk, "o-day": "2024-07-08"}
    assert "已经排了值班" in text_of(village.post(address, one))
    row = RotaDay.objects.get(day="2024-07-09")
    assert "已取消" in text_of(village.post(reverse("office:rota-drop", args=[row.pk]), follow=True))
    assert village.get(reverse("office:rota", args=["500236102201"])).status_code == 404


def test_who_has_no_insurance_is_listed_until_it_is_registered_with_a_hidden_number(as_role, member):
    town, gaps = as_role("town"), reverse("office:provision-gaps")
    assert "驻村甲" in text_of(town.get(gaps, {"kind": "insurance"}))
    sent = {
        "year": 2024, "kind": "insurance", "planned_on": "", "done_on": "2024-03-01", "until": "2025-02-28",
        "provider": "人保", "policy": "PA00998877", "note": "",
    }  # fmt: skip
    page = text_of(town.post(reverse("office:resident-provisions", args=[member.pk]), sent, follow=True))
    assert "****" in page
    assert "PA00998877" not in page
    assert "驻村甲" not in text_of(town.get(gaps, {"kind": "insurance"}))
    show = reverse("office:policy-show", args=[Provision.objects.get().pk])
    assert "PA00998877" in text_of(as_role("visitor").post(show))
    assert as_role("reader").post(show).status_code == 403


def test_a_month_is_computed_explained_approved_by_another_and_exported(as_role, member, users_by_role, client):
    presence.declare(
        staff=member, first=dt.date(2024, 6, 1), last=dt.date(2024, 6, 20), kind="1", by=users_by_role["visitor"]
    )
    county = as_role("county")
    waiting = county.post(reverse("office:allowances"), {"month": "2024-06"})
    assert "还有 20 天的驻村日历没有确认" in text_of(waiting)
    presence.confirm(days=PresenceDay.objects.all(), by=users_by_role["town"])
    county.post(reverse("office:allowances"), {"month": "2024-06"})
    run = AllowanceRun.objects.get()
    page = reverse("office:allowance", args=[run.pk])
    shown = text_of(county.get(page))
    assert "2,430.00" in shown
    assert "请另一位县级经办审核" in shown
    assert "演示示例" in shown
    county.post(reverse("office:allowance-approve", args=[run.pk]))
    assert AllowanceRun.objects.get().state == "computed"
    other = User.objects.create(username="xian2", display_name="另一经办", role=Role.COUNTY, region_code="500236")
    client.force_login(other)
    client.post(reverse("office:allowance-approve", args=[run.pk]))
    assert client.post(reverse("office:allowance-export", args=[run.pk])).content[:2] == b"PK"


def test_an_account_without_a_person_is_told_what_to_do(as_role, users_by_role):
    assert "没有登记为工作人员" in text_of(as_role("visitor").get(reverse("office:my-residency")))


def test_a_month_has_whole_weeks_and_counts_confirmed_days_only():
    month = residency_page.made(dt.date(2024, 6, 1), [], TODAY)
    assert [len(week) for week in month.weeks] == [7] * 5
    assert (month.before, month.after) == ("2024-05", "2024-07")
    assert residency_page.month_of("2024-13", TODAY) == dt.date(2024, 7, 1)
