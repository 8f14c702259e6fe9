"""Assessments of resident team members: from records, by a person, within the shares, open to appeal."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from huqing.access.models import AuditEvent, Role, User
from huqing.access.permissions import Refused
from huqing.packs.manifest import MEASURES, Cadence, Round
from huqing.packs.shipped import shipped
from huqing.registry.models import DepartmentRecord, Source
from huqing.teams import assessments
from huqing.teams.assessment_scores import COUNTED
from huqing.teams.assessment_spans import months_of, spans_of
from huqing.teams.models import Assessment, AssessmentLine, PresenceDay, Responsibility, Staff, TeamNote

FIRST, LAST = dt.date(2024, 5, 1), dt.date(2024, 6, 30)
NOW = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
G = AssessmentLine.Grade


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    on_day(monkeypatch, dt.date(2024, 7, 5))


def on_day(monkeypatch, day):
    monkeypatch.setattr("huqing.teams.ledger_queries.working_day", lambda _: day)


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
                source=source, row_number=1, items={"visitor": "李某、队员0", "visit_kind": "1"},
            )  # fmt: skip
    return people


@pytest.fixture
def make(users_by_role):
    def make(**changed):
        asked = {
            "title": "上半年", "method": shipped("five_hearts").method, "plan": "member", "region": "500236",
            "first": FIRST, "last": LAST, "by": users_by_role["county"], **changed,
        }  # fmt: skip
        return assessments.make(**asked)

    return make


@pytest.fixture
def made(members, make):
    return make()


def test_everything_a_method_may_declare_can_be_counted():
    assert set(COUNTED) == set(MEASURES)


def test_every_part_is_computed_from_records_and_names_them(made, members):
    line = made.lines.get(staff=members[0])
    told = {score["key"]: (score["done"], score["of"], score["points"]) for score in line.scores}
    # Half of the months, half of the households, half of the months; no findings, nothing lost.
    assert told == {
        "presence": (1, 2, 2000), "households": (1, 2, 1500), "diary": (1, 2, 750), "findings": (0, 0, 1500),
    }  # fmt: skip
    assert line.points == 5750
    records = {score["key"]: score["records"] for score in line.scores}
    assert records["presence"][0] == {
        "text": "2024年05月 计入 20 天，至少 20 天", "link": f"month:{members[0].pk}:2024-05",
    }  # fmt: skip
    texts = [one["text"] for one in records["households"]]
    assert ["没有本人的走访记录" in text for text in texts] == [True, False]
    assert "2024-05-09" in texts[1]
    assert (made.plan_title, len(made.indicators)) == ("五心五线驻村工作：驻村工作队员考核", 4)


def test_paired_cadres_are_assessed_by_the_visits_their_method_asks_for(members, make, regions):
    cadre = Staff.objects.create(name="帮扶乙", kind="1", region_code=regions.county.code)
    household, other = (line.household for line in Responsibility.objects.filter(role="helper").order_by("pk"))
    for one in (household, other):
        Responsibility.objects.create(
            staff=cadre, role="helper", household=one, region_code=one.region_code, since=FIRST
        )
    source = Source.objects.get()
    for number, (day, who) in enumerate([(dt.date(2024, 5, 20), "帮扶乙"), (dt.date(2024, 6, 20), "别人")]):
        DepartmentRecord.objects.create(
            kind="home_visit", fingerprint=f"b{number}", household=household, region_code=household.region_code, on=day,
            source=source, row_number=2, items={"visitor": who, "visit_kind": "1"},
        )  # fmt: skip
    made = make(method=shipped("four_visits").method, plan="cadre")
    told = {score["key"]: (score["done"], score["of"], score["points"]) for score in made.lines.get(staff=cadre).scores}
    # Two households, two months: one of four visits in time; one of two households seen by this cadre.
    assert told == {"on_time": (1, 4, 1500), "households": (1, 2, 2000)}
    assert (
        not make(method=shipped("linked_visits").method, plan="cadre", title="轮次")
        .lines.filter(staff=members[1])
        .exists()
    )


def test_spans_are_whole_and_rounds_lie_within():
    day = dt.date
    assert spans_of(Cadence(1), day(2024, 1, 31), day(2024, 4, 1)) == [
        (day(2024, 1, 31), day(2024, 2, 28)), (day(2024, 2, 29), day(2024, 3, 30)),
    ]  # fmt: skip
    rounds = Cadence(rounds=(Round("首轮", "03-01", "06-30"), Round("年内", "07-01", "12-15")))
    assert spans_of(rounds, day(2024, 1, 1), day(2024, 11, 1)) == [(day(2024, 3, 1), day(2024, 6, 30))]
    assert months_of(day(2024, 1, 2), day(2024, 3, 31)) == [day(2024, 2, 1), day(2024, 3, 1)]
    assert spans_of(Cadence(2, "weeks"), day(2024, 1, 1), day(2024, 1, 27)) == [(day(2024, 1, 1), day(2024, 1, 14))]


def test_who_came_later_answers_for_their_own_time_only(members, make):
    Responsibility.objects.filter(staff=members[2]).update(since=dt.date(2024, 6, 1))
    made = make()
    parts = {score["key"]: score["of"] for score in made.lines.get(staff=members[2]).scores}
    assert (parts["presence"], parts["diary"]) == (1, 1)


def test_what_cannot_be_computed_is_not_zero(made, members):
    line = made.lines.get(staff=members[1])
    assert {score["key"]: score["points"] for score in line.scores}["households"] is None
    assert line.points is None


def test_excellent_stays_within_its_share_and_needs_a_reason(made, users_by_role, monkeypatch):
    county = users_by_role["county"]
    lines = list(made.lines.all())
    with pytest.raises(ValidationError, match="要写理由"):
        assessments.grade(line=lines[0], grade=G.EXCELLENT, reason="", by=county)
    assessments.grade(line=lines[0], grade=G.EXCELLENT, reason="办成三件实事", by=county)
    with pytest.raises(ValidationError, match="尾数舍去，最多 1 人。已有 1 人"):
        assessments.grade(line=lines[1], grade=G.EXCELLENT, reason="也好", by=county)
    with pytest.raises(ValidationError, match="还有 3 人没有评定"):
        assessments.close(assessment=made, by=county)
    for line in lines[1:]:
        assessments.grade(line=line, grade=G.COMPETENT, reason="", by=county)
    with pytest.raises(ValidationError, match="还有 4 人可以申诉，最晚到 2024-07-10"):
        assessments.close(assessment=made, by=county)
    on_day(monkeypatch, dt.date(2024, 7, 11))
    assessments.close(assessment=made, by=county)
    with pytest.raises(ValidationError, match="已经完成"):
        assessments.grade(line=lines[1], grade=G.BASIC, reason="改", by=county)


def test_an_appeal_is_answered_by_somebody_else_before_closing(made, members, users_by_role, monkeypatch):
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
    answered = assessments.answer(line=line, text="已核对，五月走访补算", grade=G.BASIC, by=other)
    assert (answered.grade, answered.reason) == ("basic", "已核对，五月走访补算")
    # Nobody lowers it again behind an appeal that was made once and for all.
    with pytest.raises(ValidationError, match="不能再评定"):
        assessments.grade(line=line, grade=G.INCOMPETENT, reason="不服从", by=county)
    Staff.objects.filter(pk=members[1].pk).update(user=users_by_role["village"])
    assessments.accept(line=made.lines.get(staff=members[1]), by=users_by_role["village"])
    with pytest.raises(ValidationError, match="还有 2 人可以申诉"):
        assessments.close(assessment=made, by=county)
    on_day(monkeypatch, dt.date(2024, 7, 11))
    assert assessments.close(assessment=made, by=county).state == "closed"
    with pytest.raises(ValidationError, match="已经完成"):
        assessments.appeal(line=made.lines.get(staff=members[1]), text="晚了", by=users_by_role["village"])
    assert not any("称职" in str(event.detail) for event in AuditEvent.objects.all())


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (LAST, FIRST, "早于第一天"),
        (FIRST, dt.date(2024, 7, 31), "还没有结束"),
        (dt.date(2020, 1, 1), dt.date(2020, 6, 1), "没有这类人员"),
        (dt.date(2020, 1, 1), LAST, "最多考核两年"),
    ],
)
def test_a_wrong_stretch_is_refused(members, make, first, last, why):
    with pytest.raises(ValidationError, match=why):
        make(first=first, last=last)
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
    client.post(page, {"what": "accept"})
    line.refresh_from_db()
    assert line.accepted_on == dt.date(2024, 7, 5)
    client.post(page, {"what": "appeal", "a-text": "六月在培训"})
    line.refresh_from_db()
    assert (line.grade, line.appeal) == ("basic", "六月在培训")


def test_an_assessment_is_made_from_a_method_and_leads_to_the_records(members, users_by_role, client, monkeypatch):
    monkeypatch.setattr("huqing.access.middleware.needs_second_factor", lambda user: False)
    client.force_login(users_by_role["county"])
    sent = {"title": "半年", "plan": "five_hearts/member", "first": "2024-05-01", "last": "2024-06-30"}
    page = client.post(reverse("office:assessments"), sent, follow=True).content.decode()
    assert "住村率 40 分" in page
    assert "4 人 × 30% = 1.2 人，尾数舍去，最多 1 人" in page
    line = Assessment.objects.get().lines.get(staff=members[0])
    shown = client.get(reverse("office:assessment-line", args=[line.pk])).content.decode()
    household = Responsibility.objects.filter(role="helper").first().household
    assert reverse("office:household", args=[household.pk]) in shown
    assert f"{reverse('office:resident', args=[members[0].pk])}?month=2024-05" in shown
    client.force_login(users_by_role["town"])
    assert "半年" in client.get(reverse("office:assessments")).content.decode()
    assert (
        "完成考核</button>" not in client.get(reverse("office:assessment", args=[line.assessment_id])).content.decode()
    )
