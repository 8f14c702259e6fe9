"""The pairing workbench in the browser."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from huqing.office.pairing_forms import USES, PairingForm
from huqing.papers.sheets import Column, Sheet, write_workbook
from huqing.registry.models import Label
from huqing.teams.models import Avoidance, PairingProposal, Responsibility, Staff

from .reading import text_of


@pytest.fixture
def people(regions, make_household):
    code = regions.town.code
    for name in ("赵甲", "钱乙"):
        Staff.objects.create(name=name, kind="1", region_code=code)
    for number in range(4):
        household = make_household(members=(f"户主{number}",))
        Label.objects.create(kind="monitor", household=household, valid_from=dt.date(2024, 1, 1))


@pytest.fixture
def at_once(django_capture_on_commit_callbacks):
    """The background does what the page asked for as soon as it is asked."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


ASKED = {
    "title": "年中调整", "region": "500236", "kinds": ["1"], "role1": "helper", "whom1": "household|label:monitor",
    "count1": "1", "role2": "", "whom2": "", "banned": "", "keep": "on", "within": "", "fixed": "",
}  # fmt: skip


def test_a_proposal_is_made_changed_taken_back_accepted_and_published(as_role, people, at_once):
    client = as_role("county")
    assert client.get(reverse("office:pairing-new")).status_code == 200
    with at_once():
        made = client.post(reverse("office:pairing-new"), {**ASKED, "q4_1": "2"})
    proposal = PairingProposal.objects.get()
    assert made.url == reverse("office:pairing", args=[proposal.pk])
    shown = text_of(client.get(made.url))
    assert "新增 4 对" in shown
    pair = proposal.pairs.filter(staff__name="赵甲").first()
    changed = client.post(reverse("office:pair-edit", args=[pair.pk]), {"staff": "钱乙"}, follow=True)
    assert "撤销上一次修改（1）" in text_of(changed)
    assert "人工指定" in text_of(client.get(made.url, {"text": "钱乙"}))
    undone = client.post(reverse("office:pairing-undo", args=[proposal.pk]), follow=True)
    assert "钱乙 换回 赵甲" in text_of(undone)
    client.post(reverse("office:pairing-state", args=[proposal.pk]), {"state": "accepted"})
    with at_once():
        client.post(reverse("office:pairing-publish", args=[proposal.pk]), {"on": "2024-07-01"})
    assert "已发布" in text_of(client.get(made.url))
    assert Responsibility.objects.filter(since="2024-07-01").count() == 4


def test_numbers_that_do_not_close_are_explained(as_role, people, at_once):
    client = as_role("county")
    with at_once():
        made = client.post(reverse("office:pairing-new"), {**ASKED, "q4_1": "3"})
    shown = text_of(client.get(made.url))
    assert "2 人的名额合计 6 户，要结对的（有“防止返贫致贫对象”标签的农户）只有 4 户，多 2 个名额" in shown
    assert "同意方案" not in shown
    again = client.get(reverse("office:pairing-new"), {"from": PairingProposal.objects.get().pk})
    assert 'value="年中调整"' in again.content.decode()


def test_a_waiting_proposal_refreshes_itself_and_can_be_cancelled(as_role, people):
    client = as_role("county")
    made = client.post(reverse("office:pairing-new"), {**ASKED, "q4_1": "2"})
    waiting = client.get(made.url)
    assert "正在排队" in text_of(waiting)
    assert 'hx-trigger="every 2s"' in waiting.content.decode()
    part = client.get(made.url, headers={"hx-request": "true", "hx-target": "pairing"})
    assert b"<html" not in part.content
    pk = PairingProposal.objects.get().pk
    done = client.post(reverse("office:pairing-state", args=[pk]), {"state": "cancelled"}, follow=True)
    assert "已取消" in text_of(done)
    assert "重新计算" in text_of(done)


