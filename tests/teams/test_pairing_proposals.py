"""Pairings from the ledger through the solver and people's hands back into the ledger."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from huqing.access.permissions import Refused
from huqing.registry.models import Label
from huqing.teams import avoiding, ledger_queries, pairing_actions, pairing_jobs
from huqing.teams.models import PairingProposal, ProposedPair, Responsibility, Staff, Unit, VillageTrait

SINCE, ON = dt.date(2024, 1, 1), dt.date(2024, 7, 1)
C = ProposedPair.Change


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    monkeypatch.setattr("huqing.teams.pairing_question.today", lambda: dt.date(2024, 6, 1))
    monkeypatch.setattr(ledger_queries, "today", lambda: dt.date(2024, 6, 1))


@pytest.fixture
def college(regions, make_household):
    """One 厅级 and two 处级, three key and four linked households; two of each rank's quota."""
    unit = Unit.objects.create(name="师范学院", region_code="500236", kind="5")
    code = regions.county.code
    people = [
        Staff.objects.create(name=name, kind="1", rank=rank, unit=unit, region_code=code)
        for name, rank in (("厅甲", "1"), ("处乙", "2"), ("处丙", "2"))
    ]
    households = [make_household(members=(f"户{n}",)) for n in range(8)]
    for number, household in enumerate(households):
        kind = "tuopin" if number < 4 else "monitor"
        Label.objects.create(kind=kind, household=household, valid_from=SINCE)
    return people, households


def make(**asked):
    """Asked for and computed at once, as the background does it."""
    return pairing_jobs.perform(pairing_jobs.propose(**asked).pk)


def question(**changed):
    return {
        "region": "500236",
        "slots": [
            {"role": "key_helper", "of": "household", "whom": "label:tuopin"},
            {"role": "linked", "of": "household", "whom": "label:monitor"},
        ],
        "kinds": ["1"],
        "quotas": {"1": [[2, 2], [0, 0]], "2": [[1, 1], [2, 2]]},
        "wishes": {"keep": 50, "within": "", "balance": 2},
        **changed,
    }


def test_quotas_by_rank_are_met_exactly(college, users_by_role):
    proposal = make(title="结对", question=question(), by=users_by_role["county"])
    assert proposal.obstacles == []
    counts = {
        (row.staff.name, row.role): proposal.pairs.filter(staff=row.staff, role=row.role).count()
        for row in proposal.pairs.select_related("staff")
    }
    assert counts == {
        ("厅甲", "key_helper"): 2, ("处乙", "key_helper"): 1, ("处丙", "key_helper"): 1,
        ("处乙", "linked"): 2, ("处丙", "linked"): 2,
    }  # fmt: skip


def test_quotas_that_do_not_close_are_told_in_words_and_cannot_be_accepted(college, users_by_role):
    by = users_by_role["county"]
    quotas = {"1": [[1, 1], [0, 0]], "2": [[1, 1], [2, 2]]}
    proposal = make(title="结对", question=question(quotas=quotas), by=by)
    assert proposal.obstacles == [
        "“重点帮扶”：3 人的名额合计 3 户，要结对的（有“脱贫户”标签的农户）有 4 户，缺 1 个名额。"
    ]
    with pytest.raises(ValidationError, match="没有结成对"):
        pairing_actions.move(proposal=proposal, state="accepted", by=by)


def test_publishing_ends_old_lines_and_begins_new_ones(college, users_by_role):
    by = users_by_role["county"]
    people, households = college
    outsider = Staff.objects.create(name="旧人", kind="2", region_code=people[0].region_code)
    kept = Responsibility.objects.create(
        staff=people[0], role="key_helper", household=households[0], region_code=households[0].region_code, since=SINCE
    )
    old = Responsibility.objects.create(
        staff=outsider, role="linked", household=households[7], region_code=households[7].region_code, since=SINCE
    )
    proposal = make(title="结对", question=question(), by=by)
    assert proposal.pairs.get(change=C.KEPT).line == kept
    assert proposal.pairs.get(change=C.ENDED).line == old
    with pytest.raises(ValidationError, match="先同意"):
        pairing_actions.publish(proposal=proposal, on=ON, by=by)
    pairing_actions.move(proposal=proposal, state="accepted", by=by)
    pairing_actions.publish(proposal=proposal, on=ON, by=by)
    for line in (kept, old):
        line.refresh_from_db()
    assert (kept.until, old.until) == (None, dt.date(2024, 6, 30))
    running = Responsibility.objects.filter(until=None)
    assert running.count() == len(households)
    assert set(running.exclude(pk=kept.pk).values_list("since", flat=True)) == {ON}


