"""Inspections in the browser: commitment, draw, record, findings, notice."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.urls import reverse

from huqing.matching.draws import verify
from huqing.office.views import public_draws
from huqing.teams.models import InspectionFinding, InspectionRound, Responsibility, Staff, Unit

from .reading import text_of

TODAY = dt.date(2024, 7, 5)


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr("huqing.teams.ledger_queries.working_day", lambda day: TODAY)
    public_draws.forget()


@pytest.fixture
def staff(regions):
    for number in range(4):
        unit = Unit.objects.create(name=f"单位{number}", region_code="500236")
        Staff.objects.create(name=f"检查{number}", kind="1", unit=unit, region_code=regions.county.code)


ASKED = {
    "title": "第三轮夜查", "towns": ["500236101"], "how": "total", "number": "2", "kinds": ["1"], "named": "",
    "each": "1", "most": "1", "rounds_apart": "2", "shown_on": "",
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
    InspectionRound.objects.update(drawn_at=dt.datetime(2024, 7, 1, 4, tzinfo=dt.UTC))
    target = InspectionRound.objects.get().targets.get(region_code="500236101201")
    sent = {"text": "夜间无人", "responsible": "朱衣镇政府", "found_on": "2024-07-01", "due_on": "2024-07-03"}
    client.post(reverse("office:finding-new", args=[target.pk]), sent)
    finding = InspectionFinding.objects.get()
    village = as_role("village")
    board = reverse("office:inspections")
    assert "超期" in text_of(village.get(board))
    assert "夜间无人" in text_of(village.get(board, {"state": "late"}))
    assert "夜间无人" not in text_of(village.get(board, {"state": "closed"}))
    assert "第三轮夜查" in text_of(village.get(reverse("office:inspection-rounds")))
    page = reverse("office:finding", args=[finding.pk])
    assert "销号" not in text_of(village.get(page))
    village.post(page, {"state": "done", "text": "排了值班"})
    assert "复查通过，销号" in text_of(client.get(page))
    client.post(page, {"state": "closed", "text": "夜查有人"})
    assert InspectionFinding.objects.get().state == "closed"
    notice = text_of(client.get(reverse("office:inspection-notice", args=[round_.pk])))
    assert "关于第三轮夜查情况的通报" in notice
    assert "朱衣镇 砚瓦村 夜间无人 朱衣镇政府 2024-07-03" in notice


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


def test_anybody_sees_the_commitment_before_and_the_record_after_and_no_names(as_role, staff, client):
    county = as_role("county")
    county.post(reverse("office:inspection-new"), ASKED)
    round_ = InspectionRound.objects.get()
    page, record = reverse("office:public-draw", args=[round_.pk]), reverse("office:public-record", args=[round_.pk])
    before = text_of(client.get(page))
    assert round_.commitment in before
    assert "01 检某（单位0）" in before
    assert "检查0" not in before
    assert client.get(record).status_code == 404
    county.post(reverse("office:inspection", args=[round_.pk]), {"what": "draw", "d-witnesses": "李某", "d-said": "37"})
    public_draws.forget()
    shown = client.get(page)
    told = json.loads(client.get(record).content)
    assert verify(told, round_.commitment) == []
    assert told["seed"] in text_of(shown)
    assert "与承诺和结果相符" in text_of(shown)
    assert "检查0" not in shown.content.decode() + client.get(record).content.decode()
    assert (shown["X-Robots-Tag"], "max-age" in shown["Cache-Control"]) == ("noindex, nofollow, noarchive", True)
    assert "第三轮夜查" in text_of(client.get(reverse("office:public-draws")))
    tampered = {**InspectionRound.objects.get().record, "said": "38"}
    InspectionRound.objects.update(record=tampered)
    public_draws.forget()
    assert "本站重新计算不相符" in text_of(client.get(page))


def test_villages_and_the_public_learn_who_was_drawn_when_the_visits_are_over(as_role, staff, client, monkeypatch):
    county, village = as_role("county"), as_role("village")
    county.post(reverse("office:inspection-new"), {**ASKED, "shown_on": "2024-07-10"})
    round_ = InspectionRound.objects.get()
    page = reverse("office:inspection", args=[round_.pk])
    county.post(page, {"what": "draw", "d-witnesses": "李某", "d-said": "37"})
    public, record = (reverse(f"office:public-{name}", args=[round_.pk]) for name in ("draw", "record"))
    assert "砚瓦村" in text_of(county.get(page))
    assert "从 2024-07-10 起公布" in text_of(village.get(page))
    assert "检某" not in text_of(village.get(page))
    assert "从 2024-07-10 起公布结果" in text_of(client.get(public))
    assert client.get(record).status_code == 404
    monkeypatch.setattr("huqing.teams.ledger_queries.working_day", lambda day: dt.date(2024, 7, 10))
    public_draws.forget()
    assert client.get(record).status_code == 200
    assert "检查" in text_of(village.get(page))


def test_a_cancelled_round_stays_public_with_its_reason(as_role, staff, client):
    county = as_role("county")
    county.post(reverse("office:inspection-new"), ASKED)
    pk = InspectionRound.objects.get().pk
    county.post(reverse("office:inspection", args=[pk]), {"what": "cancel", "c-reason": "名单漏了两个村"})
    assert "名单漏了两个村" in text_of(client.get(reverse("office:public-draw", args=[pk])))


def test_an_inspector_finds_the_task_and_who_should_be_in_the_village(as_role, staff, users_by_role, regions):
    county = as_role("county")
    county.post(reverse("office:inspection-new"), ASKED)
    round_ = InspectionRound.objects.get()
    county.post(reverse("office:inspection", args=[round_.pk]), {"what": "draw", "d-witnesses": "李某", "d-said": "37"})
    target = round_.targets.get(region_code=regions.village.code)
    Staff.objects.filter(pk=target.duties.get().staff_id).update(user=users_by_role["visitor"])
    member = Staff.objects.create(name="驻村甲", kind="7", region_code=regions.county.code)
    Responsibility.objects.create(
        staff=member, role="resident", village=regions.village, region_code=regions.village.code,
        since=dt.date(2024, 1, 1),
    )  # fmt: skip
    mine, page = as_role("visitor"), reverse("office:my-inspection", args=[target.pk])
    assert "砚瓦村" in text_of(mine.get(reverse("office:my-inspections")))
    assert "今天还没有申报" in text_of(mine.get(page))
    visit = {"what": "visit", "v-on": "2024-07-05", "v-result": "驻村甲不在村"}
    assert "检查情况已登记" in text_of(mine.post(page, visit, follow=True))
    found = {"what": "finding", "f-text": "队员不在村", "f-responsible": "水利局", "f-found_on": "2024-07-05"}
    assert mine.post(page, {**found, "f-due_on": "2024-07-01"}).status_code == 422
    mine.post(page, {**found, "f-due_on": "2024-07-20"})
    assert InspectionFinding.objects.get().found_by == users_by_role["visitor"]
    assert as_role("town").get(page).status_code == 404
    letter = county.post(reverse("office:target-letter", args=[target.pk]))
    assert letter.content[:2] == b"PK"


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"number": "9"}, "只有 2 个可抽"), ({"kinds": []}, "请选检查人员"), ({"each": "4"}, "不够分配")],
)
def test_what_cannot_be_drawn_is_said_before_it_is_published(as_role, staff, changed, said):
    answer = as_role("county").post(reverse("office:inspection-new"), {**ASKED, **changed})
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert not InspectionRound.objects.exists()
