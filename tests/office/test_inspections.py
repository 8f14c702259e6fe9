"""Inspections in the browser: commitment, draw, record, findings, notice."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.urls import reverse

from huqing.matching.draws import verify
from huqing.teams import inspections
from huqing.teams.models import InspectionFinding, InspectionRound, Staff, Unit

from .reading import text_of

TODAY = dt.date(2024, 7, 5)


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr(inspections, "today", lambda: TODAY)


@pytest.fixture
def staff(regions):
    for number in range(4):
        unit = Unit.objects.create(name=f"单位{number}", region_code="500236")
        Staff.objects.create(name=f"检查{number}", kind="1", unit=unit, region_code=regions.county.code)


ASKED = {
    "title": "第三轮夜查", "towns": ["500236101"], "how": "total", "number": "2", "kinds": ["1"], "named": "",
    "each": "1", "most": "1", "rounds_apart": "2",
}  # fmt: skip


def test_a_round_is_committed_drawn_verified_and_its_findings_closed(as_role, staff, users_by_role):
    client = as_role("county")
    made = client.post(reverse("office:inspection-new"), ASKED)
    round_ = InspectionRound.objects.get()
    assert made.url == reverse("office:inspection", args=[round_.pk])
    assert round_.commitment in text_of(client.get(made.url))
    record = reverse("office:inspection-record", args=[round_.pk])
    assert client.get(record).status_code == 404
    client.post(made.url, {"what": "draw", "d-witnesses": "纪委李某", "d-said": "37 12"})
    told = json.loads(client.get(record).content)
    assert verify(told, round_.commitment) == []
    target = InspectionRound.objects.get().targets.get(region_code="500236101201")
    sent = {"text": "夜间无人", "responsible": "朱衣镇政府", "found_on": "2024-07-01", "due_on": "2024-07-03"}
    client.post(reverse("office:finding-new", args=[target.pk]), sent)
    finding = InspectionFinding.objects.get()
    village = as_role("village")
    assert "超期" in text_of(village.get(reverse("office:inspections")))
    page = reverse("office:finding", args=[finding.pk])
    assert "销号" not in text_of(village.get(page))
    village.post(page, {"state": "done", "text": "排了值班"})
    assert "复查通过，销号" in text_of(client.get(page))
    client.post(page, {"state": "closed", "text": "夜查有人"})
    assert InspectionFinding.objects.get().state == "closed"
    notice = text_of(client.get(reverse("office:inspection-notice", args=[round_.pk])))
    assert "关于第三轮夜查情况的通报" in notice
    assert "朱衣镇砚瓦村 夜间无人 朱衣镇政府 2024-07-03" in notice


def test_a_town_sees_its_own_villages_of_a_round_and_not_the_whole_record(as_role, staff):
    client = as_role("county")
    client.post(reverse("office:inspection-new"), {**ASKED, "towns": [], "how": "total", "number": "3"})
    round_ = InspectionRound.objects.get()
    page = reverse("office:inspection", args=[round_.pk])
    client.post(page, {"what": "draw", "d-witnesses": "纪委李某", "d-said": "37"})
    town = as_role("town")
    shown = text_of(town.get(page))
    assert "砚瓦村" in shown
    assert "龙潭村" not in shown
    assert town.get(reverse("office:inspection-record", args=[round_.pk])).status_code == 404
    assert town.post(page, {"what": "cancel", "c-reason": "不想抽"}).status_code == 200
    assert InspectionRound.objects.get().state == "drawn"


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"number": "9"}, "只有 2 个可抽"), ({"kinds": []}, "请选检查人员"), ({"each": "4"}, "不够分配")],
)
def test_what_cannot_be_drawn_is_said_before_it_is_published(as_role, staff, changed, said):
    answer = as_role("county").post(reverse("office:inspection-new"), {**ASKED, **changed})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not InspectionRound.objects.exists()