def test_an_edit_is_taken_back_to_what_it_was(college, users_by_role):
    by = users_by_role["county"]
    people, households = college
    line = Responsibility.objects.create(
        staff=people[0], role="key_helper", household=households[0], region_code=households[0].region_code, since=SINCE
    )
    proposal = make(title="结对", question=question(), by=by)
    before = sorted(proposal.pairs.values_list("household", "staff", "change", "line", "reasons"))
    pair = proposal.pairs.get(change=C.KEPT)
    pairing_actions.edit_pair(pair=pair, staff=people[1], by=by)
    assert proposal.pairs.get(change=C.ENDED).line == line
    assert proposal.pairs.get(pk=pair.pk).reasons == "人工指定"
    pairing_actions.undo_edit(proposal=proposal, by=by)
    assert sorted(proposal.pairs.values_list("household", "staff", "change", "line", "reasons")) == before
    with pytest.raises(ValidationError, match="没有可以撤销"):
        pairing_actions.undo_edit(proposal=proposal, by=by)


def test_kin_are_never_paired_by_the_solver_or_by_hand(college, users_by_role):
    by = users_by_role["county"]
    people, households = college
    for household in households[:3]:
        avoiding.avoid(staff=people[0], household=household, reason="亲属", by=by)
    refused = make(title="结对", question=question(), by=by)
    assert refused.obstacles
    quotas = {"1": [[1, 1], [0, 0]], "2": [[1, 2], [2, 2]]}
    proposal = make(title="结对", question=question(quotas=quotas), by=by)
    assert [pair.household for pair in proposal.pairs.filter(staff=people[0])] == [households[3]]
    with pytest.raises(ValidationError, match="回避"):
        pairing_actions.edit_pair(pair=proposal.pairs.filter(household=households[0]).get(), staff=people[0], by=by)


def test_a_fixed_pair_stands(college, users_by_role):
    people, households = college
    fixed = [(people[2].pk, "household", households[1].pk)]
    proposal = make(title="结对", question=question(), by=users_by_role["county"], fixed=fixed)
    pair = proposal.pairs.get(household=households[1])
    assert (pair.staff, pair.reasons) == (people[2], "指定结对")


def test_a_ledger_that_changed_meanwhile_stops_the_publication(college, users_by_role):
    by = users_by_role["county"]
    people, households = college
    line = Responsibility.objects.create(
        staff=people[0], role="key_helper", household=households[0], region_code=households[0].region_code, since=SINCE
    )
    proposal = make(title="结对", question=question(), by=by)
    pairing_actions.move(proposal=proposal, state="accepted", by=by)
    line.until = dt.date(2024, 6, 15)
    line.save()
    with pytest.raises(ValidationError, match="台账在方案生成之后变了"):
        pairing_actions.publish(proposal=proposal, on=ON, by=by)
    assert Responsibility.objects.count() == 1
    assert PairingProposal.objects.get().state == "accepted"


def test_of_two_proposals_for_the_same_households_only_one_is_published(college, users_by_role):
    by = users_by_role["county"]
    first = make(title="甲", question=question(), by=by)
    unlike = make(title="乙", question=question(quotas={"1": [[1, 1], [1, 1]], "2": [[1, 2], [1, 2]]}), by=by)
    for proposal in (first, unlike):
        pairing_actions.move(proposal=proposal, state="accepted", by=by)
    pairing_actions.publish(proposal=first, on=ON, by=by)
    before = list(Responsibility.objects.order_by("pk").values())
    with pytest.raises(ValidationError, match=r"从 2024-07-01 起另有一条“.*”责任"):
        pairing_actions.publish(proposal=unlike, on=ON, by=by)
    assert list(Responsibility.objects.order_by("pk").values()) == before


def test_a_pair_that_must_not_meet_since_is_not_published(college, users_by_role):
    by = users_by_role["county"]
    proposal = make(title="结对", question=question(), by=by)
    pairing_actions.move(proposal=proposal, state="accepted", by=by)
    pair = proposal.pairs.first()
    avoiding.avoid(staff=pair.staff, household=pair.household, reason="亲属", by=by)
    with pytest.raises(ValidationError, match="登记了回避"):
        pairing_actions.publish(proposal=proposal, on=ON, by=by)
    assert not Responsibility.objects.exists()


