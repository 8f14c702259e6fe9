"""The search box: what is typed is posted, and never stands in an address to be read."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from huqing.access.permissions import requires
from huqing.office import search


@requires("view_household")
def find(request: HttpRequest) -> HttpResponse:
    """Post: seal what was typed and go to its result page. Get: the result page."""
    if request.method == "POST":
        sealed = search.sealed(request.session.session_key, request.POST.get("q", ""))
        return redirect(f"{reverse('office:search')}?{urlencode({'s': sealed})}" if sealed else "office:search")
    text = search.opened(request.session.session_key, request.GET.get("s", ""))
    if not text:
        return render(request, "office/search.html", {"label": "", "found": None})
    context = {"label": search.label(text), "found": search.find(request.user, text)}
    return render(request, "office/search.html", context)


urlpatterns = [path("search/", find, name="search")]
