"""The demonstration shows applications in every state a visitor should see."""

from __future__ import annotations

import datetime as dt

from huqing.access.instance import mark_demo
from huqing.applications import queries, receipts
from huqing.applications.models import Application
from huqing.site import demo_applications, demonstration

TODAY = dt.date(2026, 6, 30)


def test_the_demonstration_has_applications_in_every_state(regions, make_household, settings, tmp_path, monkeypatch):
    settings.DATA = tmp_path
    mark_demo(tmp_path, day=TODAY)
    monkeypatch.setenv("HUQING_DATA", str(tmp_path))
    for number in range(9):
        make_household(village=regions.village, members=(f"田大{'一二三四五六七八九'[number]}",))
    demonstration.ensure_accounts()
    assert demo_applications.ensure_applications(regions.village, TODAY) == len(demo_applications.TOLD)
    assert demo_applications.ensure_applications(regions.village, TODAY) == 0
    town = demonstration.User.objects.get(username="zhen")
    waits = queries.waiting(town, TODAY)
    assert (waits.open, waits.late, waits.look) == (4, 1, 1)
    accepted = Application.objects.filter(state="accepted", channel="page").get()
    assert receipts.find(accepted.receipt, demo_applications.TAIL) == accepted
    newest = Application.objects.filter(channel="page").order_by("pk").last()
    assert queries.twins(newest, town).count() == 1