def test_pairs_that_end_on_a_later_day_do_not_stop_the_publication(college, users_by_role):
    by = users_by_role["county"]
    people, households = college
    outsider = Staff.objects.create(name="旧人", kind="2", region_code=people[0].region_code)
    until = dt.date(2024, 12, 31)
    kept, old = (
        Responsibility.objects.create(
            staff=staff, role=role, household=home, region_code=home.region_code, since=SINCE, until=until
        )
        for staff, role, home in (
            (people[0], "key_helper", households[0]), (outsider, "linked", households[7]),
        )
    )  # fmt: skip
    proposal = make(title="结对", question=question(), by=by)
    pairing_actions.move(proposal=proposal, state="accepted", by=by)
    pairing_actions.publish(proposal=proposal, on=ON, by=by)
    for line in (kept, old):
        line.refresh_from_db()
    assert (kept.until, old.until) == (until, dt.date(2024, 6, 30))


def test_units_go_to_the_villages_of_their_kind(regions, users_by_role):
    kinds = {"1": regions.village, "3": regions.other_village}
    for trait, village in (("1", regions.village), ("3", regions.other_village)):
        VillageTrait.objects.create(village=village, region_code=village.code, kind=trait, since=SINCE)
    for kind in ("3", "1"):
        unit = Unit.objects.create(name=f"单位{kind}", kind=kind, region_code="500236")
        Staff.objects.create(name=f"队员{kind}", kind="7", unit=unit, region_code=regions.county.code)
    regions.next_village.valid_to = SINCE
    regions.next_village.save()
    asked = question(slots=[{"role": "resident", "of": "village", "whom": ""}], kinds=["7"], quotas={"4": [[1, 1]]})
    proposal = make(title="选派", question=asked, by=users_by_role["county"])
    paired = {pair.staff.name: pair.village for pair in proposal.pairs.all()}
    assert paired == {"队员1": kinds["1"], "队员3": kinds["3"]}
    assert "党群单位对口软村" in proposal.pairs.get(staff__name="队员1").reasons


def test_teachers_are_paired_with_single_pupils(regions, make_household, users_by_role):
    school = Unit.objects.create(name="中心小学", kind="5", region_code="500236")
    VillageTrait.objects.create(village=regions.village, region_code=regions.village.code, kind="1", since=SINCE)
    teacher = Staff.objects.create(name="李老师", kind="2", unit=school, region_code=regions.town.code)
    household = make_household(members=("户主", "学生"))
    pupil = household.members.get(name="学生")
    Label.objects.create(kind="disabled", household=household, person=pupil, valid_from=SINCE)
    asked = question(
        slots=[{"role": "paired_teacher", "of": "person", "whom": "label:disabled"}],
        kinds=["2"],
        quotas={"4": [[0, 5]]},
    )
    by = users_by_role["county"]
    proposal = make(title="教师结对", question=asked, by=by)
    assert proposal.pairs.get().reasons == "同乡镇"
    pairing_actions.move(proposal=proposal, state="accepted", by=by)
    pairing_actions.publish(proposal=proposal, on=ON, by=by)
    line = Responsibility.objects.get()
    assert (line.staff, line.person, line.household, line.role) == (teacher, pupil, household, "paired_teacher")


def test_nobody_proposes_for_another_place(college, users_by_role):
    with pytest.raises(Refused):
        make(title="结对", question=question(), by=users_by_role["town"])
    with pytest.raises(Refused):
        make(title="结对", question=question(), by=users_by_role["reader"])


def test_what_is_computed_is_told_and_a_cancelled_one_writes_nothing(college, users_by_role, monkeypatch):
    by = users_by_role["county"]
    proposal = pairing_jobs.propose(title="结对", question=question(), by=by)
    assert (proposal.state, proposal.pairs.count()) == ("queued", 0)
    seen = []

    def cancelled_meanwhile(*args, **kwargs):
        now = PairingProposal.objects.get()
        seen.append((now.state, now.progress, now.stage))
        pairing_actions.move(proposal=now, state="cancelled", by=by)
        return real(*args, **kwargs)

    real = pairing_actions.propose
    monkeypatch.setattr(pairing_actions, "propose", cancelled_meanwhile)
    done = pairing_jobs.perform(proposal.pk)
    assert seen == [("running", 35, "计算 3 人与 8 个对象的最优结对")]
    assert (done.state, done.pairs.count()) == ("cancelled", 0)
    monkeypatch.setattr(pairing_actions, "propose", real)
    pairing_jobs.again(proposal=done, by=by)
    again = pairing_jobs.perform(proposal.pk)
    assert (again.state, again.progress, again.pairs.count()) == ("draft", 100, 8)


def test_a_killed_computation_is_found_broken_and_can_be_tried_again(college, users_by_role):
    by = users_by_role["county"]
    proposal = pairing_jobs.propose(title="结对", question=question(), by=by)
    PairingProposal.objects.update(state="running", progress=35)
    proposal.refresh_from_db()
    # Nobody holds the lock, so the process that computed is no more: who looks at the page finds out.
    assert pairing_jobs.notice_of(proposal) == ""
    assert (proposal.state, "被中断" in proposal.message) == ("failed", True)
    pairing_jobs.again(proposal=proposal, by=by)
    assert pairing_jobs.perform(proposal.pk).state == "draft"


