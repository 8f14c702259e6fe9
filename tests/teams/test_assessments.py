"""Assessments of resident team members: from records, by a person, within the shares, open to appeal."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from huqing.access.models import Role, User
from huqing.access.permissions import Refused
from huqing.registry.models import DepartmentRecord, Source
from huqing.teams import assessments
from huqing.teams.assessment_scores import indicators
from huqing.teams.models import Assessment, AssessmentLine, PresenceDay, Responsibility, Staff, TeamNote

FIRST, LAST = dt.date(2024, 5, 1), dt.date(2024, 6, 30)
NOW = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
G = AssessmentLine.Grade


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr(assessments, "today", lambda: dt.date(2024, 7, 5))


@pytest.fixture
def members(regions, users_by_role, make_household):
    """Four residents; the first has an account, a full May, a diary in May, and one of two households visited."""
    people = []
    for number in range(4):
        user = users_by_role["visitor"] if number == 0 else None
        person = Staff.objects.create(name=f"队员{number}", kind="7", user=user, region_code=regions.county.code)
        Responsibility.objects.create(
            staff=person, role="resident", village=regions.village, region_code=regions.village.code, since=FIRST
        )
        people.append(person)
    first, code = people[0], regions.village.code
    PresenceDay.objects.bulk_create(
        PresenceDay(staff=first, region_code=code, day=dt.date(2024, 5, n + 1), kind="1", state="confirmed")
        for n in range(20)
    )
    TeamNote.objects.create(staff=first, region_code=code, kind="diary", on=dt.date(2024, 5, 3), text="入户")
    source = Source.objects.create(kind="visit", title="走访", on=LAST, created_at=NOW)
    for number in range(2):
        household = make_household()
        Responsibility.objects.create(staff=first, role="helper", household=household, region_code=code, since=FIRST)
        if number:
            DepartmentRecord.objects.create(
                kind="home_visit", fingerprint="1", household=household, region_code=code, on=dt.date(2024, 5, 9),
                source=source, row_number=1,
            )  # fmt: skip
    return people


@pytest.fixture
def made(members, users_by_role):
    return assessments.make(title="上半年", region="500236", first=FIRST, last=LAST, by=users_by_role["county"])


def test_the_weights_are_a_hundred():
    assert sum(item.weight for item in indicators()) == 100


def test_every_part_is_computed_from_records_and_names_them(made, members):
    line = made.lines.get(staff=members[0])
    told = {score["key"]: (score["done"], score["of"], score["points"]) for score in line.scores}
    # Half of the months, half of the households, half of the months; no findings, nothing lost.
    assert told == {
        "presence": (1, 2, 2000), "households": (1, 2, 1500), "diary": (1, 2, 750), "findings": (0, 0, 1500),
    }  # fmt: skip
    assert line.points == 5750
    records = {score["key"]: score["records"] for score in line.scores}
    assert records["presence"][0] == "2024年05月 计入 20 天，至少 20 天"
    assert any("没有走访记录" in text for text in records["households"])


def test_who_came_later_answers_for_their_own_time_only(members, users_by_role):
    Responsibility.objects.filter(staff=members[2]).update(since=dt.date(2024, 6, 1))
    made = assessments.make(title="上半年", region="500236", first=FIRST, last=LAST, by=users_by_role["county"])
    parts = {score["key"]: score["of"] for score in made.lines.get(staff=members[2]).scores}
    assert (parts["presence"], parts["diary"]) == (1, 1)


def test_what_cannot_be_computed_is_not_zero(made, members):
    line = made.lines.get(staff=members[1])
    assert {score["key"]: score["points"] for score in line.scores}["households"] is None
    assert line.points is None


def test_excellent_stays_within_its_share_and_needs_a_reason(made, users_by_role):
    county = users_by_role["county"]
    lines = list(made.lines.all())
    with pytest.raises(ValidationError, match="要写理由"):
        assessments.grade(line=lines[0], grade=G.EXCELLENT, reason="", by=county)
    assessments.grade(line=lines[0], grade=G.EXCELLENT, reason="办成三件实事", by=county)
    with pytest.raises(ValidationError, match="4 人里最多 1 人，已有 1 人"):
        assessments.grade(line=lines[1], grade=G.EXCELLENT, reason="也好", by=county)
    with pytest.raises(ValidationError, match="还有 3 人没有评定"):
        assessments.close(assessment=made, by=county)
    for line in lines[1:]:
        assessments.grade(line=line, grade=G.COMPETENT, reason="", by=county)
    assessments.close(assessment=made, by=county)
    with pytest.raises(ValidationError, match="已经完成"):
        assessments.grade(line=lines[1], grade=G.BASIC, reason="改", by=county)


def test_an_appeal_is_answered_by_somebody_else_before_closing(made, members, users_by_role):
    county, visitor = users_by_role["county"], users_by_role["visitor"]
    line = made.lines.get(staff=members[0])
    with pytest.raises(ValidationError, match="还没有评定"):
        assessments.appeal(line=line, text="不公", by=visitor)
    for one in made.lines.all():
        assessments.grade(line=one, grade=G.COMPETENT, reason="", by=county)
    with pytest.raises(Refused, match="只有本人"):
        assessments.appeal(line=line, text="不公", by=county)
    assessments.appeal(line=line, text="五月的走访没有算进来", by=visitor)
    with pytest.raises(ValidationError, match="1 份申诉没有答复"):
        assessments.close(assessment=made, by=county)
    with pytest.raises(Refused, match="另一个人答复"):
        assessments.answer(line=line, text="已核", by=county)
    other = User.objects.create(username="xian2", display_name="另一经办", role=Role.COUNTY, region_code="500236")
    assessments.answer(line=line, text="已核对，走访日期在考核期外", by=other)
    assert assessments.close(assessment=made, by=county).state == "closed"


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (LAST, FIRST, "早于第一天"),
        (FIRST, dt.date(2024, 7, 31), "还没有结束"),
        (dt.date(2020, 1, 1), dt.date(2020, 6, 1), "没有驻村"),
    ],
)
def test_a_wrong_stretch_is_refused(members, users_by_role, first, last, why):
    with pytest.raises(ValidationError, match=why):
        assessments.make(title="x", region="500236", first=first, last=last, by=users_by_role["county"])
    assert not Assessment.objects.exists()


def test_only_the_assessed_and_their_superiors_see_a_result(made, members, users_by_role, client, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    own, others = made.lines.get(staff=members[0]), made.lines.get(staff=members[1])
    seen = {}
    for role in ("visitor", "village", "town", "county", "reader"):
        client.force_login(users_by_role[role])
        answers = [client.get(reverse("office:assessment-line", args=[line.pk])).status_code for line in (own, others)]
        seen[role] = answers
    assert seen == {
        "visitor": [200, 404], "village": [404, 404], "town": [200, 200], "county": [200, 200], "reader": [403, 403],
    }  # fmt: skip


def test_grading_and_appealing_on_the_pages(made, members, users_by_role, client, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    line = made.lines.get(staff=members[0])
    page = reverse("office:assessment-line", args=[line.pk])
    client.force_login(users_by_role["county"])
    assert client.get(reverse("office:assessments")).status_code == 200
    assert "队员0" in client.get(reverse("office:assessment", args=[made.pk])).content.decode()
    client.post(page, {"what": "grade", "grade": "basic", "reason": "六月不在村"})
    client.force_login(users_by_role["visitor"])
    assert "基本称职" in client.get(reverse("office:my-assessments")).content.decode()
    client.post(page, {"what": "appeal", "a-text": "六月在培训"})
    line.refresh_from_db()
    assert (line.grade, line.appeal) == ("basic", "六月在培训")