def test_named_pairs_come_typed_or_as_a_table(as_role, people, at_once):
    client = as_role("county")
    out = io.BytesIO()
    titles = [Column(title) for title in ("责任人", "户编号", "要求")]
    write_workbook(out, [Sheet("表", titles, [["赵甲", "T0002", "回避"], ["赵甲", "T0003", "指定"]])])
    file = SimpleUploadedFile("指定和回避.xlsx", out.getvalue())
    with at_once():
        client.post(reverse("office:pairing-new"), {**ASKED, "q4_1": "2", "fixed": "赵甲 T0001", "file": file})
    proposal = PairingProposal.objects.get()
    mine = set(proposal.pairs.filter(staff__name="赵甲").values_list("household__number", flat=True))
    assert mine == {"T0001", "T0003"}
    people_page = text_of(client.get(reverse("office:pairing-people", args=[proposal.pk])))
    assert "帮扶责任人 0→2" in people_page
    pair = proposal.pairs.get(household__number="T0002")
    client.post(reverse("office:pair-edit", args=[pair.pk]), {"staff": "赵甲"})
    off = text_of(client.get(reverse("office:pairing-people", args=[proposal.pk]), {"only": "off"}))
    assert "帮扶责任人应为 2，现为 3" in off
    assert "有 2 人的户数与名额不符" in text_of(client.get(reverse("office:pairing", args=[proposal.pk])))


@pytest.mark.parametrize("use", sorted(USES))
def test_every_usual_pairing_opens_with_conditions_that_hold_together(as_role, people, use):
    page = as_role("county").get(reverse("office:pairing-new"), {"use": use})
    form = page.context["form"]
    data = {**{name: field.initial or "" for name, field in form.fields.items()}, **form.initial, "region": "500236"}
    bound = PairingForm({key: value for key, value in data.items() if value not in ("", None)}, by=form.by)
    assert bound.is_valid(), bound.errors


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "至少给一个职级写上名额"),
        ({"q4_1": "很多"}, "写一个数"),
        ({"q4_1": "5-2"}, "写反了"),
        ({"q4_1": "2", "role2": "linked"}, "要一起选"),
        ({"q4_1": "2", "fixed": "没人 T0001"}, "第 1 行：没有找到“没人”"),
        ({"q4_1": "2", "fixed": "赵甲 X9"}, "第 1 行：没有找到“X9”"),
        ({"q4_1": "2", "whom1": "household|label:tuopin"}, "没有要结对的对象"),
        ({"q4_1": "2", "whom1": "household|rule:listed"}, "先有一次筛查"),
        ({"q4_1": "2", "kinds": ["3"]}, "没有可以结对的人"),
    ],
)
def test_what_is_wrong_with_a_question_is_said(as_role, people, sent, said):
    answer = as_role("county").post(reverse("office:pairing-new"), {**ASKED, **sent})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not PairingProposal.objects.exists()


def test_many_to_avoid_come_as_a_table_and_can_be_lifted(as_role, people):
    client = as_role("county")
    out = io.BytesIO()
    titles = [Column(title) for title in ("责任人", "户编号", "原因")]
    write_workbook(out, [Sheet("表", titles, [["赵甲", "T0001", "亲属"], ["钱乙", "T0002", "本户成员"]])])
    sent = {"what": "file", "file": SimpleUploadedFile("回避.xlsx", out.getvalue())}
    assert "已登记 2 对" in text_of(client.post(reverse("office:avoidances"), sent, follow=True))
    wrong = {"what": "file", "file": SimpleUploadedFile("回避.csv", "责任人,户编号\n没人,T0001\n".encode())}
    assert "第 2 行：没有找到“没人”" in text_of(client.post(reverse("office:avoidances"), wrong))
    client.post(reverse("office:avoidance-lift", args=[Avoidance.objects.get(staff__name="赵甲").pk]))
    assert Avoidance.objects.get().staff.name == "钱乙"
    assert client.get(reverse("office:pair-template")).content[:2] == b"PK"


def test_two_to_avoid_are_written_down_once(as_role, people):
    client = as_role("county")
    sent = {"staff": "赵甲", "household": "T0001", "reason": "亲属"}
    client.post(reverse("office:avoidances"), sent)
    again = client.post(reverse("office:avoidances"), sent)
    assert "这一回避关系已登记" in text_of(again)
    assert Avoidance.objects.count() == 1
