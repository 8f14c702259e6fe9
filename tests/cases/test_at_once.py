"""Two people who decide about a case at once: one does, the other is told who was faster."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection, connections
from tests.cases.test_cases import case, clock, household  # noqa: F401

from huqing.cases import actions
from huqing.cases.errors import Moved

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one after the other anyway")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_decide_at_once_one_is_told_who_was_faster(case, users_by_role) -> None:  # noqa: F811
    answers: Counter[str] = Counter()
    barrier = threading.Barrier(3)

    def run() -> None:
        barrier.wait(30)
        try:
            actions.take(case=case, move="dismiss", by=users_by_role["village"], turn=0, reason="线索与事实不符")
            answers["done"] += 1
        except Moved:
            answers["faster"] += 1
        except Exception as error:
            answers[repr(error)] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {"done": 1, "faster": 2}
    assert case.steps.count() == 1
