"""Re-verification: a draw anybody repeats, verifiers who are not responsible, differences somebody else decides."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.core.exceptions import ValidationError

from huqing.access.permissions import Refused
from huqing.matching.draws import verify
from huqing.registry.models import Entry
from huqing.rosters import drawing, rechecks
from huqing.rosters.drawing import Frame
from huqing.rosters.estimates import stratified, wilson
from huqing.rosters.models import RecheckItem
from huqing.teams.models import Responsibility, Staff

from .conftest import DAY

FIELDS = [["household", "member_count"], ["person", "labour"]]


@pytest.fixture
def monitored(make_household, label, regions):
    """Six monitored households in one town, two in the other; one that is not monitored."""
    homes = [make_household(members=(f"户主{n}",), items={}) for n in range(6)]
    homes += [make_household(members=(f"他镇{n}",), village=regions.other_village) for n in range(2)]
    for home in homes:
        label(home, "monitor", "2024-01-10")
    make_household(members=("一般户",))
    return homes


def drawn(people, **more):
    asked = {"title": "六月回头看", "frame": Frame(label="monitor"), "fields": FIELDS, "share": 50, "due_on": DAY}
    round_ = drawing.commit(by=people.county, **(asked | more))
    return drawing.draw_round(round_=round_, said="3 5 1", witnesses="纪委李某", by=people.county)


def given(people, **more):
    round_ = drawn(people, **more)
    rechecks.assign(round_=round_, staff=[people.verifier], by=people.county)
    return list(round_.items.order_by("pk"))


def found(item, people, *, by=None, **changed):
    values = {
        rechecks.key_of(row, one): "" for row, fields in rechecks.asked(item) for one in fields if one.key == "labour"
    }
    values[f"h{item.household_id}-member_count"] = str(item.household.member_count)
    sent = {"outcome": "met", "verdict": "right", "visited_on": DAY, "values": values | changed}
    return rechecks.record(item=item, by=by or people.visitor, **sent)


def test_the_draw_takes_its_share_of_every_stratum_and_can_be_repeated(monitored, people):
    round_ = drawn(people)
    assert round_.sizes == {"朱衣镇": [6, 3], "甲高镇": [2, 1]}
    assert verify(json.loads(drawing.record_file(round_)), round_.commitment) == []
    assert round_.items.count() == 4
    assert set(round_.items.values_list("household", flat=True)) <= {home.pk for home in monitored}
    with pytest.raises(ValidationError, match="不能再抽"):
        drawing.draw_round(round_=round_, said="1", witnesses="李某", by=people.county)


def test_a_frame_narrows_by_time_and_town_and_refuses_an_empty_one(monitored, label, people, regions):
    label(monitored[0], "dibao", "2024-05-02", person=monitored[0].members.get())
    entered = Frame(
        label="dibao", status="entered", since=dt.date(2024, 5, 1), until=dt.date(2024, 5, 31), stratum="none"
    )
    assert drawing.candidates(entered, people.county) == [(monitored[0].number, "")]
    by_label = drawing.candidates(Frame(towns=[regions.town.code[:9]], stratum="label"), people.county)
    assert [stratum for _, stratum in by_label].count("防止返贫致贫对象") == 6
    with pytest.raises(ValidationError, match="没有符合条件"):
        drawn(people, frame=Frame(label="tekun"))


def test_nobody_verifies_a_household_they_are_responsible_for(monitored, people, regions):
    helper = Staff.objects.create(name="帮扶人", kind="1", region_code=regions.town.code)
    local = Staff.objects.create(name="村干部", kind="1", region_code=regions.village.code)
    round_ = drawn(people, share=100)
    mine = monitored[0]
    Responsibility.objects.create(
        staff=helper, role="helper", region_code=mine.region_code, household=mine, since=dt.date(2024, 1, 1)
    )
    assert rechecks.assign(round_=round_, staff=[helper, local], by=people.county) == (7, 1)
    assert round_.items.get(verifier=None).household == mine
    assert set(round_.items.filter(verifier=local).values_list("region_code", flat=True)) == {
        regions.other_village.code
    }
    with pytest.raises(ValidationError, match="责任人或本村人员"):
        rechecks.reassign(item=round_.items.get(household=mine), staff=helper, by=people.county)


def test_a_difference_goes_into_the_file_only_when_somebody_else_says_so(monitored, people):
    item = given(people)[0]
    assert rechecks.item_of(people.visitor, item.pk) == item
    found(item, people, **{f"h{item.household_id}-member_count": "4"})
    (difference,) = item.differences.all()
    assert (difference.before, difference.found) == (1, 4)
    item.household.refresh_from_db()
    assert item.household.member_count == 1
    with pytest.raises(Refused):
        rechecks.decide(difference=difference, decision="found", reason="", by=people.visitor)
    rechecks.decide(difference=difference, decision="found", reason="", by=people.county)
    item.household.refresh_from_db()
    assert item.household.member_count == 4
    entry = Entry.objects.get(household=item.household)
    assert (entry.on, entry.source.kind, entry.source.title) == (DAY, "visit", "回头看：六月回头看（核查员甲）")
    with pytest.raises(ValidationError, match="已经判定"):
        rechecks.decide(difference=difference, decision="file", reason="再看", by=people.county)


def test_what_the_county_noted_for_a_verifier_another_clerk_decides(monitored, people):
    item = given(people)[0]
    found(item, people, by=people.county, **{f"h{item.household_id}-member_count": "4"})
    with pytest.raises(Refused, match="请另一个人判定"):
        rechecks.decide(difference=item.differences.get(), decision="found", reason="", by=people.county)
    rechecks.decide(difference=item.differences.get(), decision="file", reason="户口簿 1 人", by=people.second)
    assert item.differences.get().decision == "file"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"outcome": "absent", "note": ""}, "写明情况"),
        ({"visited_on": DAY + dt.timedelta(1)}, "核查日期"),
        ({"verdict": ""}, "是否符合条件"),
        ({"outcome": "maybe"}, "见到了还是没有见到"),
    ],
)
def test_a_record_without_what_it_needs_is_refused(monitored, people, sent, said):
    item = given(people)[0]
    with pytest.raises(ValidationError, match=said):
        rechecks.record(
            item=item,
            by=people.visitor,
            **({"outcome": "met", "verdict": "right", "visited_on": DAY, "values": {}} | sent),
        )
    wrong = {f"h{item.household_id}-member_count": "四个"}
    with pytest.raises(ValidationError):
        found(item, people, **wrong)
    assert not RecheckItem.objects.exclude(outcome="").exists()


def test_somebody_who_is_not_the_verifier_neither_sees_nor_records(monitored, people):
    item = next(one for one in given(people, share=100) if one.household.village.name == "龙潭村")
    assert rechecks.item_of(people.village, item.pk) is None
    with pytest.raises(Refused):
        found(item, people, by=people.village)


def test_a_round_ends_with_its_error_rate_when_all_is_done(monitored, people):
    items = given(people)
    with pytest.raises(ValidationError, match="还有 4 户没有核查"):
        rechecks.close(round_=items[0].round, by=people.county)
    for number, item in enumerate(items):
        changed = {f"h{item.household_id}-member_count": "4"} if number == 0 else {}
        found(item, people, **changed)
    with pytest.raises(ValidationError, match="1 处差异没有判定"):
        rechecks.close(round_=items[0].round, by=people.county)
    rechecks.decide(difference=items[0].differences.get(), decision="found", reason="", by=people.county)
    report = rechecks.close(round_=items[0].round, by=people.county).report
    assert report["whole"]["wrong"] == 1
    # One of three in a stratum of six, none of one in a stratum of two: 6/8 × 1/3.
    assert report["whole"]["share"] == pytest.approx(0.25)
    assert [row["wrong"] for row in report["strata"]] == [1, 0]
    assert report["fields"] == [{"field": "member_count", "found": 1, "wrong": 1, "of_person": 0}]
    assert "Wilson" in report["method"]


def test_intervals_are_those_of_the_books():
    # 1 of 10: Wilson's 95 % interval is 0.0179 to 0.4042; nothing found in 30 still leaves up to 11.35 %.
    share = wilson(1, 10)
    assert (round(share.low, 4), round(share.high, 4)) == (0.0179, 0.4042)
    assert round(wilson(0, 30).high, 4) == 0.1135
    assert wilson(0, 0).share is None
    # Two equal strata looked at equally are one sample of both together.
    both, whole = stratified([(50, 10, 1), (50, 10, 3)]), wilson(4, 20)
    assert (both.share, both.low, both.high) == pytest.approx((whole.share, whole.low, whole.high))
    assert stratified([(900, 0, 0), (100, 10, 1)]).share == pytest.approx(0.1)
