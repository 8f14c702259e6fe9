"""Many cases at once: each is decided for itself, what cannot be is told, and a killed worker decides nothing twice."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.cases.test_cases import BEGIN, case, clock, go, household, paper  # noqa: F401

from huqing.access import audit
from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.cases import actions, batches, steps, tasks
from huqing.cases.errors import CaseError
from huqing.cases.models import Batch, BatchLine, Case
from huqing.registry.actions import set_label
from huqing.screening.models import Alert
from huqing.visits.models import RecheckDue


@pytest.fixture
def many(make_household, regions, users_by_role, clock) -> list[Case]:  # noqa: F811
    """Five cases: four accepted, the last one still a clue without its paper."""
    village, found = users_by_role["village"], []
    for number in range(5):
        household = make_household(grid=regions.grid, members=(f"户主{number}",))  # noqa: F811
        one = actions.open_case(household=household, source="2", clue="走访发现大病支出", by=village)
        if number < 4:
            paper(one, "authorisation", village, clock, signed_by=household.members.first().pk)
            go(one, "accept", village)
        found.append(one)
    return found


def alert(household, finding: str, **more) -> Alert:  # noqa: F811
    return Alert.objects.create(
        finding=finding, household=household, region_code=household.region_code, severity="high", opened_on=BEGIN,
        seen_on=BEGIN, **more,
    )  # fmt: skip


def told(batch: Batch) -> list[tuple[str, str]]:
    return list(batch.lines.order_by("pk").values_list("state", "told"))


def test_some_are_taken_and_the_others_say_why_not(many, users_by_role) -> None:
    village = users_by_role["village"]
    batch = batches.ask_step(cases=Case.objects.all(), move="send_verify", reason="", by=village)
    go(many[1], "withdraw", village, reason="农户自己撤回")
    batches.perform(batch.pk)
    batch.refresh_from_db()
    assert batch.state == Batch.State.DONE
    lines = told(batch)
    assert [state for state, _ in lines] == ["done", "refused", "done", "done", "refused"]
    assert "村级干部已办理“农户撤回”" in lines[1][1]
    assert "不能办理“安排入户”" in lines[4][1]
    assert Case.objects.filter(state__key="verifying").count() == 3
    assert AuditEvent.objects.filter(action="case_move", detail__move="send_verify").count() == 3
    assert AuditEvent.objects.get(action="batch_end").detail == {"done": 3, "refused": 2}


def test_a_killed_worker_leaves_a_batch_that_is_finished_without_deciding_twice(
    many, users_by_role, monkeypatch
) -> None:
    class Killed(BaseException):
        pass

    batch = batches.ask_step(cases=Case.objects.all(), move="send_verify", reason="", by=users_by_role["village"])
    taken, real = [], steps.steps_of
    monkeypatch.setattr(batches, "CHUNK", 2)

    def die(**told):
        found = real(**told)
        taken.extend(found.steps)
        if len(taken) == 4:
            raise Killed  # the second two are taken, but not committed
        return found

    monkeypatch.setattr(steps, "steps_of", die)
    with pytest.raises(Killed):
        batches.perform(batch.pk)
    assert batches.progress(batch) == {"done": 2, "waiting": 3}
    monkeypatch.setattr(steps, "steps_of", real)
    assert tasks.recover() == 1
    assert batches.progress(batch) == {"done": 4, "refused": 1}
    assert [Case.objects.get(pk=one.pk).turn for one in many] == [2, 2, 2, 2, 0]
    assert tasks.recover() == 0
    batches.perform(batch.pk)
    assert AuditEvent.objects.filter(action="batch_end").count() == 1


def test_a_batch_is_only_of_what_its_asker_may_see_and_do(many, users_by_role, regions) -> None:
    with pytest.raises(CaseError, match="不能由您办理这一步"):
        batches.ask_step(cases=Case.objects.all(), move="send_verify", reason="", by=users_by_role["grid"])
    with pytest.raises(Refused):
        batches.ask_step(cases=Case.objects.all(), move="send_verify", reason="", by=users_by_role["reader"])
    with pytest.raises(CaseError, match="请写明理由"):
        batches.ask_step(cases=Case.objects.all(), move="withdraw", reason="无", by=users_by_role["village"])
    far = type(users_by_role["town"])(username="far", display_name="外县", role="town", region_code="500237101")
    far.save()
    with pytest.raises(CaseError, match="请选要办理的事项"):
        batches.ask_step(cases=Case.objects.all(), move="send_verify", reason="", by=far)
    assert not Batch.objects.exists()


def test_alerts_become_one_case_a_household_and_join_the_one_that_is_open(
    many, make_household, regions, users_by_role
) -> None:
    village = users_by_role["village"]
    fresh = make_household(grid=regions.grid, members=("新户",))
    first, second = alert(fresh, "a"), alert(fresh, "b")
    joined = alert(many[0].household, "a")
    gone = alert(make_household(grid=regions.grid, members=("旧户",)), "a")
    alert(make_household(village=regions.foreign_village, members=("外县户",)), "a")
    batch = batches.ask_cases(alerts=Alert.objects.all(), clue="本月筛查发现", by=village)
    assert batch.total == 3
    Alert.objects.filter(pk=gone.pk).update(state="closed", closed_on=BEGIN)
    batches.perform(batch.pk)
    made = Case.objects.get(household=fresh)
    assert set(made.alerts.all()) == {first, second}
    assert made.clue_source == "3"
    assert list(many[0].alerts.all()) == [joined]
    assert dict(BatchLine.objects.values_list("household__head_name", "state")) == {
        "新户": "done", "户主0": "done", "旧户": "refused",
    }  # fmt: skip
    again = batches.ask_cases(alerts=Alert.objects.filter(pk__in=[first.pk, joined.pk]), clue="再点一次", by=village)
    batches.perform(again.pk)
    assert batches.progress(again) == {"refused": 2}
    assert Case.objects.filter(household=fresh).count() == 1


@pytest.fixture
def waiting(make_household, regions, users_by_role) -> list[Case]:
    """Four cases before the county's decision: nothing known, a date from a roster, cleared before, a label to come."""
    made = [
        actions.open_case(
            household=make_household(grid=regions.grid, members=(name,), items=items),
            source="2",
            clue="走访发现困难",
            by=users_by_role["village"],
            on=BEGIN,
        )
        for name, items in (
            ("新户", {}),
            ("名册户", {"identified_on": "2020-05-01"}),
            ("返贫户", {"identified_on": "2020-05-01", "cleared_on": "2022-05-01"}),
            ("将来户", {}),
        )
    ]
    for number, one in enumerate(made):
        one.state = one.procedure.states.get(key="county_decision")
        one.turn = number
        one.save()
    set_label(household=made[3].household, kind="monitor", valid_from=dt.date(2099, 1, 1), by=None, reason="名册")
    return made


