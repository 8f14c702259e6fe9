"""The gallery of working methods: what the product brings, with visits, cadences, checklists and forms."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from huqing.access.permissions import requires
from huqing.office import method_page
from huqing.packs.shipped import shipped, shipped_keys
from huqing.rules.library import library


@requires("view_rules")
def method_list(request: HttpRequest) -> HttpResponse:
    """All shipped methods: what they are for, who visits whom how often."""
    rules = library()
    packs = [shipped(key) for key in shipped_keys()]
    methods = [(pack.method, method_page.visits(rules, pack), len(pack.forms)) for pack in packs]
    return render(request, "office/methods/list.html", {"methods": methods})


@requires("view_rules")
def method_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One method: its description, visits with checklists, groups, quotas, duties, indicators and forms."""
    if key not in shipped_keys():
        raise Http404("没有这个工作法。")
    rules, pack = library(), shipped(key)
    context = {
        "method": pack.method,
        "description": method_page.described(pack.readme),
        "visits": method_page.visits(rules, pack),
        "key_groups": method_page.key_groups(rules, pack),
        "quotas": [(pack.method.actor(item.actor), item) for item in pack.method.quotas],
        "duties": method_page.duties(rules, pack),
        "indicators": method_page.indicators(pack),
        "forms": method_page.forms(pack),
    }
    return render(request, "office/methods/detail.html", context)


urlpatterns = [
    path("methods/", method_list, name="methods"),
    path("methods/<str:key>/", method_detail, name="method"),
]
