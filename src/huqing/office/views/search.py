"""The search box: what is typed is posted, and stands in no address that anybody can read."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse

from huqing.access.permissions import requires
from huqing.office import search


@requires("view_household")
def find(request: HttpRequest) -> HttpResponse:
    """The result page. What was typed comes by post; the page then takes an address of its own that can be reloaded.

    Leading the browser on to that address would cost every search a second request.
    """
    session, text, address = request.session.session_key, "", ""
    if request.method == "POST":
        if sealed := search.sealed(session, request.POST.get("q", "")):
            text, address = search.opened(session, sealed), f"{reverse('office:search')}?{urlencode({'s': sealed})}"
    else:
        text = search.opened(session, request.GET.get("s", ""))
    found = search.find(request.user, text) if text else None
    return render(request, "office/search.html", {"label": search.label(text), "found": found, "address": address})


urlpatterns = [path("search/", find, name="search")]
