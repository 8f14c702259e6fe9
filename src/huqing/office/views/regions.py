"""Regions and grids: towns → villages → grids with how many households each has."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from huqing.access.models import ADMINISTRATORS, User
from huqing.access.permissions import requires
from huqing.access.scope import covers
from huqing.office import places, queries
from huqing.registry.models import Region


@requires("view_regions")
def overview(request: HttpRequest, code: str = "") -> HttpResponse:
    """The places below ``code`` (the account's own area without one), or the grids of a village."""
    user = request.user
    counties = _counties(user)
    if not code:
        code = user.region_code or (counties[0].code[: places.COUNTY_DIGITS] if len(counties) == 1 else "")
    if code and not _in_reach(user, code):
        raise Http404
    known = places.below(code)
    if code and code not in known:
        raise Http404
    context = {
        "counties": counties if not code else [],
        "code": code,
        "place": known.get(code),
        "above": [known[part] for part in _ancestors(code) if part in known and _in_reach(user, part)],
        "rows": queries.regions_overview(user, code) if code and len(code) < places.VILLAGE_DIGITS else [],
        "grids": queries.grids_of(code) if len(code) == places.VILLAGE_DIGITS else None,
        "level": "乡镇" if len(code) <= places.COUNTY_DIGITS else "村",
    }
    return render(request, "office/regions/overview.html", context)


def _counties(user: User) -> list[Region]:
    if user.role not in ADMINISTRATORS:
        return []
    return list(Region.objects.filter(level=Region.Level.COUNTY, valid_to=None).order_by("code"))


def _in_reach(user: User, code: str) -> bool:
    return user.role in ADMINISTRATORS or covers(user.region_code, code)


def _ancestors(code: str) -> list[str]:
    return [code[:length] for length in (places.COUNTY_DIGITS, places.TOWN_DIGITS) if length < len(code)]


urlpatterns = [
    path("regions/", overview, name="regions"),
    path("regions/<str:code>/", overview, name="region"),
]
