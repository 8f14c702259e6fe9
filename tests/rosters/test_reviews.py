"""Reviews of social aid: rules propose, people decide, leaving needs two, a wrong one is undone by a new decision."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.permissions import Refused
from huqing.registry.models import DepartmentRecord, Entry, Label, Source
from huqing.rosters import reviews
from huqing.rosters.models import ReviewLine

from .conftest import DAY, NOW


@pytest.fixture
def aid(label):
    """A function that puts somebody on the allowance: the department's row and the label."""
    source = Source.objects.create(
        kind="department", record_kind="civil_affairs", title="社会救助对象名册.csv", on=DAY, created_at=NOW
    )

    def give(household, since="2022-05-01", until="", amount=42_000, labour="04", **items) -> Label:
        person = household.members.order_by("pk")[0]
        person.items = {"labour": labour, **items}
        person.save()
        values = {"aid_kind": "1", "aid_from": since, "monthly_amount": amount} | ({"aid_to": until} if until else {})
        DepartmentRecord.objects.create(
            kind="civil_affairs",
            fingerprint=f"a{person.pk}",
            household=household,
            person=person,
            region_code=household.region_code,
            on=dt.date.fromisoformat(since),
            items=values,
            subject_name=person.name,
            source=source,
            row_number=1,
        )
        return label(household, "dibao", since, person=person)

    return give


def start(people, due_by=None):
    return reviews.start(kind="dibao", title="低保复核", due_by=due_by, by=people.county)


def line_of(label):
    return ReviewLine.objects.get(label=label)


def test_every_holder_gets_a_proposal_with_its_reasons(make_household, aid, label, people):
    stays = aid(make_household(members=("甲",)))
    stopped = aid(make_household(members=("乙",)), until="2024-05-31")
    dead = aid(make_household(members=("丙",)), alive=False, died_on="2024-04-02")
    home = make_household(members=("丁",))
    unheard = label(home, "dibao", "2022-01-01", person=home.members.get())
    start(people)
    told = {one.label_id: (one.proposal, one.reasons[0]) for one in ReviewLine.objects.all()}
    assert told[stays.pk][0] == "continue"
    assert told[stopped.pk] == ("leave", "民政名册：2024-05-31 起停止救助。")
    assert told[dead.pk] == ("leave", "死亡：2024-04-02去世。")
    assert told[unheard.pk] == ("unknown", "民政名册里没有这个人的低保记录。")


def test_those_due_are_taken_by_the_interval_of_their_class(make_household, aid, people):
    able = aid(make_household(members=("甲",)), since="2023-12-01", labour="01")  # half-yearly: due on 2024-06-01
    unable = aid(make_household(members=("乙",)), since="2023-12-01", labour="04")  # yearly: due on 2024-12-01
    unclear = aid(make_household(members=("丙",)), since="2023-12-01", labour="")
    start(people, due_by=dt.date(2024, 6, 30))
    assert set(ReviewLine.objects.values_list("label", flat=True)) == {able.pk, unclear.pk}
    assert line_of(able).due_on == dt.date(2024, 6, 1)
    reviews.decide(lines=[line_of(able).pk], decision="continue", effective_on=DAY, reason="", by=people.county)
    later = start(people, due_by=dt.date(2024, 12, 31))
    assert {one.label_id: one.due_on for one in later.lines.all()} == {
        able.pk: dt.date(2024, 12, 20),
        unable.pk: dt.date(2024, 12, 1),
    }


def test_leaving_takes_effect_when_a_second_person_agrees(make_household, aid, people):
    leaving = aid(make_household(members=("甲",)), until="2024-05-31")
    start(people)
    chosen = [line_of(leaving).pk]
    with pytest.raises(ValidationError, match="理由"):
        reviews.decide(lines=chosen, decision="leave", effective_on=DAY, reason="", by=people.town)
    reviews.decide(lines=chosen, decision="leave", effective_on=dt.date(2024, 5, 31), reason="已停发", by=people.county)
    assert Label.objects.get(pk=leaving.pk).valid_to is None
    with pytest.raises(Refused, match="另一个人确认"):
        reviews.confirm(lines=chosen, by=people.county)
    with pytest.raises(Refused):
        reviews.confirm(lines=chosen, by=people.town)
    reviews.confirm(lines=chosen, by=people.second)
    assert Label.objects.get(pk=leaving.pk).valid_to == dt.date(2024, 5, 31)
    with pytest.raises(ValidationError, match="已由别人办理"):
        reviews.confirm(lines=chosen, by=people.second)


