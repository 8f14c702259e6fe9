"""Several people who decide about the same line of a review at once: one does, the others are told."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from tests.cases.test_at_once import at_once

from huqing.access.models import AuditEvent
from huqing.rosters import reviews
from huqing.rosters.models import ReviewLine

from .conftest import DAY


@pytest.mark.django_db(transaction=True)
def test_of_several_who_decide_about_a_line_at_once_one_does(make_household, label, people, monkeypatch) -> None:
    home = make_household(members=("甲",))
    label(home, "dibao", "2022-05-01", person=home.members.get())
    reviews.start(kind="dibao", title="低保复核", due_by=None, by=people.county)
    line, answers = ReviewLine.objects.get(), Counter()
    # PostgreSQL lets everybody look for the line before one of them has it; SQLite lets one in after the other.
    gate, visible = threading.Barrier(4 if connection.vendor == "postgresql" else 1), reviews.visible

    def together(*given: Any, **more: Any) -> Any:
        gate.wait(30)
        return visible(*given, **more)

    monkeypatch.setattr(reviews, "visible", together)

    def run() -> None:
        try:
            reviews.decide(lines=[line.pk], decision="continue", effective_on=DAY, reason="", by=people.county)
            answers["done"] += 1
        except ValidationError as error:
            answers["told"] += "已由别人办理" in error.messages[0]

    at_once(4, run)
    assert answers == {"done": 1, "told": 3}
    assert AuditEvent.objects.filter(action="review_decide").count() == 1
