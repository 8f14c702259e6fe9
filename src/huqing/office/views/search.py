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
    """Post: understand what was typed and go to its result page. Get: the result page."""
    if request.method == "POST":
        wanted = search.understand(request.user, request.POST.get("q", ""))
        if wanted is None:
            return redirect("office:search")
        key = secrets.token_urlsafe(6)
        kept = list(request.session.get(SESSION_KEY, {}).items())[-(KEPT - 1) :]
        request.session[SESSION_KEY] = {**dict(kept), key: wanted.as_session()}
        return redirect(f"{reverse('office:search')}?s={key}")
    known = request.session.get(SESSION_KEY, {}).get(request.GET.get("s", ""))
    if known is None:
        return render(request, "office/search.html", {"wanted": None, "found": None})
    wanted = search.Wanted(**known)
    return render(request, "office/search.html", {"wanted": wanted, "found": search.run(request.user, wanted)})


urlpatterns = [path("search/", find, name="search")]
