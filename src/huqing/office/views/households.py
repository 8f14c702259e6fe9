"""The list of households and the household page (一户一档)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone

from huqing.access.permissions import requires
from huqing.access.scope import covers
from huqing.office import bill_page, household_file, household_list, household_work, paging, places, wording
from huqing.registry.models import Household
from huqing.standards.codelists import codelist
from huqing.visits import calendar
from huqing.visits.timeline import timeline_of

ORDERS = {
    "place": ["region_code", "number"],
    "head": ["head_pinyin", "id"],
    "updated": ["updated_at", "id"],
}


@requires("view_household")
def household_list_page(request: HttpRequest) -> HttpResponse:
    """Households by place, group, label and kind of alert."""
    user, today = request.user, timezone.localdate()
    filters = _filters(request)
    found = household_list.households(user, filters, today=today)
    page = paging.page(
        found,
        query=request.GET,
        path=request.path,
        orders=ORDERS,
        default="place",
        sortable=household_list.sortable(user, filters),
    )
    page.total, page.total_is_limit = household_list.total(user, filters, found)
    town = filters.region[: places.TOWN_DIGITS] if len(filters.region) >= places.TOWN_DIGITS else ""
    towns = places.towns(user.region_code)
    if len(towns) == 1:
        town = towns[0].code
    context = {
        "page": page,
        "rows": household_list.rows(page.rows, today=today),
        "filters": filters,
        "town": town,
        "towns": towns,
        "villages": places.villages(user.region_code, town),
        "village": filters.region if len(filters.region) == places.VILLAGE_DIGITS else "",
        "groups": household_list.groups(user, filters.region or user.region_code),
        "labels": codelist("label_kind").items,
        "findings": sorted(wording.finding_titles().items(), key=lambda item: item[1]),
        "statuses": Household.Status.choices,
    }
    return render(request, "office/households/results.html" if request.htmx else "office/households/list.html", context)


@requires("view_household")
def household_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one household."""
    household = household_file.find(request.user, pk)
    today = timezone.localdate()
    context = {
        "file": household_file.load(household, today=today),
        "household": household,
        "today": today,
        "timeline": timeline_of(household, request.user),
        "work": household_work.of_household(household, request.user),
        "due": calendar.of_household(household) if household.status == Household.Status.ACTIVE else [],
    }
    return render(request, "office/households/detail.html", {**context, **place(household)})


@requires("view_visits")
def household_visits(request: HttpRequest, pk: int) -> HttpResponse:
    """The household's visits of one kind, as the fragment that the tabs of its page fetch."""
    household = household_file.find(request.user, pk)
    timeline = timeline_of(household, request.user, request.GET.get("kind", ""))
    if not request.htmx:
        return redirect(f"{reverse('office:household', args=[pk])}#visits")
    return render(request, "office/households/visits.html", {"timeline": timeline, "household": household})


@requires("view_household")
def household_history(request: HttpRequest, pk: int) -> HttpResponse:
    """The older entries of the history."""
    household = household_file.find(request.user, pk)
    events = household_file.history(household, after=household_file.HISTORY_SHOWN)
    return render(request, "office/households/events.html", {"events": events})


@requires("view_household")
def person_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything about one person; as a fragment inside the household page or as a page of its own."""
    person = household_file.find_person(request.user, pk)
    context = {"person": household_file.load_person(person, today=timezone.localdate()), "household": person.household}
    context["has_bills"] = bool(bill_page.records_of(person))
    template = "office/persons/detail.html" if request.htmx else "office/persons/page.html"
    return render(request, template, {**context, **place(person)})


def place(row: Any) -> dict[str, Any]:
    """Town and village of a row, for the breadcrumb."""
    known = places.below(row.region_code)
    return {
        "town": known.get(row.region_code[: places.TOWN_DIGITS]),
        "village": known.get(row.region_code[: places.VILLAGE_DIGITS]),
    }


def _filters(request: HttpRequest) -> household_list.Filters:
    """The filters of the address, without what is unknown or out of reach."""
    query = request.GET
    region = query.get("village") or query.get("town") or query.get("region") or ""
    # A village left over from another town is dropped when the town is changed.
    if query.get("town") and not region.startswith(query["town"]):
        region = query["town"]
    if not covers(request.user.region_code, region) or region not in places.below(region):
        region = ""
    label = query.get("label", "")
    finding = query.get("finding", "")
    status = query.get("status", "")
    return household_list.Filters(
        region=region,
        group=query.get("group", "")[:40] if len(region or request.user.region_code) == places.VILLAGE_DIGITS else "",
        label=label if label in codelist("label_kind") else "",
        finding=finding if finding in wording.finding_titles() else "",
        status=status if status in Household.Status.values else Household.Status.ACTIVE,
    )


urlpatterns = [
    path("households/", household_list_page, name="households"),
    path("households/<int:pk>/", household_page, name="household"),
    path("households/<int:pk>/visits/", household_visits, name="household-visits"),
    path("households/<int:pk>/history/", household_history, name="household-history"),
    path("persons/<int:pk>/", person_page, name="person"),
]
