"""Regions and grids: towns → villages → grids with how many households each has."""

from __future__ import annotations

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_POST

from huqing.access.models import ADMINISTRATORS, Role, User
from huqing.access.permissions import Refused, may, requires
from huqing.access.scope import covers
from huqing.office import places, queries
from huqing.office.grid_forms import AssignGridForm, NewGridForm, groups_of
from huqing.office.views.shared import attempt
from huqing.registry.actions import assign_grid, create_grid
from huqing.registry.models import Grid, Region
from huqing.teams import grids
from huqing.teams.ledger_queries import today


@requires("view_regions")
def overview(request: HttpRequest, code: str = "") -> HttpResponse:
    """The places below ``code`` (the account's own area without one), or the grids of a village."""
    return _overview(request, code)


def _overview(request: HttpRequest, code: str, **forms: Form) -> HttpResponse:
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
        "grids": _grids(code) if len(code) == places.VILLAGE_DIGITS else None,
        "level": "乡镇" if len(code) <= places.COUNTY_DIGITS else "村",
        "village": len(code) == places.VILLAGE_DIGITS,
    }
    if context["village"] and (may(user, "manage_grids") or _whole_village(user)):
        context["groups"] = groups_of(code) if _whole_village(user) else {}
        context |= {"grid_form": NewGridForm(), "assign_form": AssignGridForm(village=code), **forms}
    return render(request, "office/regions/overview.html", context, status=422 if forms else 200)


def _grids(code: str) -> list[Grid]:
    """The grids of a village, each with who works in it."""
    found = list(queries.grids_of(code))
    village = found[0].village_id if found else 0
    known = grids.workers(village, today()) if found else {}
    for grid in found:
        grid.workers = known.get(grid.pk, [])
    return found


def _whole_village(user: User) -> bool:
    """Whether the account may divide a village: it edits files and sees more than one grid."""
    return may(user, "edit_household") and user.role != Role.GRID


@requires("manage_grids")
@require_POST
def grid_add(request: HttpRequest, code: str) -> HttpResponse:
    """A new grid in a village."""
    village = _village(request.user, code)
    form = NewGridForm(request.POST)
    if form.is_valid() and attempt(form, lambda: _made(request.user, village, form)):
        messages.success(request, "网格已建立。")
        return redirect("office:region", code=code)
    return _overview(request, code, grid_form=form)


def _made(user: User, village: Region, form: Form) -> Grid:
    return create_grid(village=village, name=form.cleaned_data["name"], by=user)


@requires("edit_household")
@require_POST
def grid_assign(request: HttpRequest, code: str) -> HttpResponse:
    """Whole groups of a village into a grid."""
    _village(request.user, code)
    if not _whole_village(request.user):
        raise Refused("网格员不能调整网格。请联系村级干部或乡镇经办。")
    form = AssignGridForm(request.POST, village=code)

    def act() -> str:
        changed = assign_grid(households=form.households(), grid=form.cleaned_data["grid"], by=request.user)
        return f"已划入，{changed} 户有变化。"

    done = attempt(form, act) if form.is_valid() else None
    if done:
        messages.success(request, done)
        return redirect("office:region", code=code)
    return _overview(request, code, assign_form=form)


def _village(user: User, code: str) -> Region:
    village = Region.objects.filter(code=code, level=Region.Level.VILLAGE, valid_to=None).first()
    if village is None or not _in_reach(user, code):
        raise Http404
    return village


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
    path("regions/<str:code>/grids/add/", grid_add, name="grid-add"),
    path("regions/<str:code>/grids/assign/", grid_assign, name="grid-assign"),
]
