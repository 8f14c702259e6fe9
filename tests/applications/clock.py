"""The day of the office, held still in everything that takes, answers and shows applications."""

from __future__ import annotations

import datetime as dt

DAY = dt.date(2026, 11, 2)


def set_clock(monkeypatch) -> dict[str, dt.date]:
    """Patch every module that asks for the day; change ``["day"]`` to let time pass."""
    from huqing.applications import actions
    from huqing.cases import actions as case_actions
    from huqing.office.views import application_entry, applications, public, public_applications

    now = {"day": DAY}
    for module in (actions, case_actions, public, public_applications, applications, application_entry):
        monkeypatch.setattr(module, "today", lambda: now["day"])
    return now
