"""A record lands in the file: dated, never over what is newer, field by field, once."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from huqing.access.models import AuditEvent, Role
from huqing.registry import file_actions
from huqing.registry.models import DepartmentRecord, Entry, Source
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.teams.models import Responsibility, Staff
from huqing.visits import flow, landing
from huqing.visits.models import Submission
from huqing.visits.tables import layout_of

from .building import converted, send, stored, text

DAY = dt.date(2024, 6, 1)
NOW = dt.datetime(2024, 6, 1, 9, 0, tzinfo=dt.UTC)
WATER = "| | select_one yes_no | water | 水 | household.water_safe | household.water_safe | |"
AREA = "| | decimal | area | 耕地 | household.arable_area | household.arable_area | |"
WAGE = "| | decimal | wage | 工资 | household.wage_income | household.wage_income | |"
DAY_ROW = "| | date | visited_on | 日期 | | | |"
NOTE = "| | text | note | 情况 | | | |"
MEMBERS = """| | begin_repeat | members | 成员 | person | | |
| | text | who | 姓名 | person.name | | |
| | select_multiple health | health | 身体 | person.health | person.health | |
| | select_one yes_no | signed | 签约医生 | person.family_doctor | person.family_doctor | |
| | end_repeat | | | | | |"""


@pytest.fixture
def roster(db):
    return Source.objects.create(kind="roster", title="花名册", on=dt.date(2023, 12, 31), created_at=NOW)


@pytest.fixture
def family(make_household, regions, roster):
    household = make_household(
        grid=regions.grid, members=("王建国", "李秀英"), items={"water_safe": False, "arable_area": "3.50"}
    )
    household.created_by_source = roster
    household.save()
    roster.created_at = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    roster.save()
    for person in household.members.all():
        person.created_by_source = roster
        person.items = {"health": ["01"]}
        person.save()
    return household


@pytest.fixture
def visit(family, users_by_role):
    """Sends a form with these rows and answers about the family."""

    def sent(rows: tuple[str, ...], *, by: str = "grid", today: dt.date = DAY, version=None, **answers) -> Submission:
        used = version or stored(converted(text(DAY_ROW, *rows, NOTE)))
        extra = {key: answers.pop(key) for key in ("uuid", "replaces", "received_at", "meta") if key in answers}
        given = {"household": family.pk, "visited_on": "2024-06-01", **answers}
        return send(used, given, users_by_role[by], today=today, **{"received_at": NOW, **extra})

    return sent


def items(row) -> dict:
    row.refresh_from_db()
    return dict(row.items)


def test_answers_become_dated_values_with_the_visit_as_their_source(visit, family) -> None:
    submission = visit((WATER, AREA, WAGE), water="yes", area="3.5", wage="18500.5")
    assert items(family) == {"water_safe": True, "arable_area": "3.50", "wage_income": 1850050}
    assert sorted(submission.landing["applied"]) == ["household.wage_income", "household.water_safe"]
    assert submission.landing["same"] == ["household.arable_area"]
    assert submission.landing["refused"] == {}
    source = submission.source
    assert (source.kind, source.on, source.title) == (Source.Kind.VISIT, DAY, f"试（{Role.GRID.label}）")
    entry = Entry.objects.get(source=source)
    assert entry.changes == {"water_safe": [False, True], "wage_income": [None, 1850050]}
    assert (entry.on, entry.person_id) == (DAY, None)


def test_a_choice_of_several_codes_and_a_month_are_kept_as_the_file_keeps_them(visit, family) -> None:
    kinds = record_kinds()["household"].by_key
    several = next(key for key, one in kinds.items() if one.type == "codes" and not one.linked)
    month = next(key for key, one in kinds.items() if one.type == "month")
    codes = kinds[several].codelist
    rows = (
        f"| | select_multiple {codes} | several | 几项 | household.{several} | household.{several} | |",
        f"| | date | since | 始 | | household.{month} | |",
    )
    first, second = (code for code, _ in codelist(codes).items[:2])
    visit(rows, several=f"{second} {first}", since="2024-03-17")
    assert items(family)[several] == [second, first]
    assert items(family)[month] == "2024-03"


def test_members_are_written_each_by_the_hidden_id_of_the_turn(visit, family) -> None:
    head, wife = family.members.order_by("pk")
    submission = visit(
        (MEMBERS,),
        members=[
            {"members_person": wife.pk, "who": "李秀英", "health": "02 04", "signed": "yes"},
            {"members_person": head.pk, "who": "王建国", "health": "01", "signed": "no"},
        ],
    )
    assert items(wife) == {"health": ["02", "04"], "family_doctor": True}
    assert items(head) == {"health": ["01"], "family_doctor": False}
    assert f"person.{wife.pk}.health" in submission.landing["applied"]
    assert submission.landing["same"] == [f"person.{head.pk}.health"]
    assert {entry.person_id for entry in Entry.objects.filter(source=submission.source)} == {wife.pk, head.pk}
    members = layout_of(submission.form).tables[1]
    assert [head.title for head in members.heads] == ["记录号", "序号", "人员", "姓名", "身体", "签约医生"]


def test_a_person_chosen_by_the_form_is_written(visit, family) -> None:
    wife = family.members.get(name="李秀英")
    rows = (
        "| | select_one_from_file person.csv | patient | 谁 | person | | |",
        "| | select_one yes_no | signed | 签约 | person.family_doctor | person.family_doctor | |",
    )
    submission = visit(rows, patient=wife.pk, signed="yes")
    assert submission.person == wife
    assert items(wife)["family_doctor"] is True


def test_somebody_of_another_household_is_refused_and_told_while_the_rest_lands(visit, family, make_household) -> None:
    stranger = make_household(members=("外人",)).members.get()
    submission = visit(
        (WATER, MEMBERS),
        water="yes",
        members=[{"members_person": stranger.pk, "who": "", "health": "02", "signed": "yes"}],
    )
    [(place, reason)] = submission.landing["refused"].items()
    assert str(stranger.pk) in place
    assert "不是这一户的成员" in reason
    assert items(stranger) == {}
    assert submission.landing["applied"] == ["household.water_safe"]


def test_one_wrong_field_is_refused_with_its_reason_and_the_rest_lands(visit, family) -> None:
    submission = visit((WATER, AREA), water="yes", area="-4")
    assert items(family)["water_safe"] is True
    assert items(family)["arable_area"] == "3.50"
    assert "耕地" in submission.landing["refused"]["household.arable_area"]
    assert submission.landing["applied"] == ["household.water_safe"]


def test_what_the_file_learned_later_stays_and_the_visit_is_history(visit, family, users_by_role) -> None:
    file_actions.set_values(
        household=family, values={"arable_area": "5"}, by=users_by_role["town"], on=DAY, reason="核实"
    )
    submission = visit((AREA,), visited_on="2024-05-20", area="4")
    assert items(family)["arable_area"] == "5.00"
    assert submission.landing["older"] == ["household.arable_area"]
    assert Entry.objects.get(source=submission.source).changes == {"arable_area": ["3.50", "4.00"]}


def test_an_old_value_that_was_only_shown_does_not_undo_a_change_made_meanwhile(visit, family, users_by_role) -> None:
    file_actions.set_values(
        household=family, values={"arable_area": "5"}, by=users_by_role["town"], on=DAY, reason="核实"
    )
    Entry.objects.update(at=NOW)
    submission = visit((AREA, WATER), area="3.5", water="no")
    assert items(family)["arable_area"] == "5.00"
    assert "旧值" in submission.landing["refused"]["household.arable_area"]
    typed = visit((AREA,), version=submission.version, uuid="uuid:2", area="4.2")
    assert typed.landing["applied"] == ["household.arable_area"]


@pytest.mark.parametrize(
    ("start", "landed"),
    [
        ("2024-06-01T16:30:00.000+08:00", True),
        ("2024-06-01T15:00:00.000+08:00", False),
        ("2031-01-01T08:00:00.000+08:00", False),
        ("early", False),
    ],
)
def test_an_old_value_counts_if_the_form_was_begun_after_the_change(
    start, landed, visit, family, users_by_role
) -> None:
    file_actions.set_values(
        household=family, values={"arable_area": "5"}, by=users_by_role["town"], on=DAY, reason="核实"
    )
    Entry.objects.update(at=dt.datetime(2024, 6, 1, 8, 0, tzinfo=dt.UTC))
    submission = visit(("| | start | start | | | | |", AREA), area="3.5", start=start)
    assert submission.phone_times["start"] == start
    assert (submission.landing["applied"] == ["household.arable_area"]) == landed


def test_a_blank_answer_erases_nothing_that_was_not_shown(visit, family) -> None:
    """Not asked, not prefilled, or with a prefill that evidently did not work."""
    only_writes = "| | decimal | area | 耕地 | | household.arable_area | |"
    for number, (rows, answers) in enumerate(
        [
            ((AREA, WATER), {"water": "no"}),
            ((only_writes, WATER), {"area": "", "water": "no"}),
            ((AREA, WATER), {"area": "", "water": ""}),
            ((AREA, WATER), {"area": "", "water": "yes"}),
        ]
    ):
        version = stored(converted(text(DAY_ROW, *rows, version=str(number))))
        submission = visit((), version=version, uuid=f"uuid:{number}", **answers)
        assert items(family)["arable_area"] == "3.50"
        assert "cleared" not in submission.landing


def test_a_value_that_was_shown_and_blanked_is_cleared_and_stays_in_the_history(visit, family) -> None:
    submission = visit((AREA, WATER), area="", water="no")
    assert "arable_area" not in items(family)
    assert submission.landing["cleared"] == ["household.arable_area"]
    assert Entry.objects.get(source=submission.source).changes == {"arable_area": ["3.50", None]}


def test_a_value_that_came_on_the_day_of_the_visit_cannot_have_been_blanked(visit, family, users_by_role) -> None:
    file_actions.set_values(
        household=family, values={"wage_income": "100"}, by=users_by_role["town"], on=DAY, reason="核实"
    )
    Entry.objects.update(at=NOW)
    submission = visit((WAGE, WATER), wage="", water="no")
    assert items(family)["wage_income"] == 10000
    assert "cleared" not in submission.landing


def test_a_phone_with_a_wrong_clock_dates_nothing_into_the_future_or_the_past(visit, family) -> None:
    ahead = visit((WATER,), visited_on="2031-01-01", water="yes")
    assert ahead.visited_on == DAY
    assert ahead.phone_times["visited_on"] == "2031-01-01"
    assert Entry.objects.get(source=ahead.source).on == DAY
    version = stored(converted(text(DAY_ROW, AREA, version="2")))
    behind = visit((), version=version, uuid="uuid:2", area="4", visited_on="1970-01-01")
    assert behind.visited_on == DAY
    nonsense = visit((), version=behind.version, uuid="uuid:3", visited_on="昨天")
    assert nonsense.visited_on == DAY


def test_the_rules_see_the_visit(visit, family) -> None:
    from huqing.registry.snapshot import one_household

    submission = visit((WATER,), water="yes", note="院子干净，电话13812345678")
    record = DepartmentRecord.objects.get(kind="home_visit")
    assert (record.household, record.on, record.source) == (family, DAY, submission.source)
    assert record.items["visit_kind"] == "1"
    assert record.items["visitor"] == Role.GRID.label
    assert "13812345678" not in record.items["note"]
    [row] = one_household(family.pk)["home_visit"].to_pylist()
    assert (row["visit_kind"], row["visited_on"]) == ("1", DAY)


def test_a_form_that_is_no_kind_of_visit_leaves_no_visit(visit, family) -> None:
    visit((), version=stored(converted(text(DAY_ROW, WATER)), visit_kind=""), water="yes")
    assert not DepartmentRecord.objects.exists()
    assert items(family)["water_safe"] is True


def test_landing_twice_changes_nothing(visit, family) -> None:
    submission = visit((WATER, AREA), water="yes", area="4")
    counted = [model.objects.count() for model in (Entry, Source, DepartmentRecord, AuditEvent)]
    told = dict(submission.landing)
    flow.received(submission)
    landing.land(Submission.objects.get(pk=submission.pk))
    submission.refresh_from_db()
    assert submission.landing == told
    assert [model.objects.count() for model in (Entry, Source, DepartmentRecord, AuditEvent)] == counted


def test_one_event_tells_what_a_record_changed(visit, family) -> None:
    wife = family.members.get(name="李秀英")
    visit(
        (WATER, MEMBERS),
        water="yes",
        members=[{"members_person": wife.pk, "who": "", "health": "02", "signed": ""}],
    )
    event = AuditEvent.objects.get(action="file_edit")
    assert event.detail["fields"] == ["household.water_safe", f"person.{wife.pk}.health"]
    assert "走访" in event.detail["reason"]


def test_an_incomplete_record_waits(visit, family, users_by_role) -> None:
    submission = visit((WATER,), water="yes")
    waiting = Submission.objects.get(pk=submission.pk)
    Entry.objects.all().delete()
    waiting.pk, waiting.instance_id, waiting.source, waiting.landing = None, "uuid:9", None, {}
    waiting.state = Submission.State.INCOMPLETE
    waiting.save()
    flow.received(waiting)
    assert waiting.source is None
    assert not Entry.objects.exists()


def test_a_correction_replaces_what_the_first_record_wrote_and_keeps_it_as_history(visit, family) -> None:
    first = visit((WATER, AREA), water="yes", area="30")
    second = visit((), version=first.version, uuid="uuid:2", replaces=first, water="yes", area="3")
    assert items(family)["arable_area"] == "3.00"
    changes = [entry.changes["arable_area"] for entry in Entry.objects.order_by("pk") if "arable_area" in entry.changes]
    assert changes == [["3.50", "30.00"], ["30.00", "3.00"]]
    assert second.landing["same"] == ["household.water_safe"]
    [standing] = DepartmentRecord.objects.filter(kind="home_visit", retired_by=None)
    assert standing.source == second.source


def test_what_a_correction_no_longer_says_goes_back_to_what_the_file_said(visit, family) -> None:
    first = visit((WATER, AREA, WAGE), water="yes", area="30", wage="100")
    second = visit((), version=first.version, uuid="uuid:2", replaces=first, water="yes", area="", wage="")
    assert items(family) == {"water_safe": True, "arable_area": "3.50"}
    assert sorted(second.landing["withdrawn"]) == ["household.arable_area", "household.wage_income"]
    third = visit((), version=first.version, uuid="uuid:3", replaces=second, water="", area="8", wage="")
    assert items(family) == {"water_safe": False, "arable_area": "8.00"}
    assert third.landing["withdrawn"] == ["household.water_safe"]


def test_a_correction_to_an_earlier_day_still_replaces_the_mistake(visit, family) -> None:
    first = visit((AREA,), area="30")
    visit((), version=first.version, uuid="uuid:2", replaces=first, visited_on="2024-05-30", area="3")
    assert items(family)["arable_area"] == "3.00"


def test_a_correction_that_moves_to_another_household_takes_back_what_was_said_of_the_first(
    visit, family, make_household, regions
) -> None:
    other = make_household(grid=regions.grid, members=("赵六",))
    wife = family.members.get(name="李秀英")
    turn = {"members_person": wife.pk, "who": "李秀英", "health": "02", "signed": "yes"}
    first = visit((AREA, WATER, MEMBERS), area="30", water="yes", members=[turn])
    assert items(wife) == {"health": ["02"], "family_doctor": True}
    answers = {"household": other.pk, "area": "6", "water": "", "members": []}
    second = visit((), version=first.version, uuid="uuid:2", replaces=first, **answers)
    assert items(other)["arable_area"] == "6.00"
    assert items(family) == {"water_safe": False, "arable_area": "3.50"}
    assert items(wife) == {"health": ["01"]}
    assert second.landing["applied"] == ["household.arable_area"]
    assert sorted(second.landing["elsewhere"]) == [
        "household.arable_area",
        "household.water_safe",
        f"person.{wife.pk}.family_doctor",
        f"person.{wife.pk}.health",
    ]
    assert second.landing["refused"] == {}
    [standing] = DepartmentRecord.objects.filter(kind="home_visit", retired_by=None)
    assert standing.household == other
    changed = AuditEvent.objects.filter(action="file_edit").order_by("pk").values_list("subject_id", flat=True)
    assert [int(pk) for pk in changed] == [family.pk, other.pk, family.pk]
    # And back again: the first household is as the last record says, the second as it was.
    third = visit((), version=first.version, uuid="uuid:3", replaces=second, area="4", water="", members=[])
    assert (items(family), items(other)) == ({"water_safe": False, "arable_area": "4.00"}, {})
    assert third.landing["elsewhere"] == ["household.arable_area"]


def test_a_correction_that_moves_away_from_a_household_no_longer_visited_says_what_is_left(
    visit, family, make_household, regions, users_by_role
) -> None:
    other = make_household(grid=regions.grid, members=("赵六",))
    first = visit((AREA,), area="30")
    type(family).objects.filter(pk=family.pk).update(grid=regions.next_grid)
    second = visit((), version=first.version, uuid="uuid:2", replaces=first, household=other.pk, area="6")
    assert items(family)["arable_area"] == "30.00"
    assert "没有撤回" in second.landing["refused"]["更正"]


def responsible(user, household) -> Responsibility:
    staff = Staff.objects.create(name="甲", kind="01", user=user, region_code="500236")
    return Responsibility.objects.create(
        staff=staff, role="helper", region_code=household.region_code, household=household, since=dt.date(2024, 1, 1)
    )


def test_a_visitor_writes_households_in_their_care_without_leave_to_edit_files(visit, family, users_by_role) -> None:
    responsible(users_by_role["visitor"], family)
    with pytest.raises(file_actions.Refused):
        file_actions.set_values(
            household=family, values={"arable_area": "5"}, by=users_by_role["visitor"], on=DAY, reason="x"
        )
    submission = visit((WATER,), by="visitor", water="yes")
    assert submission.landing["applied"] == ["household.water_safe"]
    assert items(family)["water_safe"] is True


@pytest.mark.parametrize("role", ["visitor", "reader", "department", "system_admin"])
def test_nobody_writes_to_a_household_they_do_not_visit(role, visit, family) -> None:
    submission = visit((WATER,), by=role, water="yes")
    assert items(family)["water_safe"] is False
    assert submission.source is None
    assert submission.landing["applied"] == []
    assert submission.landing["refused"]["农户"]
    assert not Entry.objects.exists()
    assert not DepartmentRecord.objects.exists()


def test_a_record_about_no_household_is_kept_and_says_so(visit, family) -> None:
    for number, chosen in enumerate(("", "999999999", "1 or 1=1", "9" * 40)):
        version = stored(converted(text(DAY_ROW, WATER, version=str(number))))
        submission = visit((), version=version, uuid=f"uuid:{number}", household=chosen, water="yes")
        assert submission.household is None
        assert "没有选农户" in submission.landing["refused"]["农户"]


def test_a_mistake_of_ours_does_not_lose_the_record(visit, family, monkeypatch, caplog) -> None:
    def broken(self):
        raise RuntimeError("broken")

    monkeypatch.setattr(landing._Landing, "record", broken)
    submission = visit((WATER,), water="yes")
    assert submission.pk
    assert submission.source is None
    assert "管理员" in submission.landing["refused"]["全部"]
    assert items(family)["water_safe"] is False
    assert "not landed" in caplog.text
    monkeypatch.undo()
    flow.received(submission)
    assert items(family)["water_safe"] is True


def test_entries_are_counted_as_typed_shown_and_worked_out(visit, family) -> None:
    head, wife = family.members.order_by("pk")
    rows = (
        WATER,
        AREA,
        WAGE,
        "| | calculate | total | | | | |",
        MEMBERS,
    )
    source = (
        text(DAY_ROW, *rows, NOTE)
        .replace("| relevant |", "| relevant | calculation |")
        .replace("| | calculate | total | | | | |", "| | calculate | total | | | | | 1 + 1 |")
    )
    submission = visit(
        (),
        version=stored(converted(source)),
        water="no",
        area="3.5",
        wage="200",
        total="2",
        members=[
            {"members_person": head.pk, "who": "王建国", "health": "01", "signed": "yes"},
            {"members_person": wife.pk, "who": "李秀英", "health": "02", "signed": ""},
        ],
    )
    # Typed: the day, the wage, one yes, one illness. Left as shown: water, land, two names, one state of health.
    assert (submission.typed, submission.prefilled, submission.derived) == (4, 5, 1)


def test_facts_name_the_village_a_form_is_about(regions, users_by_role) -> None:
    source = (
        "| survey |\n| | type | name | label | reads |\n"
        "| | select_one_from_file village.csv | village | 哪个村 | village |\n"
        "| | integer | people | 人口 | village.population |\n"
        "| settings |\n| | form_title | form_id | version |\n| | 村 | v | 1 |\n"
    )
    submission = send(
        stored(converted(source)), {"village": regions.village.pk, "people": "5"}, users_by_role["village"]
    )
    assert submission.region_code == regions.village.code
    assert submission.landing == {"applied": [], "older": [], "refused": {}}
    assert submission.typed == 1


def told(pk: int, **subjects: str) -> SimpleNamespace:
    return SimpleNamespace(pk=pk, md5="m", published_at=NOW, conversion={"subjects": subjects}, xform="", version="")


def test_whom_takes_a_person_only_with_their_household(family, make_household) -> None:
    stranger = make_household(members=("外人",)).members.get()
    both = told(-1, household="/d/h", person="/d/p")
    assert landing.whom(both, {"/d/h": str(family.pk), "/d/p": str(stranger.pk)}).person is None
    assert landing.whom(told(-2, person="/d/p"), {"/d/p": str(stranger.pk)}).household == stranger.household
