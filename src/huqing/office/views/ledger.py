"""The ledger of duties: who has nobody, who has too many, the history of a household, files of staff."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from huqing.access.permissions import requires
from huqing.access.scope import covers, visible
from huqing.office import paging, places
from huqing.office.grid_forms import groups_of
from huqing.office.ledger_forms import StaffFileForm
from huqing.registry.models import Grid, Household, Region
from huqing.standards.codelists import codelist
from huqing.teams import grids, importing, ledger_queries, traits, units
from huqing.teams.models import StaffImport

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ORDERS = {"place": ["region_code", "number", "id"]}
GRID_ORDERS = {"place": ["region_code", "number", "id"]}
# What is listed below the gaps by place.
WHAT = {
    "": "没有{}的农户",
    "helpless": "没有帮扶责任人的监测对象",
    "no_grid": "没有划入网格的农户",
    "grids": "没有网格员的网格",
}
MANY = 10
LOADS_SHOWN = 20
REFUSED_SHOWN = 200


@requires("view_duties")
def ledger(request: HttpRequest) -> HttpResponse:
    """Gaps by place, the households behind them, and who is responsible for many."""
    user = request.user
    wanted = {key: request.GET.get(key, "").strip()[:30] for key in ("role", "region", "label", "many", "what")}
    if wanted["role"] not in codelist("duty_role"):
        wanted["role"] = ""
    if wanted["label"] not in codelist("label_kind"):
        wanted["label"] = ""
    if wanted["what"] not in WHAT:
        wanted["what"] = ""
    if not (wanted["region"].isdigit() and covers(user.region_code, wanted["region"])):
        wanted["region"] = ""
    many = int(wanted["many"]) if wanted["many"].isdigit() and len(wanted["many"]) < 4 else MANY
    asked = {key: wanted[key] for key in ("role", "region", "label")}
    found = ledger_queries.gaps(user, **asked)
    rows = {
        "": lambda: ledger_queries.left_alone(user, **asked),
        "helpless": lambda: ledger_queries.helpless(user, region=wanted["region"]),
        "no_grid": lambda: ledger_queries.without_grid(user, region=wanted["region"], label=wanted["label"]),
        "grids": lambda: ledger_queries.grids_alone(user, region=wanted["region"]),
    }[wanted["what"]]()
    page = paging.page(
        rows,
        query=request.GET,
        path=request.path,
        orders=GRID_ORDERS if wanted["what"] == "grids" else ORDERS,
        default="place",
        sortable=False,
    )
    context = {
        "wanted": wanted,
        "what": [(key, text) for key, text in WHAT.items() if key],
        "title": WHAT[wanted["what"]].format(
            codelist("duty_role").label(wanted["role"]) if wanted["role"] else "负责人"
        ),
        "many": many,
        "roles": codelist("duty_role").items,
        "labels": codelist("label_kind").items,
        "role_name": codelist("duty_role").label(wanted["role"]) if wanted["role"] else "负责人",
        "towns": places.towns(user.region_code),
        "gaps": found,
        "households": sum(gap.households for gap in found),
        "nobody": sum(gap.nobody for gap in found),
        "page": page,
        "loads": list(ledger_queries.loads(user, role=wanted["role"], at_least=many + 1)[:LOADS_SHOWN]),
    }
    return render(request, "office/ledger/rows.html" if request.htmx else "office/ledger/ledger.html", context)


@requires("view_duties")
def household_duties(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is and was responsible for a household."""
    household = get_object_or_404(visible(Household.objects.select_related("grid", "village"), request.user), pk=pk)
    day = ledger_queries.today()
    lines = list(ledger_queries.of_household(household, request.user))
    now = [line for line in lines if line.since <= day and (line.until is None or line.until >= day)]
    told = [(line, codelist("duty_role").label(line.role), line in now) for line in lines]
    told.sort(key=lambda item: not item[2])
    backing = [(line, codelist("duty_role").label(line.role)) for line in units.of_household(household, request.user)]
    context = {"household": household, "lines": told, "units": backing}
    return render(request, "office/ledger/household.html", context)


