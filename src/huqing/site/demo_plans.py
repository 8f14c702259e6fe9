"""The demonstration's plans: two thirds of the monitored households have one, made of what the ledger has of them.

Nothing is added to the ledger of measures, so what the rules find stays what the demo county was made with.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.conf import settings
from django.db.models import Case, Exists, OuterRef, Value, When

from huqing.access.instance import mark_demo
from huqing.access.models import User
from huqing.plans import actions
from huqing.plans.declarations import labels
from huqing.plans.lines import lines_of
from huqing.plans.models import Plan
from huqing.plans.queries import monitored, people_of
from huqing.registry.models import Household, Region

MOST = 48
WITHOUT = 3  # every third household is left without a plan
REVISED = 5
MADE, SEEN_AGAIN = -45, -10
AIM = "年内人均纯收入稳定在监测线以上，义务教育、医疗、住房和饮水都有保障"
NEXT_AIM = "巩固收入，措施逐项落实到底，半年后核对能否消除风险"


def ensure_plans(place: Region, as_of: dt.date) -> int:
    """Make the plans, those of ``place`` and its town first; returns how many there are."""
    if Plan.objects.exists():
        return Plan.objects.count()
    by = User.objects.get(username="xian")
    chosen = _households(place, as_of)
    try:
        mark_demo(Path(settings.DATA), day=as_of + dt.timedelta(days=MADE))
        made = [
            _make(household, by, as_of) for number, household in enumerate(chosen) if number % WITHOUT != WITHOUT - 1
        ]
        mark_demo(Path(settings.DATA), day=as_of + dt.timedelta(days=SEEN_AGAIN))
        for plan in made[::REVISED]:
            actions.revise_plan(
                plan=plan, by=by, risks=plan.risks, causes=plan.causes, situation=plan.situation, aim=NEXT_AIM,
                reason="入户回访后调整目标",
            )  # fmt: skip
    finally:
        mark_demo(Path(settings.DATA), day=as_of)
    return len(made)


def _households(place: Region, as_of: dt.date) -> list[Household]:
    near = Case(
        When(village=place, then=Value(0)),
        When(region_code__startswith=place.code[:9], then=Value(1)),
        default=Value(2),
    )
    rows = monitored(Household.objects.filter(status=Household.Status.ACTIVE), as_of)
    without = rows.filter(~Exists(Plan.objects.filter(household=OuterRef("pk")))).order_by(near, "pk")
    return [household for household in without[:MOST] if household.items.get("risks")]


def _make(household: Household, by: User, as_of: dt.date) -> Plan:
    people = people_of(household, as_of)
    risks = household.items["risks"]
    begun = as_of + dt.timedelta(days=MADE)
    held = [line for line in lines_of(household, None, begun) if line.registered_on and line.registered_on <= begun]
    return actions.make_plan(
        household=household,
        by=by,
        risks=risks,
        causes=[code for code in (household.items.get("main_cause"),) if code],
        situation=f"主要困难是{labels('risk_type', risks)}",
        aim=AIM,
        take_up={line.record.fingerprint: people[0] for line in held if line.record} if people else {},
    )
