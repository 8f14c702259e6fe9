"""Two people at once: one decides, the other is told who was faster; neither waits for the other for ever."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connections

from huqing.matters import actions
from huqing.matters.actions import Given
from huqing.matters.errors import MatterError, Moved


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told_who_was_faster(told, users_by_role) -> None:
    village, answers = users_by_role["village"], Counter()

    def run(barrier, matter, move, given) -> None:
        barrier.wait(30)
        try:
            actions.take(matter=matter, move=move, by=village, turn=0, given=given)
            answers["done"] += 1
        except MatterError as error:
            answers["faster" if isinstance(error, Moved) else str(error)] += 1
        finally:
            connections.close_all()

    def at_once(*steps) -> Counter:
        answers.clear()
        barrier = threading.Barrier(len(steps))
        threads = [threading.Thread(target=run, args=(barrier, *step)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return Counter(answers)

    one, other = told("桥头的路灯不亮了", contact="2468"), told("路灯又不亮了，黑得很", contact="2468")
    merged = at_once((one, "merge", Given(target=other)), (other, "merge", Given(target=one)))
    assert merged == {"done": 1, "那件事已经办结，不能再并入。": 1}
    matter = told("井盖破了要换一个", contact="2468")
    given = Given(answer="井盖已换新。")
    assert at_once(*[(matter, move, given) for move in ("answer", "accept", "answer")]) == {"done": 1, "faster": 2}
    assert matter.steps.count() == 1
