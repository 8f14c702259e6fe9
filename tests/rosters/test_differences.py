"""Our rosters against the departments': what differs and why, quiet once explained, back when values change."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.permissions import Refused
from huqing.registry.models import DepartmentRecord, Label, Person, Source
from huqing.rosters import differences, reviews
from huqing.rosters.models import ReviewLine, RosterDifference

from .conftest import DAY, NOW


@pytest.fixture
def told(db):
    """A function that adds a row of a department's file, about somebody or about nobody we know."""
    sources = {}

    def add(kind, person=None, name="", code="500236101201", **items) -> DepartmentRecord:
        if kind not in sources:
            sources[kind] = Source.objects.create(
                kind="department", record_kind=kind, title=kind, on=DAY, created_at=NOW
            )
        return DepartmentRecord.objects.create(
            kind=kind,
            fingerprint=f"{kind}{DepartmentRecord.objects.count()}",
            household=person.household if person else None,
            person=person,
            region_code=person.region_code if person else code,
            on=DAY,
            items=items,
            subject_name=name or (person.name if person else ""),
            source=sources[kind],
            row_number=7,
        )

    return add


@pytest.fixture
def someone(make_household):
    """A function that makes a person alone in a household, with what the member roster says."""

    def make(name, **items) -> Person:
        person = make_household(members=(name,)).members.get()
        person.items = items
        person.save()
        return person

    return make


def run(people, day=DAY):
    return differences.run(region="500236", by=people.county, day=day)


def found(roster="dibao"):
    return {
        (one.kind, one.person.name if one.person else one.subject_name): one
        for one in RosterDifference.objects.filter(roster=roster).exclude(state="closed")
    }


AID = {"aid_kind": "1", "aid_from": "2023-01-01", "monthly_amount": 40_000}


def test_each_side_is_named_with_the_likely_reason(someone, told, label, people):
    same, ours, theirs, dead = (someone(name) for name in ("都有", "只本县", "只部门", "去世"))
    for person in (same, ours, dead):
        label(person.household, "dibao", "2023-01-01", person=person)
    for person in (same, theirs, dead):
        told("civil_affairs", person, **AID)
    told("civil_affairs", ours, **{**AID, "aid_to": "2024-03-31"})
    told("death", dead, died_on="2024-05-05")
    told("civil_affairs", name="没对上", **AID)
    counts = run(people).counts["dibao"]
    assert {key: counts[key] for key in ("both", "ours", "theirs", "detail", "unlinked")} == {
        "both": 2, "ours": 1, "theirs": 1, "detail": 1, "unlinked": 1,
    }  # fmt: skip
    seen = found()
    assert {key: one.why for key, one in seen.items()} == {
        ("ours", "只本县"): "stopped",
        ("theirs", "只部门"): "unknown",
        ("detail", "去世"): "dead",
        ("unlinked", "没对上"): "unlinked",
    }
    assert seen["ours", "只本县"].values == [["标签", "2023-01-01 起", "2024-03-31 停止"]]
    assert ["人员状态", "人已去世", "仍在册"] in seen["detail", "去世"].values


def test_cards_and_insurances_are_compared_with_the_member_roster(someone, told, people):
    graded = someone("等级不同", disability_type="3", disability_grade="2")
    uninsured = someone("没参保", resident_insurance=True)
    unsaid = someone("没登记")
    told("disability", graded, disability_type="3", disability_grade="1")
    told("insured", unsaid, year=2024, insurance_kind="1")
    told("insured", uninsured, year=2023, insurance_kind="1")
    run(people)
    assert [value[0] for value in found("disability")["detail", "等级不同"].values] == ["残疾等级"]
    assert found("insured")["ours", "没参保"].values == [["城乡居民医保", "参加", "不在参保名单"]]
    assert found("insured")["theirs", "没登记"].values == [["城乡居民医保", "没有登记", "在参保名单"]]


