"""Two people who decide about a case at once: one does, the other is told who was faster."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connections
from tests.cases.test_cases import case, clock, household  # noqa: F401

from huqing.access import audit
from huqing.cases import actions, batches
from huqing.cases.errors import Moved
from huqing.cases.models import BatchLine, Case
from huqing.registry.actions import set_values


def at_once(number: int, run) -> None:
    """Run something in so many threads, all beginning together."""
    barrier = threading.Barrier(number)

    def one() -> None:
        barrier.wait(30)
        try:
            run()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told_who_was_faster(case, users_by_role) -> None:  # noqa: F811
    answers: Counter[str] = Counter()

    def run() -> None:
        try:
            actions.take(case=case, move="dismiss", by=users_by_role["village"], turn=0, reason="线索与事实不符")
            answers["done"] += 1
        except Moved:
            answers["faster"] += 1
        except Exception as error:
            answers[repr(error)] += 1

    at_once(3, run)
    assert answers == {"done": 1, "faster": 2}
    assert case.steps.count() == 1


@pytest.mark.django_db(transaction=True)
def test_batches_of_the_same_cases_and_edits_of_their_households_neither_cross_nor_decide_twice(
    make_household,
    regions,
    users_by_role,
) -> None:
    village, county, chosen = users_by_role["village"], users_by_role["county"], []
    for number in range(6):
        home = make_household(grid=regions.grid, members=(f"户主{number}",))
        one = actions.open_case(household=home, source="2", clue="走访发现困难", by=village)
        one.state = one.procedure.states.get(key="county_decision")
        one.save()
        chosen.append(one)
    cases = Case.objects.filter(pk__in=[one.pk for one in chosen])
    waiting = [
        batches.ask_step(cases=part, move="county_approve", reason="", by=county)
        for part in (cases, cases.filter(pk__gt=chosen[2].pk), cases)
    ]
    todo: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    failed: list[BaseException] = []
    for batch in waiting:
        todo.put(partial(batches.perform, batch.pk))
    for one in reversed(chosen):
        values = {"group_name": f"{one.pk}组"}
        change = partial(set_values, household=one.household, values=values, by=village, reason="入户核实")
        todo.put(partial(change, on=one.opened_on))

    def run() -> None:
        while True:
            try:
                todo.get_nowait()()
            except queue.Empty:
                return
            except Exception as error:
                failed.append(error)

    at_once(4, run)
    assert failed == []
    lines = BatchLine.objects.values_list("case", "state")
    assert Counter(pk for pk, state in lines if state == "done") == {one.pk: 1 for one in chosen}
    assert {state for _, state in lines} == {"done", "refused"}
    for one in chosen:
        assert list(one.steps.values_list("move", flat=True)) == ["county_approve"]
        assert one.household.labels.filter(kind="monitor").count() == 1
        one.household.refresh_from_db()
        assert (one.household.group_name, "identified_on" in one.household.items) == (f"{one.pk}组", True)
    assert audit.verify().ok
