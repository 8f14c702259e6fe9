"""What-if: who would enter or leave with other parameters, without an alert being touched."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.rules.parameters import own_folders
from huqing.screening import outcomes, proposals, simulation
from huqing.screening.actions import ScreeningError
from huqing.screening.models import Alert, Run, Simulation

pytestmark = pytest.mark.django_db


@pytest.fixture
def screened(village, screen, settings, tmp_path):
    """The village after a screening, in a data folder of its own."""
    settings.DATA = tmp_path
    village.run = screen()
    return village


def ask(village, texts, note="", by="county") -> Simulation:
    return simulation.ask(by=village.users[by], region="500236", texts=texts, note=note)


def simulated(village, texts) -> Simulation:
    done = simulation.perform(ask(village, texts).pk)
    assert done is not None
    assert done.state == Simulation.State.DONE, done.message
    return done


def test_a_lower_line_lets_households_leave_and_says_what_it_would_save(screened) -> None:
    # 张三 and 王五 earn 300,000 + 100,000 fen alone: 4,000 yuan, below 9,000 and above 3,999.
    done = simulated(screened, {"monitor_line": "3999"})
    tally = done.counts["by_finding"]["income_below_line"]
    assert (tally["now"], tally["then"], tally["enter"], tally["leave"]) == (2, 0, 0, 2)
    assert done.counts["leave_households"] == 2
    assert done.counts["by_town"]["500236101"]["leave_households"] == 2
    (cost,) = done.counts["costs"]
    assert cost["now"] == {"households": 2, "heads": 2, "fen": 2 * (900_000 - 400_000), "unknown": 0}
    assert cost["then"]["fen"] == 0
    assert "（线 − 人均纯收入）× 在世家庭人口" in cost["formula"]


def test_a_higher_line_lets_households_enter_each_with_its_village(screened) -> None:
    # 李四 and his son earn 9,000,000 + 100,000 fen: 45,500 yuan a head.
    done = simulated(screened, {"monitor_line": "45500.01"})
    found, total = outcomes.movers(
        simulation.folder_of(done), direction="enter", finding="income_below_line", region="500236101"
    )
    assert total == 1
    assert (found[0].household_id, found[0].region_code) == (screened.well_off.pk, screened.well_off.region_code)
    assert (found[0].was, found[0].becomes) == ("not", "found")
    near = done.counts["by_finding"]["income_near_line"]
    assert near["then"] == 0
    assert done.counts["costs"][0]["then"] == {
        "households": 3,
        "heads": 4,
        "fen": 2 * (4_550_001 - 400_000) + 2 * 1,
        "unknown": 0,
    }


def test_no_alert_and_no_parameter_changes(screened) -> None:
    before = list(Alert.objects.order_by("pk").values())
    folders = own_folders()
    simulated(screened, {"monitor_line": "99999", "near_line_factor": "2"})
    assert list(Alert.objects.order_by("pk").values()) == before
    assert own_folders() == folders
    assert Run.objects.count() == 1


def test_foreign_households_are_not_in_it(screened) -> None:
    done = simulated(screened, {"monitor_line": "99999"})
    found, _ = outcomes.movers(simulation.folder_of(done))
    assert screened.foreign.pk not in {mover.household_id for mover in found}


def test_a_parameter_without_value_can_be_given_one(screened, tmp_path, monkeypatch) -> None:
    """A rule that does not run for want of a value shows whom it would find."""
    from huqing.rules import parameters

    shipped = parameters.load

    def without(*folders: Path):
        found = shipped(*folders)
        key = found["monitor_line"]
        kept = tuple(value for value in key.values if value.region != "500236" or value.status == "模拟")
        found._by_key["monitor_line"] = parameters.replace(key, values=kept)
        return found

    monkeypatch.setattr("huqing.rules.library.load", without)
    from huqing.rules.library import _library

    _library.cache_clear()
    try:
        done = simulated(screened, {"monitor_line": "9000"})
    finally:
        _library.cache_clear()
    assert done.changes[0]["now"] == "没有取值"
    assert "income_below_line" in done.counts["not_run"]["now"]
    assert done.counts["by_finding"]["income_below_line"]["enter"] == 2
    assert done.counts["costs"][0]["now"] is None


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("monitor_line", "很多", "不是数。只写数字，不写单位"),
        ("monitor_line", "-1", "不能小于 0"),
        ("monitor_line", "", "没有填"),
        ("monitor_line", "9000.001", "最多两位小数"),
        ("monitor_line", "99999999999", "太大了"),
        ("monitor_line", "nan", "不是数"),
        ("monitor_line", "1e400", "太大了"),
        ("monitor_line", "９，０００", "和现在一样"),
        ("clear_months", "6.5", "要填整数"),
        ("burden_ratio", "50", "50% 写 0.5"),
        ("burden_ratio", "150%", "50% 写 0.5"),
        ("burden_ratio", "50%", "和现在一样"),
        ("monitor_line", "50%", "不是数"),
        ("aid_rate", "特困：100%，低保：80％，低保边缘：70%，监测对象：65%，因病致贫：60%，其余：0%", "和现在一样"),
        ("water_assurance", "101", "0 到 100"),
        ("no_such_parameter", "1", "没有参数"),
        ("basic_rate", "县级: 0.5, 村级: 0.9", "村级，不在“医疗机构级别”中"),
        ("basic_rate", "县级: 0.5, 县级: 0.9", "“县级”写了两次"),
        ("basic_rate", "县级: 1.5", "不在0到1之间"),
        ("basic_rate", "{县级: 0.5", "看不懂"),
        ("basic_rate", "{}", "一类也没有写"),
        ("basic_rate", "县级: 1e999999999", "认不得的符号"),
        ("basic_rate", "&a [*a]", "认不得的符号"),
        ("basic_rate", "[" * 50, "写得太长"),
        ("aid_cap", "低保: -1, 其余: 0", "不能小于 0"),
        ("aid_rate", "特困：1，低保：0.80、低保边缘：0.7；监测对象：0.65，因病致贫：0.6，其余：0", "和现在一样"),
        ("serious_segments", "0.6", "分段写得不对"),
        ("serious_segments", "", "没有填"),
        ("serious_segments", "[{over: 30000, rate: 0.6}, {over: 0, rate: 0.7}]", "没有从小到大"),
        ("monitor_line", "不设限", "不能是不设限"),
        ("education_yulu", "1234", "没有筛查规则和住院账单用到"),
        ("bill_day", "出院日期", "只能选"),
    ],
)
def test_values_that_cannot_be_used_are_refused_with_what_to_write(screened, key, text, said) -> None:
    with pytest.raises(proposals.ProposalError, match=said) as told:
        ask(screened, {key: text})
    assert told.value.parameter == key
    assert not Simulation.objects.exists()
    assert not AuditEvent.objects.filter(action="simulation_ask").exists()


def test_only_the_county_office_may_simulate_and_only_its_county(screened) -> None:
    for role in ("town", "village", "grid", "reader", "department", "system_admin"):
        with pytest.raises(Refused):
            ask(screened, {"monitor_line": "1"}, by=role)
    with pytest.raises(Refused, match="不是全县"):
        simulation.ask(by=screened.users["county"], region="500237", texts={"monitor_line": "1"})


def test_before_the_first_screening_there_is_nothing_to_compute(village) -> None:
    with pytest.raises(ScreeningError, match="还没有筛查过"):
        ask(village, {"monitor_line": "1"})


def test_who_asked_for_what_is_in_the_log(screened) -> None:
    asked = ask(screened, {"monitor_line": "10,000"}, note="讨论明年的线")
    event = AuditEvent.objects.get(action="simulation_ask")
    assert event.subject_id == str(asked.pk)
    assert event.detail == {"monitor_line": "9,000.00 元/人·年 → 10,000.00 元/人·年"}


def test_a_few_may_wait_and_no_more(screened) -> None:
    for line in range(simulation.MOST_WAITING):
        ask(screened, {"monitor_line": str(1000 + line)})
    with pytest.raises(ScreeningError, match="已有 3 次试算在排队"):
        ask(screened, {"monitor_line": "5000"})


def test_each_is_computed_once(screened) -> None:
    first, second = ask(screened, {"monitor_line": "1"}), ask(screened, {"monitor_line": "2"})
    assert simulation.perform(first.pk).state == Simulation.State.DONE
    assert simulation.perform(first.pk) is None
    assert simulation.perform(second.pk).state == Simulation.State.DONE


def test_the_last_results_are_kept(screened, monkeypatch) -> None:
    monkeypatch.setattr(simulation, "KEEP", 2)
    done = [simulated(screened, {"monitor_line": str(line)}) for line in (1, 2, 3)]
    assert list(Simulation.objects.order_by("pk").values_list("pk", flat=True)) == [done[1].pk, done[2].pk]
    assert sorted(path.name for path in simulation.root().iterdir()) == [str(done[1].pk), str(done[2].pk)]


def test_a_snapshot_that_is_gone_is_said(screened, tmp_path) -> None:
    asked = ask(screened, {"monitor_line": "1"})
    for file in (Path(django_settings.DATA) / "snapshots" / "500236").rglob("manifest.json"):
        file.unlink()
    done = simulation.perform(asked.pk)
    assert done.state == Simulation.State.FAILED
    assert "重新筛查" in done.message
    assert list(simulation.root().iterdir()) == []


def test_a_full_disk_is_said_and_nothing_is_left(screened, monkeypatch) -> None:
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("huqing.screening.outcomes.compare", full)
    done = simulation.perform(ask(screened, {"monitor_line": "1"}).pk)
    assert done.state == Simulation.State.FAILED
    assert done.message == "磁盘空间已满，试算没有完成，预警没有变动。请清理磁盘后重新试算。"
    assert list(simulation.root().iterdir()) == []


def test_what_a_killed_process_left_is_cleared_up(screened) -> None:
    asked = ask(screened, {"monitor_line": "1"})
    Simulation.objects.update(state=Simulation.State.RUNNING)
    left = simulation.root() / f"{simulation.UNFINISHED}{asked.pk}"
    (left / "now").mkdir(parents=True)
    assert simulation.recover() == 1
    asked.refresh_from_db()
    assert asked.state == Simulation.State.FAILED
    assert "重新试算" in asked.message
    assert not left.exists()
    assert simulation.recover() == 0


def test_results_can_be_thrown_away_once_they_are_there(screened) -> None:
    waiting = ask(screened, {"monitor_line": "1"})
    with pytest.raises(ScreeningError, match="还没有算完"):
        simulation.delete(simulation=waiting, by=screened.users["county"])
    done = simulation.perform(waiting.pk)
    simulation.delete(simulation=done, by=screened.users["county"])
    assert not Simulation.objects.exists()
    assert AuditEvent.objects.filter(action="simulation_delete").count() == 1


def test_a_year_of_data_is_named(screened) -> None:
    assert simulation.as_of_now("500236") == dt.date(2026, 6, 30)
    assert simulation.as_of_now("500237") is None
