"""The parameters of the rules: which value is in force in the county and why, where it comes from, who uses it."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone

from huqing.access.permissions import may, requires
from huqing.office import parameter_page, rule_page
from huqing.office.views.rules import county_in_sight
from huqing.rules.library import library
from huqing.screening import bill_costs


@requires("view_rules")
def parameter_list(request: HttpRequest) -> HttpResponse:
    """All parameters by topic with the value in force today."""
    rules = library()
    text = request.GET.get("text", "").strip()[:40]
    county = county_in_sight(request.user)
    topics = parameter_page.by_topic(rules, day=timezone.localdate(), county=county, text=text)
    context = {
        "topics": topics,
        "total": len(rules.parameters),
        "text": text,
        "county": county,
        "place": rule_page.place_of(county) if county else "",
    }
    return render(request, "office/parameters/results.html" if request.htmx else "office/parameters/list.html", context)


@requires("view_rules")
def parameter_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One parameter: unit, values by region and date, the one in force and why, history, the rules that use it."""
    rules = library()
    parameter = rules.parameters.get(key)
    if parameter is None:
        raise Http404("没有这个参数。")
    today, county = timezone.localdate(), county_in_sight(request.user)
    users = parameter_page.users_of(rules).get(key, [])
    context: dict[str, Any] = {
        "parameter": parameter,
        "today": today,
        "county": county,
        "place": rule_page.place_of(county) if county else "",
        "shown": rule_page.parameter(parameter, today, county),
        "users": users,
        "can_try": may(request.user, "simulate") and (bool(users) or key in bill_costs.parameters(rules)),
    }
    if county:
        found = parameter_page.levels(parameter, day=today, county=county)
        context |= {
            "levels": found,
            "why": parameter_page.why(found),
            "own_files": parameter_page.own_files(key),
            "example": parameter_page.example(parameter, day=today, county=county),
        }
    return render(request, "office/parameters/detail.html", context)


urlpatterns = [
    path("parameters/", parameter_list, name="parameters"),
    path("parameters/<str:key>/", parameter_detail, name="parameter"),
]
