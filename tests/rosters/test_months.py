"""Who enters and leaves a month's list and why; closed months stay, what comes to light later is a correction."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.permissions import Refused
from huqing.access.scope import visible
from huqing.registry.actions import end_label, remove_member
from huqing.registry.models import Label, RegionCode
from huqing.rosters import closing, months
from huqing.rosters.models import RosterChange, RosterMonth
from huqing.rosters.months import IN, OUT, month_of

APRIL, MAY, JUNE = (month_of(dt.date(2024, month, 1)) for month in (4, 5, 6))


def sums(kind, span, user, region=""):
    found = months.month_list(kind, span, user=user, region=region).sums
    assert found.off == 0
    return found.opening, found.entered, found.left, found.closing


def test_overlapping_and_adjoining_labels_are_one_spell_and_the_sums_close(make_household, label, people):
    one, two, three, four = (make_household(members=(name,)) for name in ("甲", "乙", "丙", "丁"))
    label(one, "monitor", "2024-01-10")
    label(one, "monitor", "2024-05-10")  # overlaps: no second entry
    label(two, "monitor", "2024-02-01", "2024-05-14")
    label(two, "monitor", "2024-05-15", "2024-06-05")  # goes on the next day
    label(three, "monitor", "2024-05-03", "2024-05-20")  # came and went
    label(four, "monitor", "2024-01-01", "2024-05-31")  # still there on the last day, leaves on the first of June
    assert sums("monitor", MAY, people.county) == (3, 1, 1, 3)
    assert sums("monitor", JUNE, people.county) == (3, 0, 2, 1)
    left = months.lines_of(list(months.live_rows("monitor", JUNE, OUT, user=people.county).order_by("pk")), OUT)
    assert [(line.household, line.on.isoformat()) for line in left] == [(two, "2024-06-06"), (four, "2024-06-01")]


def test_people_of_one_household_count_one_by_one_and_a_place_sees_its_own(make_household, label, people, regions):
    family = make_household(members=("甲", "乙"))
    elsewhere = make_household(members=("丙",), village=regions.other_village)
    for person in family.members.all():
        label(family, "dibao", "2024-05-02", person=person)
    label(elsewhere, "dibao", "2024-05-02", person=elsewhere.members.get())
    assert sums("dibao", MAY, people.county) == (0, 3, 0, 3)
    assert sums("dibao", MAY, people.town) == (0, 2, 0, 2)
    assert sums("dibao", MAY, people.county, regions.other_town.code[:9]) == (0, 1, 0, 1)
    assert list(months.month_list("dibao", MAY, user=people.county).places) == ["500236101", "500236102"]


def test_a_line_says_why_by_what_the_file_already_knows(make_household, label, people):
    imported, ended, dead = (make_household(members=(name, f"{name}妻")) for name in "甲乙丙")
    label(imported, "dibao", "2024-05-02", person=imported.members.order_by("pk")[0])
    by_hand = label(ended, "dibao", "2023-05-02", person=ended.members.order_by("pk")[0])
    late = label(dead, "dibao", "2023-05-02", "2024-05-10", person=dead.members.order_by("pk")[1])
    end_label(label=by_hand, on=dt.date(2024, 5, 8), by=people.county, reason="入户核实")
    remove_member(person=late.person, by=people.county, on=dt.date(2024, 5, 9), leave_reason="01", reason="村组上报")
    (entry,) = months.lines_of(list(months.live_rows("dibao", MAY, IN, user=people.county)), IN)
    assert (entry.why.code, entry.why.detail) == ("import", "户信息表.xlsx（2024-06-20）")
    left = {
        line.household: line.why
        for line in months.lines_of(list(months.live_rows("dibao", MAY, OUT, user=people.county)), OUT)
    }
    assert (left[ended].code, left[ended].detail) == ("manual", "入户核实（2024-05-08）")
    assert left[dead].code == "death"
    assert "2024-05-09" in left[dead].detail


def test_a_closed_month_stays_and_what_comes_to_light_is_a_correction_of_the_next(make_household, label, people):
    stays, forgotten, wrong = (make_household(members=(name,)) for name in ("甲", "乙", "丙"))
    label(stays, "monitor", "2024-01-10")
    mistaken = label(wrong, "monitor", "2024-04-02")
    closed = closing.close(kind="monitor", span=APRIL, by=people.county)
    assert (closed.opening, closed.entered, closed.closing) == (1, 1, 2)
    assert closing.verify(closed)
    label(forgotten, "monitor", "2024-04-20")
    Label.objects.filter(pk=mistaken.pk).delete()
    frozen = months.month_list("monitor", APRIL, user=people.county)
    assert (frozen.sums.opening, frozen.sums.entered, frozen.sums.closing) == (1, 1, 2)
    later = months.month_list("monitor", MAY, user=people.county)
    assert (later.sums.opening, later.sums.corrected_in, later.sums.corrected_out, later.sums.closing) == (2, 1, 1, 2)
    assert later.sums.off == 0
    second = closing.close(kind="monitor", span=MAY, by=people.county)
    told = (
        RosterChange.objects.filter(month=second)
        .order_by("direction")
        .values_list("direction", "correction", "household", "reason")
    )
    assert list(told) == [("in", True, forgotten.pk, "import"), ("out", True, wrong.pk, "removed")]
    assert closing.verify(second)


def test_a_changed_frozen_line_shows(make_household, label, people):
    label(make_household(), "monitor", "2024-05-02")
    closed = closing.close(kind="monitor", span=MAY, by=people.county)
    RosterChange.objects.filter(month=closed).update(reason="case")
    assert not closing.verify(closed)


def test_months_are_closed_one_after_the_other_once_they_are_over(make_household, label, people):
    label(make_household(), "monitor", "2024-03-02")
    with pytest.raises(ValidationError, match="还没有过完"):
        closing.close(kind="monitor", span=JUNE, by=people.county)
    closing.close(kind="monitor", span=month_of(dt.date(2024, 3, 1)), by=people.county)
    with pytest.raises(ValidationError, match="请先封 2024 年 4 月"):
        closing.close(kind="monitor", span=MAY, by=people.county)
    with pytest.raises(ValidationError, match="已经封账"):
        closing.close(kind="monitor", span=month_of(dt.date(2024, 3, 1)), by=people.county)
    with pytest.raises(Refused):
        closing.close(kind="monitor", span=APRIL, by=people.town)
    assert RosterMonth.objects.count() == 1


def test_a_closed_list_shows_a_town_its_own_and_follows_a_new_village_code(make_household, label, people, regions):
    label(make_household(), "monitor", "2024-05-02")
    label(make_household(village=regions.other_village), "monitor", "2024-05-02")
    closed = closing.close(kind="monitor", span=MAY, by=people.county)
    assert visible(closed.changes.all(), people.town).count() == 1
    assert months.month_list("monitor", MAY, user=people.town).sums.closing == 1
    old, new = regions.village.code, "500236101299"
    RegionCode.objects.create(region=regions.village, code=old, name="砚瓦村", valid_from=dt.date(2020, 1, 1))
    type(regions.village).objects.filter(pk=regions.village.pk).update(code=new)
    assert new in months.frozen_members(closed).values()
