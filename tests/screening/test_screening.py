"""What an office sees of alerts from one screening to the next."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from django.utils import timezone

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.registry.models import Entry, Household, Region, Source
from huqing.registry.signals import regions_recoded
from huqing.screening import actions, queries
from huqing.screening.models import Alert, Run

pytestmark = pytest.mark.django_db(transaction=True)
LATER = dt.date(2026, 7, 1)


def open_findings(household: Household) -> set[str]:
    return set(household.alerts.filter(state=Alert.State.OPEN).values_list("finding", flat=True))


def alert_of(household: Household, finding: str) -> Alert:
    return household.alerts.get(finding=finding)


def test_a_screening_opens_alerts_with_the_values_they_rest_on(village, screen):
    run = screen()
    assert run.state == Run.State.DONE
    assert run.counts["households"] == 3
    assert "income_below_line" in open_findings(village.poor)
    assert "income_below_line" not in open_findings(village.well_off)
    alert = alert_of(village.poor, "income_below_line")
    assert alert.severity == "high"
    assert alert.evidence["net_income_per_head"] == 400_000
    assert alert.region_code == village.regions.village.code


def test_another_county_is_not_screened(village, screen):
    screen()
    assert not village.foreign.alerts.exists()


def test_the_same_data_screened_again_change_nothing(village, screen):
    screen()
    before = list(Alert.objects.order_by("pk").values_list("pk", "state", "evidence_hash", "opened_on"))
    second = screen()
    assert (second.counts["opened"], second.counts["closed"]) == (0, 0)
    assert second.counts["kept"] == len(before)
    assert list(Alert.objects.order_by("pk").values_list("pk", "state", "evidence_hash", "opened_on")) == before


def test_an_alert_closes_itself_when_the_data_no_longer_say_so(village, screen):
    screen()
    Household.objects.filter(pk=village.poor.pk).update(items=village.well_off.items)
    screen(LATER)
    alert = alert_of(village.poor, "income_below_line")
    assert (alert.state, alert.closed_on) == (Alert.State.CLOSED, LATER)


def test_a_missing_value_neither_closes_an_alert_nor_opens_one(village, screen):
    screen()
    without = {key: value for key, value in village.poor.items.items() if key != "wage_income"}
    Household.objects.filter(pk__in=[village.poor.pk, village.well_off.pk]).update(items=without)
    run = screen(LATER)
    assert alert_of(village.poor, "income_below_line").state == Alert.State.OPEN
    assert "income_below_line" not in open_findings(village.well_off)
    county = village.users["county"]
    assert queries.unknown_counts(run, county)["income_below_line"] == 2
    listed = {item.household_id for item in queries.unknown_list(run, county, "income_below_line")}
    assert listed == {village.poor.pk, village.well_off.pk}


def test_what_cannot_be_judged_is_listed_only_to_those_who_may_see_the_household(village, screen, regions):
    without = {key: value for key, value in village.poor.items.items() if key != "wage_income"}
    Household.objects.filter(pk=village.poor.pk).update(items=without, grid=regions.next_grid)
    Household.objects.filter(pk=village.next_door.pk).update(items=without)
    run = screen()
    seen = {role: queries.unknown_counts(run, user).get("income_below_line", 0) for role, user in village.users.items()}
    assert seen["county"] == 2
    assert seen["village"] == 1
    assert seen["grid"] == 0
    assert seen["department"] == seen["audit_admin"] == seen["system_admin"] == 0


def test_an_alert_stays_when_the_whole_department_file_is_gone(village, screen, assess):
    record = assess(village.poor, "D")
    screen()
    assert "dangerous_house" in open_findings(village.poor)
    record.delete()
    run = screen(LATER)
    assert "dangerous_house" in run.counts["not_run"]
    assert "dangerous_house" in open_findings(village.poor)


def test_a_waiver_needs_a_reason_and_stays_quiet_until_a_value_changes(village, screen):
    screen()
    alert = alert_of(village.poor, "income_below_line")
    county = village.users["county"]
    with pytest.raises(actions.ScreeningError, match="理由"):
        actions.waive(alert=alert, by=county, reason="  对 ")
    actions.waive(alert=alert, by=county, reason="已入户核实，另有赡养费")
    screen(LATER)
    assert alert_of(village.poor, "income_below_line").state == Alert.State.WAIVED
    Household.objects.filter(pk=village.poor.pk).update(items={**village.poor.items, "wage_income": 290_000})
    run = screen(LATER)
    again = alert_of(village.poor, "income_below_line")
    assert again.state == Alert.State.OPEN
    assert again.waive_reason == "已入户核实，另有赡养费"
    assert run.counts["reopened"] == 1


def test_a_waiver_can_be_withdrawn_and_both_steps_are_audited(village, screen):
    screen()
    alert = alert_of(village.poor, "income_below_line")
    actions.waive(alert=alert, by=village.users["town"], reason="已入户核实无误")
    actions.withdraw_waiver(alert=alert, by=village.users["county"])
    assert alert_of(village.poor, "income_below_line").state == Alert.State.OPEN
    done = list(AuditEvent.objects.order_by("id").values_list("action", "actor_name"))[-2:]
    assert [action for action, _ in done] == ["alert_waive", "alert_withdraw_waiver"]
    with pytest.raises(actions.ScreeningError, match="没有可撤回的确认"):
        actions.withdraw_waiver(alert=alert, by=village.users["county"])


@pytest.mark.parametrize(
    "role", ["village", "grid", "reader", "department", "system_admin", "security_admin", "audit_admin"]
)
def test_only_county_and_town_waive(village, screen, role):
    screen()
    with pytest.raises(Refused):
        actions.waive(
            alert=alert_of(village.poor, "income_below_line"), by=village.users[role], reason="已入户核实无误"
        )


def test_nobody_waives_outside_the_own_region(village, screen, regions):
    other = village.users["town"]
    other.region_code = regions.other_town.code[:9]
    other.save()
    screen()
    with pytest.raises(Refused, match="不在您的管辖区划内"):
        actions.waive(alert=alert_of(village.poor, "income_below_line"), by=other, reason="已入户核实无误")


def test_only_the_county_starts_a_screening(village, screen):
    with pytest.raises(Refused):
        screen(by=village.users["town"])
    assert screen(by=village.users["county"]).started_by == village.users["county"]


def test_one_changed_value_is_enough_for_a_recheck(village, screen, assess):
    assess(village.well_off, "A")
    screen()
    assert "dangerous_house" not in open_findings(village.poor)
    assess(village.poor, "D")
    changes = actions.recheck(household=village.poor, as_of=LATER)
    assert changes.opened >= 1
    assert "dangerous_house" in open_findings(village.poor)
    Household.objects.filter(pk=village.poor.pk).update(items=village.well_off.items)
    village.poor.refresh_from_db()
    actions.recheck(household=village.poor, as_of=LATER)
    assert "income_below_line" not in open_findings(village.poor)


def test_a_recheck_and_a_screening_agree(village, screen, assess):
    assess(village.poor, "C")
    screen()
    before = list(Alert.objects.order_by("pk").values_list("pk", "finding", "state", "evidence_hash"))
    for household in (village.poor, village.well_off, village.next_door):
        changes = actions.recheck(household=household, as_of=screen().as_of)
        assert (changes.opened, changes.closed, changes.reopened) == (0, 0, 0)
    assert list(Alert.objects.order_by("pk").values_list("pk", "finding", "state", "evidence_hash")) == before


def test_a_household_changed_during_a_screening_is_left_to_its_recheck(village, screen, monkeypatch):
    screen()
    real = actions.engine.screen

    def slow(*args, **kwargs):
        counts = real(*args, **kwargs)
        source = Source.objects.create(kind="manual", title="页面修改", on=LATER, created_at=timezone.now())
        Entry.objects.create(household=village.poor, source=source, on=LATER, at=timezone.now(), changes={})
        Alert.objects.filter(household=village.poor, finding="income_below_line").update(
            state=Alert.State.CLOSED, closed_on=LATER
        )
        return counts

    monkeypatch.setattr(actions.engine, "screen", slow)
    screen(LATER)
    assert "income_below_line" not in open_findings(village.poor)
    assert "income_below_line" in open_findings(village.next_door)


def test_a_failed_screening_leaves_the_alerts_alone_and_says_why(village, screen, monkeypatch):
    screen()
    before = Alert.objects.count()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(actions.engine, "screen", full)
    with pytest.raises(actions.ScreeningError, match="磁盘"):
        screen(LATER)
    failed = Run.objects.first()
    assert (failed.state, Alert.objects.count()) == (Run.State.FAILED, before)
    assert "磁盘" in failed.message
    assert not actions.results_folder(failed).exists()


def test_a_killed_screening_is_found_and_marked_at_the_next_start(village):
    run = Run.objects.create(
        trigger=Run.Trigger.MANUAL, as_of=LATER, region_code="500236", rules_version="x", started_at=timezone.now()
    )
    actions.results_folder(run).mkdir(parents=True)
    assert actions.recover() == 1
    run.refresh_from_db()
    assert run.state == Run.State.FAILED
    assert "中断" in run.message
    assert not actions.results_folder(run).exists()


def test_old_result_files_are_forgotten(village, screen, monkeypatch):
    monkeypatch.setattr(actions, "KEEP_RUNS", 2)
    runs = [screen() for _ in range(3)]
    assert [actions.results_folder(run).exists() for run in runs] == [False, True, True]
    shutil.rmtree(actions.results_folder(runs[-1]))
    assert queries.unknown_counts(runs[-1], village.users["county"]) == {}


def test_counts_for_the_home_page_follow_the_viewer(village, screen):
    screen()
    county, grid = village.users["county"], village.users["grid"]
    mine = queries.open_by_finding(county)
    assert mine["income_below_line"] == 2
    assert queries.open_by_finding(village.users["village"])["income_below_line"] == 1
    assert queries.open_by_finding(grid) == {}
    places = queries.open_by_place(county)
    assert set(places) == {"500236101"}
    assert sum(places["500236101"].values()) == sum(queries.open_by_severity(county).values()) == sum(mine.values())
    days = queries.trend(county, until=screen().as_of, days=3)
    assert [count for _, count in days] == [0, 0, sum(mine.values())]


def test_alerts_follow_a_village_to_its_new_code(village, screen, regions):
    screen()
    new = "500236102299"
    Household.objects.filter(village=regions.village).update(region_code=new)
    regions_recoded.send(sender=Region, region_ids=[regions.village.pk])
    assert set(village.poor.alerts.values_list("region_code", flat=True)) == {new}
    assert set(village.next_door.alerts.values_list("region_code", flat=True)) == {regions.next_village.code}