def _village(request: HttpRequest, code: str) -> dict[str, Any]:
    found = visible(Region.objects.filter(level=Region.Level.VILLAGE, valid_to=None), request.user)
    village = get_object_or_404(found.select_related("parent"), code=code)
    seen = ledger_queries.households_seen(request.user, region=code)
    return {
        "village": village,
        "contacts": ledger_queries.contacts(village, request.user),
        "units": [(line, codelist("duty_role").label(line.role)) for line in units.of_village(village, request.user)],
        "households": seen.count(),
        "nobody": ledger_queries.left_alone(request.user, region=code).count(),
        "traits": codelist("village_trait").items,
        "trait": village.traits.filter(until=None).values_list("kind", flat=True).first() or "",
        "grids": Grid.objects.filter(village=village)
        .annotate(n=Count("households", filter=Q(households__status="active")))
        .order_by("number"),
    }


@requires("view_duties")
def village_page(request: HttpRequest, code: str) -> HttpResponse:
    """A village: who is responsible for it, its grids and its households."""
    return render(request, "office/ledger/village.html", _village(request, code))


@requires("manage_duties")
@require_POST
def village_trait(request: HttpRequest, code: str) -> HttpResponse:
    """Say what kind of village it is."""
    village = _village(request, code)["village"]
    try:
        traits.set_trait(village=village, kind=request.POST.get("kind", ""), on=ledger_queries.today(), by=request.user)
    except ValidationError as error:
        messages.error(request, "；".join(error.messages))
    else:
        messages.success(request, "行政村类型已保存。")
    return redirect("office:village", code=code)


@requires("view_duties")
def village_card(request: HttpRequest, code: str) -> HttpResponse:
    """The village's contact card on paper: names, duties and the numbers people agreed to show.

    Who answers for the whole village, for each grid with the groups in it, and the units behind; helpers of single
    households stand on those households' own cards.
    """
    context, day = _village(request, code), ledger_queries.today()
    known = grids.workers(context["village"].pk, day)
    groups: dict[str, list[str]] = {}
    for name, parts in groups_of(code).items():
        for grid, _ in parts:
            groups.setdefault(grid, []).append(name)
    context["whole"] = [one for one in context["contacts"] if one.goals[:1] == ("全村",)]
    context["by_grid"] = [
        (grid, "、".join(filter(None, groups.get(grid.name, []))), known.get(grid.pk, []))
        for grid in context["grids"]
        if grid.n
    ]
    return render(request, "office/ledger/card.html", {**context, "on": day})


@requires("manage_duties")
def staff_import(request: HttpRequest) -> HttpResponse:
    """Upload a file of units, staff and duties; earlier files below."""
    form = StaffFileForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        initial={"on": timezone.localdate()},
    )
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            done = importing.import_staff(content=file, name=file.name, by=request.user, on=form.cleaned_data["on"])
        except ValidationError as error:
            form.add_error("file", error.messages)
        else:
            return redirect("office:staff-imported", pk=done.pk)
    earlier = visible(StaffImport.objects.select_related("created_by"), request.user)[:20]
    context = {"form": form, "earlier": earlier}
    return render(request, "office/ledger/import.html", context, status=422 if form.is_bound else 200)


@requires("manage_duties")
def staff_imported(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file brought, and the rows to correct."""
    done = _import(request, pk)
    rows = [
        (number, dict(zip(done.columns, values, strict=False)), faults)
        for number, values, faults in done.refused[:REFUSED_SHOWN]
    ]
    return render(request, "office/ledger/imported.html", {"done": done, "rows": rows})


@requires("manage_duties")
def staff_problems(request: HttpRequest, pk: int) -> HttpResponse:
    """The rows that were not taken in, as a workbook to correct and send again."""
    done = _import(request, pk)
    return _workbook(importing.problems_workbook(done, by=request.user), f"未入库_{done.pk}.xlsx")


@requires("manage_duties")
def staff_template(request: HttpRequest) -> HttpResponse:
    """An empty table with the right columns."""
    return _workbook(importing.template_workbook(), "人员和责任模板.xlsx")


def _import(request: HttpRequest, pk: int) -> StaffImport:
    found = visible(StaffImport.objects.all(), request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _workbook(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=XLSX)
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return answer


urlpatterns = [
    path("ledger/", ledger, name="ledger"),
    path("ledger/import/", staff_import, name="staff-import"),
    path("ledger/import/template/", staff_template, name="staff-template"),
    path("ledger/import/<int:pk>/", staff_imported, name="staff-imported"),
    path("ledger/import/<int:pk>/problems/", staff_problems, name="staff-problems"),
    path("villages/<str:code>/", village_page, name="village"),
    path("villages/<str:code>/trait/", village_trait, name="village-trait"),
    path("villages/<str:code>/card/", village_card, name="village-card"),
    path("households/<int:pk>/duties/", household_duties, name="household-duties"),
]
