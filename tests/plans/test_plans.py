"""One household, one plan: measures are entered once, answer risks, have an end, and every day's plan is kept."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError

from huqing.access.models import AuditEvent, User
from huqing.access.permissions import Refused
from huqing.intake.errors import UndoRefused
from huqing.intake.signals import undoing
from huqing.plans import actions, queries
from huqing.plans.declarations import declared, group_of
from huqing.plans.errors import PlanError
from huqing.plans.lines import lines_of, matches
from huqing.plans.proposals import propose
from huqing.registry.models import DepartmentRecord, Household, Label
from huqing.rules.library import library
from huqing.screening.models import Alert
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds

from .conftest import DAY, ledger

HELP = {"measure_group": "100A45", "measure_item": "4502"}
LOAN = {"measure_group": "100A41", "measure_item": "4101", "state": "2", "started_on": "2026-05-01"}


def rows(household) -> list[DepartmentRecord]:
    return list(DepartmentRecord.objects.filter(household=household, kind="measure", retired_by=None))


def test_a_measure_of_the_plan_is_the_ledgers_row_that_the_rules_read(plan, household, helper, users_by_role) -> None:
    made = actions.add_measure(plan=plan, by=users_by_role["village"], staff=helper, planned=120_000, values=HELP)
    (row,) = rows(household)
    assert row.items == {**HELP, "registered_on": DAY.isoformat(), "state": "1"}
    assert (made.fingerprint, made.planned, made.risks) == (row.fingerprint, 120_000, ["01"])
    with pytest.raises(Exception, match="已登记过同样的帮扶措施台账"):
        actions.add_measure(plan=plan, by=users_by_role["village"], staff=helper, values=HELP)
    assert len(rows(household)) == 1
    assert AuditEvent.objects.filter(action="measure_add").count() == 1


def test_an_imported_measure_shows_in_the_plan_and_is_not_entered_again(plan, household, helper, users_by_role) -> None:
    row = ledger(household)
    (line,) = lines_of(household, plan, DAY)
    assert (line.planned, line.imported, line.title) == (None, True, "产业奖补")
    actions.take_up_measure(plan=plan, record=row, by=users_by_role["village"], staff=helper)
    (line,) = lines_of(household, plan, DAY)
    assert line.planned is not None
    assert len(rows(household)) == 1
    # The next file brings a new version of the same row: the plan shows it.
    DepartmentRecord.objects.filter(pk=row.pk).update(retired_by=row.source)
    ledger(household, state="3", ended_on="2026-06-01", result="增收两千元")
    (line,) = lines_of(household, plan, DAY)
    assert (line.planned is not None, line.state_title) == (True, "已完成")


def test_the_draft_is_made_of_file_alerts_and_what_is_missing(household) -> None:
    Alert.objects.create(
        finding="unsafe_water",
        household=household,
        region_code=household.region_code,
        severity="high",
        evidence_hash="0" * 64,
        opened_on=DAY,
        seen_on=DAY,
    )
    ledger(household, measure_group="100A45", measure_item="4502")
    draft = propose(household, DAY)
    assert [(one.code, one.why) for one in draft.risks] == [("01", "户档案"), ("10", "预警“饮水不安全”")]
    assert [one.code for one in draft.measures] == ["5101"]  # illness is answered already
    assert draft.causes == ["01"]


def test_risks_of_the_plan_are_written_into_the_file_once(household, users_by_role, clock) -> None:
    actions.make_plan(household=household, by=users_by_role["village"], risks=["01", "08"])
    household.refresh_from_db()
    assert household.items["risks"] == ["01", "08"]
    with pytest.raises(PlanError, match="已有一份没有结束的计划"):
        actions.make_plan(household=household, by=users_by_role["village"], risks=["01"])


def test_whether_a_measure_answers_a_risk_is_said_in_words(plan, household, helper, users_by_role) -> None:
    assert [(one.state, one.text) for one in matches(["01"], lines_of(household, plan, DAY))] == [
        ("unmet", "还没有对症的措施，应有健康帮扶或社会帮扶。")
    ]
    made = actions.add_measure(plan=plan, by=users_by_role["village"], staff=helper, values=HELP)
    assert matches(["01"], lines_of(household, plan, DAY))[0].state == "waiting"
    actions.change_measure(
        measure=made, by=users_by_role["village"], values={"state": "2", "started_on": DAY.isoformat()}
    )
    assert matches(["01"], lines_of(household, plan, DAY))[0].text == "有对症的措施：医疗救助。"


def test_a_finished_measure_says_when_and_what_came_of_it(plan, helper, users_by_role, clock) -> None:
    made = actions.add_measure(plan=plan, by=users_by_role["village"], staff=helper, values=HELP)
    with pytest.raises(ValidationError) as refused:
        actions.change_measure(measure=made, by=users_by_role["village"], values={"state": "3"})
    assert set(refused.value.message_dict) == {"started_on", "ended_on", "result"}
    done = {"state": "3", "started_on": "2026-06-01", "ended_on": DAY.isoformat(), "result": "报销到位"}
    actions.change_measure(measure=made, by=users_by_role["village"], values=done)
    (row,) = rows(plan.household)
    assert row.items["result"] == "报销到位"
    assert row.items["registered_on"] == DAY.isoformat()


def test_a_loan_runs_to_its_end_and_the_plan_with_it(plan, household, helper, users_by_role, clock) -> None:
    village = users_by_role["village"]
    until = dt.date(2027, 5, 1)
    made = actions.add_measure(plan=plan, by=village, staff=helper, values=LOAN, lasts_until=until)
    assert made.lasts == "contract"
    early = {"state": "3", "ended_on": DAY.isoformat(), "result": "提前收回"}
    with pytest.raises(ValidationError, match="要到合同到期（2027-05-01）"):
        actions.change_measure(measure=made, by=village, values=early)
    with pytest.raises(PlanError, match=r"还有 1 项措施没有完成：小额信贷，到合同到期（2027-05-01）"):
        actions.close_plan(plan=plan, by=village, reason="风险已消除")
    assert [line.title for line in queries.help_goes_on(household, DAY)] == ["小额信贷"]
    clock.day = until
    actions.change_measure(
        measure=made, by=village, values={"state": "3", "ended_on": until.isoformat(), "result": "按期还清"}
    )
    closed = actions.close_plan(plan=plan, by=village, reason="后续帮扶到期")
    assert (closed.closed_on, queries.open_plan(household)) == (until, None)
    with pytest.raises(PlanError, match="计划已结束"):
        actions.revise_plan(plan=plan, by=village, risks=["01"], reason="再改一次")


def test_a_version_is_the_plan_at_the_end_of_a_day(plan, helper, users_by_role, clock) -> None:
    village = users_by_role["village"]
    actions.add_measure(plan=plan, by=village, staff=helper, values=HELP)
    assert [(one.number, one.reason) for one in plan.versions.all()] == [(1, "制定计划；增加措施")]
    clock.day += dt.timedelta(days=30)
    changed = actions.revise_plan(plan=plan, by=village, risks=["01", "07"], reason="户主务工中断", aim="就近就业")
    assert changed.version == 2
    second, first = plan.versions.all()
    assert (first.content["risks"], first.content["aim"]) == (["01"], "看病不欠账")
    assert (second.content["risks"], second.content["measures"][0]["staff"]) == (["01", "07"], "王干部")


def test_what_never_began_leaves_the_ledger_with_the_plan(plan, household, helper, users_by_role) -> None:
    village = users_by_role["village"]
    made = actions.add_measure(plan=plan, by=village, staff=helper, values=HELP)
    actions.drop_measure(measure=made, by=village, reason="户主不愿意")
    assert rows(household) == []
    row = ledger(household)
    taken = actions.take_up_measure(plan=plan, record=row, by=village, staff=helper)
    actions.drop_measure(measure=taken, by=village, reason="重复登记了")
    assert rows(household) == [row]
    begun = actions.add_measure(plan=plan, by=village, staff=helper, values=LOAN)
    with pytest.raises(PlanError, match="已经实施的措施不能移出"):
        actions.drop_measure(measure=begun, by=village, reason="不想要了")


def test_who_carries_a_measure_out_reports_it_and_nothing_else(plan, helper, users_by_role, regions) -> None:
    made = actions.add_measure(plan=plan, by=users_by_role["village"], staff=helper, values=HELP)
    begun = {"state": "2", "started_on": DAY.isoformat()}
    with pytest.raises(Refused, match="不在您的管辖范围"):
        actions.change_measure(measure=made, by=users_by_role["visitor"], values=begun)
    from huqing.teams.models import Responsibility

    staff = helper
    staff.user = users_by_role["visitor"]
    staff.save()
    Responsibility.objects.create(
        staff=staff, role="helper", household=plan.household, region_code=plan.household.region_code, since=DAY
    )
    actions.change_measure(measure=made, by=users_by_role["visitor"], values=begun)
    with pytest.raises(Refused, match="不能改fund_source"):
        actions.change_measure(measure=made, by=users_by_role["visitor"], values={"fund_source": "1"})
    with pytest.raises(Refused, match="制定帮扶计划"):
        actions.drop_measure(measure=made, by=users_by_role["visitor"], reason="不需要了")
    with pytest.raises(Refused):
        actions.make_plan(household=plan.household, by=users_by_role["reader"], risks=["01"])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"measure_group": "100A39", "measure_item": "4502"}, "measure_item"),
        ({**HELP, "state": "9"}, "state"),
        ({**HELP, "amount": "-5"}, "amount"),
        ({**HELP, "state": "2"}, "started_on"),
        ({**HELP, "state": "2", "started_on": "2026-06-01", "ended_on": "2026-05-01"}, "ended_on"),
        ({**HELP, "started_on": "2026-06-01"}, "state"),
    ],
)
def test_what_does_not_fit_is_named_by_field(plan, helper, users_by_role, values, field) -> None:
    with pytest.raises(ValidationError) as refused:
        actions.add_measure(plan=plan, by=users_by_role["village"], staff=helper, values=values)
    assert set(refused.value.message_dict) == {field}
    assert rows(plan.household) == []


def test_nobody_is_responsible_for_nothing(plan, helper, users_by_role) -> None:
    with pytest.raises(ValidationError, match="请写责任人姓名"):
        actions.add_measure(plan=plan, by=users_by_role["village"], staff=None, values=HELP)
    helper.left_on = DAY - dt.timedelta(days=1)
    helper.save()
    with pytest.raises(ValidationError, match="已离任"):
        actions.add_measure(plan=plan, by=users_by_role["village"], staff=helper, values=HELP)


def test_numbers_of_people_do_not_get_into_a_plan(household, users_by_role, clock) -> None:
    plan = actions.make_plan(
        household=household, by=users_by_role["village"], risks=["01"], situation="联系电话 13912345678"
    )
    assert "13912345678" not in plan.situation


def test_the_list_names_gaps_and_follows_those_whose_risk_is_removed(
    plan, household, helper, users_by_role, make_household, regions
) -> None:
    county: User = users_by_role["county"]
    other = make_household(members=("赵六",))
    foreign = make_household(village=regions.foreign_village, members=("外县",))
    for one in (household, other, foreign):
        Label.objects.create(kind="monitor", household=one, valid_from=dt.date(2025, 1, 1))

    def listed(gap: str) -> list[str]:
        return [one.head_name for one in queries.listed(county, day=DAY, gap=gap).order_by("pk")]

    assert listed("") == ["张三", "赵六"]
    assert listed("plan") == ["赵六"]
    assert listed("measure") == ["张三", "赵六"]
    actions.add_measure(plan=plan, by=county, staff=helper, values=LOAN)
    assert listed("measure") == ["赵六"]
    assert listed("after") == []
    Label.objects.filter(household=household).update(valid_to=DAY)
    assert (listed("after"), listed("plan")) == (["张三"], ["赵六"])
    counts = queries.gap_counts(county, day=DAY)
    assert (counts["plan"], counts["measure"], counts["after"]) == (1, 1, 1)
    told = queries.summaries([household], DAY)[household.pk]
    assert (told.measures, told.people, told.overdue) == (1, ("王干部",), 0)


def test_an_import_that_made_households_with_plans_is_not_undone(plan, household) -> None:
    source = ledger(household).source
    Household.objects.filter(pk=household.pk).update(created_by_source=source)
    with pytest.raises(UndoRefused, match="已有 1 份帮扶计划"):
        undoing.send(sender=None, intake=SimpleNamespace(source=source))


def test_the_declarations_name_what_exists_and_agree_with_the_rule() -> None:
    known, groups, items = declared(), codelist("measure_group"), codelist("measure")
    assert set(known.answers) == set(codelist("risk_type").codes) - {"99"}
    for answer in known.answers.values():
        assert set(answer.groups) <= set(groups.codes)
        assert {group_of(item) for item in answer.suggest} <= set(answer.groups)
        assert answer.source
        assert answer.status in ("V", "V3", "G", "L")
    assert {code: answer.groups for code, answer in known.answers.items() if answer.status == "V3"} == {
        "01": ("100A45", "100A52"),
        "03": ("100A48", "100A52"),
        "08": ("100A50", "100A53"),
        "09": ("100A46", "100A47", "100A52"),
        "10": ("100A51",),
    }
    assert set(known.lasting) <= set(groups.codes) | set(items.codes)
    findings = library().findings
    assert set(known.risk_of) <= set(findings)
    for kind, compared in known.compared.items():
        declared_fields = {field.key: field for field in record_kinds()[kind].items}
        assert set(compared.fields) <= set(declared_fields)
        assert set(compared.findings) <= set(findings) - set(library().countywide)
    assert set(known.income) <= {field.key for field in record_kinds()["household"].items}