def written(one: Case) -> dict[str, object]:
    """What a decision left: state, step, file, label, history and audit events, without keys and times."""
    one = Case.objects.get(pk=one.pk)
    home, subjects = one.household, {"cases.case": one.pk, "registry.household": one.household_id}
    events = [
        (event.action, event.actor_name, event.region_code, str(event.detail).replace(one.number, "…"))
        for kind, pk in subjects.items()
        for event in AuditEvent.objects.filter(subject_kind=kind, subject_id=str(pk)).order_by("pk")
    ]
    return {
        "case": [(one.state.key, one.turn, one.due_on, one.total_due_on, one.press_on, one.late_role)],
        "steps": list(one.steps.values_list("turn", "move", "before", "after", "by", "on", "reason", "late_by")),
        "file": home.items,
        "labels": list(home.labels.values_list("kind", "valid_from", "valid_to", "source__on")),
        "history": list(home.entries.order_by("pk").values_list("changes", "on", "source__created_by")),
        "events": events,
    }


def test_a_batch_writes_what_the_same_decisions_write_one_by_one(waiting, users_by_role, monkeypatch) -> None:
    county = users_by_role["county"]
    before = {one.pk: written(one) for one in waiting}
    with transaction.atomic():
        for one in waiting[:3]:
            go(one, "county_approve", county)
        alone = [written(one) for one in waiting[:3]]
        with pytest.raises(CaseError, match="档案写不进去：从 2099-01-01 起已有这个标签"):
            go(waiting[3], "county_approve", county)
        transaction.set_rollback(True)
    monkeypatch.setattr(batches, "_work", None)  # all of them are written together, the refused one too
    batch = batches.ask_step(cases=Case.objects.all(), move="county_approve", reason="", by=county)
    batches.perform(batch.pk)
    assert [state for state, _ in told(batch)] == ["done", "done", "done", "refused"]
    assert told(batch)[3][1].startswith("档案写不进去：从 2099-01-01 起已有这个标签")
    assert [written(one) for one in waiting[:3]] == alone
    assert written(waiting[3]) == before[waiting[3].pk]
    assert [one["file"].get("identified_on") for one in alone] != [None] * 3
    assert audit.verify().ok
    assert set(RecheckDue.objects.values_list("household", flat=True)) == {one.household_id for one in waiting[:3]}


def test_what_cannot_be_written_together_is_written_one_by_one(many, users_by_role, monkeypatch) -> None:
    real = steps.steps_of

    def crossed(*, turns, **told):
        if len(turns) > 1:
            raise OperationalError("deadlock detected")
        return real(turns=turns, **told)

    monkeypatch.setattr(steps, "steps_of", crossed)
    batch = batches.ask_step(cases=Case.objects.all(), move="send_verify", reason="", by=users_by_role["village"])
    batches.perform(batch.pk)
    assert batches.progress(batch) == {"done": 4, "refused": 1}
    assert [Case.objects.get(pk=one.pk).turn for one in many] == [2, 2, 2, 2, 0]


def test_a_case_that_breaks_the_work_holds_up_no_other(many, users_by_role, monkeypatch) -> None:
    real = steps.steps_of

    def breaks(*, turns, **told):
        if many[1].pk in turns:
            raise ZeroDivisionError
        return real(turns=turns, **told)

    monkeypatch.setattr(steps, "steps_of", breaks)
    batch = batches.ask_step(cases=Case.objects.all(), move="send_verify", reason="", by=users_by_role["village"])
    batches.perform(batch.pk)
    assert batches.progress(batch) == {"done": 3, "refused": 2}
    assert told(batch)[1] == ("refused", batches.BROKEN)
    assert list(batches.unfinished()) == []


def test_many_are_read_and_written_as_one(waiting, users_by_role) -> None:
    def statements(count: int) -> int:
        chosen = Case.objects.filter(pk__in=[one.pk for one in waiting[:count]])
        batch = batches.ask_step(cases=chosen, move="county_approve", reason="", by=users_by_role["county"])
        with transaction.atomic():
            with CaptureQueriesContext(connection) as done:
                batches.perform(batch.pk)
            assert batches.progress(batch) == {"done": count}
            transaction.set_rollback(True)
        return len(done)

    assert statements(3) == statements(2)