def test_a_roster_no_department_has_sent_is_not_compared(someone, told, label, people):
    person = someone("甲", resident_insurance=True, disability_type="3")
    told("insured", person, year=2023, insurance_kind="1")  # last year's list says nothing about this year
    label(person.household, "dibao", "2023-01-01", person=person)
    assert run(people).counts == {}
    assert not RosterDifference.objects.exists()


def test_an_explained_difference_is_quiet_until_its_values_change(someone, told, label, people):
    person = someone("甲")
    told("civil_affairs", person, **AID)
    run(people)
    (one,) = found().values()
    with pytest.raises(ValidationError):
        differences.settle(difference=one, decision="ours", reason=" ", by=people.town)
    differences.settle(difference=one, decision="ours", reason="已反馈民政更正", by=people.town)
    run(people, DAY + dt.timedelta(31))
    one.refresh_from_db()
    assert (one.state, one.seen_on) == ("settled", DAY + dt.timedelta(31))
    DepartmentRecord.objects.filter(person=person).update(items={**AID, "aid_from": "2023-06-01"})
    run(people, DAY + dt.timedelta(62))
    one.refresh_from_db()
    assert (one.state, one.values) == ("open", [["标签", "没有", "2023-06-01 起"]])
    DepartmentRecord.objects.filter(person=person).delete()
    told("civil_affairs", someone("乙"), **AID)
    run(people, DAY + dt.timedelta(93))
    one.refresh_from_db()
    assert (one.state, one.closed_on) == ("closed", DAY + dt.timedelta(93))


def test_following_the_department_corrects_our_file_and_the_difference_goes(someone, told, people):
    missing = someone("应纳未纳", dibao=False)
    told("civil_affairs", missing, **AID)
    graded = someone("等级不同", disability_type="3", disability_grade="2")
    told("disability", graded, disability_type="3", disability_grade="1")
    run(people)
    differences.settle(difference=found()["theirs", "应纳未纳"], decision="theirs", reason="核实属实", by=people.town)
    label = Label.objects.get(person=missing, kind="dibao")
    assert (label.valid_from, label.source.title) == (dt.date(2023, 1, 1), "页面修改：名册比对：低保（核实属实）")
    differences.settle(
        difference=found("disability")["detail", "等级不同"], decision="theirs", reason="证件属实", by=people.town
    )
    missing.refresh_from_db()
    graded.refresh_from_db()
    assert (missing.items["dibao"], graded.items["disability_grade"]) == (True, "1")
    run(people)
    assert found() == found("disability") == {}


def test_somebody_who_should_leave_leaves_by_the_decision_of_two(someone, told, label, people):
    person = someone("应退未退")
    held = label(person.household, "dibao", "2023-01-01", person=person)
    told("civil_affairs", person, **{**AID, "aid_to": "2024-03-31"})
    run(people)
    differences.settle(difference=found()["ours", "应退未退"], decision="theirs", reason="民政已停", by=people.county)
    line = ReviewLine.objects.get(label=held)
    assert (line.state, line.decision) == ("waiting", "leave")
    held.refresh_from_db()
    assert held.valid_to is None
    reviews.confirm(lines=[line.pk], by=people.second)
    held.refresh_from_db()
    assert held.valid_to == DAY


def test_others_areas_and_unlinked_rows_cannot_be_settled_by_following(someone, told, label, people, regions):
    told("civil_affairs", someone("对上的"), **AID)
    told("civil_affairs", name="没对上", **AID)
    told("civil_affairs", name="外镇", code=regions.other_village.code, **AID)
    run(people)
    with pytest.raises(ValidationError, match="没有对上人"):
        differences.settle(
            difference=found()["unlinked", "没对上"], decision="theirs", reason="就是他", by=people.county
        )
    with pytest.raises(Refused):
        differences.settle(difference=found()["unlinked", "外镇"], decision="both", reason="外县人", by=people.town)
    with pytest.raises(Refused):
        differences.run(region="500236", by=people.town)
    one = differences.settle(difference=found()["unlinked", "没对上"], decision="both", reason="外县人", by=people.town)
    assert differences.reopen(difference=one, by=people.town).state == "open"
