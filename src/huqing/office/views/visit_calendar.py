"""The visit calendar: what one answers for and when it is due, and how towns or villages keep the cadence."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from huqing.access.permissions import may, requires
from huqing.access.scope import covers
from huqing.office import places
from huqing.visits import calendar
from huqing.visits.methods import in_use

SHOWN = 100
TONES = {calendar.OVERDUE: "high", calendar.WEEK: "medium", calendar.MONTH: "accent", calendar.LATER: "low"}


@requires("view_visits")
def visit_calendar(request: HttpRequest) -> HttpResponse:
    """What is due to the signed-in person: overdue, this week, this month, later."""
    user = request.user
    told = calendar.due_for(user)
    stretches = [
        {
            "key": key,
            "title": title,
            "tone": TONES[key],
            "rows": told.of(key)[:SHOWN],
            "count": told.counts[key],
            "hidden": max(0, told.counts[key] - SHOWN),
        }
        for key, title in calendar.WORDS.items()
        if told.counts[key]
    ]
    context = {
        "day": told.day,
        "stretches": stretches,
        "can_visit": may(user, "visit"),
        "methods": bool(in_use()),
    }
    return render(request, "office/visits/calendar.html", context)


@requires("view_visits")
def cadence(request: HttpRequest) -> HttpResponse:
    """How the cadence is kept by town (or village) and kind of visit. Nobody who visits is named."""
    methods = [(item.row.key, item.told.title) for item in in_use()]
    method = request.GET.get("method", "")
    method = method if method in dict(methods) else (methods[0][0] if methods else "")
    prefix, region = request.user.region_code, request.GET.get("town", "")
    region = region if covers(prefix, region) and region in places.below(prefix) else ""
    try:
        rows = calendar.cadence(request.user, method=method, region=region) if methods else []
    except (ValidationError, ValueError):
        rows = []
    context: dict[str, Any] = {
        "methods": methods,
        "method": method,
        "by_place": list(calendar.by_place(rows).items()),
        "total": calendar.total(rows),
        "region": region,
        "place": places.name_of(region or prefix) if prefix else "",
        "drill": not region and len(prefix) <= places.COUNTY_DIGITS,
        "level": "乡镇" if len(region or prefix) <= places.COUNTY_DIGITS else "村",
    }
    return render(request, "office/visits/cadence.html", context)


urlpatterns = [
    path("visit-calendar/", visit_calendar, name="visit-calendar"),
    path("visit-calendar/cadence/", cadence, name="visit-cadence"),
]
