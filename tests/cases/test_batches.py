"""Many cases at once: each is decided for itself, what cannot be is told, and a killed worker decides nothing twice."""

from __future__ import annotations

import pytest
from tests.cases.test_cases import BEGIN, case, clock, go, household, paper  # noqa: F401

from huqing.access.models import AuditEvent
from huqing.access.permissions import Refused
from huqing.cases import actions, batches, tasks
from huqing.cases.errors import CaseError
from huqing.cases.models import Batch, BatchLine, Case
from huqing.screening.models import Alert


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
    taken, real = [], actions.step_of

    def die(**told):
        if len(taken) == 2:
            raise Killed  # after two cases, within the third one's transaction
        taken.append(told["case"].pk)
        return real(**told)

    monkeypatch.setattr(actions, "step_of", die)
    with pytest.raises(Killed):
        batches.perform(batch.pk)
    assert batches.progress(batch) == {"done": 2, "waiting": 3}
    monkeypatch.setattr(actions, "step_of", real)
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
