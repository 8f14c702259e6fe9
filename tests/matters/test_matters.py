"""Every matter gets an answer, in time, from somebody who may give it; what is public names nobody."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from tests.matters.conftest import DAY

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.access.seal import unseal
from huqing.matters import actions, masking, meetings, queries, rating, similar
from huqing.matters.actions import Given
from huqing.matters.errors import MatterError, Moved
from huqing.matters.models import Matter
from huqing.matters.procedure import procedure_of
from huqing.matters.raising import raise_matter
from huqing.registry.models import Person
from huqing.teams.models import InspectionFinding, InspectionRound, InspectionTarget, Responsibility, Staff, TeamNote

CODE = "1111"


def take(matter: Matter, move: str, by, **given) -> Matter:
    matter.refresh_from_db()
    return actions.take(matter=matter, move=move, by=by, turn=matter.turn, given=Given(**given))


def talk(matter: Matter, by, *, agreed=True, on=DAY) -> None:
    said = [meetings.Said(matter, "同意换新灯，由电工办理", agreed)]
    meetings.hold(village=matter.village, on=on, place="村委会", host="王主任", present=12, said=said, by=by)


def finished(matter: Matter, by) -> Matter:
    staff = Staff.objects.create(name="赵电工", kind="6", region_code=matter.village.code)
    talk(matter, by)
    take(matter, "assign", by, handler=staff)
    return take(matter, "finish", by, answer="路灯已换新，昨晚亮了。")


def look(matter: Matter, code: str = CODE, address: str = "10.0.0.1") -> rating.Status:
    return rating.look_up(number=matter.number, code=code, address=address)


def test_a_matter_goes_from_the_villagers_words_to_the_rated_answer(told, users_by_role) -> None:
    village, matter = users_by_role["village"], told()
    assert (matter.state.key, matter.due_on) == ("raised", DAY + dt.timedelta(days=2))
    assert unseal(bytes(matter.phone_sealed)) == "13900001111"
    finished(matter, village)
    take(matter, "publish", village, problem="3组桥头路灯不亮", result="已换新灯")
    assert [row.public_result for row in queries.public_of(matter.village.code)] == ["已换新灯"]
    status = look(matter)
    assert status.answer == "路灯已换新，昨晚亮了。"
    after = rating.rate(status=status, rating="good")
    assert (after.own.state.key, after.own.closed_on, after.own.rating) == ("closed", DAY, "good")
    assert [step.move for step in after.own.steps.all()] == ["accept", "agree", "assign", "finish", "publish", "rate"]
    assert [step.by for step in after.own.steps.all()][-1] is None
    assert AuditEvent.objects.filter(action="matter_step").count() == 6


def test_no_matter_ends_without_a_text_to_the_raiser(told, users_by_role) -> None:
    town, matter = users_by_role["town"], told()
    for move in ("answer", "refuse"):
        with pytest.raises(MatterError, match="请写明给反映人的答复"):
            take(matter, move, town)
    refused = take(matter, "refuse", town, answer="土地已由法院判决，镇里不能改。")
    assert refused.closed_on == DAY
    assert look(matter).answer.startswith("土地已由法院判决")
    with pytest.raises(IntegrityError, match="matter_ends_with_an_answer"), transaction.atomic():
        Matter.objects.filter(pk=told("别的一件事情").pk).update(closed_on=DAY)
    made = procedure_of(matter.procedure)
    assert {move.key for move in made.moves if made.state(move.to).kind == "end"} == {
        "refuse", "merge", "rate", "close_unrated",
    }  # fmt: skip


def test_a_village_may_not_refuse_and_a_step_out_of_turn_changes_nothing(told, users_by_role) -> None:
    village, matter = users_by_role["village"], told()
    with pytest.raises(Refused, match="由乡镇经办、县级经办办理"):
        take(matter, "refuse", village, answer="这件事不归村里管")
    with pytest.raises(MatterError, match="还没有商议记录"):
        take(take(matter, "accept", village), "agree", village)
    with pytest.raises(MatterError, match="不能办理“办好了”"):
        take(matter, "finish", village, answer="已经办好了")
    with pytest.raises(Moved, match="已办理“受理，提请商议”"):
        actions.take(matter=matter, move="answer", by=village, turn=0, given=Given(answer="已经办好了"))
    with pytest.raises(Refused):
        take(matter, "answer", users_by_role["grid"], answer="已经办好了")
    matter.refresh_from_db()
    assert (matter.state.key, matter.turn) == ("discussing", 1)


def test_what_is_late_is_told_to_the_town_at_once_and_to_the_county_a_week_later(told, users_by_role) -> None:
    matter = told()
    counts = {
        role: [queries.mine(users_by_role[role], DAY + dt.timedelta(days=n)) for n in (2, 3, 9, 10)]
        for role in ("village", "town", "county")
    }
    assert [one.late for one in counts["village"]] == [0, 1, 1, 1]
    assert [one.told for one in counts["town"]] == [0, 1, 1, 1]
    assert [one.told for one in counts["county"]] == [0, 0, 0, 1]  # five working days after 4 November
    assert queries.left(matter, DAY + dt.timedelta(days=3)) == ("已超期 1 个工作日", "late")
    listed = queries.listed(users_by_role["county"], queries.Wanted(mine=True), DAY + dt.timedelta(days=10))
    assert list(listed) == [matter]


def test_a_wrong_number_and_a_wrong_code_get_the_same_reply_and_wait_alike(told) -> None:
    matter = told()
    replies = set()
    for number, code in ((matter.number, "2222"), ("00000000", CODE), (matter.number, ""), ("", "")):
        with pytest.raises(rating.Unknown) as caught:
            rating.look_up(number=number, code=code, address="10.0.0.9")
        replies.add((str(caught.value), caught.value.too_many))
    assert replies == {(rating.WRONG, False)}
    assert look(matter).own == matter
    for n in range(8):
        with pytest.raises(rating.Unknown, match="对不上"):
            look(matter, "2222", f"10.0.1.{n}")
    with pytest.raises(rating.Unknown, match="太多次"):
        look(matter, CODE, "10.0.2.1")  # the right pair waits too: this number was tried ten times today
    for n in range(6):
        with pytest.raises(rating.Unknown, match="对不上"):
            rating.look_up(number=f"1000000{n}", code=CODE, address="10.0.0.9")
    with pytest.raises(rating.Unknown, match="太多次"):
        rating.look_up(number="10000007", code=CODE, address="10.0.0.9")


def test_not_satisfied_brings_a_matter_back_once(told, users_by_role) -> None:
    village, matter = users_by_role["village"], told()
    finished(matter, village)
    take(matter, "publish", village, problem="3组桥头路灯不亮", result="已换新灯")
    again = rating.rate(status=look(matter), rating="bad", text="只亮了一晚")
    assert again.own.state.key == "discussing"
    assert not queries.public_of(matter.village.code)
    with pytest.raises(MatterError, match="现在不能评价"):
        rating.rate(status=look(matter), rating="good")
    take(matter, "answer", village, answer="线路已请供电所重接。")
    ended = rating.rate(status=look(matter), rating="bad")
    assert (ended.own.state.key, ended.own.rating) == ("closed", "bad")


def test_what_nobody_rates_ends_after_its_time_and_a_day_the_server_was_down_is_made_up(told, users_by_role) -> None:
    matter = told()
    take(matter, "answer", users_by_role["village"], answer="路灯已报修，周五更换。")
    assert rating.settle(DAY + dt.timedelta(days=29)) == 0
    assert rating.settle(DAY + dt.timedelta(days=45)) == 1
    matter.refresh_from_db()
    assert (matter.state.key, matter.steps.last().actor) == ("closed", "system")
    assert rating.settle(DAY + dt.timedelta(days=46)) == 0
    assert matter.phone_sealed
    rating.settle(DAY + dt.timedelta(days=500))
    matter.refresh_from_db()
    assert matter.phone_sealed is None
    assert look(matter).answer == "路灯已报修，周五更换。"


def test_duplicates_are_proposed_and_merged_by_a_person_and_all_raisers_get_the_answer(told, users_by_role) -> None:
    village = users_by_role["village"]
    first, other = told(), told("学校门口要一条斑马线", kind="school")
    second = told("桥头3组那盏路灯一直不亮，半个月了", contact="2468")
    assert list(similar.alike(second)) == [first]
    assert other not in similar.alike(second)
    take(second, "merge", village, target=first)
    assert "同一件事" in look(second, "2468").answer
    finished(first, village)
    assert look(second, "2468").answer == "路灯已换新，昨晚亮了。"
    take(first, "keep_private", users_by_role["town"], text="涉及一户的家事")
    assert rating.rate(status=look(second, "2468"), rating="fair").own.rating == "fair"
    assert rating.rate(status=look(first), rating="good").own.closed_on == DAY
    with pytest.raises(MatterError, match="已经办结"):
        take(other, "merge", village, target=second)


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        ("联系 13900001111", "有证件号码、电话、账号"),
        ("联系 139.0000 1111", "有证件号码、电话、账号"),
        ("联系 幺三九零零零零一一一一", "有证件号码、电话、账号"),
        ("户号 12345678", "六位以上的数字"),
        ("老人高血压没人管", "涉及健康的字“高血压”"),
        ("李 小\u200b花上学路远", "未成年人的姓名“李小花”"),
        ("张　三家门口的路", "村民的姓名“张三”"),
        ("有人住院没人管", "涉及健康的字“住院”"),
        ("李小花上学路远", "未成年人的姓名“李小花”"),
        ("张三家门口的路", "村民的姓名“张三”"),
    ],
)
def test_a_public_text_names_nobody(told, users_by_role, make_household, problem, why) -> None:
    make_household(members=("张三", "李小花"))
    Person.objects.filter(name="李小花").update(birth_date=dt.date(2015, 1, 1))
    village, matter = users_by_role["village"], told()
    finished(matter, village)
    with pytest.raises(MatterError, match=why):
        take(matter, "publish", village, problem=problem, result="已经办好")
    matter.refresh_from_db()
    assert matter.published_at is None
    assert not queries.public_of(matter.village.code)


def test_the_proposed_public_text_hides_what_would_be_refused(told, make_household) -> None:
    make_household(members=("张三", "李小花"))
    matter = told("张　三家的路不通，打139.0000 1111或幺三九零零零零一一一一，2026年3月5日报过")
    proposed = masking.masked(matter.text, matter)
    assert proposed == "张某家的路不通，打…或…，2026年3月5日报过"
    assert masking.problems(proposed, matter, DAY) == []


def test_a_person_may_say_that_a_word_is_no_name_but_never_of_a_child(told, users_by_role, make_household) -> None:
    make_household(members=("和平", "李小花"))
    Person.objects.filter(name="李小花").update(birth_date=dt.date(2015, 1, 1))
    village, matter = users_by_role["village"], told()
    finished(matter, village)
    with pytest.raises(MatterError, match="李小花"):
        take(matter, "publish", village, problem="和平路上李小花家门口", result="已办好了", allowed=("和平", "李小花"))
    shown = take(matter, "publish", village, problem="和平路上的灯", result="已办好了", allowed=("和平",))
    actions.unpublish(matter=shown, by=village, reason="村民有意见")
    assert not queries.public_of(matter.village.code)


def test_what_is_about_village_officers_goes_past_them(told, users_by_role) -> None:
    matter = told("村干部优亲厚友，低保名单不公开", kind="conduct", past_village=True)
    assert queries.find(users_by_role["village"], matter.pk) is None
    assert queries.find(users_by_role["town"], matter.pk) == matter
    assert queries.mine(users_by_role["town"], DAY).waiting == 1
    with pytest.raises(MatterError, match="不能转给村"):
        actions.hand(matter=matter, level="village", by=users_by_role["town"], turn=0, text="请村里先看看")


def test_a_matter_is_handed_up_level_by_level_and_waits_there(told, users_by_role) -> None:
    village, town, matter = users_by_role["village"], users_by_role["town"], told()
    with pytest.raises(Refused, match="逐级上报"):
        actions.hand(matter=matter, level="county", by=village, turn=0, text="村里没有钱")
    actions.hand(matter=matter, level="town", by=village, turn=0, text="村里没有钱换灯")
    with pytest.raises(Refused, match="已交乡镇办理"):
        take(matter, "accept", village)
    assert (queries.mine(village, DAY).waiting, queries.mine(town, DAY).waiting) == (0, 1)
    assert take(matter, "accept", town).state.key == "discussing"


def test_the_one_it_was_given_to_sees_and_finishes_it_and_nobody_elses(told, users_by_role, regions) -> None:
    visitor, village, matter = users_by_role["visitor"], users_by_role["village"], told()
    staff = Staff.objects.create(name="帮扶人", kind="1", region_code="500236101000", user=visitor)
    other = told("另一件事情要办一下")
    assert queries.find(visitor, matter.pk) is None
    take(matter, "assign_directly", village, handler=staff, text="灯下是急弯")
    assert queries.mine(visitor, DAY).handed == 1
    assert list(queries.listed(visitor, queries.Wanted(), DAY)) == [matter]
    assert queries.find(visitor, other.pk) is None
    assert take(matter, "finish", visitor, answer="已换新灯。").state.key == "done"
    with pytest.raises(Refused):
        take(matter, "publish", visitor, problem="路灯不亮", result="已换新灯")


def test_a_far_away_or_departed_handler_and_another_villages_matter_are_refused(told, users_by_role, regions) -> None:
    village, matter = users_by_role["village"], told()
    far = Staff.objects.create(name="外县人", kind="1", region_code="500237101000")
    gone = Staff.objects.create(name="离任人", kind="1", region_code="500236101000", left_on=DAY)
    with pytest.raises(Refused, match="不在本县"):
        take(matter, "assign_directly", village, handler=far, text="急事")
    with pytest.raises(MatterError, match="已离任"):
        take(matter, "assign_directly", village, handler=gone, text="急事")
    with pytest.raises(MatterError, match="请选承办人"):
        take(matter, "assign_directly", village, text="急事")
    away = told(village=regions.other_village)
    with pytest.raises(Refused):
        take(away, "answer", village, answer="已经办好了")
    with pytest.raises(MatterError, match="同一个村"):
        take(matter, "merge", users_by_role["town"], target=away)


def test_a_meeting_talks_about_several_matters_at_once(told, users_by_role) -> None:
    village, one, two = users_by_role["village"], told(), told("垃圾池满了没有人清理", kind="clean")
    said = [meetings.Said(one, "换灯", agreed=True), meetings.Said(two, "下次再议", agreed=False)]
    hold = {"village": one.village, "on": DAY, "place": "村委会", "host": "王主任", "by": village}
    with pytest.raises(MatterError, match="到会人数"):
        meetings.hold(**hold, present=1, said=said)
    meeting = meetings.hold(**hold, present=15, said=said, notes="电话 13900001111 的人没有来")
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state.key, two.state.key) == ("agreed", "discussing")
    assert "13900001111" not in meeting.notes
    assert list(meetings.waiting(village, one.village)) == [two]


@pytest.mark.parametrize("contact", ["1390000111", "abc", "123", "139000011112222"])
def test_a_phone_that_cannot_be_one_is_refused(told, contact) -> None:
    with pytest.raises(MatterError, match="电话号码不对"):
        told(contact=contact)


def test_a_book_instead_of_a_matter_and_numbers_in_it_are_kept_out(told) -> None:
    with pytest.raises(MatterError, match="6 至 1000 个字"):
        told("字" * 100_000)
    with pytest.raises(MatterError, match="6 至 1000 个字"):
        told("灯坏了")
    with pytest.raises(MatterError, match="请写手机号码"):
        told(contact="")
    matter = told("我的身份证 990000199003077596，<b>路灯</b>不亮")
    assert "990000199003077596" not in matter.text
    assert "<b>" in matter.text  # kept as words; pages show it as words


def test_staff_who_only_visit_raise_matters_of_households_in_their_care(regions, users_by_role, make_household, clock):
    visitor, household = users_by_role["visitor"], make_household()
    raise_ = {"village": regions.village, "kind": "house", "text": "屋顶漏雨要修一下", "by": visitor}
    assert queries.find(visitor, raise_matter(**raise_).pk).raised_by == visitor
    with pytest.raises(Refused, match="管辖范围"):
        raise_matter(**raise_, household=household)
    staff = Staff.objects.create(name="帮扶人", kind="1", region_code="500236101000", user=visitor)
    Responsibility.objects.create(
        staff=staff, role="helper", household=household, region_code=household.region_code, since=dt.date(2024, 1, 1)
    )
    assert raise_matter(**raise_, household=household).household == household


def test_a_residents_problem_is_linked_and_solved_with_its_matter(told, regions, users_by_role, clock) -> None:
    village = users_by_role["village"]
    staff = Staff.objects.create(name="队员", kind="1", region_code=regions.village.code)
    note = TeamNote.objects.create(
        staff=staff, region_code=regions.village.code, kind="problem", on=DAY, text="村部没有自来水", by=village
    )
    matter = raise_matter(
        village=regions.village, kind="water", text=note.text, by=village, team_note=note, contact="1357"
    )
    assert matter.channel == "team"
    finished(matter, village)
    note.refresh_from_db()
    assert (note.solved_on, note.solution) == (DAY, "路灯已换新，昨晚亮了。")


def test_a_rectification_item_stands_on_the_same_board_and_is_one_with_its_finding(
    regions, users_by_role, clock
) -> None:
    from huqing.teams import inspections

    county, village = users_by_role["county"], users_by_role["village"]
    round_ = InspectionRound.objects.create(
        title="夜查", region_code="500236", question={}, commitment="0" * 64, created_at=dt.datetime.now(dt.UTC)
    )
    target = InspectionTarget.objects.create(round=round_, village=regions.village, region_code=regions.village.code)
    finding = inspections.add_finding(
        target=target,
        text="台账没有更新",
        responsible="朱衣镇政府",
        found_on=DAY,
        due_on=DAY + dt.timedelta(days=7),
        by=county,
    )
    matter = Matter.objects.get(finding=finding)
    assert (matter.state.key, matter.due_on) == ("open", DAY + dt.timedelta(days=7))
    assert queries.mine(users_by_role["town"], DAY + dt.timedelta(days=8)).told == 1
    take(matter, "done", village, answer="台账已补齐")
    finding.refresh_from_db()
    assert finding.state == InspectionFinding.State.DONE
    inspections.step(finding=finding, state="open", text="还缺三户", by=county)
    matter.refresh_from_db()
    assert matter.state.key == "open"
    take(matter, "done", village, answer="三户也补了")
    with pytest.raises(Refused):
        take(matter, "closed", village, answer="没问题了")
    take(matter, "closed", county, answer="复查属实")
    finding.refresh_from_db()
    matter.refresh_from_db()
    assert (finding.state, matter.closed_on, matter.answer) == ("closed", DAY, "复查属实")
    assert not queries.public_of(matter.village.code)
    older = InspectionFinding.objects.create(
        target=target, region_code=target.region_code, text="值班表没有上墙", responsible="镇政府",
        found_on=DAY, due_on=DAY, state="done",
    )  # fmt: skip
    older.steps.create(state="done", text="已上墙", on=DAY, by=village)
    rating.settle(DAY)
    assert older.matter.state.key == "done"
    assert rating.settle(DAY) == 0


def test_a_clock_that_was_set_back_stops_a_matter(told, users_by_role, clock) -> None:
    matter = told()
    clock["day"] = DAY - dt.timedelta(days=3)
    with pytest.raises(MatterError, match="请检查服务器时间"):
        take(matter, "answer", users_by_role["village"], answer="已经办好了")


def test_monthly_figures_count_by_kind_and_place_and_name_nobody(told, users_by_role, regions) -> None:
    village = users_by_role["village"]
    take(told(), "answer", village, answer="已报修，周五更换。")
    told("另一盏灯也不亮了", contact="2222")
    told("牲口过河没有桥", kind="farm", village=regions.other_village)
    first, last = DAY.replace(day=1), DAY.replace(day=30)
    kinds = queries.figures(users_by_role["county"], first, last, by="kind", day=last)
    assert [(row.name, row.raised, row.answered, row.late) for row in kinds] == [
        ("生产发展", 1, 0, 1), ("道路交通", 2, 1, 1),
    ]  # fmt: skip
    places = queries.figures(users_by_role["county"], first, last, by="place", day=last)
    assert [(row.name, row.raised) for row in places] == [("500236101", 2), ("500236102", 1)]
    assert [row.raised for row in queries.figures(village, first, last, by="place", day=last)] == [2]
