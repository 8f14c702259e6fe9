"""Double-random inspections: committed, drawn once before witnesses, repeatable; findings put right and closed."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from xml.etree import ElementTree

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from huqing.access.models import AuditEvent, Role, User
from huqing.access.permissions import Refused
from huqing.matching.draws import verify
from huqing.registry.models import Region
from huqing.teams import inspection_papers, inspections
from huqing.teams.models import (
    InspectionDuty,
    InspectionFinding,
    InspectionRound,
    InspectionTarget,
    Responsibility,
    Staff,
    Unit,
    UnitDuty,
)

TODAY = dt.date(2024, 7, 5)
F = InspectionFinding.State


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr("huqing.teams.ledger_queries.working_day", lambda day: TODAY)


@pytest.fixture
def county(users_by_role):
    return users_by_role["county"]


@pytest.fixture
def staff(regions):
    """Six inspectors: four of the county, one of each town."""
    people = []
    for number, code in enumerate([regions.county.code] * 4 + [regions.town.code, regions.other_town.code]):
        unit = Unit.objects.create(name=f"单位{number}", region_code="500236")
        people.append(Staff.objects.create(name=f"检查{number}", kind="1", unit=unit, region_code=code))
    return people


@pytest.fixture
def commit(county, regions, staff):
    def commit(**changed):
        asked = {
            "title": "第一轮", "villages": Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None),
            "inspectors": staff, "per_town": 1, "each": 2, "most": 2, "rounds_apart": 2, "by": county, **changed,
        }  # fmt: skip
        return inspections.commit(**asked)

    return commit


def test_a_drawn_round_repeats_and_keeps_everybody_out_of_their_own_town(commit, county, regions):
    committed = commit()
    assert committed.record is None
    drawn = inspections.draw_round(round_=committed, said="37 12 8", witnesses="纪委李某、群众张某", by=county)
    told = json.loads(inspections.record_file(drawn))
    assert verify(told, drawn.commitment) == []
    targets = drawn.targets.all()
    assert {target.region_code[:9] for target in targets} == {"500236101", "500236102"}
    assert not targets.filter(region_code__startswith="500237").exists()
    for target in targets:
        towns = {duty.staff.region_code[:9] for duty in target.duties.all()}
        assert target.duties.count() == 2
        assert target.region_code[:9] not in towns


def test_a_tampered_record_is_told(commit, county):
    drawn = inspections.draw_round(round_=commit(), said="37", witnesses="李某", by=county)
    told = json.loads(inspections.record_file(drawn))
    told["drawn"] = told["drawn"][::-1] if len(set(told["drawn"])) > 1 else ["别的村"]
    assert verify(told, drawn.commitment)
    seed = json.loads(inspections.record_file(drawn))
    seed["seed"] = "0" * 64
    assert any("承诺" in wrong for wrong in verify(seed, drawn.commitment))


def test_the_seed_is_not_to_be_read_before_the_draw_and_the_commitment_is_in_the_log(commit):
    committed = commit()
    stored = InspectionRound.objects.filter(pk=committed.pk).values().get()
    assert committed.commitment not in bytes(stored["seed_sealed"]).decode("latin-1")
    assert "seed" not in stored["question"]
    assert AuditEvent.objects.get(action="inspection_commit").detail["commitment"] == committed.commitment


def test_one_commitment_is_drawn_once(commit, county):
    committed = commit()
    with pytest.raises(ValidationError, match="监督人"):
        inspections.draw_round(round_=committed, said="37", witnesses=" ", by=county)
    with pytest.raises(ValidationError, match="现场监督人"):
        inspections.draw_round(round_=committed, said="", witnesses="李某", by=county)
    assert not InspectionTarget.objects.exists()
    inspections.draw_round(round_=committed, said="37", witnesses="李某", by=county)
    with pytest.raises(ValidationError, match="一次承诺只抽一次"):
        inspections.draw_round(round_=committed, said="38", witnesses="李某", by=county)
    with pytest.raises(ValidationError, match="还没有抽取"):
        inspections.cancel(round_=committed, reason="不满意", by=county)


def test_a_question_that_was_changed_after_the_commitment_is_not_drawn(commit, county):
    committed = commit()
    question = {**committed.question, "title": "换了名单"}
    InspectionRound.objects.filter(pk=committed.pk).update(question=question)
    with pytest.raises(ValidationError, match="与公布的承诺不符"):
        inspections.draw_round(round_=committed, said="37", witnesses="李某", by=county)
    assert not InspectionTarget.objects.exists()
    assert InspectionRound.objects.get().state == "committed"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"title": " "}, "请写名称"),
        ({"per_town": 0, "total": 9}, "只有 3 个可抽"),
        ({"per_town": 0, "total": 0}, "至少要抽"),
        ({"each": 6}, "不够分配"),
        ({"each": 0}, "至少为 1"),
    ],
)
def test_too_few_candidates_are_told_before_anything_is_published(commit, changed, why):
    with pytest.raises(ValidationError, match=why):
        commit(**changed)
    assert not InspectionRound.objects.exists()


def test_nobody_meets_a_village_of_the_last_rounds_again(commit, county, staff):
    first = inspections.draw_round(
        round_=commit(per_town=0, total=3, each=1, most=3), said="1", witnesses="李某", by=county
    )
    before = set(InspectionDuty.objects.filter(target__round=first).values_list("staff", "target__region_code"))
    again = inspections.draw_round(
        round_=commit(title="第二轮", per_town=0, total=3, each=1, most=3), said="1", witnesses="李某", by=county
    )
    after = set(InspectionDuty.objects.filter(target__round=again).values_list("staff", "target__region_code"))
    assert before
    assert not before & after


def test_a_round_waits_for_the_one_before_it_so_that_nobody_goes_twice(commit, county):
    first = commit()
    with pytest.raises(ValidationError, match="“第一轮”还没有抽取"):
        commit(title="第二轮")
    assert commit(title="不管近几轮", rounds_apart=0).state == "committed"
    InspectionRound.objects.exclude(pk=first.pk).delete()
    inspections.draw_round(round_=first, said="1", witnesses="群众甲", by=county)
    assert commit(title="第二轮").question["met"]


def test_nobody_without_a_unit_inspects_where_they_answer_for_something(commit, regions, staff):
    Staff.objects.filter(pk=staff[0].pk).update(unit=None)
    Responsibility.objects.create(
        staff=staff[0], role="linked", village=regions.village, region_code=regions.village.code,
        since=dt.date(2024, 1, 1),
    )  # fmt: skip
    round_ = commit()
    name = next(name for name, pk in round_.people.items() if pk == staff[0].pk)
    place = next(name for name, code in round_.villages.items() if code == regions.village.code)
    assert round_.question["met"] == [[name, place]]


def test_nobody_inspects_where_their_own_unit_helps(commit, county, regions, staff):
    from huqing.teams.models import Responsibility

    helper = Staff.objects.create(name="驻村", kind="7", unit=staff[0].unit, region_code=regions.county.code)
    Responsibility.objects.create(
        staff=helper, role="resident", village=regions.other_village, region_code=regions.other_village.code,
        since=dt.date(2024, 1, 1),
    )  # fmt: skip
    with pytest.raises(ValidationError, match="不够分配"):
        commit(villages=[regions.other_village], inspectors=[staff[0], staff[5]], each=1, rounds_apart=0)


def finding(target, county, **changed):
    told = {
        "text": "夜间无人值守", "responsible": "朱衣镇政府", "found_on": TODAY,
        "due_on": dt.date(2024, 7, 15), **changed,
    }  # fmt: skip
    return inspections.add_finding(target=target, by=county, **told)


def test_a_finding_is_put_right_checked_again_and_closed_by_another(commit, county, users_by_role):
    drawn = inspections.draw_round(round_=commit(per_town=0, total=3, each=1), said="1", witnesses="李某", by=county)
    target = drawn.targets.get(region_code="500236101201")
    found = finding(target, county)
    village = users_by_role["village"]
    with pytest.raises(ValidationError, match="待整改"):
        inspections.step(finding=found, state=F.CLOSED, text="好了", by=county)
    inspections.step(finding=found, state=F.DONE, text="排了值班表", by=village)
    with pytest.raises(Refused):
        inspections.step(finding=found, state=F.CLOSED, text="自己销号", by=village)
    inspections.step(finding=found, state=F.OPEN, text="当晚仍无人", by=county)
    inspections.step(finding=found, state=F.DONE, text="县里代为登记", by=county)
    with pytest.raises(Refused, match="另一个人复查"):
        inspections.step(finding=found, state=F.CLOSED, text="好了", by=county)
    other = User.objects.create(username="xian2", display_name="另一经办", role=Role.COUNTY, region_code="500236")
    inspections.step(finding=found, state=F.CLOSED, text="夜查三次都有人", by=other)
    assert [step.state for step in found.steps.all()] == ["done", "open", "done", "closed"]
    assert AuditEvent.objects.filter(action="finding_step").count() == 4


def test_a_finding_from_before_the_draw_is_refused(commit, county):
    round_ = inspections.draw_round(round_=commit(), said="1", witnesses="群众甲", by=county)
    InspectionRound.objects.update(drawn_at=dt.datetime(2024, 7, 3, 4, tzinfo=dt.UTC))
    target = round_.targets.first()
    told = {"text": "门没锁", "responsible": "镇政府", "due_on": TODAY, "by": county}
    with pytest.raises(ValidationError, match="要在抽取（2024-07-03）之后"):
        inspections.add_finding(target=InspectionTarget.objects.get(pk=target.pk), found_on=dt.date(2024, 7, 2), **told)
    assert InspectionTarget.objects.get(pk=target.pk).inspected_on is None


def test_a_due_day_before_the_finding_is_refused(commit, county):
    drawn = inspections.draw_round(round_=commit(), said="1", witnesses="李某", by=county)
    target = drawn.targets.first()
    with pytest.raises(ValidationError, match="整改期限不能早于"):
        finding(target, county, due_on=dt.date(2024, 6, 1))
    with pytest.raises(ValidationError, match="今天之前"):
        finding(target, county, found_on=dt.date(2024, 8, 1), due_on=dt.date(2024, 9, 1))
    assert not InspectionFinding.objects.exists()


def test_the_published_list_names_nobody_and_still_fixes_who_is_behind_a_number(commit, county, staff):
    committed = commit()
    assert [one["key"] for one in committed.question["inspectors"]][:2] == ["01 检某（单位0）", "02 检某（单位1）"]
    people = {**committed.people, "01 检某（单位0）": staff[4].pk, "05 检某（单位4）": staff[0].pk}
    InspectionRound.objects.filter(pk=committed.pk).update(people=people)
    with pytest.raises(ValidationError, match="不是同一个人"):
        inspections.draw_round(round_=committed, said="37", witnesses="李某", by=county)
    assert not InspectionTarget.objects.exists()
    InspectionRound.objects.filter(pk=committed.pk).update(people=committed.people)
    drawn = inspections.draw_round(round_=committed, said="37", witnesses="李某", by=county)
    assert not any(one.name in json.dumps(drawn.record, ensure_ascii=False) for one in staff)
    names = committed.people
    for target in drawn.targets.all():
        told = next(who for place, who in drawn.record["inspectors"].items() if place.endswith(target.village.name))
        assert {names[one] for one in told} == set(target.duties.values_list("staff", flat=True))


def test_units_that_back_a_village_do_not_inspect_it(commit, regions, staff):
    UnitDuty.objects.create(
        unit=staff[0].unit, role="backing_unit", village=regions.other_village,
        region_code=regions.other_village.code, since=dt.date(2024, 1, 1),
    )  # fmt: skip
    with pytest.raises(ValidationError, match="不够分配"):
        commit(villages=[regions.other_village], inspectors=[staff[0], staff[5]], each=1, rounds_apart=0)


def test_the_drawn_inspector_notes_the_visit_and_findings_and_nobody_else(commit, county, users_by_role):
    drawn = inspections.draw_round(round_=commit(), said="1", witnesses="李某", by=county)
    target, visitor = drawn.targets.first(), users_by_role["visitor"]
    with pytest.raises(Refused, match="不是抽中检查这个村的人员"):
        inspections.note_visit(target=target, on=TODAY, result="都在村", by=visitor)
    person = target.duties.first().staff
    person.user = visitor
    person.save()
    with pytest.raises(ValidationError, match="检查情况"):
        inspections.note_visit(target=target, on=TODAY, result=" ", by=visitor)
    with pytest.raises(ValidationError, match="检查日期"):
        inspections.note_visit(target=target, on=TODAY + dt.timedelta(days=1), result="都在村", by=visitor)
    inspections.note_visit(target=target, on=TODAY, result="都在村，未发现问题", by=visitor)
    assert (target.__class__.objects.get(pk=target.pk).inspected_on, finding(target, visitor).state) == (TODAY, "open")
    elsewhere = drawn.targets.exclude(pk=target.pk).exclude(duties__staff=person).first()
    if elsewhere is not None:
        with pytest.raises(Refused):
            finding(elsewhere, visitor)


def test_letters_name_what_was_found_and_are_in_the_log(commit, county):
    drawn = inspections.draw_round(round_=commit(), said="1", witnesses="李某", by=county)
    target = drawn.targets.order_by("pk").first()
    finding(target, county, text="夜间<无人>值守")
    for content in (
        inspection_papers.notice(round_=drawn, by=county),
        inspection_papers.order(target=target, by=county),
    ):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            text = ElementTree.fromstring(archive.read("word/document.xml"))
        words = "".join(text.itertext())
        assert "夜间<无人>值守" in words
        assert target.village.name in words
    assert AuditEvent.objects.filter(action="inspection_notice").count() == 2


def test_the_database_keeps_no_drawn_round_without_its_record(commit):
    committed = commit()
    with pytest.raises(IntegrityError), transaction.atomic():
        InspectionRound.objects.filter(pk=committed.pk).update(state="drawn")
