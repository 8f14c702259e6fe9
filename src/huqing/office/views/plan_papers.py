"""Papers of a plan to print, all from data: the plan, the handbook that stays with the household, the plain card."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from huqing.access.calendar import today
from huqing.access.permissions import requires
from huqing.office.views.plans import find_plan
from huqing.plans.declarations import labels
from huqing.plans.lines import WAITING, Line, lines_of, matches
from huqing.plans.models import Plan
from huqing.plans.queries import people_of
from huqing.registry.models import DepartmentRecord
from huqing.registry.values import shown
from huqing.standards.codelists import codelist
from huqing.standards.fields import record_kinds
from huqing.standards.money import yuan_text

VISITS_SHOWN = 12
CALL_AT_MOST = 3  # the card is one sheet
INCOME = (
    "wage_income",
    "business_income",
    "property_income",
    "transfer_income",
    "business_cost",
    "income_per_head",
)
CONDITIONS = ("house_grade", "dangerous_house", "water_safe", "water_source", "road_type", "sanitary_toilet")


@requires("view_plans")
def paper(request: HttpRequest, pk: int) -> HttpResponse:
    """一户一策: one sheet with risks, measures, people and money."""
    return render(request, "office/plans/paper.html", _told(find_plan(request, pk)))


@requires("view_plans")
def handbook(request: HttpRequest, pk: int) -> HttpResponse:
    """帮扶手册: members, income, conditions, plan, visits."""
    plan = find_plan(request, pk)
    household = plan.household
    kind = record_kinds()["household"]

    def facts(keys: tuple[str, ...]) -> list[tuple[str, str]]:
        told = []
        for key in keys:
            text = shown(kind[key], household.items.get(key))
            told.append((kind[key].label, f"{text} {kind[key].unit}".strip() if text else ""))
        return told

    visits = DepartmentRecord.objects.filter(household=household, kind="home_visit", retired_by=None)
    context = {
        **_told(plan),
        "members": [_member(one) for one in household.members.order_by("relation", "birth_date", "pk")],
        "income": facts(INCOME),
        "conditions": facts(CONDITIONS),
        "visits": [
            (row.on, row.items.get("visitor", ""), row.items.get("note", ""))
            for row in visits.order_by("-on", "-pk")[:VISITS_SHOWN]
        ],
    }
    return render(request, "office/plans/handbook.html", context)


@requires("view_plans")
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """明白卡: what help, how much, until when, whom to call; in large letters."""
    plan = find_plan(request, pk)
    told = _told(plan)
    helped = [line for line in told["lines"] if line.planned is not None and line.record is not None]
    people = [line.planned.staff for line in helped if line.planned and line.planned.staff]
    reachable = {one.pk: one for one in [*people, *people_of(plan.household, today())] if one.phone}
    context = {
        **told,
        "helped": [(line, _money(line)) for line in helped],
        "people": list(reachable.values())[:CALL_AT_MOST],
    }
    return render(request, "office/plans/card.html", context)


def _told(plan: Plan) -> dict[str, Any]:
    day = today()
    lines = lines_of(plan.household, plan, day)
    sums = [line.planned.planned for line in lines if line.planned]
    known = [fen for fen in sums if fen is not None]
    return {
        "plan": plan,
        "household": plan.household,
        "lines": lines,
        "matches": matches(plan.risks, lines),
        "causes": labels("poverty_cause", plan.causes),
        "risks": labels("risk_type", plan.risks),
        "planned_sum": sum(known) if known else None,
        "unplanned": len(sums) - len(known),
        "day": day,
    }


def _money(line: Line) -> str:
    """What the household got, or is to get, in words without the cents that are none."""
    planned = line.planned.planned if line.planned else None
    if line.amount and line.state != WAITING:
        return f"已给您 {yuan_text(line.amount, grouped=True).removesuffix('.00')} 元"
    hoped = planned or line.amount
    return f"计划给您 {yuan_text(hoped, grouped=True).removesuffix('.00')} 元" if hoped else ""


def _member(person: Any) -> dict[str, str]:
    items = person.items
    labour, health = items.get("labour"), items.get("health", [])
    return {
        "name": person.name,
        "relation": codelist("relation_to_head").label(person.relation),
        "born": person.birth_date.isoformat()[:7] if person.birth_date else "",
        "labour": codelist("labor_2021").label(labour) if labour else "",
        "health": labels("health", health) if health else "",
    }


urlpatterns = [
    path("plans/<int:pk>/paper/", paper, name="plan-paper"),
    path("plans/<int:pk>/handbook/", handbook, name="plan-handbook"),
    path("plans/<int:pk>/card/", card, name="plan-card"),
]
