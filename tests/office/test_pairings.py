"""The pairing workbench in the browser."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import reverse

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


ASKED = {
    "title": "年中调整", "region": "500236", "kinds": ["1"], "role1": "helper", "whom1": "household|label:monitor",
    "role2": "", "whom2": "", "keep": "on", "within": "", "fixed": "",
}  # fmt: skip


def test_a_proposal_is_made_changed_taken_back_accepted_and_published(as_role, people):
    client = as_role("county")
    assert client.get(reverse("office:pairing-new")).status_code == 200
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
    done = client.post(reverse("office:pairing-publish", args=[proposal.pk]), {"on": "2024-07-01"}, follow=True)
    assert "责任台账已更新" in text_of(done)
    assert Responsibility.objects.filter(since="2024-07-01").count() == 4


def test_numbers_that_do_not_close_are_explained(as_role, people):
    client = as_role("county")
    made = client.post(reverse("office:pairing-new"), {**ASKED, "q4_1": "3"}, follow=True)
    assert "2 人的名额合计 6 户，要结对的只有 4 户，多 2 个名额" in text_of(made)
    assert "同意" not in [button.strip() for button in text_of(made).split()]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "至少给一个职级写上名额"),
        ({"q4_1": "很多"}, "写一个数"),
        ({"q4_1": "5-2"}, "写反了"),
        ({"q4_1": "2", "role2": "linked"}, "要一起选"),
        ({"q4_1": "2", "fixed": "没人 T0001"}, "第 1 行：没有找到“没人”"),
        ({"q4_1": "2", "fixed": "赵甲 X9"}, "没有找到户编号 X9"),
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


def test_two_to_avoid_are_written_down_once(as_role, people):
    client = as_role("county")
    sent = {"staff": "赵甲", "household": "T0001", "reason": "亲属"}
    client.post(reverse("office:avoidances"), sent)
    again = client.post(reverse("office:avoidances"), sent)
    assert "这一回避关系已登记" in text_of(again)
    assert Avoidance.objects.count() == 1
