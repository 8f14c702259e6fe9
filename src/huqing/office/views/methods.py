"""The gallery of working methods: what the product brings, with visits, cadences, checklists and forms."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.office import method_page
from huqing.office.views.shared import county_of
from huqing.packs.errors import PackError
from huqing.packs.shipped import shipped, shipped_keys
from huqing.rules.library import library
from huqing.visits import installing
from huqing.visits.background import refresh_soon
from huqing.visits.models import Method
from huqing.visits.publishing import PublishProblem


@requires("view_rules")
def method_list(request: HttpRequest) -> HttpResponse:
    """All shipped methods: what they are for, who visits whom how often."""
    rules = library()
    packs = [shipped(key) for key in shipped_keys()]
    methods = [(pack.method, method_page.visits(rules, pack), len(pack.forms)) for pack in packs]
    return render(request, "office/methods/list.html", {"methods": methods, "in_use": _in_use()})


def _in_use() -> dict[str, Method]:
    """The active method of each key."""
    return {method.key: method for method in Method.objects.filter(active=True).select_related("installed_by")}


@requires("manage_methods")
@require_POST
def method_install(request: HttpRequest, key: str) -> HttpResponse:
    """Put a shipped method to use: its forms are published, and who is due a visit is worked out."""
    if key not in shipped_keys():
        raise Http404("没有这个工作法。")
    try:
        method = installing.install_method(folder_or_key=key, by=request.user)
    except (PublishProblem, PackError) as error:
        messages.error(request, f"不能启用：{'；'.join(str(problem) for problem in error.problems[:5])}")
    else:
        refresh_soon(county_of(request.user.region_code))
        messages.success(request, f"“{method.title}”已启用，表单已发布。走访任务在后台排出，几分钟后在走访日历里看到。")
    return redirect("office:method", key=key)


@requires("manage_methods")
@require_POST
def method_retire(request: HttpRequest, key: str) -> HttpResponse:
    """Stop a method: nothing more is due, its forms are handed out no more."""
    method = get_object_or_404(Method, key=key, active=True)
    installing.retire_method(method=method, by=request.user)
    messages.success(request, f"“{method.title}”已停用。手机不再下载它的表单，已经在填的仍可上传。")
    return redirect("office:method", key=key)


@requires("view_rules")
def method_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One method: its description, visits with checklists, groups, quotas, duties, indicators and forms."""
    if key not in shipped_keys():
        raise Http404("没有这个工作法。")
    rules, pack = library(), shipped(key)
    active = _in_use().get(key)
    context = {
        "method": pack.method,
        "description": method_page.described(pack.readme),
        "visits": method_page.visits(rules, pack),
        "key_groups": method_page.key_groups(rules, pack),
        "quotas": [(pack.method.actor(item.actor), item) for item in pack.method.quotas],
        "duties": method_page.duties(rules, pack),
        "indicators": method_page.indicators(pack),
        "assessments": method_page.assessments(pack),
        "forms": method_page.forms(pack),
        "active": active,
        "changed": active is not None and active.digest != installing.digest_of(pack.folder),
    }
    return render(request, "office/methods/detail.html", context)


urlpatterns = [
    path("methods/", method_list, name="methods"),
    path("methods/<str:key>/", method_detail, name="method"),
    path("methods/<str:key>/install/", method_install, name="method-install"),
    path("methods/<str:key>/retire/", method_retire, name="method-retire"),
]
