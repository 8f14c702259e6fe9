"""Removal conditions and department comparison: what is looked at, what is missing, and that a person confirms."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from huqing.access.calendar import today
from huqing.cases import actions as cases
from huqing.cases import confirming, needs
from huqing.cases.errors import CaseError
from huqing.cases.models import CaseStep, Evidence
from huqing.intake.models import Import
from huqing.plans import actions as plans
from huqing.plans import comparison, removal
from huqing.registry.models import DepartmentRecord, Household, Label, Person, Source

from .conftest import DAY, NOW, ledger

INCOME = {
    "wage_income": 6_000_000,
    "business_income": 0,
    "property_income": 0,
    "transfer_income": 0,
    "business_cost": 0,
    "identified_on": "2022-01-05",
    "dangerous_house": False,
    "water_safe": True,
}
MEMBER = {"labour": "01", "resident_insurance": True, "employee_insurance": False}


def department(household: Household, kind: str, person: Person | None = None, **items: object) -> DepartmentRecord:
    source = Source.objects.create(kind="department", record_kind=kind, title=f"{kind}.xlsx", on=DAY, created_at=NOW)
    return DepartmentRecord.objects.create(
        kind=kind,
        fingerprint=f"{kind}-{household.pk}-{items}"[:64],
        household=household,
        person=person,
        region_code=household.region_code,
        items=items,
        source=source,
        row_number=1,
    )


@pytest.fixture
def ready(regions, make_household) -> Household:
    """A household that fulfils every condition; another one makes the county have all files."""
    household = make_household(grid=regions.grid, members=("张三", "李四"), items=dict(INCOME))
    for person in household.members.all():
        person.birth_date, person.items = dt.date(1980, 1, 1), dict(MEMBER)
        person.save()
    ledger(household, state="2", started_on="2022-01-06")
    Label.objects.create(kind="monitor", household=household, valid_from=dt.date(2022, 1, 5))
    other = make_household(members=("赵六",))
    head = other.members.get()
    department(other, "insured", head, year=2026, insurance_kind="1")
    department(other, "medical_bill", head, settled_on="2020-01-01", self_paid=0)
    department(other, "school_enrolment", head, enrolment_state="5", term="2025-2026-2")
    department(other, "housing", assessed_on="2024-01-01", grade="A")
    department(other, "water", tested_on="2024-01-01")
    return household


def states(household: Household) -> dict[str, str]:
    return {one.key: one.state for one in removal.conditions(household, DAY)}


def test_every_condition_is_told_met_not_met_or_unknown(ready) -> None:
    assert set(states(ready)) == set(removal.CONDITIONS)
    assert set(states(ready).values()) == {removal.MET}
    ready.items |= {"wage_income": 100_000, "dangerous_house": None, "identified_on": "2026-05-01"}
    ready.save()
    told = {one.key: one for one in removal.conditions(ready, DAY)}
    assert {key for key, one in told.items() if one.state == removal.UNMET} == {"removal_income", "removal_months"}
    assert ("人均纯收入（计算值）", "500.00 元/人·年") in told["removal_income"].values
    assert told["removal_months"].resolve
    assert told["removal_housing"].state == removal.UNKNOWN
    assert "是否危房户" in told["removal_housing"].text


def test_a_file_the_county_never_took_in_leaves_a_condition_unknown(ready) -> None:
    DepartmentRecord.objects.filter(kind="insured").delete()
    (one,) = [one for one in removal.conditions(ready, DAY) if one.key == "removal_insurance"]
    assert one.state == removal.UNKNOWN
    assert "还没有导入“基本医保参保名单”" in one.text


def tracked(household: Household, users: dict) -> cases.Case:
    """A case that is tracked, as a county brings it over from its earlier system."""
    case = cases.open_case(household=household, source="2", clue="走访发现大病支出", by=users["village"])
    case.state = case.procedure.states.get(key="tracking")
    case.save()
    return case


def test_a_removal_waits_for_what_is_not_met_and_for_a_fresh_look(ready, users_by_role) -> None:
    village = users_by_role["village"]
    ready.items["wage_income"] = 100_000
    ready.save()
    case = tracked(ready, users_by_role)
    with pytest.raises(CaseError, match="请打开“核对消除条件”"):
        cases.record_evidence(case=case, kind="conditions", on=today(), content={"text": "都达到了"}, by=village)
    confirming.confirm_conditions(case=case, by=village, note="收入还不够")
    with pytest.raises(CaseError, match="收入高于监测线：没有达到"):
        cases.take(case=case, move="propose_removal", by=village, turn=case.turn)
    ready.items["wage_income"], ready.updated_at = 6_000_000, timezone.now()
    ready.save()
    with pytest.raises(CaseError, match="请重新核对"):
        cases.take(case=case, move="propose_removal", by=village, turn=case.turn)
    paper = confirming.confirm_conditions(case=case, by=village, note="收入已稳定")
    assert removal.unmet(paper.content["conditions"]) == []
    cases.take(case=case, move="propose_removal", by=village, turn=case.turn)
    assert case.state.key == "removal_check"


def test_departments_are_compared_only_with_a_signed_authorisation(ready, users_by_role) -> None:
    village = users_by_role["village"]
    case = cases.open_case(household=ready, source="2", clue="走访发现大病支出", by=village)
    with pytest.raises(CaseError, match="还没有登记农户签字的承诺授权书"):
        confirming.confirm_comparison(case=case, by=village, note="没有出入")
    signer = ready.members.first().pk
    cases.record_evidence(case=case, kind="authorisation", on=today(), content={"signed_by": signer}, by=village)
    with pytest.raises(CaseError, match="请打开“部门信息比对”"):
        cases.record_evidence(case=case, kind="comparison", on=today(), content={"text": "没有出入"}, by=village)
    confirming.confirm_comparison(case=case, by=village, note="没有出入")
    assert needs.present(case)["comparison"].content["text"] == "没有出入"


def test_the_comparison_shows_rows_differences_and_what_was_never_taken_in(ready) -> None:
    head = ready.members.get(name="张三")
    department(
        ready, "asset", head, asset_kind="1", detail="渝F12345 轿车", value=12_000_000, registered_on="2025-03-01"
    )
    department(ready, "housing", assessed_on="2025-06-01", grade="D", lived_in=True)
    Import.objects.create(
        state="applied",
        record_kind="death",
        file_name="死亡人口信息.csv",
        file_hash="0",
        stored_as="x",
        data_date=DAY,
        region_code="500236",
        created_at=NOW,
        applied_at=NOW,
    )
    found = {one.kind: one for one in comparison.compare(ready, DAY).departments}
    (car,) = found["asset"].rows
    assert (car.who, car.source) == ("张三", "asset.xlsx")
    assert ("估值", "120,000") in car.facts
    assert "渝F12345" not in str(car.facts)  # free text is on no whitelist
    assert found["asset"].differences == ()
    assert "还没有导入“社会救助对象名册”" in found["asset"].open_questions[0]
    assert "鉴定" in found["housing"].differences[0]
    assert found["death"].missing == (
        "没有公安局的死亡人口信息，最后一次导入是 2024-06-01 的“死亡人口信息.csv”（数据日期 2026-06-10）。"
    )
    assert found["disability"].missing == "没有残疾人联合会的持证残疾人名册，从来没有导入过。"
    frozen = comparison.frozen(comparison.compare(ready, DAY), "已核实")
    assert {one["kind"] for one in frozen["departments"]} == set(found)
    other = Person.objects.get(name="赵六")
    department(other.household, "civil_affairs", other, aid_kind="1", aid_from="2020-01-01", aid_to="2021-01-01")
    again = {one.kind: one for one in comparison.compare(ready, DAY).departments}
    assert again["asset"].differences == ("监测对象、低保或特困家庭成员名下有估值超过限值的机动车。",)
    said = dict(comparison.compare(ready, DAY).said)
    assert (said["工资性收入"], said["养老保险金"]) == ("60,000 元/年", "没有填")


def test_a_case_ends_when_the_help_does(ready, helper, users_by_role, clock) -> None:
    town = users_by_role["town"]
    clock.day = today()
    case = tracked(ready, users_by_role)
    case.state = case.procedure.states.get(key="cleared")
    case.save()
    plan = plans.make_plan(household=ready, by=town, risks=["07"])
    begun = {"measure_group": "100A42", "measure_item": "4201", "state": "2", "started_on": today().isoformat()}
    until = today() + dt.timedelta(days=200)
    plans.add_measure(plan=plan, by=town, staff=helper, values=begun, lasts_until=until)
    with pytest.raises(CaseError, match=f"还有 1 项帮扶没有到期：生态护林员，到岗位协议期满（{until}）"):
        cases.take(case=case, move="close", by=town, turn=case.turn, reason="后续帮扶到期")
    measure = plan.measures.get()
    measure.lasts_until = today()
    measure.save()
    done = {"state": "3", "ended_on": today().isoformat(), "result": "协议期满，已转到合作社务工"}
    plans.change_measure(measure=measure, by=town, values=done)
    cases.take(case=case, move="close", by=town, turn=case.turn, reason="后续帮扶到期")
    assert case.closed_on == today()


def test_help_that_was_over_before_the_risk_was_found_is_no_help_against_it(
    regions, make_household, users_by_role
) -> None:
    household = make_household(grid=regions.grid, members=("张三",))
    case = cases.open_case(household=household, source="2", clue="走访发现大病支出", by=users_by_role["village"])
    before = (case.opened_on - dt.timedelta(days=1)).isoformat()
    wanting = "还没有已经实施的帮扶措施"
    ledger(household, state="3", started_on="2019-01-06", ended_on=before)
    ledger(household, state="3")  # done, nobody knows when
    ledger(household, state="1", started_on="")
    assert wanting in needs.missing(case, ("measure",), today())[0]
    ledger(household, state="3", started_on=before, ended_on=case.opened_on.isoformat())
    assert needs.missing(case, ("measure",), today()) == []
    # Found again after it was cleared, the household needs help against the new risk.
    later = case.opened_on + dt.timedelta(days=400)
    common = {"case": case, "move": "relapse", "title": "再次出现风险", "before": "cleared", "at": timezone.now()}
    CaseStep.objects.create(turn=1, after="verifying", on=later, by=users_by_role["town"], **common)
    assert wanting in needs.missing(case, ("measure",), later)[0]
    ledger(household, state="2", started_on="2022-01-06")
    assert needs.missing(case, ("measure",), later) == []


def test_conditions_that_were_looked_at_long_ago_or_last_year_are_looked_at_again(ready, users_by_role) -> None:
    village = users_by_role["village"]
    case = tracked(ready, users_by_role)
    paper = confirming.confirm_conditions(case=case, by=village, note="都达到了")
    assert needs.missing(case, ("conditions",), today()) == []
    assert "请重新核对" in needs.missing(case, ("conditions",), paper.on + dt.timedelta(days=31))[0]
    Evidence.objects.filter(pk=paper.pk).update(on=dt.date(2025, 12, 31))
    assert "请重新核对" in needs.missing(case, ("conditions",), dt.date(2026, 1, 2))[0]