def test_a_decision_sent_back_is_open_again_with_the_reason(make_household, aid, people):
    held = aid(make_household(members=("甲",)))
    start(people)
    reviews.decide(lines=[line_of(held).pk], decision="leave", effective_on=DAY, reason="收入高", by=people.town)
    reviews.send_back(lines=[line_of(held).pk], reason="请先核算", by=people.second)
    assert (line_of(held).state, line_of(held).decision, line_of(held).reason) == ("open", "", "退回：请先核算")


def test_a_wrong_leaving_is_undone_by_a_new_decision_of_two(make_household, aid, people):
    label = aid(make_household(members=("甲",)), until="2024-05-31")
    start(people)
    wrong = line_of(label)
    reviews.decide(lines=[wrong.pk], decision="leave", effective_on=dt.date(2024, 5, 31), reason="停", by=people.county)
    reviews.confirm(lines=[wrong.pk], by=people.second)
    with pytest.raises(ValidationError, match="恢复日期"):
        reviews.restore(line=wrong, effective_on=dt.date(2024, 5, 31), reason="停错了", by=people.county)
    new = reviews.restore(line=wrong, effective_on=dt.date(2024, 6, 10), reason="停错了", by=people.county)
    assert Label.objects.filter(kind="dibao", valid_to=None).count() == 0
    reviews.confirm(lines=[new.pk], by=people.second)
    again = Label.objects.get(kind="dibao", valid_to=None)
    assert (again.person, again.valid_from) == (label.person, dt.date(2024, 6, 10))
    assert ReviewLine.objects.get(pk=wrong.pk).decision == "leave"
    with pytest.raises(ValidationError, match="已经更正过"):
        reviews.restore(line=ReviewLine.objects.get(pk=wrong.pk), effective_on=DAY, reason="再来", by=people.county)


def test_a_batch_is_decided_whole_or_not_at_all_and_only_of_ones_own_area(make_household, aid, people, regions):
    own = [aid(make_household(members=(name,))) for name in "甲乙丙"]
    foreign = aid(make_household(members=("丁",), village=regions.other_village))
    round_ = start(people)
    everything = list(round_.lines.values_list("pk", flat=True))
    with pytest.raises(ValidationError, match="不在您的辖区"):
        reviews.decide(lines=everything, decision="continue", effective_on=DAY, reason="", by=people.town)
    assert not ReviewLine.objects.exclude(state="open").exists()
    seen = list(reviews.lines_of(round_, people.town).values_list("pk", flat=True))
    assert reviews.decide(lines=seen, decision="continue", effective_on=DAY, reason="", by=people.town) == len(own)
    with pytest.raises(ValidationError, match="还有 1 个对象没有办完"):
        reviews.close(round_=round_, by=people.county)
    reviews.decide(lines=[line_of(foreign).pk], decision="continue", effective_on=DAY, reason="", by=people.county)
    assert reviews.close(round_=round_, by=people.county).state == "closed"
    (town, other) = reviews.progress(round_, people.county, 9)
    assert (town["place"], town["done"], other["done"]) == ("500236101", 3, 1)


def test_a_new_amount_stands_in_the_history_with_its_day(make_household, aid, people):
    label = aid(make_household(members=("甲",)))
    start(people)
    one = {
        "lines": [line_of(label).pk],
        "decision": "amount",
        "effective_on": DAY,
        "reason": "收入减少",
        "by": people.county,
    }
    with pytest.raises(ValidationError, match="新的月保障金"):
        reviews.decide(**one)
    reviews.decide(**one, amount_new=45_000)
    entry = Entry.objects.get(household=label.household)
    assert (entry.on, entry.person, entry.changes) == (DAY, label.person, {"低保月保障金": ["420.00 元", "450.00 元"]})
    assert Label.objects.get(pk=label.pk).valid_to is None


def test_monitored_households_leave_by_casework_not_by_review(people):
    with pytest.raises(ValidationError) as refused:
        reviews.start(kind="monitor", title="复核", due_by=None, by=people.county)
    assert "风险消除程序" in str(refused.value)
