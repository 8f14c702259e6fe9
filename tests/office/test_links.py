"""Deciding whom a department's row is about: the queue, the comparison, the decision, the next one."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone

from huqing.access.models import AuditEvent
from huqing.intake.models import LinkCandidate
from huqing.office import link_page
from huqing.registry.models import DepartmentRecord, Source
from huqing.screening.signals import paused

from .reading import text_of

pytestmark = pytest.mark.django_db
NAME = {"field": "姓名", "row": "张大山", "person": "张大山", "agreement": "相同", "weight": 10.6}
PLACE = {"field": "所在村", "row": "砚瓦村", "person": "砚瓦村", "agreement": "同村", "weight": 5.2}
BORN = {"field": "出生日期", "row": "1980-01-01", "person": "1979-05-05", "agreement": "不同", "weight": -4.4}
PHONE = {"field": "联系电话", "row": "未填", "person": "已填", "agreement": "缺，无法比对", "weight": 0.0}


@pytest.fixture
def queue(make_household, regions, as_role):
    """Three rows that wait: one with two candidates in two towns, one about a far village, one disability row."""
    source = Source.objects.create(
        kind="department",
        record_kind="insured",
        title="参保名单.csv",
        on=dt.date(2026, 5, 31),
        created_at=timezone.now(),
    )
    here = make_household(members=("张大山", "李秀英"), id_numbers=("990236198001010018",))
    there = make_household(members=("张大山",), village=regions.other_village)

    def row(number, kind="insured", **items):
        return DepartmentRecord.objects.create(
            kind=kind,
            fingerprint=f"row{number}",
            region_code="500236000000",
            subject_name="张大山",
            items=items or {"year": 2026, "insurance_kind": "1"},
            source=source,
            row_number=number,
        )

    def candidate(record, household, score, *lines):
        person = household.members.get(name="张大山")
        return LinkCandidate.objects.create(
            record=record, person=person, score=score, explanation=list(lines), region_code=person.region_code
        )

    double, disability = row(2), row(3, kind="disability", disability_grade="1")
    with paused():
        yield SimpleNamespace(
            client=as_role("county"),
            here=here,
            there=there,
            first=candidate(double, here, 0.967, NAME, PLACE, PHONE),
            second=candidate(double, there, 0.61, NAME, BORN),
            other=candidate(disability, here, 0.9, NAME, PLACE),
        )


def at(candidate, name="office:link") -> str:
    return reverse(name, args=[candidate.pk])


def decide(queue, candidate, decision, **more):
    return queue.client.post(at(candidate, "office:link-decide"), {"decision": decision, **more}, follow=True)


def test_the_queue_lists_the_surest_first_and_narrows_by_kind(queue) -> None:
    text = text_of(queue.client.get(reverse("office:links")))
    assert "逐条判定（共 3 条）" in text
    assert text.index("97%") < text.index("90%") < text.index("61%")
    assert "姓名相同，所在村同村" in text
    only = text_of(queue.client.get(reverse("office:links"), {"kind": "disability"}))
    assert "逐条判定（共 1 条）" in only
    assert "97%" not in only
    assert "这种数据没有待判定的" in text_of(queue.client.get(reverse("office:links"), {"kind": "death"}))


def test_both_sides_stand_beside_each_other_with_the_score_explained(queue) -> None:
    text = text_of(queue.client.get(at(queue.first)))
    assert "有力支持" in text
    assert "+10.6" in text
    assert "没有比对：联系电话" in text
    assert "合计 +15.8 分" in text
    assert "城乡居民医保" in text
    assert "参保名单.csv 第 2 行" in text
    assert "李秀英" in text
    assert "未定义变量" not in text
    assert "990236198001010018" not in text


def test_a_point_more_doubles_the_odds() -> None:
    told = link_page.comparison(LinkCandidate(score=0.8, explanation=[NAME, BORN, PHONE]))
    assert told.total == 2.0
    assert told.sum == 6.2
    assert told.start == round(told.total - told.sum, 1)
    assert [(line.field, line.meaning) for line in told.lines] == [("姓名", "有力支持"), ("出生日期", "不利")]


def test_accepting_links_the_row_closes_its_other_candidates_and_goes_on(queue) -> None:
    answer = decide(queue, queue.first, "accept")
    assert answer.redirect_chain[-1][0] == at(queue.other)
    assert "“张大山”已关联到张大山" in text_of(answer)
    record = DepartmentRecord.objects.get(pk=queue.first.record_id)
    assert (record.person, record.household) == (queue.first.person, queue.here)
    queue.second.refresh_from_db()
    assert queue.second.state == LinkCandidate.State.REJECTED
    assert AuditEvent.objects.filter(action="intake.accept_link", subject_id=queue.first.pk).exists()


def test_rejecting_goes_on_to_the_rows_next_candidate(queue) -> None:
    answer = decide(queue, queue.first, "reject")
    assert answer.redirect_chain[-1][0] == at(queue.second)
    queue.first.refresh_from_db()
    assert queue.first.state == LinkCandidate.State.REJECTED
    assert DepartmentRecord.objects.get(pk=queue.first.record_id).person is None


def test_the_chosen_kind_stays_chosen_and_the_end_says_so(queue) -> None:
    answer = decide(queue, queue.other, "reject", kind="disability")
    assert answer.redirect_chain[-1][0] == f"{reverse('office:links')}?kind=disability"
    assert "这种数据没有待判定的" in text_of(answer)


def test_what_is_decided_already_says_who_and_cannot_be_decided_again(queue) -> None:
    decide(queue, queue.first, "accept")
    text = text_of(queue.client.get(at(queue.first)))
    assert "已由县级经办于" in text
    assert "不是同一人 2" not in text
    again = queue.client.post(at(queue.first, "office:link-decide"), {"decision": "reject"})
    assert again.status_code == 422
    assert "已判定为“是同一人”" in text_of(again)


def test_a_decision_must_be_chosen(queue) -> None:
    answer = decide(queue, queue.first, "maybe")
    assert answer.status_code == 422
    assert "请选择“是同一人”或“不是同一人”" in text_of(answer)


def test_a_township_decides_only_on_its_own_people_and_learns_no_name_elsewhere(queue, as_role) -> None:
    town = as_role("town")
    assert "共 2 条" in text_of(town.get(reverse("office:links")))
    text = text_of(town.get(at(queue.first)))
    assert "另有 1 名候选人不在您的管辖范围内" in text
    assert "龙潭村" not in text
    assert town.get(at(queue.second)).status_code == 404
    assert town.post(at(queue.second, "office:link-decide"), {"decision": "accept"}).status_code == 404


def test_decisions_can_be_made_by_keyboard(queue) -> None:
    html = queue.client.get(at(queue.first)).content.decode()
    for key, words in (("1", "是同一人"), ("2", "不是同一人"), ("3", "先跳过")):
        assert words in html.split(f'data-focus-key="{key}"')[1][:200]


def test_a_wrong_no_can_be_taken_back_until_the_row_has_found_its_person(queue) -> None:
    candidate = LinkCandidate.objects.order_by("-score").first()
    address = reverse("office:link-decide", args=[candidate.pk])
    queue.client.post(address, {"decision": "reject"})
    listed = text_of(queue.client.get(reverse("office:links"), {"state": "rejected"}))
    assert candidate.person.name in listed
    page = queue.client.get(reverse("office:link", args=[candidate.pk])).content.decode()
    assert "判错了，重新判定" in page
    answer = queue.client.post(reverse("office:link-reopen", args=[candidate.pk]), follow=True)
    assert "已重新列为待判定" in text_of(answer)
    candidate.refresh_from_db()
    assert (candidate.state, candidate.decided_by, candidate.decided_at) == ("open", None, None)
    assert AuditEvent.objects.filter(action="intake.reopen_link").count() == 1

    queue.client.post(address, {"decision": "reject"})
    DepartmentRecord.objects.filter(pk=candidate.record_id).update(person=candidate.person)
    refused = queue.client.post(reverse("office:link-reopen", args=[candidate.pk]))
    assert refused.status_code == 422
    assert "已关联到别人" in text_of(refused)
