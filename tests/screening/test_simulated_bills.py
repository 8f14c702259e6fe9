"""What-if about hospital bills: what recorded stays would cost per layer, and nothing recorded changes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.utils import timezone

from huqing.registry.models import DepartmentRecord, Entry, Label, Source
from huqing.rules.parameters import own_folders
from huqing.screening import simulation
from huqing.screening.models import Alert, Run, Simulation

pytestmark = pytest.mark.django_db
YUAN = 100


@pytest.fixture
def stays(village, settings, tmp_path):
    """A function that records stays in hospital; 张三 has the subsistence allowance, 李四 is an ordinary resident."""
    settings.DATA = tmp_path
    source = Source.objects.create(
        kind=Source.Kind.DEPARTMENT, title="医保结算明细.csv", on=dt.date(2026, 6, 1), created_at=timezone.now()
    )
    Label.objects.create(kind="dibao", household=village.poor, valid_from=dt.date(2020, 1, 1), source=source)

    def give(household, **items) -> DepartmentRecord:
        number = DepartmentRecord.objects.count() + 1
        usual = {
            "bill_number": f"YB{number}",
            "care_kind": "1",
            "settled_on": "2026-03-01",
            "total": 10_000 * YUAN,
            "eligible": 9_000 * YUAN,
            "basic_paid": 6_000 * YUAN,
            "serious_paid": 0,
            "self_paid": 1_600 * YUAN,
        }
        return DepartmentRecord.objects.create(
            kind="medical_bill",
            fingerprint=f"bill{number}",
            household=household,
            person=household.members.order_by("id").first(),
            region_code=household.region_code,
            on=dt.date(2026, 3, 1),
            items={key: value for key, value in {**usual, **items}.items() if value is not None},
            source=source,
            row_number=number + 1,
        )

    return SimpleNamespace(give=give, village=village, tmp_path=tmp_path)


def simulated(stays, screen, **texts: str) -> dict:
    screen()
    asked = simulation.ask(by=stays.village.users["county"], region="500236", texts=texts)
    done = simulation.perform(asked.pk)
    assert done is not None
    assert done.state == Simulation.State.DONE, done.message
    return done.counts["bills"]


def test_a_lower_rate_of_one_kind_of_person_says_what_it_saves_and_whom_it_burdens(stays, screen) -> None:
    stays.give(stays.village.poor)
    stays.give(stays.village.well_off)
    stays.give(stays.village.next_door, eligible=None)
    bills = simulated(
        stays, screen, aid_rate="特困: 1, 低保: 0.5, 低保边缘: 0.7, 监测对象: 0.65, 因病致贫: 0.6, 其余: 0"
    )
    # 9,000 − 6,000 settled leaves 3,000 yuan: 80 % are 2,400, 50 % are 1,500; 李四 gets none and pays 4,000.
    assert bills["layers"]["basic_pay"] == {"now": 12_000 * YUAN, "then": 12_000 * YUAN}
    assert bills["layers"]["aid_pay"] == {"now": 2_400 * YUAN, "then": 1_500 * YUAN}
    assert bills["layers"]["self_pay"] == {"now": 5_600 * YUAN, "then": 6_500 * YUAN}
    assert (bills["stays"], bills["counted"], bills["people"]) == (3, 2, 2)
    assert (bills["pay_more"], bills["pay_less"]) == (1, 0)
    assert bills["reasons"] == {"no_eligible": {"now": 1, "then": 1}}
    assert "个人自付 = 总费用 − 报销合计" in bills["formula"]
    assert "基本医保、大病保险已结算的，照结算单上的数额" in bills["formula"]


def test_basic_insurance_is_reckoned_anew_by_the_hospitals_level_when_its_rate_changes(stays, screen) -> None:
    stays.give(stays.village.poor, hospital_level="2")
    stays.give(stays.village.well_off)
    bills = simulated(stays, screen, basic_rate="乡镇级: 0.9, 县级: 0.8, 市级: 0.65, 省级: 0.55")
    # (9,000 − 400) yuan at 75 and at 80 per cent.
    assert bills["layers"]["basic_pay"] == {"now": 6_450 * YUAN, "then": 6_880 * YUAN}
    assert (bills["counted"], bills["pay_less"]) == (1, 1)
    assert bills["reasons"] == {"no_level": {"now": 1, "then": 1}}
    assert "基本医保、大病保险不照结算单" in bills["formula"]


def test_segments_are_written_as_in_a_parameter_file(stays, screen) -> None:
    stays.give(stays.village.poor, total=60_000 * YUAN, eligible=50_000 * YUAN, basic_paid=20_000 * YUAN)
    bills = simulated(stays, screen, serious_segments="[{over: 0, rate: 0.5}]")
    # 30,000 yuan are left; above half of 12,000 they are paid at 60 and at 50 per cent, and 5 more for 低保.
    assert bills["layers"]["serious_pay"] == {"now": 15_600 * YUAN, "then": 13_200 * YUAN}
    assert bills["layers"]["basic_pay"]["now"] == 20_000 * YUAN
    assert "基本医保已结算的，照结算单上的数额" in bills["formula"]


def test_a_ceiling_and_a_choice_can_be_tried_and_hold_for_stays_of_every_year(stays, screen) -> None:
    stays.give(stays.village.poor, settled_on="2024-05-01", total=12_000 * YUAN)
    bills = simulated(stays, screen, topup_scope="全部自付", aid_cap="2000")
    # Aid falls from 2,400 to 2,000; of the 4,000 yuan left in all, what exceeds 2,000 is now made up.
    assert bills["layers"]["aid_pay"] == {"now": 2_400 * YUAN, "then": 2_000 * YUAN}
    assert bills["layers"]["topup_pay"] == {"now": 0, "then": 2_000 * YUAN}
    assert bills["layers"]["self_pay"] == {"now": 3_600 * YUAN, "then": 2_000 * YUAN}
    assert (bills["first"], bills["last"]) == ("2024-05-01", "2024-05-01")


def test_a_kind_left_out_gets_no_result_and_no_sum(stays, screen) -> None:
    stays.give(stays.village.poor)
    stays.give(stays.village.well_off)
    bills = simulated(stays, screen, aid_rate="低保: 0.5")
    assert (bills["counted"], bills["only_now"], bills["only_then"]) == (1, 1, 0)
    assert bills["reasons"] == {"no_setting": {"now": 0, "then": 1}}
    assert bills["layers"]["self_pay"]["now"] == 1_600 * YUAN


def test_a_county_without_stays_is_told_so(stays, screen) -> None:
    bills = simulated(stays, screen, aid_rate="0.5")
    assert (bills["stays"], bills["counted"], bills["people"]) == (0, 0, 0)


def test_a_line_does_not_concern_the_bills(stays, screen) -> None:
    stays.give(stays.village.poor)
    assert simulated(stays, screen, monitor_line="3999") == {}


def test_neither_alerts_nor_records_nor_parameters_change(stays, screen) -> None:
    stays.give(stays.village.poor)
    screen()

    def state() -> list:
        tables = (Alert, DepartmentRecord, Label, Entry, Run)
        rows = [list(table.objects.order_by("pk").values()) for table in tables]
        taken = Path(stays.tmp_path, "snapshots")
        files = {file: file.read_bytes() for file in taken.rglob("*") if file.is_file()}
        return [rows, files, own_folders()]

    before = state()
    asked = simulation.ask(
        by=stays.village.users["county"], region="500236", texts={"aid_rate": "0.1", "basic_cap": "不设限"}
    )
    done = simulation.perform(asked.pk)
    assert done is not None
    assert done.counts["bills"]["counted"] == 0
    assert state() == before
    assert [path.name for path in simulation.folder_of(done).iterdir()] == []