def test_an_unexpected_fault_leaves_a_clear_state(college, users_by_role, monkeypatch):
    proposal = pairing_jobs.propose(title="结对", question=question(), by=users_by_role["county"])

    def broken(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(pairing_actions, "propose", broken)
    with pytest.raises(MemoryError):
        pairing_jobs.perform(proposal.pk)
    proposal.refresh_from_db()
    assert (proposal.state, "MemoryError" in proposal.message) == ("failed", True)


def test_a_publication_that_is_refused_leaves_the_proposal_accepted_with_the_reason(college, users_by_role):
    by = users_by_role["county"]
    _, households = college
    proposal = make(title="结对", question=question(), by=by)
    pairing_actions.move(proposal=proposal, state="accepted", by=by)
    households[0].status = "cancelled"
    households[0].save()
    pairing_jobs.publish(proposal=proposal, on=ON, by=by)
    done = pairing_jobs.perform(proposal.pk, by)
    assert (done.state, done.published_on) == ("accepted", None)
    assert "已注销" in done.message
    assert not Responsibility.objects.exists()


def test_a_helper_is_kept_from_the_household_whose_telephone_is_the_helpers_own(regions, make_household, users_by_role):
    home, other = make_household(members=("甲家",), phone="16012340001"), make_household(members=("乙家",))
    mine = Staff.objects.create(name="甲", kind="1", phone="16012340001", region_code=regions.village.code)
    Staff.objects.create(name="乙", kind="1", region_code=regions.other_village.code)
    asked = question(slots=[{"role": "helper", "of": "household"}], quotas={"4": [[1, 1]]})
    proposal = make(title="结对", question=asked, by=users_by_role["county"])
    assert proposal.pairs.get(staff=mine).household == other
    assert proposal.pairs.get(household=home).staff.name == "乙"
    assert proposal.counts["same_phone"] == 1


def test_whoever_speaks_the_language_goes_where_mandarin_is_not_spoken(regions, make_household, users_by_role):
    households = [make_household(members=(f"户主{n}",)) for n in range(3)]
    for household, items in zip(
        households, ({"nationality": "15"}, {"nationality": "15", "mandarin": True}, {"nationality": "01"}), strict=True
    ):
        household.members.update(items=items)
    for name, languages in (("甲", ""), ("乙", "土家话、苗语"), ("丙", "")):
        Staff.objects.create(name=name, kind="1", languages=languages, region_code=regions.village.code)
    asked = question(slots=[{"role": "helper", "of": "household"}], quotas={"4": [[1, 1]]})
    proposal = make(title="结对", question=asked, by=users_by_role["county"])
    pair = proposal.pairs.get(household=households[0])
    assert (pair.staff.name, "会土家语" in pair.reasons) == ("乙", True)
    assert proposal.counts["spoken"] == 1


def test_a_village_gets_as_many_people_as_asked_and_what_is_lacking_is_told_with_names(regions, users_by_role):
    for number in range(8):
        Staff.objects.create(name=f"队员{number}", kind="7", region_code=regions.county.code)
    slots = [{"role": "resident", "of": "village", "count": 3}]
    asked = question(slots=slots, kinds=["7"], quotas={"4": [[0, 1]]})
    proposal = make(title="选派", question=asked, by=users_by_role["county"])
    assert proposal.obstacles == [
        "“驻村工作队员”：8 人的名额合计 0 至 8 人次，要结对的（全部行政村，每村 3 人）有 9 人次，缺 1 个名额。"
    ]
    Staff.objects.create(name="队员8", kind="7", region_code=regions.county.code)
    enough = make(title="选派", question=asked, by=users_by_role["county"])
    assert sorted(enough.pairs.values_list("village__name", flat=True)) == sorted(["砚瓦村", "仁和村", "龙潭村"] * 3)


def test_a_pair_that_is_forbidden_this_time_is_not_made(college, users_by_role):
    people, households = college
    banned = [(people[0].pk, "household", households[n].pk) for n in range(2)]
    proposal = make(title="结对", question=question(), by=users_by_role["county"], banned=banned)
    assert {pair.household for pair in proposal.pairs.filter(staff=people[0])} == {households[2], households[3]}
    with pytest.raises(ValidationError, match="既指定结对又要求回避"):
        make(title="结对", question=question(), by=users_by_role["county"], banned=banned, fixed=banned[:1])
