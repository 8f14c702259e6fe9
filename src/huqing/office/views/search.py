"""The search box: what is typed is posted, and never stands in an address."""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from huqing.access.permissions import requires
from huqing.office import search

KEPT = 10
SESSION_KEY = "office.searches"


@requires("view_household")
def find(request: HttpRequest) -> HttpResponse:
    """Post: keep what was typed and go to its result page. Get: the result page."""
    if request.method == "POST":
        sealed = search.keep(request.POST.get("q", ""))
        if not sealed:
            return redirect("office:search")
        key = secrets.token_urlsafe(6)
        kept = list(request.session.get(SESSION_KEY, {}).items())[-(KEPT - 1) :]
        request.session[SESSION_KEY] = {**dict(kept), key: sealed}
        return redirect(f"{reverse('office:search')}?s={key}")
    sealed = request.session.get(SESSION_KEY, {}).get(request.GET.get("s", ""))
    if not sealed:
        return render(request, "office/search.html", {"label": "", "found": None})
    text = search.kept(sealed)
    context = {"label": search.label(text), "found": search.find(request.user, text)}
    return render(request, "office/search.html", context)


urlpatterns = [path("search/", find, name="search")]
